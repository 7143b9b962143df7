/**
 * A process that works on a job, for tests that run several and kill some.
 *
 * `_worker.ts DATABASE JOB work` writes "ready", waits for the end of its input, leases and acknowledges until nothing
 * is left, then writes how many tasks it did.
 * `_worker.ts DATABASE JOB hold` leases four tasks, acknowledges the first, writes "held", and does nothing more.
 * @module
 */
import { LeaseLostError } from "../../core/errors.ts";
import { openSqliteLedger } from "../../ledgers/sqlite_ledger.ts";
import { makeReceipt } from "./_plan.ts";

const [path, jobText, mode] = Deno.args;
const job = Number(jobText);
const worker = `test:${Deno.pid}`;
await using ledger = await openSqliteLedger(path);

if (mode === "hold") {
  const lease = await ledger.lease(job, { worker, tasks: 4, leaseSeconds: 3600 });
  if (typeof lease === "string") throw new Error(`There was nothing to lease: ${lease}`);
  await ledger.acknowledge(lease, [makeReceipt(lease.first, lease.fence)]);
  console.log("held");
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}

console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
let done = 0;
for (;;) {
  const lease = await ledger.lease(job, { worker, tasks: 16, leaseSeconds: 3600 });
  if (lease === "done") break;
  if (lease === "wait") {
    await new Promise((resolve) => setTimeout(resolve, 5));
    continue;
  }
  for (let task = lease.first; task < lease.end; task++) {
    try {
      await ledger.check(lease);
      await ledger.acknowledge(lease, [makeReceipt(task, lease.fence)]);
      done++;
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
    }
  }
}
console.log(done);
