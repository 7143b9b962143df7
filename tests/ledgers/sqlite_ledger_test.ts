import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteLedger } from "../../ledgers/sqlite_ledger.ts";
import { makePlan, makeReceipt } from "./_plan.ts";
import { kill, linesIn, runTogether, startProcess, type Worker } from "./_processes.ts";

const PLAN = makePlan({ tasks: [4, 2, 2], coarser: 1 });

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly receipts: string;
}

function test(name: string, run: (place: Place) => Promise<void>): void {
  Deno.test(`sqlite ledger: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await run({ folder, path: join(folder, "jobs.db"), receipts: join(folder, "receipts") });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const startWorker = (path: string, job: number, mode: "work" | "hold") =>
  startProcess(`sqlite:${path}`, job, mode);

/** A process that holds tasks 1 to 3 of a job, with task 0 done. */
async function startHolder(path: string, job: number): Promise<Worker> {
  const holder = startWorker(path, job, "hold");
  equal((await holder.output.read()).value, "held\n");
  return holder;
}

function lockFiles(path: string): string[] {
  return [...Deno.readDirSync(`${path}.workers`)].map(({ name }) => name);
}

test("two processes do each task exactly once", async ({ path, receipts }) => {
  await using ledger = await openSqliteLedger(path);
  const plan = makePlan({ tasks: [15, 10, 10], coarser: 1 });
  const job = await ledger.create(plan, { target: "there", receipts });
  const counts = await runTogether([
    startWorker(path, job, "work"),
    startWorker(path, job, "work"),
  ]);
  const { tasks, state } = await ledger.status(job);
  equal(state, "done");
  equal(counts[0] + counts[1], tasks);
  deepEqual(await linesIn(receipts), [...Array(tasks).keys()]);
});

test("what a killed process held is free at once", async ({ path, receipts }) => {
  await using ledger = await openSqliteLedger(path);
  const job = await ledger.create(PLAN, { target: "there", receipts });
  const holder = await startHolder(path, job);
  const rest = await ledger.lease(job, { worker: "me", tasks: 99 });
  if (typeof rest === "string") throw new Error(rest);
  deepEqual([rest.first, rest.end], [4, 16], "while it lives, it keeps what it holds");
  equal(await ledger.lease(job, { worker: "me" }), "wait");

  await kill(holder);
  equal(lockFiles(path).length, 2);
  const freed = await ledger.lease(job, { worker: "me", tasks: 99 });
  if (typeof freed === "string") throw new Error(freed);
  deepEqual([freed.first, freed.end], [1, 4]);
  equal(lockFiles(path).length, 1, "the lock of the dead is swept");
});

test("a ledger opened after a kill leases first what was held", async ({ path, receipts }) => {
  let job: number;
  {
    await using ledger = await openSqliteLedger(path);
    job = await ledger.create(PLAN, { target: "there", receipts });
    await kill(await startHolder(path, job));
  }
  await using ledger = await openSqliteLedger(path);
  equal(lockFiles(path).length, 1);
  const freed = await ledger.lease(job, { worker: "me", tasks: 99 });
  if (typeof freed === "string") throw new Error(freed);
  deepEqual([freed.first, freed.end], [1, 16]);
});

test("a ledger that is closed gives up its leases", async ({ path }) => {
  await using ledger = await openSqliteLedger(path);
  const job = await ledger.create(PLAN, { target: "there" });
  {
    await using other = await openSqliteLedger(path);
    await other.lease(job, { worker: "other", tasks: 99 });
  }
  const lease = await ledger.lease(job, { worker: "me" });
  equal(typeof lease === "string" ? lease : lease.first, 0);
});

test("a process that stands still keeps its lease until it expires", async ({ path }) => {
  let ahead = 0;
  await using ledger = await openSqliteLedger(path, { now: () => Date.now() + ahead });
  const job = await ledger.create(PLAN, { target: "there" });
  const holder = await startHolder(path, job);
  try {
    holder.child.kill("SIGSTOP");
    await ledger.lease(job, { worker: "me", tasks: 99, leaseSeconds: 1e6 });
    equal(await ledger.lease(job, { worker: "me" }), "wait");
    ahead = 3_600_000;
    const lease = await ledger.lease(job, { worker: "me", tasks: 99 });
    if (typeof lease === "string") throw new Error(lease);
    deepEqual([lease.first, lease.end], [1, 4]);
  } finally {
    await kill(holder);
  }
});

test("a job survives workers that are killed at any moment", async ({ path, receipts }) => {
  const plan = makePlan({ tasks: [40, 25, 12], coarser: 1 });
  const { job, tasks } = await (async () => {
    await using ledger = await openSqliteLedger(path);
    const job = await ledger.create(plan, { target: "there", receipts });
    return { job, tasks: (await ledger.status(job)).tasks };
  })();
  // Killed between 120 and 400 ms after its start: before, while and after it opens the ledger and works.
  for (const milliseconds of [120, 190, 260, 330, 400]) {
    const workers = [startWorker(path, job, "work"), startWorker(path, job, "work")];
    await Promise.all(workers.map(({ child }) => child.stdin.close()));
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    await Promise.all(workers.map(kill));
  }
  await runTogether([startWorker(path, job, "work")]);
  await using ledger = await openSqliteLedger(path);
  const { state, done } = await ledger.status(job);
  deepEqual({ state, done }, { state: "done", done: tasks });
  const counted = (await Array.fromAsync(ledger.receipts(job))).map(({ task }) => task);
  deepEqual(counted.sort((a, b) => a - b), [...Array(tasks).keys()]);
});

test("a receipt that could not be kept leaves its task undone", async ({ path, receipts }) => {
  await using ledger = await openSqliteLedger(path);
  const job = await ledger.create(PLAN, { target: "there", receipts });
  const lease = await ledger.lease(job, { worker: "me", tasks: 2 });
  if (typeof lease === "string") throw new Error(lease);
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

test("a database that another process holds is named", async ({ path }) => {
  await using ledger = await openSqliteLedger(path, { busySeconds: 0.05 });
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const error = { name: "LedgerError", fault: "locked" };
  await rejects(ledger.create(PLAN, { target: "there" }), error);
  // Reading goes on.
  deepEqual(await Array.fromAsync(ledger.jobs()), []);
  other.exec("COMMIT");
  equal(await ledger.create(PLAN, { target: "there" }), 1);
});

test("what is not a database is named", async ({ path }) => {
  await Deno.writeTextFile(path, "This is a text about databases.\n".repeat(99));
  await rejects(openSqliteLedger(path), { name: "LedgerError", fault: "corrupt" });
  deepEqual(lockFiles(path), []);
});

test("a damaged database is named", async ({ path }) => {
  {
    await using ledger = await openSqliteLedger(path);
    for (let i = 0; i < 50; i++) await ledger.create(PLAN, { target: "there" });
  }
  const { size } = await Deno.stat(path);
  using file = await Deno.open(path, { write: true });
  await file.seek(4096, Deno.SeekMode.Start);
  await file.write(new Uint8Array(size - 4096).fill(0xa5));
  await using ledger = await openSqliteLedger(path);
  await rejects(Array.fromAsync(ledger.jobs()), { name: "LedgerError", fault: "corrupt" });
});

test("a database of another program is left alone", async ({ path }) => {
  using other = new DatabaseSync(path);
  other.exec("CREATE TABLE cat (name TEXT); INSERT INTO cat VALUES ('Mia')");
  await rejects(openSqliteLedger(path), { name: "LedgerError", fault: "foreign" });
  deepEqual(other.prepare("PRAGMA journal_mode").get()?.journal_mode, "delete");
});

test("a database of a newer version is refused", async ({ path }) => {
  await (await openSqliteLedger(path))[Symbol.asyncDispose]();
  {
    using other = new DatabaseSync(path);
    other.exec("PRAGMA user_version = 99");
  }
  await rejects(openSqliteLedger(path), {
    name: "LedgerError",
    fault: "newer-schema",
    message:
      `Cannot open "${path}" as a ledger of version 1: it has version 99; use the newer sluice that wrote it, or another file with --ledger sqlite:PATH`,
  });
});

test("a path that is a folder is named", async ({ folder }) => {
  const path = join(folder, "jobs");
  await Deno.mkdir(path);
  await rejects(openSqliteLedger(path), { name: "LedgerError", fault: "unavailable" });
});

test("many processes may make the same database at once", async ({ path }) => {
  const ledgers = await Promise.all(Array.from({ length: 8 }, () => openSqliteLedger(path)));
  const jobs = await Promise.all(ledgers.map((one) => one.create(PLAN, { target: "there" })));
  deepEqual(jobs.sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8]);
  equal(lockFiles(path).length, 8);
  for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
  equal(lockFiles(path).length, 0);
});
