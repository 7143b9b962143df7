/**
 * Times `sluice --help` beside an empty script.
 *
 * deno run -A scripts/bench_startup.ts [--quick]
 *
 * Whole processes in turn, so that a machine whose speed drifts does not favour one; medians, and their ratio.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FLAGS } from "./_process.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean" } } });
const runs = values.quick ? 5 : 31;
const empty = await Deno.makeTempFile({ suffix: ".ts" });
await Deno.writeTextFile(empty, "export {};\n");
const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));

async function time(args: readonly string[]): Promise<number> {
  const begun = performance.now();
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    stdout: "null",
    stderr: "null",
    stdin: "null",
  }).output();
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
  return performance.now() - begun;
}

const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1];
const nothing = ["run", "--no-config", "--no-lock", empty];
const help = ["run", ...FLAGS, cli, "--help"];
const times: [number[], number[]] = [[], []];
for (let i = -1; i < runs; i++) {
  const pair = [await time(nothing), await time(help)];
  if (i >= 0) pair.forEach((value, at) => times[at].push(value));
}
const [base, own] = times.map(median);
console.log(`empty script   ${base.toFixed(0)} ms`);
console.log(`sluice --help  ${own.toFixed(0)} ms   ratio ${(own / base).toFixed(2)}`);
await Deno.remove(empty);
