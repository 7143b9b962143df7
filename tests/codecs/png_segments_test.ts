import { deepEqual, equal, ok } from "node:assert/strict";
import { png } from "../../codecs/png.ts";
import {
  adler32,
  encodePngHead,
  encodePngSegment,
  encodePngTail,
  fitsPng,
  type GreyPng,
  joinAdler,
  pngChunk,
} from "../../codecs/png_segments.ts";
import type { LengthUnit } from "../../core/units.ts";
import { viewBytes } from "../../core/dtype.ts";
import { decode, memorySource } from "./_png_reading.ts";
import { join, seeded } from "./_png_writer.ts";

/** A whole PNG in segments of so many rows. */
function encode(image: GreyPng, voxels: Uint8Array | Uint16Array, rows: number): Uint8Array {
  const parts = [encodePngHead(image)];
  let adler = 1;
  for (let row = 0; row < image.height; row += rows) {
    const [from, to] = [row, row + rows].map((y) => y * image.width);
    const segment = encodePngSegment(voxels.subarray(from, to), image.width);
    parts.push(pngChunk("IDAT", segment.bytes));
    adler = joinAdler(adler, segment.adler, segment.length);
  }
  return join(...parts, encodePngTail(adler));
}

const [WIDTH, HEIGHT] = [301, 77];
const kinds = {
  noise: (random: () => number) => () => random() * 65536,
  labels: () => (i: number) => 1000 + 300 * Math.floor((i % WIDTH) / 60),
} as const;
for (const dtype of ["uint8", "uint16"] as const) {
  for (const [name, kind] of Object.entries(kinds)) {
    Deno.test(`segments of ${dtype} ${name} are one PNG, however many rows each has`, async () => {
      const voxel = kind(seeded(3));
      const ArrayType = dtype === "uint8" ? Uint8Array : Uint16Array;
      const voxels = new ArrayType(WIDTH * HEIGHT);
      for (let i = 0; i < voxels.length; i++) voxels[i] = voxel(i);
      const pixelSize = { x: 4.6, y: 5, unit: "nanometer" } as const;
      const image = { width: WIDTH, height: HEIGHT, dtype, pixelSize };
      for (const rows of [1, 7, 64, HEIGHT]) {
        const file = encode(image, voxels, rows);
        deepEqual((await png.describe(memorySource(file))).voxelSize, pixelSize);
        const read = await decode(file);
        ok(viewBytes(voxels).every((byte, i) => byte === read[i]), `${rows} rows`);
      }
      if (name === "labels") ok(encode(image, voxels, HEIGHT).length < 1000);
    });
  }
}

Deno.test("encodePngSegment() gives bytes that a thread can hand on, however few", () => {
  for (const height of [1, 5, 300]) {
    const { bytes } = encodePngSegment(new Uint16Array(7 * height).fill(9), 7);
    const copy = bytes.slice();
    deepEqual(structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] }), copy);
  }
});

Deno.test("joinAdler() makes the checksum of the whole from those of its parts", () => {
  const random = seeded(11);
  const bytes = Uint8Array.from({ length: 200_000 }, () => 200 + random() * 56);
  // zlib's own, of the first letters of the alphabet.
  equal(adler32(new TextEncoder().encode("abcdefghijklm")), 0x23f4_053c);
  for (const cut of [0, 1, 5552, 65521, 131_043, 200_000]) {
    const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)];
    equal(joinAdler(adler32(first), adler32(second), second.length), adler32(bytes), `${cut}`);
  }
});

const sizes: { x: number; unit: LengthUnit; fits: boolean }[] = [
  { x: 4, unit: "nanometer", fits: true },
  { x: 0.1, unit: "nanometer", fits: false },
  { x: 1, unit: "meter", fits: true },
  { x: 3, unit: "meter", fits: false },
];
for (const { x, unit, fits } of sizes) {
  Deno.test(`fitsPng() says ${fits} of ${x} ${unit}`, () =>
    equal(fitsPng({ x, y: x, unit }), fits));
}
