/**
 * What a ledger in SQLite looks like, as a list of migrations: a new version appends to it, and never edits what is
 * there.
 * @module
 */
import { firstTables } from "./_ledger_tables.ts";
import type { SqliteSchema } from "./_sqlite_database.ts";

const FIRST = `${
  firstTables({
    integer: "INTEGER",
    counter: "INTEGER PRIMARY KEY AUTOINCREMENT",
    ofJob: " REFERENCES job (job)",
    state: "TEXT NOT NULL CHECK (state IN ('waiting', 'leased', 'blocked', 'done', 'dead'))",
    counted: " STRICT",
    keyed: " STRICT, WITHOUT ROWID",
  })
}
CREATE INDEX task_range_state ON task_range (job, state, first_task);
`;

/** What a ledger database looks like. */
export const LEDGER_SCHEMA: SqliteSchema = {
  // "slui" in ASCII: tells our databases from those of other programs.
  applicationId: 0x736c7569,
  migrations: [FIRST],
};
