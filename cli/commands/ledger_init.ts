/**
 * `sluice ledger init`.
 * @module
 */
import { UsageError } from "../../core/errors.ts";
import { redactUrl } from "../../ledgers/open_ledger.ts";
import { chooseLedgerUrl } from "../../tasks/find_job.ts";
import { type Context, EXIT } from "../command.ts";
import type { Call } from "../parse.ts";

/** Makes a ledger in PostgreSQL, or brings one up to date. */
export async function run({ words }: Call, { output }: Context): Promise<number> {
  const url = chooseLedgerUrl({ ledgerUrl: words.get("url")?.[0] });
  if (!/^postgres(ql)?:/.test(url)) {
    throw new UsageError(
      `Cannot make "${
        redactUrl(url)
      }": only a ledger in PostgreSQL is made beforehand, others when they are first used; write sluice ledger init postgres://HOST/DATABASE, or set SLUICE_LEDGER`,
    );
  }
  const { initPostgresLedger } = await import("../../ledgers/postgres_ledger.ts");
  const report = await initPostgresLedger(url);
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
