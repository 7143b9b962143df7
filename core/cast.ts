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
  const window = { low, high, ...rangeOf(to) };
  if (to instanceof BigUint64Array) {
    for (let i = 0; i < to.length; i++) to[i] = castToUint64(Number(from[i]), window);
    // A table pays from a quarter of its size on, as a cast divides.
  } else if (from.BYTES_PER_ELEMENT <= 2 && to.length >= 2 ** (from.BYTES_PER_ELEMENT * 8 - 2)) {
    const [units, table] = [viewUnits(from), tableOf(from, window)];
    for (let i = 0; i < to.length; i++) to[i] = table[units[i]];
  } else {
    for (let i = 0; i < to.length; i++) to[i] = cast(Number(from[i]), window);
  }
}

interface Window {
  readonly low: number;
  readonly high: number;
  readonly min: number;
  readonly range: number;
}

function rangeOf(to: VoxelArray): { min: number; range: number } {
  const bits = to.BYTES_PER_ELEMENT * 8;
  const signed = to instanceof Int8Array || to instanceof Int16Array || to instanceof Int32Array;
  return { min: signed ? -(2 ** (bits - 1)) : 0, range: 2 ** bits - 1 };
}

/** Adding and subtracting this rounds a float64 below 2 ** 51 to an integer, a half to even. */
const ROUND = 1.5 * 2 ** 52;

function cast(voxel: number, { low, high, min, range }: Window): number {
  const inside = voxel > low ? Math.min(voxel, high) : low;
  return min + ((inside - low) * range / (high - low) + ROUND - ROUND);
}

const MAX_UINT64 = 2n ** 64n - 1n;

function castToUint64(voxel: number, { low, high, range }: Window): bigint {
  const inside = voxel > low ? Math.min(voxel, high) : low;
  const value = (inside - low) * range / (high - low);
  const floor = Math.floor(value);
  const up = value - floor > 0.5 || value - floor === 0.5 && floor % 2 === 1;
  // The range itself is no float64: the nearest is one too many.
  const whole = BigInt(floor) + (up ? 1n : 0n);
  return whole > MAX_UINT64 ? MAX_UINT64 : whole;
}

/** Voxels of one or two bytes as unsigned integers. */
function viewUnits({ buffer, byteOffset, length, BYTES_PER_ELEMENT }: VoxelArray) {
  const view = BYTES_PER_ELEMENT === 1 ? Uint8Array : Uint16Array;
  return new view(buffer as ArrayBuffer, byteOffset, length);
}

/** What each voxel of one or two bytes becomes, by its bits; the last 32 bits of it. */
function tableOf(from: VoxelArray, window: Window): Int32Array {
  const signed = from instanceof Int8Array || from instanceof Int16Array;
  const count = 2 ** (from.BYTES_PER_ELEMENT * 8);
  const table = new Int32Array(count);
  for (let unit = 0; unit < count; unit++) {
    table[unit] = cast(signed && unit >= count / 2 ? unit - count : unit, window);
  }
  return table;
}
