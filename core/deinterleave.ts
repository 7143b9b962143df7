/**
 * Rows of interleaved samples put apart by channel.
 * @module
 */
import { checkDtypes, checkLength, viewData } from "./_arrays.ts";
import { type Box, boxSize, intersect } from "./box.ts";
import { copyBox } from "./copy_box.ts";
import type { VoxelArray } from "./dtype.ts";

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
  const [sizeX, sizeY, sizeZ, sizeC] = boxSize(toBox);
  const offset = (channel: number, row: number) =>
    ((((t - toBox.min[4]) * sizeC + channel - toBox.min[3]) * sizeZ + z - toBox.min[2]) * sizeY +
        row - toBox.min[1]) * sizeX + part.min[0] - toBox.min[0];
  const [from, planes] = [viewUnits(rows), viewUnits(to)];
  const [fromData, toData] = [viewData(rows), viewData(to)];
  const plane = sizeX * sizeY * sizeZ;
  const count = part.max[0] - part.min[0];
  for (let row = part.min[1]; row < part.max[1]; row++) {
    const first = ((row - y) * width + part.min[0] - x) * samples;
    let done = 0;
    if (from.BYTES_PER_ELEMENT === 1 && samples === 3 && boxSize(part)[3] === 3) {
      done = splitRgb(fromData, first, toData, offset(c, row), plane, count);
    }
    for (let channel = part.min[3]; channel < part.max[3]; channel++) {
      const at = offset(channel, row);
      gather(from, first + channel - c, samples, planes, at, done, count);
    }
  }
}

/** Takes every `step`-th unit: those from `done` to `count`. */
function gather<A extends Uint8Array | Uint16Array | Int32Array | BigInt64Array>(
  from: A,
  first: number,
  step: number,
  to: A,
  at: number,
  done: number,
  count: number,
): void {
  for (let i = done, k = first + done * step; i < count; i++, k += step) to[at + i] = from[k];
}

/** Takes four pixels of three bytes at a time; returns how many pixels are done. */
function splitRgb(
  from: DataView,
  first: number,
  to: DataView,
  at: number,
  plane: number,
  count: number,
): number {
  const end = count - count % 4;
  for (let i = 0, k = first; i < end; i += 4, k += 12) {
    // Bytes in order of memory: R G B R, G B R G, B R G B.
    const a = from.getInt32(k, true), b = from.getInt32(k + 4, true);
    const c = from.getInt32(k + 8, true);
    const red = a & 0xff | a >>> 16 & 0xff00 | b & 0xff0000 | c << 16 & 0xff000000;
    const green = a >>> 8 & 0xff | b << 8 & 0xff00 | b >>> 8 & 0xff0000 | c << 8 & 0xff000000;
    const blue = a >>> 16 & 0xff | b & 0xff00 | c << 16 & 0xff0000 | c & 0xff000000;
    to.setInt32(at + i, red, true);
    to.setInt32(at + plane + i, green, true);
    to.setInt32(at + 2 * plane + i, blue, true);
  }
  return end;
}

/** Voxels as integers of their size, so that no float is ever moved. */
function viewUnits(voxels: VoxelArray): Uint8Array | Uint16Array | Int32Array | BigInt64Array {
  const unit = [Uint8Array, Uint16Array, Int32Array, BigInt64Array][
    Math.log2(voxels.BYTES_PER_ELEMENT)
  ];
  return new unit(voxels.buffer as ArrayBuffer, voxels.byteOffset, voxels.length);
}
