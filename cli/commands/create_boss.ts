/**
 * `sluice create` of a job of a Boss.
 * @module
 */
import { BossError } from "../../boss/boss_error.ts";
import { type BossJobProposal, createBossJob } from "../../tasks/create_boss_job.ts";
import { grantsOf } from "../_plugin_flags.ts";
import { describeFaults } from "../boss_report.ts";
import { askOptions, namedBoss, sameJob } from "../boss_options.ts";
import { unitOf } from "../boss_working.ts";
import { type Context, EXIT, InterruptedError } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import type { Output } from "../output.ts";
import type { Call } from "../parse.ts";
import { mayAsk, Questions } from "../questions.ts";
import { plural } from "../text.ts";

/** Shows what a job will be, asks, and creates it. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const { words, flags } = call;
  const config = words.get("config")![0];
  using interrupts = new Interrupts((text) => output.note(text));
  const { signal } = interrupts;
  let tokenSource = "";
  const created = await createBossJob(config, {
    server: namedBoss(flags),
    grants: grantsOf(flags),
    ...askOptions(flags, { output, interrupts, onToken: ({ source }) => tokenSource = source }),
    confirm: async (proposal) => {
      show(proposal, output);
      if (!mayAsk(flags, output)) return true;
      return await new Questions().ask("Create this ingest job? (y/n): ", signal);
    },
  }).catch((error) => {
    const isUncertain = error instanceof BossError && error.kind === "uncertain";
    if (!signal.aborted || isUncertain) throw error;
    throw new InterruptedError(
      "Stopped; if the job was just being created, sluice jobs --boss HOST lists it",
    );
  });
  const { job, kind, server } = created;
  output.report(
    { config, tokenSource, ...created, exitCode: EXIT.done },
    () =>
      job === undefined ? "Nothing was created" : [
        `Created ingest job ${job.id} at "${new URL(server).host}": ${
          plural(job.tileCount ?? created.tasks, unitOf(kind))
        }`,
        `To upload: sluice join ${sameJob(call, job.id)}`,
        "As many processes as you like may join; those of all machines but one with -m",
      ].join("\n"),
  );
  return EXIT.done;
}

function show({ summary, warnings, others }: BossJobProposal, output: Output): void {
  output.note(summary);
  if (warnings.length > 0) output.note(["Warnings", ...describeFaults(warnings)].join("\n"));
  for (const { id, state } of others) {
    output.note(`Ingest job ${id} goes to the same channel, and is ${state}`);
  }
}
