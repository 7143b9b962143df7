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
 * @example The brightest voxel, seen in passing
 * ```ts
 * import {
 *   decode, encodePng, enumerate, mapBands, pipeline, readImageStack, resolvePaths, SourceList, WorkerPool,
 * } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = Uint8Array.from({ length: 35 }, (_, i) => i);
 * await Deno.writeFile(path, encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data }));
 * const stack = await readImageStack([path]);
 * await using pool = new WorkerPool({ size: 0 });
 * let brightest = 0;
 * const run = pipeline(enumerate([stack.info.extent]))
 *   .through(resolvePaths(SourceList.of(stack)))
 *   .through(decode({ pool }))
 *   .through(mapBands("measure", ({ data }) => {
 *     for (const voxel of data) brightest = Math.max(brightest, Number(voxel));
 *   }));
 * for await (const { value: slab } of run) await Array.fromAsync(slab.bands());
 * equal(brightest, 34);
 * await Deno.remove(path);
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
