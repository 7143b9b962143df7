/**
 * `sluice ledger init`.
 * @module
 */
import { initLedger } from "../../ledgers/open_ledger.ts";
import { chooseLedgerUrl } from "../../tasks/find_job.ts";
import { type Context, EXIT } from "../command.ts";
import type { Call } from "../parse.ts";

/** Makes a ledger in PostgreSQL, or brings one up to date. */
export async function run({ words }: Call, { output }: Context): Promise<number> {
  const url = chooseLedgerUrl({ ledgerUrl: words.get("url")?.[0] });
  const report = await initLedger(url);
  const { ledger, before, version } = report;
  output.report(
    report,
    () =>
      before === version
        ? `${ledger} has version ${version} already`
        : before === 0
        ? `Made ${ledger}, version ${version}; name it with --ledger or SLUICE_LEDGER`
        : `Brought ${ledger} from version ${before} to ${version}`,
  );
  return EXIT.done;
}
