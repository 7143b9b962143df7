import { deepEqual, equal, notDeepEqual, ok, rejects, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32, inflateSync } from "node:zlib";
import { dirname, join } from "node:path";
import { encodePngRows } from "../../scripts/_png_stream.ts";
import {
  makeSample,
  parseSampleArguments,
  sampleLabels,
  sampleSection,
} from "../../scripts/make_sample.ts";

async function inFolder(work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "sluice-sample-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Pixels of an uncompressed TIFF, by following its directory. */
function readTiff(file: Uint8Array<ArrayBuffer>) {
  const view = new DataView(file.buffer);
  equal(view.getUint32(0, true), 0x002a4949);
  const directory = view.getUint32(4, true);
  const tags = new Map<number, number[]>();
  for (let i = 0; i < view.getUint16(directory, true); i++) {
    const at = directory + 2 + 12 * i;
    const [short, count] = [view.getUint16(at + 2, true) === 3, view.getUint32(at + 4, true)];
    const from = count === 1 ? at + 8 : view.getUint32(at + 8, true);
    const values = Array.from(
      { length: count },
      (_, k) => short ? view.getUint16(from + 2 * k, true) : view.getUint32(from + 4 * k, true),
    );
    tags.set(view.getUint16(at, true), values);
  }
  const one = (tag: number) => tags.get(tag)![0];
  const strips = tags.get(273)!.map((from, i) => file.subarray(from, from + tags.get(279)![i]));
  const bytes = new Uint8Array(Buffer.concat(strips));
  return { width: one(256), height: one(257), bits: one(258), strips: strips.length, bytes };
}

/** Pixels of a PNG whose rows are all Paeth filtered; every chunk's crc is checked. */
function readPng(file: Uint8Array<ArrayBuffer>) {
  const view = new DataView(file.buffer);
  const [names, parts]: [string[], Uint8Array[]] = [[], []];
  for (let at = 8; at < file.length;) {
    const size = view.getUint32(at);
    equal(crc32(file.subarray(at + 4, at + 8 + size)), view.getUint32(at + 8 + size));
    names.push(String.fromCharCode(...file.subarray(at + 4, at + 8)));
    if (names.at(-1) === "IDAT") parts.push(file.subarray(at + 8, at + 8 + size));
    at += 12 + size;
  }
  const [width, height, bits] = [view.getUint32(16), view.getUint32(20), file[24]];
  const raw = inflateSync(Buffer.concat(parts));
  const [unit, stride] = [bits / 8, width * bits / 8];
  const out = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    equal(raw[y * (stride + 1)], 4);
    for (let i = 0; i < stride; i++) {
      const a = i < unit ? 0 : out[y * stride + i - unit];
      const b = y === 0 ? 0 : out[(y - 1) * stride + i];
      const c = i < unit || y === 0 ? 0 : out[(y - 1) * stride + i - unit];
      const p = a + b - c;
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
      const guess = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      out[y * stride + i] = raw[y * (stride + 1) + 1 + i] + guess;
    }
  }
  return { width, height, bits, names, bytes: out };
}

const formats = [
  { format: "tiff", dtype: "uint8" },
  { format: "tiff", dtype: "uint16" },
  { format: "png", dtype: "uint8" },
  { format: "png", dtype: "uint16" },
] as const;
for (const { format, dtype } of formats) {
  Deno.test(`makeSample() writes the pixels of sampleSection() as ${format} ${dtype}`, () =>
    inFolder(async (folder) => {
      const options = { width: 301, height: 147, depth: 2, dtype, format, seed: 3 };
      const directory = join(folder, "a", "b");
      const { paths, labelPaths, depth } = await makeSample({ ...options, directory });
      deepEqual([paths.length, labelPaths.length, depth], [2, 0, 2]);
      for (const [z, path] of paths.entries()) {
        const file = await Deno.readFile(path);
        const image = format === "png" ? readPng(file) : readTiff(file);
        deepEqual([image.width, image.height], [301, 147]);
        equal(image.bits, dtype === "uint8" ? 8 : 16);
        const pixels = new Uint8Array(sampleSection(z, options).slice().buffer);
        if (format === "png" && dtype === "uint16") Buffer.from(pixels.buffer).swap16();
        deepEqual(Buffer.compare(image.bytes, pixels), 0);
      }
    }));
}

Deno.test("makeSample() cuts a TIFF into several strips, the last one shorter", () =>
  inFolder(async (directory) => {
    const { paths } = await makeSample({ directory, width: 700, height: 200, depth: 1 });
    const { strips, bytes } = readTiff(await Deno.readFile(paths[0]));
    equal(strips, Math.ceil(200 / Math.floor(65536 / 700)));
    equal(bytes.length, 700 * 200);
  }));

