/**
 * What a service that keeps its state in SQLite uses of the ledgers.
 * @module
 */
export { SqliteDatabase, type SqliteSchema } from "./_sqlite_database.ts";
export { command, query, type SqlValue, type Steps } from "./_steps.ts";
