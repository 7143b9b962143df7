import { deepEqual, equal, ok } from "node:assert/strict";
import type { ByteSource, ImageAt } from "../../codecs/image.ts";
import { tiff } from "../../codecs/tiff.ts";
import { type Dtype, VOXEL_BYTES } from "../../core/dtype.ts";
import { drawn, JPEG_FILES } from "./_jpeg_files.ts";
import { memorySource, sameBytes } from "./_png_reading.ts";
import { seeded } from "./_png_writer.ts";
import { makeTiff, type TestPacking, type TestPage } from "./_tiff_writer.ts";

const FORMATS: Record<Dtype, number> = {
  uint8: 1,
  uint16: 1,
  uint32: 1,
  uint64: 1,
  int8: 2,
  int16: 2,
  int32: 2,
  float32: 3,
};
const DTYPES = Object.keys(FORMATS) as Dtype[];
const PACKINGS: readonly TestPacking[] = ["none", "lzw", "deflate", "packbits", "zstd"];

/** Pixels that neither repeat nor are noise, with unequal bytes. */
function pixelsOf(length: number, seed: number): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length }, (_, i) => i % 5 < 2 ? 17 * seed : (i >> 3) + random() * 90);
}

async function read(
  source: ByteSource,
  at: ImageAt,
  wholeBytes?: number,
): Promise<Uint8Array> {
  await using reader = await tiff.open(source, at, wholeBytes === undefined ? {} : { wholeBytes });
  const { width, height, samples, dtype } = reader.header;
  const out = new Uint8Array(width * height * samples * VOXEL_BYTES[dtype]);
  await reader.readRows(0, height, out);
  return out;
}

async function checkBands(
  source: ByteSource,
  at: ImageAt,
  expected: Uint8Array,
  wholeBytes: number,
  seed: number,
  label: string,
): Promise<void> {
  await using reader = await tiff.open(source, at, { wholeBytes });
  const { height } = reader.header;
  const rowBytes = expected.length / height;
  const random = seeded(seed);
  for (let step = 0; step < 4; step++) {
    const first = Math.floor(random() * height);
    const end = first + 1 + Math.floor(random() * (height - first));
    const out = new Uint8Array((end - first) * rowBytes);
    await reader.readRows(first, end, out);
    const same = sameBytes(out, expected.subarray(first * rowBytes, end * rowBytes));
    ok(same, `${label}, rows ${first} to ${end}`);
  }
}

function* pageKinds(packing: TestPacking, predictor: 1 | 2 | 3): Generator<TestPage> {
  for (const dtype of predictor === 3 ? ["float32"] as const : DTYPES) {
    for (const [width, height] of [[7, 5], [33, 19]]) {
      for (const [samples, separate] of [[1, false], [3, false], [3, true], [4, false]] as const) {
        for (
          const blocks of [{ rowsPerStrip: height }, { rowsPerStrip: 4 }, {
            tile: [16, 16] as const,
          }]
        ) {
          const sampleBytes = VOXEL_BYTES[dtype];
          const pixels = pixelsOf(width * height * samples * sampleBytes, width + samples);
          const format = FORMATS[dtype];
          const shape = { width, height, samples, separate, sampleBytes, format, ...blocks };
          yield { ...shape, packing, predictor, pixels };
        }
      }
    }
  }
}

for (const packing of PACKINGS) {
  for (const predictor of packing === "none" || packing === "packbits" ? [1] : [1, 2, 3]) {
    Deno.test(`tiff decodes ${packing}, predictor ${predictor}: any dtype, order, layout, bands`, async () => {
      let seed = 1;
      for (const page of pageKinds(packing, predictor as 1 | 2 | 3)) {
        for (const big of [false, true]) {
          for (const little of [true, false]) {
            const { width, height, samples, sampleBytes, format, tile } = page;
            const label = JSON.stringify({ ...page, pixels: 0, big, little });
            const source = memorySource(makeTiff([page], { big, little }));
            const { images: [image] } = await tiff.describe(source);
            const dtype = DTYPES.find((name) =>
              FORMATS[name] === format && VOXEL_BYTES[name] === sampleBytes
            )!;
            const rowGroup = tile ? 16 : packing === "none" ? 1 : page.rowsPerStrip;
            deepEqual(
              image,
              { width, height, samples, dtype, rowGroup, at: { ifd: image.at.ifd } },
              label,
            );
            ok(sameBytes(await read(source, image.at), page.pixels), label);
            // With 0 bytes to spare every block is streamed, with 300 some rows of tiles are not kept.
            const wholeBytes = [0, 300, 1 << 26][seed % 3];
            await checkBands(source, image.at, page.pixels, wholeBytes, seed++, label);
          }
        }
      }
    });
  }
}

