/** What needs a server of one's own: to be stopped, to be full, to have something between. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { MIGRATIONS } from "../../ledgers/_postgres_schema.ts";
import { checkVersion, migrate } from "../../ledgers/_postgres_version.ts";
import type { Ledger, LedgerFault } from "../../ledgers/ledger.ts";
import { initPostgresLedger, openPostgresLedger } from "../../ledgers/postgres_ledger.ts";
import { freePort } from "../../scripts/_postgres_server.ts";
import { makePlan } from "./_plan.ts";
import { connect, OwnSchema, sleep, testServer } from "./_postgres.ts";
import { resultOf, runTogether, startProcess } from "./_processes.ts";

const PLAN = makePlan({ tasks: [4, 2, 2], coarser: 1 });

for (const how of ["stop", "crash"] as const) {
  testServer(`a job outlives a ${how} of the server`, {}, async (server) => {
    const url = server.url();
    await initPostgresLedger(url);
    const receipts = join(server.folder, "receipts");
    const plan = makePlan({ tasks: [20, 20, 10], coarser: 1 });
    let job: number;
    {
      await using ledger = await openPostgresLedger(url);
      job = await ledger.create(plan, { target: "there", receipts });
    }
    // What a worker leased when the server went away is free when it expires.
    const workers = [1, 2].map(() => startProcess(url, job, "work", { leaseSeconds: 2 }));
    await Promise.all(workers.map(({ output }) => output.read()));
    await Promise.all(workers.map(({ child }) => child.stdin.close()));
    for (let i = 0; i < 2; i++) {
      await sleep(400);
      await server[how]();
      await sleep(300);
      await server.start();
    }
    await Promise.all(workers.map(resultOf));
    await using ledger = await openPostgresLedger(url);
    const { state, done, tasks } = await ledger.status(job);
    deepEqual({ state, done }, { state: "done", done: tasks });
    const counted = (await Array.fromAsync(ledger.receipts(job))).map(({ task }) => task);
    deepEqual(counted.sort((a, b) => a - b), [...Array(tasks).keys()]);
  });
}

testServer(
  "one that stays away is named, without the password",
  { password: "s3cret" },
  async (server) => {
    await initPostgresLedger(server.url());
    await using ledger = await openPostgresLedger(server.url(), { reconnectSeconds: 1 });
    const job = await ledger.create(PLAN, { target: "there" });
    await server.stop();
    const start = performance.now();
    await rejects(ledger.lease(job, { worker: "me" }), (error: Error & { fault: LedgerFault }) => {
      equal(error.fault, "unavailable");
      match(error.message, /^Cannot use "postgres:\/\/127\.0\.0\.1:\d+\/postgres" as the ledger: /);
      match(error.message, /see that PostgreSQL runs at 127\.0\.0\.1:\d+ and can be reached$/);
      return !Deno.inspect(error).includes("s3cret");
    });
    ok(performance.now() - start < 20_000);
    // Nobody waits for one that was never there.
    const begun = performance.now();
    await rejects(openPostgresLedger(server.url()), { name: "LedgerError", fault: "unavailable" });
    ok(performance.now() - begun < 15_000);
  },
);

testServer("a connection that falls silent is replaced", {}, async (server) => {
  await initPostgresLedger(server.url());
  using proxy = new Proxy(server.port);
  const url = server.url().replace(`:${server.port}`, `:${proxy.port}`);
  await using ledger = await openPostgresLedger(url, { answerSeconds: 0.3 });
  const job = await ledger.create(PLAN, { target: "there" });
  proxy.silence();
  const start = performance.now();
  const lease = await ledger.lease(job, { worker: "me" });
  ok(typeof lease === "object");
  const seconds = (performance.now() - start) / 1000;
  ok(seconds > 1.2 && seconds < 20, `${seconds} s`);
});

testServer("a ledger is made once, and its version checked", {}, async (server) => {
  await using schema = await OwnSchema.reserve(server.url());
  const { url, name } = schema;
  await rejects(openPostgresLedger(url), { name: "LedgerError", fault: "no-ledger" });
  const reports = await Promise.all([1, 2, 3].map(() => initPostgresLedger(url)));
  deepEqual(reports.map(({ before }) => before).sort(), [0, MIGRATIONS.length, MIGRATIONS.length]);
  {
    await using ledger = await openPostgresLedger(url);
    equal(await ledger.create(PLAN, { target: "there" }), 1);
  }
  const client = await connect(url);
  const next = [...MIGRATIONS, () => "CREATE TABLE extra (); COMMENT ON TABLE extra IS 'new'"];
  await rejects(checkVersion(client, next), {
    fault: "older-schema",
    message: `Cannot use "${client.target.label}" as a ledger of version 2: it has version 1; ` +
      `when no older sluice works with it any more, run: sluice ledger init ${client.target.label}`,
  });
  equal(await migrate(client, next), 1);
  equal(await migrate(client, next), 2);
  await client.close();
  equal((await schema.ask("SELECT FROM $.extra")).length, 0);
  const newer = { name: "LedgerError", fault: "newer-schema" };
  await rejects(openPostgresLedger(url), newer);
  await rejects(initPostgresLedger(url), newer);
  equal((await schema.ask<{ jobs: number }>("SELECT count(*) AS jobs FROM $.job"))[0].jobs, 1);
  await schema.ask("DROP TABLE $.ledger_version");
  const foreign = {
    fault: "foreign",
    message: new RegExp(
      `^Cannot use schema "${name}" for a ledger: it holds the tables of another`,
    ),
  };
  await rejects(openPostgresLedger(url), foreign);
  await rejects(initPostgresLedger(url), foreign);
});

testServer("a failed migration leaves all as it was", {}, async (server) => {
  await using schema = await OwnSchema.reserve(server.url());
  const client = await connect(schema.url);
  const broken = [...MIGRATIONS, () => "CREATE TABLE extra (); SELECT 1 / 0"];
  await rejects(migrate(client, broken), /division by zero/);
  await client.close();
  await rejects(openPostgresLedger(schema.url), { fault: "no-ledger" });
});

testServer("a server with no room waits for its turn", {
  settings: ["max_connections = 4", "superuser_reserved_connections = 0"],
}, async (server) => {
  await initPostgresLedger(server.url());
  const held = await Promise.all([1, 2, 3, 4].map(async () => {
    const client = await connect(server.url());
    await client.query("SELECT 1", []);
    return client;
  }));
  const opened = openPostgresLedger(server.url());
  await sleep(500);
  await Promise.all(held.map((client) => client.close()));
  await using ledger = await opened;
  equal((await Array.fromAsync(ledger.jobs())).length, 0);
});

testServer("a pooler of transactions may lie between", {}, async (server) => {
  const pooler = await findPooler();
  if (pooler === undefined) {
    console.log("Skipped: there is no pgbouncer");
    return;
  }
  const port = freePort();
  const settings = join(server.folder, "pgbouncer.ini");
  await Deno.writeTextFile(
    settings,
    `[databases]
postgres = host=127.0.0.1 port=${server.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = transaction
default_pool_size = 2
unix_socket_dir =
`,
  );
  const child = server.spawn(pooler, settings);
  try {
    const url = server.url("?prepare=false").replace(`:${server.port}`, `:${port}`);
    await initPostgresLedger(server.url());
    const receipts = join(server.folder, "receipts");
    const plan = makePlan({ tasks: [10, 10, 5], coarser: 1 });
    // It needs a moment to listen.
    let ledger: Ledger | undefined;
    while (ledger === undefined) {
      await sleep(50);
      ledger = await openPostgresLedger(url).catch(() => undefined);
    }
    const job = await ledger.create(plan, { target: "there", receipts });
    // More processes than connections to the server.
    const counts = await runTogether([1, 2, 3, 4].map(() => startProcess(url, job, "work")));
    const { state, tasks } = await ledger.status(job);
    equal(state, "done");
    equal(counts.reduce((sum, count) => sum + count, 0), tasks);
    await ledger[Symbol.asyncDispose]();
  } finally {
    child.kill("SIGTERM");
    await child.status;
  }
});

async function findPooler(): Promise<string | undefined> {
  for (const path of ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"]) {
    if (await Deno.stat(path).then(() => true, () => false)) return path;
  }
  return undefined;
}

/** Hands bytes on, until it falls silent for those that are connected. */
class Proxy implements Disposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  #silent = new Set<Deno.TcpConn>();

  constructor(target: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accept(target);
  }

  silence(): void {
    this.#silent = new Set(this.#connections);
  }

  async #accept(target: number): Promise<void> {
    for await (const near of this.#listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port: target });
      this.#pump(near, far);
      this.#pump(far, near);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    this.#connections.add(from);
    const buffer = new Uint8Array(65536);
    try {
      for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
        if (!this.#silent.has(from)) await to.write(buffer.slice(0, n));
      }
    } catch {
      // The other side hung up.
    } finally {
      this.#connections.delete(from);
      try {
        to.closeWrite();
      } catch {
        // It was closed before.
      }
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
  }
}
