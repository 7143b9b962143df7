/**
 * Whether a ledger and the naive model agree on whatever is done to both.
 * @module
 */
import { deepEqual, ok } from "node:assert/strict";
import { LeaseLostError } from "../../core/errors.ts";
import { countTasks, type Lease } from "../../core/plan.ts";
import type { RangeRow } from "../../ledgers/_ranges.ts";
import type { Ledger } from "../../ledgers/ledger.ts";
import { fc } from "../_fast_check.ts";
import type { OpenedLedger } from "./_bench.ts";
import { Model } from "./_model.ts";
import { makePlan, makeReceipt } from "./_plan.ts";

/** One thing done to a ledger. `lease` counts those granted, from the latest. */
type Act =
  | { kind: "lease"; most: number; seconds: number }
  | { kind: "acknowledge"; lease: number; picks: boolean[]; losses: number }
  | { kind: "fail"; lease: number; at: number }
  | { kind: "extend" | "check" | "release"; lease: number }
  | { kind: "tick"; seconds: number }
  | { kind: "retry"; ranges: [number, number][] | undefined }
  | { kind: "cancel" };

const lease = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(5));
const fraction = fc.double({ min: 0, max: 0.999, noNaN: true });

/** Things done to a ledger, more often those that move a job on. */
export const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant("lease" as const),
        most: fc.integer({ min: 1, max: 12 }),
        seconds: fc.integer({ min: 1, max: 20 }),
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constant("acknowledge" as const),
        lease,
        picks: fc.oneof(
          fc.constant(Array<boolean>(12).fill(true)),
          fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        ),
        losses: fc.nat(2),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant("fail" as const), lease, at: fc.nat(11) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constantFrom("extend", "check", "release"), lease }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("tick" as const), seconds: fc.nat(12) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("retry" as const),
        ranges: fc.option(
          fc.array(fc.tuple(fraction, fraction), { minLength: 1, maxLength: 2 }),
          { nil: undefined },
        ),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "cancel" as const }) },
  ),
  { minLength: 20, maxLength: 80 },
);

const PLANS = [
  makePlan({ tasks: [3, 2, 2], coarser: 2 }),
  makePlan({ tasks: [3, 3, 1], coarser: 2, cell: 6 }),
];

/** The limits that the ledger must be opened with. */
export const LIMITS = { attempts: 2, lapses: 2 };

/** Does the same to both, and compares after every act. `rows`: all rows of the ledger, where they can be seen. */
export async function agree(
  ledger: Ledger,
  clock: { now: number },
  planAt: number,
  done: readonly Act[],
  options: { receipts?: string; rows?: OpenedLedger["rows"] },
): Promise<void> {
  const plan = PLANS[planAt];
  const model = new Model(plan, LIMITS);
  const start = clock.now;
  const leases: Lease[] = [];
  const { receipts, rows } = options;
  const job = await ledger.create(plan, { target: "here", receipts });
  for (const act of done) {
    clock.now = start + model.now * 1000;
    deepEqual(await onLedger(ledger, job, leases, act), onModel(model, act), JSON.stringify(act));
    const status = await ledger.status(job);
    deepEqual(status.phases, model.phases());
    deepEqual(status.losses, model.tasks.reduce((sum, task) => sum + task.losses, 0));
    deepEqual(
      status.leases.map(({ first, end }) => [first, end]),
      model.leases.filter(({ isOver }) => !isOver).map(({ first, end }) => [first, end])
        .sort((a, b) => a[0] - b[0]),
    );
    const dead = [...model.tasks.entries()].filter(([, { state }]) => state === "dead");
    deepEqual(
      (await ledger.deadLetters(job)).map(({ task, attempts, reason }) => [task, attempts, reason]),
      dead.map(([index, { attempts, reason }]) => [index, attempts, reason]),
    );
    if (rows !== undefined) compareTasks(await rows(job), model, leases);
  }
  const acknowledged = (await Array.fromAsync(ledger.receipts(job))).map(({ task }) => task);
  deepEqual(
    acknowledged.sort((a, b) => a - b),
    [...model.tasks.keys()].filter((index) => model.tasks[index].state === "done"),
  );
}

