/**
 * sluice moves stacks of scientific images into volumes and back, and can prove what it did.
 *
 * Everything is built of stages, which a script can use one by one: tasks of a job are leased, their images found and
 * decoded, coarser scales built, chunks cut, encoded and committed.
 *
 * @example A stack becomes a volume, with a stage of one's own on the way
 * ```ts
 * import * as sluice from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * const section = sluice.encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data: new Uint8Array(35).fill(200) });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/section_${z}.png`, section);
 *
 * await using ledger = await sluice.openLedger("memory:");
 * await using pool = new sluice.WorkerPool({ size: 0 });
 * const report = await sluice.planIngest([`${folder}/section_<p:1>.png`]);
 * const { job, volume } = await sluice.createJob(report, `${folder}/out.ome.zarr`, { ledger, ledgerUrl: "memory:" });
 * await using store = await sluice.OmeZarrStore.open(volume, { pool });
 * const invert = sluice.mapBands("invert", ({ data }) => {
 *   for (let i = 0; i < data.length; i++) data[i] = 255 - Number(data[i]);
 * });
 * const run = sluice.pipeline(sluice.leaseTasks(ledger, { job }))
 *   .through(sluice.resolvePaths(await sluice.readSourceList(store.folder.sourcesPath)))
 *   .through(sluice.decode({ pool, dtype: report.plan.layout.dtype }))
 *   .through(invert)
 *   .through(sluice.splitChunks(store.layout))
 *   .through(sluice.upload(store, { pool, ledger }));
 * for await (const { task, value } of run) {
 *   await ledger.acknowledge(task.lease, [value]);
 *   if ((await ledger.status(job)).done === 1) break; // the task that is left marks the volume complete
 * }
 * equal((await (await store.read(sluice.box([0, 0, 0], [1, 1, 1]))).bands()[Symbol.asyncIterator]().next()).value.data[0], 55);
 * await Deno.remove(folder, { recursive: true });
 * ```
 * @module
 */
export * from "./core/point.ts";
export * from "./core/box.ts";
export * from "./core/dtype.ts";
export * from "./core/units.ts";
export * from "./core/errors.ts";
export * from "./core/abort.ts";
export * from "./core/layout.ts";
export * from "./core/plan.ts";
export * from "./core/plan_layout.ts";
export * from "./core/receipt.ts";
export * from "./core/slab.ts";
export * from "./core/downsample.ts";
export * from "./core/version.ts";
