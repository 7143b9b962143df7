import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { box, boxSize, boxVolume } from "../../core/box.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { AXES, mapPoint, type Point, unravel } from "../../core/point.ts";
import { readChunked, type ReadChunkedOptions } from "../../plugins/chunked_array.ts";
import { openN5Array, type OpenN5Options } from "../../plugins/n5_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { fc } from "../_fast_check.ts";
import { memoryReader } from "./_reader.ts";
import { writeN5 } from "./_zarr_writer.ts";

const ORIGIN: Point = [0, 0, 0, 0, 0];

const arrays = fc.subarray([...AXES], { minLength: 1 }).chain((axes) =>
  fc.record({
    names: fc.shuffledSubarray(axes, { minLength: axes.length, maxLength: axes.length }),
    shape: fc.array(fc.integer({ min: 1, max: 9 }), {
      minLength: axes.length,
      maxLength: axes.length,
    }),
    block: fc.array(fc.integer({ min: 1, max: 5 }), {
      minLength: axes.length,
      maxLength: axes.length,
    }),
    dtype: fc.constantFrom("uint8", "int16", "uint32", "uint64", "float32"),
    gzip: fc.boolean(),
    isCut: fc.boolean(),
    box: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 5, maxLength: 5 }),
  })
);

Deno.test("any box of any dataset of N5 is read as it was written, whether blocks at the edge are cut off or not", () =>
  fc.assert(
    fc.asyncProperty(arrays, async ({ names, shape, block, dtype, gzip, isCut, box: numbers }) => {
      await using pool = new WorkerPool({ size: 0 });
      const at = (index: readonly number[]) => {
        const hash = index.reduce((sum, value, i) => sum + value * [31, 7, 1299, 3, 17][i], 1);
        return hash % 3 === 0 ? 0 : dtype === "uint8" ? hash % 256 : hash % 32768;
      };
      const written = { dtype, shape, at, fill: 0 };
      const volume = await openN5Array(
        memoryReader(writeN5(written, block, { gzip, isCut }, names)),
      );
      const size = mapPoint(ORIGIN, (_, axis) => shape[names.indexOf(AXES[axis])] ?? 1);
      deepEqual(volume.axes, names.toReversed());
      deepEqual(volume.scales[0].size, size);
      const min = mapPoint(size, (side, axis) => numbers[axis][0] % side);
      const max = mapPoint(min, (from, axis) => from + 1 + numbers[axis][1] % (size[axis] - from));
      for (const part of [{ min: ORIGIN, max: size }, { min, max }]) {
        const found = await gatherVoxels(
          readChunked(volume.scales[0], part, { pool, bandBytes: 64 }),
        );
        const expected = Array.from({ length: boxVolume(part) }, (_, i) => {
          const place = unravel(i, boxSize(part)).map((value, axis) => value + part.min[axis]);
          return at(names.map((name) => place[AXES.indexOf(name)]));
        });
        deepEqual(Array.from(found, Number), expected);
      }
    }),
    { seed: 20260103, numRuns: 200 },
  ));

/** A dataset of 7 x 5 x 3 in blocks of 4 x 3 x 2, the first of which is not stored. */
const WRITTEN = {
  dtype: "uint16",
  shape: [7, 5, 3],
  fill: 0,
  at: ([x, y, z]: readonly number[]) => x < 4 && y < 3 && z < 2 ? 0 : 256 * x + 16 * y + z + 1,
} as const;
const N5 = writeN5(WRITTEN, [4, 3, 2], { gzip: false, isCut: true });
const ATTRIBUTES = N5["attributes.json"] as Readonly<Record<string, unknown>>;
const EXPECTED = Array.from({ length: 105 }, (_, i) => WRITTEN.at(unravel(i, [7, 5, 3, 1, 1])));

function changed(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...N5, "attributes.json": { ...ATTRIBUTES, ...changes } };
}

