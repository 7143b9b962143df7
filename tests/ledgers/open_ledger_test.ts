import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { openMemoryLedger } from "../../ledgers/memory_ledger.ts";
import {
  defaultLedgerUrl,
  ledgerSchemes,
  openLedger,
  redactUrl,
  sluiceHome,
} from "../../ledgers/open_ledger.ts";
import { makePlan } from "./_plan.ts";

const PLAN = makePlan({ tasks: [2, 1, 1] });

Deno.test("openLedger() makes a database with its folder, and finds it again", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "a", "b", "jobs.db");
  for (const [at, url] of [`sqlite:${path}`, `sqlite://${path}`].entries()) {
    await using ledger = await openLedger(url, { attempts: 1 });
    equal(await ledger.create(PLAN, { target: "there" }), at + 1);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openLedger() opens a new ledger in memory every time", async () => {
  await using one = await openLedger("memory:");
  await one.create(PLAN, { target: "there" });
  await using other = await openLedger("memory:");
  deepEqual(await Array.fromAsync(other.jobs()), []);
});

const refused = [
  {
    url: "mysql://me:secret@db.lab/jobs",
    message:
      'Cannot open "mysql://db.lab/jobs" as a ledger: it begins with none of "memory:", "sqlite:", "postgres:", "postgresql:"; write sqlite:PATH for a file',
  },
  {
    url: "slqite:jobs.db",
    message:
      'Cannot open "slqite:jobs.db" as a ledger: it begins with none of "memory:", "sqlite:", "postgres:", "postgresql:"; did you mean "sqlite:"?',
  },
  {
    url: "jobs.db",
    message:
      'Cannot open "jobs.db" as a ledger: it begins with none of "memory:", "sqlite:", "postgres:", "postgresql:"; write sqlite:PATH for a file',
  },
  {
    url: "sqlite:",
    message:
      'Cannot open ledger "sqlite:" as a database: it names no file; write --ledger sqlite:PATH',
  },
];
for (const { url, message } of refused) {
  Deno.test(`openLedger() refuses ${redactUrl(url)}`, () =>
    rejects(openLedger(url), (error) => {
      equal((error as Error).message, message);
      return error instanceof UsageError;
    }));
}

Deno.test("openLedger() opens what a script added to the table", async () => {
  const asked: string[] = [];
  ledgerSchemes.set("mine", (rest, options) => {
    asked.push(rest);
    return openMemoryLedger(options);
  });
  try {
    await using ledger = await openLedger("mine://over/there");
    deepEqual(await Array.fromAsync(ledger.jobs()), []);
    deepEqual(asked, ["//over/there"]);
  } finally {
    ledgerSchemes.delete("mine");
  }
});

const environments: { env: Record<string, string>; home: string; url: string }[] = [
  {
    env: { HOME: "/home/me" },
    home: "/home/me/.local/state/sluice",
    url: "sqlite:/home/me/.local/state/sluice/jobs.db",
  },
  {
    env: { HOME: "/home/me", XDG_STATE_HOME: "/state" },
    home: "/state/sluice",
    url: "sqlite:/state/sluice/jobs.db",
  },
  {
    env: { HOME: "/home/me", XDG_STATE_HOME: "not/absolute" },
    home: "/home/me/.local/state/sluice",
    url: "sqlite:/home/me/.local/state/sluice/jobs.db",
  },
  {
    env: { HOME: "/home/me", XDG_STATE_HOME: "/state", SLUICE_HOME: "/own" },
    home: "/own",
    url: "sqlite:/own/jobs.db",
  },
  {
    env: { HOME: "/home/me", SLUICE_HOME: "", SLUICE_LEDGER: "postgres://db.lab/jobs" },
    home: "/home/me/.local/state/sluice",
    url: "postgres://db.lab/jobs",
  },
];
for (const { env, home, url } of environments) {
  Deno.test(`defaultLedgerUrl() with ${JSON.stringify(env)}`, () => {
    const map = new Map(Object.entries(env));
    equal(sluiceHome(map), home);
    equal(defaultLedgerUrl(map), url);
  });
}

const redacted: [url: string, text: string][] = [
  ["postgres://me:secret@db.lab:5433/jobs", "postgres://db.lab:5433/jobs"],
  ["postgres://me:p@ss/w#rd@db.lab/jobs", "postgres://db.lab/jobs"],
  ["postgres://me:secret", "postgres://me"],
  ["postgres://db.lab:5433", "postgres://db.lab:5433"],
  ["postgres://[::1]:5433/jobs", "postgres://[::1]:5433/jobs"],
  ["postgres://db.lab/jobs?password=secret&schema=a", "postgres://db.lab/jobs?password=…&schema=a"],
  ["sqlite:/a/b@c:d.db", "sqlite:/a/b@c:d.db"],
];
for (const [url, text] of redacted) {
  Deno.test(`redactUrl() leaves ${text}`, () => equal(redactUrl(url), text));
}
