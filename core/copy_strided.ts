/**
 * Voxels copied out of an array of any order.
 * @module
 */
import { checkDtypes } from "./_arrays.ts";
import { type Box, boxSize, boxVolume, contains, formatBox } from "./box.ts";
import { viewBytes, type VoxelArray } from "./dtype.ts";
import type { Point } from "./point.ts";

/** Voxels in any order of axes. */
export interface StridedVoxels {
  readonly voxels: VoxelArray;
  /** Voxels from one to the next along x, y, z, c and t. */
  readonly strides: Point;
}

/** Strides of voxels in the order t, c, z, y, x with x fastest. */
export function plainStrides([x, y, z, c]: Point): Point {
  return [1, x, x * y, x * y * z, x * y * z * c];
}

/**
 * Copies the voxels of one box from an array of any order into one of the order t, c, z, y, x.
 * @param fromMin The box's corner that the first voxel of `from` is.
 * @param copied Must lie in `toBox`, and in the box of `from`, which is not known here.
 * @throws {RangeError} If `copied` reaches out of either array. @throws {TypeError} If the dtypes differ.
 */
export function copyStrided(
  { voxels, strides }: StridedVoxels,
  fromMin: Point,
  to: VoxelArray,
  toBox: Box,
  copied: Box,
): void {
  checkDtypes(voxels, to);
  const [width, height, depth, channels, times] = boxSize(copied);
  if (boxVolume(copied) === 0) return;
  const start = offsetOf(copied.min, fromMin, strides);
  const last = offsetOf(copied.max, fromMin, strides) - strides.reduce((sum, step) => sum + step);
  if (!contains(toBox, copied) || start < 0 || last >= voxels.length) {
    throw new RangeError(
      `Cannot copy the voxels ${
        formatBox(copied)
      }: they do not lie in both arrays; intersect the boxes first`,
    );
  }
  const [from, into, words] = units(voxels, to);
  const [sx, sy, sz, sc, st] = strides.map((stride) => stride * words);
  const toStrides = plainStrides(boxSize(toBox));
  const [, dy, dz, dc, dt] = toStrides.map((stride) => stride * words);
  const target = offsetOf(copied.min, toBox.min, toStrides) * words;
  for (let t = 0; t < times; t++) {
    for (let c = 0; c < channels; c++) {
      for (let z = 0; z < depth; z++) {
        const source = start * words + t * st + c * sc + z * sz;
        const plane = target + t * dt + c * dc + z * dz;
        if (sx === words) {
          for (let y = 0; y < height; y++) {
            const row = source + y * sy;
            into.set(from.subarray(row, row + width * words), plane + y * dy);
          }
        } else copyPlane(from, source, sx, sy, into, plane, dy, width, height, words);
      }
    }
  }
}

function copyPlane(
  from: Units,
  source: number,
  sx: number,
  sy: number,
  into: Units,
  target: number,
  dy: number,
  width: number,
  height: number,
  words: number,
): void {
  for (let y = 0; y < height; y++) {
    let read = source + y * sy;
    let write = target + y * dy;
    for (let x = 0; x < width; x++, read += sx, write += words) {
      for (let word = 0; word < words; word++) into[write + word] = from[read + word];
    }
  }
}

type Units = Uint8Array | Uint16Array | Uint32Array;

/** Voxels as unsigned integers: as floats, the bits of a NaN could change. A uint64 is two of them. */
function units(from: VoxelArray, to: VoxelArray): [from: Units, to: Units, words: number] {
  const view = (voxels: VoxelArray): Units => {
    const { buffer, byteOffset, byteLength } = viewBytes(voxels);
    return voxels.BYTES_PER_ELEMENT === 1
      ? new Uint8Array(buffer, byteOffset, byteLength)
      : voxels.BYTES_PER_ELEMENT === 2
      ? new Uint16Array(buffer, byteOffset, byteLength / 2)
      : new Uint32Array(buffer, byteOffset, byteLength / 4);
  };
  return [view(from), view(to), Math.max(1, from.BYTES_PER_ELEMENT / 4)];
}

function offsetOf(at: Point, origin: Point, strides: Point): number {
  return at.reduce((sum, value, axis) => sum + (value - origin[axis]) * strides[axis], 0);
}
