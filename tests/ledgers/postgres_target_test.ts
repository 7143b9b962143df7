import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { passwordIn } from "../../ledgers/_postgres_passfile.ts";
import { type PostgresTarget, readTarget } from "../../ledgers/_postgres_target.ts";

const DEFAULTS: PostgresTarget = {
  host: "localhost",
  port: 5432,
  user: "me",
  password: "",
  database: "me",
  schema: "sluice",
  tls: "disable",
  connectSeconds: 10,
  prepare: true,
  label: "postgres://localhost/me",
};

const read = (url: string, env: Record<string, string> = {}) =>
  readTarget(url, new Map(Object.entries({ USER: "me", ...env })));

const addresses: {
  url: string;
  env?: Record<string, string>;
  target: Partial<PostgresTarget>;
}[] = [
  { url: "postgres:", target: {} },
  { url: "postgresql://", target: {} },
  {
    url: "postgres://you:s%40cr%2Fet@db.lab:6432/jobs",
    target: {
      host: "db.lab",
      port: 6432,
      user: "you",
      password: "s@cr/et",
      database: "jobs",
      tls: "prefer",
      label: "postgres://db.lab:6432/jobs",
    },
  },
  {
    url: "postgres://db.lab/jobs?schema=atlas&sslmode=verify-full&connect_timeout=3&prepare=false",
    target: {
      host: "db.lab",
      database: "jobs",
      schema: "atlas",
      tls: "verify-full",
      connectSeconds: 3,
      prepare: false,
      label: "postgres://db.lab/jobs?schema=atlas",
    },
  },
  {
    url: "postgres:",
    env: {
      PGHOST: "db.lab",
      PGPORT: "6432",
      PGUSER: "you",
      PGPASSWORD: "secret",
      PGDATABASE: "jobs",
      PGSSLMODE: "require",
      PGCONNECT_TIMEOUT: "3",
    },
    target: {
      host: "db.lab",
      port: 6432,
      user: "you",
      password: "secret",
      database: "jobs",
      tls: "require",
      connectSeconds: 3,
      label: "postgres://db.lab:6432/jobs",
    },
  },
  {
    url: "postgres://you:mine@db.lab/jobs?sslmode=disable",
    env: { PGHOST: "other", PGUSER: "other", PGPASSWORD: "other", PGSSLMODE: "require" },
    target: {
      host: "db.lab",
      user: "you",
      password: "mine",
      database: "jobs",
      tls: "disable",
      label: "postgres://db.lab/jobs",
    },
  },
  {
    url: "postgres://[2001:db8::1]:6432/jobs",
    target: {
      host: "2001:db8::1",
      port: 6432,
      database: "jobs",
      tls: "prefer",
      label: "postgres://[2001:db8::1]:6432/jobs",
    },
  },
  {
    url: "postgres:///jobs?host=/run/postgresql",
    target: {
      host: "/run/postgresql",
      database: "jobs",
      label: "postgres:///jobs?host=/run/postgresql",
    },
  },
];
for (const { url, env, target } of addresses) {
  Deno.test(`readTarget() of ${url} ${env === undefined ? "" : JSON.stringify(env)}`, async () =>
    deepEqual(await read(url, env), { ...DEFAULTS, ...target }));
}

const refused: { url: string; env?: Record<string, string>; message: RegExp }[] = [
  { url: "postgres://me:secret@db.lab:port/jobs", message: /write postgres:\/\/USER@HOST:PORT/ },
  { url: "postgres://me:sec%ret@db.lab/jobs", message: /write %25 for the sign itself/ },
  { url: "postgres://db.lab/jobs?password=secret", message: /better, set PGPASSFILE/ },
  { url: "postgres://db.lab/jobs?sslmod=require", message: /did you mean sslmode\?/ },
  { url: "postgres://db.lab/jobs?sslmode=maybe", message: /one of disable, allow, prefer/ },
  { url: "postgres://db.lab/jobs?schema=Atlas;drop", message: /must be lower-case letters/ },
  { url: "postgres://db.lab/jobs?prepare=maybe", message: /it is true or false/ },
  { url: "postgres:", env: { PGPORT: "99999" }, message: /"99999" as port/ },
  { url: "postgres:", env: { USER: "" }, message: /without a user/ },
  {
    url: "postgres://db.lab/jobs?sslrootcert=/no/such/file",
    message: /there is no such file; mend sslrootcert/,
  },
];
for (const { url, env, message } of refused) {
  Deno.test(`readTarget() refuses ${url.replace("secret", "…")} ${JSON.stringify(env ?? {})}`, () =>
    rejects(read(url, env), (error) => {
      ok(error instanceof UsageError);
      ok(!/sec.?ret/.test(error.message), "the password is not told");
      return message.test(error.message);
    }));
}

const OWNER = { host: "db.lab", port: 5432, database: "jobs", user: "me" };
const lines: { text: string; owner?: Partial<typeof OWNER>; password: string | undefined }[] = [
  { text: "db.lab:5432:jobs:me:secret", password: "secret" },
  { text: "# a remark\n\n*:*:*:*:any\ndb.lab:5432:jobs:me:late\r\n", password: "any" },
  { text: "other:5432:jobs:me:no\ndb.lab:*:jobs:me:yes\r\n", password: "yes" },
  { text: "db.lab:5432:jobs:you:no", password: undefined },
  { text: "db.lab:5432:jobs:me", password: undefined },
  { text: String.raw`db.lab:5432:jobs:me:a\:b\\c`, password: String.raw`a:b\c` },
  { text: "localhost:5432:jobs:me:near", owner: { host: "/run/postgresql" }, password: "near" },
];
for (const { text, owner, password } of lines) {
  Deno.test(`passwordIn() finds ${password} in ${JSON.stringify(text)}`, () =>
    equal(passwordIn(text, { ...OWNER, ...owner }), password));
}

Deno.test("readTarget() takes the password from PGPASSFILE, else from ~/.pgpass", async () => {
  const home = await Deno.makeTempDir();
  try {
    const [own, named] = [join(home, ".pgpass"), join(home, "named")];
    await Deno.writeTextFile(own, "db.lab:*:*:*:own", { mode: 0o600 });
    await Deno.writeTextFile(named, "*:*:*:me:named", { mode: 0o600 });
    const password = async (env: Record<string, string>) =>
      (await read("postgres://db.lab/jobs", { HOME: home, ...env })).password;
    equal(await password({}), "own");
    equal(await password({ PGPASSFILE: named }), "named");
    equal(await password({ PGPASSFILE: named, PGPASSWORD: "environment" }), "environment");
    await Deno.chmod(named, 0o640);
    await rejects(password({ PGPASSFILE: named }), /others may read it; run chmod 600/);
    await rejects(password({ PGPASSFILE: join(home, "none") }), /there is no such file/);
    await Deno.remove(own);
    equal(await password({}), "");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
