/**
 * What every command does that works on a job: progress, signals, failures, and what came of it.
 * @module
 */
import type { WorkerPool } from "../pool/worker_pool.ts";
import { messageOf } from "../core/errors.ts";
import { countCells } from "../core/layout.ts";
import type { Plan } from "../core/plan.ts";
import { product } from "../core/point.ts";
import type { JobStatus, Ledger } from "../ledgers/ledger.ts";
import type { StageError } from "../stages/stage.ts";
import type { JobProgress } from "../tasks/join.ts";
import { jobStatus } from "../tasks/status.ts";
import type { VerifyReport } from "../tasks/verify.ts";
import { InterruptedError } from "./command.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import {
  countVoxelBytes,
  describeOutcome,
  exitCode,
  type Outcome,
  summaryDocument,
} from "./summary.ts";
import { formatCount, quote } from "./text.ts";

/** Failed attempts that are told of while the work goes on. */
const TOLD = 5;

/** A job that this process works on. */
export interface Working {
  readonly job: number;
  readonly ledger: Ledger;
  readonly ledgerUrl: string;
  readonly plan: Plan;
  /** As the person named it. */
  readonly target: string;
}

/** Shows what goes on, and counts it. */
export class WorkMonitor {
  readonly #output: Output;
  readonly #progress: Progress;
  readonly #interrupts: Interrupts;
  readonly #began = Date.now();
  #working?: Working;
  /** Bytes of the volume's voxels for each voxel that is encoded: chunks at the far edges are padded. */
  #voxelBytes = 1;
  #paddedVoxels = 1;
  #start?: number;
  #asked = -1;
  #losses = 0;
  #failures = 0;
  #latest: JobProgress = { tasks: 0, done: 0, voxels: 0, bytes: 0 };
  #writtenAt?: number;

  constructor(output: Output, interrupts: Interrupts, progress = Progress.of(output)) {
    [this.#output, this.#progress, this.#interrupts] = [output, progress, interrupts];
    progress.begin("planning");
  }

  /** Headers are read. */
  readonly onPlanning = (read: number, total: number): void => {
    this.#progress.update({ done: read, total, unit: "files" });
  };

  /** The job is known: from here on, a signal lets what is in hand be finished. */
  begin(working: Working): void {
    this.#working = working;
    const { scales } = working.plan.layout;
    this.#paddedVoxels = scales.reduce(
      (sum, { size, chunk }) => sum + product(countCells(size, chunk)) * product(chunk),
      0,
    );
    this.#voxelBytes = countVoxelBytes(working.plan) / this.#paddedVoxels;
    this.#interrupts.graceful = true;
    this.#progress.begin("writing");
  }

  /** Tasks are done, chunks are written. */
  readonly onProgress = (progress: JobProgress): void => {
    this.#latest = progress;
    const { tasks, done, voxels, bytes } = progress;
    this.#start ??= done / tasks;
    this.#askLosses(done);
    this.#progress.update({
      done,
      total: tasks,
      unit: "tasks",
      part: Math.max(done / tasks, this.#start + voxels / this.#paddedVoxels),
      voxelBytes: voxels * this.#voxelBytes,
      writtenBytes: bytes,
      losses: this.#losses,
    });
    if (done === tasks) this.#writtenAt ??= Date.now();
  };

  /** Progress counts no losses; the ledger does. */
  #askLosses(done: number): void {
    if (done === this.#asked) return;
    this.#asked = done;
    const { ledger, job } = this.#working!;
    ledger.status(job).then(({ losses }) => this.#losses = losses, () => {});
  }

  /** An attempt failed. */
  readonly onFailure = (error: StageError): void => {
    this.#failures++;
    if (this.#output.quiet || this.#output.json || this.#failures > TOLD + 1) return;
    this.#progress.say(
      this.#failures > TOLD
        ? "More attempts failed; sluice status names what is given up"
        : `Attempt failed: ${messageOf(error)}`,
    );
  };

  /** The volume is read back. */
  readonly onVerify = (checked: number, total: number): void => {
    if (checked <= 1) {
      this.#progress.begin("verifying");
      // Nothing is in hand any more: a signal ends it, also one that came before.
      this.#interrupts.graceful = false;
    }
    this.#progress.update({ done: checked, total, unit: "files" });
  };

  /** What a signal says. */
  say(text: string): void {
    if (!this.#output.quiet) this.#progress.say(text);
  }

  /** The work has ended, one way or another. */
  end(): void {
    this.#progress.end();
  }

  /** Says what came of the job. @returns The exit code. */
  async conclude(
    status: JobStatus,
    { pool, verified, verifiedCopies = [], foundDone }: {
      readonly pool: WorkerPool;
      readonly verified?: VerifyReport;
      readonly verifiedCopies?: readonly VerifyReport[];
      readonly foundDone?: boolean;
    },
  ): Promise<number> {
    this.end();
    const { plan, ledgerUrl, target } = this.#working!;
    const outcome: Outcome = {
      plan,
      status,
      report: await jobStatus(String(status.job), { ledgerUrl }),
      verified,
      verifiedCopies,
      threads: pool.size,
      times: { ...pool.times },
      foundDone,
      target,
      milliseconds: (this.#writtenAt ?? Date.now()) - this.#began,
      voxelBytes: this.#latest.voxels * this.#voxelBytes,
      bytes: this.#latest.bytes,
      stopped: this.#interrupts.stop.aborted,
    };
    this.#output.report(summaryDocument(outcome), () => describeOutcome(outcome));
    return exitCode(outcome);
  }

  /** What is thrown where the work ended early: with what to do next, if a signal ended it. */
  async explain(error: unknown): Promise<unknown> {
    this.end();
    if (!this.#interrupts.signal.aborted) return error;
    if (this.#working === undefined) return new InterruptedError("Stopped; nothing was written");
    const { ledger, job, target } = this.#working;
    const { state, done, tasks } = await ledger.status(job);
    return new InterruptedError(
      state === "done"
        ? `Stopped; the volume is written, but not verified: sluice verify ${quote(target)}`
        : `Stopped with ${formatCount(done)} of ${
          formatCount(tasks)
        } tasks done; to go on: the same command again, or sluice join ${quote(target)}`,
    );
  }
}
