/**
 * What every ledger promises. A new one passes by being added to the table in `conformance_test.ts`.
 * @module
 */
import { fc } from "../_fast_check.ts";
import { acts, agree, LIMITS } from "./_agreement.ts";
import { type LedgerKind, makeBench, type Test } from "./_bench.ts";
import { testJobs } from "./_job_lines.ts";
import { testLeases } from "./_lease_lines.ts";

/** Registers a test for each line of the contract. */
export function conform(kind: LedgerKind): void {
  const test: Test = (name, run, options) =>
    Deno.test(`${kind.name} ledger: ${name}`, async () => {
      let now = Date.UTC(2026, 0, 2);
      await using opened = await kind.open({ now: () => now, ...options });
      await run(makeBench(opened, (seconds) => now += seconds * 1000));
    });
  testJobs(test);
  testLeases(test, kind);

  Deno.test(`${kind.name} ledger: agrees with one that keeps every task by itself`, async () => {
    const clock = { now: Date.UTC(2026, 0, 2) };
    await using opened = await kind.open({ now: () => clock.now, ...LIMITS });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(1), acts, async (plan, done) => {
        const { ledger, receipts, rows } = opened;
        const folder = receipts === undefined ? undefined : `${receipts}/${run++}`;
        await agree(ledger, clock, plan, done, { receipts: folder, rows });
      }),
      { seed: 20260102, numRuns: kind.runs },
    );
  });
}
