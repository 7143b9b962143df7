/**
 * Tasks of a job, as a ledger leases them.
 * @module
 */
import { Wake } from "../core/abort.ts";
import { LeaseLostError } from "../core/errors.ts";
import { type Lease, planTask } from "../core/plan.ts";
import type { Ledger } from "../ledgers/ledger.ts";
import type { TaskFeed } from "./stage.ts";

/** How tasks are leased. */
export interface LeaseTasksOptions {
  /** Number of the job. */
  readonly job: number;
  /** Who leases, for people. @default host and process id */
  readonly worker?: string;
  /** Tasks a lease. @default 1 */
  readonly tasks?: number;
  /** A lease is extended every third of this while its tasks are worked on. @default 60 */
  readonly leaseSeconds?: number;
  /**
   * When all that is left is leased, the ledger is asked again after this long at first, then less and less often: a
   * tenth of the time that was waited, up to 2 seconds. @default 0.05
   */
  readonly pollSeconds?: number;
  /** Called when something was acknowledged or failed here: the ledger is asked again at once. */
  readonly wake?: Wake;
  /** Ends the feed without ending the run: tasks in hand are finished, no more are leased. */
  readonly stop?: AbortSignal;
}

/** Seconds between two questions at the most. */
const LONGEST_POLL = 2;

/**
 * Feeds tasks until the job has none left, and ends once its own are acknowledged or failed. Leases are extended until
 * then; a run that ends early gives back what it holds.
 * @example Every task of a job, in one's own loop
 * ```ts
 * import { encodePng, leaseTasks, openLedger, pipeline, planIngest } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = new Uint8Array(35);
 * await Deno.writeFile(path, encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data }));
 * const { plan } = await planIngest([path]);
 * await using ledger = await openLedger("memory:");
 * const job = await ledger.create(plan, { target: "out.ome.zarr" });
 * const kinds: string[] = [];
 * for await (const { task: { index, kind, lease } } of pipeline(leaseTasks(ledger, { job }))) {
 *   kinds.push(kind);
 *   await ledger.acknowledge(lease, [{ task: index, fence: lease.fence, units: [], losses: [] }]);
 * }
 * deepEqual(kinds, ["source", "finish"]);
 * await Deno.remove(path);
 * ```
 */
export function leaseTasks(ledger: Ledger, options: LeaseTasksOptions): TaskFeed<undefined> {
  const { job, tasks = 1, leaseSeconds = 60, pollSeconds = 0.05, stop, wake = new Wake() } =
    options;
  const worker = options.worker ?? `pid ${Deno.pid}`;
  return async function* ({ signal }) {
    const plan = await ledger.plan(job);
    const held = new Map<Lease, ReturnType<typeof setInterval>>();
    const drop = (lease: Lease) => {
      clearInterval(held.get(lease));
      held.delete(lease);
    };
    const hold = (lease: Lease) => {
      const timer = setInterval(async () => {
        try {
          await ledger.extend(lease);
        } catch (error) {
          if (error instanceof LeaseLostError) drop(lease);
        }
      }, leaseSeconds * 1000 / 3);
      timer.unref();
      held.set(lease, timer);
    };
    const isHolding = async () => {
      for (const lease of [...held.keys()]) {
        try {
          await ledger.check(lease);
        } catch (error) {
          if (!(error instanceof LeaseLostError)) throw error;
          drop(lease);
        }
      }
      return held.size > 0;
    };
    let ended = false;
    let waitingSince: number | undefined;
    try {
      while (!stop?.aborted) {
        signal.throwIfAborted();
        const lease = await ledger.lease(job, { worker, tasks, leaseSeconds });
        if (lease === "done") break;
        if (lease === "wait") {
          const now = performance.now();
          waitingSince ??= now;
          const tenth = (now - waitingSince) / 10000;
          const seconds = Math.max(pollSeconds, Math.min(LONGEST_POLL, tenth));
          await pause(wake, seconds * 1000, signal, stop);
          continue;
        }
        waitingSince = undefined;
        hold(lease);
        for (let index = lease.first; index < lease.end; index++) {
          yield { task: planTask(plan, index, lease), value: undefined };
        }
      }
      // Until the tasks in hand are over, an abort must still find their leases.
      while (await isHolding()) await wake.wait(pollSeconds * 1000, signal);
      ended = true;
    } finally {
      if (!ended) {
        for (const lease of [...held.keys()]) {
          drop(lease);
          await ledger.release(lease);
        }
      }
    }
  };
}

async function pause(
  wake: Wake,
  milliseconds: number,
  signal: AbortSignal,
  stop: AbortSignal | undefined,
): Promise<void> {
  const either = stop === undefined ? signal : AbortSignal.any([signal, stop]);
  try {
    await wake.wait(milliseconds, either);
  } catch (error) {
    signal.throwIfAborted();
    if (!stop?.aborted) throw error;
  }
}