Deno.test("makeSample() writes the truth beside the sections", () =>
  inFolder(async (directory) => {
    const size = { width: 90, height: 70 };
    const { paths, labelPaths } = await makeSample({ directory, ...size, depth: 2, labels: true });
    equal(dirname(labelPaths[1]), join(dirname(paths[1]), "labels"));
    const { bits, bytes } = readTiff(await Deno.readFile(labelPaths[1]));
    equal(bits, 32);
    deepEqual(new Uint32Array(bytes.buffer), sampleLabels(1, size));
  }));

Deno.test("sampleSection() gives a smaller section as the corner of a larger one", () => {
  const large = sampleSection(5, { width: 210, height: 150 });
  const small = sampleSection(5, { width: 77, height: 129 });
  for (let y = 0; y < 129; y++) {
    deepEqual(small.subarray(y * 77, (y + 1) * 77), large.subarray(y * 210, y * 210 + 77));
  }
});

Deno.test("sampleSection() depends on section and seed, and looks like EM", () => {
  const size = { width: 256, height: 256 };
  const section = sampleSection(0, size);
  notDeepEqual(section, sampleSection(1, size));
  notDeepEqual(section, sampleSection(0, { ...size, seed: 2 }));
  const labels = sampleLabels(0, size);
  const mean = (pick: (label: number) => boolean) => {
    const picked = [...section].filter((_, i) => pick(labels[i]));
    return picked.reduce((sum, value) => sum + value, 0) / picked.length;
  };
  const [inside, membrane] = [mean((label) => label > 0), mean((label) => label === 0)];
  ok(inside > 155 && inside < 205, `inside ${inside}`);
  ok(membrane > 50 && membrane < 95, `membrane ${membrane}`);
});

Deno.test("sampleLabels() drifts smoothly: most pixels keep their cell in the next section", () => {
  const size = { width: 256, height: 256 };
  const [a, b] = [sampleLabels(8, size), sampleLabels(9, size)];
  const kept = a.filter((label, i) => label !== 0 && label === b[i]).length;
  ok(kept / a.filter((label) => label !== 0).length > 0.85);
  ok(new Set(a).size > 10);
});

Deno.test("sampleLabels() mirrors a square to fill a wide section", () => {
  const [width, height, side] = [300, 150, 64];
  const square = sampleLabels(2, { width: side, height: side });
  const wide = sampleLabels(2, { width, height, square: side });
  const fold = (at: number) => Math.min(at % (2 * side), 2 * side - 1 - at % (2 * side));
  deepEqual(
    wide,
    wide.map((_, i) => square[fold(Math.floor(i / width)) * side + fold(i % width)]),
  );
});

Deno.test("sampleSection() lays fresh noise over a mirrored square", () => {
  const [width, side] = [256, 64];
  const wide = sampleSection(0, { width, height: side, square: side });
  const plain = sampleSection(0, { width: side, height: side });
  deepEqual(wide.subarray(0, side), plain.subarray(0, side));
  notDeepEqual(wide.subarray(2 * side, 3 * side), plain.subarray(0, side));
  throws(() => sampleSection(0, { square: 100 }), RangeError);
});

Deno.test("encodePngRows() refuses rows that are not whole or too few", async () => {
  const header = { width: 4, height: 3, dtype: "uint8" } as const;
  await rejects(Array.fromAsync(encodePngRows(header, [new Uint8Array(5)])), RangeError);
  await rejects(Array.fromAsync(encodePngRows(header, [new Uint8Array(8)])), RangeError);
});

Deno.test("makeSample() refuses a side that is not an integer >= 1", async () => {
  await rejects(makeSample({ directory: "unused", depth: 0 }), RangeError);
});

Deno.test("parseSampleArguments() reads a command line, and names what is wrong with one", () => {
  deepEqual(
    parseSampleArguments(["out", "--size", "70x50x3", "--dtype", "uint16", "--labels"]),
    {
      directory: "out",
      width: 70,
      height: 50,
      depth: 3,
      dtype: "uint16",
      format: "tiff",
      seed: 1,
      labels: true,
      square: undefined,
    },
  );
  throws(() => parseSampleArguments([]), /name one folder/);
  throws(() => parseSampleArguments(["out", "--size", "70x50"]), /WIDTHxHEIGHTxDEPTH/);
  throws(() => parseSampleArguments(["out", "--dtype", "int8"]), /uint8 or uint16/);
  throws(() => parseSampleArguments(["out", "--format", "gif"]), /tiff or png/);
  throws(() => parseSampleArguments(["out", "--seed", "x"]), /integer/);
  throws(() => parseSampleArguments(["out", "--square", "100"]), /multiple of 64/);
});
