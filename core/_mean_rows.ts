/**
 * Rows of means; {@linkcode meanRow} chooses how.
 *
 * Windows have 1, 2, 4 or 8 voxels, so sums divide by shifting, and means that are no integer end in exact
 * binary fractions.
 * @module
 */
import type { VoxelArray } from "./dtype.ts";

/**
 * Makes one row.
 * @param rows Rows of a window: 1, 2 or 4.
 * @param a Index of the first source voxel of each row, `b` to `d` where there are as many; y before z.
 * @param width Voxels of a source row.
 * @param factor Voxels of a window along x; the last window has one where it is 2 and the width odd.
 * @param at Index of the first target voxel.
 */
export type MakeRow = (
  rows: 1 | 2 | 4,
  a: number,
  b: number,
  c: number,
  d: number,
  width: number,
  factor: 1 | 2,
  at: number,
) => void;

/** How rows of means are made of this dtype. */
export function meanRow(source: VoxelArray, target: VoxelArray): MakeRow {
  if (source instanceof Uint8Array) {
    const [from, to] = [viewData(source), viewData(target)];
    return (...row) => meanOctets(from, to, ...row);
  }
  if (source instanceof BigUint64Array) {
    const [from, to] = [viewHalves(source), viewHalves(target as BigUint64Array)];
    return (...row) => meanHalves(from, to, ...row);
  }
  if (source instanceof Float32Array) {
    return (...row) => meanFloats(source, target as Float32Array, ...row);
  }
  if (source instanceof Int32Array || source instanceof Uint32Array) {
    return (...row) => meanWords(source, target as typeof source, ...row);
  }
  return (...row) => meanShorts(source, target as typeof source, ...row);
}

/** Two 16-bit lanes with a 1 in each, and with the lower byte of each. */
const ONES = 0x00010001;
const EVEN = 0x00ff00ff;

/** uint8, eight voxels of a row at a time: two bytes lie in each word's lanes, with room for eight to add up. */
function meanOctets(
  from: DataView,
  to: DataView,
  rows: number,
  a: number,
  b: number,
  c: number,
  d: number,
  width: number,
  factor: number,
  at: number,
): void {
  const shift = Math.log2(rows * factor);
  const below = ((1 << shift) - 2 >> 1) * ONES;
  let x = 0;
  let out = at;
  if (factor === 2) {
    for (const end = width - 8; x <= end; x += 8, out += 4) {
      const u = from.getInt32(a + x, true), v = from.getInt32(a + x + 4, true);
      let s = (u & EVEN) + (u >>> 8 & EVEN), t = (v & EVEN) + (v >>> 8 & EVEN);
      if (rows > 1) {
        const u = from.getInt32(b + x, true), v = from.getInt32(b + x + 4, true);
        s += (u & EVEN) + (u >>> 8 & EVEN);
        t += (v & EVEN) + (v >>> 8 & EVEN);
      }
      if (rows > 2) {
        const u = from.getInt32(c + x, true), v = from.getInt32(c + x + 4, true);
        const p = from.getInt32(d + x, true), q = from.getInt32(d + x + 4, true);
        s += (u & EVEN) + (u >>> 8 & EVEN) + (p & EVEN) + (p >>> 8 & EVEN);
        t += (v & EVEN) + (v >>> 8 & EVEN) + (q & EVEN) + (q >>> 8 & EVEN);
      }
      s = s + below + (s >>> shift & ONES) >>> shift & EVEN;
      t = t + below + (t >>> shift & ONES) >>> shift & EVEN;
      to.setInt32(out, (s | s >>> 8) & 0xffff | (t | t >>> 8) << 16, true);
    }
  } else if (rows > 1) {
    for (const end = width - 4; x <= end; x += 4, out += 4) {
      const u = from.getInt32(a + x, true), v = from.getInt32(b + x, true);
      let s = (u & EVEN) + (v & EVEN), t = (u >>> 8 & EVEN) + (v >>> 8 & EVEN);
      if (rows > 2) {
        const u = from.getInt32(c + x, true), v = from.getInt32(d + x, true);
        s += (u & EVEN) + (v & EVEN);
        t += (u >>> 8 & EVEN) + (v >>> 8 & EVEN);
      }
      s = s + below + (s >>> shift & ONES) >>> shift & EVEN;
      t = t + below + (t >>> shift & ONES) >>> shift & EVEN;
      to.setInt32(out, s | t << 8, true);
    }
  }
  for (; x < width; x += factor, out++) {
    const more = factor === 2 && x + 1 < width ? 1 : 0;
    const power = Math.log2(rows) + more;
    let sum = from.getUint8(a + x);
    if (more) sum += from.getUint8(a + x + 1);
    if (rows > 1) sum += from.getUint8(b + x) + (more && from.getUint8(b + x + 1));
    if (rows > 2) {
      sum += from.getUint8(c + x) + (more && from.getUint8(c + x + 1)) + from.getUint8(d + x) +
        (more && from.getUint8(d + x + 1));
    }
    to.setUint8(out, shiftHalfEven(sum, power));
  }
}

