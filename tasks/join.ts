/**
 * Works on a job until nothing is left to do, beside any other process that does the same.
 * @module
 */
import { hostname } from "node:os";
import { LeaseLostError, SluiceError } from "../core/errors.ts";
import { countTasks, type Plan, type PlannedCopy } from "../core/plan.ts";
import { BandBuffers, type Slab } from "../core/slab.ts";
import { Wake } from "../core/abort.ts";
import type { Receipt } from "../core/receipt.ts";
import type { JobStatus, Ledger } from "../ledgers/ledger.ts";
import type { ArraySource } from "../plugins/array_source.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import { buildScales } from "../stages/build_scales.ts";
import { SpoolError } from "../stages/image_spool.ts";
import { leaseTasks } from "../stages/lease_tasks.ts";
import { pipeline } from "../stages/pipeline.ts";
import { readSlabs } from "../stages/read_slabs.ts";
import { splitChunks } from "../stages/split_chunks.ts";
import type { Item, Stage, StageError } from "../stages/stage.ts";
import { upload } from "../stages/upload.ts";
import type { Claim } from "../stores/job_folder.ts";
import { isRemote } from "../stores/place.ts";
import { openVolume, type OpenVolumeOptions, type Volume } from "../stores/volume.ts";
import { openSources } from "./_open_sources.ts";
import { defaultMemory, shareMemory } from "./memory.ts";
import { versionsOf } from "./_versions.ts";

/** How far a job is. */
export interface JobProgress {
  /** All tasks of the job. */
  readonly tasks: number;
  /** Those that are done, by whomever. */
  readonly done: number;
  /** Voxels, of all scales, that this process has encoded. */
  readonly voxels: number;
  /** Bytes that this process has written. */
  readonly bytes: number;
}

/** How a process joins a job. */
export interface JoinJobOptions {
  /** Leases the tasks. */
  readonly ledger: Ledger;
  /** Decodes and encodes. The caller closes it. */
  readonly pool: WorkerPool;
  /** Bytes this process may take, above what the program itself takes. @default Half of what is free */
  readonly memory?: number;
  /** How long a lease lasts unless it is extended. @default 60 */
  readonly leaseSeconds?: number;
  /** Ends the work at once; leases are given back. */
  readonly signal?: AbortSignal;
  /** Ends the work when the tasks in hand are done. */
  readonly stop?: AbortSignal;
  /** Works on although the plan was made by other versions, whose bytes may differ. @default false */
  readonly anyVersion?: boolean;
  /** The voxels, where the plan is that of an array source: one of the same name. */
  readonly source?: ArraySource;
  /**
   * A stage of one's own on the voxels of every task, such as `mapBands`. The plan does not know of it: whoever
   * joins the job must bring the same.
   */
  readonly transform?: Stage<Slab, Slab>;
  /** Told of every batch of chunks. */
  readonly onProgress?: (progress: JobProgress) => void;
  /** Told of every attempt that failed. */
  readonly onFailure?: (error: StageError) => void;
}

