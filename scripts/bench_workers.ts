/**
 * Measures where the work of a job runs best: one process whose pool does the work of each task together, as sluice
 * does, or as many processes with no pool, a pipeline each.
 *
 * deno run -A scripts/bench_workers.ts [--quick] [--rounds 3] [--threads N]
 *
 * The same sections as PNG and as uncompressed TIFF, as a job of many tasks (shards 8 sections deep) and as one of a
 * single task (one shard deep). `join` alone is timed, whole processes, in turn in every round; medians.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeSample } from "./make_sample.ts";
import { expectCode } from "./_process.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    rounds: { type: "string" },
    threads: { type: "string" },
  },
});
const quick = values.quick ?? false;
const rounds = Number(values.rounds ?? (quick ? 1 : 3));
const threads = Number(values.threads ?? navigator.hardwareConcurrency);
const side = quick ? 512 : 2048;
const folder = await Deno.makeTempDir({ prefix: "sluice-bench-" });
const env = { SLUICE_HOME: join(folder, "home") };
const target = join(folder, "out.ome.zarr");

/** Seconds that `join` takes with some processes of some threads each. */
async function measure(
  sources: string,
  shape: readonly string[],
  processes: number,
  workers: number,
): Promise<{ readonly seconds: number; readonly tasks: number }> {
  const create = ["create", sources, target, "--levels", "1", "--overwrite", ...shape];
  await expectCode(0, [...create, "--quiet"], env);
  const begun = performance.now();
  const joined = await Promise.all(
    Array.from(
      { length: processes },
      () => expectCode(0, ["join", target, "--json", "--workers", `${workers}`], env),
    ),
  );
  const seconds = (performance.now() - begun) / 1000;
  return { seconds, tasks: JSON.parse(joined[0].stdout).tasks };
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

try {
  console.log(
    `${side} x ${side} sections, ${threads} threads, ${rounds} rounds\n\n` +
      "| input | tasks | pool s | pipeline a process s | pipelines / pool |\n" +
      "| --- | --- | --- | --- | --- |",
  );
  for (const format of ["tiff", "png"] as const) {
    for (const [depth, shape] of [[256, "64x64x8"], [64, "64"]] as const) {
      const sections = join(folder, `${format}${depth}`);
      const size = quick ? depth / 4 : depth;
      await makeSample({ directory: sections, width: side, height: side, depth: size, format });
      const shard = shape === "64" ? "512x512x64" : "512x512x8";
      const flags = ["--chunk", shape, "--shard", shard];
      const pool: number[] = [];
      const pipelines: number[] = [];
      let tasks = 0;
      for (let round = 0; round < rounds; round++) {
        const one = await measure(`${sections}/*`, flags, 1, threads);
        pool.push(one.seconds);
        tasks = one.tasks;
        pipelines.push((await measure(`${sections}/*`, flags, threads, 0)).seconds);
      }
      const ratio = median(pipelines) / median(pool);
      console.log(
        `| ${format} | ${tasks} | ${median(pool).toFixed(2)} | ${median(pipelines).toFixed(2)} | ${
          ratio.toFixed(2)
        } |`,
      );
      await Deno.remove(sections, { recursive: true });
    }
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
