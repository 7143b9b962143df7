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
