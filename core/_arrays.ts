/**
 * What the kernels over arrays of voxels share: checks of what they are given, and a view of it.
 * @module
 */
import { type Box, boxVolume, contains, formatBox } from "./box.ts";
import type { VoxelArray } from "./dtype.ts";

/** Voxels as bytes that may be read at any alignment. */
export function viewData({ buffer, byteOffset, byteLength }: VoxelArray): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Throws `TypeError` unless both arrays are of one dtype. */
export function checkDtypes(from: VoxelArray, to: VoxelArray): void {
  if (from.constructor !== to.constructor) {
    throw new TypeError(
      `Cannot copy from a ${from.constructor.name} to a ${to.constructor.name} as voxels: ` +
        `their dtypes differ; cast them first`,
    );
  }
}

/** Throws `RangeError` unless the array is as long as its box and `part` lies in that. */
export function checkCover(voxels: VoxelArray, of: Box, part: Box): void {
  if (!contains(of, part)) {
    throw new RangeError(
      `Cannot use box ${formatBox(part)} as part of an array: the array covers ${formatBox(of)}; ` +
        `intersect the two first`,
    );
  }
  checkLength(voxels, of);
}

/** Throws `RangeError` unless the array is as long as its box. */
export function checkLength(voxels: VoxelArray, of: Box): void {
  if (voxels.length < boxVolume(of)) {
    throw new RangeError(
      `Cannot use an array of ${voxels.length} voxels as box ${formatBox(of)}: ` +
        `that has ${boxVolume(of)}; give the box that the array covers`,
    );
  }
}
