/**
 * `sluice plan`.
 * @module
 */
import { defaultMemory, shareMemory } from "../../tasks/memory.ts";
import { planIngest } from "../../tasks/plan.ts";
import { type Context, EXIT } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { gather, planOptions, workOptions } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { describePlan, planDocument } from "../plan_report.ts";
import { WorkMonitor } from "../working.ts";

/** Says what an ingest would do. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const { sources, flags } = await gather(call, { needsTarget: false });
  const { workers = navigator.hardwareConcurrency, memory = defaultMemory() } = workOptions(flags);
  using interrupts = new Interrupts((text) => monitor.say(text));
  const monitor = new WorkMonitor(output, interrupts);
  try {
    const report = await planIngest(sources, {
      ...planOptions(flags),
      signal: interrupts.signal,
      onProgress: monitor.onPlanning,
    });
    monitor.end();
    shareMemory(report.plan, memory, workers);
    output.report(
      planDocument(report),
      () => describePlan(report, { threads: workers, bold: (text) => output.bold(text) }),
    );
    return EXIT.done;
  } catch (error) {
    throw await monitor.explain(error);
  }
}
