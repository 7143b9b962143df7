/**
 * `sluice cancel` of a job of a Boss.
 * @module
 */
import { cancelBossJob } from "../../tasks/cancel_boss_job.ts";
import { askOptions, bossOf, jobIdOf } from "../boss_options.ts";
import { type Context, EXIT } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import type { Call } from "../parse.ts";
import { mayAsk, Questions } from "../questions.ts";

/** Ends a job: its queues go, and it cannot be reopened. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const { flags } = call;
  const [job, server] = [jobIdOf(call), await bossOf(call)];
  using interrupts = new Interrupts((text) => output.note(text));
  if (mayAsk(flags, output)) {
    const question = `Cancel ingest job ${job} at "${server.host}"? (y/n): `;
    if (!await new Questions().ask(question, interrupts.signal)) {
      output.report({ job, exitCode: EXIT.done }, "Nothing was cancelled");
      return EXIT.done;
    }
  }
  const done = await cancelBossJob(server, job, askOptions(flags, { output, interrupts }));
  output.report({ ...done, exitCode: EXIT.done }, () => {
    if (done.state === "complete") return `Ingest job ${job} is complete; nothing to cancel`;
    return done.before === "deleted"
      ? `Ingest job ${job} was cancelled before`
      : `Cancelled ingest job ${job}, which was ${done.before}; what was ingested stays`;
  });
  return EXIT.done;
}
