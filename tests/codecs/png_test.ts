import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { deflateSync } from "node:zlib";
import type { ImageReader } from "../../codecs/image.ts";
import { png } from "../../codecs/png.ts";
import { diskSource, memorySource, readAll, rowBytesOf, sameBytes } from "./_png_reading.ts";
import {
  chunk,
  expectedBytes,
  join,
  KINDS,
  makePng,
  makeSamples,
  type PngKind,
  seeded,
  type TestPng,
  wrapPng,
} from "./_png_writer.ts";

const WAYS = [{ way: "whole", wholeBytes: 1 << 30 }, { way: "streamed", wholeBytes: 0 }] as const;
const SIZES = [[7, 5], [1, 1], [33, 3], [2, 9], [8, 8], [5, 1], [1, 7], [4, 13]] as const;
const small: TestPng = { colour: 0, bitDepth: 8, width: 7, height: 5, idatBytes: 20 };
const smallSamples = makeSamples(small);
const smallFile = makePng(small, smallSamples);
const FILTERS = [
  ...[0, 1, 2, 3, 4].map((type) => () => type),
  (row: number) => (row * 3 + 4) % 5,
  (row: number) => [4, 4, 2, 4, 4, 4, 1][row % 7],
];

for (const kind of KINDS) {
  for (const interlaced of [false, true]) {
    const name = `colour type ${kind.colour}, ${kind.bitDepth} bits${
      interlaced ? ", interlaced" : ""
    }`;
    Deno.test(`png decodes ${name}: all filters and odd sizes, in any bands`, async () => {
      for (const [width, height] of SIZES) {
        for (const [seed, filter] of FILTERS.entries()) {
          const image: TestPng = {
            ...kind,
            width,
            height,
            interlaced,
            filter,
            ...paletteChunks(kind),
          };
          const samples = makeSamples(image, seed);
          const file = makePng({ ...image, idatBytes: 11 }, samples);
          const expected = expectedBytes(kind, samples, palette(kind));
          for (const { way, wholeBytes } of WAYS) {
            const label = `${width} x ${height}, filters ${seed}, ${way}`;
            await using reader = await png.open(memorySource(file), {}, { wholeBytes });
            deepEqual(await readAll(reader), expected, label);
            await checkBands(reader, expected, seed, label);
          }
        }
      }
    });
  }
}

const large = [
  { kind: { colour: 0, bitDepth: 8 }, width: 1001, height: 1500 },
  { kind: { colour: 0, bitDepth: 16 }, width: 701, height: 900 },
  { kind: { colour: 2, bitDepth: 8 }, width: 333, height: 1200 },
  { kind: { colour: 3, bitDepth: 1 }, width: 12345, height: 401 },
] as const;
for (const { kind, width, height } of large) {
  for (const interlaced of [false, true]) {
    const name = `${width} x ${height} pixels of colour type ${kind.colour}, ${kind.bitDepth} bits`;
    Deno.test(`png streams ${name} ${interlaced ? "interlaced " : ""}through many blocks`, async () => {
      const filter = (row: number) => [4, 4, 4, 3, 2, 1, 4, 0][row % 8];
      const image: TestPng = { ...kind, width, height, interlaced, filter, ...paletteChunks(kind) };
      const samples = makeSamples(image);
      const expected = expectedBytes(kind, samples, palette(kind));
      for (const idatBytes of [8192, 1 << 20]) {
        const file = makePng({ ...image, idatBytes }, samples);
        await using reader = await png.open(memorySource(file), {}, { wholeBytes: 0 });
        ok(sameBytes(await readAll(reader, 128), expected));
        await checkBands(reader, expected, 7, name);
      }
    });
  }
}

Deno.test("png decodes into shared memory and to odd addresses", async () => {
  const image: TestPng = { colour: 0, bitDepth: 16, width: 7, height: 5, filter: () => 4 };
  const samples = makeSamples(image);
  for (const { wholeBytes } of WAYS) {
    for (const offset of [0, 1, 2, 3]) {
      const out = new Uint8Array(new SharedArrayBuffer(80), offset, 70);
      await using reader = await png.open(memorySource(makePng(image, samples)), {}, {
        wholeBytes,
      });
      await reader.readRows(0, 5, out);
      deepEqual(out.slice(), expectedBytes(image, samples));
    }
  }
});

