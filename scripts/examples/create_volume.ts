/**
 * Sections become a volume, with a stage of one's own on the way: every voxel is inverted.
 *
 * ```sh
 * deno run --allow-read=raw,out --allow-write=out create_volume.ts
 * ```
 *
 * Reads the 8-bit images in `raw`, in the natural order of their names; writes `out/inverted.ome.zarr`, and the ledger
 * of the job beside it. Run again, it goes on where it was; run several times at once, it shares the work.
 *
 * Where a host of your own serves sluice, name its `mod.ts` in the import, and add `--allow-import=HOST`.
 * @module
 */
import * as sluice from "jsr:@sluice/sluice@0.1.0";

const stopping = new AbortController();
Deno.addSignalListener("SIGINT", () => stopping.abort(new Error("Stopped by SIGINT")));

const ledgerUrl = `sqlite:${Deno.cwd()}/out/jobs.db`;
await using ledger = await sluice.openLedger(ledgerUrl);
await using pool = new sluice.WorkerPool();
const report = await sluice.planIngest(["raw"]);
const { job, volume } = await sluice.createJob(report, "out/inverted.ome.zarr", {
  ledger,
  ledgerUrl,
});
await using store = await sluice.openVolume(volume, { pool });
const sources = await store.folder.sources();
const invert = sluice.mapBands("invert", ({ data }) => {
  for (let i = 0; i < data.length; i++) data[i] = 255 - Number(data[i]);
});

const run = sluice
  .pipeline(sluice.leaseTasks(ledger, { job }), {
    signal: stopping.signal,
    onFailure: (error) => ledger.fail(error.task.lease, error.task.index, error),
  })
  .through(sluice.readSlabs(store, { sources, pool }))
  .through(invert)
  .through(sluice.buildScales(store.layout, { pool }))
  .through(sluice.splitChunks(store.layout))
  .through(sluice.upload(store, { pool, ledger, concurrency: 2 }));
for await (const { task, value } of run) await ledger.acknowledge(task.lease, [value]);

const { state, done, tasks } = await ledger.status(job);
console.log(`${volume}: ${state}, ${done} of ${tasks} tasks`);
for (const { task, reason } of await ledger.deadLetters(job)) console.error(`${task}: ${reason}`);
if (state !== "done") Deno.exitCode = 1;
