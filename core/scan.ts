/**
 * What a receipt says of voxels: the smallest, the largest, and whether there is anything but fill value.
 * @module
 */
import { rangeOf } from "./_scan_kernel.ts";
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
  if (voxels.length === 0) {
    throw new RangeError("Cannot scan no voxels: there is no smallest one; leave empty arrays out");
  }
  if (voxels instanceof Float32Array) return scanFloats(voxels, fill);
  if (voxels instanceof BigUint64Array) return scanBig(voxels, fill);
  const [min, max] = voxels instanceof Uint32Array || voxels instanceof Int32Array
    ? rangeOfWords(voxels)
    : rangeOf(voxels);
  return { min, max, empty: min === fill && max === fill };
}

/** The range of 32-bit integers: compared as signed, so that they need not become floats. */
function rangeOfWords(voxels: Uint32Array | Int32Array): [least: number, most: number] {
  const turn = voxels instanceof Uint32Array ? 1 << 31 : 0;
  const words = new Int32Array(voxels.buffer, voxels.byteOffset, voxels.length);
  let least = words[0] ^ turn;
  let most = least;
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ^ turn;
    if (word < least) least = word;
    if (word > most) most = word;
  }
  const offset = turn === 0 ? 0 : 2 ** 31;
  return [least + offset, most + offset];
}

function scanFloats(voxels: Float32Array, fill: number): VoxelScan {
  const same = equalFloats(voxels, fill);
  let [min, max] = [Infinity, -Infinity];
  for (let i = Math.max(0, same - 1); i < voxels.length; i++) {
    const voxel = voxels[i];
    if (voxel < min) min = voxel;
    if (voxel > max) max = voxel;
  }
  const empty = same === voxels.length;
  return min > max ? { min: NaN, max: NaN, empty } : { min, max, empty };
}

/** How many floats from the first on are the fill value: told by their bits, as -0 is not 0. */
function equalFloats(voxels: Float32Array, fill: number): number {
  let same = 0;
  if (Number.isNaN(fill)) {
    while (same < voxels.length && Number.isNaN(voxels[same])) same++;
    return same;
  }
  const words = new Int32Array(voxels.buffer, voxels.byteOffset, voxels.length);
  const [bits] = new Int32Array(Float32Array.of(fill).buffer);
  while (same < words.length && words[same] === bits) same++;
  return same;
}

function scanBig(voxels: BigUint64Array, fill: number): VoxelScan {
  let min = voxels[0];
  let max = min;
  for (let i = 1; i < voxels.length; i++) {
    const voxel = voxels[i];
    if (voxel < min) min = voxel;
    if (voxel > max) max = voxel;
  }
  return { min: `${min}`, max: `${max}`, empty: min === max && `${min}` === decimal(fill) };
}

/** A fill value as uint64 writes it, or nothing where it is none. */
function decimal(fill: number): string | undefined {
  return Number.isInteger(fill) ? `${BigInt(fill)}` : undefined;
}
