/**
 * What every ledger promises of jobs as a whole.
 * @module
 */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { messageOf } from "../../core/errors.ts";
import { countTasks, dependents } from "../../core/plan.ts";
import type { DoneTask, Ledger } from "../../ledgers/ledger.ts";
import { fc } from "../_fast_check.ts";
import { EIGHT, NONE, ONE, PAIR, type Test } from "./_bench.ts";
import { makePlan, makeReceipt } from "./_plan.ts";

/** Registers a test for each line. */
export function testJobs(test: Test): void {
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
    equal((await rows?.(job))?.length ?? plan.phases.length, plan.phases.length);
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
    equal((await rows?.(job))?.length ?? 2, 2);
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
