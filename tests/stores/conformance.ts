/**
 * What every store promises. A new one passes by being added to the table in `conformance_test.ts`.
 * @module
 */
import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { crc32 } from "node:zlib";
import { box } from "../../core/box.ts";
import { type Dtype, viewBytes, VOXEL_BYTES } from "../../core/dtype.ts";
import { type ChunkEncoding, type Layout, unitBox, unitName, unitsOf } from "../../core/layout.ts";
import { planLayout, type PlanLayoutOptions } from "../../core/plan_layout.ts";
import { type Axis, mapPoint, type Point } from "../../core/point.ts";
import { scanVoxels } from "../../core/scan.ts";
import type { EncodedChunk, Store } from "../../stores/store.ts";
import {
  allocate,
  cut,
  encodeUnit,
  FIRST,
  makeVoxels,
  oddBoxes,
  ORDERS,
  ORIGIN,
  putAll,
  readBox,
  SIZES,
  whole,
  writeScale,
} from "./_voxels.ts";

/** A volume that is made for one test. */
export interface OpenedStore extends AsyncDisposable {
  readonly store: Store;
  /** The same volume as another process sees it. */
  again(): Promise<Store>;
}

/** One kind of store. */
export interface StoreKind {
  readonly name: string;
  /** How it stores chunks here. */
  readonly encoding: ChunkEncoding;
  /** Whether a unit may be more than one chunk. */
  readonly sharded: boolean;
  /** Whether chunks of fill value alone are stored like any other. @default false */
  readonly storesFill?: boolean;
  /** Whether a chunk holds all channels. @default false */
  readonly joinsChannels?: boolean;
  /** Whether volumes may have times, and another fill value than 0. @default true */
  readonly hasTimeAndFill?: boolean;
  /** Types of voxels it is tried with where all matter elsewhere. @default All */
  readonly dtypes?: readonly Dtype[];
  /** Which boxes may be shards, where the format allows some alone. */
  readonly shapeShard?: PlanLayoutOptions["shapeShard"];
  /** Makes an empty volume. */
  create(layout: Layout): Promise<OpenedStore>;
}

/** What a volume is to be. */
interface Shape {
  readonly dtype?: Dtype;
  readonly size?: Point;
  readonly axes?: readonly Axis[];
  readonly levels?: number;
  readonly fill?: number;
}

function layoutOf(kind: StoreKind, shape: Shape = {}): Layout {
  const { encoding, sharded, joinsChannels, shapeShard, hasTimeAndFill = true } = kind;
  const { dtype = "uint16", size = [37, 29, 11, 1, 1], axes = ["z", "y", "x"], levels = 1 } = shape;
  const flat = size[2] === 1;
  const { layout } = planLayout({
    size,
    dtype,
    axes,
    kind: "image",
    encoding,
    chunk: flat ? [8, 8, 1] : [8, 8, 4],
    shard: sharded ? (flat ? [16, 16, 1] : [16, 16, 8]) : "none",
    levels,
    samples: 1,
    joinsChannels,
    shapeShard,
  });
  return { ...layout, fill: hasTimeAndFill ? shape.fill ?? 0 : 0 };
}

