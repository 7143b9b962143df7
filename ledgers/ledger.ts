/**
 * Who works on what, and what is done.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { Lease, Plan } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";

/** What is the matter with a ledger. */
export type LedgerFault =
  /** Another process held the database for longer than one waits. */
  | "locked"
  /** Not a database, or one that is damaged. */
  | "corrupt"
  /** A database of another program. */
  | "foreign"
  | "read-only"
  /** Written by a newer sluice. */
  | "newer-schema"
  /** Made by an older sluice: `sluice ledger init` brings it up to date. */
  | "older-schema"
  /** There is none yet: `sluice ledger init` makes one. */
  | "no-ledger"
  | "no-such-job"
  | "disk-full"
  /** On a disk where locks between machines cannot be trusted. */
  | "network-file-system"
  /** It cannot be opened or reached. */
  | "unavailable";

/**
 * The ledger itself cannot serve: exit code 1.
 * @example A job that the ledger does not know
 * ```ts
 * import { LedgerError, openLedger } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * await using ledger = await openLedger("memory:");
 * const unknown = (error: unknown) => error instanceof LedgerError && error.fault === "no-such-job";
 * await rejects(ledger.status(42), unknown);
 * ```
 */
export class LedgerError extends SluiceError {
  /** Says which class it is where classes do not travel, as from a worker. */
  override readonly name = "LedgerError";
  /**
   * Says what is the matter, for people and for callers.
   * @param message What could not be done, and the way out.
   * @param fault What callers branch on.
   */
  constructor(message: string, readonly fault: LedgerFault, options?: ErrorOptions) {
    super(message, options);
  }
}

/** How every ledger is opened. */
export interface LedgerOptions {
  /** Attempts of a task before it is a dead letter. @default 3 */
  readonly attempts?: number;
  /** Workers that may die or stall while they hold a task before it is a dead letter. @default 10 */
  readonly lapses?: number;
  /** The clock, in milliseconds since 1970. @default Date.now; that of the server for a ledger in PostgreSQL */
  readonly now?: () => number;
}

/** How a job stands as a whole. */
export type JobState =
  /** Some tasks wait or are leased. */
  | "active"
  /** Every task is done. */
  | "done"
  /** Nothing more can be leased; some tasks are dead letters, and those above them blocked. */
  | "failed"
  /** Someone ended it; `retry` reopens it. */
  | "cancelled";

/** Where a job lies. */
export interface JobSummary {
  /** Its number in this ledger. */
  readonly job: number;
  /** `id` of its plan: what is written. */
  readonly planId: string;
  /** Path or URL of the volume. */
  readonly target: string;
  /** How it stands. */
  readonly state: JobState;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Tasks of all phases. */
  readonly tasks: number;
  /** Tasks that are done. */
  readonly done: number;
}

/** Tasks of one phase by state. Their sum is the phase. */
export interface PhaseStatus {
  /** Can be leased once the phases before are over. */
  readonly waiting: number;
  /** Someone works on them. */
  readonly leased: number;
  /** Above a dead letter: cannot be leased before `retry`. */
  readonly blocked: number;
  /** Acknowledged. */
  readonly done: number;
  /** Dead letters. */
  readonly dead: number;
}

