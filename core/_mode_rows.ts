/**
 * Rows of most frequent values; {@linkcode modeRow} chooses how.
 *
 * Voxels are compared as integers whose order is that of the dtype. Most windows of labels hold one value
 * only, and that is seen at once.
 * @module
 */
import { type MakeRow, NAN_BITS, viewHalves } from "./_mean_rows.ts";
import type { VoxelArray } from "./dtype.ts";

/** How rows of modes are made of this dtype. */
export function modeRow(source: VoxelArray, target: VoxelArray, fill: number): MakeRow {
  if (source instanceof BigUint64Array) {
    const [from, to] = [viewHalves(source), viewHalves(target as BigUint64Array)];
    return (...row) => modeHalves(from, to, fill % 2 ** 32, Math.floor(fill / 2 ** 32), ...row);
  }
  const [from, to] = [viewIntegers(source), viewIntegers(target)];
  if (source instanceof Float32Array) {
    const [bits] = new Int32Array(Float32Array.of(fill).buffer);
    return (...row) => modeFloats(from as Int32Array, to as Int32Array, orderOf(bits), ...row);
  }
  // What puts the voxels in order once it has been flipped: those below 0 come first.
  const signed = source instanceof Int8Array || source instanceof Int16Array;
  const flip = source instanceof Uint32Array
    ? 1 << 31
    : signed
    ? 1 << source.BYTES_PER_ELEMENT * 8 - 1
    : 0;
  const mask = from.BYTES_PER_ELEMENT === 4 ? -1 : (1 << from.BYTES_PER_ELEMENT * 8) - 1;
  return (...row) => modeIntegers(from, to, flip, fill & mask ^ flip, ...row);
}

type Integers = Uint8Array | Uint16Array | Int32Array;

function viewIntegers({ buffer, byteOffset, length, BYTES_PER_ELEMENT }: VoxelArray): Integers {
  const view = BYTES_PER_ELEMENT === 4
    ? Int32Array
    : BYTES_PER_ELEMENT === 2
    ? Uint16Array
    : Uint8Array;
  return new view(buffer as ArrayBuffer, byteOffset, length);
}

/** The different values of one window, and how often each comes. */
const keys = new Int32Array(8);
const highKeys = new Uint32Array(8);
const lowKeys = new Uint32Array(8);
const counts = new Int32Array(8);

function modeIntegers(
  from: Integers,
  to: Integers,
  flip: number,
  fill: number,
  rows: number,
  a: number,
  b: number,
  c: number,
  d: number,
  width: number,
  factor: number,
  at: number,
): void {
  for (let x = 0, out = at; x < width; x += factor, out++) {
    const next = factor === 2 && x + 1 < width ? 1 : 0;
    const i = a + x, j = b + x, k = c + x, l = d + x;
    const value = from[i];
    if (
      value === from[i + next] &&
      (rows === 1 || value === from[j] && value === from[j + next] &&
          (rows === 2 || value === from[k] && value === from[k + next] &&
              value === from[l] && value === from[l + next]))
    ) {
      to[out] = value;
      continue;
    }
    let different = 0;
    for (let n = 0; n <= next; n++) {
      different = count(from[i + n] ^ flip, different);
      if (rows > 1) different = count(from[j + n] ^ flip, different);
      if (rows > 2) {
        different = count(from[k + n] ^ flip, different);
        different = count(from[l + n] ^ flip, different);
      }
    }
    to[out] = mostFrequent(different, fill) ^ flip;
  }
}

/** float32 by its bits. */
function modeFloats(
  from: Int32Array,
  to: Int32Array,
  fill: number,
  rows: number,
  a: number,
  b: number,
  c: number,
  d: number,
  width: number,
  factor: number,
  at: number,
): void {
  for (let x = 0, out = at; x < width; x += factor, out++) {
    const next = factor === 2 && x + 1 < width ? 1 : 0;
    let different = 0;
    for (let n = x; n <= x + next; n++) {
      different = count(orderOf(from[a + n]), different);
      if (rows > 1) different = count(orderOf(from[b + n]), different);
      if (rows > 2) {
        different = count(orderOf(from[c + n]), different);
        different = count(orderOf(from[d + n]), different);
      }
    }
    const key = different === 1 ? keys[0] : mostFrequent(different, fill);
    to[out] = key < 0 ? key ^ 0x7fffffff : key;
  }
}

