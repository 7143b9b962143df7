import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { type Box, box, boxSize } from "../../core/box.ts";
import {
  type Dtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../../core/dtype.ts";
import { SluiceError } from "../../core/errors.ts";
import {
  cellsOf,
  type ChunkEncoding,
  eachCell,
  type Layout,
  type Unit,
  unitBox,
  unitsOf,
} from "../../core/layout.ts";
import { planLayout } from "../../core/plan_layout.ts";
import { type Axis, mapPoint, type Point, product } from "../../core/point.ts";
import type { UnitReceipt } from "../../core/receipt.ts";
import { copyBox } from "../../core/voxels.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { volumeDocuments, type ZarrVersion } from "../../stores/_zarr_metadata.ts";
import { JobFolder } from "../../stores/job_folder.ts";
import { OmeZarrStore } from "../../stores/ome_zarr.ts";
import type { EncodedChunk, UnitWriter } from "../../stores/store.ts";
import { withFolder } from "../_stack.ts";

/** How volumes are stored that every promise is held against. */
interface Form {
  readonly name: string;
  readonly zarr: ZarrVersion;
  readonly shard: readonly [number, number, number] | "none";
  readonly encoding: ChunkEncoding;
}
const FORMS: Form[] = [
  {
    name: "0.5 sharded",
    zarr: "0.5",
    shard: [16, 16, 8],
    encoding: { codec: "zstd", level: 1, crc32c: true },
  },
  {
    name: "0.5 with a file a chunk",
    zarr: "0.5",
    shard: "none",
    encoding: { codec: "gzip", level: 1, crc32c: true },
  },
  {
    name: "0.4",
    zarr: "0.4",
    shard: "none",
    encoding: { codec: "zstd", level: 1, crc32c: false },
  },
];
const FLAT: readonly Axis[] = ["y", "x"];
const CHANNELS: readonly Axis[] = ["c", "z", "y", "x"];
const ALL: readonly Axis[] = ["t", "c", "z", "y", "x"];
const SIZES: Record<string, { size: Point; axes: readonly Axis[] }> = {
  "2-D": { size: [37, 29, 1, 1, 1], axes: FLAT },
  "4-D": { size: [21, 19, 7, 3, 1], axes: CHANNELS },
  "5-D": { size: [19, 21, 9, 2, 2], axes: ALL },
};
const ORIGIN: Point = [0, 0, 0, 0, 0];

interface Volume {
  readonly path: string;
  readonly layout: Layout;
  readonly temporary: string;
  readonly store: OmeZarrStore;
}

/** An empty volume with a claim, as a job makes it. */
async function makeVolume(
  path: string,
  pool: WorkerPool,
  form: Form,
  { dtype = "uint16", size = [37, 29, 11, 1, 1], axes = ALL }: {
    dtype?: Dtype;
    size?: Point;
    axes?: readonly Axis[];
  } = {},
): Promise<Volume> {
  const { layout } = planLayout({
    size,
    dtype,
    axes,
    kind: "image",
    encoding: form.encoding,
    chunk: size[2] === 1 ? [8, 8, 1] : [8, 8, 4],
    shard: form.shard === "none" || size[2] > 1 ? form.shard : [16, 16, 1],
    levels: 1,
    samples: 1,
  });
  const documents = volumeDocuments(form.zarr, layout, {
    name: "test",
    kind: "image",
    origin: ORIGIN,
    sluice: { complete: false },
  });
  const folder = new JobFolder(path);
  const claim = crypto.randomUUID();
  const temporary = folder.temporaryPath(claim);
  await Deno.mkdir(temporary, { recursive: true });
  await Deno.writeTextFile(
    folder.claimPath,
    JSON.stringify({ claim, plan: "", ledger: "memory:", job: 1 }),
  );
  for (const [name, document] of documents) {
    await Deno.mkdir(dirname(join(path, name)), { recursive: true });
    await Deno.writeTextFile(join(path, name), JSON.stringify(document));
  }
  return { path, layout, temporary, store: await OmeZarrStore.open(path, { pool, bandBytes: 1 }) };
}

/** Voxels with unequal bytes; every third row of chunks is empty. */
function makeVoxels(dtype: Dtype, of: Box): VoxelArray {
  const bytes = new Uint8Array(product(boxSize(of)) * VOXEL_BYTES[dtype]);
  const voxels = viewVoxels(dtype, bytes);
  const [width, height] = boxSize(of);
  for (let i = 0; i < voxels.length; i++) {
    if (Math.floor(Math.floor(i / width) % height / 8) % 3 === 1) continue;
    if (voxels instanceof BigUint64Array) voxels[i] = BigInt(i) * 0x9e3779b97f4a7c15n;
    else voxels[i] = dtype === "float32" ? Math.sin(i) * 1e9 : Math.imul(i + 1, 0x9e3779b1);
  }
  return voxels;
}

async function encodeUnit(
  { layout, store }: Volume,
  pool: WorkerPool,
  unit: Unit,
  data: VoxelArray,
): Promise<[index: Point, chunk: EncodedChunk][]> {
  const { chunk, size } = layout.scales[0];
  const cells = [...eachCell(cellsOf(unitBox(layout, unit), chunk))];
  const encoded = await pool.run("encodeChunks", {
    data,
    box: { min: ORIGIN, max: size },
    dtype: layout.dtype,
    fill: layout.fill,
    encoding: store.layout.encoding,
    chunk,
    corners: cells.map((cell) => mapPoint(cell, (value, axis) => value * chunk[axis])),
  });
  return cells.map((cell, i) => [cell, encoded[i]]);
}

const whole = ({ layout }: Volume): Box => ({ min: ORIGIN, max: layout.scales[0].size });

async function write(
  volume: Volume,
  pool: WorkerPool,
  data: VoxelArray,
  order: <T>(chunks: T[]) => T[] = (chunks) => chunks,
): Promise<UnitReceipt[]> {
  const receipts: UnitReceipt[] = [];
  for (const unit of unitsOf(volume.layout, 0, whole(volume))) {
    await using writer = await volume.store.open(unit);
    putAll(writer, order(await encodeUnit(volume, pool, unit, data)));
    receipts.push(await writer.commit());
  }
  return receipts;
}

function putAll(writer: UnitWriter, chunks: [index: Point, chunk: EncodedChunk][]): void {
  for (const [index, chunk] of chunks) writer.put(index, chunk);
}

/** Every file below a folder, and what it holds. */
async function filesBelow(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const walk = async (path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      const inside = join(path, name);
      if (isDirectory) await walk(inside);
      else files.set(relative(folder, inside), await Deno.readFile(inside));
    }
  };
  await walk(folder);
  return new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
}

