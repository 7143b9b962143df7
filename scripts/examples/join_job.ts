/**
 * Works on a job that someone else created, beside whoever else does.
 *
 * ```sh
 * deno run --allow-read=raw,out --allow-write=out --allow-sys=hostname join_job.ts out/volume.ome.zarr
 * ```
 *
 * The volume says which ledger counts its tasks. Ended by Ctrl-C it finishes what it has in hand; the others go on.
 *
 * Where a host of your own serves sluice, name its `mod.ts` in the import, and add `--allow-import=HOST`.
 * @module
 */
import * as sluice from "jsr:@sluice/sluice@0.1.0";

const [volume = "out/volume.ome.zarr"] = Deno.args;
const stopping = new AbortController();
Deno.addSignalListener("SIGINT", () => stopping.abort());

await using found = await sluice.findJob(volume);
await using pool = new sluice.WorkerPool();
let mine = 0;
const { state, done, tasks } = await sluice.joinJob(found.job, {
  ledger: found.ledger,
  pool,
  memory: 512 << 20,
  stop: stopping.signal,
  onProgress: ({ bytes }) => mine = bytes,
});
console.log(`${found.volume}: ${state}, ${done} of ${tasks} tasks; ${mine} bytes of it from here`);
if (state === "failed") Deno.exitCode = 1;
