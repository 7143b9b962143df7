/**
 * The tables of a ledger in PostgreSQL, with the receipts in a folder that all machines share.
 * @module
 */
import type { Lease, LeaseId } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";
import type { Asked } from "./_lease_steps.ts";
import { Acknowledger } from "./_postgres_acknowledger.ts";
import type { PostgresClient } from "./_postgres_client.ts";
import { quoted } from "./_postgres_schema.ts";
import { ReceiptFolders } from "./_receipt_folders.ts";
import { runStepsLater, type Steps } from "./_steps.ts";
import type { LedgerTables, Scope, Shortcuts } from "./_table_ledger.ts";
import { readReceipts } from "./receipt_log.ts";

/** A database that many machines share. */
export class PostgresTables implements LedgerTables {
  /**
   * Nobody can tell from afar whether a process lives: a connection may break, or a pooler lend it to others. So a
   * lease is over when it expires, and not before.
   */
  readonly slot = "";
  readonly shortcuts: Shortcuts;
  readonly #client: PostgresClient;
  readonly #sql: Readonly<Record<"begin" | "lease" | "extend" | "check", string>>;
  readonly #clock?: () => number;
  readonly #folders = new ReceiptFolders({ shared: true });

  /** @param clock Where a test has its own; else the server's time counts. */
  constructor(client: PostgresClient, clock?: () => number) {
    this.#client = client;
    this.#clock = clock;
    const schema = quoted(client.target.schema);
    this.#sql = {
      begin: `SELECT ${schema}.begin_steps(?::bigint, ?::bigint) AS now`,
      lease:
        `SELECT answer, lease_fence, lease_first, lease_end FROM ${schema}.lease_tasks(?, ?, ?, ?, ?)`,
      extend: `SELECT ${schema}.extend_lease(?, ?, ?) AS held`,
      check: `SELECT ${schema}.check_lease(?, ?, ?) AS held`,
    };
    const acknowledger = new Acknowledger(client, schema, () => this.#given());
    this.shortcuts = {
      lease: (job, asked) => this.#lease(job, asked),
      extend: (lease) => this.#holds(this.#sql.extend, lease),
      check: (lease) => this.#holds(this.#sql.check, lease),
      acknowledge: (lease, receipts, append) => acknowledger.acknowledge(lease, receipts, append),
    };
  }

  transact<Result>(
    { mode, job, repeatable = true }: Scope,
    steps: (now: number) => Steps<Result>,
  ): Promise<Result> {
    return this.#client.transact(mode, repeatable, async (ask) => {
      const locked = mode === "read" ? null : job ?? null;
      const [{ now }] = await ask(this.#sql.begin, [locked, this.#given()]);
      return await runStepsLater(steps(now as number), ask);
    });
  }

  gone(): readonly string[] {
    return [];
  }

  append(_job: number, folder: string, receipts: readonly Receipt[]): void {
    if (folder !== "") this.#folders.append(folder, receipts);
  }

  async *receipts(_job: number, folder: string): AsyncGenerator<Receipt> {
    if (folder !== "") yield* readReceipts(folder);
  }

  async close(): Promise<void> {
    this.#folders.close();
    await this.#client.close();
  }

  async #lease(job: number, asked: Asked): Promise<Lease | "wait" | "done" | undefined> {
    const { worker, tasks, milliseconds } = asked;
    const [row] = await this.#client.query(
      this.#sql.lease,
      [job, worker, tasks, milliseconds, this.#given()],
    ) as unknown as LeaseAnswer[];
    if (row.answer === "steps") return undefined;
    if (row.answer !== "leased") return row.answer;
    const { lease_fence: fence, lease_first: first, lease_end: end } = row;
    return { id: `${job}/${fence}` as LeaseId, job, fence, first, end };
  }

  async #holds(sql: string, { job, fence }: Lease): Promise<boolean> {
    const [{ held }] = await this.#client.query(sql, [job, fence, this.#given()]);
    return held === true;
  }

  #given(): number | null {
    return this.#clock === undefined ? null : Math.floor(this.#clock());
  }
}

interface LeaseAnswer {
  readonly answer: "steps" | "wait" | "done" | "leased";
  readonly lease_fence: number;
  readonly lease_first: number;
  readonly lease_end: number;
}