/** Voxel files alone. */
async function shardsOf({ path }: Volume): Promise<Map<string, Uint8Array>> {
  const files = await filesBelow(path);
  return new Map([...files].filter(([name]) => /^0\/(?!.*(json|\.z))/.test(name)));
}

async function readBox(store: OmeZarrStore, of: Box): Promise<VoxelArray> {
  const { dtype } = store.layout;
  const voxels = viewVoxels(dtype, new Uint8Array(product(boxSize(of)) * VOXEL_BYTES[dtype]));
  let next = of.min[1];
  for await (const { box: part, data } of (await store.read(of)).bands()) {
    equal(part.min[1], next);
    next = part.max[1];
    copyBox(data, part, voxels, of, part);
  }
  equal(next, of.max[1]);
  return voxels;
}

function cut(voxels: VoxelArray, from: Box, of: Box, dtype: Dtype): VoxelArray {
  const part = viewVoxels(dtype, new Uint8Array(product(boxSize(of)) * VOXEL_BYTES[dtype]));
  copyBox(voxels, from, part, of, of);
  return part;
}

/** Boxes that begin and end anywhere. */
function oddBoxes(size: Point): Box[] {
  const inner = mapPoint(size, (side) => side > 2 ? 1 : 0);
  return [
    { min: ORIGIN, max: size },
    { min: inner, max: mapPoint(size, (side, axis) => Math.max(inner[axis] + 1, side - 1)) },
    { min: mapPoint(size, (side) => side - 1), max: size },
    {
      min: mapPoint(size, (side) => Math.floor(side / 3)),
      max: mapPoint(size, (side) => Math.ceil(side * 2 / 3)),
    },
    { min: [7, 7, 0, 0, 0], max: [9, 17, 1, 1, 1] },
  ];
}

