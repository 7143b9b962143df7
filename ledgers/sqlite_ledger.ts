/**
 * A ledger in a SQLite database: one machine, many processes.
 * @module
 */
import { dirname, resolve } from "node:path";
import { fileError } from "./_file_error.ts";
import { networkFileSystem } from "./_network_fs.ts";
import { SqliteDatabase } from "./_sqlite_database.ts";
import { LEDGER_SCHEMA } from "./_sqlite_schema.ts";
import { SqliteTables } from "./_sqlite_tables.ts";
import { TableLedger } from "./_table_ledger.ts";
import { WorkerLocks } from "./_worker_locks.ts";
import { type Ledger, LedgerError, type LedgerOptions } from "./ledger.ts";

/** How a ledger in SQLite is opened. */
export interface SqliteLedgerOptions extends LedgerOptions {
  /** How long to wait for another process that writes, in seconds. @default 30 */
  readonly busySeconds?: number;
}

/**
 * Opens a ledger in a SQLite database, or makes it with its folder.
 *
 * Beside the database lies a folder `<path>.workers` with a file per process that has it open: a process holds the
 * lock of its own, so that the others know at once when it died. Its leases are then free, however long they had.
 * A process that only stands still keeps them until they expire; one that closes the ledger gives them up.
 * @param path The database; on a local disk.
 * @throws {LedgerError} If the database is locked, damaged, of another program or of a newer sluice, on a full disk
 * or on a network file system, or cannot be opened.
 */
export async function openSqliteLedger(
  path: string,
  { busySeconds = 30, ...options }: SqliteLedgerOptions = {},
): Promise<Ledger> {
  const file = resolve(path);
  const shared = networkFileSystem(file);
  if (shared !== undefined) {
    throw new LedgerError(
      `Cannot open "${file}" as a ledger in SQLite: it lies on a network file system (${shared}), where machines do not see each other's locks; use --ledger sqlite:PATH on a local disk, or postgres://HOST/DATABASE`,
      "network-file-system",
    );
  }
  const locks = openLocks(file);
  try {
    const database = await SqliteDatabase.open(file, LEDGER_SCHEMA, busySeconds);
    return new TableLedger(new SqliteTables(database, options.now, locks), options);
  } catch (error) {
    locks.close();
    throw error;
  }
}

function openLocks(file: string): WorkerLocks {
  try {
    Deno.mkdirSync(dirname(file), { recursive: true });
    return WorkerLocks.open(`${file}.workers`);
  } catch (error) {
    throw fileError(`open "${file}" as a ledger`, error);
  }
}
