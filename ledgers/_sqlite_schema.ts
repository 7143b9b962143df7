/**
 * The tables of a ledger in SQLite, as a list of migrations: a new version appends to it, and never edits what is there.
 *
 * Nothing here that PostgreSQL lacks but `WITHOUT ROWID`, `STRICT` and `AUTOINCREMENT`.
 * @module
 */
import type { SqliteSchema } from "./_sqlite_database.ts";

const FIRST = `
CREATE TABLE job (
  job INTEGER PRIMARY KEY AUTOINCREMENT,
  plan_id TEXT NOT NULL,
  target TEXT NOT NULL,
  receipts TEXT NOT NULL,      -- folder; empty: none
  created INTEGER NOT NULL,    -- milliseconds since 1970, as all times here
  tasks INTEGER NOT NULL,
  fence INTEGER NOT NULL,      -- of the latest lease
  cancelled INTEGER NOT NULL,  -- 0 or 1
  last_done INTEGER NOT NULL   -- 0: nothing is done yet
) STRICT;

-- Apart from job, whose rows change with every acknowledgement.
CREATE TABLE job_plan (
  job INTEGER PRIMARY KEY REFERENCES job (job),
  plan TEXT NOT NULL           -- JSON
) STRICT;

-- Every task of a job lies in exactly one range; neighbours that are alike are one row.
CREATE TABLE task_range (
  job INTEGER NOT NULL REFERENCES job (job),
  first_task INTEGER NOT NULL,
  end_task INTEGER NOT NULL,   -- one past the last
  phase INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'leased', 'blocked', 'done', 'dead')),
  attempts INTEGER NOT NULL,
  lapses INTEGER NOT NULL,
  fence INTEGER NOT NULL,      -- of the lease that holds it; 0: none
  reason TEXT NOT NULL,        -- why it is dead; empty: it is not
  died INTEGER NOT NULL,       -- 0: it is not dead
  PRIMARY KEY (job, first_task)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_range_state ON task_range (job, state, first_task);

CREATE TABLE lease (
  job INTEGER NOT NULL REFERENCES job (job),
  fence INTEGER NOT NULL,
  first_task INTEGER NOT NULL, -- as it was granted
  end_task INTEGER NOT NULL,
  worker TEXT NOT NULL,        -- for people
  slot TEXT NOT NULL,          -- of the process, for machines: who holds its lock lives
  since INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  milliseconds INTEGER NOT NULL,
  PRIMARY KEY (job, fence)
) STRICT, WITHOUT ROWID;

CREATE TABLE loss (
  job INTEGER NOT NULL REFERENCES job (job),
  task INTEGER NOT NULL,
  losses INTEGER NOT NULL,     -- how many its receipt names; no row: none
  PRIMARY KEY (job, task)
) STRICT, WITHOUT ROWID;
`;

/** What a ledger database looks like. */
export const LEDGER_SCHEMA: SqliteSchema = {
  // "slui" in ASCII: tells our databases from those of other programs.
  applicationId: 0x736c7569,
  migrations: [FIRST],
};
