/**
 * A process that opens a ledger and adds jobs, for tests that need a disk of their own:
 * `_probe.ts DATABASE JOBS`. Writes `{ jobs }`, or `{ name, fault, message }` of what was thrown.
 * @module
 */
import { LedgerError } from "../../ledgers/ledger.ts";
import { openSqliteLedger } from "../../ledgers/sqlite_ledger.ts";
import { makePlan, makeReceipt } from "./_plan.ts";

const [path, jobs] = Deno.args;
const plan = makePlan({ tasks: [8, 8, 8] });
try {
  await using ledger = await openSqliteLedger(path);
  for (let i = 0; i < Number(jobs); i++) {
    const job = await ledger.create(plan, { target: "there", receipts: `${path}.receipts` });
    const lease = await ledger.lease(job, { worker: "probe", tasks: 512 });
    if (typeof lease === "string") throw new Error(`There was nothing to lease: ${lease}`);
    const receipts = Array.from({ length: 512 }, (_, task) => makeReceipt(task, lease.fence));
    await ledger.acknowledge(lease, receipts);
  }
  console.log(JSON.stringify({ jobs: (await Array.fromAsync(ledger.jobs())).length }));
} catch (error) {
  if (!(error instanceof LedgerError)) throw error;
  const { name, fault, message } = error;
  console.log(JSON.stringify({ name, fault, message }));
}
