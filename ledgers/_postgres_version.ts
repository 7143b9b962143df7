/**
 * Which version the ledger in a schema has, and how it gets the newest.
 * @module
 */
import type { PostgresClient } from "./_postgres_client.ts";
import type { Ask } from "./_postgres_connection.ts";
import { MIGRATIONS, quoted } from "./_postgres_schema.ts";
import { LedgerError } from "./ledger.ts";

type Migrations = typeof MIGRATIONS;

/**
 * Looks, changes nothing.
 * @throws {LedgerError} If there is no ledger, or not of this version.
 */
export async function checkVersion(
  client: PostgresClient,
  migrations: Migrations = MIGRATIONS,
): Promise<void> {
  const { label, schema } = client.target;
  const ask: Ask = (sql, values) => client.query(sql, values);
  const version = await readVersion(client, ask, migrations);
  if (version === migrations.length) return;
  throw new LedgerError(
    version === 0
      ? `Cannot use "${label}" as the ledger: there is none in schema "${schema}" of that database; make one with: sluice ledger init ${label}`
      : `Cannot use "${label}" as a ledger of version ${migrations.length}: it has version ${version}; when no older sluice works with it any more, run: sluice ledger init ${label}`,
    version === 0 ? "no-ledger" : "older-schema",
  );
}

/** Makes the schema and its tables, or brings them to the newest version; returns the version before. */
export function migrate(
  client: PostgresClient,
  migrations: Migrations = MIGRATIONS,
): Promise<number> {
  const { schema } = client.target;
  return client.transact("write", true, async (ask) => {
    // Two that begin at once: one after the other.
    await ask("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", [`sluice init ${schema}`]);
    const before = await readVersion(client, ask, migrations);
    if (before === migrations.length) return before;
    await ask(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`, []);
    await ask("SELECT set_config('search_path', ?, true)", [quoted(schema)]);
    if (before === 0) await ask("CREATE TABLE ledger_version (version integer NOT NULL)", []);
    for (const migration of migrations.slice(before)) await ask(migration(schema), []);
    await ask("DELETE FROM ledger_version", []);
    await ask("INSERT INTO ledger_version VALUES (?)", [migrations.length]);
    return before;
  });
}

/** The version of the ledger; 0: there is none, and room for one. */
async function readVersion(
  client: PostgresClient,
  ask: Ask,
  migrations: Migrations,
): Promise<number> {
  const { label, schema } = client.target;
  const tables = await ask(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = ?",
    [schema],
  );
  if (tables.length === 0) return 0;
  if (!tables.some(({ name }) => name === "ledger_version")) {
    throw new LedgerError(
      `Cannot use schema "${schema}" for a ledger: it holds the tables of another program; name another with ${label}?schema=NAME`,
      "foreign",
    );
  }
  const [row] = await ask(`SELECT version FROM ${quoted(schema)}.ledger_version`, []);
  const version = Number(row?.version);
  if (version <= migrations.length) return version;
  throw new LedgerError(
    `Cannot use "${label}" as a ledger of version ${migrations.length}: it has version ${version}; use the newer sluice that made it, or another schema with ?schema=NAME`,
    "newer-schema",
  );
}
