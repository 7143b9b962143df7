/**
 * Proves that memory follows `--memory`, not the size of the images.
 *
 * deno run -A scripts/prove_memory.ts [--quick] [--folder DIR]
 *
 * Ingests 16 PNG sections of 16384 x 16384 (quick: 16 of 4096 x 4096 under 256 MiB) and watches the resident memory
 * of the process and its children. Exit code 1 if it goes beyond the budget and a half (quick: the budget and 300 MiB).
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { watchMemory } from "./_memory.ts";
import { expectCode, outcome, start } from "./_process.ts";
import { makeSample } from "./make_sample.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, folder: { type: "string" } },
});
const quick = values.quick ?? false;
const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-memory-" });
const side = quick ? 4096 : 16384;
const [budget, limit] = quick ? ["256MiB", 556 * 2 ** 20] : ["1GiB", 1.5 * 2 ** 30];
const raw = join(folder, `raw_${side}`);
const exists = await Deno.stat(join(raw, "section_0015.png")).then(() => true, () => false);
if (!exists) {
  await makeSample({
    directory: raw,
    width: side,
    height: side,
    depth: 16,
    format: "png",
    level: 1,
    square: 1024,
  });
}
const target = join(folder, "out.ome.zarr");
const begun = performance.now();
const running = start([
  "ingest",
  join(raw, "*.png"),
  target,
  "--memory",
  budget,
  "--overwrite",
  "--ledger",
  `sqlite:${join(folder, "jobs.db")}`,
]);
const peak = await watchMemory(running.pid, running.output);
const ended = outcome(await running.output);
const seconds = (performance.now() - begun) / 1000;
if (ended.code !== 0) {
  console.error(ended.stderr);
  Deno.exitCode = 1;
}
const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
console.log(
  `16 PNG sections of ${side} x ${side} under --memory ${budget}, verified: ${
    seconds.toFixed(1)
  } s, peak ${mib(peak)} (limit ${mib(limit)})`,
);
if (peak > limit || peak === 0) Deno.exitCode = 1;
await expectCode(0, ["verify", target]);
if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
console.log(Deno.exitCode === 1 ? "NOT proven" : "proven");
