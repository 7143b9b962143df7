/**
 * What every ledger promises. A new one passes by being added to the table in `conformance_test.ts`.
 * @module
 */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { messageOf } from "../../core/errors.ts";
import { countTasks, dependents, type Lease, type Plan } from "../../core/plan.ts";
import type { RangeRow } from "../../ledgers/_ranges.ts";
import type { DoneTask, Ledger, LedgerOptions } from "../../ledgers/ledger.ts";
import { fc } from "../_fast_check.ts";
import { acts, agree, LIMITS } from "./_agreement.ts";
import { makePlan, makeReceipt } from "./_plan.ts";

/** A ledger that is opened for one test. */
export interface OpenedLedger extends AsyncDisposable {
  readonly ledger: Ledger;
  /** The same ledger as another worker sees it; closed by the caller. */
  again(): Promise<AsyncDisposable & { readonly ledger: Ledger }>;
  /** Folder for receipts; absent: the ledger keeps them. */
  readonly receipts?: string;
  /** Every row of a job, where they can be seen. */
  readonly rows?: (job: number) => RangeRow[];
}

/** One kind of ledger. */
export interface LedgerKind {
  readonly name: string;
  /** How many random sequences of acts to try. */
  readonly runs: number;
  open(options: LedgerOptions): Promise<OpenedLedger>;
}

