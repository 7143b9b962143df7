/**
 * Chunks are encoded and committed, unit by unit.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import { type Unit, unitName } from "../core/layout.ts";
import { mapPoint } from "../core/point.ts";
import type { Band } from "../core/slab.ts";
import type { Receipt, UnitReceipt } from "../core/receipt.ts";
import type { Ledger } from "../ledgers/ledger.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { EncodedChunk, Store, UnitWriter } from "../stores/store.ts";
import { SlabChangedError } from "./decode.ts";
import type { ChunkBatch, ChunkedSlab } from "./split_chunks.ts";
import { type Stage, stage, type StageOptions, type StageWork } from "./stage.ts";

/** How chunks are written. */
export interface UploadOptions extends StageOptions {
  /** Encodes. */
  readonly pool: WorkerPool;
  /** Volumes of the same scales, chunks and shards that get the same voxels, each in its encoding. @default None */
  readonly copies?: readonly Store[];
  /** Asked just before each commit whether the lease still holds. @default Nobody is asked. */
  readonly ledger?: Pick<Ledger, "check">;
  /** Told of the bytes of each batch of voxels, and of each unit that was committed. */
  readonly onProgress?: (progress: { readonly voxels: number; readonly bytes: number }) => void;
}

interface OpenUnit {
  /** One of each store. */
  readonly writers: readonly UnitWriter[];
  left: number;
}

interface EncodingBatch {
  readonly batch: ChunkBatch;
  /** For each store, which may share them. */
  readonly encoded: Promise<EncodedChunk[][]>;
}

/** Bands of a task that are encoded while another is made. */
const AHEAD = 1;

/**
 * Encodes the chunks of each task in the pool, commits every unit as soon as it is whole, and hands on the receipt
 * of the task once the store has confirmed all of them. The task that finishes a job has no chunks: for it the store
 * is told to finish the volume.
 * @example Voxels that are computed become a volume
 * ```ts
 * import {
 *   box, collect, enumerate, gatherVoxels, makeSlab, pipeline, planLayout, splitChunks, stage, upload,
 *   WorkerPool,
 * } from "@sluice/sluice";
 * import { MemoryStore } from "@sluice/sluice/testing";
 * import { deepEqual } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [3, 1, 1, 1, 1], dtype: "uint8", axes: ["y", "x"], kind: "image", samples: 1,
 *   encoding: { codec: "zstd", level: 3, crc32c: true },
 * });
 * await using store = new MemoryStore(layout);
 * await using pool = new WorkerPool({ size: 0 });
 * const paint = stage("paint", (_: unknown, { task: { box } }) =>
 *   makeSlab({ box, dtype: "uint8" }, (_, voxels) => {
 *     for (const i of voxels.keys()) voxels[i] = i + 7;
 *   }));
 * const run = pipeline(enumerate([box([0, 0, 0], [3, 1, 1])]))
 *   .through(paint).through(splitChunks(layout)).through(upload(store, { pool }));
 * const [{ value: receipt }] = await collect(run);
 * deepEqual(receipt.units.map(({ unit, max }) => [unit, max]), [["0/0.0.0.0.0", 9]]);
 * const slab = await store.read(box([0, 0, 0], [3, 1, 1]));
 * deepEqual(await gatherVoxels(slab), new Uint8Array([7, 8, 9]));
 * ```
 */
export function upload(store: Store, options: UploadOptions): Stage<ChunkedSlab, Receipt> {
  return stage("upload", async (chunked, on) => {
    if (on.task.kind === "finish") return await finishTask(store, options, on);
    try {
      while (true) {
        try {
          return await uploadTask(store, options, chunked, on);
        } catch (error) {
          if (!(error instanceof SlabChangedError)) throw error;
        }
      }
    } finally {
      await chunked.slab[Symbol.asyncDispose]?.();
    }
  }, options);
}

async function finishTask(
  store: Store,
  { ledger, copies = [] }: UploadOptions,
  { task, signal }: StageWork,
): Promise<Receipt> {
  const guard = async () => await ledger?.check(task.lease);
  for (const one of [...copies, store]) await one.finish?.({ signal, guard });
  return {
    task: task.index,
    fence: task.lease.fence,
    units: [],
    losses: [],
    ...(copies.length === 0 ? {} : { copies: copies.map(() => []) }),
  };
}

