/**
 * A SQLite database with migrations, transactions made of steps, and errors that have names.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { messageOf } from "../core/errors.ts";
import { runSteps, type Step, type Steps } from "./_steps.ts";
import { LedgerError, type LedgerFault } from "./ledger.ts";

/** What a database must look like. */
export interface SqliteSchema {
  /** SQLite's `application_id`. */
  readonly applicationId: number;
  /** SQL that makes each version from the one before; the version is their number. */
  readonly migrations: readonly string[];
}

const MEMORY = ":memory:";

// https://www.sqlite.org/rescode.html, primary codes.
const FAULTS: Readonly<Record<number, LedgerFault>> = {
  5: "locked",
  6: "locked",
  8: "read-only",
  10: "unavailable",
  11: "corrupt",
  13: "disk-full",
  14: "unavailable",
  26: "corrupt",
};
// The file was moved or deleted while it was open: an extended code of 8.
const SQLITE_READONLY_DBMOVED = 1032;

/** An open database; one connection. */
export class SqliteDatabase implements Disposable {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #busySeconds: number;

  private constructor(path: string, database: DatabaseSync, busySeconds: number) {
    this.path = path;
    this.#database = database;
    this.#busySeconds = busySeconds;
  }

  /**
   * Opens a database, or makes it, and brings it to the newest version.
   * @param path A file in a folder that is there, or `:memory:`.
   * @param busySeconds How long to wait for another process that writes.
   */
  static async open(
    path: string,
    schema: SqliteSchema,
    busySeconds: number,
  ): Promise<SqliteDatabase> {
    let database: DatabaseSync;
    try {
      database = new DatabaseSync(path);
    } catch (error) {
      throw sqliteError(path, busySeconds, error);
    }
    const opened = new SqliteDatabase(path, database, busySeconds);
    try {
      opened.#pragma(`busy_timeout = ${Math.ceil(busySeconds * 1000)}`);
      // In one transaction: between two questions another process may make it ours.
      opened.#database.exec("BEGIN");
      const isCurrent = opened.#version(schema) === schema.migrations.length;
      opened.#database.exec("COMMIT");
      if (path !== MEMORY) await opened.#writeAhead();
      if (!isCurrent) opened.#migrate(schema);
      return opened;
    } catch (error) {
      opened.close();
      throw opened.#named(error);
    }
  }

  /** Runs all steps or none. Others cannot write in between, nor does this process do anything else. */
  transact<Result>(mode: "read" | "write", steps: () => Steps<Result>): Result {
    try {
      this.#prepare(mode === "write" ? "BEGIN IMMEDIATE" : "BEGIN").run();
      try {
        const result = runSteps(steps(), (step) => this.#answer(step));
        this.#prepare("COMMIT").run();
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#prepare("ROLLBACK").run();
        throw error;
      }
    } catch (error) {
      throw this.#named(error);
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #answer(step: Step): unknown {
    switch (step.kind) {
      case "query":
        return this.#prepare(step.sql).all(...step.values);
      case "command":
        return this.#prepare(step.sql).run(...step.values);
      case "call":
        return step.run();
      default:
        return step satisfies never;
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #pragma(text: string): unknown {
    const row = this.#database.prepare(`PRAGMA ${text}`).get();
    return row === undefined ? undefined : Object.values(row)[0];
  }

  /** The version of the schema; refuses what is not ours before anything is changed. */
  #version({ applicationId, migrations }: SqliteSchema): number {
    const [version, owner] = [Number(this.#pragma("user_version")), this.#pragma("application_id")];
    const { tables } = this.#database.prepare("SELECT count(*) AS tables FROM sqlite_schema")
      .get() as {
        tables: number;
      };
    if (owner !== applicationId && (version !== 0 || tables !== 0)) {
      throw new LedgerError(
        `Cannot open "${this.path}" as a ledger: it is the database of another program; name another file with --ledger sqlite:PATH`,
        "foreign",
      );
    }
    if (version > migrations.length) {
      throw new LedgerError(
        `Cannot open "${this.path}" as a ledger of version ${migrations.length}: it has version ${version}; use the newer sluice that wrote it, or another file with --ledger sqlite:PATH`,
        "newer-schema",
      );
    }
    return version;
  }

  async #writeAhead(): Promise<void> {
    // Of two processes that switch a new database at once, one is refused without SQLite's waiting for its turn.
    const deadline = performance.now() + this.#busySeconds * 1000;
    for (;;) {
      try {
        const mode = this.#pragma("journal_mode = WAL");
        if (mode === "wal") break;
        throw new LedgerError(
          `Cannot open "${this.path}" as a ledger with a write-ahead log: SQLite keeps it in mode "${mode}" there; name a file on a local disk with --ledger sqlite:PATH`,
          "unavailable",
        );
      } catch (error) {
        if (faultOf(error) !== "locked" || performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    this.#pragma("synchronous = NORMAL");
  }

  #migrate(schema: SqliteSchema): void {
    this.#prepare("BEGIN IMMEDIATE").run();
    // Asked again: another process may have migrated it since.
    for (const sql of schema.migrations.slice(this.#version(schema))) this.#database.exec(sql);
    this.#pragma(`application_id = ${schema.applicationId}`);
    this.#pragma(`user_version = ${schema.migrations.length}`);
    this.#prepare("COMMIT").run();
  }

  #named(error: unknown): unknown {
    return sqliteError(this.path, this.#busySeconds, error);
  }
}

function faultOf(error: unknown): LedgerFault | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code !== "ERR_SQLITE_ERROR") return undefined;
  // node:sqlite gives no number where the file cannot be opened at all.
  if (typeof errcode !== "number") {
    return error.message.startsWith("unable to open") ? "unavailable" : undefined;
  }
  return errcode === SQLITE_READONLY_DBMOVED ? "unavailable" : FAULTS[errcode & 0xff];
}

/** An error of SQLite by its name; any other as it is. */
function sqliteError(path: string, busySeconds: number, error: unknown): unknown {
  const fault = faultOf(error);
  if (fault === undefined) return error;
  const state = {
    locked:
      `another process held it for more than ${busySeconds} s; wait for it or end it ("fuser ${path}" names it)`,
    corrupt:
      "it is damaged or not a database; move it away and run the same command again, and the ledger is made anew",
    "read-only":
      "it cannot be written; mend its permissions, or name another file with --ledger sqlite:PATH",
    "disk-full": "the disk is full; free some space, then run the same command again",
    unavailable:
      "it cannot be opened or read; see that its folder is there and may be written, or name another file with --ledger sqlite:PATH",
  }[fault as "locked"];
  return new LedgerError(
    `Cannot use "${path}" as the ledger: ${state} (${messageOf(error)})`,
    fault,
    {
      cause: error,
    },
  );
}
