/**
 * Voxels that are no images become a volume: here a formula is asked for them, box by box.
 *
 * ```sh
 * deno run --allow-read=out --allow-write=out --allow-sys=hostname custom_source.ts
 * ```
 *
 * Writes `out/gyroid.ome.zarr`, reads it back and holds it against what was written. A raw file, a camera or a web
 * service is a function like this one.
 *
 * Where a host of your own serves sluice, name its `mod.ts` in the import, and add `--allow-import=HOST`.
 * @module
 */
import * as sluice from "jsr:@sluice/sluice@0.1.0";

const source = sluice.arraySource({
  name: "gyroid with a period of 40 voxels",
  size: [160, 120, 80],
  dtype: "uint8",
  voxelSize: { x: 8, y: 8, z: 8, unit: "nanometer" },
}, ({ min, max }, voxels) => {
  const [sin, cos] = [Math.sin, Math.cos].map((f) => (voxel: number) => f(Math.PI * voxel / 20));
  let i = 0;
  for (let z = min[2]; z < max[2]; z++) {
    for (let y = min[1]; y < max[1]; y++) {
      for (let x = min[0]; x < max[0]; x++) {
        const height = sin(x) * cos(y) + sin(y) * cos(z) + sin(z) * cos(x);
        voxels[i++] = Math.round(127.5 + 85 * height);
      }
    }
  }
});

await using ledger = await sluice.openLedger("memory:");
await using pool = new sluice.WorkerPool();
const { created, status, verified } = await sluice.ingest(source, "out/gyroid.ome.zarr", {
  ledger,
  pool,
  memory: 512 << 20,
});
console.log(`${created.volume}: ${status.state}`);
for (const { path, reason } of verified?.faults ?? []) console.error(`${path} ${reason}`);
if (status.state !== "done" || verified?.faults.length) Deno.exitCode = 1;