async function onLedger(ledger: Ledger, job: number, leases: Lease[], act: Act): Promise<unknown> {
  const named = "lease" in act ? leases[leases.length - 1 - act.lease] : undefined;
  try {
    switch (act.kind) {
      case "lease": {
        const { most, seconds } = act;
        const got = await ledger.lease(job, { worker: "w", tasks: most, leaseSeconds: seconds });
        if (typeof got === "string") return got;
        ok(leases.every(({ fence }) => fence < got.fence));
        leases.push(got);
        return { first: got.first, end: got.end };
      }
      case "acknowledge": {
        if (named === undefined) return;
        const tasks = picked(named, act.picks);
        const receipts = tasks.map((task) => makeReceipt(task, named.fence, act.losses));
        await ledger.acknowledge(named, receipts);
        return "held";
      }
      case "fail": {
        if (named === undefined) return;
        await ledger.fail(named, within(named, act.at), new Error("It would not"));
        return "held";
      }
      case "extend":
      case "check":
        if (named === undefined) return;
        await ledger[act.kind](named);
        return "held";
      case "release":
        if (named !== undefined) await ledger.release(named);
        return;
      case "retry":
        return await ledger.retry(job, rangesIn(act.ranges, countTasks(await ledger.plan(job))));
      case "cancel":
        return await ledger.cancel(job);
      case "tick":
        return;
      default:
        return act satisfies never;
    }
  } catch (error) {
    if (error instanceof LeaseLostError) return { lost: error.reason };
    throw error;
  }
}

function onModel(model: Model, act: Act): unknown {
  const at = "lease" in act ? model.leases.length - 1 - act.lease : -1;
  const named = model.leases[at];
  if ("lease" in act && named === undefined) return;
  switch (act.kind) {
    case "lease":
      return model.lease(act.most, act.seconds);
    case "acknowledge":
      return model.acknowledge(at, picked(named, act.picks), act.losses);
    case "fail":
      return model.fail(at, within(named, act.at), "It would not");
    case "extend":
    case "check":
      return model[act.kind](at);
    case "release":
      return model.release(at);
    case "retry": {
      const ranges = rangesIn(act.ranges, model.tasks.length);
      return model.retry(
        ranges?.flatMap(([first, end]) => Array.from({ length: end - first }, (_, i) => first + i)),
      );
    }
    case "cancel":
      return model.cancel();
    case "tick":
      model.now += act.seconds;
      return;
    default:
      return act satisfies never;
  }
}

type Tasks = { readonly first: number; readonly end: number };

function picked({ first, end }: Tasks, picks: readonly boolean[]): number[] {
  return picks.flatMap((isPicked, i) => isPicked && first + i < end ? [first + i] : []);
}

function within({ first, end }: Tasks, at: number): number {
  return first + at % (end - first);
}

function rangesIn(
  fractions: [number, number][] | undefined,
  tasks: number,
): [number, number][] | undefined {
  return fractions?.map(([a, b]) => {
    const [low, high] = [Math.floor(Math.min(a, b) * tasks), Math.floor(Math.max(a, b) * tasks)];
    return [low, high + 1];
  });
}

function compareTasks(rows: readonly RangeRow[], model: Model, leases: readonly Lease[]): void {
  let next = 0;
  // Ranges may stay apart where somebody's lease begins or ends, while it lasts.
  const isBorder = (task: number) =>
    model.leases.some(({ first, end, isOver }) => !isOver && (first === task || end === task));
  for (const [at, row] of rows.entries()) {
    deepEqual(row.first, next, "ranges follow each other");
    next = row.end;
    const before = rows[at - 1];
    const alike = ["phase", "state", "attempts", "lapses", "fence", "reason", "died"] as const;
    ok(
      before === undefined || alike.some((key) => before[key] !== row[key]) || isBorder(row.first),
      `ranges before and after task ${row.first} would merge`,
    );
    const lease = leases.findIndex(({ fence }) => fence === row.fence);
    for (let task = row.first; task < row.end; task++) {
      const { state, attempts, lapses, reason } = row;
      const { losses: _, ...expected } = model.tasks[task];
      deepEqual({ state, attempts, lapses, lease, reason }, expected, `task ${task}`);
    }
  }
  deepEqual(next, model.tasks.length);
}
