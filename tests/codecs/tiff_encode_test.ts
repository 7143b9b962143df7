import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { constants } from "node:zlib";
import { voxelsPerUnit } from "../../codecs/_tiff_encode_fields.ts";
import { chooseStrategy } from "../../codecs/_tiff_encode_strip.ts";
import { tiff } from "../../codecs/tiff.ts";
import {
  encodeStripRows,
  encodeTiffHead,
  planTiff,
  stripTable,
  type TiffImage,
} from "../../codecs/tiff_encode.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import type { VoxelSize } from "../../core/units.ts";
import { memorySource } from "./_png_reading.ts";
import { seeded } from "./_png_writer.ts";

const DTYPES = Object.keys(VOXEL_BYTES) as Dtype[];

/** A whole TIFF in memory: strips in page order behind the head. */
function encodeTiff(image: TiffImage, pages: readonly Uint8Array[]): Uint8Array {
  const plan = planTiff(image);
  const table = stripTable(plan);
  const parts: { at: number; bytes: Uint8Array }[] = [];
  let end = plan.dataAt;
  for (const [page, voxels] of pages.entries()) {
    const { width, rowsPerStrip, packing } = plan;
    const strips = encodeStripRows(viewVoxels(plan.dtype, voxels), width, rowsPerStrip, packing);
    for (const [i, bytes] of strips.entries()) {
      const at = page * plan.strips + i;
      if (plan.packing.compression !== "none") {
        [table.offsets[at], table.counts[at]] = [end, bytes.length];
      }
      parts.push({ at: table.offsets[at], bytes });
      end = table.offsets[at] + bytes.length;
    }
  }
  const file = new Uint8Array(end);
  let at = 0;
  for (const bytes of encodeTiffHead(plan, table)) {
    file.set(bytes, at);
    at += bytes.length;
  }
  ok(at <= plan.dataAt);
  for (const { at, bytes } of parts) file.set(bytes, at);
  return file;
}

/** Steps, a flat run and noise, over the whole range of a dtype. */
function makePage({ width, height, dtype }: TiffImage, seed: number): Uint8Array {
  const random = seeded(seed);
  const bytes = new Uint8Array(width * height * VOXEL_BYTES[dtype]);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i % 97 < 20 ? 7 : random() * 256;
  if (dtype === "float32") {
    const floats = viewVoxels(dtype, bytes) as Float32Array;
    for (let i = 0; i < floats.length; i++) floats[i] = (random() - 0.5) * 10 ** (i % 9 - 4);
    floats.set([0, -0, Infinity, -Infinity, 3.4028234663852886e38, 1e-45]);
  }
  return bytes;
}

const SIZES = [
  { name: "one strip", width: 7, height: 5 },
  { name: "strips, the last one shorter", width: 2101, height: 301 },
] as const;
for (const dtype of DTYPES) {
  for (const compression of ["none", "deflate", "zstd"] as const) {
    for (const big of [false, true]) {
      const kind = `${big ? "BigTIFF" : "TIFF"} of ${dtype}, compression ${compression}`;
      Deno.test(`planTiff() and encodeStripRows() make a ${kind} that reads back`, async () => {
        for (const { width, height } of SIZES) {
          const voxelSize: VoxelSize = { x: 4.6, y: 5, z: 40.5, unit: "nanometer" };
          const stack = { channels: 1, slices: 3, frames: 1 };
          const image = { width, height, dtype, compression, big, voxelSize, stack };
          const pages = [1, 2, 3].map((seed) => makePage(image, seed));
          const file = encodeTiff(image, pages);
          equal(file[2], big ? 43 : 42);
          const described = await tiff.describe(memorySource(file));
          deepEqual(
            described.images.map((one) => [one.width, one.height, one.samples, one.dtype]),
            pages.map(() => [width, height, 1, dtype]),
          );
          deepEqual(described.voxelSize, voxelSize);
          equal(described.series?.[0].layout.sizeZ, 3);
          for (const [i, { at }] of described.images.entries()) {
            await using reader = await tiff.open(memorySource(file), at);
            const read = new Uint8Array(pages[i].length);
            const rowBytes = read.length / height;
            for (let row = 0; row < height; row += 50) {
              const end = Math.min(height, row + 50);
              await reader.readRows(row, end, read.subarray(row * rowBytes, end * rowBytes));
            }
            ok(pages[i].every((byte, k) => byte === read[k]), `page ${i} of ${width} x ${height}`);
          }
        }
      });
    }
  }
}

