/**
 * A stage of one's own on voxels.
 * @module
 */
import type { Band, Slab } from "../core/slab.ts";
import { type Stage, stage } from "./stage.ts";

/**
 * Makes a stage that changes the voxels of each band in place, as they come from the source. What later phases read
 * back from the store was changed before, and passes as it is.
 * @param name A verb, for errors.
 * @param change Gets a band; writes into `band.data`.
 * @example Negatives
 * ```ts
 * import { box, collect, enumerate, gatherVoxels, makeSlab, mapBands, pipeline, stage } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const paint = stage("paint", (_: unknown, { task: { box } }) =>
 *   makeSlab({ box, dtype: "uint8" }, (_, voxels) => {
 *     for (const i of voxels.keys()) voxels[i] = i;
 *   }));
 * const invert = mapBands("invert", ({ data }) => {
 *   for (const i of data.keys()) data[i] = 255 - Number(data[i]);
 * });
 * const run = pipeline(enumerate([box([0, 0, 0], [3, 1, 1])])).through(paint).through(invert);
 * const [{ value: slab }] = await collect(run);
 * deepEqual(await gatherVoxels(slab), new Uint8Array([255, 254, 253]));
 * ```
 */
export function mapBands(
  name: string,
  change: (band: Band) => void | Promise<void>,
): Stage<Slab, Slab> {
  return stage(name, (slab, { task }): Slab =>
    task.kind !== "source" ? slab : {
      ...slab,
      async *bands(options) {
        for await (const band of slab.bands(options)) {
          await change(band);
          yield band;
        }
      },
    });
}
