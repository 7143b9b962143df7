/**
 * The tables of a ledger in SQLite, in a file or in memory, with the receipts beside them.
 * @module
 */
import type { Receipt } from "../core/receipt.ts";
import { ReceiptFolders } from "./_receipt_folders.ts";
import type { SqliteDatabase } from "./_sqlite_database.ts";
import type { Steps } from "./_steps.ts";
import type { LedgerTables, Scope } from "./_table_ledger.ts";
import type { WorkerLocks } from "./_worker_locks.ts";
import { readReceipts } from "./receipt_log.ts";

/** A database; with locks if other processes share it, and with its own receipts if none do. */
export class SqliteTables implements LedgerTables {
  readonly slot: string;
  readonly #database: SqliteDatabase;
  readonly #clock: () => number;
  readonly #locks?: WorkerLocks;
  readonly #folders: ReceiptFolders;
  /** By job and task; those of jobs that name no folder, where nobody else can want them. */
  readonly #kept = new Map<number, Map<number, Receipt>>();

  constructor(database: SqliteDatabase, clock: () => number = Date.now, locks?: WorkerLocks) {
    this.#database = database;
    this.#clock = clock;
    this.#locks = locks;
    this.#folders = new ReceiptFolders({ name: locks?.id, shared: false });
    this.slot = locks?.id ?? "";
  }

  // deno-lint-ignore require-await -- async, so that what is thrown is a rejection
  async transact<Result>(
    { mode }: Scope,
    steps: (now: number) => Steps<Result>,
  ): Promise<Result> {
    return this.#database.transact(mode, () => steps(Math.floor(this.#clock())));
  }

  gone(slots: readonly string[]): readonly string[] {
    const locks = this.#locks;
    return locks === undefined ? [] : slots.filter((slot) => locks.isGone(slot));
  }

  append(job: number, folder: string, receipts: readonly Receipt[]): void {
    if (folder !== "") this.#folders.append(folder, receipts);
    else if (this.#locks === undefined) {
      const kept = this.#kept.get(job) ?? new Map<number, Receipt>();
      this.#kept.set(job, kept);
      for (const receipt of receipts) kept.set(receipt.task, receipt);
    }
  }

  async *receipts(job: number, folder: string): AsyncGenerator<Receipt> {
    if (folder !== "") yield* readReceipts(folder);
    else yield* this.#kept.get(job)?.values() ?? [];
  }

  close(): Promise<void> {
    this.#folders.close();
    this.#database.close();
    this.#locks?.close();
    return Promise.resolve();
  }
}
