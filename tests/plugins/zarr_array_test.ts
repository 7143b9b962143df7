import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type Box, box, boxSize, boxVolume } from "../../core/box.ts";
import type { Dtype } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { AXES, type Axis, mapPoint, type Point, unravel } from "../../core/point.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { readChunked } from "../../plugins/chunked_array.ts";
import type { ArrayReader } from "../../plugins/volume_array.ts";
import { openZarrArray } from "../../plugins/zarr_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openVolume } from "../../stores/volume.ts";
import { ingest } from "../../tasks/ingest.ts";
import { fc } from "../_fast_check.ts";
import { withFolder } from "../_stack.ts";
import { diskReader, memoryReader } from "./_reader.ts";
import {
  changed,
  DATASET,
  EXPECTED,
  group,
  PLAIN,
  readAll,
  SPACE,
  V2,
  V3,
  WRITTEN,
} from "./_zarr_samples.ts";
import { type Chain, writeZarr2, writeZarr3 } from "./_zarr_writer.ts";

const DTYPES = ["uint8", "int16", "uint16", "uint32", "uint64", "float32"] as const;
const ORIGIN: Point = [0, 0, 0, 0, 0];

/** A voxel with unequal bytes; a good part of them is fill value. */
function voxelAt(dtype: Dtype, fill: number) {
  return (index: readonly number[]): number => {
    const hash = index.reduce(
      (sum, value, i) => sum + value * [7919, 104729, 1299709, 31, 7][i],
      1,
    );
    if (hash % 3 === 0) return fill;
    return dtype === "uint8" ? hash % 256 : dtype === "float32" ? hash / 7 : hash % 32768;
  };
}

/** Sides of chunks within a side, each a multiple of the next, the outermost first. */
const nested = fc.tuple(
  fc.integer({ min: 1, max: 3 }),
  fc.constantFrom(1, 2),
  fc.constantFrom(1, 2),
)
  .map(([inner, a, b]) => [inner * a * b, inner * a, inner] as const);

const dimension = fc.record({ side: fc.integer({ min: 1, max: 9 }), chunks: nested });

/** Dimensions of an array with their names, in any order. */
const arrays = fc.subarray([...AXES], { minLength: 1 }).chain((axes) =>
  fc.record({
    names: fc.shuffledSubarray(axes, { minLength: axes.length, maxLength: axes.length }),
    dimensions: fc.array(dimension, { minLength: axes.length, maxLength: axes.length }),
    dtype: fc.constantFrom(...DTYPES),
    fill: fc.constantFrom(0, 5),
    depth: fc.integer({ min: 0, max: 2 }),
    orders: fc.array(
      fc.shuffledSubarray(axes.map((_, i) => i), {
        minLength: axes.length,
        maxLength: axes.length,
      }),
      { minLength: 3, maxLength: 3 },
    ),
    bits: fc.array(fc.boolean(), { minLength: 15, maxLength: 15 }),
    box: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 5, maxLength: 5 }),
  })
);
type Made = typeof arrays extends fc.Arbitrary<infer T> ? T : never;

/** Codecs around each other; what a level transposes, those in it see transposed. */
function chainOf({ dimensions, depth, orders, bits }: Made, level: number, dims: number[]): Chain {
  const [transposes, bigEndian, gzip, atStart, hasSum] = bits.slice(level * 5);
  const transpose = transposes ? orders[level] : undefined;
  const sides = transpose?.map((i) => dims[i]) ?? dims;
  const isShard = level < depth;
  return {
    transpose,
    bigEndian,
    // Shards that are packed as a whole are another way to read: one in so many.
    gzip: gzip && (!isShard || atStart),
    crc32c: gzip && hasSum,
    ...(isShard
      ? {
        shard: {
          chunk: sides.map((d) => dimensions[d].chunks[level + 1]),
          inner: chainOf({ dimensions, depth, orders, bits } as Made, level + 1, sides),
          atStart,
          hasSum,
        },
      }
      : {}),
  };
}

function sizeOf(made: Made): Point {
  return mapPoint(ORIGIN, (_, axis) => {
    const at = made.names.indexOf(AXES[axis]);
    return at < 0 ? 1 : made.dimensions[at].side;
  });
}

