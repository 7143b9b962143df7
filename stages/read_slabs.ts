/**
 * The voxels of each task, from where its phase reads them.
 * @module
 */
import type { Slab } from "../core/slab.ts";
import type { Store } from "../stores/store.ts";
import { decode, type DecodeOptions } from "./decode.ts";
import { type ImageLocator, resolvePaths, type ResolvePathsOptions } from "./resolve_paths.ts";
import { type Item, type Stage, stage } from "./stage.ts";

/** Where voxels come from. */
export interface ReadSlabsOptions extends DecodeOptions, ResolvePathsOptions {
  /** The images of the job. */
  readonly sources: ImageLocator;
}

/**
 * Opens the slab of each task: images are resolved and decoded for tasks of the source, stored scales are read back
 * for those of later phases; for `finish` there are no voxels.
 * @example The voxels of every task of a job
 * ```ts
 * import {
 *   createJob, encodePng, enumerate, gatherVoxels, OmeZarrStore, openLedger, pipeline, planIngest,
 *   readSlabs, readSourceList, WorkerPool,
 * } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const report = await planIngest([`${folder}/*.png`], { levels: 1 });
 * const { volume } = await createJob(report, `${folder}/out.ome.zarr`, { ledger });
 * await using store = await OmeZarrStore.open(volume, { pool });
 * const sources = await readSourceList(store.folder.sourcesPath);
 *
 * const voxels: number[] = [];
 * const run = pipeline(enumerate(report.plan)).through(readSlabs(store, { sources, pool }));
 * for await (const { value: slab } of run) voxels.push(...Array.from(await gatherVoxels(slab), Number));
 * deepEqual(voxels, Array(3 * 35).fill(9));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function readSlabs(
  store: Pick<Store, "read" | "layout">,
  options: ReadSlabsOptions,
): Stage<unknown, Slab> {
  const { dtype } = store.layout;
  const resolve = resolvePaths(options.sources, options);
  const images = decode({ ...options, dtype });
  const stored = stage("read", (_: unknown, { task, signal }): Promise<Slab> | Slab => {
    const { kind, box, scale } = task;
    if (kind === "scales") return store.read(box, { scale, signal });
    return { box, scale, dtype, losses: [], async *bands() {} };
  });
  return async function* (source, context) {
    for await (const item of source) {
      if (item.task.kind === "source") yield* images(resolve(only(item), context), context);
      else yield* stored(only(item), context);
    }
  };
}

async function* only<T>(item: Item<T>): AsyncGenerator<Item<T>> {
  yield await Promise.resolve(item);
}
