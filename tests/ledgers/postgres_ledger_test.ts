import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { Ledger } from "../../ledgers/ledger.ts";
import { openPostgresLedger } from "../../ledgers/postgres_ledger.ts";
import { makePlan, makeReceipt } from "./_plan.ts";
import { connect, sleep, take, testLedger } from "./_postgres.ts";

const PLAN = makePlan({ tasks: [4, 2, 2], coarser: 1 });

testLedger("every process appends to a file of its own", async ({ url, receipts }) => {
  await using one = await openPostgresLedger(url);
  await using other = await openPostgresLedger(url);
  const job = await one.create(PLAN, { target: "there", receipts });
  for (const ledger of [one, other, one]) {
    const lease = await take(ledger, job);
    await ledger.acknowledge(lease, [makeReceipt(lease.first, lease.fence)]);
  }
  const files = await Array.fromAsync(Deno.readDir(receipts), ({ name }) => name);
  equal(files.length, 2);
  for (const name of files) match(name, /^[0-9a-f-]{36}\.jsonl$/);
});

testLedger("a lease holds no transaction", async ({ schema, url }) => {
  await using ledger = await openPostgresLedger(url);
  await take(ledger, await ledger.create(PLAN, { target: "there" }));
  const [{ state, locks }] = await schema.ask<{ state: string; locks: number }>(
    `SELECT state, (SELECT count(*) FROM pg_locks WHERE pg_locks.pid = activity.pid) AS locks
     FROM pg_stat_activity AS activity
     WHERE pid <> pg_backend_pid() AND query LIKE '%${schema.name}%lease_tasks%'`,
  );
  deepEqual({ state, locks }, { state: "idle", locks: 0 });
});

testLedger("a range that someone takes from is skipped", async ({ schema, url }) => {
  await using ledger = await openPostgresLedger(url);
  const job = await ledger.create(PLAN, { target: "there" });
  await ledger.fail(await take(ledger, job), 0, new Error("Tried once: a range of its own"));
  const client = await connect(url);
  try {
    await client.transact("write", true, async (ask) => {
      await ask(
        `SELECT FROM "${schema.name}".task_range WHERE job = ? AND first_task = 0 FOR UPDATE`,
        [job],
      );
      const lease = await take(ledger, job);
      equal(lease.first, 1);
    });
  } finally {
    await client.close();
  }
  equal((await take(ledger, job)).first, 0);
});

