/**
 * One connection to PostgreSQL that comes back when it is lost. The only file that knows the client from npm.
 *
 * Nothing is kept in the session but prepared statements, so a pooler may lie between.
 * @module
 */
import { Socket } from "node:net";
import postgres from "npm:postgres@3.4.9";
import { isBusy, postgresError, troubleOf } from "./_postgres_errors.ts";
import type { PostgresTarget } from "./_postgres_target.ts";
import type { SqlValue } from "./_steps.ts";
import { LedgerError } from "./ledger.ts";

/** How long to be patient. */
export interface PatienceOptions {
  /** How long to try to reach a server that was there before. @default 300 */
  readonly reconnectSeconds?: number;
  /** How long a statement may take; then the connection is taken for dead. @default 90 */
  readonly answerSeconds?: number;
}

/** What stands for a placeholder. */
export type Value = SqlValue | null;

/** Asks for the rows of one statement. Placeholders are `?`. */
export type Ask = (sql: string, values: readonly Value[]) => Promise<Row[]>;

/** A row by the names of its columns; whole numbers of any size are numbers. */
export type Row = Record<string, unknown>;

type Sql = ReturnType<typeof connect>["sql"];

/** How long to try a server that is there but has no time, before the first answer. */
const BUSY_SECONDS = 30;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
const GRACE_MS = 1000;

/** Begins a transaction that only reads, and sees one moment; or one that writes. */
const BEGIN = { read: "isolation level repeatable read read only", write: "read write" } as const;

