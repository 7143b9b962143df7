/**
 * `sluice join` of a job of a Boss.
 * @module
 */
import { WorkerPool } from "../../pool/worker_pool.ts";
import { parseBytes } from "../../tasks/memory.ts";
import { grantsOf } from "../_plugin_flags.ts";
import { askOptions, jobEndpoint, jobIdOf, namedBoss, sameJob } from "../boss_options.ts";
import { BossMonitor } from "../boss_working.ts";
import type { Context } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { parseCount } from "../values.ts";

/** Where somebody else completes the job: as long as the clients of the Boss have waited. */
const IDLE_SECONDS = 220;

/** Works on a job until it is complete. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const { words, flags } = call;
  const job = jobIdOf(call);
  const count = (name: string, least = 1) => {
    const text = valueOf(flags, name);
    return text === undefined ? undefined : parseCount(name, text, least);
  };
  const size = valueOf(flags, "spool-size");
  const options = {
    server: namedBoss(flags),
    grants: grantsOf(flags),
    spool: valueOf(flags, "spool"),
    spoolBytes: size === undefined ? undefined : parseBytes(size),
    concurrency: count("in-hand"),
    attempts: count("attempts"),
    endpoint: jobEndpoint(flags),
    ...(flags.has("manual-complete") ? { completes: false, idleSeconds: IDLE_SECONDS } : {}),
  };
  const threads = count("workers", 0);
  using interrupts = new Interrupts((text) => monitor.say(text));
  const monitor = new BossMonitor(output, interrupts, { same: sameJob(call, job) });
  await using pool = new WorkerPool({ size: threads });
  let tokenSource = "";
  try {
    // What signs requests to AWS is a package, and loads only now.
    const { joinBossJob } = await import("../../tasks/join_boss_job.ts");
    const report = await joinBossJob(words.get("config")![0], job, {
      ...options,
      ...askOptions(flags, { output, interrupts, onToken: ({ source }) => tokenSource = source }),
      pool,
      stopping: interrupts.stop,
      onWait: monitor.onWait,
      onStart: monitor.onStart,
      onEvent: monitor.onEvent,
      onProgress: monitor.onProgress,
    });
    return monitor.conclude(report, { tokenSource });
  } catch (error) {
    throw monitor.explain(error);
  }
}