async function withVolume(
  form: Form,
  test: (volume: Volume, pool: WorkerPool, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await using pool = new WorkerPool({ size: 0 });
    await test(await makeVolume(join(folder, "it.ome.zarr"), pool, form), pool, folder);
  });
}

const FIRST: Unit = { scale: 0, index: ORIGIN };

for (const form of FORMS) {
  Deno.test(`${form.name}: read() gives what was written, for every dtype and number of axes`, () =>
    withFolder(async (folder) => {
      await using pool = new WorkerPool({ size: 0 });
      for (const [name, shape] of Object.entries(SIZES)) {
        for (const dtype of Object.keys(VOXEL_BYTES) as Dtype[]) {
          const volume = await makeVolume(join(folder, `${name} ${dtype}`), pool, form, {
            ...shape,
            dtype,
          });
          const voxels = makeVoxels(dtype, whole(volume));
          await write(volume, pool, voxels);
          for (const of of oddBoxes(shape.size)) {
            const found = viewBytes(await readBox(volume.store, of));
            const expected = viewBytes(cut(voxels, whole(volume), of, dtype));
            ok(found.every((byte, i) => byte === expected[i]));
            equal(found.length, expected.length);
          }
        }
      }
    }));

  Deno.test(`${form.name}: chunks put in any order give the same bytes and receipts`, () =>
    withFolder(async (folder) => {
      await using pool = new WorkerPool({ size: 0 });
      const orders: (<T>(chunks: T[]) => T[])[] = [
        (chunks) => chunks,
        (chunks) => chunks.toReversed(),
        (chunks) =>
          chunks.map((chunk, i) => ({ chunk, rank: i * 7 % 5 }))
            .sort((a, b) => a.rank - b.rank).map(({ chunk }) => chunk),
      ];
      const outcomes = [];
      for (const [i, order] of orders.entries()) {
        const volume = await makeVolume(join(folder, `${i}`), pool, form);
        const receipts = await write(volume, pool, makeVoxels("uint16", whole(volume)), order);
        outcomes.push([receipts, await shardsOf(volume)]);
      }
      deepEqual(outcomes[1], outcomes[0]);
      deepEqual(outcomes[2], outcomes[0]);
    }));

  Deno.test(`${form.name}: disposed without commit, nothing is there`, () =>
    withVolume(form, async (volume, pool) => {
      const before = [...(await filesBelow(volume.path)).keys()];
      const chunks = await encodeUnit(volume, pool, FIRST, makeVoxels("uint16", whole(volume)));
      const writer = await volume.store.open(FIRST);
      putAll(writer, chunks);
      await writer[Symbol.asyncDispose]();
      deepEqual([...(await filesBelow(volume.path)).keys()], before);
      await rejects(writer.commit(), /committed or disposed before/);
      deepEqual([...(await filesBelow(volume.path)).keys()], before);
    }));

  Deno.test(`${form.name}: a guard that throws leaves nothing, and an older unit as it was`, () =>
    withVolume(form, async (volume, pool) => {
      const before = [...(await filesBelow(volume.path)).keys()];
      const chunks = await encodeUnit(volume, pool, FIRST, makeVoxels("uint16", whole(volume)));
      const lost = new Error("lease lost");
      const attempt = async (put: typeof chunks) => {
        await using writer = await volume.store.open(FIRST);
        putAll(writer, put);
        await rejects(
          writer.commit(() => {
            throw lost;
          }),
          (error) => error === lost,
        );
      };
      await attempt(chunks);
      deepEqual([...(await filesBelow(volume.path)).keys()], before);
      {
        await using writer = await volume.store.open(FIRST);
        putAll(writer, chunks);
        await writer.commit();
        await rejects(writer.commit(), /committed or disposed before/);
      }
      const written = await filesBelow(volume.path);
      equal(written.size, before.length + 1);
      const empty = chunks.map(([index]): [Point, EncodedChunk] => [
        index,
        { bytes: undefined, crc: 0, min: 0, max: 0 },
      ]);
      await attempt(empty);
      deepEqual(await filesBelow(volume.path), written);
    }));

  Deno.test(`${form.name}: a unit that lacks a chunk is refused, and a chunk of another unit`, () =>
    withVolume(form, async (volume, pool) => {
      const chunks = await encodeUnit(volume, pool, FIRST, makeVoxels("uint16", whole(volume)));
      await using writer = await volume.store.open(FIRST);
      equal(writer.chunks, chunks.length);
      const { chunk, shard } = volume.layout.scales[0];
      for (const axis of [0, 1, 2]) {
        const beyond = mapPoint(ORIGIN, (_, at) => at === axis ? shard[at] / chunk[at] : 0);
        throws(() => writer.put(beyond, chunks[0][1]), {
          name: "RangeError",
          message: /^Cannot put chunk .* into unit 0\/0\.0\.0\.0\.0: it lies outside/,
        });
        throws(() => writer.put(mapPoint(beyond, (value) => -value), chunks[0][1]), RangeError);
      }
      putAll(writer, chunks.slice(1));
      await rejects(writer.commit(), {
        name: "SluiceError",
        message: `Cannot commit unit 0/0.0.0.0.0: 1 of its ${chunks.length} chunks were not put`,
      });
      equal((await shardsOf(volume)).size, 0);
      putAll(writer, chunks.slice(0, 1));
      ok((await writer.commit()).bytes > 0);
    }));

  Deno.test(`${form.name}: empty chunks are not stored, nor empty units`, () =>
    withVolume(form, async (volume, pool) => {
      const voxels = makeVoxels("uint16", whole(volume));
      viewBytes(voxels).fill(0);
      await write(volume, pool, makeVoxels("uint16", whole(volume)));
      ok((await shardsOf(volume)).size > 0);
      const receipts = await write(volume, pool, voxels);
      equal((await shardsOf(volume)).size, 0);
      deepEqual(receipts.map(({ bytes, crc, min, max }) => [bytes, crc, min, max]), [
        ...receipts.map(() => [0, 0, 0, 0]),
      ]);
      voxels[0] = 7;
      await write(volume, pool, voxels);
      deepEqual((await shardsOf(volume)).size, 1);
      deepEqual([...await readBox(volume.store, whole(volume))], [...voxels]);
    }));

  for (const how of ["removed", "replaced"] as const) {
    for (
      const when of ["before the first chunk", "before the commit", "during the guard"] as const
    ) {
      Deno.test(`${form.name}: a volume ${how} ${when}: nothing new appears`, () =>
        withVolume(form, async (volume, pool) => {
          const chunks = await encodeUnit(volume, pool, FIRST, makeVoxels("uint16", whole(volume)));
          await using writer = await volume.store.open(FIRST);
          const change = async () => {
            await Deno.remove(volume.path, { recursive: true });
            if (how === "replaced") await makeVolume(volume.path, pool, form);
          };
          const act = async () => {
            if (when === "before the first chunk") await change();
            putAll(writer, chunks);
            if (when === "before the commit") await change();
            await writer.commit(when === "during the guard" ? change : undefined);
          };
          await rejects(act(), (error) => {
            ok(error instanceof SluiceError);
            ok(
              /Cannot write unit 0\/0\.0\.0\.0\.0 as ".*": the volume was removed or replaced/.test(
                error.message,
              ),
            );
            return true;
          });
          const left = await shardsOf(volume).catch(() => new Map());
          equal(left.size, 0);
          equal(await Deno.stat(volume.path).then(() => "replaced", () => "removed"), how);
        }));
    }
  }

  Deno.test(`${form.name}: an empty unit is refused, too, once the volume is gone`, () =>
    withVolume(form, async (volume, pool) => {
      const voxels = makeVoxels("uint16", whole(volume));
      viewBytes(voxels).fill(0);
      const chunks = await encodeUnit(volume, pool, FIRST, voxels);
      await using writer = await volume.store.open(FIRST);
      putAll(writer, chunks);
      await Deno.remove(volume.path, { recursive: true });
      await rejects(writer.commit(), /removed or replaced/);
    }));

  Deno.test(`${form.name}: what is broken is named, with the file it lies in`, () =>
    withVolume(form, async (volume, pool) => {
      await write(volume, pool, makeVoxels("uint16", whole(volume)));
      const path = volume.store.place(FIRST);
      const stored = await Deno.readFile(path);
      const named = async (bytes: Uint8Array, message: RegExp) => {
        await Deno.writeFile(path, bytes);
        await rejects(readBox(volume.store, whole(volume)), (error) => {
          ok(error instanceof SluiceError, `${error}`);
          ok(message.test(error.message) && error.message.includes(path), error.message);
          ok(error.message.endsWith("run `sluice verify`"), error.message);
          return true;
        });
      };
      const flip = (at: number) => stored.map((byte, i) => i === at ? byte ^ 0x10 : byte);
      await named(flip(5), /Cannot read the chunk at byte 0 of/);
      await named(stored.slice(0, 3), form.shard === "none" ? /chunk at byte 0/ : /too few/);
      if (form.shard !== "none") {
        await named(flip(stored.length - 1), /index of a shard: its crc32c/);
        await named(flip(stored.length - 40), /index of a shard: its crc32c/);
        await named(stored.slice(0, -1), /index of a shard: its crc32c/);
      }
    }));
}

