/**
 * `sluice join`.
 * @module
 */
import { WorkerPool } from "../../pool/worker_pool.ts";
import { findJob } from "../../tasks/find_job.ts";
import { joinJob } from "../../tasks/join.ts";
import type { Context } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf, workOptions } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { WorkMonitor } from "../working.ts";

/** Works on a job until nothing is left to lease. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const { workers, ...work } = workOptions(flags);
  using interrupts = new Interrupts((text) => monitor.say(text));
  const monitor = new WorkMonitor(output, interrupts);
  await using found = await findJob(words.get("job")![0], { ledgerUrl: valueOf(flags, "ledger") });
  await using pool = new WorkerPool({ size: workers });
  const { job, ledger, volume } = found;
  const before = await ledger.status(job);
  monitor.begin({ ...found, plan: await ledger.plan(job), target: volume });
  try {
    const status = await joinJob(job, {
      ...work,
      ledger,
      pool,
      signal: interrupts.signal,
      stop: interrupts.stop,
      onProgress: monitor.onProgress,
      onFailure: monitor.onFailure,
    });
    return await monitor.conclude(status, {
      pool,
      foundDone: before.state === "done",
    });
  } catch (error) {
    throw await monitor.explain(error);
  }
}
