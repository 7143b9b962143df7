/**
 * The ledger on tables: what all databases share.
 * @module
 */
import { countTasks, type Lease, type Plan } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";
import {
  cancelJob,
  createJob,
  listDeadLetters,
  listJobs,
  rangesInState,
  readJob,
  readStatus,
  retryTasks,
} from "./_job_steps.ts";
import {
  acknowledgeTasks,
  type Asked,
  checkLease,
  extendLease,
  failTask,
  grantLease,
  type JobRecord,
  leaseSlots,
  type Limits,
  noSuchJob,
  releaseLease,
} from "./_lease_steps.ts";
import { provenDone } from "./_proven.ts";
import { holdsTask, type TaskRange } from "./_ranges.ts";
import type { Steps } from "./_steps.ts";
import type {
  CreateOptions,
  DeadLetter,
  JobStatus,
  JobSummary,
  LeaseOptions,
  Ledger,
  LedgerOptions,
} from "./ledger.ts";

/** What some steps are about. */
export interface Scope {
  /** Steps that only read see one moment. */
  readonly mode: "read" | "write";
  /** The job that is changed; absent: a new one, or none. */
  readonly job?: number;
  /** Whether they may be taken again where nobody knows whether they counted. @default true */
  readonly repeatable?: boolean;
}

/** What a database gives for a ledger to be kept in it. */
export interface LedgerTables {
  /** Names this process in its leases; empty: nobody can tell whether it lives. */
  readonly slot: string;
  /** What it does at once where nothing is unusual; absent: nothing. */
  readonly shortcuts?: Shortcuts;
  /** Runs all steps or none; they are told the time, in milliseconds since 1970. */
  transact<Result>(scope: Scope, steps: (now: number) => Steps<Result>): Promise<Result>;
  /** Those of some processes that are known to be dead. */
  gone(slots: readonly string[]): readonly string[];
  /** Keeps receipts of a job; `folder` is empty where the job names none. */
  append(job: number, folder: string, receipts: readonly Receipt[]): void;
  /** The receipt with the highest fence of each task. */
  receipts(job: number, folder: string): AsyncIterable<Receipt>;
  close(): Promise<void>;
}

/**
 * What workers ask all day, without steps that each cost a way to the server and back. Where something is unusual they
 * change nothing and say so (`undefined`, `false`): then the steps are taken.
 */
export interface Shortcuts {
  lease(job: number, asked: Asked): Promise<Lease | "wait" | "done" | undefined>;
  extend(lease: Lease): Promise<boolean>;
  check(lease: Lease): Promise<boolean>;
  /** Calls `append` first. */
  acknowledge(lease: Lease, receipts: readonly Receipt[], append: () => void): Promise<boolean>;
}

const JOBS_AT_ONCE = 100;

/** A ledger kept in tables. */
export class TableLedger implements Ledger {
  readonly #tables: LedgerTables;
  readonly #limits: Limits;
  readonly #jobs = new Map<number, JobRecord>();
  readonly #searched = new Set<number>();

  constructor(
    tables: LedgerTables,
    { attempts = 3, lapses = 10 }: Omit<LedgerOptions, "now"> = {},
  ) {
    mustBeWhole("attempts", attempts);
    mustBeWhole("lapses", lapses);
    this.#tables = tables;
    this.#limits = { attempts, lapses };
  }

