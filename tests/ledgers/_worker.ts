/**
 * A process that works on a job, for tests that run several and kill some.
 *
 * `_worker.ts LEDGER JOB work [SECONDS]` writes "ready", waits for the end of its input, leases and acknowledges until nothing
 * is left, then writes how many tasks it did.
 * `_worker.ts LEDGER JOB hold [SECONDS]` leases four tasks, acknowledges the first, writes "held", and does nothing more.
 * `_worker.ts LEDGER JOB late [SECONDS]` does the same, then waits for the end of its input, acknowledges the second, and
 * writes "accepted" or why it was refused.
 * @module
 */
import { LeaseLostError } from "../../core/errors.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { makeReceipt } from "./_plan.ts";

const [url, jobText, mode, secondsText = "3600"] = Deno.args;
const leaseSeconds = Number(secondsText);
const job = Number(jobText);
const worker = `test:${Deno.pid}`;
await using ledger = await openLedger(url);

if (mode === "hold" || mode === "late") {
  const lease = await ledger.lease(job, { worker, tasks: 4, leaseSeconds });
  if (typeof lease === "string") throw new Error(`There was nothing to lease: ${lease}`);
  await ledger.acknowledge(lease, [makeReceipt(lease.first, lease.fence)]);
  console.log("held");
  if (mode === "late") {
    await Deno.stdin.read(new Uint8Array(1));
    const receipt = makeReceipt(lease.first + 1, lease.fence);
    console.log(
      await ledger.acknowledge(lease, [receipt]).then(() => "accepted", ({ reason }) => reason),
    );
    await ledger[Symbol.asyncDispose]();
    Deno.exit();
  }
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}

console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
let done = 0;
for (;;) {
  const lease = await ledger.lease(job, { worker, tasks: 16, leaseSeconds });
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
