/**
 * Watches sections becoming a volume: what is planned, how far it is, what fails, what is verified.
 *
 * ```sh
 * deno run --allow-read=raw,out --allow-write=out --allow-sys=hostname watch_progress.ts
 * ```
 *
 * Reads the images in `raw`; writes `out/volume.ome.zarr`, and the ledger of the job beside it.
 *
 * Where a host of your own serves sluice, name its `mod.ts` in the import, and add `--allow-import=HOST`.
 * @module
 */
import * as sluice from "jsr:@sluice/sluice@0.1.0";

const ledgerUrl = `sqlite:${Deno.cwd()}/out/jobs.db`;
await using ledger = await sluice.openLedger(ledgerUrl);
await using pool = new sluice.WorkerPool();
const begun = performance.now();

const { status, verified } = await sluice.ingest(["raw"], "out/volume.ome.zarr", {
  ledger,
  ledgerUrl,
  pool,
  memory: 512 << 20,
  onPlanned({ plan, estimate, warnings }) {
    const size = plan.layout.scales[0].size.slice(0, 3).join(" x ");
    console.log(`planned: ${estimate.images} images, ${size} voxels, ${estimate.tasks} tasks`);
    for (const warning of warnings) console.log(`to know: ${warning}`);
  },
  onCreated: ({ job, found }) => console.log(`${found ? "found" : "created"}: job ${job}`),
  onProgress({ tasks, done, voxels, bytes }) {
    const seconds = (performance.now() - begun) / 1e3;
    const rate = `${(voxels / 1e6 / seconds).toFixed(1)} megavoxels/s`;
    const left = done === 0 ? "" : `, ${(seconds * (tasks - done) / done).toFixed(1)} s left`;
    console.log(`written: ${done} of ${tasks} tasks, ${bytes} bytes, ${rate}${left}`);
  },
  onFailure: (error) => console.error(`failed: ${error.message}`),
  onVerify: (units, total) => console.log(`verified: ${units} of ${total} shards`),
});

console.log(`ended: ${status.state}, ${status.losses} losses, ${status.deadLetters} dead letters`);
for (const { path, reason } of verified?.faults ?? []) console.error(`wrong: ${path} ${reason}`);
if (status.state !== "done" || verified?.faults.length) Deno.exitCode = 1;
