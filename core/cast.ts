/**
 * Voxels of one dtype as those of another, by a window of values.
 * @module
 */
import type { VoxelArray } from "./dtype.ts";

/**
 * Spreads the values from `low` to `high` over the whole range of an integer dtype.
 *
 * With `min` and `max` of the target's dtype, voxel `v` becomes
 * `min + round((clamp(v, low, high) - low) * (max - min) / (high - low))`, in float64, a half rounded to
 * even. NaN becomes `min`. uint64 voxels are read as float64, exact up to 2 ** 53.
 * @param from As many voxels as `to` has, or more: those are left out.
 * @param low The value that becomes the smallest.
 * @param high The value that becomes the largest.
 * @param to Of an integer dtype.
 * @throws {RangeError} If the target is float32, the window is empty or not finite, or `from` is shorter.
 * @example 12-bit values as 8-bit ones
 * ```ts
 * import { castWindow } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const voxels = new Uint8Array(4);
 * castWindow(new Uint16Array([0, 1000, 4095, 60000]), 0, 4095, voxels);
 * deepEqual(voxels, new Uint8Array([0, 62, 255, 255]));
 * ```
 */
export function castWindow(from: VoxelArray, low: number, high: number, to: VoxelArray): void {
  if (to instanceof Float32Array) {
    throw new RangeError(
      `Cannot cast a window of values to "float32" as its whole range: that has no useful one; ` +
        `choose an integer dtype`,
    );
  }
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) {
    throw new RangeError(
      `Cannot use ${low}:${high} as a window of values: both must be finite and the first smaller; ` +
        `give it as low:high`,
    );
  }
  if (from.length < to.length) {
    throw new RangeError(
      `Cannot cast ${from.length} voxels to ${to.length}: some would be left as they were; ` +
        `give as many`,
    );
  }
  const bits = to.BYTES_PER_ELEMENT * 8;
  const signed = to instanceof Int8Array || to instanceof Int16Array || to instanceof Int32Array;
  const min = signed ? -(2 ** (bits - 1)) : 0;
  const range = 2 ** bits - 1;
  for (let i = 0; i < to.length; i++) {
    const voxel = Number(from[i]);
    const inside = voxel > low ? Math.min(voxel, high) : low;
    const value = min + roundHalfEven((inside - low) * range / (high - low));
    if (to instanceof BigUint64Array) {
      to[i] = BigInt(value) > MAX_UINT64 ? MAX_UINT64 : BigInt(value);
    } else to[i] = value;
  }
}

const MAX_UINT64 = 2n ** 64n - 1n;

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