/** A client of one database. */
export class PostgresClient {
  readonly target: PostgresTarget;
  readonly #reconnectSeconds: number;
  readonly #answerSeconds: number;
  readonly #closed = new AbortController();
  #connection?: ReturnType<typeof connect>;
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
    return this.#attempt((connected) => this.#ask(connected, sql, values));
  }

  /**
   * Runs statements that count all or not at all. They are taken again from the start if the connection is lost before
   * the last was answered; after that, only if `repeatable`.
   */
  transact<Result>(
    mode: "read" | "write",
    repeatable: boolean,
    work: (ask: Ask) => Promise<Result>,
  ): Promise<Result> {
    let isWorkDone = false;
    return this.#attempt(
      (sql) =>
        sql.begin(BEGIN[mode], async (transaction) => {
          isWorkDone = false;
          const result = await work((sql, values) => this.#ask(transaction, sql, values));
          isWorkDone = true;
          // Boxed: the client would take an array for statements to wait for.
          return { result };
        }).then(({ result }) => result as Result),
      () => repeatable || !isWorkDone,
    );
  }

  /** Lets what was asked be answered, then hangs up. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#connection?.sql.end({ timeout: 5 });
  }

  async #attempt<Result>(
    work: (sql: Sql) => Promise<Result>,
    mayRepeat: () => boolean = () => true,
  ): Promise<Result> {
    const begun = performance.now();
    for (let pause = FIRST_PAUSE_MS;; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      this.#mustBeOpen();
      const connection = this.#connection ??= connect(this.target);
      try {
        return await work(connection.sql);
      } catch (error) {
        const trouble = troubleOf(error);
        if (trouble === "lost") this.#drop(connection);
        const seconds = (performance.now() - begun) / 1000;
        if (!this.#isWorthWaiting(error, seconds) || !mayRepeat()) {
          throw postgresError(this.target, error);
        }
      }
      await this.#pause(pause * (0.5 + Math.random() / 2));
    }
  }

  #isWorthWaiting(error: unknown, seconds: number): boolean {
    if (this.#closed.signal.aborted || troubleOf(error) === undefined) return false;
    if (troubleOf(error) === "conflict" || this.#wasReached) {
      return seconds < this.#reconnectSeconds;
    }
    return isBusy(error) && seconds < BUSY_SECONDS;
  }

  async #ask(
    connected: Pick<Sql, "unsafe">,
    sql: string,
    values: readonly Value[],
  ): Promise<Row[]> {
    const { prepare } = this.target;
    const asked = connected.unsafe<Row[]>(numbered(sql), values.map(toText), { prepare });
    const connection = this.#connection;
    let timer = setTimeout(() => {
      // After a freeze of this process both the answer and this timer are due: the answer first.
      timer = setTimeout(() => this.#drop(connection), GRACE_MS);
    }, this.#answerSeconds * 1000);
    try {
      const rows = await asked;
      this.#wasReached = true;
      return rows;
    } finally {
      clearTimeout(timer);
    }
  }

  #drop(connection: ReturnType<typeof connect> | undefined): void {
    if (connection === undefined) return;
    if (connection === this.#connection) this.#connection = undefined;
    connection.hangUp();
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

  #mustBeOpen(): void {
    if (!this.#closed.signal.aborted) return;
    throw new LedgerError(
      `Cannot use "${this.target.label}" as the ledger: it was closed; open it again`,
      "unavailable",
    );
  }
}

function connect({ host, port, user, password, database, tls, ...target }: PostgresTarget) {
  const { certificates, connectSeconds, prepare } = target;
  const verified = {
    rejectUnauthorized: true,
    // Without it, a certificate for localhost would do where the host is a number.
    host,
    ...(certificates === undefined ? {} : { ca: certificates }),
    ...(tls === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  };
  let socket: Socket | undefined;
  // Every option is given, as the client would read those that are not from the environment.
  const sql = postgres({
    host,
    port,
    user,
    // Asked for only if the server wants one.
    password: () => password,
    database,
    ssl: tls === "disable"
      ? false
      : tls.startsWith("verify")
      ? verified
      : tls === "require"
      ? tls
      : "prefer",
    sslnegotiation: null,
    socket: async () => socket = await openSocket(host, port, connectSeconds),
    max: 1,
    max_lifetime: null,
    max_pipeline: 100,
    idle_timeout: 0,
    connect_timeout: connectSeconds,
    keep_alive: 30,
    backoff: () => 0,
    prepare,
    fetch_types: false,
    debug: false,
    publications: "",
    connection: { application_name: "sluice" },
    types: { whole: { to: 20, from: [20, 1700], parse: Number, serialize: String } },
    onnotice: () => {},
  } as postgres.Options<{ whole: postgres.PostgresType }>);
  const hangUp = () => {
    sql.end({ timeout: 0 }).catch(() => {});
    // The client waits for a farewell that a dead connection never sends.
    socket?.destroy();
  };
  return { sql, hangUp };
}

/** Opens a socket by ourselves: then a refusal is an error of the statement that waits, whatever it is. */
function openSocket(host: string, port: number, seconds: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    const timer = setTimeout(() => {
      socket.destroy();
      reject(Object.assign(new Error(`there was no answer within ${seconds} s`), {
        code: "CONNECT_TIMEOUT",
      }));
    }, seconds * 1000);
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
    };
    const fail = (error: Error) => settle(() => reject(error));
    const opened = () =>
      settle(() => {
        socket.off("error", fail);
        socket.setNoDelay(true);
        // Read by the client for the name in the certificate.
        resolve(Object.assign(socket, { host }));
      });
    socket.once("error", fail);
    try {
      if (host.startsWith("/")) socket.connect(`${host}/.s.PGSQL.${port}`, opened);
      else socket.connect(port, host, opened);
    } catch (error) {
      fail(error as Error);
    }
  });
}

const texts = new Map<string, string>();

/** With `$1`, `$2`, … for each `?`. */
function numbered(sql: string): string {
  let text = texts.get(sql);
  if (text === undefined) {
    let count = 0;
    text = sql.replace(/\?/g, () => `$${++count}`);
    texts.set(sql, text);
  }
  return text;
}

/** PostgreSQL holds no NUL in texts. */
function toText(value: Value): Value {
  return typeof value === "string" ? value.replaceAll("\0", "") : value;
}
