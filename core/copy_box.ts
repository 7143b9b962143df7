/**
 * Voxels copied between boxes, and boxes filled.
 * @module
 */
import { checkCover, checkDtypes, viewData } from "./_arrays.ts";
import { type Box, boxSize, boxVolume } from "./box.ts";
import { viewBytes, type VoxelArray } from "./dtype.ts";

/**
 * Copies the voxels of one box from an array to another.
 * @param from Covers `fromBox`.
 * @param to Covers `toBox`; of the same dtype. Where the two share memory, nothing may be both read and written.
 * @param copied The voxels that are copied; must lie in both boxes. May be empty.
 * @throws {RangeError} If `copied` does not lie in both boxes, or an array is shorter than its box.
 * @throws {TypeError} If the dtypes differ.
 * @example A chunk out of a band
 * ```ts
 * import { box, copyBox } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const band = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]);
 * const chunk = new Uint8Array(4);
 * const chunkBox = box([2, 0, 0], [4, 2, 1]);
 * copyBox(band, box([0, 0, 0], [4, 2, 1]), chunk, chunkBox, chunkBox);
 * deepEqual(chunk, new Uint8Array([2, 3, 6, 7]));
 * ```
 */
export function copyBox(
  from: VoxelArray,
  fromBox: Box,
  to: VoxelArray,
  toBox: Box,
  copied: Box,
): void {
  checkDtypes(from, to);
  checkCover(from, fromBox, copied);
  checkCover(to, toBox, copied);
  if (boxVolume(copied) === 0) return;
  const rows = rowsOf(copied, fromBox, toBox, from.BYTES_PER_ELEMENT);
  const [fromWords, toWords] = [viewWords(from), viewWords(to)];
  if (rows.row > LONG_ROW_BYTES) {
    const [fromBytes, toBytes] = [viewBytes(from), viewBytes(to)];
    eachRun(rows, (...run) => copyLong(fromBytes, toBytes, rows.row, ...run));
  } else if (fromWords === undefined || toWords === undefined || !isWhole(rows, WORD_BYTES)) {
    const [fromData, toData] = [viewData(from), viewData(to)];
    eachRun(rows, (...run) => copyUnaligned(fromData, toData, rows.row, ...run));
  } else {
    const words = inUnits(rows, WORD_BYTES);
    eachRun(words, (...run) => copyWords(fromWords, toWords, words.row, ...run));
  }
}

/**
 * Sets the voxels of one box.
 * @param to Covers `toBox`.
 * @param filled The voxels that are set; must lie in `toBox`. May be empty.
 * @param value The voxel; for uint64 an integer.
 * @throws {RangeError} If `filled` does not lie in `toBox`, or the array is shorter than its box.
 * @example A scratch is blanked
 * ```ts
 * import { box, fillBox } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const voxels = new Uint8Array([1, 2, 3, 4, 5, 6]);
 * fillBox(voxels, box([0, 0, 0], [3, 2, 1]), box([1, 0, 0], [3, 1, 1]), 0);
 * deepEqual(voxels, new Uint8Array([1, 0, 0, 4, 5, 6]));
 * ```
 */
export function fillBox(
  to: VoxelArray,
  toBox: Box,
  filled: Box,
  value: number | bigint,
): void {
  checkCover(to, toBox, filled);
  if (boxVolume(filled) === 0) return;
  const rows = rowsOf(filled, toBox, toBox, 1);
  if (to instanceof BigUint64Array) {
    const voxel = BigInt(value);
    eachRun(rows, (count, _a, _step, at, step) => {
      for (let i = 0; i < count; i++, at += step) to.fill(voxel, at, at + rows.row);
    });
  } else {
    const voxel = Number(value);
    eachRun(rows, (count, _a, _step, at, step) => {
      for (let i = 0; i < count; i++, at += step) to.fill(voxel, at, at + rows.row);
    });
  }
}

const WORD_BYTES = 8;

/** Rows beyond this are copied by `set`, whose call costs more than a loop over a shorter one. */
const LONG_ROW_BYTES = 1024;

/** Rows of one box that are contiguous in two arrays, and the loops over them, fastest first. */
interface Rows {
  readonly row: number;
  readonly counts: readonly number[];
  readonly from: number;
  readonly fromSteps: readonly number[];
  readonly to: number;
  readonly toSteps: readonly number[];
}

