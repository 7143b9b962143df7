/**
 * Voxels moved in memory: between boxes, into boxes, out of rows of interleaved samples.
 *
 * An array that covers a box lies in C order over (t, c, z, y, x), x fastest, without padding, and may be
 * longer than its box needs. Arrays may lie on shared memory. Boxes are absolute, half-open, in voxels.
 * @module
 */
import { type Box, boxSize, boxVolume, contains, formatBox, intersect } from "./box.ts";
import { viewBytes, type VoxelArray } from "./dtype.ts";

export { castWindow } from "./cast.ts";
export { scanVoxels, type VoxelScan } from "./scan.ts";

/** Where some whole rows of an image lie in a volume. */
export interface ImageRows {
  /** Position of the first pixel of the first row along x. */
  readonly x: number;
  /** Position of the first row along y. */
  readonly y: number;
  /** The plane of the image. */
  readonly z: number;
  /** The channel of the first sample of a pixel. */
  readonly c: number;
  /** The time of the image. */
  readonly t: number;
  /** Pixels in a row. */
  readonly width: number;
  /** How many rows there are. */
  readonly rows: number;
}

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
  // Integers, never floats: a move through float64 may change the bits of a NaN.
  if (fromWords === undefined || toWords === undefined || !divisible(rows, 4)) {
    copyRows(viewBytes(from), viewBytes(to), rows, SHORT_ROW_BYTES);
  } else {
    copyRows(fromWords, toWords, inUnits(rows, 4), SHORT_ROW_BYTES / 4);
  }
}

/**
 * Sets the voxels of one box.
 * @param to Covers `toBox`.
 * @param filled The voxels that are set; must lie in `toBox`. May be empty.
 * @param value The voxel; for uint64 an integer.
 * @throws {RangeError} If `filled` does not lie in `toBox`, or the array is shorter than its box.
 */
export function fillBox(to: VoxelArray, toBox: Box, filled: Box, value: number): void {
  checkCover(to, toBox, filled);
  if (boxVolume(filled) === 0) return;
  const { row, counts, to: start, toSteps } = rowsOf(filled, toBox, toBox, 1);
  for (let i = 0; i < counts[3]; i++) {
    for (let j = 0; j < counts[2]; j++) {
      for (let k = 0; k < counts[1]; k++) {
        let at = start + i * toSteps[3] + j * toSteps[2] + k * toSteps[1];
        for (let l = 0; l < counts[0]; l++, at += toSteps[0]) {
          if (to instanceof BigUint64Array) to.fill(BigInt(value), at, at + row);
          else to.fill(value, at, at + row);
        }
      }
    }
  }
}

/**
 * Puts rows of interleaved samples into a planar array: sample `s` of a pixel becomes channel `image.c + s`.
 * @param rows Whole rows of pixels, first row first, the samples of a pixel side by side.
 * @param samples Samples of a pixel: 1 grey, 3 RGB.
 * @param to Covers `toBox`; of the same dtype.
 * @param image Where the first pixel of `rows` lies, and how many pixels and rows there are.
 * @param clip Only voxels in here are written, and of those only what lies in the image and in `toBox`.
 * @throws {RangeError} If an array is shorter than it must be.
 * @throws {TypeError} If the dtypes differ.
 * @example Two pixels of RGB
 * ```ts
 * import { box, deinterleave } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const planes = new Uint8Array(6);
 * const whole = box([0, 0, 0, 0, 0], [2, 1, 1, 3, 1]);
 * const image = { x: 0, y: 0, z: 0, c: 0, t: 0, width: 2, rows: 1 };
 * deinterleave(new Uint8Array([1, 2, 3, 4, 5, 6]), 3, planes, whole, image, whole);
 * deepEqual(planes, new Uint8Array([1, 4, 2, 5, 3, 6]));
 * ```
 */
