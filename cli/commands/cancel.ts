/**
 * `sluice cancel`.
 * @module
 */
import { findJob } from "../../tasks/find_job.ts";
import { type Context, EXIT } from "../command.ts";
import { valueOf } from "../job_options.ts";
import type { Call } from "../parse.ts";
import { quote } from "../text.ts";

/** Ends a job. */
export async function run({ words, flags }: Call, { output }: Context): Promise<number> {
  const name = words.get("job")![0];
  await using found = await findJob(name, { ledgerUrl: valueOf(flags, "ledger") });
  const { job, ledger, volume } = found;
  await ledger.cancel(job);
  const { state, done, tasks } = await ledger.status(job);
  output.report(
    { job, volume, state, done, tasks },
    () =>
      state === "done"
        ? `Job ${job} was done before; nothing to cancel`
        : `Cancelled job ${job}, ${done} of ${tasks} tasks done; to reopen it: sluice retry ${
          quote(name)
        }`,
  );
  return EXIT.done;
}
