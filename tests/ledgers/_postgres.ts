/**
 * The PostgreSQL that tests work with.
 * @module
 */
import { findPostgres, NO_POSTGRES } from "../../scripts/_find_postgres.ts";

export { connect, OwnSchema } from "../../scripts/_find_postgres.ts";

const server = await findPostgres();
globalThis.addEventListener("unload", () => server?.end());
if (server === undefined) console.error(`Skipped, as ${NO_POSTGRES}`);

/** Address of a server, or undefined where there is none. */
export const SERVER: string | undefined = server?.url;
