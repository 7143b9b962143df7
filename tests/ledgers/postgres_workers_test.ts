/** Processes that share a ledger in PostgreSQL: killed, frozen, cut off, with a clock of their own. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { openPostgresLedger } from "../../ledgers/postgres_ledger.ts";
import { makePlan, makeReceipt } from "./_plan.ts";
import { type OwnSchema, sleep, take, testLedger } from "./_postgres.ts";
import { kill, linesIn, runTogether, startProcess } from "./_processes.ts";

const PLAN = makePlan({ tasks: [4, 2, 2], coarser: 1 });

/** Ends every connection of the ledger but the one that asks. */
async function hangUp(schema: OwnSchema): Promise<void> {
  await schema.ask(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE pid <> pg_backend_pid() AND query LIKE '%${schema.name}%'`,
  );
}

testLedger("processes do each task exactly once", async ({ url, receipts }) => {
  await using ledger = await openPostgresLedger(url);
  const plan = makePlan({ tasks: [15, 10, 10], coarser: 1 });
  const job = await ledger.create(plan, { target: "there", receipts });
  const counts = await runTogether(
    Array.from({ length: 3 }, () => startProcess(url, job, "work")),
  );
  const { tasks, state } = await ledger.status(job);
  equal(state, "done");
  equal(counts.reduce((sum, count) => sum + count, 0), tasks);
  deepEqual(await linesIn(receipts), [...Array(tasks).keys()]);
});

testLedger("what a killed process held is free when it expires", async ({ url, receipts }) => {
  await using ledger = await openPostgresLedger(url);
  const job = await ledger.create(PLAN, { target: "there", receipts });
  const holder = startProcess(url, job, "hold", { leaseSeconds: 2 });
  equal((await holder.output.read()).value, "held\n");
  await kill(holder);
  const rest = await take(ledger, job, 99);
  deepEqual([rest.first, rest.end], [4, 16]);
  equal(await ledger.lease(job, { worker: "me" }), "wait");
  await sleep(2100);
  const freed = await take(ledger, job, 99);
  deepEqual([freed.first, freed.end], [1, 4]);
});

testLedger("a frozen process that thaws too late is refused", async ({ url, receipts }) => {
  await using ledger = await openPostgresLedger(url);
  const job = await ledger.create(PLAN, { target: "there", receipts });
  const frozen = startProcess(url, job, "late", { leaseSeconds: 1 });
  equal((await frozen.output.read()).value, "held\n");
  frozen.child.kill("SIGSTOP");
  await sleep(1100);
  const next = await take(ledger, job, 3);
  deepEqual([next.first, next.end], [1, 4]);
  frozen.child.kill("SIGCONT");
  await frozen.child.stdin.close();
  equal((await frozen.output.read()).value, "taken\n");
  await frozen.output.read();
  await frozen.child.status;
  await ledger.acknowledge(next, [1, 2, 3].map((task) => makeReceipt(task, next.fence)));
  const counted = (await Array.fromAsync(ledger.receipts(job))).find(({ task }) => task === 1);
  equal(counted?.fence, next.fence);
});

testLedger("a worker goes on when its connection is ended", async ({ schema, url, receipts }) => {
  await using ledger = await openPostgresLedger(url);
  const plan = makePlan({ tasks: [16, 16, 4], coarser: 1 });
  const job = await ledger.create(plan, { target: "there", receipts });
  const workers = [1, 2].map(() => startProcess(url, job, "work", { leaseSeconds: 2 }));
  const counts = runTogether(workers);
  for (let i = 0; i < 5; i++) {
    await sleep(150);
    await hangUp(schema);
  }
  await counts;
  const { state, tasks } = await ledger.status(job);
  equal(state, "done");
  const counted = (await Array.fromAsync(ledger.receipts(job))).map(({ task }) => task);
  deepEqual(counted.sort((a, b) => a - b), [...Array(tasks).keys()]);
});

testLedger("the clock of the server counts, not that of the worker", async ({ url }) => {
  const library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
  const isThere = await Deno.stat(library).then(() => true, () => false);
  if (!isThere) {
    console.log("Skipped: there is no libfaketime");
    return;
  }
  await using ledger = await openPostgresLedger(url);
  const job = await ledger.create(PLAN, { target: "there" });
  const env = { LD_PRELOAD: library, FAKETIME: "+1d", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  const ahead = startProcess(url, job, "hold", { leaseSeconds: 3600, env });
  try {
    equal((await ahead.output.read()).value, "held\n");
    const [{ since }] = (await ledger.status(job)).leases;
    ok(Math.abs(since - Date.now()) < 60_000, new Date(since).toISOString());
    const rest = await take(ledger, job, 99);
    deepEqual([rest.first, rest.end], [4, 16]);
  } finally {
    await kill(ahead);
  }
});
