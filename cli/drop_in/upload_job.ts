/**
 * Uploads a job as boss-ingest does, and says so as it does.
 * @module
 */
import type { PluginGrants } from "../../boss/custom_plugin.ts";
import type { WorkerEvent } from "../../boss/worker.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { readVariables } from "../../stores/blobs/environment.ts";
import type { AskBossOptions } from "../../tasks/_ask_boss.ts";
import { type BossJobReport, type BossJobStart, joinBossJob } from "../../tasks/join_boss_job.ts";
import { EXIT } from "../command.ts";
import type { LogFile } from "./log_file.ts";
import { ProgressLine } from "./progress_line.ts";
import type { Quitting } from "./quitting.ts";

/** How a job is uploaded. */
export interface UploadJobOptions extends AskBossOptions {
  readonly log: Pick<LogFile, "info" | "detail" | "warning" | "error">;
  /** What a person wants; is told when there is something to finish. */
  readonly quitting: Pick<Quitting, "signal" | "stopping" | "isUploading">;
  readonly threads: number;
  /** Whether the job is completed in the end. */
  readonly completes: boolean;
  readonly spool?: string;
  /** What plugins of a lab's own may do. */
  readonly grants?: PluginGrants;
  /** Address of the buckets. @default That of the variables of AWS, else AWS itself */
  readonly endpoint?: string;
  /** The command that goes on with it. */
  readonly resume: string;
  /** Without `completes`: how long the queue is empty when it ends. @default 220 */
  readonly idleSeconds?: number;
  /** For how long an empty queue is watched at once, in seconds. @default As for every job */
  readonly waitSeconds?: number;
}

/** As many messages are in hand at least: one thread decodes for several that wait for the network. */
const LEAST_IN_HAND = 8;

/**
 * Works until the job is over, or the person says so.
 * @returns The exit code: 0 only where nothing is left to do.
 */
export async function uploadJob(
  path: string,
  job: number,
  options: UploadJobOptions,
): Promise<number> {
  const { log, quitting, threads, completes, spool, grants, waitSeconds } = options;
  const { token, env, retry, onToken } = options;
  const { endpoint = ownEndpoint(), idleSeconds = 220 } = options;
  const upload = new Upload(job, options);
  await using pool = new WorkerPool({ size: threads });
  const report = await joinBossJob(path, job, {
    token,
    env,
    retry,
    onToken,
    pool,
    concurrency: Math.max(LEAST_IN_HAND, threads),
    completes,
    ...(completes ? {} : { idleSeconds }),
    grants,
    waitSeconds,
    ...(spool === undefined ? {} : { spool }),
    ...(endpoint === undefined ? {} : { endpoint }),
    signal: quitting.signal,
    stopping: quitting.stopping,
    onWait: (why) => log.info(`(pid=${Deno.pid}) Waiting: ${why}`),
    onStart: (start) => {
      upload.start(start);
      quitting.isUploading = true;
    },
    onEvent: (event) => upload.tell(event),
    onProgress: ({ total, done }) => upload.look({ total, left: total - done }),
  });
  quitting.isUploading = false;
  return upload.end(report);
}

/** Where programs of AWS look for another server. */
function ownEndpoint(): string | undefined {
  const read = readVariables();
  return read("AWS_ENDPOINT_URL_S3") ?? read("AWS_ENDPOINT_URL");
}

/** What is said while a job is uploaded. */
class Upload {
  readonly #job: number;
  readonly #options: UploadJobOptions;
  readonly #now: () => number;
  readonly #began: number;
  #progress?: ProgressLine;
  #isUploaded = false;

  constructor(job: number, options: UploadJobOptions) {
    [this.#job, this.#options] = [job, options];
    const clock = options.retry?.clock;
    this.#now = clock === undefined ? () => performance.now() : () => clock.now();
    this.#began = this.#now();
  }

  get #minutes(): string {
    return ((this.#now() - this.#began) / 60_000).toFixed(2);
  }

  start({ job, kind, needs, warnings }: BossJobStart): void {
    const { log, threads } = this.#options;
    for (const { path, reason } of warnings) log.warning(`${path}: ${reason}`);
    log.info(`(pid=${Deno.pid}) JOINED INGEST JOB: ${job}`);
    log.info(
      `${threads} ${threads === 1 ? "thread" : "threads"} of this process, pid=${Deno.pid}, ${
        threads === 1 ? "does" : "do"
      } the work of as many worker processes`,
    );
    log.info(needs);
    this.#progress = new ProgressLine(kind, this.#now);
  }

  look(state: { readonly total: number; readonly left: number }): void {
    const line = this.#progress?.look(state);
    if (line !== undefined) this.#options.log.info(line);
  }

  tell(event: WorkerEvent): void {
    const { log } = this.#options;
    switch (event.kind) {
      case "uploaded":
        return log.detail(`Uploaded ${event.what} in ${event.seconds.toFixed(2)} s`);
      case "failed":
        return log.warning(`Attempt ${event.attempt} at ${event.what} failed: ${event.reason}`);
      case "dead":
        return log.error(`Gave up ${event.what}: ${event.reason}`);
      case "trouble":
        return log.warning(event.reason);
      case "server":
        this.#uploaded();
        return log.info(`(pid=${Deno.pid}) ${event.text}`);
      default:
        return event satisfies never;
    }
  }

  /** Nothing is left in the queue, as far as is known. */
  #uploaded(): void {
    if (this.#isUploaded) return;
    this.#isUploaded = true;
    const { log, completes } = this.#options;
    log.info(`All upload tasks completed in ${this.#minutes} minutes.`);
    if (completes) {
      log.info(" - Marking Ingest Job as complete and cleaning up. Please wait.");
    }
  }

  end(report: BossJobReport): number {
    const { log, resume } = this.#options;
    const job = `Ingest job ${this.#job}`;
    for (const { what, reason, attempts } of report.dead) {
      log.error(`Not uploaded after ${attempts} attempts: ${what}: ${reason}`);
    }
    switch (report.end) {
      case "complete":
        if (report.foundEnded) log.info(`${job} is complete already`);
        else {
          this.#uploaded();
          log.info(" - Cleanup Done");
        }
        return EXIT.done;
      case "idle":
        this.#uploaded();
        log.info(
          " - Auto-complete disabled. This ingest job will remain in the 'Uploading' state until you manually mark it as complete",
        );
        return EXIT.done;
      case "stopped":
        this.#leave();
        log.info(`${job} is not complete. To go on: ${resume}`);
        return EXIT.interrupted;
      case "stuck":
        this.#leave();
        log.error(
          `${job} is not complete: ${report.dead.length} of its messages cannot be uploaded, and stay in its queue. Mend what is named above, then: ${resume}`,
        );
        return EXIT.failed;
      case "ended":
        log.error(`${job} is ${report.state}: nothing more can be uploaded to it`);
        return EXIT.failed;
      default:
        return report.end satisfies never;
    }
  }

  #leave(): void {
    const { log } = this.#options;
    log.info("Client exiting");
    log.info(`Run time: ${this.#minutes} minutes.`);
  }
}