interface Bench extends OpenedLedger {
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

/** Phases of 8 and 1 tasks, and `finish`. */
const EIGHT = makePlan({ tasks: [2, 2, 2], coarser: 1 });
/** Phases of 16, 2 and 1 tasks, and `finish`: tasks 16 and 17 depend on eight each. */
const PAIR = makePlan({ tasks: [4, 2, 2], coarser: 2 });
const ONE = { worker: "host:1" };

/** Registers a test for each line of the contract. */
export function conform(kind: LedgerKind): void {
  const test = (name: string, run: (bench: Bench) => Promise<void>, options?: LedgerOptions) =>
    Deno.test(`${kind.name} ledger: ${name}`, async () => {
      let now = Date.UTC(2026, 0, 2);
      await using opened = await kind.open({ now: () => now, ...options });
      await run(makeBench(opened, (seconds) => now += seconds * 1000));
    });

  test("a new job waits whole, and gives its plan back", async ({ ledger, create }) => {
    const job = await create(PAIR);
    deepEqual(await ledger.plan(job), PAIR);
    deepEqual(await ledger.status(job), {
      job,
      planId: PAIR.id,
      target: "there",
      state: "active",
      created: Date.UTC(2026, 0, 2),
      tasks: 20,
      done: 0,
      phases: [16, 2, 1, 1].map((waiting) => ({ ...NONE, waiting })),
      leases: [],
      losses: 0,
      deadLetters: 0,
    });
  });

  test("jobs come newest first, with their states", async ({ ledger, create, drain }) => {
    const numbers = [];
    for (let i = 0; i < 4; i++) numbers.push(await create(EIGHT));
    const [done, cancelled, failed, active] = numbers;
    await drain(done);
    await ledger.cancel(cancelled);
    await killFirst(ledger, failed);
    await drain(failed);
    deepEqual(
      (await Array.fromAsync(ledger.jobs())).map(({ job, state, done }) => [job, state, done]),
      [[active, "active", 0], [failed, "failed", 7], [cancelled, "cancelled", 0], [
        done,
        "done",
        10,
      ]],
    );
  });

  test("hundreds of jobs are listed, each once", async ({ ledger, create }) => {
    const numbers = [];
    for (let i = 0; i < 205; i++) numbers.push(await create(EIGHT));
    deepEqual(
      (await Array.fromAsync(ledger.jobs())).map(({ job }) => job),
      numbers.reverse(),
    );
  });

  test("a number that no job has is named", async ({ ledger, create, take }) => {
    const lease = await take(await create(EIGHT));
    const none = { name: "LedgerError", fault: "no-such-job" };
    const stray = { ...lease, job: 99 };
    const asked = [
      () => ledger.plan(99),
      () => ledger.lease(99, ONE),
      () => ledger.deadLetters(99),
      () => ledger.retry(99),
      () => ledger.cancel(99),
      () => ledger.status(99),
      () => Array.fromAsync(ledger.receipts(99)),
      () => ledger.check(stray),
      () => ledger.extend(stray),
      () => ledger.acknowledge(stray, [makeReceipt(lease.first, lease.fence)]),
      () => ledger.fail(stray, lease.first, new Error("no")),
    ];
    for (const ask of asked) await rejects(ask, none, ask.toString());
  });

  test("leases ascend, hold no more than asked for, and their fences grow", async (bench) => {
    const job = await bench.create(EIGHT);
    const leases = [await bench.take(job, 3), await bench.take(job), await bench.take(job, 99)];
    deepEqual(leases.map(({ first, end }) => [first, end]), [[0, 3], [3, 4], [4, 8]]);
    ok(leases[0].fence < leases[1].fence && leases[1].fence < leases[2].fence);
    equal(new Set(leases.map(({ id }) => id)).size, 3);
    deepEqual(
      (await bench.ledger.status(job)).leases.map(({ worker, first, end, since }) => (
        { worker, first, end, since }
      )),
      [
        { worker: "host:1", first: 0, end: 3, since: Date.UTC(2026, 0, 2) },
        { worker: "host:1", first: 3, end: 4, since: Date.UTC(2026, 0, 2) },
        { worker: "host:1", first: 4, end: 8, since: Date.UTC(2026, 0, 2) },
      ],
    );
  });

  test("a phase begins when the one before is over", async ({ ledger, create, take, finish }) => {
    const job = await create(EIGHT);
    const [a, b] = [await take(job, 4), await take(job, 4)];
    equal(await ledger.lease(job, ONE), "wait");
    await finish(a);
    equal(await ledger.lease(job, ONE), "wait");
    await finish(b, [5, 7, 4]);
    equal(await ledger.lease(job, ONE), "wait");
    await finish(b, [6]);
    const above = await take(job, 99);
    deepEqual([above.first, above.end], [8, 9]);
    equal(await ledger.lease(job, ONE), "wait");
    await finish(above);
    const last = await take(job, 99);
    deepEqual([last.first, last.end], [9, 10]);
    equal(await ledger.lease(job, ONE), "wait");
    await finish(last);
    equal(await ledger.lease(job, ONE), "done");
    const { state, done, lastDone } = await ledger.status(job);
    deepEqual({ state, done, lastDone }, {
      state: "done",
      done: 10,
      lastDone: Date.UTC(2026, 0, 2),
    });
  });

  test("acknowledged tasks leave the lease, the rest stays", async ({ ledger, ...bench }) => {
    const job = await bench.create(EIGHT);
    const lease = await bench.take(job, 6);
    await bench.finish(lease, [4]);
    await bench.finish(lease, [0, 2]);
    deepEqual((await ledger.status(job)).phases[0], { ...NONE, waiting: 2, leased: 3, done: 3 });
    await ledger.check(lease);
    await bench.finish(lease, [5, 3, 1]);
    deepEqual((await ledger.status(job)).leases, []);
    await rejects(ledger.extend(lease), { name: "LeaseLostError", reason: "taken" });
  });

  test("an acknowledgement is all or none", async ({ ledger, ...bench }) => {
    const job = await bench.create(EIGHT);
    const lease = await bench.take(job, 4);
    await bench.finish(lease, [1]);
    await rejects(bench.finish(lease, [0, 1, 2]), { name: "LeaseLostError", reason: "taken" });
    deepEqual((await ledger.status(job)).phases[0], { ...NONE, waiting: 4, leased: 3, done: 1 });
    deepEqual(await Array.fromAsync(ledger.receipts(job)), [makeReceipt(1, lease.fence)]);
    await ledger.acknowledge(lease, []);
  });

  test("what cannot be meant is refused", async ({ ledger, create, take }) => {
    const job = await create(EIGHT);
    const lease = await take(job, 2);
    const { fence } = lease;
    const asked = [
      () => ledger.acknowledge(lease, [makeReceipt(2, fence)]),
      () => ledger.acknowledge(lease, [makeReceipt(0.5, fence)]),
      () => ledger.acknowledge(lease, [makeReceipt(0, fence + 1)]),
      () => ledger.acknowledge(lease, [makeReceipt(0, fence), makeReceipt(0, fence)]),
      () => ledger.fail(lease, 2, new Error("no")),
      () => ledger.lease(job, { worker: "w", tasks: 0 }),
      () => ledger.lease(job, { worker: "w", tasks: 1.5 }),
      () => ledger.lease(job, { worker: "w", leaseSeconds: 0 }),
      () => ledger.lease(job, { worker: "w", leaseSeconds: NaN }),
      () => ledger.retry(job, [[0, 0]]),
      () => ledger.retry(job, [[8, 11]]),
      () => ledger.retry(job, [[0.5, 1]]),
      () => kind.open({ attempts: 0 }),
    ];
    for (const ask of asked) await rejects(ask, { name: "RangeError" }, ask.toString());
    deepEqual((await ledger.status(job)).phases[0], { ...NONE, waiting: 6, leased: 2 });
  });

  test("a task has three attempts, then is a dead letter that blocks what lies above", async (bench) => {
    const { ledger } = bench;
    const job = await bench.create(PAIR);
    for (let attempt = 0; attempt < 3; attempt++) {
      const lease = await bench.take(job, 2);
      deepEqual([lease.first, lease.end], [0, 2], "the lowest comes back first");
      await ledger.fail(lease, 1, new Error(`Attempt ${attempt} failed`));
      await rejects(ledger.fail(lease, 1, new Error("Again")), { name: "LeaseLostError" });
      await ledger.release(lease);
    }
    deepEqual(await ledger.deadLetters(job), [
      { task: 1, attempts: 3, reason: "Attempt 2 failed", when: Date.UTC(2026, 0, 2) },
    ]);
    const above = dependents(PAIR, 1);
    deepEqual(above, [[16, 17]]);
    deepEqual((await ledger.status(job)).phases, [
      { ...NONE, waiting: 15, dead: 1 },
      { ...NONE, waiting: 1, blocked: 1 },
      { ...NONE, blocked: 1 },
      { ...NONE, blocked: 1 },
    ]);
    equal((await ledger.status(job)).state, "active");
    // What does not depend on it goes on.
    deepEqual(await bench.drain(job, 5), [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17]);
    equal(await ledger.lease(job, ONE), "done");
    const { state, deadLetters, done } = await ledger.status(job);
    deepEqual({ state, deadLetters, done }, { state: "failed", deadLetters: 1, done: 16 });

    equal(await ledger.retry(job), 4);
    deepEqual(await ledger.deadLetters(job), []);
    deepEqual(await bench.drain(job, 5), [1, 16, 18, 19]);
    equal((await ledger.status(job)).state, "done");
  });

  test("attempts are counted as the ledger was told", async ({ ledger, create, take }) => {
    const job = await create(EIGHT);
    await ledger.fail(await take(job), 0, new Error("x".repeat(9999)));
    const [{ attempts, reason }] = await ledger.deadLetters(job);
    deepEqual({ attempts, reason }, { attempts: 1, reason: "x".repeat(2000) });
  }, { attempts: 1 });

  test("dead letters come in pages", async ({ ledger, create, take }) => {
    const job = await create(EIGHT);
    const lease = await take(job, 8);
    for (const task of [6, 1, 2, 3]) await ledger.fail(lease, task, new Error("No"));
    const tasks = async (page?: { after?: number; limit?: number }) =>
      (await ledger.deadLetters(job, page)).map(({ task }) => task);
    deepEqual(await tasks(), [1, 2, 3, 6]);
    deepEqual(await tasks({ limit: 2 }), [1, 2]);
    deepEqual(await tasks({ after: 2 }), [3, 6]);
    deepEqual(await tasks({ after: 1, limit: 2 }), [2, 3]);
    deepEqual(await tasks({ after: 6 }), []);
  }, { attempts: 1 });

  test("retry of done tasks puts back what depends on them, and takes its leases", async (bench) => {
    const { ledger } = bench;
    const job = await bench.create(PAIR);
    await bench.finish(await bench.take(job, 16));
    const above = await bench.take(job, 2);
    deepEqual([above.first, above.end], [16, 18]);
    // Task 3 lies under 17 alone: the lease that holds 17 is lost whole.
    deepEqual(dependents(PAIR, 3), [[17, 18]]);
    equal(await ledger.retry(job, [[3, 4]]), 3);
    await rejects(ledger.check(above), { name: "LeaseLostError", reason: "expired" });
    deepEqual(await bench.drain(job), [3, 16, 17, 18, 19]);
    equal(await ledger.retry(job, [[3, 4], [16, 17], [3, 5]]), 6);
    deepEqual(await bench.drain(job), [3, 4, 16, 17, 18, 19]);
  });

  test("retry leaves blocked what lies above another dead letter", async (bench) => {
    const { ledger } = bench;
    const job = await bench.create(PAIR);
    const lease = await bench.take(job, 16);
    for (const task of [0, 1, 15]) await ledger.fail(lease, task, new Error("No"));
    await ledger.release(lease);
    equal(await ledger.retry(job, [[0, 1]]), 1);
    deepEqual((await ledger.status(job)).phases[1], { ...NONE, blocked: 2 });
    equal(await ledger.retry(job, [[1, 2]]), 2);
    deepEqual((await ledger.status(job)).phases.slice(1), [
      { ...NONE, waiting: 1, blocked: 1 },
      { ...NONE, blocked: 1 },
      { ...NONE, blocked: 1 },
    ]);
    equal(await ledger.retry(job), 4);
    equal((await bench.drain(job)).length, 20);
  }, { attempts: 1 });

  test("release gives back without an attempt, and never throws", async (bench) => {
    const { ledger } = bench;
    const job = await bench.create(EIGHT);
    for (let i = 0; i < 12; i++) {
      const lease = await bench.take(job, 4);
      deepEqual([lease.first, lease.end], [0, 4]);
      await ledger.release(lease);
      await ledger.release(lease);
    }
    const lease = await bench.take(job, 4);
    await bench.finish(lease, [1]);
    await ledger.release(lease);
    deepEqual((await ledger.status(job)).phases[0], { ...NONE, waiting: 7, done: 1 });
    await rejects(bench.finish(lease, [0]), { name: "LeaseLostError", reason: "taken" });
    await ledger.cancel(job);
    await ledger.release(lease);
    await ledger.release({ ...lease, job: 99 });
  });

  test("a lease that expires goes back, and its late worker is refused", async (bench) => {
    const { ledger } = bench;
    const job = await bench.create(EIGHT);
    const late = await bench.take(job, 3, 10);
    await bench.finish(late, [1]);
    bench.wait(9.999);
    await ledger.check(late);
    bench.wait(0.001);
    const refused = async (reason: string) => {
      const error = { name: "LeaseLostError", reason };
      await rejects(ledger.check(late), error);
      await rejects(ledger.extend(late), error);
      await rejects(bench.finish(late, [0]), error);
      await rejects(ledger.fail(late, 0, new Error("No")), error);
    };
    await refused("expired");
    const next = await bench.take(job, 1);
    deepEqual([next.first, next.end], [0, 1]);
    ok(next.fence > late.fence);
    await refused("taken");
    await bench.finish(next);
    deepEqual(await bench.drain(job), [2, 3, 4, 5, 6, 7, 8, 9]);
    deepEqual(await ledger.deadLetters(job), []);
    const counted = await Array.fromAsync(ledger.receipts(job));
    equal(counted.find(({ task }) => task === 0)?.fence, next.fence);
  });

  test("extend moves the expiry on by as much as was asked for", async (bench) => {
    const { ledger } = bench;
    const lease = await bench.take(await bench.create(EIGHT), 1, 10);
    for (let i = 0; i < 5; i++) {
      bench.wait(9);
      await ledger.extend(lease);
    }
    const [{ since, expires }] = (await ledger.status(lease.job)).leases;
    deepEqual([since, expires], [Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 2) + 55_000]);
    bench.wait(10);
    await rejects(ledger.extend(lease), { name: "LeaseLostError", reason: "expired" });
  });