Deno.test("encodeTiffHead() says which pages are channels, slices and frames", async () => {
  const stack = { channels: 2, slices: 3, frames: 2 };
  const image = { width: 7, height: 5, dtype: "uint16", stack } as const;
  const file = encodeTiff(image, Array.from({ length: 12 }, (_, i) => makePage(image, i)));
  const { series } = await tiff.describe(memorySource(file));
  const { sizeC, sizeZ, sizeT, planes } = series![0].layout;
  deepEqual([sizeC, sizeZ, sizeT], [2, 3, 2]);
  deepEqual(planes[3], { image: 3, c: 1, z: 1, t: 0 });
  deepEqual(planes[6], { image: 6, c: 0, z: 0, t: 1 });
});

Deno.test("stripTable() leaves no gap between pages that are not compressed", () => {
  const stack = { channels: 1, slices: 4, frames: 1 };
  const image = { width: 2101, height: 301, dtype: "uint8", compression: "none", stack } as const;
  const { offsets, counts } = stripTable(planTiff(image));
  equal(offsets[0] % 16, 0);
  for (let i = 1; i < offsets.length; i++) equal(offsets[i], offsets[i - 1] + counts[i - 1]);
  equal(counts.reduce((a, b) => a + b), 4 * 2101 * 301);
});

const predictors = [
  { dtype: "uint8", compression: "none", predictor: 1 },
  { dtype: "uint8", compression: "deflate", predictor: 2 },
  { dtype: "uint64", compression: "zstd", predictor: 2 },
  { dtype: "float32", compression: "deflate", predictor: 1 },
  { dtype: "float32", compression: "zstd", predictor: 3 },
] as const;
for (const { dtype, compression, predictor } of predictors) {
  Deno.test(`planTiff() takes predictor ${predictor} for ${dtype} under ${compression}`, () => {
    deepEqual(planTiff({ width: 7, height: 5, dtype, compression }).packing, {
      compression,
      predictor,
    });
  });
}

const sizes = [
  { name: "just below 4 GiB", slices: 1023, compression: "none", big: false },
  { name: "4 GiB of voxels", slices: 1024, compression: "none", big: true },
  { name: "what may grow past 4 GiB", slices: 1020, compression: "deflate", big: true },
  { name: "what may not", slices: 1000, compression: "zstd", big: false },
] as const;
for (const { name, slices, compression, big } of sizes) {
  Deno.test(`planTiff() writes ${name} as a ${big ? "BigTIFF" : "classic TIFF"}`, () => {
    const stack = { channels: 1, slices, frames: 1 };
    equal(planTiff({ width: 2048, height: 2048, dtype: "uint8", stack, compression }).big, big);
  });
}

Deno.test("planTiff() refuses sides that are none, and a classic TIFF past 4 GiB", () => {
  throws(() => planTiff({ width: 0, height: 5, dtype: "uint8" }), RangeError);
  throws(() => planTiff({ width: 7, height: 1.5, dtype: "uint8" }), RangeError);
  const large = { width: 65536, height: 65536, dtype: "uint8" } as const;
  throws(() => planTiff({ ...large, big: false }), /Cannot write .* classic TIFF/);
});

Deno.test("voxelsPerUnit() is the closest fraction of 32 bits", () => {
  deepEqual(voxelsPerUnit(4), [1, 4]);
  deepEqual(voxelsPerUnit(4.6), [5, 23]);
  deepEqual(voxelsPerUnit(0.004), [250, 1]);
  for (const edge of [Math.PI, 1e-6, 123456.789, 0.0325, 8.001]) {
    const [above, below] = voxelsPerUnit(edge)!;
    ok(Number.isInteger(above) && Number.isInteger(below) && Math.max(above, below) < 2 ** 32);
    ok(Math.abs(below / above - edge) <= edge * 1e-9, `${edge} became ${below / above}`);
  }
  for (const edge of [0, -4, NaN, Infinity, 1e-12]) equal(voxelsPerUnit(edge), undefined);
});

Deno.test("chooseStrategy() looks for repetitions where there are some", () => {
  const random = seeded(5);
  const noise = Uint8Array.from({ length: 40000 }, () => 100 + random() * 20);
  equal(chooseStrategy(noise), constants.Z_RLE);
  const pattern = Uint8Array.from({ length: 40000 }, (_, i) => noise[i % 500]);
  equal(chooseStrategy(pattern), constants.Z_DEFAULT_STRATEGY);
});

Deno.test("encodeStripRows() gives the same bytes from shared memory", () => {
  const image = { width: 301, height: 77, dtype: "uint16" } as const;
  const page = makePage(image, 9);
  const shared = new Uint8Array(new SharedArrayBuffer(page.length));
  shared.set(page);
  const packing = { compression: "deflate", predictor: 2 } as const;
  const encode = (bytes: Uint8Array) =>
    encodeStripRows(viewVoxels("uint16", bytes), 301, 16, packing);
  deepEqual(encode(shared), encode(page));
  deepEqual(viewBytes(shared).slice(), page);
});
