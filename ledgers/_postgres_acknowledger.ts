/**
 * Acknowledgements that are asked for while others are on their way go together, in one statement.
 * @module
 */
import type { Lease } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";
import type { PostgresClient } from "./_postgres_client.ts";
import type { Row } from "./_postgres_connection.ts";

/** Tasks in a row of one lease. */
interface Run {
  readonly job: number;
  readonly fence: number;
  readonly first: number;
  end: number;
  /** Task and number of losses, of those that have some. */
  readonly lost: [task: number, losses: number][];
  /** Told whether all of it is done now. */
  readonly settle: ((held: boolean) => void)[];
  readonly reject: ((error: unknown) => void)[];
}

/** Sends acknowledgements of one process, one statement at a time. */
export class Acknowledger {
  readonly #client: PostgresClient;
  readonly #one: string;
  readonly #many: string;
  readonly #given: () => number | null;
  #waiting: Run[] = [];
  #isSending = false;

  /**
   * @param schema Quoted name of the schema.
   * @param given The time of a test, or null for the server's.
   */
  constructor(client: PostgresClient, schema: string, given: () => number | null) {
    this.#client = client;
    this.#given = given;
    this.#one = `SELECT ${schema}.acknowledge_tasks(?, ?, ?, ?, ?, ?, ?) AS held`;
    this.#many = `SELECT ${schema}.acknowledge_tasks(job, fence, done_first, done_end,
        lost_tasks::bigint[], lost_counts::bigint[], ?::bigint) AS held
      FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::text[])
        AS run (job, fence, done_first, done_end, lost_tasks, lost_counts)`;
  }

  /** Marks tasks done; false, and nothing is changed, where they are not in a row or something is unusual. */
  acknowledge(
    { job, fence }: Lease,
    receipts: readonly Receipt[],
    append: () => void,
  ): Promise<boolean> {
    const tasks = receipts.map(({ task }) => task).sort((a, b) => a - b);
    const [first, end] = [tasks[0], tasks[tasks.length - 1] + 1];
    // Receipts are of different tasks: so many between the ends are all of them.
    if (tasks.length === 0 || end - first !== tasks.length) return Promise.resolve(false);
    append();
    const lost = receipts.flatMap(({ task, losses }): Run["lost"] =>
      losses.length === 0 ? [] : [[task, losses.length]]
    );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, fence, first, end, lost, settle: [resolve], reject: [reject] });
      if (this.#isSending) return;
      this.#isSending = true;
      // After those that are asked for in the same breath.
      queueMicrotask(() => this.#send());
    });
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const runs = joinRuns(this.#waiting);
      this.#waiting = [];
      try {
        const answers = await this.#ask(runs);
        for (const [at, { settle }] of runs.entries()) {
          for (const resolve of settle) resolve(answers[at].held === true);
        }
      } catch (error) {
        for (const { reject } of runs) for (const refuse of reject) refuse(error);
      }
    }
    this.#isSending = false;
  }

  #ask(runs: readonly Run[]): Promise<Row[]> {
    const given = this.#given();
    const rows = runs.map(({ job, fence, first, end, lost }) => [
      job,
      fence,
      first,
      end,
      arrayOf(lost.map(([task]) => task)),
      arrayOf(lost.map(([, losses]) => losses)),
    ]);
    if (rows.length === 1) return this.#client.query(this.#one, [...rows[0], given]);
    const columns = rows[0].map((_, at) => rows.map((row) => row[at]));
    return this.#client.query(this.#many, [
      given,
      ...columns.map((column) =>
        arrayOf(column.map((value) => typeof value === "string" ? `"${value}"` : value))
      ),
    ]);
  }
}

/** Runs of one lease that touch become one, which holds if each does. */
function joinRuns(runs: readonly Run[]): Run[] {
  const joined: Run[] = [];
  const inOrder = runs.toSorted((a, b) => a.job - b.job || a.fence - b.fence || a.first - b.first);
  for (const run of inOrder) {
    const last = joined.at(-1);
    if (last?.job !== run.job || last.fence !== run.fence || last.end !== run.first) {
      joined.push(run);
      continue;
    }
    last.end = run.end;
    last.lost.push(...run.lost);
    last.settle.push(...run.settle);
    last.reject.push(...run.reject);
  }
  return joined;
}

/** As PostgreSQL writes an array. */
function arrayOf(values: readonly (number | string)[]): string {
  return `{${values.join(",")}}`;
}
