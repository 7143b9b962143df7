/**
 * Works on a job of a Boss.
 * @module
 */
import type { BossConfig, ConfigFault } from "../boss/config.ts";
import type { BossServer } from "../boss/credentials.ts";
import { FileCopies } from "../boss/file_copies.ts";
import { JobKeys, type OpenJoin } from "../boss/job_keys.ts";
import { openUploader } from "../boss/open_uploader.ts";
import type { PluginGrants } from "../boss/custom_plugin.ts";
import type { BossPlugins } from "../boss/plugins.ts";
import { type BossJobState, BossService } from "../boss/rest.ts";
import { Spool } from "../boss/spool.ts";
import { describeNeed } from "../boss/spool_need.ts";
import { SqsQueue } from "../boss/sqs.ts";
import type { SpoolNeed } from "../boss/uploader.ts";
import { runBossWorker, type WorkerEvent, type WorkReport } from "../boss/worker.ts";
import { WorkerPool } from "../pool/worker_pool.ts";
import type { RetryOptions } from "../stores/blobs/retry.ts";
import { type AskBossOptions, findToken, retryOf } from "./_ask_boss.ts";
import { readSoundConfig } from "./_boss_job_config.ts";
import { BossJobWatch } from "./_boss_job_watch.ts";
import { defaultSpoolFolder } from "./_spool_folder.ts";

/** How far a job is, as far as this process knows. */
export interface BossJobProgress {
  /** Messages of the whole job: tiles, or chunks. */
  readonly total: number;
  /** Messages that are done, by whoever did them; those in somebody's hands are counted as such for a while. */
  readonly done: number;
  /** Messages that this process did. */
  readonly uploaded: number;
}

/** A job that is about to be worked on. */
export interface BossJobStart {
  /** Address of the Boss. */
  readonly server: string;
  /** Number of the job. */
  readonly job: number;
  /** How far it is. */
  readonly state: BossJobState;
  /** What is uploaded. */
  readonly kind: "tile" | "volumetric";
  /** Messages of the whole job, where the server says it. */
  readonly total?: number;
  /** Folder of the spool. */
  readonly spool: string;
  /** Bytes that it keeps at most. */
  readonly spoolBytes: number;
  /** What the job needs of it; absent where the first image is not there. */
  readonly need?: SpoolNeed;
  /** Need and size, in words. */
  readonly needs: string;
  /** What is doubtful of the configuration. */
  readonly warnings: readonly ConfigFault[];
}

/** What came of it. */
export interface BossJobReport extends WorkReport {
  /** Address of the Boss. */
  readonly server: string;
  /** Number of the job. */
  readonly job: number;
  /** Nothing was left to do from the start. */
  readonly foundEnded: boolean;
  /** Images, or pieces of volumes, that this process decoded, and that it found decoded by another. */
  readonly decoded: { readonly made: number; readonly found: number };
}

/** How a job is worked on. */
export interface JoinBossJobOptions extends AskBossOptions {
  /** Decodes. @default A pool with all processors, for this call */
  readonly pool?: WorkerPool;
  /** Folder for decoded images, on a local disk; processes of a machine share it. @default `spool` in the folder of sluice */
  readonly spool?: string;
  /** Bytes that it keeps at most. @default 16 GiB */
  readonly spoolBytes?: number;
  /** Address of a server of buckets other than that of AWS. */
  readonly endpoint?: string;
  /** Messages in hand at once. @default 8, or twice the threads of the pool where that is more */
  readonly concurrency?: number;
  /** Attempts at one message before it is left. @default 3 */
  readonly attempts?: number;
  /** Whether the end of the job is asked for from this machine: one machine does. @default true */
  readonly completes?: boolean;
  /** Without `completes`: ends when nothing came for so long. @default Waits for the end of the job */
  readonly idleSeconds?: number;
  /** For how long an empty queue is watched at once, in seconds, up to 20. @default 5 */
  readonly waitSeconds?: number;
  /** Takes the place of the Boss that the configuration names. */
  readonly server?: BossServer;
  /** Take the place of those that the configuration names. */
  readonly plugins?: BossPlugins;
  /** What custom plugins may do beside reading below their source root. @default Nothing */
  readonly grants?: PluginGrants;
  /** Takes nothing new: what is in hand is finished. @default Never */
  readonly stopping?: AbortSignal;
  /** Is told why the job cannot be worked on yet. */
  readonly onWait?: (why: string) => void;
  /** Is told what is about to begin. */
  readonly onStart?: (start: BossJobStart) => void;
  /** Is told of each message, and of what the server does. */
  readonly onEvent?: (event: WorkerEvent) => void;
  /** Is told how far the job is. */
  readonly onProgress?: (progress: BossJobProgress) => void;
}

/** Some are on their way while others are made. */
const LEAST_IN_HAND = 8;

