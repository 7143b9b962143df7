/**
 * Coarser voxels from finer ones.
 * @module
 */
import type { VoxelArray } from "./dtype.ts";
import { meanRow } from "./_mean_rows.ts";
import { modeRow } from "./_mode_rows.ts";

/** Edge lengths along x, y and z, and how many such volumes (one a channel and time) lie behind one another. */
export type VolumeSize = readonly [x: number, y: number, z: number, n: number];

/** What {@linkcode downsampleRows} makes from what. */
export interface DownsampleSpec {
  /** How a coarser voxel is made from those of its window. */
  readonly method: "mean" | "mode";
  /** The voxel for "nothing there": `mode` avoids it in a tie. For uint64 up to 2 ** 53. */
  readonly fill: number;
  /** C order over (n, z, y, x), x fastest; may lie on shared memory. */
  readonly source: VoxelArray;
  /** Voxels of the source. */
  readonly sourceSize: VolumeSize;
  /** Voxels of the source under one of the target. */
  readonly factor: readonly [x: 1 | 2, y: 1 | 2, z: 1 | 2];
  /** C order over (n, z, y, x), x fastest; of the source's dtype, not the same memory. */
  readonly target: VoxelArray;
  /** Voxels of the target, which may be longer than what is made along x, y and z. */
  readonly targetSize: VolumeSize;
  /** The y of the target where row 0 of what is made goes. */
  readonly targetRow: number;
}

/**
 * Size of what {@linkcode downsampleRows} makes: extents round up, and `n` stays.
 * @example Room for the next scale
 * ```ts
 * import { downsampledSize } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(downsampledSize([7, 5, 3, 2], [2, 2, 1]), [4, 3, 3, 2]);
 * ```
 */
export function downsampledSize(
  [x, y, z, n]: VolumeSize,
  [fx, fy, fz]: readonly [x: number, y: number, z: number],
): VolumeSize {
  return [Math.ceil(x / fx), Math.ceil(y / fy), Math.ceil(z / fz), n];
}

/**
 * Makes rows of coarser voxels; the rows of a volume may be made in any parts, by any thread.
 *
 * What is made has the size `ceil(sourceSize / factor)`. Its rows are counted over (n, z, y), y fastest.
 * The voxel at (x, y, z) is made from its window, those source voxels from `(x, y, z) * factor` on to
 * `(x + 1, y + 1, z + 1) * factor` that the source has: at the far edge a window may be partial.
 *
 * - `mean`, integers: the exact mean, a half rounded to even.
 * - `mean`, float32: the sum in float64, x before y before z, divided by the voxels and rounded to float32;
 *   a NaN in the window gives the NaN 0x7fc00000.
 * - `mode`: the value that the window holds most often. Of several the smallest that is not the fill value;
 *   so the fill value comes only where it alone is the most frequent. float32 values are told apart as
 *   numbers: 0 and -0 are one, written as 0; all NaN are one, larger than any number, written as 0x7fc00000.
 * @param spec What is made from what.
 * @param first First row that is made.
 * @param end The row after the last that is made.
 * @throws {RangeError} If rows, sizes and arrays do not fit together.
 * @throws {TypeError} If the dtypes differ.
 * @example A row of five voxels: the last window is partial
 * ```ts
 * import { downsampleRows } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const target = new Uint8Array(3);
 * downsampleRows({
 *   method: "mean",
 *   fill: 0,
 *   source: new Uint8Array([1, 2, 3, 4, 9]),
 *   sourceSize: [5, 1, 1, 1],
 *   factor: [2, 1, 1],
 *   target,
 *   targetSize: [3, 1, 1, 1],
 *   targetRow: 0,
 * }, 0, 1);
 * deepEqual(target, new Uint8Array([2, 4, 9])); // 1.5 and 3.5, a half to even
 * ```
 */
export function downsampleRows(spec: DownsampleSpec, first: number, end: number): void {
  const { method, fill, source, sourceSize, factor, target, targetSize, targetRow } = spec;
  const [width, height, depth] = sourceSize;
  const [fx, fy, fz] = factor;
  const [, madeHeight, madeDepth] = checkedSize(spec, first, end);
  const row = method === "mean" ? meanRow(source, target) : modeRow(source, target, fill);
  for (let i = first; i < end; i++) {
    const y = i % madeHeight;
    const plane = Math.floor(i / madeHeight);
    const z = plane % madeDepth;
    const n = Math.floor(plane / madeDepth);
    const at = ((n * targetSize[2] + z) * targetSize[1] + y + targetRow) * targetSize[0];
    const from = ((n * depth + z * fz) * height + y * fy) * width;
    const twoRows = fy === 2 && y * 2 + 1 < height;
    const twoPlanes = fz === 2 && z * 2 + 1 < depth;
    const second = from + (twoRows ? width : width * height);
    const third = from + width * height;
    const rows = twoRows && twoPlanes ? 4 : twoRows || twoPlanes ? 2 : 1;
    row(rows, from, second, third, third + width, width, fx, at);
  }
}

function checkedSize(spec: DownsampleSpec, first: number, end: number): VolumeSize {
  const { source, sourceSize, factor, target, targetSize, targetRow } = spec;
  const made = downsampledSize(sourceSize, factor);
  if (source.constructor !== target.constructor) {
    throw new TypeError(
      `Cannot downsample a ${source.constructor.name} into a ${target.constructor.name}: ` +
        `their dtypes differ; give a target of the source's`,
    );
  }
  const rows = made[1] * made[2] * made[3];
  if (!(first >= 0 && first <= end && end <= rows)) {
    throw new RangeError(
      `Cannot downsample rows ${first} to ${end} as part of ${rows}: they lie outside; ` +
        `count rows over (n, z, y) of what is made`,
    );
  }
  if (
    made[0] > targetSize[0] || made[1] + targetRow > targetSize[1] || targetRow < 0 ||
    made[2] > targetSize[2] || made[3] > targetSize[3]
  ) {
    throw new RangeError(
      `Cannot downsample ${sourceSize.join(" x ")} voxels into ${
        targetSize.join(" x ")
      } from row ` +
        `${targetRow} on: ${made.join(" x ")} are made; give a larger target`,
    );
  }
  for (const [array, size] of [[source, sourceSize], [target, targetSize]] as const) {
    const voxels = size[0] * size[1] * size[2] * size[3];
    if (array.length < voxels) {
      throw new RangeError(
        `Cannot use an array of ${array.length} voxels as ${
          size.join(" x ")
        }: that has ${voxels}; ` +
          `give the size that the array has`,
      );
    }
  }
  return made;
}