/** A box in a volume, by numbers of any size. */
function boxIn(size: Point, numbers: readonly (readonly [number, number])[]): Box {
  const min = mapPoint(size, (side, axis) => numbers[axis][0] % side);
  return {
    min,
    max: mapPoint(min, (from, axis) => from + 1 + numbers[axis][1] % (size[axis] - from)),
  };
}

async function sameVoxels(
  reader: ArrayReader,
  made: Made,
  at: (index: readonly number[]) => number,
): Promise<void> {
  await using pool = new WorkerPool({ size: 0 });
  const { scales: [scale], axes } = await openZarrArray(reader);
  const size = sizeOf(made);
  deepEqual([scale.size, axes, scale.dtype], [size, made.names, made.dtype]);
  for (const part of [{ min: ORIGIN, max: size }, boxIn(size, made.box)]) {
    const found = await gatherVoxels(readChunked(scale, part, { pool, bandBytes: 64 }));
    const expected = Array.from({ length: boxVolume(part) }, (_, i) => {
      const place = unravel(i, boxSize(part)).map((value, axis) => value + part.min[axis]);
      return at(made.names.map((name) => place[AXES.indexOf(name)]));
    });
    deepEqual(
      Array.from(found, Number),
      made.dtype === "float32" ? expected.map(Math.fround) : expected,
    );
  }
}

Deno.test("any box of any array of Zarr v3 is read as it was written, whatever its shards and codecs", () =>
  fc.assert(
    fc.asyncProperty(arrays, async (made) => {
      const { dimensions, dtype, fill, names } = made;
      const at = voxelAt(dtype, fill);
      const written = { dtype, fill, at, shape: dimensions.map(({ side }) => side) };
      const chunk = dimensions.map(({ chunks }) => chunks[0]);
      const chain = chainOf(made, 0, dimensions.map((_, i) => i));
      await sameVoxels(memoryReader(writeZarr3(written, chunk, chain, names)), made, at);
    }),
    { seed: 20260103, numRuns: 300 },
  ));

Deno.test("any box of any array of Zarr v2 is read as it was written, in either order", () =>
  fc.assert(
    fc.asyncProperty(arrays, async (made) => {
      const { dimensions, dtype, fill, names, bits: [bigEndian, gzip, isFortran] } = made;
      const at = voxelAt(dtype, fill);
      const written = { dtype, fill, at, shape: dimensions.map(({ side }) => side) };
      const chunk = dimensions.map(({ chunks }) => chunks[0]);
      const options = { bigEndian, gzip, order: isFortran ? "F" : "C" } as const;
      await sameVoxels(memoryReader(writeZarr2(written, chunk, options, names)), made, at);
    }),
    { seed: 20260103, numRuns: 150 },
  ));

Deno.test("openZarrArray() says what a plain array is", async () => {
  const volume = await openZarrArray(memoryReader(V3));
  const { format, url, axes, kind, fingerprint, scales: [{ locate, decoding, ...scale }] } = volume;
  deepEqual({ format, url, axes, kind }, {
    format: "zarr",
    url: "memory:it",
    axes: ["z", "y", "x"],
    kind: undefined,
  });
  deepEqual(scale, {
    name: "",
    size: [7, 5, 3, 1, 1],
    chunk: [4, 3, 2, 1, 1],
    dtype: "uint16",
    fill: 9,
    inFiles: false,
    offset: ORIGIN,
    storage: { codec: "not compressed, crc32c", steps: ["bytes", "crc32c"] },
  });
  equal(decoding.format, "zarr");
  equal((await locate([1, 0, 0, 0, 0]))?.name, "memory:it/c/0/0/1");
  deepEqual((await readAll(volume)).voxels, EXPECTED);
  ok(/^[0-9a-f]{64}$/.test(fingerprint));
});

Deno.test("the fingerprint of a volume is that of its metadata alone, wherever it lies", async () => {
  const print = async (blobs: Record<string, unknown>) =>
    (await openZarrArray(memoryReader(blobs))).fingerprint;
  const first = await print(V3);
  equal(await print({ ...V3, "c/0/0/1": new Uint8Array(3), "other": {} }), first);
  for (
    const changes of [{ fill_value: 8 }, { attributes: { a: 1 } }, { codecs: [{ name: "bytes" }] }]
  ) {
    if ("codecs" in changes) await rejects(print(changed(V3, "zarr.json", changes)));
    else ok(await print(changed(V3, "zarr.json", changes)) !== first);
  }
  ok(await print(changed(V2, ".zattrs", { a: 1 })) !== await print(V2));
});

