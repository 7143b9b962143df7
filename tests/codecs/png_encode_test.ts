import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { png } from "../../codecs/png.ts";
import { encodePng, type PngImage } from "../../codecs/png_encode.ts";
import { decode, memorySource } from "./_png_reading.ts";
import { seeded } from "./_png_writer.ts";

const SIZES = [[7, 5], [1, 1], [33, 3], [1, 70], [129, 131]] as const;

/** Little-endian samples: smooth, so that Average pays, or in blocks, so that None does. */
function makeImage(
  width: number,
  height: number,
  samples: 1 | 2 | 3 | 4,
  dtype: "uint8" | "uint16",
  blocks = false,
): PngImage {
  const random = seeded(width * height + samples);
  const values = new (dtype === "uint16" ? Uint16Array : Uint8Array)(width * height * samples);
  const top = dtype === "uint16" ? 65536 : 256;
  for (let i = 0; i < values.length; i++) {
    const pixel = Math.floor(i / samples), x = pixel % width, y = Math.floor(pixel / width);
    values[i] = blocks
      ? (((x >> 4) * 7919 + (y >> 4) * 104729) % 251) * top / 256
      : (Math.sin(x / 20) * Math.cos(y / 30) + 1.2) * top / 3 + random() * top / 30;
  }
  return { width, height, samples, dtype, data: new Uint8Array(values.buffer) };
}

for (const dtype of ["uint8", "uint16"] as const) {
  for (const samples of [1, 2, 3, 4] as const) {
    Deno.test(`encodePng() keeps ${samples} samples of ${dtype}`, async () => {
      for (const [width, height] of SIZES) {
        for (const blocks of [false, true]) {
          const image = makeImage(width, height, samples, dtype, blocks);
          for (const level of [0, 1, 6, 9]) {
            const file = encodePng({ ...image, level });
            const { images: [header] } = await png.describe(memorySource(file));
            deepEqual(header, { width, height, samples, dtype, rowGroup: height, at: {} });
            deepEqual(await decode(file), image.data, `${width} x ${height}, level ${level}`);
          }
        }
      }
    });
  }
}

Deno.test("encodePng() gives the same bytes for the same image, on shared memory too", () => {
  const image = makeImage(129, 131, 1, "uint16");
  const shared = new Uint8Array(new SharedArrayBuffer(image.data.length));
  shared.set(image.data);
  deepEqual(encodePng({ ...image, data: shared }), encodePng(image));
});

Deno.test("encodePng() makes smooth and flat images small, each in its way", () => {
  const smooth = makeImage(512, 512, 1, "uint8");
  const blocks = makeImage(512, 512, 1, "uint8", true);
  ok(encodePng(smooth).length < smooth.data.length * 0.65);
  ok(encodePng(blocks).length < blocks.data.length * 0.02);
});

Deno.test("encodePng() cuts its data into chunks of 8 MiB", async () => {
  const random = seeded(3);
  const data = Uint8Array.from({ length: 3000 * 3000 }, () => random() * 256);
  const file = encodePng({ width: 3000, height: 3000, samples: 1, dtype: "uint8", data, level: 0 });
  equal(new DataView(file.buffer).getUint32(33), 8 << 20);
  const decoded = await decode(file);
  ok(decoded.every((byte, i) => byte === data[i]));
});

Deno.test("encodePng() writes the size of a pixel, and png reads the same", async () => {
  const cases = [
    { x: 4.6, y: 4.6, unit: "nanometer" },
    { x: 4, y: 8.25, unit: "nanometer" },
    { x: 0.5, y: 100, unit: "micrometer" },
    { x: 5, y: 5, unit: "angstrom" },
  ] as const;
  for (const pixelSize of cases) {
    const file = encodePng({ ...makeImage(7, 5, 1, "uint8"), pixelSize: { ...pixelSize, z: 40 } });
    const expected = pixelSize.unit === "angstrom"
      ? { x: 0.5, y: 0.5, unit: "nanometer" }
      : pixelSize;
    deepEqual((await png.describe(memorySource(file))).voxelSize, expected);
  }
});

const image = makeImage(7, 5, 1, "uint8");
const refused = [
  { name: "no width", change: { width: 0, data: new Uint8Array(0) }, says: /width must be 1 to/ },
  { name: "half a row", change: { height: 4.5 }, says: /height must be 1 to/ },
  { name: "too little data", change: { dtype: "uint16" }, says: /35 bytes.*it needs 70/ },
  { name: "a level of 10", change: { level: 10 }, says: /level 10/ },
  {
    name: "pixels of 0.4 nm",
    change: { pixelSize: { x: 0.4, y: 0.4, unit: "nanometer" } },
    says: /0\.47 nm/,
  },
  { name: "pixels of 3 m", change: { pixelSize: { x: 1, y: 3, unit: "meter" } }, says: /3 meter/ },
] as const;
for (const { name, change, says } of refused) {
  Deno.test(`encodePng() refuses ${name}`, () => {
    throws(
      () => encodePng({ ...image, ...change }),
      (error) => error instanceof RangeError && says.test(error.message),
    );
  });
}