Deno.test("tiff gives back what big-endian 16 bits with predictor 2 stand for", async () => {
  const pixels = new Uint8Array(new Uint16Array([123, 3123, 40000, 5]).buffer);
  for (const packing of ["lzw", "deflate", "zstd"] as const) {
    const page = { width: 4, height: 1, sampleBytes: 2, packing, predictor: 2, pixels } as const;
    const source = memorySource(makeTiff([page], { little: false }));
    const out = await read(source, (await tiff.describe(source)).images[0].at);
    deepEqual(new Uint16Array(out.buffer), new Uint16Array([123, 3123, 40000, 5]));
  }
});

Deno.test("tiff tells pages from their reduced copies and masks", async () => {
  const page = (width: number, kind: number): TestPage => ({
    width,
    height: 5,
    sampleBytes: 1,
    pixels: pixelsOf(width * 5, width),
    fields: [[254, 4, [kind]]],
  });
  // 2 is "one page of several".
  const pages = [page(7, 0), page(4, 1), page(9, 2), page(9, 4), page(3, 0)];
  const source = memorySource(makeTiff(pages));
  const { images, series, voxelSize } = await tiff.describe(source);
  deepEqual(images.map(({ width }) => width), [7, 9, 3]);
  deepEqual([series, voxelSize], [undefined, undefined]);
  deepEqual(await read(source, images[1].at), pages[2].pixels);
});

Deno.test("tiff writes rows where they are wanted, be that unaligned or on shared memory", async () => {
  for (const dtype of DTYPES) {
    for (const little of [true, false]) {
      const sampleBytes = VOXEL_BYTES[dtype];
      const pixels = pixelsOf(33 * 19 * sampleBytes, 3);
      const shape = { width: 33, height: 19, sampleBytes, format: FORMATS[dtype], pixels };
      for (const packing of ["none", "deflate"] as const) {
        const source = memorySource(makeTiff([{ ...shape, packing }], { little }));
        await using reader = await tiff.open(source, {});
        for (const offset of [0, 1, 2, 3, 4]) {
          const shared = new SharedArrayBuffer(pixels.length + 8);
          const out = new Uint8Array(shared, offset, pixels.length);
          await reader.readRows(0, 19, out);
          ok(sameBytes(out, pixels), `${dtype}, ${little}, ${packing}, ${offset}`);
          const around = new Uint8Array(shared);
          equal(around[pixels.length + offset], 0);
        }
      }
    }
  }
});

const small = [
  {
    bits: 1,
    photometric: 1,
    rows: [[0b1010_0110, 0b1000_0000]],
    values: [[255, 0, 255, 0, 0, 255, 255, 0, 255]],
  },
  {
    bits: 2,
    photometric: 1,
    rows: [[0b0001_1011, 0b11_00_00_00]],
    values: [[0, 85, 170, 255, 255]],
  },
  {
    bits: 4,
    photometric: 0,
    rows: [[0x0f, 0x80], [0x12, 0x30]],
    values: [[0, 255, 136], [17, 34, 51]],
  },
  { bits: 4, photometric: 3, rows: [[0x0f, 0x80], [0x12, 0x30]], values: [[0, 15, 8], [1, 2, 3]] },
] as const;
for (const { bits, photometric, rows, values } of small) {
  Deno.test(`tiff spreads ${bits}-bit samples of photometric ${photometric} over bytes`, async () => {
    const page: TestPage = {
      width: values[0].length,
      height: rows.length,
      sampleBytes: 1,
      pixels: new Uint8Array(),
      blocks: [Uint8Array.from(rows.flat())],
      fields: [[258, 3, [bits]], [262, 3, [photometric]]],
    };
    const source = memorySource(makeTiff([page]));
    equal((await tiff.describe(source)).images[0].dtype, "uint8");
    deepEqual(await read(source, {}), Uint8Array.from(values.flat()));
  });
}

