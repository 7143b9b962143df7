import { equal, match } from "node:assert/strict";

const SCRIPT = new URL("../../scripts/bench_ledger.ts", import.meta.url).pathname;

Deno.test("bench_ledger.ts --quick does every task once, and reads back as many receipts", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", SCRIPT, "--quick"],
  }).output();
  const text = new TextDecoder().decode(stdout);
  equal(success, true, new TextDecoder().decode(stderr));
  match(text, /^create a job of 10\^9 tasks {6}\d+\.\d+ s$/m);
  const [, first, second] = /(\d+) \+ (\d+) tasks in \d/.exec(text) ?? [];
  // 2000, and the task that finishes.
  equal(Number(first) + Number(second), 2001);
  match(text, /^ {2}receipts read back {12}2001$/m);
});
