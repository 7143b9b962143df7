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
  if (voxels.length === 0) {
    throw new RangeError("Cannot scan no voxels: there is no smallest one; leave empty arrays out");
  }
  if (voxels instanceof Float32Array) return scanFloats(voxels, fill);
  if (voxels instanceof BigUint64Array) return scanBig(voxels, fill);
  const { min, max } = scanIntegers(voxels);
  return { min, max, empty: min === fill && max === fill };
}

type Integers = Exclude<VoxelArray, Float32Array | BigUint64Array>;

/** Voxels as unsigned integers in the order of their dtype, those below 0 first. */
interface Flipped {
  readonly data: DataView;
  /** What is flipped of each voxel's bits. */
  readonly flip: number;
  /** Bytes at the beginning that hold nothing but the first voxel. */
  readonly start: number;
}

/** Smallest and largest as flipped; the search ends early where nothing can widen them. */
type Range = [least: number, most: number];

function scanIntegers(voxels: Integers): { min: number; max: number } {
  const bytes = voxels.BYTES_PER_ELEMENT;
  const signed = voxels instanceof Int8Array || voxels instanceof Int16Array ||
    voxels instanceof Int32Array;
  const offset = signed ? 2 ** (bytes * 8 - 1) : 0;
  const flipped = {
    data: new DataView(voxels.buffer, voxels.byteOffset, voxels.byteLength),
    flip: signed ? 1 << bytes * 8 - 1 : 0,
    start: equalStart(voxels),
  };
  const range = bytes === 1 ? rangeOfBytes : bytes === 2 ? rangeOfShorts : rangeOfWords;
  const [least, most] = range(flipped);
  return { min: least - offset, max: most - offset };
}

/** Bytes from the first on that hold one value only, seen word by word: background is frequent. */
function equalStart({ buffer, byteOffset, byteLength, BYTES_PER_ELEMENT }: Integers): number {
  if (byteOffset % 4 !== 0 || byteLength < 4) return 0;
  const words = new Int32Array(buffer, byteOffset, byteLength >> 2);
  const first = words[0];
  const turned = BYTES_PER_ELEMENT === 1 ? first << 8 | first >>> 24 : first << 16 | first >>> 16;
  if (BYTES_PER_ELEMENT < 4 && turned !== first) return 0;
  let i = 1;
  while (i < words.length && words[i] === first) i++;
  return i * 4;
}

/** A 1 above the byte in each of two 16-bit lanes, and the bytes that lie in the lanes. */
const ABOVE = 0x01000100;
const EVEN = 0x00ff00ff;

function rangeOfBytes({ data, flip, start }: Flipped): Range {
  const flips = flip * 0x01010101;
  const end = data.byteLength - 3;
  let least = data.getUint8(0) ^ flip;
  let most = least;
  let i = start;
  while (i < end && most - least < 255) {
    // A lane keeps its 1 where the byte is not below the least, and where it is not above the most.
    const [low, high] = [least * 0x00010001, most * 0x00010001 | ABOVE];
    for (; i < end; i += 4) {
      const word = data.getInt32(i, true) ^ flips;
      const a = word & EVEN, b = word >>> 8 & EVEN;
      if ((((a | ABOVE) - low) & (high - a) & ((b | ABOVE) - low) & (high - b) & ABOVE) !== ABOVE) {
        break;
      }
    }
    for (const next = Math.min(i + 4, data.byteLength); i < next; i++) {
      const byte = data.getUint8(i) ^ flip;
      least = Math.min(least, byte);
      most = Math.max(most, byte);
    }
  }
  if (most - least === 255) return [least, most];
  for (; i < data.byteLength; i++) {
    const byte = data.getUint8(i) ^ flip;
    least = Math.min(least, byte);
    most = Math.max(most, byte);
  }
  return [least, most];
}

function rangeOfShorts({ data, flip, start }: Flipped): Range {
  let least = data.getUint16(0, true) ^ flip;
  let most = least;
  let i = start;
  for (const end = data.byteLength - 3; i < end; i += 4) {
    const word = data.getInt32(i, true);
    const a = (word & 0xffff) ^ flip, b = word >>> 16 ^ flip;
    if (a < least) least = a;
    if (a > most) most = a;
    if (b < least) least = b;
    if (b > most) most = b;
  }
  if (i < data.byteLength) {
    const last = data.getUint16(i, true) ^ flip;
    least = Math.min(least, last);
    most = Math.max(most, last);
  }
  return [least, most];
}

function rangeOfWords({ data, flip, start }: Flipped): Range {
  // Compared as signed, so that they need not become floats: what is flipped is the other way round.
  const turn = flip ^ 1 << 31;
  let least = data.getInt32(0, true) ^ turn;
  let most = least;
  for (let i = start; i < data.byteLength; i += 4) {
    const word = data.getInt32(i, true) ^ turn;
    if (word < least) least = word;
    if (word > most) most = word;
  }
  return [least + 2 ** 31, most + 2 ** 31];
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