/** Work of hours outlasts what a question need not. */
const PATIENCE: RetryOptions = { attempts: 60, seconds: 900 };

/**
 * Works on a job until it is complete, it is asked to stop, or nothing but dead letters is left, beside any other
 * process that does.
 *
 * A message is deleted only when all of it is stored. What could not be made comes again after some minutes; what failed
 * too often is left in the queue, and the next who joins tries it again.
 * @param config Path of the file that the job was made with, or what was read of it.
 * @param job Its number.
 * @throws {UsageError} If the configuration cannot be used, or is not that of the job; if the spool is too small.
 * @throws {BossError} If the Boss, a queue or the bucket refuses, or cannot be reached for long.
 * @throws {SpoolError} If the disk of the spool is full.
 * @throws The reason of `signal`.
 * @example A job that is complete already
 * ```ts
 * import { joinBossJob, loadBossConfig } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
 * await using boss = Deno.serve(options, () => Response.json({ id: 42, status: 2 }));
 * const config = await loadBossConfig("configs/boss/zarr.json");
 * const backend = { name: "boss", host: `127.0.0.1:${boss.addr.port}`, protocol: "http" } as const;
 * const { end, uploaded } = await joinBossJob({ ...config, backend }, 42, {
 *   token: "0123456789abcdef",
 * });
 * deepEqual([end, uploaded], ["complete", 0]);
 * ```
 */
export async function joinBossJob(
  config: string | BossConfig,
  job: number,
  options: JoinBossJobOptions = {},
): Promise<BossJobReport> {
  const { signal = new AbortController().signal, onWait } = options;
  const sound = await readSoundConfig(config, options.plugins, {
    grants: options.grants,
    signal,
  });
  const backend = options.server ?? sound.config.backend;
  const token = await findToken(backend, options);
  const asked = new BossService(backend, token, retryOf(options));
  const join = await asked.join(job, { signal, onWait });
  if (join.kind === "ended") return reportEnded(asked.url, job, join.state);
  const service = new BossService(backend, token, { retry: { ...PATIENCE, ...options.retry } });
  if (options.pool !== undefined) return await work(service, join, sound, options.pool, options);
  await using pool = new WorkerPool();
  return await work(service, join, sound, pool, options);
}

async function work(
  service: BossService,
  join: OpenJoin,
  { config, plugins, warnings }: Awaited<ReturnType<typeof readSoundConfig>>,
  pool: WorkerPool,
  options: JoinBossJobOptions,
): Promise<BossJobReport> {
  const { signal = new AbortController().signal, endpoint, spoolBytes } = options;
  const { onStart = () => {}, onEvent = () => {}, onProgress = () => {} } = options;
  const { job } = join;
  const retry = { ...PATIENCE, ...options.retry };
  const keys = new JobKeys(service, join, { signal });
  const spool = await Spool.open(
    options.spool ?? defaultSpoolFolder(options.env),
    spoolBytes === undefined ? {} : { mostBytes: spoolBytes },
  );
  await using copies = new FileCopies();
  const uploader = await openUploader({
    copies,
    config,
    plugins,
    keys,
    spool,
    pool,
    retry,
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  const need = await uploader.need(signal);
  onStart({
    server: service.url,
    job: job.id,
    state: job.state,
    kind: job.kind,
    ...(job.tileCount === undefined ? {} : { total: job.tileCount }),
    spool: spool.folder,
    spoolBytes: spool.mostBytes,
    ...(need === undefined ? {} : { need }),
    needs: describeNeed(need, spool),
    warnings,
  });
  await using watch = new BossJobWatch(service, job, onProgress);
  const { concurrency = Math.max(LEAST_IN_HAND, 2 * pool.size) } = options;
  const { attempts, completes, idleSeconds, waitSeconds, stopping } = options;
  const report = await runBossWorker({
    service,
    keys,
    queue: new SqsQueue(join.access.uploadQueue, keys.keeper, { retry }),
    uploader,
    folder: spool.folder,
    signal,
    concurrency,
    ...defined({ attempts, completes, idleSeconds, waitSeconds, stopping }),
    onEvent: (event) => {
      if (event.kind === "uploaded") watch.count();
      onEvent(event);
    },
  });
  return {
    server: service.url,
    job: job.id,
    foundEnded: false,
    ...report,
    decoded: { ...spool.counts },
  };
}

function reportEnded(server: string, job: number, state: BossJobState): BossJobReport {
  return {
    server,
    job,
    foundEnded: true,
    ...(state === "complete" ? { end: "complete" } : { end: "ended", state }),
    uploaded: 0,
    late: 0,
    duplicates: 0,
    failures: 0,
    dead: [],
    decoded: { made: 0, found: 0 },
  };
}

/** Options that were given: an absent one leaves the default in place. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
