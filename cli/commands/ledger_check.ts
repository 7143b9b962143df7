/**
 * `sluice ledger check`.
 * @module
 */
import { openLedger, redactUrl } from "../../ledgers/open_ledger.ts";
import { chooseLedgerUrl } from "../../tasks/find_job.ts";
import { type Context, EXIT } from "../command.ts";
import type { Call } from "../parse.ts";
import { formatCount } from "../text.ts";

/** Opens a ledger as every worker does, and counts its jobs. */
export async function run({ words }: Call, { output }: Context): Promise<number> {
  const url = chooseLedgerUrl({ ledgerUrl: words.get("url")?.[0] });
  const begun = performance.now();
  await using ledger = await openLedger(url);
  let [jobs, active] = [0, 0];
  for await (const { state } of ledger.jobs()) {
    jobs++;
    if (state === "active") active++;
  }
  const milliseconds = Math.round(performance.now() - begun);
  output.report(
    { ledger: redactUrl(url), jobs, active, milliseconds },
    () => `${redactUrl(url)} answers; jobs: ${formatCount(jobs)}, active: ${formatCount(active)}`,
  );
  return EXIT.done;
}
