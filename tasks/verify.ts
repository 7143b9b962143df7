/**
 * Proves a volume from its receipts: every unit is there, and its bytes and voxels are what was written.
 * @module
 */
import { crc32 } from "node:zlib";
import { viewBytes } from "../core/dtype.ts";
import { formatBox } from "../core/box.ts";
import { LeaseLostError, SluiceError } from "../core/errors.ts";
import { type ChunkEncoding, parseUnit, type Unit, unitName } from "../core/layout.ts";
import {
  countTasks,
  type Lease,
  type LeaseId,
  type Plan,
  planTask,
  type Task,
  taskUnits,
} from "../core/plan.ts";
import { mapPoint, ravel, unravel } from "../core/point.ts";
import type { Loss, Receipt, UnitReceipt } from "../core/receipt.ts";
import { BandBuffers } from "../core/slab.ts";
import type { UnitCheck } from "../pool/_check_unit.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import { decode } from "../stages/decode.ts";
import { SpoolError } from "../stages/image_spool.ts";
import { pipeline } from "../stages/pipeline.ts";
import { resolvePaths } from "../stages/resolve_paths.ts";
import { splitChunks } from "../stages/split_chunks.ts";
import type { TaskFeed } from "../stages/stage.ts";
import { upload } from "../stages/upload.ts";
import { unitShape } from "../stores/_unit_tally.ts";
import { isRemote } from "../stores/place.ts";
import { openVolume, type Volume } from "../stores/volume.ts";
import type { EncodedChunk, Store, UnitWriter } from "../stores/store.ts";
import { defaultMemory, shareMemory } from "./memory.ts";

/** How much is verified. */
export interface VerifyOptions {
  /** Reads and decodes. */
  readonly pool: WorkerPool;
  /** Decodes the source images again and compares their voxels. @default false */
  readonly source?: boolean;
  /** Part of the units, or of the tasks with `source`, chosen by their names: from 0 to 1. @default 1 */
  readonly sample?: number;
  /** Bytes this process may take. @default Half of what is free */
  readonly memory?: number;
  /** Ends the work with its reason. */
  readonly signal?: AbortSignal;
  /** Told how many units were checked. */
  readonly onProgress?: (checked: number, total: number) => void;
}

/** One thing that is not as the receipts say. */
export interface VerifyFault {
  /** `scale/t.c.z.y.x` */
  readonly unit: string;
  /** The file. */
  readonly path: string;
  /** Task that writes the unit anew. */
  readonly task: number;
  /** Position of a chunk in the grid of chunks of its scale, x first; absent where the whole unit is meant. */
  readonly chunk?: readonly number[];
  /** What is wrong. */
  readonly reason: string;
}

/** What a verification found. */
export interface VerifyReport {
  /** Path of the volume. */
  readonly volume: string;
  /** Units that were checked. */
  readonly units: number;
  /** Their stored bytes. */
  readonly bytes: number;
  /** What is not as it was written; at most 1000. */
  readonly faults: readonly VerifyFault[];
  /** Tasks that have no receipt: they were not done. */
  readonly unfinished: number;
  /** What is fill value because its image was absent or broken. */
  readonly losses: readonly Loss[];
  /** Tasks whose source images were decoded again and compared. */
  readonly compared: number;
}

/** Units that are fetched at once from a bucket. */
const FAR_UNITS = 8;
/** Faults that are listed; the rest is counted. */
const LISTED = 1000;

