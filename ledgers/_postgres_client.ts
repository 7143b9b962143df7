/**
 * A client of PostgreSQL whose connection comes back when it is lost.
 *
 * Nothing is kept in the session but prepared statements, so a pooler may lie between.
 * @module
 */
import { type Ask, PostgresConnection, type Row, type Value } from "./_postgres_connection.ts";
import { isBusy, postgresError, troubleOf } from "./_postgres_errors.ts";
import type { PostgresTarget } from "./_postgres_target.ts";
import { LedgerError } from "./ledger.ts";

/** How long to be patient. */
export interface PatienceOptions {
  /** How long to try to reach a server that was there before. @default 300 */
  readonly reconnectSeconds?: number;
  /** How long a statement may take; then the connection is taken for dead. @default 90 */
  readonly answerSeconds?: number;
}

/** How long to try a server that is there but has no time, before the first answer. */
const BUSY_SECONDS = 30;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** Begins a transaction that only reads, and sees one moment; or one that writes. */
const BEGIN = {
  read: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
  write: "BEGIN READ WRITE",
} as const;

/** A client of one database. */
export class PostgresClient {
  readonly target: PostgresTarget;
  readonly #reconnectSeconds: number;
  readonly #answerSeconds: number;
  readonly #closed = new AbortController();
  #connection?: PostgresConnection;
  #wasReached = false;

  /** Nothing is connected before it is used. */
  constructor(
    target: PostgresTarget,
    { reconnectSeconds = 300, answerSeconds = 90 }: PatienceOptions = {},
  ) {
    this.target = target;
    this.#reconnectSeconds = reconnectSeconds;
    this.#answerSeconds = answerSeconds;
  }

  /**
   * Asks for the rows of one statement, which is its own transaction. If the connection is lost meanwhile, it is asked
   * again: whether the first time counted cannot be known.
   */
  query(sql: string, values: readonly Value[]): Promise<Row[]> {
    return this.#attempt((connection) => this.#told(connection.ask(sql, values)));
  }

  /**
   * Runs statements that count all or not at all. They are taken again from the start if the connection is lost before
   * the end was asked for; after that, only if `repeatable`.
   */
  transact<Result>(
    mode: "read" | "write",
    repeatable: boolean,
    work: (ask: Ask) => Promise<Result>,
  ): Promise<Result> {
    let isEnding = false;
    return this.#attempt(
      (connection) =>
        connection.alone(async (ask) => {
          isEnding = false;
          const begun = this.#told(ask(BEGIN[mode], []));
          // Whoever waits for what follows hears of its failure.
          begun.catch(() => {});
          const result = await work((sql, values) => this.#told(ask(sql, values)));
          await begun;
          isEnding = true;
          await ask("COMMIT", []);
          return result;
        }),
      () => repeatable || !isEnding,
    );
  }

  /** Lets what was asked be answered, then hangs up. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#connection?.close();
  }

  async #attempt<Result>(
    work: (connection: PostgresConnection) => Promise<Result>,
    mayRepeat: () => boolean = () => true,
  ): Promise<Result> {
    const begun = performance.now();
    for (let pause = FIRST_PAUSE_MS;; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const connection = this.#connect();
      try {
        return await work(connection);
      } catch (error) {
        if (troubleOf(error) === "lost") connection.hangUp();
        const seconds = (performance.now() - begun) / 1000;
        if (!this.#isWorthWaiting(error, seconds) || !mayRepeat()) {
          throw postgresError(this.target, error);
        }
      }
      await this.#pause(pause * (0.5 + Math.random() / 2));
    }
  }

  #connect(): PostgresConnection {
    if (this.#closed.signal.aborted) {
      throw new LedgerError(
        `Cannot use "${this.target.label}" as the ledger: it was closed; open it again`,
        "unavailable",
      );
    }
    if (this.#connection?.isOver ?? true) {
      this.#connection = new PostgresConnection(this.target, this.#answerSeconds);
    }
    return this.#connection!;
  }

  async #told(answer: Promise<Row[]>): Promise<Row[]> {
    const rows = await answer;
    this.#wasReached = true;
    return rows;
  }

  #isWorthWaiting(error: unknown, seconds: number): boolean {
    const trouble = troubleOf(error);
    if (this.#closed.signal.aborted || trouble === undefined) return false;
    if (trouble === "conflict" || this.#wasReached) return seconds < this.#reconnectSeconds;
    return isBusy(error) && seconds < BUSY_SECONDS;
  }

  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#closed;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      signal.addEventListener("abort", end);
    });
  }
}
