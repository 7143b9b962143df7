/**
 * All voxels of a slab at once.
 * @module
 */
import { boxVolume } from "./box.ts";
import { copyBox } from "./copy_box.ts";
import { viewVoxels, VOXEL_BYTES, type VoxelArray } from "./dtype.ts";
import type { Slab } from "./slab.ts";

/**
 * Reads a slab into one array, in the order t, c, z, y, x with x fastest: for small boxes. Bands of coarser scales,
 * which `buildScales` adds, are left out.
 * @example What a store holds at one place
 * ```ts
 * import { box, gatherVoxels, makeSlab } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const slab = makeSlab({ box: box([0, 0, 0], [2, 1, 1]), dtype: "uint16" }, (_, voxels) => {
 *   for (const i of voxels.keys()) voxels[i] = 300 + i;
 * });
 * deepEqual(await gatherVoxels(slab), new Uint16Array([300, 301]));
 * ```
 */
export async function gatherVoxels(slab: Slab): Promise<VoxelArray> {
  const { box, dtype, scale } = slab;
  const voxels = viewVoxels(dtype, new Uint8Array(boxVolume(box) * VOXEL_BYTES[dtype]));
  for await (const band of slab.bands()) {
    if (band.scale === scale) copyBox(band.data, band.box, voxels, box, band.box);
  }
  return voxels;
}
