/**
 * Times `sluice --help`, from the source tree and from the executable, beside an empty script.
 *
 * deno run -A scripts/bench_startup.ts [--quick] [--executable PATH]
 *
 * Whole processes in turn, so that a machine whose speed drifts does not favour one; medians, and their ratios to the
 * empty script. The executable is made anew unless one is named, and has unpacked itself before. Exit code 1 if it
 * takes 150 ms or more.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile, programFlags } from "./compile.ts";

const MOST_MILLISECONDS = 150;

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, executable: { type: "string" } },
});
const runs = values.quick ? 5 : 31;
const folder = await Deno.makeTempDir({ prefix: "sluice-startup-" });
const empty = join(folder, "empty.ts");
await Deno.writeTextFile(empty, "export {};\n");
const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
const executable = values.executable ?? (await compile({ folder, selfUnpacking: true })).path;

async function time([command, ...args]: readonly string[]): Promise<number> {
  const begun = performance.now();
  const { code } = await new Deno.Command(command, {
    args,
    env: { SLUICE_CACHE: join(folder, "cache") },
    stdout: "null",
    stderr: "null",
    stdin: "null",
  }).output();
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}`);
  return performance.now() - begun;
}

const rows = [
  { name: "empty script", words: [Deno.execPath(), "run", "--no-config", "--no-lock", empty] },
  {
    name: "sluice --help",
    words: [Deno.execPath(), "run", ...await programFlags(), cli, "--help"],
  },
  { name: "executable --help", words: [executable, "--help"] },
];
const times: number[][] = rows.map(() => []);
for (let i = -1; i < runs; i++) {
  for (const [at, { words }] of rows.entries()) {
    const taken = await time(words);
    if (i >= 0) times[at].push(taken);
  }
}
const medians = times.map((all) => all.sort((a, b) => a - b)[all.length >> 1]);
for (const [at, { name }] of rows.entries()) {
  const ratio = at === 0 ? "" : `   ratio ${(medians[at] / medians[0]).toFixed(2)}`;
  console.log(`${name.padEnd(18)} ${medians[at].toFixed(0).padStart(4)} ms${ratio}`);
}
await Deno.remove(folder, { recursive: true });
if (medians[2] >= MOST_MILLISECONDS) Deno.exitCode = 1;
