/**
 * Ledgers by their address.
 * @module
 */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import type { Ledger, LedgerOptions } from "./ledger.ts";

/** Opens the ledger that the rest of an address, after `scheme:`, names. */
export type LedgerOpener = (rest: string, options: LedgerOptions) => Promise<Ledger>;

/**
 * Kinds of ledgers by the scheme of their address. A script may add one, or replace one, before it opens a ledger;
 * nothing is loaded before it is used.
 * @example A ledger by another name
 * ```ts
 * import { ledgerSchemes, openLedger } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * ledgerSchemes.set("scratch", (_rest, options) => openLedger("memory:", options));
 * await using ledger = await openLedger("scratch:");
 * deepEqual(await Array.fromAsync(ledger.jobs()), []);
 * ledgerSchemes.delete("scratch");
 * ```
 */
export const ledgerSchemes: Map<string, LedgerOpener> = new Map<string, LedgerOpener>([
  [
    "memory",
    async (_rest, options) => (await import("./memory_ledger.ts")).openMemoryLedger(options),
  ],
  [
    "sqlite",
    async (rest, options) => {
      // sqlite:///PATH, as other programs write it, is sqlite:/PATH.
      const path = rest.replace(/^\/\/(?=\/)/, "");
      if (path === "") {
        throw new UsageError(
          `Cannot open ledger "sqlite:" as a database: it names no file; write --ledger sqlite:PATH`,
        );
      }
      return (await import("./sqlite_ledger.ts")).openSqliteLedger(path, options);
    },
  ],
  ...["postgres", "postgresql"].map((scheme): [string, LedgerOpener] => [
    scheme,
    async (rest, options) =>
      (await import("./postgres_ledger.ts")).openPostgresLedger(`${scheme}:${rest}`, options),
  ]),
]);

/** What is read of the environment. */
export interface Environment {
  /** The value of a variable, or undefined where it is not set. */
  get(name: string): string | undefined;
}

/**
 * Opens the ledger at an address: `sqlite:PATH` (made with its folder if need be); `postgres://USER@HOST/DATABASE`, which
 * `sluice ledger init` made; or `memory:`, which is empty and ends with the script.
 * @throws {UsageError} If the address has a scheme that is not in {@linkcode ledgerSchemes}.
 * @throws {LedgerError} If it cannot be opened.
 * @example A job that does not outlive its script
 * ```ts
 * import { openLedger } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * await using ledger = await openLedger("memory:");
 * await rejects(ledger.status(42), { name: "LedgerError", fault: "no-such-job" });
 * ```
 */
export function openLedger(url: string, options: LedgerOptions = {}): Promise<Ledger> {
  const colon = url.indexOf(":");
  const open = colon < 0 ? undefined : ledgerSchemes.get(url.slice(0, colon));
  if (open === undefined) {
    const known = [...ledgerSchemes.keys()];
    const write = (scheme: string) => `"${scheme}:"`;
    const near = colon < 0 ? "" : didYouMean(url.slice(0, colon), known, { write });
    return Promise.reject(
      new UsageError(
        `Cannot open "${redactUrl(url)}" as a ledger: it begins with none of ${
          known.map(write).join(", ")
        }${near || "; write sqlite:PATH for a file"}`,
      ),
    );
  }
  return open(url.slice(colon + 1), options);
}

/** A ledger that was made, or found. */
export interface InitReport {
  /** Its address, without name and password. */
  readonly ledger: string;
  /** Its version before; 0: there was none. */
  readonly before: number;
  /** Its version now. */
  readonly version: number;
}

/**
 * Makes a ledger in PostgreSQL, or brings one up to date; those of other kinds are made when they are first used.
 * @param url `postgres://USER@HOST/DATABASE`, with `?schema=NAME` for another schema than `sluice`; whoever asks needs
 * the right to create it, whoever works with the ledger does not.
 * @throws {UsageError} If it is the address of a ledger of another kind.
 * @throws {LedgerError} If the schema holds something else, or the ledger of a newer sluice.
 * @example Once, before the first job
 * ```ts ignore
 * import { initLedger } from "@sluice/sluice";
 * console.log(await initLedger("postgres://me@db.lab/jobs"));
 * ```
 * @example A file needs none
 * ```ts
 * import { initLedger } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * await rejects(initLedger("sqlite:./jobs.db"), { name: "UsageError" });
 * ```
 */
export async function initLedger(url: string): Promise<InitReport> {
  if (/^postgres(ql)?:/.test(url)) {
    return await (await import("./postgres_ledger.ts")).initPostgresLedger(url);
  }
  throw new UsageError(
    `Cannot make "${
      redactUrl(url)
    }": only a ledger in PostgreSQL is made beforehand, others when they are first used; write sluice ledger init postgres://HOST/DATABASE, or set SLUICE_LEDGER`,
  );
}

/**
 * The folder for what belongs to no volume: `SLUICE_HOME`, else `sluice` in `XDG_STATE_HOME`, else
 * `~/.local/state/sluice`.
 */
export function sluiceHome(env: Environment = Deno.env): string {
  const own = env.get("SLUICE_HOME");
  if (own) return own;
  // The XDG base directory specification has relative paths ignored.
  const state = env.get("XDG_STATE_HOME");
  if (state && isAbsolute(state)) return join(state, "sluice");
  return join(env.get("HOME") || homedir(), ".local", "state", "sluice");
}

/**
 * The address of the ledger where none is given: `SLUICE_LEDGER`, else `jobs.db` in {@linkcode sluiceHome}.
 * @example With and without a choice
 * ```ts
 * import { defaultLedgerUrl } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(defaultLedgerUrl(new Map([["SLUICE_HOME", "/data"]])), "sqlite:/data/jobs.db");
 * equal(defaultLedgerUrl(new Map([["SLUICE_LEDGER", "postgres://db.lab/jobs"]])), "postgres://db.lab/jobs");
 * ```
 */
export function defaultLedgerUrl(env: Environment = Deno.env): string {
  return env.get("SLUICE_LEDGER") || `sqlite:${join(sluiceHome(env), "jobs.db")}`;
}

/**
 * An address without the name and password before its host, for messages and files.
 * @example A password that stays where it was given
 * ```ts
 * import { redactUrl } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(redactUrl("postgres://me:secret@db.lab/sluice"), "postgres://db.lab/sluice");
 * ```
 */
export function redactUrl(url: string): string {
  return url
    .replace(/\/\/.*@/, "//")
    // Without a host behind it, as somebody may write it who forgot that; and at the end.
    .replace(/(\/\/[^/?#[:]*):(?!\d*(?:[/?#]|$))[^/?#]*/, "$1")
    .replace(/([?&]\w*password=)[^&]*/gi, "$1…");
}