export function deinterleave(
  rows: VoxelArray,
  samples: number,
  to: VoxelArray,
  toBox: Box,
  image: ImageRows,
  clip: Box,
): void {
  const { x, y, z, c, t, width } = image;
  const imageBox: Box = {
    min: [x, y, z, c, t],
    max: [x + width, y + image.rows, z + 1, c + samples, t + 1],
  };
  checkDtypes(rows, to);
  checkLength(rows, imageBox);
  checkLength(to, toBox);
  const inside = intersect(imageBox, toBox);
  const part = inside && intersect(inside, clip);
  if (part === undefined) return;
  if (samples === 1) return copyBox(rows, imageBox, to, toBox, part);
  const [from, planes] = [viewUnits(rows), viewUnits(to)];
  const size = boxSize(toBox);
  for (let channel = part.min[3]; channel < part.max[3]; channel++) {
    for (let row = part.min[1]; row < part.max[1]; row++) {
      const plane = ((t - toBox.min[4]) * size[3] + channel - toBox.min[3]) * size[2] + z -
        toBox.min[2];
      gather(
        from,
        ((row - y) * width + part.min[0] - x) * samples + channel - c,
        samples,
        planes,
        (plane * size[1] + row - toBox.min[1]) * size[0] + part.min[0] - toBox.min[0],
        part.max[0] - part.min[0],
      );
    }
  }
}

/** Rows up to here are copied in a loop: a call of `set` costs more. */
const SHORT_ROW_BYTES = 512;

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

function divisible({ row, from, fromSteps, to, toSteps }: Rows, by: number): boolean {
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

function copyRows<A extends Uint8Array | Int32Array>(
  from: A,
  to: A,
  { row, counts, from: fromStart, fromSteps, to: toStart, toSteps }: Rows,
  shortRow: number,
): void {
  for (let i = 0; i < counts[3]; i++) {
    for (let j = 0; j < counts[2]; j++) {
      for (let k = 0; k < counts[1]; k++) {
        let a = fromStart + i * fromSteps[3] + j * fromSteps[2] + k * fromSteps[1];
        let b = toStart + i * toSteps[3] + j * toSteps[2] + k * toSteps[1];
        for (let l = 0; l < counts[0]; l++, a += fromSteps[0], b += toSteps[0]) {
          if (row > shortRow) to.set(from.subarray(a, a + row), b);
          else for (let m = 0; m < row; m++) to[b + m] = from[a + m];
        }
      }
    }
  }
}

/** Takes every `step`-th unit, `count` times. */
function gather<A extends Uint8Array | Uint16Array | Int32Array | BigInt64Array>(
  from: A,
  first: number,
  step: number,
  to: A,
  at: number,
  count: number,
): void {
  for (let i = 0, k = first; i < count; i++, k += step) to[at + i] = from[k];
}

/** Voxels as integers of their size, so that no float is ever moved. */
function viewUnits(voxels: VoxelArray): Uint8Array | Uint16Array | Int32Array | BigInt64Array {
  const unit = [Uint8Array, Uint16Array, Int32Array, BigInt64Array][
    Math.log2(voxels.BYTES_PER_ELEMENT)
  ];
  return new unit(voxels.buffer as ArrayBuffer, voxels.byteOffset, voxels.length);
}

/** The voxels as words of four bytes, where they begin at one; bytes after the last whole word are left out. */
function viewWords({ buffer, byteOffset, byteLength }: VoxelArray): Int32Array | undefined {
  return byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, byteLength >> 2) : undefined;
}

function checkDtypes(from: VoxelArray, to: VoxelArray): void {
  if (from.constructor !== to.constructor) {
    throw new TypeError(
      `Cannot copy from a ${from.constructor.name} to a ${to.constructor.name} as voxels: ` +
        `their dtypes differ; cast them first`,
    );
  }
}

function checkCover(voxels: VoxelArray, of: Box, part: Box): void {
  if (!contains(of, part)) {
    throw new RangeError(
      `Cannot use box ${formatBox(part)} as part of an array: the array covers ${formatBox(of)}; ` +
        `intersect the two first`,
    );
  }
  checkLength(voxels, of);
}

function checkLength(voxels: VoxelArray, of: Box): void {
  if (voxels.length < boxVolume(of)) {
    throw new RangeError(
      `Cannot use an array of ${voxels.length} voxels as box ${formatBox(of)}: ` +
        `that has ${boxVolume(of)}; give the box that the array covers`,
    );
  }
}
