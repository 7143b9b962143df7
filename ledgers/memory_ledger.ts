/**
 * A ledger that lives and ends with its script.
 * @module
 */
import { SqliteDatabase } from "./_sqlite_database.ts";
import { LEDGER_SCHEMA } from "./_sqlite_schema.ts";
import { SqliteTables } from "./_sqlite_tables.ts";
import { TableLedger } from "./_table_ledger.ts";
import type { Ledger, LedgerOptions } from "./ledger.ts";

/**
 * Opens an empty ledger in memory: the same tables as in SQLite, without a file. It needs no permission, and keeps
 * the receipts of jobs that name no folder for them.
 * @param options With `now`, a clock that a test can move.
 * @example An empty ledger, and a clock that stands at noon
 * ```ts
 * import { openLedger } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const noon = Date.UTC(2026, 0, 1, 12);
 * await using ledger = await openLedger("memory:", { now: () => noon });
 * deepEqual(await Array.fromAsync(ledger.jobs()), []);
 * ```
 */
export async function openMemoryLedger(options: LedgerOptions = {}): Promise<Ledger> {
  const database = await SqliteDatabase.open(":memory:", LEDGER_SCHEMA, 0);
  return new TableLedger(new SqliteTables(database, options.now), options);
}