  test("a task over which ten workers died is a dead letter", async ({ ledger, ...bench }) => {
    const job = await bench.create(EIGHT);
    for (let i = 0; i < 10; i++) {
      const lease = await bench.take(job, 2, 1);
      deepEqual([lease.first, lease.end], [0, 2]);
      bench.wait(1);
    }
    const next = await bench.take(job);
    equal(next.first, 2);
    const letters = await ledger.deadLetters(job);
    deepEqual(letters.map(({ task, attempts }) => [task, attempts]), [[0, 0], [1, 0]]);
    match(letters[0].reason, /^10 workers died or stalled while they held it$/);
    deepEqual((await ledger.status(job)).phases[1], { ...NONE, blocked: 1 });
  });

  test("cancel ends every lease at once, and retry reopens", async ({ ledger, ...bench }) => {
    const job = await bench.create(EIGHT);
    const lease = await bench.take(job, 3);
    await bench.finish(lease, [0]);
    await ledger.cancel(job);
    const error = { name: "LeaseLostError", reason: "cancelled" };
    await rejects(ledger.check(lease), error);
    await rejects(ledger.extend(lease), error);
    await rejects(bench.finish(lease, [1]), error);
    await rejects(ledger.fail(lease, 1, new Error("No")), error);
    equal(await ledger.lease(job, ONE), "done");
    const { state, done, leases } = await ledger.status(job);
    deepEqual({ state, done, leases }, { state: "cancelled", done: 1, leases: [] });
    equal(await ledger.retry(job), 0);
    equal((await bench.drain(job)).length, 9);
    await ledger.cancel(job);
    equal((await ledger.status(job)).state, "done");
  });