const INFINITY_BITS = 0x7f800000;

/** An integer for the bits of a float32, in the order of the numbers; one for 0 and -0, one for all NaN. */
function orderOf(bits: number): number {
  const size = bits & 0x7fffffff;
  return size > INFINITY_BITS ? NAN_BITS : bits >= 0 || size === 0 ? size : bits ^ 0x7fffffff;
}

/** Counts one more voxel; returns how many values are different so far. */
function count(key: number, different: number): number {
  for (let i = 0; i < different; i++) {
    if (keys[i] === key) {
      counts[i]++;
      return different;
    }
  }
  keys[different] = key;
  counts[different] = 1;
  return different + 1;
}

/** The most frequent of the counted values; of several the smallest but `fill`. */
function mostFrequent(different: number, fill: number): number {
  let best = keys[0], most = counts[0];
  for (let i = 1; i < different; i++) {
    const key = keys[i];
    if (
      counts[i] > most || counts[i] === most && key !== fill && (best === fill || key < best)
    ) {
      best = key;
      most = counts[i];
    }
  }
  return best;
}

/** uint64 as pairs of words, the lower first. */
function modeHalves(
  from: Uint32Array,
  to: Uint32Array,
  fillLow: number,
  fillHigh: number,
  rows: number,
  a: number,
  b: number,
  c: number,
  d: number,
  width: number,
  factor: number,
  at: number,
): void {
  for (let x = 0, out = 2 * at; x < width; x += factor, out += 2) {
    const next = factor === 2 && x + 1 < width ? 2 : 0;
    const i = 2 * (a + x), j = 2 * (b + x), k = 2 * (c + x), l = 2 * (d + x);
    const low = from[i], high = from[i + 1];
    if (
      low === from[i + next] && high === from[i + next + 1] &&
      (rows === 1 ||
        low === from[j] && high === from[j + 1] &&
          low === from[j + next] && high === from[j + next + 1] &&
          (rows === 2 ||
            low === from[k] && high === from[k + 1] &&
              low === from[k + next] && high === from[k + next + 1] &&
              low === from[l] && high === from[l + 1] &&
              low === from[l + next] && high === from[l + next + 1]))
    ) {
      to[out] = low;
      to[out + 1] = high;
      continue;
    }
    let different = 0;
    for (let n = 0; n <= next; n += 2) {
      different = countHalves(from[i + n], from[i + n + 1], different);
      if (rows > 1) different = countHalves(from[j + n], from[j + n + 1], different);
      if (rows > 2) {
        different = countHalves(from[k + n], from[k + n + 1], different);
        different = countHalves(from[l + n], from[l + n + 1], different);
      }
    }
    const mode = mostFrequentHalves(different, fillLow, fillHigh);
    to[out] = lowKeys[mode];
    to[out + 1] = highKeys[mode];
  }
}

function countHalves(low: number, high: number, different: number): number {
  for (let i = 0; i < different; i++) {
    if (lowKeys[i] === low && highKeys[i] === high) {
      counts[i]++;
      return different;
    }
  }
  lowKeys[different] = low;
  highKeys[different] = high;
  counts[different] = 1;
  return different + 1;
}

/** Where the most frequent of the counted values is; of several the smallest but the fill value. */
function mostFrequentHalves(different: number, fillLow: number, fillHigh: number): number {
  let best = 0;
  for (let i = 1; i < different; i++) {
    const more = counts[i] - counts[best];
    const low = lowKeys[i], high = highKeys[i];
    if (
      more > 0 || more === 0 && !(low === fillLow && high === fillHigh) &&
        (lowKeys[best] === fillLow && highKeys[best] === fillHigh ||
          high < highKeys[best] || high === highKeys[best] && low < lowKeys[best])
    ) {
      best = i;
    }
  }
  return best;
}
