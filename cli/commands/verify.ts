/**
 * `sluice verify`.
 * @module
 */
import { WorkerPool } from "../../pool/worker_pool.ts";
import { JobFolder } from "../../stores/job_folder.ts";
import { findVolume } from "../../tasks/find_job.ts";
import { MOST_NAMED } from "../../tasks/status.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { type Context, EXIT, InterruptedError } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf, workOptions } from "../job_options.ts";
import { describeLostImages } from "../job_report.ts";
import type { Call } from "../parse.ts";
import { Progress } from "../progress.ts";
import { quote } from "../text.ts";
import { describeVerified, verifyDocument } from "../summary.ts";
import { parsePart } from "../values.ts";

/** Proves a volume from its receipts. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const { workers, memory } = workOptions(flags);
  const part = valueOf(flags, "sample");
  const sample = part === undefined ? 1 : parsePart("sample", part);
  const volume = await findVolume(words.get("target")![0]);
  const progress = Progress.of(output);
  using interrupts = new Interrupts((text) => progress.say(text));
  await using pool = new WorkerPool({ size: workers });
  progress.begin("verifying");
  try {
    const report = await verifyVolume(volume, {
      pool,
      memory,
      sample,
      source: flags.has("source"),
      signal: interrupts.signal,
      onProgress: (done, total) => progress.update({ done, total, unit: "files" }),
    });
    progress.end();
    const plan = await (await JobFolder.open(volume)).plan();
    const isSound = report.faults.length === 0 && report.unfinished === 0;
    const code = !isSound ? EXIT.failed : report.losses.length > 0 ? EXIT.losses : EXIT.done;
    output.report({ ...verifyDocument(report) as object, exitCode: code }, () =>
      [
        `"${volume}"${part === undefined ? "" : `, ${part} of it`}`,
        ...describeVerified(report, plan!, quote(volume)),
        ...(report.losses.length === 0 ? [] : describeLostImages(
          report.losses.slice(0, MOST_NAMED),
          report.losses.length,
          quote(volume),
        )),
      ].join("\n"));
    return code;
  } catch (error) {
    progress.end();
    throw interrupts.signal.aborted
      ? new InterruptedError("Stopped; nothing was found wrong so far")
      : error;
  }
}
