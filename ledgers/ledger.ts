/**
 * Who works on what, and what is done.
 * @module
 */
import type { Lease, Plan } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";

/** How a job stands as a whole. */
export type JobState =
  /** Some tasks wait or are leased. */
  | "active"
  /** Every task is done. */
  | "done"
  /** Nothing more can be leased; some tasks are dead letters, and those above them blocked. */
  | "failed"
  | "cancelled";

/** Where a job lies. */
export interface JobSummary {
  readonly job: number;
  readonly planId: string;
  /** Path or URL of the volume. */
  readonly target: string;
  readonly state: JobState;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly tasks: number;
  readonly done: number;
}

/** Tasks of one phase by state. Their sum is the phase. */
export interface PhaseStatus {
  readonly waiting: number;
  readonly leased: number;
  /** Above a dead letter: cannot be leased before `retry`. */
  readonly blocked: number;
  readonly done: number;
  readonly dead: number;
}

/** A lease that someone holds. */
export interface HeldLease {
  readonly worker: string;
  readonly first: number;
  readonly end: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly expires: number;
}

/** All that `status` says; made from a few rows, never by walking tasks. */
export interface JobStatus extends JobSummary {
  readonly phases: readonly PhaseStatus[];
  readonly leases: readonly HeldLease[];
  /** Losses in the receipts of done tasks. */
  readonly losses: number;
  readonly deadLetters: number;
  /** When the last task was acknowledged, milliseconds since 1970. */
  readonly lastDone?: number;
}

/** A task that is given up, with its reason. */
export interface DeadLetter {
  readonly task: number;
  readonly attempts: number;
  /** What the last attempt failed with. */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly when: number;
}

/** How a job is created. */
export interface CreateOptions {
  /** Path or URL of the volume. */
  readonly target: string;
  /** Folder that receipts are appended to; absent: the ledger keeps them itself (memory), or none are kept. */
  readonly receipts?: string;
}

/** How a lease is asked for. */
export interface LeaseOptions {
  /** Who asks, for people: `host:pid`. */
  readonly worker: string;
  /** At most this many tasks, in a row. @default 1 */
  readonly tasks?: number;
  /** @default 60 */
  readonly leaseSeconds?: number;
}

/**
 * The contract of every ledger; `tests/ledgers/conformance.ts` holds it to each line.
 *
 * Tasks are numbers; the ledger keeps ranges of them. Times come from the ledger's own clock.
 */
export interface Ledger extends AsyncDisposable {
  /** Adds a job; returns its number. Fast whatever the number of tasks. */
  create(plan: Plan, options: CreateOptions): Promise<number>;
  plan(job: number): Promise<Plan>;
  /** Every job, newest first. */
  jobs(): AsyncIterable<JobSummary>;
  /**
   * Leases up to `tasks` tasks in a row of the first phase that is not over. Leases that expired, and those of
   * workers that are known to be dead, go back first.
   * `wait`: none is free now, but some are leased. `done`: nothing is left to lease (see `status` for why).
   */
  lease(job: number, options: LeaseOptions): Promise<Lease | "wait" | "done">;
  /** Moves the expiry on. @throws {LeaseLostError} If the lease expired, was taken, or the job was cancelled. */
  extend(lease: Lease): Promise<void>;
  /** Only asks whether the lease still holds. @throws {LeaseLostError} As `extend`. */
  check(lease: Lease): Promise<void>;
  /**
   * Marks tasks of the lease done, all or none; appends their receipts first.
   * @throws {LeaseLostError} As `extend`: then nothing is marked.
   */
  acknowledge(lease: Lease, receipts: readonly Receipt[]): Promise<void>;
  /** Uses one attempt of one task; after the last, it is a dead letter and what lies above it is blocked. */
  fail(lease: Lease, task: number, error: Error): Promise<void>;
  /** Gives back what is left of a lease; no attempt is used. Never throws for a lease that was lost. */
  release(lease: Lease): Promise<void>;
  /** Dead letters in ascending order of task. */
  deadLetters(
    job: number,
    page?: { readonly after?: number; readonly limit?: number },
  ): Promise<DeadLetter[]>;
  /**
   * Puts tasks back, done or dead, and with them every task of later phases that depends on them. Without
   * `tasks`: every dead letter. Tasks that are leased lose their lease. Also reopens a cancelled job.
   * @returns How many tasks wait now that did not before.
   */
  retry(job: number, tasks?: readonly (readonly [first: number, end: number])[]): Promise<number>;
  /** Ends a job: every lease is lost at once. */
  cancel(job: number): Promise<void>;
  status(job: number): Promise<JobStatus>;
  /** The receipt that counts (highest fence) of every task that is done; order is free. */
  receipts(job: number): AsyncIterable<Receipt>;
}
