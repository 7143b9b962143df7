/**
 * What goes wrong with PostgreSQL, by what can be done about it.
 * @module
 */
import { messageOf } from "../core/errors.ts";
import type { PostgresTarget } from "./_postgres_target.ts";
import { LedgerError, type LedgerFault } from "./ledger.ts";

/** What to do about an error: connect anew, take the same steps again, or tell. */
export type Trouble = "lost" | "conflict" | undefined;

// Of the operating system, and of the client: nothing is known of what was asked last.
const LOST = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOENT",
]);
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const TOO_MANY_CONNECTIONS = "53300";
const CANNOT_CONNECT_NOW = "57P03";
const GONE = new Set([
  "57P01",
  "57P02",
  "57P05",
  "25P03",
  TOO_MANY_CONNECTIONS,
  CANNOT_CONNECT_NOW,
]);
const CONFLICT = new Set(["40001", "40P01"]);

/** What can be done about an error of a database that was reached before. */
export function troubleOf(error: unknown): Trouble {
  const code = codeOf(error);
  if (LOST.has(code) || GONE.has(code) || /^08...$/.test(code)) return "lost";
  return CONFLICT.has(code) ? "conflict" : undefined;
}

/** Whether a server that was not reached yet is there, and will soon have time. */
export function isBusy(error: unknown): boolean {
  return [TOO_MANY_CONNECTIONS, CANNOT_CONNECT_NOW].includes(codeOf(error));
}

/** An error of the database by its name, with host and database; any other as it is. */
export function postgresError(target: PostgresTarget, error: unknown): unknown {
  const state = stateOf(target, error);
  if (state === undefined) return error;
  const [fault, text] = state;
  return new LedgerError(`Cannot use "${target.label}" as the ledger: ${text}`, fault, {
    cause: withoutSecrets(error),
  });
}

function stateOf(target: PostgresTarget, error: unknown): [LedgerFault, string] | undefined {
  const [code, message] = [codeOf(error), messageOf(error)];
  const { host, port, user, database, schema } = target;
  const unavailable = (text: string): [LedgerFault, string] => ["unavailable", text];
  if (error instanceof Deno.errors.NotCapable || code === "EPERM") {
    return unavailable(
      host.startsWith("/")
        ? "Deno was not given its socket; run it with --allow-net, --allow-read and --allow-write"
        : `Deno was not given the network; run it with --allow-net=${host}:${port}, or as deno task sluice:net does`,
    );
  }
  if (code === "28000" && message.includes("no encryption")) {
    return unavailable(
      "the server wants TLS; add sslmode=require to the address, or set PGSSLMODE",
    );
  }
  if (code.startsWith("28") || message.startsWith("SASL")) {
    return unavailable(
      `the server refuses user "${user}" (${message}); give the password in PGPASSFILE or PGPASSWORD`,
    );
  }
  if (code === "3D000") {
    return unavailable(
      `there is no database "${database}" on that server; make it with createdb, or name another`,
    );
  }
  if (code === "42501") {
    return [
      "read-only",
      `user "${user}" may not do that in schema "${schema}" (${message}); have its owner grant it`,
    ];
  }
  if (code === "25006") return ["read-only", `the server takes no changes (${message})`];
  if (code === "53100") {
    return ["disk-full", "the server's disk is full; free some space, then run the same again"];
  }
  if (code === "55P03") {
    return ["locked", "another process held the job for too long; end it, or wait for it"];
  }
  if (code.startsWith("XX")) return ["corrupt", `the server says that it is damaged: ${message}`];
  if (code === "ENOTFOUND") {
    return unavailable(`no machine is called "${host}"; mend the address or PGHOST`);
  }
  if (message.includes("does not match certificate")) {
    return unavailable(`its certificate is for another host (${message}); name it as that does`);
  }
  if (
    /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_|ERR_TLS)/.test(code) || /certificate/i.test(message)
  ) {
    return unavailable(
      `the certificate of the server is not trusted (${message}); name its authority with sslrootcert=FILE`,
    );
  }
  if (troubleOf(error) === "lost" || isSqlState(code)) {
    return unavailable(
      `${message}; see that PostgreSQL runs at ${host}:${port} and can be reached`,
    );
  }
  return undefined;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);
}

/** The client keeps statement and values at its errors; a log of causes needs neither. */
function withoutSecrets(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const plain = new Error(error.message);
  plain.name = error.name;
  plain.stack = error.stack;
  return plain;
}
