/**
 * One connection to PostgreSQL, until it is lost. The only file that knows the client from npm.
 * @module
 */
import { Socket } from "node:net";
import postgres from "npm:postgres@3.4.9";
import type { PostgresTarget } from "./_postgres_target.ts";
import type { SqlValue } from "./_steps.ts";

/** What stands for a placeholder. */
export type Value = SqlValue | null;

/** A row by the names of its columns; whole numbers of any size are numbers. */
export type Row = Record<string, unknown>;

/** Asks for the rows of one statement. Placeholders are `?`. */
export type Ask = (sql: string, values: readonly Value[]) => Promise<Row[]>;

type Client = ReturnType<typeof makeClient>;

const GRACE_MS = 1000;

/** Connects when it is first used, and never anew. */
export class PostgresConnection {
  readonly #client: Client;
  readonly #prepare: boolean;
  readonly #answerSeconds: number;
  #socket?: Socket;
  #opened?: Promise<unknown>;
  #isOver = false;

  /** @param answerSeconds How long a statement may take; then the connection is taken for dead. */
  constructor(target: PostgresTarget, answerSeconds: number) {
    this.#prepare = target.prepare;
    this.#answerSeconds = answerSeconds;
    const { host, port, connectSeconds } = target;
    this.#client = makeClient(
      target,
      async () => this.#socket = await openSocket(host, port, connectSeconds),
      () => this.hangUp(),
    );
  }

  /** Whether nothing can be asked any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Asks for the rows of a statement that is its own transaction. */
  readonly ask: Ask = (sql, values) => this.#ask(this.#client, sql, values);

  /**
   * Lets nothing come between what `work` asks.
   * @param work Leaves no transaction open, unless it throws.
   */
  async alone<Result>(work: (ask: Ask) => Promise<Result>): Promise<Result> {
    // The client never reserves a connection that is yet to be made.
    await (this.#opened ??= this.ask("SELECT 1", []));
    this.#mustNotBeOver();
    const reserved = await this.#watch(this.#client.reserve());
    const ask: Ask = (sql, values) => this.#ask(reserved, sql, values);
    try {
      return await work(ask);
    } catch (error) {
      if (!this.#isOver) await ask("ROLLBACK", []);
      throw error;
    } finally {
      if (!this.#isOver) reserved.release();
    }
  }

  /** Lets what was asked be answered, then closes. */
  async close(): Promise<void> {
    await this.#client.end({ timeout: 5 });
    this.#isOver = true;
  }

  /** Waits for nothing: what was asked fails. */
  hangUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#client.end({ timeout: 0 }).catch(() => {});
    // The client waits for a farewell that a dead connection never sends.
    this.#socket?.destroy();
  }

  #ask(client: Pick<Client, "unsafe">, sql: string, values: readonly Value[]): Promise<Row[]> {
    this.#mustNotBeOver();
    const prepare = this.#prepare;
    return this.#watch(client.unsafe<Row[]>(numbered(sql), values.map(toText), { prepare }));
  }

  async #watch<Result>(answer: PromiseLike<Result>): Promise<Result> {
    let timer = setTimeout(() => {
      // After a freeze of this process both the answer and this timer are due: the answer first.
      timer = setTimeout(() => this.hangUp(), GRACE_MS);
    }, this.#answerSeconds * 1000);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #mustNotBeOver(): void {
    if (!this.#isOver) return;
    throw Object.assign(new Error("the connection was lost"), { code: "CONNECTION_CLOSED" });
  }
}

function makeClient(
  { host, port, user, password, database, tls, ...target }: PostgresTarget,
  socket: () => Promise<Socket>,
  onclose: () => void,
) {
  const { certificates, connectSeconds, prepare } = target;
  const verified = {
    rejectUnauthorized: true,
    // Without it, a certificate for localhost would do where the host is a number.
    host,
    ...(certificates === undefined ? {} : { ca: certificates }),
    ...(tls === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  };
  // Every option is given, as the client would read those that are not from the environment.
  return postgres({
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
    socket,
    onclose,
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
    connection: { application_name: `sluice ${Deno.pid}` },
    types: { whole: { to: 20, from: [20, 1700], parse: Number, serialize: String } },
    onnotice: () => {},
  } as postgres.Options<{ whole: postgres.PostgresType }>);
}

/** Opens a socket by ourselves: then a refusal is an error of the statement that waits, whatever it is. */
function openSocket(host: string, port: number, seconds: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      const error = new Error(`there was no answer within ${seconds} s`);
      fail(Object.assign(error, { code: "CONNECT_TIMEOUT" }));
    }, seconds * 1000);
    const opened = () => {
      clearTimeout(timer);
      socket.off("error", fail);
      socket.setNoDelay(true);
      // The client reads the host there, for the name in the certificate.
      resolve(Object.assign(socket, { host }));
    };
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
