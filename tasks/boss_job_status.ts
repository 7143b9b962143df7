/**
 * How a job of a Boss stands.
 * @module
 */
import type { BossServer } from "../boss/credentials.ts";
import type { BossJobState } from "../boss/rest.ts";
import { type AskBossOptions, openService } from "./_ask_boss.ts";

/** How a job stands. */
export interface BossJobStatus {
  /** Address of the Boss. */
  readonly server: string;
  /** Number of the job. */
  readonly job: number;
  /** How far it is. */
  readonly state: BossJobState;
  /** Messages of the whole job: tiles, or chunks. */
  readonly total?: number;
  /** Messages that wait for a worker: those in the hands of one are not among them, so 0 does not mean done. */
  readonly left?: number;
}

/**
 * Asks how a job stands; one that was cancelled is `deleted`.
 * @throws {BossError} If there never was such a job, no token is found, or the Boss refuses or does not answer.
 * @example
 * ```ts
 * import { bossJobStatus } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
 * await using boss = Deno.serve(options, () =>
 *   Response.json({ id: 42, status: 1, total_message_count: 3200, current_message_count: 3117 }));
 * const server = { protocol: "http", host: `127.0.0.1:${boss.addr.port}` };
 * const { state, left } = await bossJobStatus(server, 42, { token: "0123456789abcdef" });
 * deepEqual([state, left], ["uploading", 3117]);
 * ```
 */
export async function bossJobStatus(
  server: BossServer,
  job: number,
  options: AskBossOptions = {},
): Promise<BossJobStatus> {
  const service = await openService(server, options);
  const { id, ...progress } = await service.status(job, { signal: options.signal });
  return { server: service.url, job: id, ...progress };
}
