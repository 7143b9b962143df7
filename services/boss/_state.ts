/**
 * What the server knows, in a database: it may be killed at any time, and goes on from there.
 * @module
 */
import { SluiceError } from "../../core/errors.ts";
import {
  command,
  query,
  SqliteDatabase,
  type SqliteSchema,
  type SqlValue,
  type Steps,
} from "../../ledgers/database.ts";
import { LedgerError } from "../../ledgers/ledger.ts";

const FIRST = `
CREATE TABLE resource (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  parent INTEGER NOT NULL,
  name TEXT NOT NULL,
  fields TEXT NOT NULL,
  UNIQUE (kind, parent, name)
) STRICT;
CREATE TABLE meta (
  resource INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (resource, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel INTEGER NOT NULL,
  config TEXT NOT NULL,
  origin TEXT NOT NULL,
  state INTEGER NOT NULL,
  filled INTEGER NOT NULL DEFAULT 0,
  wait_until INTEGER NOT NULL DEFAULT 0,
  created_on INTEGER NOT NULL,
  completed_on INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL,
  body TEXT NOT NULL,
  visible_at INTEGER NOT NULL DEFAULT 0,
  handle TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX message_order ON message (job, visible_at, id);
CREATE TABLE access_key (
  id TEXT PRIMARY KEY,
  job INTEGER NOT NULL,
  secret TEXT NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE object (
  job INTEGER NOT NULL,
  key TEXT NOT NULL,
  metadata TEXT NOT NULL,
  PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE part (
  job INTEGER NOT NULL,
  chunk TEXT NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (job, chunk, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE chunk (
  job INTEGER NOT NULL,
  chunk TEXT NOT NULL,
  is_done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job, chunk)
) STRICT, WITHOUT ROWID;
CREATE TABLE loss (
  job INTEGER NOT NULL,
  key TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;
`;

const SCHEMA: SqliteSchema = {
  // "boss" in ASCII: no ledger is opened as it, nor it as a ledger.
  applicationId: 0x626f7373,
  migrations: [FIRST],
};

/** The database of one server. */
export class BossState implements Disposable {
  readonly #database: SqliteDatabase;

  private constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /** Opens the database, or makes it. @throws {SluiceError} If it cannot be used. */
  static async open(path: string): Promise<BossState> {
    try {
      return new BossState(await SqliteDatabase.open(path, SCHEMA, 5));
    } catch (error) {
      throw named(path, error);
    }
  }

  /** What a statement answers. */
  rows<Row>(sql: string, ...values: SqlValue[]): Row[] {
    return this.write(() => query<Row>(sql, ...values));
  }

  /** The first row that a statement answers. */
  row<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.rows<Row>(sql, ...values)[0];
  }

  /** Changes what is kept. */
  run(sql: string, ...values: SqlValue[]): void {
    this.write(() => command(sql, ...values));
  }

  /** Does all of it, or nothing. */
  write<Result>(steps: () => Steps<Result>): Result {
    try {
      return this.#database.transact("write", steps);
    } catch (error) {
      throw named(this.#database.path, error);
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** The database calls itself a ledger, which it is not here. */
function named(path: string, error: unknown): unknown {
  if (!(error instanceof LedgerError)) return error;
  const state = {
    locked: "another process holds it; end that one",
    corrupt: "it is damaged; put a copy of it in its place",
    foreign: "it is the database of another program; give another folder as --root",
    "newer-schema": "a newer sluice wrote it; use that one",
    "read-only": "it cannot be written; mend its permissions",
    "disk-full": "the disk is full; free some space",
  }[error.fault as string] ?? "it cannot be opened; see that its folder may be written";
  return new SluiceError(`Cannot keep what the Boss knows in "${path}": ${state}`, {
    cause: error,
  });
}