async function uploadTask(
  store: Store,
  { pool, ledger, onProgress, copies = [] }: UploadOptions,
  chunked: ChunkedSlab,
  { task, signal }: StageWork,
): Promise<Receipt> {
  const { dtype, fill, scales } = store.layout;
  const stores = [store, ...copies];
  const names = stores.map(({ layout: { encoding } }) => JSON.stringify(encoding));
  const encodings = [...new Set(names)].map((name) => stores[names.indexOf(name)].layout.encoding);
  /** For each store, which of the encodings it takes: stores of the same share what is made once. */
  const encodingOf = names.map((name) => [...new Set(names)].indexOf(name));
  const open = new Map<string, OpenUnit>();
  const commits: Promise<UnitReceipt[]>[] = [];
  const window = pool.size === 0 ? 0 : pool.size * 4 + 8;
  const inFlight: EncodingBatch[] = [];
  const bands: { readonly band: Band; readonly encoded: Promise<unknown> }[] = [];

  const unitOf = async (unit: Unit): Promise<OpenUnit> => {
    const name = unitName(unit);
    let found = open.get(name);
    if (found === undefined) {
      const writers: UnitWriter[] = [];
      for (const one of stores) writers.push(await one.open(unit, { signal }));
      open.set(name, found = { writers, left: writers[0].chunks });
    }
    return found;
  };
  const commit = async (unit: Unit, { writers }: OpenUnit): Promise<UnitReceipt[]> => {
    const begun = performance.now();
    const receipts: UnitReceipt[] = [];
    for (const writer of writers) {
      receipts.push(
        await writer.commit(async () => {
          signal.throwIfAborted();
          await ledger?.check(task.lease);
        }),
      );
    }
    pool.times.write += performance.now() - begun;
    open.delete(unitName(unit));
    return receipts;
  };
  const encode = ({ from, unit, chunks }: ChunkBatch): Promise<EncodedChunk[][]> => {
    const { chunk } = scales[unit.scale];
    const corners = chunks.map((index) => mapPoint(index, (value, axis) => value * chunk[axis]));
    const encoded = from.kind === "stored"
      ? from.stored.encode(corners, { encodings, fill, signal })
      : Promise.all(encodings.map((encoding) => {
        const { data, box } = from.band;
        const input = { data, box, dtype, fill, encoding, chunk, corners };
        return pool.run("encodeChunks", input, { signal });
      }));
    return encoded.then((made) => encodingOf.map((at) => made[at]));
  };
  const putOldest = async () => {
    const { batch, encoded } = inFlight.shift()!;
    const encodings = await encoded;
    const unit = await unitOf(batch.unit);
    let bytes = 0;
    const begun = performance.now();
    for (const [store, chunks] of encodings.entries()) {
      const writer = unit.writers[store];
      for (const [i, index] of batch.chunks.entries()) {
        bytes += chunks[i].bytes?.length ?? 0;
        const written = writer.put(index, chunks[i]);
        if (written !== undefined) await written;
      }
    }
    pool.times.write += performance.now() - begun;
    unit.left -= batch.chunks.length;
    const { chunk } = scales[batch.unit.scale];
    onProgress?.({ voxels: batch.chunks.length * chunk[0] * chunk[1] * chunk[2], bytes });
    if (unit.left > 0) return;
    const committed = commit(batch.unit, unit);
    committed.catch(() => {});
    commits.push(committed);
  };

  const releaseOldest = async () => {
    const { band, encoded } = bands[0];
    await encoded;
    bands.shift();
    band.release?.();
  };

  try {
    for await (const batch of chunked.batches()) {
      const encoded = encode(batch);
      encoded.catch(() => {});
      inFlight.push({ batch, encoded });
      while (inFlight.length > window) await putOldest();
      if (batch.from.kind === "stored" || !batch.from.endsBand) continue;
      const { band } = batch.from;
      const mine = inFlight.filter(({ batch: { from } }) =>
        from.kind === "band" && from.band === band
      );
      bands.push({ band, encoded: Promise.allSettled(mine.map((one) => one.encoded)) });
      // While the last band is encoded, the next is made, unless it would lie in the same memory.
      while (bands.length > (band.release === undefined ? 0 : AHEAD)) await releaseOldest();
    }
    while (inFlight.length > 0) await putOldest();
    const [units = [], ...others] = await byStore(commits, stores.length);
    if (open.size > 0) {
      throw new SluiceError(
        `Cannot commit task ${task.index}: its bands left units ${
          [...open.keys()].slice(0, 3)
        } unfinished`,
      );
    }
    return {
      task: task.index,
      fence: task.lease.fence,
      units,
      losses: [...chunked.slab.losses],
      ...(chunked.slab.sources === undefined ? {} : { sources: chunked.slab.sources }),
      ...(copies.length === 0 ? {} : { copies: others }),
    };
  } finally {
    while (bands.length > 0) await releaseOldest();
    await Promise.allSettled([...inFlight.map(({ encoded }) => encoded), ...commits]);
    for (const { writers } of open.values()) {
      for (const writer of writers) await writer[Symbol.asyncDispose]();
    }
  }
}

/** Receipts of units, store by store. */
async function byStore(
  commits: readonly Promise<UnitReceipt[]>[],
  stores: number,
): Promise<UnitReceipt[][]> {
  const receipts = await Promise.all(commits);
  return Array.from({ length: stores }, (_, store) => receipts.map((of) => of[store]));
}
