/**
 * Serves a Boss until it is stopped.
 * @module
 */
import { openBossServer, type ServeBossOptions, type ServedBoss } from "../services/boss/server.ts";

/** How long a Boss is served, and who is told. */
export interface RunBossOptions extends ServeBossOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Is told when it answers. */
  readonly onListen?: (boss: Pick<ServedBoss, "url" | "tokenFile" | "isTokenNew">) => void;
}

/** Serves a Boss until the signal aborts; what is in hand is finished, or is done when it is started again. */
export async function runBoss({ signal, onListen, ...options }: RunBossOptions): Promise<void> {
  signal.throwIfAborted();
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  await using boss = await openBossServer(options);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) return;
  onListen?.(boss);
  await stopped;
}