/**
 * Verifies a volume; no source and no ledger is needed, but for `source`.
 * @throws {SluiceError} If the volume holds no plan and no receipts.
 * @example A file that got lost on the way
 * ```ts
 * import { encodePng, ingest, openLedger, verifyVolume, WorkerPool } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const { created } = await ingest([`${folder}/*.png`], `${folder}/out.ome.zarr`, { ledger, pool });
 * deepEqual((await verifyVolume(created.volume, { pool })).faults, []);
 * await Deno.remove(`${created.volume}/0/c/0/0/0`);
 * const { faults } = await verifyVolume(created.volume, { pool });
 * deepEqual(faults.map(({ unit, reason }) => [unit, reason]), [["0/0.0.0.0.0", "is not there"]]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function verifyVolume(volume: string, options: VerifyOptions): Promise<VerifyReport> {
  const { pool, sample = 1, signal, onProgress } = options;
  await using store = await openVolume(volume, { pool });
  const plan = await store.folder.plan();
  if (plan === undefined) {
    throw new SluiceError(
      `Cannot verify "${store.path}": it holds no receipts (.sluice), so nothing says what it should be; only volumes that sluice wrote can be verified`,
    );
  }
  const seen = new Uint8Array(countTasks(plan));
  const losses: Loss[] = [];
  const faults: VerifyFault[] = [];
  let [units, bytes, total] = [0, 0, 0];
  const running = new Set<Promise<void>>();
  // A bucket makes each wait.
  const most = Math.max(isRemote(store.path) ? FAR_UNITS : 1, pool.size * 2);
  const checkOne = async (task: number, receipt: UnitReceipt): Promise<void> => {
    const unit = parseUnit(receipt.unit);
    const input = await store.checkInput(unit, signal);
    const transfer = input.file instanceof Uint8Array ? [input.file.buffer as ArrayBuffer] : [];
    const check = await pool.run("checkUnit", input, { signal, transfer });
    units++;
    bytes += check.bytes;
    for (const fault of compare(store, unit, receipt, check)) {
      if (faults.length < LISTED) faults.push({ task, ...fault });
    }
    onProgress?.(units, total);
  };
  const receipts: Receipt[] = [];
  for await (const receipt of store.folder.receipts()) {
    receipts.push(receipt);
    total += receipt.units.length;
  }
  for (const { task, units: written, losses: lost } of receipts) {
    seen[task] = 1;
    for (const loss of lost) losses.push(loss);
    for (const fault of missingUnits(store, plan, task, written)) {
      if (faults.length < LISTED) faults.push(fault);
    }
    for (const receipt of written) {
      if (!isSampled(receipt.unit, sample)) continue;
      signal?.throwIfAborted();
      const check = checkOne(task, receipt);
      running.add(check);
      check.then(() => running.delete(check), () => {});
      if (running.size >= most) await Promise.race(running);
    }
  }
  await Promise.all(running);
  const compared = options.source
    ? await compareSources(store, plan, receipts, faults, options)
    : 0;
  return {
    volume: store.path,
    units,
    bytes,
    faults,
    unfinished: seen.reduce((count, done) => count + 1 - done, 0),
    losses,
    compared,
  };
}

function compare(
  store: Volume,
  unit: Unit,
  receipt: UnitReceipt,
  check: UnitCheck,
): Omit<VerifyFault, "task">[] {
  const place = { unit: receipt.unit, path: store.place(unit) };
  if (check.bytes === 0 && receipt.bytes > 0) return [{ ...place, reason: "is not there" }];
  const { grid, first } = unitShape(store.layout, unit);
  const faults = check.faults.map(({ chunk, reason }) =>
    chunk < 0 ? { ...place, reason } : {
      ...place,
      chunk: mapPoint(unravel(chunk, grid), (value, axis) => value + first[axis]),
      reason,
    }
  );
  if (faults.length > 0) return faults;
  if (check.bytes !== receipt.bytes || check.crc !== receipt.crc) {
    return [{
      ...place,
      reason: check.bytes === receipt.bytes
        ? `its ${check.bytes} bytes are not those that were written`
        : `its ${check.bytes} bytes are not the ${receipt.bytes} that were written`,
    }];
  }
  if (check.voxels !== receipt.voxels) {
    return [{ ...place, reason: "its voxels are not those that were written" }];
  }
  return [];
}

function missingUnits(
  store: Volume,
  plan: Plan,
  task: number,
  written: readonly UnitReceipt[],
): VerifyFault[] {
  const names = new Set(written.map(({ unit }) => unit));
  return [...taskUnits(plan, task)].filter((unit) => !names.has(unitName(unit))).map((unit) => ({
    unit: unitName(unit),
    path: store.place(unit),
    task,
    reason: "has no receipt",
  }));
}

/** Chooses by name, so that the same part is looked at again. */
function isSampled(name: string, sample: number): boolean {
  return sample >= 1 || crc32(name) / 2 ** 32 < sample;
}