/** A lease that someone holds, or let expire and nobody has taken yet. */
export interface HeldLease {
  /** Who holds it, as it named itself. */
  readonly worker: string;
  /** First task, as they were leased; some may be acknowledged since. */
  readonly first: number;
  /** One past the last task. */
  readonly end: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** All that `status` says; made from a few rows, never by walking tasks. */
export interface JobStatus extends JobSummary {
  /** In the order of the plan. */
  readonly phases: readonly PhaseStatus[];
  /** In ascending order of task. */
  readonly leases: readonly HeldLease[];
  /** How many losses the receipts of done tasks name. */
  readonly losses: number;
  /** Tasks that are dead, over all phases. */
  readonly deadLetters: number;
  /** When the last task was acknowledged, milliseconds since 1970; in PostgreSQL, the last of a lease. */
  readonly lastDone?: number;
}

/** A task that is given up, with its reason. */
export interface DeadLetter {
  /** Its number. */
  readonly task: number;
  /** Attempts that failed. */
  readonly attempts: number;
  /** What the last attempt failed with, at most 2000 characters of it; or how many workers died over it. */
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly when: number;
}

/** A task that its receipt proves done. */
export interface DoneTask {
  /** Its number. */
  readonly task: number;
  /** Fence of the lease under which it was done; absent: nobody knows, and it is taken for recent enough. */
  readonly fence?: number;
  /** How many losses its receipt names. */
  readonly losses: number;
}

/** How a job is created. */
export interface CreateOptions {
  /** Path or URL of the volume. */
  readonly target: string;
  /**
   * Folder that receipts are appended to, or the address of one in a bucket, where they are when a task is
   * acknowledged; absent: the ledger keeps them itself (memory), or none are kept.
   * It may outlive the ledger: receipts of a job created later count before those of an earlier one.
   */
  readonly receipts?: string;
  /**
   * Tasks that were done under a ledger that is gone, as their receipts say. One does not count if something it
   * depends on is not done, or was done after it; of two for a task the higher fence counts. @default none
   */
  readonly done?: Iterable<DoneTask>;
}

/** How a lease is asked for. */
export interface LeaseOptions {
  /** Who asks, for people: `host:pid`. */
  readonly worker: string;
  /** At most this many tasks, in a row. @default 1 */
  readonly tasks?: number;
  /** How long, unless it is extended. @default 60 */
  readonly leaseSeconds?: number;
}

/**
 * The contract of every ledger; `tests/ledgers/conformance.ts` holds it to each line.
 *
 * Tasks are numbers; the ledger keeps ranges of them. Times come from the ledger's own clock. A lease is over when
 * it expires, when the last of its tasks was acknowledged, failed or given back, or when `retry` or `cancel` takes
 * it; from then on, all that is asked in its name is refused. Every method that takes the number of a job throws a
 * {@linkcode LedgerError} (`no-such-job`) where there is none.
 * @example A task from lease to receipt
 * ```ts
 * import { encodePng, type Lease, openLedger, planIngest } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = new Uint8Array(35);
 * await Deno.writeFile(path, encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data }));
 * const { plan } = await planIngest([path]);
 * await using ledger = await openLedger("memory:");
 * const job = await ledger.create(plan, { target: "out.ome.zarr" });
 * const lease = await ledger.lease(job, { worker: "me", leaseSeconds: 600 }) as Lease;
 * await ledger.acknowledge(lease, [{ task: lease.first, fence: lease.fence, units: [], losses: [] }]);
 * const { state, done, tasks } = await ledger.status(job);
 * deepEqual([state, done, tasks], ["active", 1, 2]);
 * await Deno.remove(path);
 * ```
 */
export interface Ledger extends AsyncDisposable {
  /**
   * Adds a job; returns its number. Fast whatever the number of tasks.
   * @throws {RangeError} If there are more than 2^53 - 1 tasks, or one is said to be done that the plan lacks.
   */
  create(plan: Plan, options: CreateOptions): Promise<number>;
  /** The plan of a job. */
  plan(job: number): Promise<Plan>;
  /** Every job, newest first. */
  jobs(): AsyncIterable<JobSummary>;
  /**
   * Leases up to `tasks` tasks in a row of the first phase that is not over, lowest first. Leases that expired, and
   * those of workers that are known to be dead, go back first: that uses no attempt, but a task that lapses so ten
   * times is a dead letter.
   * @returns `wait`: none is free now, but some are leased. `done`: nothing is left to lease (see `status` for why).
   */
  lease(job: number, options: LeaseOptions): Promise<Lease | "wait" | "done">;
  /**
   * Moves the expiry on, to `leaseSeconds` from now.
   * @throws {LeaseLostError} If the lease is over: `taken` (others have its tasks, or they are done), `cancelled`
   * with its job, or else `expired` (also if `retry` took it and nobody has leased its tasks since).
   */
  extend(lease: Lease): Promise<void>;
  /** Only asks whether the lease still holds; cheap enough for every commit. @throws {LeaseLostError} As `extend`. */
  check(lease: Lease): Promise<void>;
  /**
   * Marks tasks of the lease done, all or none; appends their receipts first. They leave the lease, the rest stays.
   * @throws {LeaseLostError} As `extend`, or if a task left the lease before: then nothing is marked.
   * @throws {RangeError} If a receipt is for a task or a fence that is not the lease's, or two are for one task.
   */
  acknowledge(lease: Lease, receipts: readonly Receipt[]): Promise<void>;
  /**
   * Uses one attempt of one task; after the last, it is a dead letter and what lies above it is blocked.
   * The task leaves the lease.
   * @throws {LeaseLostError} As `acknowledge`. @throws {RangeError} If the task is not the lease's.
   */
  fail(lease: Lease, task: number, error: Error): Promise<void>;
  /** Gives back what is left of a lease; no attempt is used. Never throws for a lease that was lost. */
  release(lease: Lease): Promise<void>;
  /**
   * Dead letters in ascending order of task.
   * @param page Those after a task, at most `limit` of them; by default from the first, all.
   */
  deadLetters(
    job: number,
    page?: { readonly after?: number; readonly limit?: number },
  ): Promise<DeadLetter[]>;
  /**
   * Puts tasks back, done or dead, with all their attempts, and with them every task of later phases that depends on
   * them; one that lies above another dead letter stays blocked. Without `tasks`: every dead letter. A lease that
   * holds one of them is lost whole. Also reopens a cancelled job.
   * @param tasks Half-open ranges, in any order.
   * @returns How many tasks wait now that did not before.
   * @throws {RangeError} If a range is empty or not within the job.
   */
  retry(job: number, tasks?: readonly (readonly [first: number, end: number])[]): Promise<number>;
  /** Ends a job: every lease is lost at once. A job that is done stays so. */
  cancel(job: number): Promise<void>;
  /** How a job stands. Fast whatever the number of tasks. */
  status(job: number): Promise<JobStatus>;
  /** The receipt that counts (highest fence) of every task that is done; order is free. */
  receipts(job: number): AsyncIterable<Receipt>;
}
