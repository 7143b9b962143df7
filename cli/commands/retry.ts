/**
 * `sluice retry`.
 * @module
 */
import { WorkerPool } from "../../pool/worker_pool.ts";
import { findJob } from "../../tasks/find_job.ts";
import { joinJob } from "../../tasks/join.ts";
import { retryJob } from "../../tasks/retry.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { type Context, EXIT } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf, workOptions } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { plural, quote } from "../text.ts";
import { parseSections } from "../values.ts";
import { WorkMonitor } from "../working.ts";

/** Puts tasks back, finishes the job and verifies the volume. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const { workers, ...work } = workOptions(flags);
  const text = valueOf(flags, "section");
  const sections = text === undefined ? [] : parseSections("section", text);
  using interrupts = new Interrupts((text) => monitor.say(text));
  const monitor = new WorkMonitor(output, interrupts);
  await using found = await findJob(words.get("job")![0], { ledgerUrl: valueOf(flags, "ledger") });
  const { job, ledger, volume } = found;
  const before = await ledger.status(job);
  const result = await retryJob(found, {
    sections,
    ...(flags.has("dead") ? { dead: true } : {}),
  });
  const { tasks, mended, stillLost } = result;
  const put = `Put back ${plural(tasks, "task")} of job ${job}${
    mended.length === 0 ? "" : `, ${plural(mended.length, "image")} mended`
  }`;
  for (const { path, reason } of stillLost) output.note(`Still lost: "${path}" ${reason}`);
  if (flags.has("no-join")) {
    output.report(
      { job, volume, ...result },
      () => `${put}; to work on it: sluice join ${quote(volume)}`,
    );
    return EXIT.done;
  }
  output.note(put);
  await using pool = new WorkerPool({ size: workers });
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
    const verified = status.state !== "done" || flags.has("no-verify")
      ? undefined
      : await verifyVolume(volume, {
        pool,
        memory: work.memory,
        signal: interrupts.signal,
        onProgress: monitor.onVerify,
      });
    return await monitor.conclude(status, {
      pool,
      verified,
      foundDone: before.state === "done" && tasks === 0,
    });
  } catch (error) {
    throw await monitor.explain(error);
  }
}