Deno.test("png serves calls that overlap one after the other", async () => {
  const image: TestPng = { colour: 0, bitDepth: 8, width: 900, height: 900, filter: () => 4 };
  const samples = makeSamples(image);
  const out = new Uint8Array(900 * 900);
  await using reader = await png.open(memorySource(makePng(image, samples)), {}, { wholeBytes: 0 });
  await reader.readRows(0, 1, out.subarray(0, 900));
  await Promise.all(
    [450, 0, 225, 675].map((first) =>
      reader.readRows(first, first + 225, out.subarray(first * 900, (first + 225) * 900))
    ),
  );
  ok(sameBytes(out, expectedBytes(image, samples)));
});

Deno.test("png keeps transparent colours of grey and RGB as they are", async () => {
  for (const colour of [0, 2] as const) {
    const image: TestPng = { colour, bitDepth: 8, width: 7, height: 5 };
    const samples = makeSamples(image);
    const before = [chunk("tRNS", colour === 0 ? [0, 9] : [0, 1, 0, 2, 0, 3])];
    const { images: [entry] } = await png.describe(
      memorySource(makePng({ ...image, before }, samples)),
    );
    equal(entry.samples, colour === 0 ? 1 : 3);
  }
});

Deno.test("png.describe() names what an image is, for each kind", async () => {
  for (const kind of KINDS) {
    const image: TestPng = { ...kind, width: 7, height: 5, ...paletteChunks(kind) };
    const file = await png.describe(memorySource(makePng(image, makeSamples(image))));
    const samples = { 0: 1, 2: 3, 3: kind.bitDepth === 8 ? 4 : 3, 4: 2, 6: 4 }[kind.colour];
    const dtype = kind.bitDepth === 16 ? "uint16" : "uint8";
    deepEqual(file, {
      format: "png",
      images: [{ width: 7, height: 5, samples, dtype, rowGroup: 5, at: {} }],
    });
  }
});

const sizes = [
  { perMetre: [250_000_000, 125_000_000], unit: 1, size: { x: 4, y: 8, unit: "nanometer" } },
  { perMetre: [217_391_304, 217_391_304], unit: 1, size: { x: 4.6, y: 4.6, unit: "nanometer" } },
  { perMetre: [2_000_000, 10_000], unit: 1, size: { x: 0.5, y: 100, unit: "micrometer" } },
  { perMetre: [1, 1], unit: 0, size: undefined },
  { perMetre: [0, 2835], unit: 1, size: undefined },
] as const;
for (const { perMetre, unit, size } of sizes) {
  Deno.test(`png.describe() reads ${perMetre} pixels a metre (unit ${unit})`, async () => {
    const data = new Uint8Array(9);
    perMetre.forEach((count, i) => new DataView(data.buffer).setUint32(i * 4, count));
    data[8] = unit;
    const image: TestPng = {
      colour: 0,
      bitDepth: 8,
      width: 3,
      height: 2,
      before: [chunk("pHYs", data)],
    };
    deepEqual(
      (await png.describe(memorySource(makePng(image, makeSamples(image))))).voxelSize,
      size,
    );
  });
}

Deno.test("png.describe() makes one short read at each end of a large file", async () => {
  const image: TestPng = { colour: 0, bitDepth: 8, width: 300, height: 300, idatBytes: 1000 };
  const file = makePng(image, makeSamples(image));
  const source = memorySource(file);
  await png.describe(source);
  deepEqual(source.reads, [512, 12]);
});

Deno.test("png passes over chunks it need not know: text, profiles, an animation, junk at the end", async () => {
  const image: TestPng = { colour: 0, bitDepth: 8, width: 7, height: 5, idatBytes: 9 };
  const samples = makeSamples(image);
  const before = [
    chunk("iCCP", new Uint8Array(5000)),
    chunk("acTL", [0, 0, 0, 2, 0, 0, 0, 0]),
    chunk("fcTL", new Uint8Array(26)),
    chunk("tEXt", [...new TextEncoder().encode("Comment\0IEND")], 1),
  ];
  const after = [
    chunk("fcTL", new Uint8Array(26)),
    chunk("fdAT", [0, 0, 0, 1, 1, 2, 3]),
    chunk("tIME", []),
  ];
  const file = makePng({ ...image, before, after }, samples);
  for (
    const bytes of [
      file,
      join(file, new Uint8Array(100).fill(7)),
      join(file, new Uint8Array(2 << 20)),
    ]
  ) {
    equal((await png.describe(memorySource(bytes))).images.length, 1);
    for (const { wholeBytes } of WAYS) {
      await using reader = await png.open(memorySource(bytes), {}, { wholeBytes });
      deepEqual(await readAll(reader), expectedBytes(image, samples));
    }
  }
});

