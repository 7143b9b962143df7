/**
 * Which database an address means, with what the environment adds to it, as `psql` reads both.
 * @module
 */
import { isAbsolute, join } from "node:path";
import { isNotFound, UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import { findPassword } from "./_postgres_passfile.ts";
import { LedgerError } from "./ledger.ts";
import type { Environment } from "./open_ledger.ts";

const TLS_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;

/** How much of TLS is asked for, as `sslmode` names it. */
export type TlsMode = typeof TLS_MODES[number];

/** A database, and how to reach it. */
export interface PostgresTarget {
  /** A name or an address; a path: the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Empty: none is known. */
  readonly password: string;
  readonly database: string;
  /** Where the tables lie. */
  readonly schema: string;
  readonly tls: TlsMode;
  /** Text of the certificates that are trusted; absent: those that Deno trusts. */
  readonly certificates?: string;
  /** Seconds until a connection is given up. */
  readonly connectSeconds: number;
  /** Whether statements are kept by the server; a pooler between may not have it. */
  readonly prepare: boolean;
  /** Address for people: no name, no password. */
  readonly label: string;
}

const PARAMETERS = [
  "schema",
  "sslmode",
  "sslrootcert",
  "host",
  "port",
  "user",
  "connect_timeout",
  "prepare",
];

/**
 * Reads an address, `postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=…&sslmode=…`; what is not in it comes from
 * `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`, `PGSSLMODE`, `PGSSLROOTCERT` and `PGCONNECT_TIMEOUT`, and the
 * password at last from `PGPASSFILE` or `~/.pgpass`.
 * @throws {UsageError} If it cannot be read; the message holds nothing that may be a password.
 */
export async function readTarget(address: string, env: Environment): Promise<PostgresTarget> {
  const url = parse(address);
  const given = parameters(url);
  const read = (name: string, variable: string) => given.get(name) || variableOf(env, variable);
  const host = decode(url.hostname).replace(/^\[(.*)\]$/, "$1") || read("host", "PGHOST") ||
    "localhost";
  const user = decode(url.username) || read("user", "PGUSER") || variableOf(env, "USER");
  if (!user) {
    throw new UsageError(
      `Cannot connect to PostgreSQL at "${host}" without a user: write postgres://USER@HOST/DATABASE, or set PGUSER`,
    );
  }
  const database = decode(url.pathname.slice(1)) || variableOf(env, "PGDATABASE") || user;
  const port = wholeNumber("port", url.port || read("port", "PGPORT") || "5432", 65535);
  const connectSeconds = wholeNumber(
    "connect_timeout",
    read("connect_timeout", "PGCONNECT_TIMEOUT") || "10",
    3600,
  );
  const schema = given.get("schema") || "sluice";
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw new UsageError(
      `Cannot keep a ledger in schema "${schema}": it must be lower-case letters, digits and _, and begin with no digit`,
    );
  }
  const file = read("sslrootcert", "PGSSLROOTCERT");
  const password = decode(url.password) || variableOf(env, "PGPASSWORD") ||
    await passwordFromFile({ host, port, database, user }, env);
  return {
    host,
    port,
    user,
    password,
    database,
    schema,
    tls: tlsMode(read("sslmode", "PGSSLMODE"), host),
    ...(file ? { certificates: await readCertificates(file) } : {}),
    connectSeconds: connectSeconds || 3600,
    prepare: isTrue("prepare", given.get("prepare") || "true"),
    label: labelOf(host, port, database, schema),
  };
}

function parse(address: string): URL {
  try {
    return new URL(address);
  } catch {
    throw new UsageError(
      "Cannot read the address of a ledger in PostgreSQL: write postgres://USER@HOST:PORT/DATABASE, with % codes for signs such as @, : and / in a name or password (%40, %3A, %2F)",
    );
  }
}

function parameters(url: URL): Map<string, string> {
  const given = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (name === "password") {
      throw new UsageError(
        "Cannot take a password from the end of an address: write postgres://USER:PASSWORD@HOST/DATABASE, or better, set PGPASSFILE or PGPASSWORD",
      );
    }
    if (!PARAMETERS.includes(name)) {
      throw new UsageError(
        `Cannot use "${name}" in the address of a ledger: there is no such parameter${
          didYouMean(name, PARAMETERS, { write: (near) => near }) ||
          `; there are ${PARAMETERS.join(", ")}`
        }`,
      );
    }
    given.set(name, value);
  }
  return given;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(
      "Cannot read the address of a ledger in PostgreSQL: a % in it is followed by no code; write %25 for the sign itself",
    );
  }
}

/** A variable, where Deno was given those of PostgreSQL. */
function variableOf(env: Environment, name: string): string {
  try {
    return env.get(name) ?? "";
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    if (!name.startsWith("PG")) return "";
    throw new LedgerError(
      "Cannot open a ledger in PostgreSQL: Deno was not given the variables whose names begin with PG; run it with --allow-env=PG* and --allow-net, as deno task sluice:net does",
      "unavailable",
      { cause: error },
    );
  }
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  throw new UsageError(
    `Cannot use "${text}" as ${name} of a ledger: it must be a whole number up to ${most}`,
  );
}

function isTrue(name: string, text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new UsageError(`Cannot use "${text}" as ${name} of a ledger: it is true or false`);
}

function tlsMode(text: string, host: string): TlsMode {
  // As for psql, but for this very machine: there is nobody in between.
  if (text === "") return isNear(host) ? "disable" : "prefer";
  const mode = TLS_MODES.find((one) => one === text);
  if (mode !== undefined) return mode;
  throw new UsageError(
    `Cannot use "${text}" as sslmode of a ledger: it is one of ${TLS_MODES.join(", ")}`,
  );
}

function isNear(host: string): boolean {
  return isAbsolute(host) || host === "localhost" || host === "::1" || /^127\./.test(host);
}

async function passwordFromFile(
  target: Pick<PostgresTarget, "host" | "port" | "database" | "user">,
  env: Environment,
): Promise<string> {
  const named = variableOf(env, "PGPASSFILE");
  const home = variableOf(env, "HOME");
  if (!named && !home) return "";
  try {
    return await findPassword(named || join(home, ".pgpass"), target) ?? "";
  } catch (error) {
    if (named && isNotFound(error)) {
      throw new UsageError(
        `Cannot take a password from "${named}": there is no such file; mend PGPASSFILE`,
      );
    }
    // Nobody asked for the one at home.
    if (isNotFound(error) || (!named && error instanceof Deno.errors.NotCapable)) return "";
    throw error;
  }
}

async function readCertificates(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new UsageError(
      `Cannot trust the certificates in "${path}": there is no such file; mend sslrootcert or PGSSLROOTCERT`,
    );
  }
}

function labelOf(host: string, port: number, database: string, schema: string): string {
  const name = host.includes(":") ? `[${host}]` : host;
  const at = isAbsolute(host) ? "" : `${name}${port === 5432 ? "" : `:${port}`}`;
  const query = [
    ...(isAbsolute(host) ? [`host=${host}`] : []),
    ...(schema === "sluice" ? [] : [`schema=${schema}`]),
  ];
  return `postgres://${at}/${database}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}