Deno.test("the range of a unit leaves out NaN, and what lies beyond the extent", () =>
  withFolder(async (folder) => {
    await using pool = new WorkerPool({ size: 0 });
    for (const order of ["as they lie", "from the end"]) {
      const volume = await makeVolume(join(folder, order), pool, FORMS[0], { dtype: "float32" });
      const voxels = makeVoxels("float32", whole(volume)) as Float32Array;
      const [width] = volume.layout.scales[0].size;
      voxels.forEach((_, i) => {
        const column = Math.floor(i % width / 8) % 2;
        voxels[i] = column === (order === "as they lie" ? 1 : 0) ? NaN : 5 + i % 3;
      });
      for (const { min, max } of await write(volume, pool, voxels)) {
        // The far columns of shards may hold nothing else.
        if (!Number.isNaN(Number(min))) deepEqual([min, max], [5, 7], order);
      }
      deepEqual([...await readBox(volume.store, whole(volume))], [...voxels]);
    }
  }));

Deno.test("a volume that no job was created for is read, and not written", () =>
  withVolume(FORMS[0], async (volume, pool) => {
    await Deno.remove(volume.store.folder.path, { recursive: true });
    await using store = await OmeZarrStore.open(volume.path, { pool });
    ok((await readBox(store, whole(volume))).every((value) => value === 0));
    await rejects(async () => await store.open(FIRST), /no job was created for it/);
  }));

Deno.test("boxes and scales that a volume does not have are refused", () =>
  withVolume(FORMS[0], async ({ store }) => {
    await rejects(async () => await store.read(box([0, 0, 0], [38, 29, 11])), RangeError);
    await rejects(async () => await store.read(box([-1, 0, 0], [37, 29, 11])), RangeError);
    await rejects(
      async () => await store.read(box([0, 0, 0], [1, 1, 1]), { scale: 1 }),
      RangeError,
    );
  }));