  test("a job of 10^9 tasks is a few rows", async ({ ledger, create, take, finish, rows }) => {
    const plan = makePlan({ tasks: [1000, 1000, 1000], coarser: 3 });
    const job = await create(plan);
    equal((await ledger.status(job)).tasks, countTasks(plan));
    const lease = await take(job, 16);
    await finish(lease, [3]);
    await ledger.fail(lease, 5, new Error("No"));
    // Everything depends on a task that is put back: by ranges, never one by one.
    equal(await ledger.retry(job, [[0, countTasks(plan)]]), 16 - 1);
    deepEqual((await ledger.status(job)).phases[0], { ...NONE, waiting: 1e9 });
    equal(rows?.(job).length ?? plan.phases.length, plan.phases.length);
  });

  test("ranges merge whatever the order of acknowledgements", async (bench) => {
    const { ledger, rows } = bench;
    const job = await bench.create(makePlan({ tasks: [8, 8, 4] }));
    const leases = [];
    for (let i = 0; i < 16; i++) leases.push(await bench.take(job, 16));
    const [order] = fc.sample(
      fc.shuffledSubarray([...Array(256).keys()], { minLength: 256 }),
      { seed: 7, numRuns: 1 },
    );
    for (const task of order) await bench.finish(leases[Math.floor(task / 16)], [task]);
    deepEqual((await ledger.status(job)).phases[0], { ...NONE, done: 256 });
    equal(rows?.(job).length ?? 2, 2);
  });