/** Takes tables out of a JPEG, as TIFF has them. */
function split(jpeg: Uint8Array): { tables: Uint8Array; rest: Uint8Array } {
  const tables = [0xff, 0xd8], rest = [0xff, 0xd8];
  let at = 2;
  for (; jpeg[at + 1] !== 0xda; at += 2 + (jpeg[at + 2] << 8 | jpeg[at + 3])) {
    const segment = jpeg.subarray(at, at + 2 + (jpeg[at + 2] << 8 | jpeg[at + 3]));
    const marker = segment[1];
    // Without JFIF's header it is the TIFF that says what the colours are.
    if (marker === 0xdb || marker === 0xc4) tables.push(...segment);
    else if (marker !== 0xe0) rest.push(...segment);
  }
  rest.push(...jpeg.subarray(at));
  return { tables: Uint8Array.from([...tables, 0xff, 0xd9]), rest: Uint8Array.from(rest) };
}

const jpegs = [
  { name: "grey", jpeg: JPEG_FILES.grey, samples: 1, photometric: 1 },
  { name: "YCbCr", jpeg: JPEG_FILES.colour, samples: 3, photometric: 6 },
] as const;
for (const { name, jpeg, samples, photometric } of jpegs) {
  Deno.test(`tiff decodes ${name} JPEG with and without shared tables`, async () => {
    const { tables, rest } = split(jpeg);
    const shape = {
      width: 33,
      height: 38,
      sampleBytes: 1,
      samples,
      pixels: new Uint8Array(),
      packing: "jpeg",
      rowsPerStrip: 19,
    } as const;
    const colours = [262, 3, [photometric]] as const;
    for (
      const page of [
        { ...shape, blocks: [rest, rest], fields: [colours, [347, 7, [...tables]] as const] },
        { ...shape, blocks: [jpeg, jpeg], fields: [colours] },
      ]
    ) {
      const source = memorySource(makeTiff([page]));
      const out = await read(source, {});
      const once = drawn(samples);
      const twice = Uint8Array.from([...once, ...once]);
      ok(out.every((value, i) => Math.abs(value - twice[i]) < 12));
      await checkBands(source, {}, out, 0, 5, name);
    }
  });
}

Deno.test("tiff takes RGB in a JPEG for RGB where the TIFF says so", async () => {
  const { tables, rest } = split(JPEG_FILES.colour);
  const page = (photometric: number): TestPage => ({
    width: 33,
    height: 19,
    sampleBytes: 1,
    samples: 3,
    pixels: new Uint8Array(),
    packing: "jpeg",
    blocks: [rest],
    fields: [[262, 3, [photometric]], [347, 7, [...tables]]],
  });
  const [rgb, raw] = [
    await read(memorySource(makeTiff([page(6)])), {}),
    await read(memorySource(makeTiff([page(2)])), {}),
  ];
  // The first sample is then luma itself.
  for (let i = 0; i < rgb.length; i += 3) {
    const luma = 0.299 * rgb[i] + 0.587 * rgb[i + 1] + 0.114 * rgb[i + 2];
    ok(Math.abs(luma - raw[i]) < 3, `pixel ${i / 3}: ${luma}, ${raw[i]}`);
  }
});

Deno.test("tiff indexes 1000 pages in few reads", async () => {
  for (const big of [false, true]) {
    const page = { width: 3, height: 2, sampleBytes: 2, rowsPerStrip: 1 };
    const pages = Array.from({ length: 1000 }, (_, i) => ({ ...page, pixels: pixelsOf(12, i) }));
    const file = makeTiff(pages, { big });
    const source = memorySource(file);
    const { images } = await tiff.describe(source);
    equal(images.length, 1000);
    ok(source.reads.length < 20, `${source.reads.length} reads`);
    deepEqual(await read(source, images[777].at), pages[777].pixels);
  }
});

Deno.test("tiff reads only the strips that hold the rows", async () => {
  const pixels = pixelsOf(64 * 64, 2);
  const shape = { width: 64, height: 64, sampleBytes: 1, pixels };
  for (
    const { page, most } of [
      { page: { ...shape }, most: 128 },
      { page: { ...shape, packing: "lzw", rowsPerStrip: 2 } as const, most: 600 },
      { page: { ...shape, tile: [16, 16] } as const, most: 1024 },
    ]
  ) {
    const source = memorySource(makeTiff([page]));
    await using reader = await tiff.open(source, {});
    source.reads.length = 0;
    await reader.readRows(40, 42, new Uint8Array(128));
    const bytes = source.reads.reduce((sum, length) => sum + length, 0);
    ok(bytes > 0 && bytes <= most, `${bytes} of ${most}`);
  }
});