/** Registers a test for each line of the contract. */
export function conform(kind: StoreKind): void {
  const test = (
    name: string,
    run: (store: Store, opened: OpenedStore) => Promise<void>,
    shape?: Shape,
  ) =>
    Deno.test(`${kind.name} store: ${name}`, async () => {
      await using opened = await kind.create(layoutOf(kind, shape));
      await run(opened.store, opened);
    });

  const { storesFill = false, hasTimeAndFill = true } = kind;
  const fill = hasTimeAndFill ? 700 : 0;

  for (const [axes, shape] of Object.entries(SIZES)) {
    if (shape.axes.includes("t") && !hasTimeAndFill) continue;
    Deno.test(`${kind.name} store: read() gives what was written, ${axes}, for every dtype`, async () => {
      for (const dtype of kind.dtypes ?? Object.keys(VOXEL_BYTES) as Dtype[]) {
        const layout = layoutOf(kind, { ...shape, dtype });
        await using opened = await kind.create(layout);
        const voxels = makeVoxels(dtype, whole(layout));
        await writeScale(opened.store, voxels);
        for (const store of [opened.store, await opened.again()]) {
          for (const of of oddBoxes(shape.size)) {
            const expected = cut(voxels, whole(layout), of, dtype);
            deepEqual(viewBytes(await readBox(store, of)), viewBytes(expected), `${dtype} ${of}`);
          }
        }
      }
    });
  }

  test("reads fill value where nothing was written", async (store, { again }) => {
    const expected = allocate("uint16", whole(store.layout)).fill(fill as never);
    deepEqual(await readBox(store, whole(store.layout)), expected);
    deepEqual(await readBox(await again(), whole(store.layout)), expected);
  }, { fill });

  test("keeps the scales apart", async (store, { again }) => {
    const { layout } = store;
    equal(layout.scales.length, 3);
    for (const [scale] of layout.scales.entries()) {
      const value = 100 * (scale + 1);
      const voxels = allocate("uint16", whole(layout, scale)).fill(value as never);
      await writeScale(store, voxels, { scale });
    }
    for (const [scale] of layout.scales.entries()) {
      const found = await readBox(await again(), whole(layout, scale), scale);
      ok(found.every((voxel: number | bigint) => voxel === 100 * (scale + 1)));
    }
  }, { levels: 3 });

  test("has the same receipts whatever the order of put(), and the same voxels", async (store) => {
    const voxels = makeVoxels("uint16", whole(store.layout));
    const outcomes = [];
    for (const order of ORDERS) {
      const receipts = await writeScale(store, voxels, { order });
      outcomes.push([receipts, await readBox(store, whole(store.layout))]);
    }
    deepEqual(outcomes[1], outcomes[0]);
    deepEqual(outcomes[2], outcomes[0]);
  });

  test("says in a receipt what was written", async (store) => {
    const { layout } = store;
    const voxels = makeVoxels("uint16", whole(layout));
    const receipts = await writeScale(store, voxels);
    for (const [i, unit] of [...unitsOf(layout, 0, whole(layout))].entries()) {
      const inside = cut(voxels, whole(layout), unitBox(layout, unit), "uint16");
      const { min, max, empty } = scanVoxels(inside, layout.fill);
      const chunks = await encodeUnit(layout, unit, voxels);
      const { bytes, crc, ...rest } = receipts[i];
      const voxelsCrc = crc32(viewBytes(Uint32Array.from(chunks, ([, chunk]) => chunk.crc)));
      deepEqual(rest, { unit: unitName(unit), voxels: voxelsCrc, min, max });
      const isStored = storesFill || !empty;
      deepEqual([bytes > 0, crc !== 0], [isStored, isStored]);
    }
  });

  test("leaves NaN out of the range of a unit, and what lies beyond the extent", async (store) => {
    const { layout } = store;
    const [width] = layout.scales[0].size;
    for (const known of [0, 1]) {
      const voxels = makeVoxels("float32", whole(layout)) as Float32Array;
      voxels.forEach((_, i) => {
        voxels[i] = Math.floor(i % width / 8) % 2 === known ? 5 + i % 3 : NaN;
      });
      for (const { min, max } of await writeScale(store, voxels)) {
        // The units of a far edge may hold nothing else.
        if (!Number.isNaN(Number(min))) deepEqual([min, max], [5, 7]);
      }
      deepEqual(viewBytes(await readBox(store, whole(layout))), viewBytes(voxels));
    }
  }, { dtype: "float32" });

  test(
    storesFill
      ? "stores a unit of fill value in the place of what was there"
      : "stores nothing for a unit of fill value, in the place of what was there",
    async (store, { again }) => {
      const { layout } = store;
      await writeScale(store, makeVoxels("uint16", whole(layout)));
      const nothing = allocate("uint16", whole(layout)).fill(fill as never);
      for (const { bytes, crc, min, max } of await writeScale(store, nothing)) {
        deepEqual([bytes > 0, crc !== 0, min, max], [storesFill, storesFill, fill, fill]);
      }
      deepEqual(await readBox(await again(), whole(layout)), nothing);
    },
    { fill },
  );

  test("shows nothing of a unit that is disposed without commit", async (store, { again }) => {
    const { layout } = store;
    const before = await readBox(store, whole(layout));
    const writer = await store.open(FIRST);
    putAll(writer, await encodeUnit(layout, FIRST, makeVoxels("uint16", whole(layout))));
    await writer[Symbol.asyncDispose]();
    await rejects(writer.commit(), {
      name: "SluiceError",
      message: /committed or disposed before/,
    });
    deepEqual(await readBox(await again(), whole(layout)), before);
  });

  test(
    "shows nothing of a unit before its commit, nor where the guard throws",
    async (store, { again }) => {
      const { layout } = store;
      const empty = await readBox(store, whole(layout));
      const voxels = makeVoxels("uint16", whole(layout));
      const chunks = await encodeUnit(layout, FIRST, voxels);
      const none = chunks.map(([index]): [Point, EncodedChunk] => [
        index,
        { bytes: undefined, crc: 0, min: 0, max: 0 },
      ]);
      const lost = new Error("the lease is lost");
      const attempt = async (put: typeof chunks, expected: typeof empty) => {
        await using writer = await store.open(FIRST);
        putAll(writer, put);
        let asked = 0;
        const guard = async () => {
          asked++;
          deepEqual(await readBox(await again(), whole(layout)), expected);
          throw lost;
        };
        await rejects(writer.commit(guard), (error) => error === lost);
        equal(asked, 1);
        deepEqual(await readBox(await again(), whole(layout)), expected);
      };
      await attempt(chunks, empty);
      {
        await using writer = await store.open(FIRST);
        putAll(writer, chunks);
        await writer.commit();
        await rejects(writer.commit(), /committed or disposed before/);
      }
      const written = await readBox(await again(), whole(layout));
      equal(written[0], voxels[0]);
      await attempt(none, written);
    },
  );

  test("refuses a unit that lacks a chunk, and a chunk of another unit", async (store) => {
    const { layout } = store;
    const chunks = await encodeUnit(layout, FIRST, makeVoxels("uint16", whole(layout)));
    await using writer = await store.open(FIRST);
    equal(writer.chunks, chunks.length);
    const { chunk, shard } = layout.scales[0];
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
    putAll(writer, chunks.slice(0, 1));
    ok((await writer.commit()).bytes > 0);
  });

  test("writes units side by side", async (store, { again }) => {
    const { layout } = store;
    const voxels = makeVoxels("uint16", whole(layout));
    const units = [...unitsOf(layout, 0, whole(layout))];
    const writers = await Promise.all(units.map((unit) => store.open(unit)));
    const chunks = await Promise.all(units.map((unit) => encodeUnit(layout, unit, voxels)));
    const most = Math.max(...chunks.map(({ length }) => length));
    for (let turn = 0; turn < most; turn++) {
      for (const [i, writer] of writers.entries()) putAll(writer, chunks[i].slice(turn, turn + 1));
    }
    await Promise.all(writers.map((writer) => writer.commit()));
    for (const writer of writers) await writer[Symbol.asyncDispose]();
    deepEqual(await readBox(await again(), whole(layout)), voxels);
  });

  test("refuses boxes and scales that the volume does not have", async (store) => {
    const refuse = (max: readonly number[], min: readonly number[] = [0, 0, 0], scale = 0) =>
      rejects(async () => await store.read(box(min, max), { scale }), RangeError);
    await refuse([38, 29, 11]);
    await refuse([37, 29, 11], [-1, 0, 0]);
    await refuse([1, 1, 1], [0, 0, 0], 1);
    await refuse([37, 29, 11, 2], [0, 0, 0, 0]);
  });

  test("ends a read with the very reason of an abort", async (store) => {
    await writeScale(store, makeVoxels("uint16", whole(store.layout)));
    const reason = new Error("stopped");
    const stopping = new AbortController();
    const slab = await store.read(whole(store.layout), { signal: stopping.signal });
    stopping.abort(reason);
    await rejects(Array.fromAsync(slab.bands(), ({ box }) => box), (error) => error === reason);
  });

  test("starts bands where it is asked to", async (store) => {
    await writeScale(store, makeVoxels("uint16", whole(store.layout)));
    const slab = await store.read(box([0, 3, 0], [37, 29, 11]));
    const rows = await Array.fromAsync(
      slab.bands({ rows: 16 }),
      ({ box }) => [box.min[1], box.max[1]],
    );
    equal(rows[0][0], 3);
    equal(rows.at(-1)![1], 29);
    for (const [first] of rows.slice(1)) equal(first % 16, 0);
  });

  test("names every unit's place", (store) => {
    const units = [...unitsOf(store.layout, 0, whole(store.layout))];
    equal(new Set(units.map((unit) => store.place(unit))).size, units.length);
    return Promise.resolve();
  });
}