  test("losses count while their task is done, and a redo replaces them", async (bench) => {
    const { ledger } = bench;
    const job = await bench.create(EIGHT);
    const lease = await bench.take(job, 8);
    await ledger.acknowledge(lease, [0, 1, 2].map((task) => makeReceipt(task, lease.fence, task)));
    await bench.finish(lease, [3, 4, 5, 6, 7]);
    equal((await ledger.status(job)).losses, 3);
    await ledger.retry(job, [[2, 3]]);
    equal((await ledger.status(job)).losses, 1);
    const again = await bench.take(job);
    await ledger.acknowledge(again, [makeReceipt(2, again.fence, 5)]);
    equal((await ledger.status(job)).losses, 6);
  });

  test("the receipt with the highest fence counts, for tasks that are done", async (bench) => {
    const { ledger } = bench;
    const job = await bench.create(EIGHT);
    const first = await bench.take(job, 8);
    await bench.finish(first);
    await ledger.retry(job, [[3, 5]]);
    const second = await bench.take(job);
    equal(second.first, 3);
    await ledger.acknowledge(second, [makeReceipt(3, second.fence, 2)]);
    const receipts = await Array.fromAsync(ledger.receipts(job));
    deepEqual(
      receipts.sort((a, b) => a.task - b.task),
      [0, 1, 2, 3, 5, 6, 7].map((task) =>
        task === 3 ? makeReceipt(3, second.fence, 2) : makeReceipt(task, first.fence)
      ),
    );
  });

