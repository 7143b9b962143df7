/**
 * Rows of most frequent values; {@linkcode modeRow} chooses how.
 *
 * Most windows of labels hold one value only, and that is seen at once.
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
  if (source instanceof Float32Array) {
    return (...row) => modeFloats(source, target as Float32Array, keyOf(fill), ...row);
  }
  return (...row) => modeIntegers(source, target as typeof source, fill, ...row);
}

type Integers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array;

/** The voxels of one window. */
const keys = new Float64Array(8);
const highs = new Uint32Array(8);
const lows = new Uint32Array(8);

function modeIntegers(
  from: Integers,
  to: Integers,
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
  const step = factor === 2 ? 1 : 0;
  for (let x = 0, out = at; x < width; x += factor, out++) {
    const next = x + 1 < width ? step : 0;
    const i = a + x, j = b + x;
    const value = from[i];
    if (
      value === from[i + next] &&
      (rows === 1 || value === from[j] && value === from[j + next] &&
          (rows === 2 ||
            value === from[c + x] && value === from[c + x + next] &&
              value === from[d + x] && value === from[d + x + next]))
    ) {
      to[out] = value;
      continue;
    }
    let count = 0;
    for (let k = 0; k <= next; k++) {
      keys[count++] = from[i + k];
      if (rows > 1) keys[count++] = from[j + k];
      if (rows > 2) {
        keys[count++] = from[c + x + k];
        keys[count++] = from[d + x + k];
      }
    }
    to[out] = modeOf(count, fill);
  }
}

function modeFloats(
  from: Float32Array,
  to: Float32Array,
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
  const bits = new Uint32Array(to.buffer, to.byteOffset, to.length);
  for (let x = 0, out = at; x < width; x += factor, out++) {
    const next = x + 1 < width ? factor - 1 : 0;
    let count = 0;
    for (let k = x; k <= x + next; k++) {
      keys[count++] = keyOf(from[a + k]);
      if (rows > 1) keys[count++] = keyOf(from[b + k]);
      if (rows > 2) {
        keys[count++] = keyOf(from[c + k]);
        keys[count++] = keyOf(from[d + k]);
      }
    }
    const mode = modeOf(count, fill);
    if (mode === NAN_KEY) bits[out] = NAN_BITS;
    else to[out] = mode;
  }
}

/** Stands for every NaN: equal to itself, and larger than what stands for infinity. */
const NAN_KEY = Infinity;
/** Stands for infinity, which it becomes again as float32. */
const INFINITY_KEY = 1e300;

function keyOf(voxel: number): number {
  // Adding 0 makes 0 of -0.
  return voxel === voxel ? Math.min(Math.fround(voxel) + 0, INFINITY_KEY) : NAN_KEY;
}

/** The most frequent of the first `count` keys; of several the smallest but `fill`. */
function modeOf(count: number, fill: number): number {
  let best = fill, most = 0;
  for (let i = 0; i < count; i++) {
    const key = keys[i];
    let same = 0;
    for (let j = 0; j < count; j++) if (keys[j] === key) same++;
    if (same > most || same === most && key !== fill && (best === fill || key < best)) {
      best = key;
      most = same;
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
    let count = 0;
    for (let n = 0; n <= next; n += 2) {
      lows[count] = from[i + n];
      highs[count++] = from[i + n + 1];
      if (rows === 1) continue;
      lows[count] = from[j + n];
      highs[count++] = from[j + n + 1];
      if (rows === 2) continue;
      lows[count] = from[k + n];
      highs[count++] = from[k + n + 1];
      lows[count] = from[l + n];
      highs[count++] = from[l + n + 1];
    }
    const mode = modeOfHalves(count, fillLow, fillHigh);
    to[out] = lows[mode];
    to[out + 1] = highs[mode];
  }
}

/** Where the most frequent of the first `count` pairs is; of several the smallest but the fill value. */
function modeOfHalves(count: number, fillLow: number, fillHigh: number): number {
  let best = 0, most = 0;
  let bestIsFill = true;
  for (let i = 0; i < count; i++) {
    const low = lows[i], high = highs[i];
    let same = 0;
    for (let j = 0; j < count; j++) if (lows[j] === low && highs[j] === high) same++;
    const isFill = low === fillLow && high === fillHigh;
    if (
      same > most || same === most && !isFill &&
        (bestIsFill || high < highs[best] || high === highs[best] && low < lows[best])
    ) {
      best = i;
      most = same;
      bestIsFill = isFill;
    }
  }
  return best;
}
