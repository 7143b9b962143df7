import { deepEqual, equal, match } from "node:assert/strict";

const SCRIPT = new URL("../../scripts/bench_ledger.ts", import.meta.url).pathname;

Deno.test("bench_ledger.ts --quick does every task once, and reads back as many receipts", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", SCRIPT, "--quick"],
  }).output();
  const text = new TextDecoder().decode(stdout);
  equal(success, true, new TextDecoder().decode(stderr));
  match(text, /^create a job of 10\^9 tasks {14}\d+\.\d+ s$/m);
  const rates = text.match(
    /^lease 16, (acknowledge each as it ends|each after the one before) +\d+ tasks\/s$/gm,
  );
  equal(rates?.length, 2);
  const counts = [...text.matchAll(/(\d+) \+ (\d+) tasks in \d/g)];
  // 2000, and the task that finishes.
  deepEqual(counts.map(([, a, b]) => Number(a) + Number(b)), [2001, 2001]);
  equal(text.match(/^ {2}receipts read back {20}2001$/gm)?.length, 2);
});
