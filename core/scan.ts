/**
 * What a receipt says of voxels: the smallest, the largest, and whether there is anything but fill value.
 * @module
 */
import type { VoxelArray } from "./dtype.ts";

/** The least that one wants to know of some voxels. */
export interface VoxelScan {
  /** Smallest voxel, a decimal string for uint64; float32: NaN left out, and NaN where there is nothing else. */
  readonly min: number | string;
  /** Largest voxel, in the same way. */
  readonly max: number | string;
  /** Whether every voxel is the fill value; -0 is not 0, and every NaN is NaN. */
  readonly empty: boolean;
}

/**
 * Finds the smallest and the largest voxel, and whether all are fill value.
 * @param voxels At least one.
 * @param fill The fill value.
 * @throws {RangeError} If there is no voxel.
 * @example A section of background with one bright voxel
 * ```ts
 * import { scanVoxels } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(scanVoxels(new Uint8Array([0, 0, 200, 0]), 0), { min: 0, max: 200, empty: false });
 * ```
 */
export function scanVoxels(voxels: VoxelArray, fill: number): VoxelScan {
  if (voxels.length === 0) throw new RangeError(`Cannot scan no voxels: there is no smallest one`);
  if (voxels instanceof Float32Array) return scanFloats(voxels, fill);
  if (voxels instanceof BigUint64Array) return scanBig(voxels, fill);
  let min: number = voxels[0];
  let max: number = min;
  for (let i = 1; i < voxels.length; i++) {
    const voxel = voxels[i];
    min = Math.min(min, voxel);
    max = Math.max(max, voxel);
  }
  return { min, max, empty: min === fill && max === fill };
}

function scanFloats(voxels: Float32Array, fill: number): VoxelScan {
  let [min, max] = [Infinity, -Infinity];
  let empty = true;
  for (let i = 0; i < voxels.length; i++) {
    const voxel = voxels[i];
    if (voxel < min) min = voxel;
    if (voxel > max) max = voxel;
    if (empty && !Object.is(voxel, fill)) empty = false;
  }
  return min > max ? { min: NaN, max: NaN, empty } : { min, max, empty };
}

function scanBig(voxels: BigUint64Array, fill: number): VoxelScan {
  let min = voxels[0];
  let max = min;
  for (let i = 1; i < voxels.length; i++) {
    const voxel = voxels[i];
    if (voxel < min) min = voxel;
    if (voxel > max) max = voxel;
  }
  return {
    min: String(min),
    max: String(max),
    empty: min === max && Number.isInteger(fill) && min === BigInt(fill),
  };
}