Deno.test("a volume that sluice wrote is read like that of anybody else", () =>
  withFolder(async (folder) => {
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const source = arraySource(
      { name: "it", size: [70, 50, 30], dtype: "uint16", voxelSize: parseVoxelSize("4x4x40nm") },
      (part, voxels) => {
        const [width, height] = boxSize(part);
        for (const i of voxels.keys()) {
          const [x, y] = [part.min[0] + i % width, part.min[1] + Math.floor(i / width) % height];
          voxels[i] = x * 256 + y;
        }
      },
    );
    for (const zarr of ["0.5", "0.4"] as const) {
      const options = { ledger, pool, zarr, chunk: [32, 32, 8], levels: 2 } as const;
      const { created } = await ingest(source, `${folder}/${zarr}`, options);
      const volume = await openZarrArray(diskReader(created.volume));
      const written = await openVolume(created.volume, { pool });
      deepEqual(volume.scales[0].voxelSize, parseVoxelSize("4x4x40nm"));
      for (const [level, scale] of volume.scales.entries()) {
        const all = box([0, 0, 0, 0, 0], scale.size);
        const found = await gatherVoxels(readChunked(scale, all, { pool }));
        deepEqual(found, await gatherVoxels(await written.read(all, { scale: level })));
      }
      equal(volume.scales.length, 2);
    }
  }));

const axesCases: readonly {
  name: string;
  names?: readonly (string | null)[];
  given?: readonly Axis[];
  count: number;
  axes: string;
}[] = [
  { name: "two unnamed", count: 2, axes: "yx" },
  { name: "three unnamed", count: 3, axes: "zyx" },
  { name: "three without a name", names: [null, null, null], count: 3, axes: "zyx" },
  { name: "four unnamed", count: 4, axes: "czyx" },
  { name: "five unnamed", count: 5, axes: "tczyx" },
  { name: "capitals", names: ["X", "Y", "Z"], count: 3, axes: "xyz" },
  { name: "words", names: ["time", "Channel", "y", "x"], count: 4, axes: "tcyx" },
  {
    name: "those that are given",
    names: ["a", "b", "c"],
    given: ["z", "x", "y"],
    count: 3,
    axes: "zxy",
  },
];
for (const { name, names, given, count, axes } of axesCases) {
  Deno.test(`dimensions are told apart by ${name}`, async () => {
    const shape = [2, 3, 4, 5, 6].slice(0, count);
    const blobs = writeZarr3({ ...WRITTEN, shape, at: () => 9 }, shape, PLAIN);
    const named = changed(
      blobs,
      "zarr.json",
      names === undefined ? {} : { dimension_names: names },
    );
    const volume = await openZarrArray(memoryReader(named), { axes: given });
    equal(volume.axes.join(""), axes);
    deepEqual(
      volume.scales[0].size,
      mapPoint(ORIGIN, (_, axis) => shape[axes.indexOf(AXES[axis])] ?? 1),
    );
  });
}

