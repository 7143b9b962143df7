/**
 * `sluice status`.
 * @module
 */
import { jobStatus } from "../../tasks/status.ts";
import { type Context, EXIT } from "../command.ts";
import { valueOf } from "../job_options.ts";
import { describeStatus } from "../job_report.ts";
import type { Call } from "../parse.ts";

/** Says how a job stands. The exit code says whether that was found out, not how it stands. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const report = await jobStatus(words.get("job")![0], { ledgerUrl: valueOf(flags, "ledger") });
  output.report(report, () => describeStatus(report, { bold: (text) => output.bold(text) }));
  return EXIT.done;
}
