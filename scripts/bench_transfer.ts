/**
 * Times the transfer of a volume beside programs that others wrote: Neuroglancer precomputed, raw and a file a chunk,
 * to OME-Zarr, sharded and zstd 3, on a local disk.
 *
 * ```sh
 * deno run -A scripts/bench_transfer.ts [--quick] [--rounds 3] [--side 1024] [--folder DIR] [--no-igneous]
 * ```
 *
 * Whole processes, one after the other, in turn in every round; medians of wall time, the largest peak of resident
 * memory of the process and its children, and the ratio of each to sluice (above 1: sluice is ahead). Two threads, or
 * processes, each; no pyramid. sluice runs with `--no-verify`, as no peer reads back what it wrote; what verifying adds
 * has a row of its own. igneous cannot write Zarr: it copies to precomputed, raw, which is less work. Needs Python 3
 * with venv.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measure, type Measured, median } from "./_measure.ts";
import { FLAGS } from "./_process.ts";
import { ensureEnvironment } from "./interop_venv.ts";
import { makeSample } from "./make_sample.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    side: { type: "string" },
    folder: { type: "string" },
    "no-igneous": { type: "boolean", default: false },
  },
});
const side = Number(values.side ?? (values.quick ? 128 : 1024));
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const shard = Math.min(512, side);
const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-bench-" });
const home = { SLUICE_HOME: join(folder, "home") };
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const THREADS = "2";

const python = await ensureEnvironment("interop");
const source = join(folder, "source");
const sluice = (...words: readonly string[]) =>
  measure(Deno.execPath(), ["run", ...FLAGS, here("../cli.ts"), ...words], home);

const raw = join(folder, "raw");
await makeSample({ directory: raw, width: side, height: side, depth: side });
const made = ["--chunk", "64", "--shard", "none", "--codec", "raw", "--levels", "1"];
const voxelSize = ["--voxel-size", "4x4x4nm"];
await sluice("ingest", `${raw}/*.tif`, `precomputed://${source}`, ...made, ...voxelSize);
await Deno.remove(raw, { recursive: true });

interface Contender {
  readonly name: string;
  run(target: string): Promise<Measured>;
}

const own = (name: string, ...flags: readonly string[]): Contender => ({
  name,
  run: (target) =>
    sluice(
      ...["transfer", `precomputed://${source}`, target, "--levels", "1", "--workers", THREADS],
      ...["--chunk", "64", "--shard", `${shard}x${shard}x64`, "--codec", "zstd:3", "--json"],
      ...flags,
    ),
});
const peer = (name: string, script: string): Contender => ({
  name,
  run: (target) =>
    measure(python, [
      ...[here(`bench_peers/${script}`), source, target, "--threads", THREADS],
      ...["--shard", "64", String(shard), String(shard)],
    ], home),
});
const contenders = [
  own("sluice", "--no-verify"),
  own("sluice, verified"),
  peer("tensorstore", "tensorstore_transfer.py"),
  peer("cloud-volume and zarr-python", "cloudvolume_transfer.py"),
];
if (!values["no-igneous"]) {
  const igneous = join(await ensureEnvironment("igneous"), "..", "igneous");
  contenders.push({
    name: "igneous image xfer, to precomputed",
    run: (target) =>
      measure(igneous, [
        ...["--parallel", THREADS, "image", "xfer", `file://${source}`, `file://${target}`],
        ...["--skip-downsample", "--encoding", "raw", "--compress", "none", "--no-src-update"],
        ...["--shape", `${shard},${shard},64`],
      ], home),
  });
}

const results = new Map<string, Measured[]>(contenders.map(({ name }) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const { name, run } of contenders) {
    const target = join(folder, "out");
    results.get(name)!.push(await run(target));
    await Deno.remove(target, { recursive: true });
  }
}

const mine = results.get("sluice")!;
const wallOf = (runs: readonly Measured[]) => median(runs.map(({ seconds }) => seconds));
const peakOf = (runs: readonly Measured[]) => Math.max(...runs.map(({ peak }) => peak));
console.log(
  `${side} x ${side} x ${side} voxels of uint8, chunks of 64 x 64 x 64, shards of ${shard} x ${shard} x 64, ${THREADS} threads, ${rounds} rounds\n`,
);
console.log("| program | wall s | MB/s | peak MiB | wall / sluice | memory / sluice |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const [name, runs] of results) {
  const [wall, peak] = [wallOf(runs), peakOf(runs)];
  console.log(
    `| ${name} | ${wall.toFixed(2)} | ${(side ** 3 / 1e6 / wall).toFixed(0)} | ${
      Math.round(peak / 2 ** 20)
    } | ${(wall / wallOf(mine)).toFixed(2)} | ${(peak / peakOf(mine)).toFixed(2)} |`,
  );
}
const { thisProcess } = JSON.parse(mine.at(-1)!.stdout);
const parts = Object.entries(thisProcess.milliseconds as Record<string, number>)
  .map(([part, ms]) => `${part} ${(ms / 1000).toFixed(2)} s`);
console.log(`\nsluice's threads: ${parts.join(", ")}`);
if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
