/**
 * Says to a Boss that all of a job is uploaded.
 * @module
 */
import type { BossServer } from "../boss/credentials.ts";
import { waitOr } from "../boss/completion.ts";
import { Hands } from "../boss/hands.ts";
import type { BossCompletion, BossJobState, BossService } from "../boss/rest.ts";
import { isNotFound } from "../core/errors.ts";
import { type AskBossOptions, openService } from "./_ask_boss.ts";
import { defaultSpoolFolder } from "./_spool_folder.ts";

/** What came of it. */
export interface CompletedBossJob {
  /** Address of the Boss. */
  readonly server: string;
  /** Number of the job. */
  readonly job: number;
  /**
   * `complete`: it is. `uploading`: there is more to upload. `held`: a worker of this machine holds messages, or left
   * some. `waiting`: the server waits for its own queues, and nobody waits for it. `completing`: it looks for what is
   * missing, and nobody waits for that. `ended`: the job has failed, or was cancelled.
   */
  readonly end: "complete" | "uploading" | "held" | "waiting" | "completing" | "ended";
  /** How far the job is. */
  readonly state: BossJobState;
  /** Messages that wait for a worker, where the server says it. */
  readonly left?: number;
  /** Of `waiting` and `held`, where that is known: seconds after which it is worth asking again. */
  readonly waitSeconds?: number;
}

/** How a job is completed. */
export interface CompleteBossJobOptions extends AskBossOptions {
  /** Whether the server's own work is waited for: minutes. @default true */
  readonly waits?: boolean;
  /** Ends the wait; what the server does goes on. @default Never */
  readonly stopping?: AbortSignal;
  /** The spool of this machine's workers, who may hold messages. @default `spool` in the folder of sluice */
  readonly spool?: string;
  /** How long workers of this machine are waited for, as they may only look for a message. @default 22 */
  readonly patienceSeconds?: number;
  /** Is told what the server does. */
  readonly onState?: (text: string) => void;
}

const LOOK_MS = 10_000;
/** What the server's clock may differ in its seconds. */
const MARGIN_MS = 1_000;

/**
 * Asks for the end of a job, and waits until the server has found nothing missing. A worker does so by itself: this is
 * for those who were told not to.
 *
 * The server counts messages that nobody holds. So nothing is asked while a worker of this machine holds one; those of
 * other machines are not known here, and must have ended before.
 * @throws {BossError} If there is no such job, or the Boss refuses or does not answer.
 * @example A job that is complete already
 * ```ts
 * import { completeBossJob } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
 * await using boss = Deno.serve(options, () => Response.json({ id: 42, status: 2 }));
 * const server = { protocol: "http", host: `127.0.0.1:${boss.addr.port}` };
 * const { end } = await completeBossJob(server, 42, {
 *   token: "0123456789abcdef",
 *   spool: "no/such/spool",
 * });
 * equal(end, "complete");
 * ```
 */
export async function completeBossJob(
  server: BossServer,
  job: number,
  options: CompleteBossJobOptions = {},
): Promise<CompletedBossJob> {
  const { waits = true, stopping, onState = () => {}, spool, patienceSeconds = 22 } = options;
  const { signal = new AbortController().signal } = options;
  const service = await openService(server, options);
  const folder = spool ?? defaultSpoolFolder(options.env);
  const say = (end: CompletedBossJob["end"], state: BossJobState, more = {}): CompletedBossJob => ({
    server: service.url,
    job,
    end,
    state,
    ...more,
  });
  for (;;) {
    const { state, left } = await service.status(job, { signal });
    const known = left === undefined ? {} : { left };
    if (state === "complete") return say("complete", state);
    if (state === "deleted" || state === "failed") return say("ended", state);
    if (state === "preparing") return say("uploading", state, known);
    if (state === "completing") {
      if (!waits || stopping?.aborted) return say("completing", state);
      onState("the server looks for what is missing");
      await waitOr(service.clock, LOOK_MS, signal, stopping);
      continue;
    }
    const asked = await askWhileEmpty(service, job, { folder, patienceSeconds, signal });
    if (asked.kind === "held") {
      const { seconds } = asked;
      return say("held", state, seconds === undefined ? known : { ...known, waitSeconds: seconds });
    }
    if (asked.kind === "uploading") return say("uploading", "uploading", known);
    if (asked.kind === "done") return say("complete", "complete");
    if (asked.kind === "wait") {
      if (!waits || stopping?.aborted) {
        const { state } = await service.status(job, { signal });
        return say("waiting", state, { waitSeconds: asked.seconds });
      }
      onState(`the server waits ${Math.ceil(asked.seconds)} s for its own queues`);
      await waitOr(service.clock, asked.seconds * 1000 + MARGIN_MS, signal, stopping);
    }
  }
}

/** Asks, unless a worker of this machine holds a message or left one that nobody can receive yet. */
async function askWhileEmpty(
  service: BossService,
  job: number,
  { folder, patienceSeconds, signal }: {
    readonly folder: string;
    readonly patienceSeconds: number;
    readonly signal: AbortSignal;
  },
): Promise<BossCompletion | { readonly kind: "held"; readonly seconds?: number }> {
  const ask = () => service.complete(job, { signal });
  let hands: Hands;
  try {
    hands = await Hands.open(folder, `${new URL(service.url).host}-${job}`);
  } catch (error) {
    // Nobody works here.
    if (isNotFound(error)) return await ask();
    throw error;
  }
  try {
    const asked = await hands.whileEmpty(async () => {
      const now = service.clock.now();
      const left = await hands.leftUntil(now);
      return now < left
        ? { kind: "held" as const, seconds: Math.ceil((left - now) / 1000) }
        : await ask();
    }, { patienceMs: patienceSeconds * 1000, signal });
    return asked?.value ?? { kind: "held" };
  } finally {
    hands[Symbol.dispose]();
  }
}
