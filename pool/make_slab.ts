/**
 * A slab from one function that fills boxes.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Dtype, VoxelArray } from "../core/dtype.ts";
import { leastCommonMultiple } from "../core/integers.ts";
import type { Loss } from "../core/receipt.ts";
import { BandBuffers, type Slab } from "../core/slab.ts";
import { readBands } from "./bands.ts";

/** Fills one box of voxels, every one of them. */
export type FillVoxels = (box: Box, voxels: VoxelArray) => void | Promise<void>;

/** What a slab is. */
export interface MakeSlabOptions {
  /** Its voxels. */
  readonly box: Box;
  /** Type of the voxels. */
  readonly dtype: Dtype;
  /** The scale that `box` counts in. @default 0 */
  readonly scale?: number;
  /** Bands start at multiples of this many rows, or of more where the reader wants more. @default 1 */
  readonly rows?: number;
  /** A band grows to this many bytes. @default 32 MiB */
  readonly bandBytes?: number;
  /** Buffers to share with others. @default Its own. */
  readonly buffers?: BandBuffers;
  /** Voxels that are fill value because their image was absent or broken. @default none */
  readonly losses?: readonly Loss[];
}

/**
 * Makes a slab of a function: each time a band is wanted, it fills the box of the band, which lies in the slab's.
 * @param fill Gets a box and an array in the order t, c, z, y, x with x fastest, whose content is unknown. While one
 * band is used, the next is being filled.
 * @example A slab whose voxels are their own x
 * ```ts
 * import { box, boxSize, gatherVoxels, makeSlab } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const slab = makeSlab({ box: box([4, 0, 0], [7, 2, 1]), dtype: "uint8" }, (part, voxels) => {
 *   const [width] = boxSize(part);
 *   for (let i = 0; i < voxels.length; i++) voxels[i] = part.min[0] + i % width;
 * });
 * deepEqual(await gatherVoxels(slab), new Uint8Array([4, 5, 6, 4, 5, 6]));
 * ```
 */
export function makeSlab(options: MakeSlabOptions, fill: FillVoxels): Slab {
  const { box, dtype, scale = 0, rows: own = 1, bandBytes = 32 << 20, losses = [] } = options;
  const { buffers = new BandBuffers() } = options;
  return {
    box,
    scale,
    dtype,
    losses,
    bands: ({ rows = 1, rowsFrom, hold } = {}) =>
      readBands({
        box,
        scale,
        dtype,
        rows: leastCommonMultiple(rows, own),
        rowsFrom,
        bandBytes,
        hold,
        buffers,
        fill: async (part, voxels) => await fill(part, voxels),
      }),
  };
}
