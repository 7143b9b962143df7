/**
 * The PostgreSQL that tests work with: the one that SLUICE_TEST_POSTGRES names, the one at the usual place, or one that
 * is started from what is installed. Every test has a schema of its own, which is dropped with it.
 * @module
 */
import { PostgresClient } from "../../ledgers/_postgres_client.ts";
import { readTarget } from "../../ledgers/_postgres_target.ts";
import { initPostgresLedger } from "../../ledgers/postgres_ledger.ts";
import { findPrograms, PostgresServer } from "./_postgres_server.ts";

/** A client beside the ledger. */
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

async function find(): Promise<string | undefined> {
  const given = Deno.env.get("SLUICE_TEST_POSTGRES");
  if (given !== undefined) return given;
  const usual = "postgres://postgres@127.0.0.1:5432/test";
  if (await answers(usual)) return usual;
  const bin = await findPrograms();
  if (bin === undefined) return undefined;
  const server = await PostgresServer.start(bin);
  globalThis.addEventListener("unload", () => server.endSync());
  return server.url();
}

/** Address of a server, or undefined where there is none. */
export const SERVER: string | undefined = await find();

if (SERVER === undefined) {
  console.error(
    "No PostgreSQL: its tests are skipped; install one, or set SLUICE_TEST_POSTGRES=postgres://…",
  );
}

/** A ledger in a schema of its own. */
export class TestSchema implements AsyncDisposable {
  readonly #client: PostgresClient;

  private constructor(readonly url: string, readonly name: string, client: PostgresClient) {
    this.#client = client;
  }

  /** Makes the ledger. */
  static async make(server: string = SERVER!): Promise<TestSchema> {
    const schema = await TestSchema.reserve(server);
    await initPostgresLedger(schema.url);
    return schema;
  }

  /** Makes a name, and nothing in it. */
  static async reserve(server: string = SERVER!): Promise<TestSchema> {
    const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
    const url = `${server}${server.includes("?") ? "&" : "?"}schema=${name}`;
    return new TestSchema(url, name, await connect(server));
  }

  /** Asks beside the ledger; the name of the schema stands where `$` does. */
  async ask<Row>(sql: string): Promise<Row[]> {
    const rows = await this.#client.query(sql.replaceAll("$", `"${this.name}"`), []);
    return rows.map((row) => ({ ...row })) as Row[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ask("DROP SCHEMA IF EXISTS $ CASCADE");
    await this.#client.close();
  }
}