Deno.test("OME-Zarr says how large its voxels are and where they lie, in any of its forms", async () => {
  const cases: readonly [Record<string, unknown>, object, "0.5" | "0.4"][] = [
    [
      { version: "0.5", multiscales: [{ axes: SPACE, datasets: [DATASET] }] },
      { voxelSize: { x: 4, y: 4, z: 40, unit: "nanometer" }, offset: [0, 0, 0, 0, 0] },
      "0.5",
    ],
    [
      {
        multiscales: [{
          version: "0.4",
          axes: SPACE.map((axis) => axis.name === "z" ? { ...axis, unit: "micrometer" } : axis),
          datasets: [{
            path: "./0/",
            coordinateTransformations: [
              { type: "scale", scale: [0.02, 2, 2] },
              { type: "translation", translation: [0.1, -6, 1] },
            ],
          }],
          coordinateTransformations: [{ type: "scale", scale: [2, 2, 2] }],
        }],
      },
      { voxelSize: { x: 4, y: 4, z: 40, unit: "nanometer" }, offset: [1, -3, 5, 0, 0] },
      "0.4",
    ],
    // Means of two by two voxels from 30, 20 and 10 on: a coarser voxel lies a part of one further on.
    [
      {
        multiscales: [{
          version: "0.4",
          axes: SPACE,
          datasets: [{
            path: "0",
            coordinateTransformations: [
              { type: "scale", scale: [40, 8, 8] },
              { type: "translation", translation: [400, 82, 122] },
            ],
          }],
        }],
      },
      { voxelSize: { x: 8, y: 8, z: 40, unit: "nanometer" }, offset: [15, 10, 10, 0, 0] },
      "0.4",
    ],
    // Units that nobody knows, or none: where voxels lie is known all the same.
    [
      {
        multiscales: [{
          version: "0.4",
          axes: SPACE.map(({ name }) => ({ name, type: "space" })),
          datasets: [{
            ...DATASET,
            coordinateTransformations: [
              { type: "scale", scale: [2, 2, 2] },
              { type: "translation", translation: [4, 6, 8] },
            ],
          }],
        }],
      },
      { offset: [4, 3, 2, 0, 0] },
      "0.4",
    ],
    [
      { multiscales: [{ version: "0.3", axes: ["z", "y", "x"], datasets: [{ path: "0" }] }] },
      { offset: [0, 0, 0, 0, 0] },
      "0.4",
    ],
    [{ multiscales: [{ version: "0.1", datasets: [{ path: "0" }] }] }, { offset: ORIGIN }, "0.4"],
    // Where axes have types, their names are anybody's.
    [
      {
        multiscales: [{
          version: "0.4",
          axes: ["dim0", "dim1", "dim2"].map((name) => ({ name, type: "space", unit: "um" })),
          datasets: [DATASET],
        }],
      },
      { voxelSize: { x: 4, y: 4, z: 40, unit: "micrometer" }, offset: ORIGIN },
      "0.4",
    ],
  ];
  for (const [ome, expected, version] of cases) {
    const { axes, kind, scales } = await openZarrArray(memoryReader(group(ome, version)));
    const [{ voxelSize, offset, name }] = scales;
    deepEqual({ ...(voxelSize && { voxelSize }), offset }, expected);
    deepEqual([axes, kind, name], [["z", "y", "x"], "image", "0"]);
  }
  const labels = { multiscales: [{ axes: SPACE, datasets: [DATASET] }], "image-label": {} };
  equal((await openZarrArray(memoryReader(group(labels)))).kind, "labels");
});

const fills: readonly { dtype: Dtype; stored: unknown; fill: number | bigint; v2?: boolean }[] = [
  { dtype: "uint16", stored: null, fill: 0, v2: true },
  { dtype: "float32", stored: "NaN", fill: NaN },
  { dtype: "float32", stored: "-Infinity", fill: -Infinity },
  { dtype: "float32", stored: "0x3fc00000", fill: 1.5 },
  { dtype: "float32", stored: "0x7fc00000", fill: NaN },
  { dtype: "int16", stored: -32768, fill: -32768 },
  { dtype: "uint16", stored: 3.0, fill: 3 },
];
for (const { dtype, stored, fill, v2 } of fills) {
  Deno.test(`chunks that are not stored are ${fill} where the fill value of ${dtype} is ${stored}`, async () => {
    const [blobs, key] = v2 ? [V2, ".zarray"] : [V3, "zarr.json"];
    const type = v2 ? {} : { data_type: dtype };
    const only = { [key]: { ...blobs[key] as object, ...type, fill_value: stored } };
    const volume = await openZarrArray(memoryReader(only));
    deepEqual((await readAll(volume)).voxels, Array(105).fill(fill));
  });
}

Deno.test("the greatest uint64 is a fill value, and bare NaN in attributes of Python is no fault", async () => {
  const text = JSON.stringify({ ...V3["zarr.json"] as object, data_type: "uint64" })
    .replace('"fill_value":9', '"fill_value":18446744073709551615')
    .replace('"attributes":{}', '"attributes":{"a":NaN,"b":"NaN -Infinity","c":-Infinity}');
  const volume = await openZarrArray(memoryReader({ "zarr.json": text }));
  equal(volume.scales[0].fill, 2n ** 64n - 1n);
  deepEqual((await readAll(volume)).voxels, Array(105).fill(2n ** 64n - 1n));
});