/** Tasks at once where a bucket makes each wait. */
const FAR_TASKS = 8;
/** Tasks that are acknowledged side by side. */
const ACKNOWLEDGED_AT_ONCE = 16;
/** The ledger is asked for what others did at most once in so many milliseconds. */
const ASKED_EVERY = 500;
/** Where the file system says that it can take no more: every other task would fail, too. */
const FULL = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/**
 * Works on a job.
 * @returns How the job stands when this process is done with it: others may still hold leases if it was stopped.
 * @throws {SluiceError} If the volume is not the one of the job, or the disk is full, be it that of the volume or that
 * of the temporary folder: leases are given back.
 * @example A job, from plan to volume
 * ```ts
 * import { createJob, encodePng, joinJob, openLedger, planIngest, WorkerPool } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const report = await planIngest([`${folder}/*.png`]);
 * const { job } = await createJob(report, `${folder}/out.ome.zarr`, { ledger });
 * const { state, done, tasks } = await joinJob(job, { ledger, pool });
 * deepEqual([state, done, tasks], ["done", 2, 2]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function joinJob(job: number, options: JoinJobOptions): Promise<JobStatus> {
  const { ledger, pool, signal = new AbortController().signal, stop, onProgress, leaseSeconds } =
    options;
  pool.start();
  const plan = await ledger.plan(job);
  const { target } = await ledger.status(job);
  checkVersions(plan, options.anyVersion ?? false);
  const mostTasks = isRemote(target) ? FAR_TASKS : undefined;
  const memory = options.memory ?? defaultMemory();
  const shares = shareMemory(plan, memory, pool.size, { mostTasks });
  const buffers = new BandBuffers();
  await using store = await openVolume(target, {
    pool,
    buffers,
    bandBytes: shares.bandBytes,
  });
  const claim = await store.folder.claim();
  if (claim?.plan !== plan.id) {
    throw new SluiceError(
      `Cannot join job ${job}: "${target}" was replaced by another; run \`sluice status "${target}"\``,
    );
  }
  await prepare(store, claim);
  await using opened = new AsyncDisposableStack();
  const copies: Volume[] = [];
  const places = await store.folder.copies();
  for (const [i, copy] of (plan.copies ?? []).entries()) {
    copies.push(opened.use(await openCopy(places[i], copy, { pool, buffers })));
  }
  const sources = await openSources(plan, store.folder, options.source, {
    pool,
    buffers,
  });
  let [voxels, bytes, done] = [0, 0, 0];
  const tasks = countTasks(plan);
  let asked = 0;
  const report = () => onProgress?.({ tasks, done, voxels, bytes });
  const count = async () => {
    asked = performance.now();
    done = (await ledger.status(job)).done;
    report();
  };
  await count();

  const wake = new Wake();
  const worker = `${hostname()}:${Deno.pid}`;
  const run = pipeline(
    leaseTasks(ledger, { job, leaseSeconds, stop, worker, wake }),
    {
      signal,
      onFailure: async (error) => {
        if (error.cause instanceof SpoolError) throw error.cause;
        const full = findCode(error);
        if (full !== undefined) throw fullDisk(target, full, error);
        if (error.cause instanceof LeaseLostError) return;
        options.onFailure?.(error);
        await ledger.fail(error.task.lease, error.task.index, rootOf(error)).catch(ignoreLost);
        wake.call();
      },
    },
  )
    .through(readSlabs(store, {
      sources,
      pool,
      buffers,
      origin: plan.source.crop.min,
      window: plan.policies.window,
      fill: plan.layout.fill,
      onError: plan.policies.onError,
      missing: plan.policies.missing,
      bandBytes: shares.bandBytes,
      wholeBytes: shares.wholeBytes,
      spoolBytes: memory,
    }))
    .through(options.transform ?? ((slabs) => slabs))
    .through(buildScales(plan.layout, { pool, buffers }))
    .through(splitChunks(plan.layout))
    .through(upload(store, {
      copies,
      pool,
      ledger,
      concurrency: shares.tasks,
      ordered: false,
      onProgress: (part) => {
        voxels += part.voxels;
        bytes += part.bytes;
        report();
      },
    }));
  const acknowledge = async ({ task, value }: Item<Receipt>): Promise<void> => {
    const { copies: written = [], ...receipt } = value;
    try {
      // What the ledger does not append is kept before it is told.
      if (isRemote(target)) await store.folder.record([receipt]);
      for (const [i, copy] of copies.entries()) {
        await copy.folder.record([{ ...receipt, units: written[i] }]);
      }
      await ledger.acknowledge(task.lease, [receipt]);
    } catch (error) {
      ignoreLost(error);
    }
    wake.call();
    if (performance.now() - asked > ASKED_EVERY) return await count();
    done++;
    report();
  };
  // A far ledger, or a bucket, takes a while: the next tasks are not kept waiting.
  const acknowledging = new Set<Promise<void>>();
  try {
    for await (const item of run) {
      const one = acknowledge(item).finally(() => acknowledging.delete(one));
      one.catch(() => {});
      acknowledging.add(one);
      if (acknowledging.size >= ACKNOWLEDGED_AT_ONCE) await Promise.race(acknowledging);
    }
    await Promise.all(acknowledging);
  } finally {
    await Promise.allSettled(acknowledging);
  }
  await count();
  return await ledger.status(job);
}

/** Makes the folder for files that are not whole yet, where there is a disk. */
async function prepare({ folder }: Volume, { claim }: Claim): Promise<void> {
  const temporary = folder.temporaryPath(claim);
  if (temporary !== undefined) await Deno.mkdir(temporary, { recursive: true });
}

async function openCopy(
  place: string,
  { id }: PlannedCopy,
  options: OpenVolumeOptions,
): Promise<Volume> {
  const copy = await openVolume(place, options);
  const claim = await copy.folder.claim();
  if (claim?.plan !== id) {
    throw new SluiceError(
      `Cannot write "${place}" as a copy: it was replaced by another; begin anew with --overwrite`,
    );
  }
  await prepare(copy, claim);
  return copy;
}

function ignoreLost(error: unknown): void {
  if (!(error instanceof LeaseLostError)) throw error;
}

/** What failed at the bottom, for the dead letter: the stage is in the message of the outer one. */
function rootOf(error: StageError): Error {
  return error.cause instanceof Error ? error.cause : error;
}

function findCode(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: string };
    if (code !== undefined && FULL.has(code)) return code;
  }
  return undefined;
}

function fullDisk(target: string, code: string, cause: Error): SluiceError {
  const state = code === "EROFS"
    ? "its file system is read-only"
    : code === "EDQUOT"
    ? "the quota is used up"
    : "the disk is full";
  return new SluiceError(
    `Cannot write into "${target}": ${state}; make room and run the same command again, it goes on where it stopped`,
    { cause },
  );
}

function checkVersions(plan: Plan, any: boolean): void {
  const copies = (plan.copies ?? []).map(({ encoding }) => encoding);
  const mine = versionsOf([plan.layout.encoding, ...copies]);
  const other = Object.entries(plan.versions).filter(([name, version]) => mine[name] !== version);
  if (other.length === 0 || any) return;
  throw new SluiceError(
    `Cannot join this job with ${
      other.map(([name]) => `${name} ${mine[name] ?? "(none)"}`).join(", ")
    }: it was planned with ${
      other.map(([name, version]) => `${name} ${version}`).join(", ")
    }, and the bytes could differ; use that version, or give --any-version`,
  );
}
