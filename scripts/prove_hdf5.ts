/**
 * Proves that an HDF5 file larger than memory becomes a volume within `--memory`, and holds the right voxels.
 *
 * deno run -A scripts/prove_hdf5.ts [--quick] [--folder DIR]
 *
 * Ingests 8 GiB (quick: 1 GiB) in gzipped chunks under 512 MiB, watches the resident memory of the process, and compares
 * boxes of the volume with what was written. Exit code 1 if the memory goes beyond 850 MiB, or a voxel differs. The file
 * is made by h5py, in the environment of the interop tests.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { box, gatherVoxels, openVolume, WorkerPool } from "../mod.ts";
import { watchMemory } from "./_memory.ts";
import { outcome, start } from "./_process.ts";
import { run } from "./_run.ts";
import { ensureEnvironment } from "./interop_venv.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, folder: { type: "string" } },
});
const quick = values.quick ?? false;
const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-hdf5-" });
const size = quick ? [2048, 2048, 256] as const : [4096, 4096, 512] as const;
const [budget, limit] = ["512MiB", 850 * 2 ** 20];
/** What the file is made of: see _large_hdf5.py. */
const [CHUNK_X, CHUNK_Y, CHUNK_Z, PATTERNS] = [256, 256, 16, 23];

const file = join(folder, `raw_${size[0]}.h5`);
if (!await Deno.stat(`${file}.patterns`).then(() => true, () => false)) {
  const python = Deno.env.get("SLUICE_PYTHON") ?? await ensureEnvironment("interop");
  const script = fileURLToPath(new URL("_large_hdf5.py", import.meta.url));
  await run([python, script, file, ...size.toReversed().map(String)]);
}
const target = join(folder, "out.ome.zarr");
const begun = performance.now();
const ledger = `sqlite:${join(folder, "jobs.db")}`;
const args = ["--memory", budget, "--overwrite", "--ledger", ledger];
const running = start(["ingest", `${file}:/volumes/raw`, target, ...args]);
const peak = await watchMemory(running.pid, running.output);
const ended = outcome(await running.output);
const seconds = (performance.now() - begun) / 1000;
if (ended.code !== 0) console.error(ended.stderr);

const differing = ended.code === 0 ? await countDiffering() : undefined;
const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
const bytes = size[0] * size[1] * size[2];
console.log(
  `${mib(bytes)} of voxels in ${
    mib((await Deno.stat(file)).size)
  } of HDF5 under --memory ${budget}, verified: ` +
    `${seconds.toFixed(1)} s, peak ${mib(peak)} (limit ${mib(limit)}), ${
      differing ?? "unknown"
    } of 50 boxes differ`,
);
if (peak > limit || peak === 0 || differing !== 0) Deno.exitCode = 1;
if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
console.log(Deno.exitCode === 1 ? "NOT proven" : "proven");

/** Boxes of the volume in which a voxel is not the one of the file. */
async function countDiffering(): Promise<number> {
  const patterns = await Deno.readFile(`${file}.patterns`);
  await using pool = new WorkerPool({ size: 0 });
  await using store = await openVolume(target, { pool });
  let differing = 0;
  for (let i = 0; i < 50; i++) {
    const sides = [90, 70, 20];
    const min = sides.map((side, axis) => Math.floor(Math.random() * (size[axis] - side)));
    const max = min.map((value, axis) => value + sides[axis]);
    const voxels = await gatherVoxels(await store.read(box(min, max)));
    let at = 0;
    let isEqual = true;
    for (let z = min[2]; z < max[2]; z++) {
      for (let y = min[1]; y < max[1]; y++) {
        for (let x = min[0]; x < max[0]; x++) {
          if (voxels[at++] !== patterns[placeOf(x, y, z)]) isEqual = false;
        }
      }
    }
    if (!isEqual) differing++;
  }
  return differing;
}

/** Where a voxel lies among the patterns. */
function placeOf(x: number, y: number, z: number): number {
  const cell = [x / CHUNK_X, y / CHUNK_Y, z / CHUNK_Z].map(Math.floor);
  const number = (5 * cell[2] + 3 * cell[1] + cell[0]) % PATTERNS;
  return ((number * CHUNK_Z + z % CHUNK_Z) * CHUNK_Y + y % CHUNK_Y) * CHUNK_X + x % CHUNK_X;
}
