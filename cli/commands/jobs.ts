/**
 * `sluice jobs`.
 * @module
 */
import { openLedger, redactUrl } from "../../ledgers/open_ledger.ts";
import { chooseLedgerUrl } from "../../tasks/find_job.ts";
import { type Context, EXIT } from "../command.ts";
import { valueOf } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { formatCount, table } from "../text.ts";

/** Lists the jobs of a ledger. */
export async function run({ flags }: Call, { output }: Context): Promise<number> {
  const url = chooseLedgerUrl({ ledgerUrl: valueOf(flags, "ledger") });
  await using ledger = await openLedger(url);
  const jobs = await Array.fromAsync(ledger.jobs());
  output.report(
    { ledger: redactUrl(url), jobs },
    () =>
      jobs.length === 0 ? `No jobs in ${redactUrl(url)}` : table(
        [
          ["job", "state", "done", "created", "volume"],
          ...jobs.map(({ job, state, done, tasks, created, target }) => [
            String(job),
            state,
            `${formatCount(done)}/${formatCount(tasks)}`,
            new Date(created).toISOString().slice(0, 16).replace("T", " "),
            target,
          ]),
        ],
        { indent: "", right: [0, 2] },
      ).join("\n"),
  );
  return EXIT.done;
}
