/**
 * A stage of one's own on voxels.
 * @module
 */
import type { Band, Slab } from "../core/slab.ts";
import { type Stage, stage } from "./stage.ts";

/**
 * Makes a stage that changes the voxels of each band in place, as they come.
 * @param name A verb, for errors.
 * @param change Gets a band; writes into `band.data`.
 */
export function mapBands(
  name: string,
  change: (band: Band) => void | Promise<void>,
): Stage<Slab, Slab> {
  return stage(name, (slab): Slab => ({
    ...slab,
    async *bands(options) {
      for await (const band of slab.bands(options)) {
        await change(band);
        yield band;
      }
    },
  }));
}