Deno.test("png reads a file on disk, and holds its handle no longer than its owner", async () => {
  const path = await Deno.makeTempFile({ suffix: ".png" });
  try {
    const image: TestPng = { colour: 2, bitDepth: 16, width: 61, height: 43, interlaced: true };
    const samples = makeSamples(image);
    await Deno.writeFile(path, makePng(image, samples));
    for (const { wholeBytes } of WAYS) {
      await using source = diskSource(path);
      await using reader = await png.open(source, {}, { wholeBytes });
      deepEqual(await readAll(reader), expectedBytes(image, samples));
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("png readers say so when rows or room do not fit, and go on", async () => {
  for (const { wholeBytes } of WAYS) {
    await using reader = await png.open(memorySource(smallFile), {}, { wholeBytes });
    const calls = [[-1, 2, 21], [0, 6, 42], [3, 2, 0], [0.5, 1, 7], [0, 5, 34], [0, 5, 36]];
    for (const [first, end, size] of calls) {
      await rejects(reader.readRows(first, end, new Uint8Array(size)), RangeError);
    }
    await reader.readRows(2, 2, new Uint8Array(0));
    deepEqual(await readAll(reader), expectedBytes(small, smallSamples));
  }
});

Deno.test("png.matches() knows a PNG by its first bytes", () => {
  equal(png.matches(smallFile.subarray(0, 16)), true);
  equal(png.matches(smallFile.subarray(0, 7)), false);
  equal(png.matches(new Uint8Array(0)), false);
});

for (const interlaced of [false, true]) {
  Deno.test({
    name: `png streams 16 large ${
      interlaced ? "interlaced " : ""
    }images side by side in a few MB each`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const image: TestPng = { colour: 0, bitDepth: 8, width: 16384, height: 2048, interlaced };
      // Rows that do not shrink, then rows that shrink by a thousand.
      const data = new Uint8Array((image.width + 1) * image.height + (interlaced ? 1792 : 0));
      const random = seeded(5);
      const noisy = interlaced ? 0 : data.length / 4;
      for (let i = 0; i < noisy; i++) data[i] = i % (image.width + 1) === 0 ? 4 : random() * 64;
      const path = await Deno.makeTempFile({ suffix: ".png" });
      try {
        await Deno.writeFile(
          path,
          wrapPng({ ...image, idatBytes: 8192 }, deflateSync(data, { level: 6 })),
        );
        const script = new URL("./_png_memory.ts", import.meta.url).pathname;
        const { stdout, success } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", script, path, "16", "1000000"],
        }).output();
        ok(success);
        const extraMb = Number(new TextDecoder().decode(stdout));
        // Held whole, the images alone would be 537 MB.

        ok(extraMb > 1 && extraMb < 200, `${extraMb} MB`);
      } finally {
        await Deno.remove(path);
      }
    },
  });
}

function palette({ colour, bitDepth }: PngKind): number[][] | undefined {
  if (colour !== 3) return undefined;
  const random = seeded(bitDepth);
  const byte = () => Math.floor(random() * 256);
  return Array.from({ length: 2 ** bitDepth }, (_, entry) => {
    const rgb = [byte(), byte(), byte()];
    return bitDepth === 8 ? [...rgb, entry < 200 ? byte() : 255] : rgb;
  });
}

function paletteChunks(kind: PngKind): { before?: Uint8Array[] } {
  const colours = palette(kind);
  if (colours === undefined) return {};
  const plte = chunk("PLTE", colours.flatMap((entry) => entry.slice(0, 3)));
  if (kind.bitDepth !== 8) return { before: [plte] };
  return { before: [plte, chunk("tRNS", colours.slice(0, 200).map((entry) => entry[3]))] };
}

async function checkBands(reader: ImageReader, expected: Uint8Array, seed: number, label: string) {
  const { height } = reader.header;
  const random = seeded(seed);
  for (let band = 0; band < 4; band++) {
    const first = Math.floor(random() * (height + 1));
    const end = first + Math.floor(random() * (height - first + 1));
    const out = new Uint8Array((end - first) * rowBytesOf(reader));
    await reader.readRows(first, end, out);
    const wanted = expected.subarray(first * rowBytesOf(reader), end * rowBytesOf(reader));
    ok(sameBytes(out, wanted), `${label}: rows ${first} to ${end}`);
  }
}
