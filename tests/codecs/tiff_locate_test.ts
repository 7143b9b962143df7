import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { holdStretch, joinStretches, onlyWithin } from "../../codecs/byte_stretches.ts";
import type { ByteSource, ByteStretch, ImageAt } from "../../codecs/image.ts";
import { tiff } from "../../codecs/tiff.ts";
import { tiffOf } from "../_images.ts";
import { memorySource, sameBytes } from "./_png_reading.ts";
import { seeded } from "./_png_writer.ts";
import { makeTiff, type TestPacking, type TestPage } from "./_tiff_writer.ts";

/** A source that notes what is read of it. */
function noting(bytes: ByteSource, noted: ByteStretch[]): ByteSource {
  return {
    size: bytes.size,
    async read(offset, into) {
      noted.push([offset, offset + into.length]);
      await bytes.read(offset, into);
    },
    [Symbol.asyncDispose]: () => bytes[Symbol.asyncDispose](),
  };
}

/** Rows read of the whole file, and of a copy that holds nothing but what is located. */
async function bothWays(file: Uint8Array, at: ImageAt, first: number, end: number) {
  const noted: ByteStretch[] = [];
  const located = await tiff.locate!(noting(memorySource(file), noted), at, first, end);
  const held = joinStretches([...noted, ...located], 0);
  const part = new Uint8Array(file.length);
  for (const [start, stop] of held) part.set(file.subarray(start, stop), start);
  const rows: Uint8Array[] = [];
  for (const source of [memorySource(file), onlyWithin(memorySource(part), held)]) {
    await using reader = await tiff.open(source, at);
    const { width, samples } = reader.header;
    const out = new Uint8Array((end - first) * width * samples * 2);
    await reader.readRows(first, end, out);
    rows.push(out);
  }
  return { same: sameBytes(rows[0], rows[1]), rows: rows[0], located, held };
}

const size = { width: 300, height: 190, sampleBytes: 2 } as const;

for (const packing of ["none", "deflate", "lzw", "zstd", "packbits"] as TestPacking[]) {
  Deno.test(`locate() finds all that ${packing} pages need, and little more`, async () => {
    const random = seeded(7);
    for (const samples of [1, 3]) {
      for (const separate of [false, true]) {
        for (const blocks of [{ rowsPerStrip: 17 }, { tile: [64, 48] as const }]) {
          const pages = [1, 2, 3].map((page): TestPage => ({
            ...size,
            ...blocks,
            samples,
            separate,
            packing,
            pixels: Uint8Array.from(
              { length: size.width * size.height * samples * 2 },
              (_, i) => page * 31 + i + random() * 3,
            ),
          }));
          for (const big of [false, true]) {
            const file = makeTiff(pages, { big });
            const { images } = await tiff.describe(memorySource(file));
            equal(images.length, 3);
            for (const [first, end] of [[0, 190], [20, 60], [189, 190]]) {
              const label = JSON.stringify({ samples, separate, blocks, big, first, end });
              const { same, rows, held } = await bothWays(file, images[1].at, first, end);
              ok(same, label);
              ok(rows.some((byte) => byte !== 0), label);
              const bytes = held.reduce((sum, [start, stop]) => sum + stop - start, 0);
              ok(bytes < file.length * 0.6, `${label}: ${bytes} of ${file.length}`);
            }
          }
        }
      }
    }
  });
}

Deno.test("locate() finds a later image of a stack with one directory", async () => {
  const sections = Array.from(
    { length: 4 },
    (_, z) => new Uint8Array(70).map((_, i) => z * 60 + i),
  );
  const description = "ImageJ=1.53\nimages=4\nslices=4\n";
  const one = tiffOf([{ width: 7, height: 5, dtype: "uint16" }], { description });
  const file = new Uint8Array(one.length + 3 * 70);
  file.set(one);
  sections.forEach((section, z) => file.set(section, one.length - 70 + z * 70));
  const { images } = await tiff.describe(memorySource(file));
  const { at } = images[2];
  equal(at.plane, 2);
  const { rows, located } = await bothWays(file, at, 1, 3);
  deepEqual(rows, sections[2].subarray(14, 42));
  deepEqual(located, [[one.length + 70, one.length + 140]]);
});

Deno.test("a file of which parts are there is not read between them", async () => {
  const bytes = onlyWithin(memorySource(new Uint8Array(100)), [[0, 10], [20, 40]]);
  await bytes.read(20, new Uint8Array(20));
  await bytes.read(50, new Uint8Array());
  await rejects(bytes.read(5, new Uint8Array(10)), /not all were fetched/);
  await rejects(bytes.read(90, new Uint8Array(11)), /past the end/);
});

Deno.test("stretches are joined where they touch, or lie near", () => {
  const stretches: ByteStretch[] = [[90, 95], [10, 20], [18, 40], [44, 50], [12, 14]];
  deepEqual(joinStretches(stretches, 0), [[10, 40], [44, 50], [90, 95]]);
  deepEqual(joinStretches(stretches, 4), [[10, 50], [90, 95]]);
  equal(holdStretch([[10, 40], [44, 50]], [39, 45]), false);
  equal(holdStretch([[10, 40], [44, 50]], [44, 50]), true);
});