/** A group around levels, of which each has attributes of its own beside those of a dataset. */
function pyramid(
  group: Readonly<Record<string, unknown>> | undefined,
  levels: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Record<string, unknown> {
  const blobs: Record<string, unknown> = group === undefined ? {} : { "attributes.json": group };
  for (const [path, attributes] of Object.entries(levels)) {
    for (const [key, blob] of Object.entries(changed(attributes))) blobs[`${path}/${key}`] = blob;
  }
  return blobs;
}

async function readAll(
  blobs: Readonly<Record<string, unknown>>,
  options: Partial<ReadChunkedOptions> = {},
) {
  await using pool = new WorkerPool({ size: 0 });
  const { scales: [scale] } = await openN5Array(memoryReader(blobs));
  const slab = readChunked(scale, box([0, 0, 0, 0, 0], scale.size), { pool, ...options });
  return { slab, voxels: Array.from(await gatherVoxels(slab), Number) };
}

Deno.test("openN5Array() says what a plain dataset is", async () => {
  const volume = await openN5Array(memoryReader(N5));
  const { format, url, axes, kind, fingerprint, scales: [{ locate, decoding, ...scale }] } = volume;
  deepEqual({ format, url, axes, kind }, {
    format: "n5",
    url: "memory:it",
    axes: ["z", "y", "x"],
    kind: undefined,
  });
  deepEqual(scale, {
    name: "",
    size: [7, 5, 3, 1, 1],
    chunk: [4, 3, 2, 1, 1],
    dtype: "uint16",
    fill: 0,
    inFiles: false,
    offset: ORIGIN,
    storage: { codec: "not compressed", steps: ["raw"] },
  });
  equal(decoding.format, "n5");
  equal((await locate([1, 0, 0, 0, 0]))?.name, "memory:it/1/0/0");
  ok(/^[0-9a-f]{64}$/.test(fingerprint));
  const { fingerprint: other } = await openN5Array(memoryReader(changed({ a: 1 })));
  ok(other !== fingerprint);
  deepEqual((await readAll(N5)).voxels, EXPECTED);
});

Deno.test("blocks that were cut off before the volume grew hold fill value beyond", async () => {
  const grown = changed({ dimensions: [8, 6, 4] });
  const expected = Array.from({ length: 192 }, (_, i) => {
    const [x, y, z] = unravel(i, [8, 6, 4, 1, 1]);
    return x < 7 && y < 5 && z < 3 ? WRITTEN.at([x, y, z]) : 0;
  });
  deepEqual((await readAll(grown)).voxels, expected);
});

Deno.test("levels are found by number, by a list of factors, or by a list of paths", async () => {
  const levels = { s0: {}, s1: { dimensions: [4, 3, 3] } };
  const reader = (blobs: Record<string, unknown>) => openN5Array(memoryReader(blobs));
  const names = async (blobs: Record<string, unknown>) =>
    (await reader(blobs)).scales.map(({ name }) => name);
  deepEqual(await names(pyramid(undefined, levels)), ["s0", "s1"]);
  deepEqual(await names(pyramid({ scales: [[1, 1, 1], [2, 2, 1]] }, levels)), ["s0", "s1"]);
  deepEqual(await names(pyramid({ downsamplingFactors: [[1, 1, 1]] }, levels)), ["s0"]);
  const paths = ["s1", "./a/b"].map((path) => ({ path }));
  const listed = pyramid({ multiscales: [{ datasets: paths }] }, { "s1": {}, "a/b": {} });
  deepEqual(await names(listed), ["s1", "a/b"]);
  // Paintera's labels lie in a group of their own, whose attributes say how large voxels are.
  const painted = await reader({
    ...pyramid({ painteraData: { type: "label" } }, { "data/s0": {} }),
    "data/attributes.json": { multiScale: true, resolution: [4, 4, 40] },
  });
  const [{ name, voxelSize }] = painted.scales;
  deepEqual([painted.kind, name], ["labels", "data/s0"]);
  deepEqual(voxelSize, { x: 4, y: 4, z: 40, unit: "nanometer" });
});

Deno.test("a voxel size without a unit is nanometres where that is the custom, else it is not known", async () => {
  const sizeOf = async (attributes: Record<string, unknown>) =>
    (await openN5Array(memoryReader(changed(attributes)))).scales[0].voxelSize;
  const nanometres = { x: 4, y: 5, z: 40, unit: "nanometer" };
  deepEqual(await sizeOf({ resolution: [4, 5, 40] }), nanometres);
  deepEqual(await sizeOf({ resolution: [4, 5, 40], units: ["nm", "nm", "nm"] }), nanometres);
  equal(await sizeOf({ resolution: [4, 5, 40], units: ["px", "px", "px"] }), undefined);
  equal(await sizeOf({ pixelResolution: [4, 5, 40] }), undefined);
  equal(await sizeOf({ pixelResolution: { dimensions: [4, 5, 40], unit: "pixel" } }), undefined);
  deepEqual(await sizeOf({ resolution: [4, 5, 40], downsamplingFactors: [2, 4, 1] }), {
    x: 8,
    y: 20,
    z: 40,
    unit: "nanometer",
  });
  equal(await sizeOf({ resolution: [4, 5] }), undefined);
  equal(await sizeOf({ resolution: ["4", 5, 40] }), undefined);
  equal(await sizeOf({ resolution: [0, 5, 40] }), undefined);
});

const refused: readonly {
  name: string;
  blobs: Record<string, unknown>;
  options?: OpenN5Options;
  message: RegExp;
}[] = [
  { name: "nothing", blobs: {}, message: /"memory:it" .*no attributes.json; give the folder/ },
  {
    name: "a group without levels",
    blobs: { "attributes.json": { n5: "2.0.0" } },
    message: /a group without s0/,
  },
  {
    name: "no JSON",
    blobs: { "attributes.json": "{" },
    message: /"memory:it\/attributes.json" .* is no JSON/,
  },
  ...["float64", "int64", "string", "object"].map((dataType) => ({
    name: dataType,
    blobs: changed({ dataType }),
    message: new RegExp(`its voxels are ${dataType}, and nothing is narrowed`),
  })),
  { name: "no dtype", blobs: changed({ dataType: undefined }), message: /its voxels are absent/ },
  { name: "sets of labels", blobs: changed({ isLabelMultiset: true }), message: /a set of labels/ },
  ...([{ type: "jpeg" }, { type: "toString" }, "lzw", 7, undefined] as unknown[]).map((
    compression,
  ) => ({
    name: `the compression ${JSON.stringify(compression)}`,
    blobs: changed({ compression }),
    message: /its blocks were written with .*: raw, blosc, bzip2, gzip, lz4, xz, zstd are read/,
  })),
  {
    name: "six dimensions",
    blobs: changed({ dimensions: [1, 1, 1, 1, 1, 1] }),
    message: /6 dimensions/,
  },
  {
    name: "a side below 0",
    blobs: changed({ dimensions: [7, -5, 3] }),
    message: /"dimensions" is \[7,-5,3\]/,
  },
  {
    name: "blocks of other dimensions",
    blobs: changed({ blockSize: [4, 3] }),
    message: /"blockSize" has 2/,
  },
  { name: "no blocks", blobs: changed({ blockSize: undefined }), message: /"blockSize" is absent/ },
  {
    name: "blocks beyond 2 GiB",
    blobs: changed({ blockSize: [2048, 2048, 2048] }),
    message: /more than 2 GiB/,
  },
  {
    name: "axes that are no axes",
    blobs: changed({ axes: ["u", "v", "w"] }),
    message: /\["u","v","w"\]; say which/,
  },
  {
    name: "axes of other dimensions",
    blobs: N5,
    options: { axes: ["x", "y"] },
    message: /not the axes x,y/,
  },
  {
    name: "levels of other dtypes",
    blobs: pyramid(undefined, { s0: {}, s1: { dataType: "uint8" } }),
    message: /s1\/attributes.json" .*it holds uint8 over x,y,z, another level uint16/,
  },
  {
    name: "a level that is listed and not there",
    blobs: pyramid({ scales: [[1, 1, 1], [2, 2, 1]] }, { s0: {} }),
    message: /its level "s1" is no dataset/,
  },
  {
    name: "a path out of the volume",
    blobs: pyramid({ multiscales: [{ datasets: [{ path: "../s0" }] }] }, {}),
    message: /the path of a level is "\.\.\/s0", nothing below the group/,
  },
  {
    name: "levels without end",
    blobs: pyramid({ scales: Array(1000).fill([1, 1, 1]) }, {}),
    message: /lists more than 100 levels/,
  },
];
for (const { name, blobs, options, message } of refused) {
  Deno.test(`openN5Array() refuses ${name}, naming file, fault and way out`, () =>
    rejects(openN5Array(memoryReader(blobs), options), (error) => {
      ok(error instanceof Error && error.name === "SluiceError", String(error));
      ok(message.test(error.message), error.message);
      ok(/^Cannot read "memory:it.*" as .+: .+; .+[^.]$/.test(error.message), error.message);
      return true;
    }));
}

Deno.test("before N5 1.0 a compression was a name", async () => {
  deepEqual(
    (await readAll(changed({ compression: undefined, compressionType: "raw" }))).voxels,
    EXPECTED,
  );
});

/** A block of 3 x 3 x 2 at x 4, with numbers of its header changed. */
function block(changes: readonly (readonly [at: number, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(N5["1/0/0"] as Uint8Array);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of changes) {
    if (at < 4) view.setUint16(at, value);
    else view.setUint32(at, value);
  }
  return bytes;
}

const broken: readonly { name: string; bytes: Uint8Array; message: RegExp; gzip?: boolean }[] = [
  {
    name: "an empty block",
    bytes: new Uint8Array(0),
    message: /its 0 bytes are fewer than a header/,
  },
  { name: "half a header", bytes: block([]).slice(0, 12), message: /its 12 bytes are fewer/ },
  {
    name: "a block of variable length",
    bytes: block([[0, 1]]),
    message: /a block of variable length/,
  },
  { name: "a block of objects", bytes: block([[0, 2]]), message: /a block of objects/ },
  { name: "a mode nobody knows", bytes: block([[0, 9]]), message: /a block of mode 9/ },
  {
    name: "other dimensions",
    bytes: block([[2, 4]]),
    message: /says 4 dimensions where the volume has 3/,
  },
  {
    name: "a block larger than blocks are",
    bytes: block([[4, 5]]),
    message: /says 5 x 3 x 2 voxels where a block has 4 x 3 x 2/,
  },
  { name: "a block without voxels", bytes: block([[8, 0]]), message: /says 3 x 0 x 2 voxels/ },
  {
    name: "4 billion voxels",
    bytes: block([[12, 0xffffffff]]),
    message: /says 3 x 3 x 4294967295/,
  },
  {
    name: "voxels cut short",
    bytes: block([]).slice(0, 40),
    message: /as 36 bytes of voxels: it holds 24/,
  },
  {
    name: "a bomb",
    bytes: Buffer.concat([block([]).slice(0, 16), gzipSync(new Uint8Array(1 << 24))]),
    gzip: true,
    message: /as 36 bytes of voxels: it holds more/,
  },
];
for (const { name, bytes, gzip = false, message } of broken) {
  Deno.test(`${name} costs the task, or its own voxels alone`, async () => {
    const blobs = { ...writeN5(WRITTEN, [4, 3, 2], { gzip, isCut: true }), "1/0/0": bytes };
    await rejects(readAll(blobs), (error) => {
      ok(error instanceof Error && error.name === "SluiceError", String(error));
      ok(error.message.startsWith('Cannot read the chunk "memory:it/1/0/0": '), error.message);
      ok(message.test(error.message), error.message);
      return true;
    });
    const { slab, voxels } = await readAll(blobs, { onError: "fill" });
    deepEqual(slab.losses.map(({ box }) => box), [box([4, 0, 0], [7, 3, 2])]);
    const lost = ([x, y, z]: Point) => x >= 4 && y < 3 && z < 2;
    deepEqual(voxels, EXPECTED.map((voxel, i) => lost(unravel(i, [7, 5, 3, 1, 1])) ? 0 : voxel));
  });
}
