/**
 * `sluice complete`.
 * @module
 */
import { completeBossJob, type CompletedBossJob } from "../../tasks/complete_boss_job.ts";
import { askOptions, bossOf, jobIdOf, sameJob } from "../boss_options.ts";
import { type Context, EXIT, InterruptedError } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { valueOf } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { formatDuration, plural } from "../text.ts";

/** Says that all of a job is uploaded, and waits for the server. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const { flags } = call;
  const [job, server] = [jobIdOf(call), await bossOf(call)];
  using interrupts = new Interrupts((text) => output.note(text));
  const done = await completeBossJob(server, job, {
    ...askOptions(flags, { output, interrupts }),
    waits: !flags.has("no-wait"),
    spool: valueOf(flags, "spool"),
    onState: (text) => output.note(`Waiting for the Boss: ${text}`),
  }).catch((error) => {
    throw interrupts.signal.aborted
      ? new InterruptedError(
        `Stopped; the server goes on. To ask again: sluice complete ${sameJob(call, job)}`,
      )
      : error;
  });
  const code = done.end === "complete" ? EXIT.done : EXIT.failed;
  output.report({ ...done, exitCode: code }, () => describe(done, sameJob(call, job)));
  return code;
}

function describe({ job, end, state, left, waitSeconds }: CompletedBossJob, same: string): string {
  const again = `sluice complete ${same}`;
  switch (end) {
    case "complete":
      return `Ingest job ${job} is complete`;
    case "uploading":
      return `Ingest job ${job} is not complete: it is ${state}${
        left === undefined ? "" : `, ${plural(left, "message")} left`
      }; to upload them: sluice join ${same}`;
    case "held":
      return `Ingest job ${job} was not completed: a worker of this machine ${
        waitSeconds === undefined
          ? "holds messages; it ends the job itself, unless it was told not to"
          : `left messages, which come again in ${formatDuration(waitSeconds * 1000)}`
      }`;
    case "waiting":
      return `The server waits ${
        formatDuration((waitSeconds ?? 0) * 1000)
      } for its own queues; to ask again after that: ${again}`;
    case "completing":
      return `The server looks for what is missing; to ask again: ${again}`;
    case "ended":
      return `Ingest job ${job} ${state === "deleted" ? "was cancelled" : "has failed"}`;
    default:
      return end satisfies never;
  }
}
