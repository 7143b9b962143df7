/**
 * What a ledger in PostgreSQL looks like, as a list of migrations: a new version appends to it, and never edits what is
 * there, but for functions, which it makes anew.
 * @module
 */
import { crc32 } from "node:zlib";
import { firstTables } from "./_ledger_tables.ts";
import { workerFunctions } from "./_postgres_functions.ts";

/** Makes each version from the one before; the version is their number. */
export const MIGRATIONS: readonly ((schema: string) => string)[] = [
  (schema) => `
-- A type rather than a check: PostgreSQL would read the check anew for every statement.
CREATE TYPE task_state AS ENUM ('waiting', 'leased', 'blocked', 'done', 'dead');
${
    firstTables({
      integer: "bigint",
      counter: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
      ofJob: "",
      state: "task_state NOT NULL",
      counted: "",
      keyed: "",
    })
  }
-- Rows that change all the time find room for what they become beside what they were.
ALTER TABLE job SET (fillfactor = 50);
ALTER TABLE lease SET (fillfactor = 50);
ALTER TABLE task_range SET (fillfactor = 50);
CREATE INDEX task_range_waiting ON task_range (job, first_task) WHERE state = 'waiting';
${workerFunctions(quoted(schema), lockOf(schema))}`,
];

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The first half of the advisory locks of a ledger; the second is the number of the job. */
function lockOf(schema: string): number {
  return crc32(`sluice ledger ${schema}`) | 0;
}