/** Decodes the sources of every task again and compares the checksums of the voxels. */
async function compareSources(
  store: Volume,
  plan: Plan,
  receipts: readonly Receipt[],
  faults: VerifyFault[],
  { pool, sample = 1, memory, signal, onProgress }: VerifyOptions,
): Promise<number> {
  if (plan.source.kind === "array") {
    throw new SluiceError(
      `Cannot hold "${store.path}" against its source: its voxels came from "${plan.source.name}", which only a script has; verify it without --source`,
    );
  }
  const sources = await store.folder.sources();
  const most = memory ?? defaultMemory();
  const shares = shareMemory(plan, most, pool.size);
  const buffers = new BandBuffers();
  const chosen = receipts.filter(({ task }) =>
    task < plan.phases[0].counts.reduce((a, b) => a * b) && isSampled(`task ${task}`, sample)
  );
  const lease: Lease = {
    id: "verify" as LeaseId,
    job: 0,
    fence: 0,
    first: 0,
    end: countTasks(plan),
  };
  const feed: TaskFeed<undefined> = async function* () {
    for (const { task } of chosen) yield { task: planTask(plan, task, lease), value: undefined };
  };
  const expected = new Map(chosen.map((receipt) => [receipt.task, receipt]));
  const failures: { task: Task; reason: string }[] = [];
  const run = pipeline(feed, {
    signal,
    onFailure: (error) => {
      if (error.cause instanceof LeaseLostError) throw error;
      if (error.cause instanceof SpoolError) throw error.cause;
      failures.push({
        task: error.task,
        reason: error.cause instanceof Error ? error.cause.message : error.message,
      });
    },
  })
    .through(resolvePaths(sources, { origin: plan.source.crop.min }))
    .through(decode({
      pool,
      buffers,
      dtype: plan.layout.dtype,
      window: plan.policies.window,
      onError: plan.policies.onError,
      missing: plan.policies.missing,
      spoolBytes: most,
      bandBytes: shares.bandBytes,
      wholeBytes: shares.wholeBytes,
    }))
    .through(splitChunks(plan.layout))
    .through(upload(new CheckingStore(store), { pool, concurrency: shares.tasks, ordered: false }));
  let compared = 0;
  for await (const { task, value } of run) {
    const stored = new Map(expected.get(task.index)!.units.map((unit) => [unit.unit, unit]));
    for (const { unit, voxels } of value.units) {
      if (stored.get(unit)?.voxels === voxels) continue;
      faults.push({
        unit,
        path: store.place(parseUnit(unit)),
        task: task.index,
        reason: `its voxels are not those of the source images (${formatBox(task.box)})`,
      });
    }
    compared++;
    onProgress?.(compared, chosen.length);
  }
  for (const { task, reason } of failures) {
    faults.push({
      unit: "0",
      path: store.path,
      task: task.index,
      reason: `its source images could not be read again: ${reason}`,
    });
  }
  return compared;
}

/** Takes chunks and writes nothing: what is left is the checksum of their voxels. */
class CheckingStore implements Store {
  readonly layout: Store["layout"];

  constructor(readonly store: Volume) {
    this.layout = { ...store.layout, encoding: cheapest(store.layout.encoding) };
  }

  open(unit: Unit): Promise<UnitWriter> {
    const { present, grid, first } = unitShape(this.layout, unit);
    const crcs = new Uint32Array(present.length);
    const rank = new Map(present.map((position, i) => [position, i]));
    return Promise.resolve({
      chunks: present.length,
      put: (index, { crc }: EncodedChunk) => {
        const cell = mapPoint(index, (value, axis) => value - first[axis]);
        const position = ravel(cell, grid);
        crcs[rank.get(position)!] = crc;
      },
      commit: () =>
        Promise.resolve({
          unit: unitName(unit),
          bytes: 0,
          crc: 0,
          voxels: crc32(viewBytes(crcs)),
          min: 0,
          max: 0,
        }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  read: Store["read"] = (box, options) => this.store.read(box, options);
  place: Store["place"] = (unit) => this.store.place(unit);
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** What has the same checksums of voxels: chunks cut off at far edges where they are, and as lossy as they are. */
function cheapest(encoding: ChunkEncoding): ChunkEncoding {
  if (encoding.codec !== "precomputed") return { codec: "none", crc32c: false };
  const { form } = encoding;
  return {
    codec: "precomputed",
    form: form.codec === "jpeg" ? form : { codec: "raw" },
    crc32c: false,
  };
}
