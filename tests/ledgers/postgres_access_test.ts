/** Who may in: TLS, passwords, other users, and permissions of Deno. */
import { equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { MIGRATIONS } from "../../ledgers/_postgres_schema.ts";
import { initPostgresLedger, openPostgresLedger } from "../../ledgers/postgres_ledger.ts";
import { makePlan } from "./_plan.ts";
import { connect, testServer } from "./_postgres.ts";

const PLAN = makePlan({ tasks: [4, 2, 2], coarser: 1 });

testServer("TLS and passwords", { password: "p@ss:w/rd", tls: true }, async (server) => {
  const { certificate } = server;
  const at = (host: string, parameters: string) =>
    server.url(`?${parameters}`).replace("127.0.0.1", host);
  const accepted = [
    at("127.0.0.1", "sslmode=require"),
    at("127.0.0.1", "sslmode=prefer"),
    at("127.0.0.1", "sslmode=allow"),
    at("localhost", `sslmode=verify-full&sslrootcert=${certificate}`),
    at("127.0.0.1", `sslmode=verify-ca&sslrootcert=${certificate}`),
  ];
  for (const url of accepted) equal((await initPostgresLedger(url)).version, MIGRATIONS.length);
  const refused: [string, RegExp][] = [
    [at("127.0.0.1", "sslmode=disable"), /the server wants TLS; add sslmode=require/],
    [at("localhost", "sslmode=verify-full"), /not trusted \(self-signed/],
    [
      at("127.0.0.1", `sslmode=verify-full&sslrootcert=${certificate}`),
      /its certificate is for another host/,
    ],
    [
      at("127.0.0.1", "sslmode=require").replace("p%40ss", "wrong"),
      /refuses user "postgres" \(password authentication failed for user "postgres"\); give the password in PGPASSFILE/,
    ],
  ];
  for (const [url, message] of refused) {
    await rejects(initPostgresLedger(url), (error: Error) => {
      match(error.message, message);
      const all = Deno.inspect(error, { depth: 9 });
      return !/p@ss|p%40ss|w\/rd|wrong/.test(all);
    });
  }
  const none = at("127.0.0.1", "sslmode=require").replace(/:[^:@]*@/, "@");
  const open = async (env: Record<string, string>) => {
    const ledger = await openPostgresLedger(none, { env: new Map(Object.entries(env)) });
    await ledger[Symbol.asyncDispose]();
  };
  await rejects(open({}), /refuses user "postgres"/);
  await open({ PGPASSWORD: "p@ss:w/rd" });
  const file = join(server.folder, "pgpass");
  await Deno.writeTextFile(file, String.raw`127.0.0.1:*:postgres:postgres:p@ss\:w/rd`, {
    mode: 0o600,
  });
  await open({ PGPASSFILE: file });
});

testServer("the command line never prints a password", { password: "s3cret" }, async (server) => {
  const home = join(server.folder, "home");
  const wrong = server.url().replace("s3cret", "wr0ng");
  const calls: { words: string[]; code: number }[] = [
    { words: ["ledger", "init", server.url()], code: 0 },
    { words: ["ledger", "check", server.url(), "--json"], code: 0 },
    { words: ["jobs", "--ledger", server.url()], code: 0 },
    { words: ["ledger", "init", wrong, "--verbose"], code: 1 },
    { words: ["ledger", "check", wrong, "--json", "--verbose"], code: 1 },
    { words: ["ledger", "check", server.url().replace(/@.*/, ""), "--verbose"], code: 2 },
    { words: ["jobs", "--ledger", server.url("?password=s3cret"), "--verbose"], code: 2 },
    { words: ["jobs", "--ledger", server.url().replace("postgres:", "postgers:")], code: 2 },
  ];
  for (const { words, code } of calls) {
    const ran = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", new URL("../../cli.ts", import.meta.url).pathname, ...words],
      env: { SLUICE_HOME: home, NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(ran.stdout) + new TextDecoder().decode(ran.stderr);
    equal(ran.code, code, said);
    ok(!/s3cret|wr0ng/.test(said), said);
  }
});

testServer("without permissions, the flags are named", {}, async (server) => {
  const run = async (...flags: string[]) => {
    const cli = new URL("../../cli.ts", import.meta.url).pathname;
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", ...flags, cli, "ledger", "check", server.url()],
      env: { NO_COLOR: "1" },
    }).output();
    return new TextDecoder().decode(stderr);
  };
  match(
    await run("--allow-read", "--allow-env=HOME"),
    /run it with --allow-env=PG\* and --allow-net/,
  );
  match(
    await run("--allow-read", "--allow-env=HOME,USER,PG*"),
    new RegExp(`run it with --allow-net=127.0.0.1:${server.port}, or as deno task sluice:net does`),
  );
  match(
    await run("--allow-read", "--allow-env=HOME,USER,PG*", `--allow-net=127.0.0.1:${server.port}`),
    /there is none in schema "sluice" of that database; make one with: sluice ledger init postgres:/,
  );
});

testServer("what a user may not do is named", {}, async (server) => {
  await initPostgresLedger(server.url());
  const client = await connect(server.url());
  await client.query("CREATE ROLE worker LOGIN", []);
  const url = server.url().replace("postgres@", "worker@");
  const denied = { name: "LedgerError", fault: "read-only" };
  await rejects(initPostgresLedger(`${url}?schema=other`), denied);
  await rejects(openPostgresLedger(url), denied);
  for (
    const grant of [
      "USAGE ON SCHEMA sluice",
      "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sluice",
    ]
  ) await client.query(`GRANT ${grant} TO worker`, []);
  await client.close();
  await using ledger = await openPostgresLedger(url);
  const job = await ledger.create(PLAN, { target: "there" });
  equal(typeof await ledger.lease(job, { worker: "me" }), "object");
});
