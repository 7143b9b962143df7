/**
 * `sluice status` of a job of a Boss.
 * @module
 */
import { type BossJobStatus, bossJobStatus } from "../../tasks/boss_job_status.ts";
import { askOptions, bossOf, jobIdOf, sameJob } from "../boss_options.ts";
import { type Context, EXIT } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import type { Call } from "../parse.ts";
import { formatCount, plural } from "../text.ts";

/** Says how a job stands. The exit code says whether that was found out, not how it stands. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const [job, server] = [jobIdOf(call), await bossOf(call)];
  using interrupts = new Interrupts((text) => output.note(text));
  const status = await bossJobStatus(
    server,
    job,
    askOptions(call.flags, { output, interrupts }),
  );
  output.report(
    { ...status, exitCode: EXIT.done },
    () =>
      [
        output.bold(`Ingest job ${job}: ${status.server}`),
        ...describe(status, call).map((line) => `  ${line}`),
      ].join("\n"),
  );
  return EXIT.done;
}

function describe({ state, total, left, job }: BossJobStatus, call: Call): string[] {
  const counts = left === undefined || total === undefined
    ? state
    : `${state}, ${formatCount(left)} of ${plural(total, "message")} left`;
  const join = call.words.has("config") ? [`To go on: sluice join ${sameJob(call, job)}`] : [];
  switch (state) {
    case "preparing":
      return [`${counts}: the server fills its queue`, ...join];
    case "uploading":
      return [
        counts,
        ...(left === 0
          ? ["those in the hands of a worker are not counted: it is not done before it is complete"]
          : []),
        ...join,
      ];
    case "waiting-on-queues":
      return [`${counts}: the server waits until its own queues are empty`, ...join];
    case "completing":
      return [`${counts}: the server looks for what is missing`];
    case "complete":
    case "failed":
      return [counts];
    case "deleted":
      return ["deleted: it was cancelled"];
    default:
      return state satisfies never;
  }
}
