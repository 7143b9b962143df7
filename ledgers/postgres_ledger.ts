/**
 * A ledger in PostgreSQL: many machines, many processes on each.
 * @module
 */
import { type PatienceOptions, PostgresClient } from "./_postgres_client.ts";
import { MIGRATIONS } from "./_postgres_schema.ts";
import { PostgresTables } from "./_postgres_tables.ts";
import { readTarget } from "./_postgres_target.ts";
import { checkVersion, migrate } from "./_postgres_version.ts";
import { TableLedger } from "./_table_ledger.ts";
import type { Ledger, LedgerOptions } from "./ledger.ts";
import type { Environment, InitReport } from "./open_ledger.ts";

/** How a ledger in PostgreSQL is opened. */
export interface PostgresLedgerOptions extends LedgerOptions {
  /** How long to try to reach a server that was lost, in seconds. @default 300 */
  readonly reconnectSeconds?: number;
  /** How long a statement may take before the connection is taken for dead, in seconds. @default 90 */
  readonly answerSeconds?: number;
  /** Variables that say what the address does not. @default Deno.env */
  readonly env?: Environment;
}

/**
 * Opens a ledger in PostgreSQL that {@linkcode initPostgresLedger} made.
 *
 * The server's clock decides when a lease is over. Nobody can tell from another machine that a worker died, so its
 * leases are free when they expire, not before. A lost connection comes back by itself; an acknowledgement that had
 * arrived before it was lost is then refused as `taken`, since its tasks are done.
 * @param address `postgres://USER@HOST:PORT/DATABASE?schema=sluice`; what it leaves out comes from the variables that
 * `psql` reads, the password from `PGPASSFILE`, too.
 * @throws {UsageError} If the address cannot be read.
 * @throws {LedgerError} If the server cannot be reached, or there is no ledger of this version.
 */
export async function openPostgresLedger(
  address: string,
  { env = Deno.env, now, attempts, lapses, ...patience }: PostgresLedgerOptions = {},
): Promise<Ledger> {
  const client = await connect(address, env, patience);
  try {
    await checkVersion(client);
    return new TableLedger(new PostgresTables(client, now), { attempts, lapses });
  } catch (error) {
    await client.close();
    throw error;
  }
}

/**
 * Makes a ledger in a database, or brings one that is there to the version of this sluice. Needs the right to create a
 * schema; whoever works with the ledger needs none.
 * @throws {LedgerError} If the schema holds something else, or the ledger of a newer sluice.
 */
export async function initPostgresLedger(
  address: string,
  { env = Deno.env }: { readonly env?: Environment } = {},
): Promise<InitReport> {
  const client = await connect(address, env, {});
  try {
    const before = await migrate(client);
    return { ledger: client.target.label, before, version: MIGRATIONS.length };
  } finally {
    await client.close();
  }
}

async function connect(
  address: string,
  env: Environment,
  patience: PatienceOptions,
): Promise<PostgresClient> {
  return new PostgresClient(await readTarget(address, env), patience);
}