testLedger("what waits is found by a partial index", async ({ schema }) => {
  const indexes = await schema.ask<{ indexdef: string }>(
    `SELECT indexdef FROM pg_indexes WHERE schemaname = '${schema.name}' AND tablename = 'task_range'`,
  );
  ok(
    indexes.some(({ indexdef }) => /\(job, first_task\) WHERE \(state = 'waiting'/.test(indexdef)),
  );
});

testLedger("those who wait write nothing", async ({ schema, url }) => {
  await using ledger = await openPostgresLedger(url);
  const job = await ledger.create(makePlan({ tasks: [4, 1, 1] }), { target: "there" });
  await take(ledger, job, 4);
  // Changes with every row that is written or locked.
  const rows = () =>
    schema.ask(
      ["job", "lease", "task_range"].map((table) =>
        `SELECT '${table}' AS name, ctid::text, xmin::text, xmax::text FROM $.${table}`
      ).join(" UNION ALL "),
    );
  const before = await rows();
  for (let i = 0; i < 20; i++) equal(await ledger.lease(job, { worker: "me" }), "wait");
  deepEqual(await rows(), before);
});

testLedger(
  "two that acknowledge under one lease at once do each task once",
  async ({ url, receipts }) => {
    await using one = await openPostgresLedger(url);
    await using other = await openPostgresLedger(url);
    const plan = makePlan({ tasks: [10, 5, 5] });
    const job = await one.create(plan, { target: "there", receipts });
    const lease = await take(one, job, 250);
    const tasks = [...Array(250).keys()];
    const half = (ledger: Ledger, rest: number) =>
      Promise.all(
        tasks.filter((task) => task % 2 === rest).map(async (task) => {
          // Not all in one breath, which would be one statement.
          await sleep(task % 7);
          await ledger.acknowledge(lease, [makeReceipt(task, lease.fence)]);
        }),
      );
    await Promise.all([half(one, 0), half(other, 1)]);
    const { done, leases } = await one.status(job);
    deepEqual({ done, leases }, { done: 250, leases: [] });
  },
);

testLedger(
  "acknowledgements that go together stand and fall by themselves",
  async ({ url, receipts }) => {
    await using ledger = await openPostgresLedger(url);
    const job = await ledger.create(PLAN, { target: "there", receipts });
    const [kept, lost] = [await take(ledger, job, 4), await take(ledger, job, 4)];
    await ledger.release(lost);
    const all = [...Array(8).keys()].map((task) => {
      const lease = task < 4 ? kept : lost;
      return ledger.acknowledge(lease, [makeReceipt(task, lease.fence, task % 3)]);
    });
    const ends = await Promise.allSettled(all);
    deepEqual(ends.map(({ status }) => status), [
      ...Array(4).fill("fulfilled"),
      ...Array(4).fill("rejected"),
    ]);
    const { done, losses } = await ledger.status(job);
    deepEqual({ done, losses }, { done: 4, losses: 0 + 1 + 2 + 0 });
  },
);

testLedger("ranges stay whole whatever several do at once", async ({ schema, url, receipts }) => {
  const plan = makePlan({ tasks: [8, 8, 4], coarser: 2 });
  await using ledger = await openPostgresLedger(url, { attempts: 100, lapses: 100 });
  const job = await ledger.create(plan, { target: "there", receipts });
  let [seed, acts] = [7, 0];
  const random = (below: number) => {
    seed = Math.imul(seed, 1103515245) + 12345 & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  const work = async () => {
    await using own = await openPostgresLedger(url, { attempts: 100, lapses: 100 });
    while (acts++ < 250) {
      const lease = await own.lease(job, {
        worker: "one of many",
        tasks: 1 + random(20),
        leaseSeconds: random(5) === 0 ? 0.02 : 60,
      });
      if (lease === "done") await own.retry(job, [[random(200), 256]]);
      if (typeof lease === "string") continue;
      for (let task = lease.first; task < lease.end; task++) {
        if (random(8) === 0) continue;
        const act = random(12) === 0
          ? own.fail(lease, task, new Error("It would not"))
          : own.acknowledge(lease, [makeReceipt(task, lease.fence, random(2))]);
        // Some leases are over: they expired, or retry took them.
        await act.catch((error) => equal(error.name, "LeaseLostError"));
      }
      await own.release(lease);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  const { tasks } = await ledger.status(job);
  const rows = await schema.ask<{ first: number; end: number; state: string; fence: number }>(
    `SELECT first_task AS "first", end_task AS "end", state, fence FROM $.task_range
     WHERE job = ${job} ORDER BY first_task`,
  );
  let next = 0;
  for (const { first, end, state, fence } of rows) {
    equal(first, next);
    ok(end > first);
    equal(state === "leased", fence !== 0);
    next = end;
  }
  equal(next, tasks);
  equal((await ledger.status(job)).leases.length, new Set(rows.map(({ fence }) => fence)).size - 1);
  await ledger.retry(job, [[0, tasks]]);
  for (;;) {
    const lease = await ledger.lease(job, { worker: "me", tasks: 50 });
    if (typeof lease === "string") break;
    const { first, end, fence } = lease;
    const all = Array.from({ length: end - first }, (_, i) => makeReceipt(first + i, fence));
    await ledger.acknowledge(lease, all);
  }
  const { state, losses } = await ledger.status(job);
  deepEqual({ state, losses }, { state: "done", losses: 0 });
  const left = await schema.ask(`SELECT FROM $.task_range WHERE job = ${job}`);
  equal(left.length, plan.phases.length);
});

testLedger(
  "whoever freezes in the middle of steps loses them, and may go on",
  async ({ schema, url }) => {
    await using ledger = await openPostgresLedger(url);
    const job = await ledger.create(PLAN, { target: "there" });
    const client = await connect(url);
    let began = 0;
    const frozen = client.transact("write", true, async (ask) => {
      await ask(`SELECT "${schema.name}".begin_steps(?, NULL)`, [job]);
      const [{ timeout }] = await ask(
        "SELECT current_setting('idle_in_transaction_session_timeout') AS timeout",
        [],
      );
      equal(timeout, "10s");
      await ask("SET LOCAL idle_in_transaction_session_timeout = '200ms'", []);
      if (++began === 1) await sleep(4000);
      await ask("SELECT 1", []);
      return "done";
    });
    await sleep(100);
    // The others wait no longer than that.
    const start = performance.now();
    equal((await take(ledger, job)).first, 0);
    ok(performance.now() - start < 3500);
    equal(await frozen, "done");
    equal(began, 2);
    await client.close();
  },
);

testLedger(
  "a reason with signs that PostgreSQL cannot hold is kept without them",
  async ({ url }) => {
    await using ledger = await openPostgresLedger(url, { attempts: 1 });
    const job = await ledger.create(PLAN, { target: "there" });
    await ledger.fail(await take(ledger, job), 0, new Error("It said \0 and 𝛼\ud800"));
    const [{ reason }] = await ledger.deadLetters(job);
    match(reason, /^It said {2}and 𝛼/);
  },
);

testLedger("a receipt that could not be kept leaves its task undone", async ({ url, receipts }) => {
  await using ledger = await openPostgresLedger(url);
  const job = await ledger.create(PLAN, { target: "there", receipts });
  const lease = await take(ledger, job, 2);
  await Deno.writeTextFile(receipts, "a file where the folder should be");
  const receipt = makeReceipt(0, lease.fence);
  await rejects(ledger.acknowledge(lease, [receipt]), {
    name: "LedgerError",
    fault: "unavailable",
  });
  equal((await ledger.status(job)).done, 0);
  await Deno.remove(receipts);
  await ledger.acknowledge(lease, [receipt]);
  deepEqual(await Array.fromAsync(ledger.receipts(job)), [receipt]);
});

testLedger("one that was closed says so", async ({ url }) => {
  const ledger = await openPostgresLedger(url);
  const job = await ledger.create(PLAN, { target: "there" });
  await ledger[Symbol.asyncDispose]();
  await rejects(ledger.lease(job, { worker: "me" }), /it was closed; open it again$/);
});