/** The rows of a box, in units of which a voxel has `scale`; axes that run on in both arrays become one row. */
function rowsOf(of: Box, fromBox: Box, toBox: Box, scale: number): Rows {
  const [size, fromSize, toSize] = [boxSize(of), boxSize(fromBox), boxSize(toBox)];
  const [counts, fromSteps, toSteps]: number[][] = [[], [], []];
  let [row, from, to, fromStep, toStep] = [scale, 0, 0, scale, scale];
  for (let axis = 0; axis < 5; axis++) {
    from += (of.min[axis] - fromBox.min[axis]) * fromStep;
    to += (of.min[axis] - toBox.min[axis]) * toStep;
    if (counts.length === 0 && fromStep === row && toStep === row) {
      row *= size[axis];
    } else if (size[axis] > 1) {
      counts.push(size[axis]);
      fromSteps.push(fromStep);
      toSteps.push(toStep);
    }
    fromStep *= fromSize[axis];
    toStep *= toSize[axis];
  }
  for (let i = counts.length; i < 4; i++) {
    counts.push(1);
    fromSteps.push(0);
    toSteps.push(0);
  }
  return { row, counts, from, fromSteps, to, toSteps };
}

function isWhole({ row, from, fromSteps, to, toSteps }: Rows, by: number): boolean {
  return [row, from, to, ...fromSteps, ...toSteps].every((value) => value % by === 0);
}

function inUnits({ row, counts, from, fromSteps, to, toSteps }: Rows, unit: number): Rows {
  return {
    row: row / unit,
    counts,
    from: from / unit,
    fromSteps: fromSteps.map((step) => step / unit),
    to: to / unit,
    toSteps: toSteps.map((step) => step / unit),
  };
}

/** Rows at even distances: how many, and where they lie in either array. */
type Run = [count: number, from: number, fromStep: number, to: number, toStep: number];

function eachRun({ counts, from, fromSteps, to, toSteps }: Rows, handle: (...run: Run) => void) {
  for (let i = 0; i < counts[3]; i++) {
    for (let j = 0; j < counts[2]; j++) {
      for (let k = 0; k < counts[1]; k++) {
        const a = from + i * fromSteps[3] + j * fromSteps[2] + k * fromSteps[1];
        const b = to + i * toSteps[3] + j * toSteps[2] + k * toSteps[1];
        handle(counts[0], a, fromSteps[0], b, toSteps[0]);
      }
    }
  }
}

function copyLong(
  from: Uint8Array,
  to: Uint8Array,
  row: number,
  count: number,
  fromStart: number,
  fromStep: number,
  toStart: number,
  toStep: number,
): void {
  let [a, b] = [fromStart, toStart];
  for (let i = 0; i < count; i++, a += fromStep, b += toStep) {
    to.set(from.subarray(a, a + row), b);
  }
}

/** Integers, never floats: a move through float64 may change the bits of a NaN. */
function copyWords(
  from: BigInt64Array,
  to: BigInt64Array,
  row: number,
  count: number,
  fromStart: number,
  fromStep: number,
  toStart: number,
  toStep: number,
): void {
  let [a, b] = [fromStart, toStart];
  for (let i = 0; i < count; i++, a += fromStep, b += toStep) {
    for (let k = 0; k < row; k++) to[b + k] = from[a + k];
  }
}

function copyUnaligned(
  from: DataView,
  to: DataView,
  row: number,
  count: number,
  fromStart: number,
  fromStep: number,
  toStart: number,
  toStep: number,
): void {
  let [a, b] = [fromStart, toStart];
  const whole = row - row % WORD_BYTES;
  for (let i = 0; i < count; i++, a += fromStep, b += toStep) {
    for (let k = 0; k < whole; k += WORD_BYTES) {
      to.setBigInt64(b + k, from.getBigInt64(a + k, true), true);
    }
    for (let k = whole; k < row; k++) to.setUint8(b + k, from.getUint8(a + k));
  }
}

/** The voxels as words, where they begin at one; bytes after the last whole word are left out. */
function viewWords({ buffer, byteOffset, byteLength }: VoxelArray): BigInt64Array | undefined {
  return byteOffset % WORD_BYTES === 0
    ? new BigInt64Array(buffer, byteOffset, Math.floor(byteLength / WORD_BYTES))
    : undefined;
}
