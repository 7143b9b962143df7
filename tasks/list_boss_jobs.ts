/**
 * The jobs of a Boss.
 * @module
 */
import type { BossServer } from "../boss/credentials.ts";
import type { ListedJob } from "../boss/rest.ts";
import { type AskBossOptions, openService } from "./_ask_boss.ts";

/** The jobs of one user. */
export interface BossJobList {
  /** Address of the Boss. */
  readonly server: string;
  /** Newest first; those that were cancelled are not among them. */
  readonly jobs: readonly ListedJob[];
}

/**
 * Lists the jobs of the user, or those of all users for who runs the Boss.
 * @throws {BossError} If no token is found, or the Boss refuses or does not answer.
 * @example
 * ```ts
 * import { listBossJobs } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
 * await using boss = Deno.serve(options, () =>
 *   Response.json({ ingest_jobs: [{ id: 41, status: 2 }, { id: 42, status: 1 }] }));
 * const server = { protocol: "http", host: `127.0.0.1:${boss.addr.port}` };
 * const { jobs } = await listBossJobs(server, { token: "0123456789abcdef" });
 * deepEqual(jobs.map(({ id, state }) => [id, state]), [[42, "uploading"], [41, "complete"]]);
 * ```
 */
export async function listBossJobs(
  server: BossServer,
  options: AskBossOptions = {},
): Promise<BossJobList> {
  const service = await openService(server, options);
  const jobs = await service.list({ signal: options.signal });
  return { server: service.url, jobs: jobs.toSorted((a, b) => b.id - a.id) };
}
