/**
 * What every ledger promises of leases.
 * @module
 */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { Ledger } from "../../ledgers/ledger.ts";
import { EIGHT, type LedgerKind, NONE, ONE, type Test } from "./_bench.ts";
import { makePlan, makeReceipt } from "./_plan.ts";

/** Registers a test for each line. */
export function testLeases(test: Test, kind: LedgerKind): void {
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

  test(
    "what went wrong with a task is remembered when others of its lease are done",
    async (bench) => {
      const { ledger } = bench;
      const job = await bench.create(EIGHT);
      await bench.take(job, 3, 1);
      bench.wait(1);
      const lease = await bench.take(job, 3, 1);
      await bench.finish(lease, [1]);
      bench.wait(1);
      const next = await bench.take(job);
      equal(next.first, 3);
      deepEqual((await ledger.deadLetters(job)).map(({ task }) => task), [0, 2]);
    },
    { lapses: 2 },
  );

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
}
