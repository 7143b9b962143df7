/**
 * What the lines of the contract are tested with.
 * @module
 */
import type { Lease, Plan } from "../../core/plan.ts";
import type { RangeRow } from "../../ledgers/_ranges.ts";
import type { Ledger, LedgerOptions } from "../../ledgers/ledger.ts";
import { makePlan, makeReceipt } from "./_plan.ts";

/** A ledger that is opened for one test. */
export interface OpenedLedger extends AsyncDisposable {
  readonly ledger: Ledger;
  /** The same ledger as another worker sees it; closed by the caller. */
  again(): Promise<AsyncDisposable & { readonly ledger: Ledger }>;
  /** Folder for receipts; absent: the ledger keeps them. */
  readonly receipts?: string;
  /** Every row of a job, where they can be seen. */
  readonly rows?: (job: number) => Promise<RangeRow[]> | RangeRow[];
}

/** One kind of ledger. */
export interface LedgerKind {
  readonly name: string;
  /** How many random sequences of acts to try. */
  readonly runs: number;
  open(options: LedgerOptions): Promise<OpenedLedger>;
}

/** What a test works with. */
export interface Bench extends OpenedLedger {
  /** Moves the clock. */
  readonly wait: (seconds: number) => void;
  create(plan: Plan): Promise<number>;
  /** Leases what there must be. */
  take(job: number, tasks?: number, leaseSeconds?: number): Promise<Lease>;
  /** Acknowledges all of a lease, or some of its tasks. */
  finish(lease: Lease, tasks?: readonly number[]): Promise<void>;
  /** Leases and acknowledges until nothing is left; returns the tasks in the order they came. */
  drain(job: number, tasks?: number): Promise<number[]>;
}

/** Registers a test on a ledger that is opened for it. */
export type Test = (
  name: string,
  run: (bench: Bench) => Promise<void>,
  options?: LedgerOptions,
) => void;

/** Phases of 8 and 1 tasks, and `finish`. */
export const EIGHT = makePlan({ tasks: [2, 2, 2], coarser: 1 });
/** Phases of 16, 2 and 1 tasks, and `finish`: tasks 16 and 17 depend on eight each. */
export const PAIR = makePlan({ tasks: [4, 2, 2], coarser: 2 });
/** Who leases. */
export const ONE = { worker: "host:1" };

/** Tasks of a phase that has none. */
export const NONE = { waiting: 0, leased: 0, blocked: 0, done: 0, dead: 0 };

/** What a test works with, on an opened ledger. */
export function makeBench(opened: OpenedLedger, wait: Bench["wait"]): Bench {
  const { ledger } = opened;
  const take: Bench["take"] = async (job, tasks = 1, leaseSeconds = 60) => {
    const lease = await ledger.lease(job, { ...ONE, tasks, leaseSeconds });
    if (typeof lease === "string") throw new Error(`There was nothing to lease: ${lease}`);
    return lease;
  };
  const finish: Bench["finish"] = (lease, tasks = tasksOf(lease)) =>
    ledger.acknowledge(lease, tasks.map((task) => makeReceipt(task, lease.fence)));
  return {
    ...opened,
    wait,
    take,
    finish,
    create: (plan) =>
      ledger.create(plan, {
        target: "there",
        ...(opened.receipts === undefined
          ? {}
          : { receipts: `${opened.receipts}/${crypto.randomUUID()}` }),
      }),
    async drain(job, tasks = 3) {
      const order: number[] = [];
      for (;;) {
        const lease = await ledger.lease(job, { ...ONE, tasks });
        if (lease === "done") return order;
        if (lease === "wait") throw new Error("Someone else still holds a lease");
        order.push(...tasksOf(lease));
        await finish(lease);
      }
    },
  };
}

function tasksOf({ first, end }: Lease): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