  test("a job made from receipts goes on where they end", async ({ ledger, ...bench }) => {
    const before = await bench.create(PAIR);
    await bench.drain(before);
    await ledger.retry(before, [[3, 4]]);
    const redone = await bench.take(before);
    await ledger.acknowledge(redone, [makeReceipt(3, redone.fence, 2)]);
    // Now 17 to 19 wait again, though there are receipts for them, from before task 3 was redone.
    const old = [16, 17, 18, 19].map((task) => makeReceipt(task, redone.fence - 1));
    const known = [...await Array.fromAsync(ledger.receipts(before)), ...old];
    const done = known.map(({ task, fence, losses }) => ({ task, fence, losses: losses.length }));
    const create = (done: DoneTask[]) => ledger.create(PAIR, { target: "there", done });

    const job = await create(done);
    const { phases, losses, state } = await ledger.status(job);
    deepEqual({ phases, losses, state }, {
      phases: [
        { ...NONE, done: 16 },
        { ...NONE, waiting: 1, done: 1 },
        { ...NONE, waiting: 1 },
        { ...NONE, waiting: 1 },
      ],
      losses: 2,
      state: "active",
    });
    const next = await bench.take(job);
    deepEqual([next.first, next.end], [17, 18]);
    ok(known.every(({ fence }) => fence < next.fence));

    const partial = await create(done.filter(({ task }) => task !== 0 && task !== 5));
    deepEqual(await bench.drain(partial), [0, 5, 16, 17, 18, 19]);
    const trusted = await create(done.map(({ task, losses }) => ({ task, losses })));
    equal((await ledger.status(trusted)).state, "done");
    await rejects(create([{ task: 20, fence: 1, losses: 0 }]), { name: "RangeError" });
  });

  test("two workers never hold the same task", async (bench) => {
    await using other = await bench.again();
    const job = await bench.create(makePlan({ tasks: [7, 5, 3] }));
    const taken: number[] = [];
    const work = async (ledger: Ledger, tasks: number) => {
      for (;;) {
        const lease = await ledger.lease(job, { worker: `w${tasks}`, tasks });
        if (lease === "done") return;
        if (lease === "wait") {
          await new Promise((resolve) => setTimeout(resolve, 1));
          continue;
        }
        for (let task = lease.first; task < lease.end; task++) {
          await ledger.check(lease);
          await ledger.acknowledge(lease, [makeReceipt(task, lease.fence)]);
          taken.push(task);
        }
      }
    };
    await Promise.all([work(bench.ledger, 4), work(other.ledger, 3)]);
    deepEqual(taken.sort((a, b) => a - b), [...Array(106).keys()]);
    equal((await other.ledger.status(job)).state, "done");
  });

  Deno.test(`${kind.name} ledger: agrees with one that keeps every task by itself`, async () => {
    const clock = { now: Date.UTC(2026, 0, 2) };
    await using opened = await kind.open({ now: () => clock.now, ...LIMITS });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(1), acts, async (plan, done) => {
        const { ledger, receipts, rows } = opened;
        const folder = receipts === undefined ? undefined : `${receipts}/${run++}`;
        await agree(ledger, clock, plan, done, { receipts: folder, rows });
      }),
      { seed: 20260102, numRuns: kind.runs },
    );
  });
}

const NONE = { waiting: 0, leased: 0, blocked: 0, done: 0, dead: 0 };

function makeBench(opened: OpenedLedger, wait: Bench["wait"]): Bench {
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

/** Makes a dead letter of the first task that waits. */
async function killFirst(ledger: Ledger, job: number): Promise<void> {
  for (;;) {
    const lease = await ledger.lease(job, ONE);
    if (typeof lease === "string") throw new Error(messageOf(lease));
    await ledger.fail(lease, lease.first, new Error("No"));
    if ((await ledger.deadLetters(job)).length > 0) return;
  }
}
