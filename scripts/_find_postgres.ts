/**
 * A PostgreSQL to try things on: the one that SLUICE_TEST_POSTGRES names, the one at the usual place, or one that is
 * started from what is installed. Whoever uses it keeps to a schema of their own, and drops it.
 * @module
 */
// As tests do: only the client of the ledger speaks to a server.
import { PostgresClient } from "../ledgers/_postgres_client.ts";
import { readTarget } from "../ledgers/_postgres_target.ts";
import { initPostgresLedger } from "../ledgers/postgres_ledger.ts";
import { findPrograms, PostgresServer } from "./_postgres_server.ts";

const USUAL = "postgres://postgres@127.0.0.1:5432/test";

/** A server that answers. */
export interface FoundServer {
  readonly url: string;
  /** Ends what was started for it, at once. */
  end(): void;
}

/** Finds or starts a server; undefined where none is installed. */
export async function findPostgres(): Promise<FoundServer | undefined> {
  const given = Deno.env.get("SLUICE_TEST_POSTGRES");
  if (given !== undefined) return { url: given, end: () => {} };
  if (await answers(USUAL)) return { url: USUAL, end: () => {} };
  const bin = await findPrograms();
  if (bin === undefined) return undefined;
  const server = await PostgresServer.start(bin);
  return { url: server.url(), end: () => server.endSync() };
}

/** What to say where there is none. */
export const NO_POSTGRES =
  "there is no PostgreSQL; install one, or set SLUICE_TEST_POSTGRES=postgres://…";

/** A client of a server. */
export async function connect(url: string): Promise<PostgresClient> {
  return new PostgresClient(await readTarget(url, Deno.env));
}

async function answers(url: string): Promise<boolean> {
  const client = await connect(url);
  try {
    await client.query("SELECT 1", []);
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

/** A schema of one's own, with a ledger in it or with nothing. */
export class OwnSchema implements AsyncDisposable {
  readonly #client: PostgresClient;

  private constructor(readonly url: string, readonly name: string, client: PostgresClient) {
    this.#client = client;
  }

  /** Makes the ledger. */
  static async make(server: string): Promise<OwnSchema> {
    const schema = await OwnSchema.reserve(server);
    await initPostgresLedger(schema.url);
    return schema;
  }

  /** Makes a name, and nothing in it. */
  static async reserve(server: string): Promise<OwnSchema> {
    const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
    const url = `${server}${server.includes("?") ? "&" : "?"}schema=${name}`;
    return new OwnSchema(url, name, await connect(server));
  }

  /** Asks beside the ledger; the name of the schema stands where `$` does. */
  async ask<Row>(sql: string): Promise<Row[]> {
    const rows = await this.#client.query(sql.replaceAll("$", `"${this.name}"`), []);
    return rows.map((row) => ({ ...row })) as Row[];
  }

  /** Asks in one transaction, whatever happens meanwhile. */
  alone<Result>(
    work: (ask: (sql: string) => Promise<unknown>) => Promise<Result>,
  ): Promise<Result> {
    return this.#client.transact(
      "write",
      false,
      (ask) => work((sql) => ask(sql.replaceAll("$", `"${this.name}"`), [])),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ask("DROP SCHEMA IF EXISTS $ CASCADE");
    await this.#client.close();
  }
}