  async create(plan: Plan, options: CreateOptions): Promise<number> {
    const tasks = countTasks(plan);
    if (!Number.isSafeInteger(tasks)) {
      throw new RangeError(
        `Cannot create a job of ${tasks} tasks: at most 2^53 - 1 can be counted`,
      );
    }
    const done = provenDone(plan, options.done ?? []);
    return await this.#tables.transact(
      { mode: "write", repeatable: false },
      (now) => createJob(plan, options, done, now),
    );
  }

  async plan(job: number): Promise<Plan> {
    return (await this.#job(job)).plan;
  }

  async *jobs(): AsyncGenerator<JobSummary> {
    let below = Number.MAX_SAFE_INTEGER;
    for (;;) {
      const page = await this.#read(() => listJobs(below, JOBS_AT_ONCE));
      yield* page;
      if (page.length < JOBS_AT_ONCE) return;
      below = page[page.length - 1].job;
    }
  }

  async lease(
    job: number,
    { worker, tasks = 1, leaseSeconds = 60 }: LeaseOptions,
  ): Promise<Lease | "wait" | "done"> {
    mustBeWhole("tasks", tasks);
    if (!(leaseSeconds > 0 && leaseSeconds <= 1e9)) {
      throw new RangeError(
        `Cannot lease tasks for ${leaseSeconds} seconds: leaseSeconds must lie above 0 and below 1e9`,
      );
    }
    const record = await this.#job(job);
    const milliseconds = Math.ceil(leaseSeconds * 1000);
    const asked = { worker, slot: this.#tables.slot, tasks, milliseconds };
    const answer = await this.#tables.shortcuts?.lease(job, asked);
    if (answer !== undefined) return answer;
    return await this.#lease(record, asked);
  }

  async extend(lease: Lease): Promise<void> {
    if (await this.#tables.shortcuts?.extend(lease)) return;
    await this.#write(lease.job, (now) => extendLease(lease, now));
  }

  async check(lease: Lease): Promise<void> {
    if (await this.#tables.shortcuts?.check(lease)) return;
    await this.#read((now) => checkLease(lease, "go on under", now));
  }

  async acknowledge(lease: Lease, receipts: readonly Receipt[]): Promise<void> {
    const seen = new Set<number>();
    for (const { task, fence } of receipts) {
      mustBeWithin(lease, task);
      if (fence !== lease.fence) {
        throw new RangeError(
          `Cannot acknowledge task ${task} under lease "${lease.id}": its receipt has fence ${fence}, the lease ${lease.fence}`,
        );
      }
      if (seen.has(task)) {
        throw new RangeError(
          `Cannot acknowledge task ${task} under lease "${lease.id}": there are two receipts for it`,
        );
      }
      seen.add(task);
    }
    const { job, receipts: folder } = await this.#job(lease.job);
    let isKept = false;
    const append = () => {
      if (!isKept) this.#tables.append(job, folder, receipts);
      isKept = true;
    };
    if (await this.#tables.shortcuts?.acknowledge(lease, receipts, append)) return;
    await this.#write(job, (now) => acknowledgeTasks(lease, receipts, now, append));
  }

  async fail(lease: Lease, task: number, error: Error): Promise<void> {
    mustBeWithin(lease, task);
    const record = await this.#job(lease.job);
    await this.#write(
      lease.job,
      (now) => failTask(record, lease, task, error, now, this.#limits),
    );
  }

  release(lease: Lease): Promise<void> {
    return this.#write(lease.job, () => releaseLease(lease));
  }

  async deadLetters(
    job: number,
    { after = -1, limit = Number.MAX_SAFE_INTEGER }: { after?: number; limit?: number } = {},
  ): Promise<DeadLetter[]> {
    await this.#job(job);
    return this.#read(() => listDeadLetters(job, after, limit));
  }

  async retry(job: number, tasks?: readonly TaskRange[]): Promise<number> {
    const record = await this.#job(job);
    const count = countTasks(record.plan);
    for (const [first, end] of tasks ?? []) {
      const isWhole = Number.isInteger(first) && Number.isInteger(end);
      if (isWhole && 0 <= first && first < end && end <= count) continue;
      throw new RangeError(
        `Cannot retry tasks [${first}, ${end}) of job ${job}: the range must hold a task and lie within [0, ${count})`,
      );
    }
    return this.#write(job, () => retryTasks(record, tasks));
  }

  async cancel(job: number): Promise<void> {
    await this.#job(job);
    await this.#write(job, () => cancelJob(job));
  }

  async status(job: number): Promise<JobStatus> {
    const record = await this.#job(job);
    return this.#read(() => readStatus(record));
  }

  async *receipts(job: number): AsyncGenerator<Receipt> {
    const { receipts: folder } = await this.#job(job);
    const done = await this.#read(() => rangesInState(job, "done"));
    for await (const receipt of this.#tables.receipts(job, folder)) {
      if (holdsTask(done, receipt.task)) yield receipt;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#tables.close();
  }

  /** The dead are looked for, and what they held is leased first. */
  async #lease(record: JobRecord, asked: Asked): Promise<Lease | "wait" | "done"> {
    const { job } = record;
    const grant = (gone: readonly string[]) =>
      this.#write(job, (now) => grantLease(record, asked, gone, now, this.#limits));

    // Once at the start, so that a job killed a moment ago goes on at once; after that only while there is nothing
    // else to do, since it costs a file per process that holds a lease.
    if (!this.#searched.has(job)) {
      this.#searched.add(job);
      return grant(await this.#gone(job));
    }
    const answer = await grant([]);
    if (answer !== "wait") return answer;
    const gone = await this.#gone(job);
    return gone.length > 0 ? grant(gone) : answer;
  }

  #read<Result>(steps: (now: number) => Steps<Result>): Promise<Result> {
    return this.#tables.transact({ mode: "read" }, steps);
  }

  #write<Result>(job: number, steps: (now: number) => Steps<Result>): Promise<Result> {
    return this.#tables.transact({ mode: "write", job }, steps);
  }

  async #job(job: number): Promise<JobRecord> {
    const known = this.#jobs.get(job) ?? await this.#read(() => readJob(job));
    if (known === undefined) throw noSuchJob(job);
    this.#jobs.set(job, known);
    return known;
  }

  async #gone(job: number): Promise<readonly string[]> {
    if (this.#tables.slot === "") return [];
    const slots = await this.#read(() => leaseSlots(job));
    return this.#tables.gone(slots.filter((slot) => slot !== this.#tables.slot));
  }
}

function mustBeWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new RangeError(`Cannot use ${value} as ${name}: it must be an integer >= 1`);
}

function mustBeWithin({ id, first, end }: Lease, task: number): void {
  if (Number.isInteger(task) && first <= task && task < end) return;
  throw new RangeError(
    `Cannot find task ${task} in lease "${id}": it has tasks ${first} to ${end - 1}`,
  );
}
