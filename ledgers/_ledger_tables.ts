/**
 * The tables of a ledger, said once for every database.
 * @module
 */

/** What databases write differently. */
export interface TableDialect {
  /** Column type of whole numbers to 2^53. */
  readonly integer: string;
  /** Type of a key that the database counts up. */
  readonly counter: string;
  /** What follows a column that names a job: the constraint, unless it would cost too much at every insert. */
  readonly ofJob: string;
  /** Type of a task's state. */
  readonly state: string;
  /** What follows a table with such a key. */
  readonly counted: string;
  /** What follows a table whose rows lie in the order of their key. */
  readonly keyed: string;
}

/** Version 1, without indexes. A later version is another function beside it: this one never changes. */
export function firstTables(
  { integer, counter, ofJob, state, counted, keyed }: TableDialect,
): string {
  return `
CREATE TABLE job (
  job ${counter},
  plan_id TEXT NOT NULL,
  target TEXT NOT NULL,
  receipts TEXT NOT NULL,      -- folder; empty: none
  created ${integer} NOT NULL,    -- milliseconds since 1970, as all times here
  tasks ${integer} NOT NULL,
  fence ${integer} NOT NULL,      -- of the latest lease
  cancelled ${integer} NOT NULL,  -- 0 or 1
  last_done ${integer} NOT NULL   -- 0: nothing is done yet
)${counted};

-- Apart from job, whose rows change with every acknowledgement.
CREATE TABLE job_plan (
  job ${integer} PRIMARY KEY${ofJob},
  plan TEXT NOT NULL           -- JSON
)${counted};

-- Every task of a job lies in exactly one range; neighbours that are alike are one row.
CREATE TABLE task_range (
  job ${integer} NOT NULL${ofJob},
  first_task ${integer} NOT NULL,
  end_task ${integer} NOT NULL,   -- one past the last
  phase ${integer} NOT NULL,
  state ${state},
  attempts ${integer} NOT NULL,
  lapses ${integer} NOT NULL,
  fence ${integer} NOT NULL,      -- of the lease that holds it; 0: none
  reason TEXT NOT NULL,        -- why it is dead; empty: it is not
  died ${integer} NOT NULL,       -- 0: it is not dead
  PRIMARY KEY (job, first_task)
)${keyed};

CREATE TABLE lease (
  job ${integer} NOT NULL${ofJob},
  fence ${integer} NOT NULL,
  first_task ${integer} NOT NULL, -- as it was granted
  end_task ${integer} NOT NULL,
  worker TEXT NOT NULL,        -- for people
  slot TEXT NOT NULL,          -- of the process, for machines: who holds its lock lives; empty: nobody can tell
  since ${integer} NOT NULL,
  expires ${integer} NOT NULL,
  milliseconds ${integer} NOT NULL,
  PRIMARY KEY (job, fence)
)${keyed};

CREATE TABLE loss (
  job ${integer} NOT NULL${ofJob},
  task ${integer} NOT NULL,
  losses ${integer} NOT NULL,     -- how many its receipt names; no row: none
  PRIMARY KEY (job, task)
)${keyed};
`;
}