/** The other dtypes of one and two bytes. */
function meanShorts(
  from: Int8Array | Uint16Array | Int16Array,
  to: Int8Array | Uint16Array | Int16Array,
  rows: number,
  a: number,
  b: number,
  c: number,
  d: number,
  width: number,
  factor: number,
  at: number,
): void {
  const shift = Math.log2(rows * factor);
  const whole = width - width % factor;
  let out = at;
  if (factor === 2) {
    const below = (1 << shift) - 2 >> 1;
    for (let x = 0; x < whole; x += 2, out++) {
      let sum = from[a + x] + from[a + x + 1];
      if (rows > 1) sum += from[b + x] + from[b + x + 1];
      if (rows > 2) sum += from[c + x] + from[c + x + 1] + from[d + x] + from[d + x + 1];
      to[out] = sum + below + (sum >> shift & 1) >> shift;
    }
  }
  for (let x = factor === 2 ? whole : 0; x < width; x++, out++) {
    let sum = from[a + x];
    if (rows > 1) sum += from[b + x];
    if (rows > 2) sum += from[c + x] + from[d + x];
    to[out] = shiftHalfEven(sum, Math.log2(rows));
  }
}

/** Adding and subtracting this rounds a float64 below 2 ** 51 to an integer, a half to even. */
const ROUND = 1.5 * 2 ** 52;

/** int32 and uint32: sums are exact in float64. */
function meanWords(
  from: Int32Array | Uint32Array,
  to: Int32Array | Uint32Array,
  rows: number,
  a: number,
  b: number,
  c: number,
  d: number,
  width: number,
  factor: number,
  at: number,
): void {
  const part = 1 / (rows * factor);
  const whole = width - width % factor;
  let out = at;
  if (factor === 2) {
    for (let x = 0; x < whole; x += 2, out++) {
      let sum = from[a + x] + from[a + x + 1];
      if (rows > 1) sum += from[b + x] + from[b + x + 1];
      if (rows > 2) sum += from[c + x] + from[c + x + 1] + from[d + x] + from[d + x + 1];
      to[out] = sum * part + ROUND - ROUND;
    }
  }
  for (let x = factor === 2 ? whole : 0; x < width; x++, out++) {
    let sum = from[a + x];
    if (rows > 1) sum += from[b + x];
    if (rows > 2) sum += from[c + x] + from[d + x];
    to[out] = sum / rows + ROUND - ROUND;
  }
}

/** float32; NaN is written with fixed bits, as those of a computed one are the processor's choice. */
function meanFloats(
  from: Float32Array,
  to: Float32Array,
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
  const part = 1 / (rows * factor);
  const whole = width - width % factor;
  let out = at;
  if (factor === 2) {
    for (let x = 0; x < whole; x += 2, out++) {
      let sum = from[a + x] + from[a + x + 1];
      if (rows > 1) sum = sum + from[b + x] + from[b + x + 1];
      if (rows > 2) sum = sum + from[c + x] + from[c + x + 1] + from[d + x] + from[d + x + 1];
      if (sum === sum) to[out] = sum * part;
      else bits[out] = NAN_BITS;
    }
  }
  for (let x = factor === 2 ? whole : 0; x < width; x++, out++) {
    let sum = from[a + x];
    if (rows > 1) sum += from[b + x];
    if (rows > 2) sum = sum + from[c + x] + from[d + x];
    if (sum === sum) to[out] = sum / rows;
    else bits[out] = NAN_BITS;
  }
}

/** The quiet NaN of float32 without sign or payload. */
export const NAN_BITS = 0x7fc00000;

/** uint64 as pairs of words, the lower first; sums of each half are exact in float64. */
function meanHalves(
  from: Uint32Array,
  to: Uint32Array,
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
    const last = factor === 2 && x + 1 < width ? 2 : 0;
    let low = 0, high = 0;
    for (let k = 0; k <= last; k += 2) {
      let i = 2 * (a + x) + k;
      low += from[i];
      high += from[i + 1];
      if (rows === 1) continue;
      i = 2 * (b + x) + k;
      low += from[i];
      high += from[i + 1];
      if (rows === 2) continue;
      i = 2 * (c + x) + k;
      low += from[i];
      high += from[i + 1];
      i = 2 * (d + x) + k;
      low += from[i];
      high += from[i + 1];
    }
    const count = last === 2 ? 2 * rows : rows;
    const mean = Math.floor(high / count);
    // What the upper half leaves over goes down to the lower one, which may carry up again.
    const rest = ((high - mean * count) * 2 ** 32 + low) / count + ROUND - ROUND;
    to[out] = rest % 2 ** 32;
    to[out + 1] = mean + Math.floor(rest / 2 ** 32);
  }
}

/** `sum / 2 ** power`, a half rounded to even. */
function shiftHalfEven(sum: number, power: number): number {
  return power === 0 ? sum : sum + (1 << power - 1) - 1 + (sum >> power & 1) >> power;
}

function viewData({ buffer, byteOffset, byteLength }: VoxelArray): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Voxels of eight bytes as pairs of words. */
export function viewHalves({ buffer, byteOffset, length }: BigUint64Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, 2 * length);
}
