/**
 * `sluice create`.
 * @module
 */
import { openLedger, redactUrl } from "../../ledgers/open_ledger.ts";
import { createJob } from "../../tasks/create.ts";
import { chooseLedgerUrl } from "../../tasks/find_job.ts";
import { planIngest } from "../../tasks/plan.ts";
import { type Context, EXIT } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { gather, planOptions, valueOf } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { describeLosses } from "../plan_report.ts";
import { quote } from "../text.ts";
import { formatsOf } from "../../stores/volume.ts";
import { WorkMonitor } from "../working.ts";

/** Plans and creates a job, and says how to join it. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const { sources, targets, flags } = await gather(call, { needsTarget: true });
  const ledgerUrl = chooseLedgerUrl({ ledgerUrl: valueOf(flags, "ledger") });
  using interrupts = new Interrupts((text) => monitor.say(text));
  const monitor = new WorkMonitor(output, interrupts);
  await using ledger = await openLedger(ledgerUrl);
  try {
    const report = await planIngest(sources, {
      ...planOptions(flags),
      ...formatsOf(targets, planOptions(flags).format),
      signal: interrupts.signal,
      onProgress: monitor.onPlanning,
    });
    monitor.end();
    for (const warning of report.warnings) output.note(warning);
    const { job, volume, found, state } = await createJob(report, targets, {
      ledger,
      ledgerUrl,
      overwrite: flags.has("overwrite"),
      labelName: valueOf(flags, "label-name"),
    });
    const { tasks } = report.estimate;
    output.report(
      { job, volume, found, state, plan: report.plan.id, tasks, ledger: redactUrl(ledgerUrl) },
      () =>
        [
          `${found ? "Found" : "Created"} job ${job}: ${tasks} tasks, ${state}, into "${volume}"`,
          ...describeLosses(report.losses),
          `To work on it, as often as you like: sluice join ${quote(targets[0])}`,
        ].join("\n"),
    );
    return EXIT.done;
  } catch (error) {
    throw await monitor.explain(error);
  }
}
