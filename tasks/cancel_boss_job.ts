/**
 * Ends a job of a Boss before it is complete.
 * @module
 */
import type { BossServer } from "../boss/credentials.ts";
import type { BossJobState } from "../boss/rest.ts";
import { type AskBossOptions, openService } from "./_ask_boss.ts";

/** What was done. */
export interface CancelledBossJob {
  /** Address of the Boss. */
  readonly server: string;
  /** Number of the job. */
  readonly job: number;
  /** How far it was before. */
  readonly before: BossJobState;
  /** How far it is now: `deleted`, or `complete` where it was that and nothing was done. */
  readonly state: "deleted" | "complete";
}

/**
 * Cancels a job: its queues and keys go, what was ingested stays. One that is complete stays complete.
 * @throws {BossError} If there never was such a job, it is somebody else's, or the Boss refuses or does not answer.
 * @example
 * ```ts
 * import { cancelBossJob } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
 * await using boss = Deno.serve(options, ({ method }) =>
 *   method === "DELETE"
 *     ? new Response(null, { status: 204 })
 *     : Response.json({ id: 42, status: 1 }));
 * const server = { protocol: "http", host: `127.0.0.1:${boss.addr.port}` };
 * const { before, state } = await cancelBossJob(server, 42, { token: "0123456789abcdef" });
 * deepEqual([before, state], ["uploading", "deleted"]);
 * ```
 */
export async function cancelBossJob(
  server: BossServer,
  job: number,
  options: AskBossOptions = {},
): Promise<CancelledBossJob> {
  const { signal } = options;
  const service = await openService(server, options);
  const { state: before } = await service.status(job, { signal });
  const common = { server: service.url, job, before };
  if (before === "complete") return { ...common, state: before };
  if (before !== "deleted") await service.cancel(job, { signal });
  return { ...common, state: "deleted" };
}
