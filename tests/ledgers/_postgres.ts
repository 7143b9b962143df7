/**
 * The PostgreSQL that tests work with.
 * @module
 */
import { join } from "node:path";
import type { Lease } from "../../core/plan.ts";
import type { Ledger } from "../../ledgers/ledger.ts";
import { findPostgres, NO_POSTGRES, OwnSchema } from "../../scripts/_find_postgres.ts";
import {
  findPrograms,
  PostgresServer,
  type ServerOptions,
} from "../../scripts/_postgres_server.ts";

export { connect, OwnSchema } from "../../scripts/_find_postgres.ts";

const server = await findPostgres();
globalThis.addEventListener("unload", () => server?.end());
if (server === undefined) console.error(`Skipped, as ${NO_POSTGRES}`);

/** Address of a server, or undefined where there is none. */
export const SERVER: string | undefined = server?.url;

const programs = await findPrograms();
if (programs === undefined) console.error("Skipped: servers of our own, as none is installed");

/** A ledger, and room for receipts. */
export interface Place {
  readonly schema: OwnSchema;
  readonly url: string;
  readonly receipts: string;
}

/** Registers a test on a ledger of its own. */
export function testLedger(name: string, run: (place: Place) => Promise<void>): void {
  Deno.test({
    name: `postgres ledger: ${name}`,
    ignore: SERVER === undefined,
    async fn() {
      await using schema = await OwnSchema.make(SERVER!);
      const folder = await Deno.makeTempDir();
      try {
        await run({ schema, url: schema.url, receipts: join(folder, "receipts") });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Registers a test on a server of its own. */
export function testServer(
  name: string,
  options: ServerOptions,
  run: (server: PostgresServer) => Promise<void>,
): void {
  Deno.test({
    name: `postgres server: ${name}`,
    ignore: programs === undefined,
    async fn() {
      await using server = await PostgresServer.start(programs!, options);
      await run(server);
    },
  });
}

/** Leases what there must be. */
export async function take(
  ledger: Ledger,
  job: number,
  tasks = 1,
  leaseSeconds = 60,
): Promise<Lease> {
  const lease = await ledger.lease(job, { worker: "me", tasks, leaseSeconds });
  if (typeof lease === "string") throw new Error(`There was nothing to lease: ${lease}`);
  return lease;
}

/** Waits. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
