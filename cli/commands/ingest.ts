/**
 * `sluice ingest`.
 * @module
 */
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { chooseLedgerUrl } from "../../tasks/find_job.ts";
import { ingest } from "../../tasks/ingest.ts";
import type { PlanReport } from "../../tasks/plan.ts";
import type { Context } from "../command.ts";
import { Interrupts } from "../interrupts.ts";
import { gather, planOptions, valueOf, workOptions } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { describeLosses } from "../plan_report.ts";
import { WorkMonitor } from "../working.ts";

/** Plans, creates, joins and verifies. */
export async function run(call: Call, { output }: Context): Promise<number> {
  const { sources, targets, flags } = await gather(call, { needsTarget: true });
  const { workers, ...work } = workOptions(flags);
  const ledgerUrl = chooseLedgerUrl({ ledgerUrl: valueOf(flags, "ledger") });
  using interrupts = new Interrupts((text) => monitor.say(text));
  const monitor = new WorkMonitor(output, interrupts);
  await using ledger = await openLedger(ledgerUrl);
  await using pool = new WorkerPool({ size: workers });
  let report: PlanReport;
  try {
    const { created, status, verified, verifiedCopies } = await ingest(sources, targets, {
      ...planOptions(flags),
      ...work,
      ledger,
      ledgerUrl,
      pool,
      overwrite: flags.has("overwrite"),
      labelName: valueOf(flags, "label-name"),
      verify: !flags.has("no-verify"),
      signal: interrupts.signal,
      stop: interrupts.stop,
      onPlanning: monitor.onPlanning,
      onPlanned: (planned) => {
        report = planned;
        monitor.end();
        for (const text of [...report.warnings, ...describeLosses(report.losses)]) {
          output.note(text);
        }
      },
      onCreated: ({ job, found, state }) => {
        if (found && state === "active") output.note(`Going on with job ${job}`);
        monitor.begin({ job, ledger, ledgerUrl, plan: report.plan, target: targets[0] });
      },
      onProgress: monitor.onProgress,
      onFailure: monitor.onFailure,
      onVerify: monitor.onVerify,
    });
    return await monitor.conclude(status, {
      pool,
      verified,
      verifiedCopies,
      foundDone: created.found && created.state === "done",
    });
  } catch (error) {
    throw await monitor.explain(error);
  }
}
