/**
 * Half-open boxes of voxels.
 * @module
 */
import { mapPoint, type Point, product } from "./point.ts";

/** A half-open box in voxels: `min` is inside, `max` is not. */
export interface Box {
  /** First voxel along each axis. */
  readonly min: Point;
  /** One past the last voxel along each axis. */
  readonly max: Point;
}

/**
 * Makes a box from two corners of three, four or five numbers; c and t that are not given run from 0 to 1.
 * @throws {RangeError} If a number is not an integer, or `max` lies below `min`.
 * @example A box of one channel and one time
 * ```ts
 * import { box, boxSize } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(boxSize(box([10, 20, 30], [17, 25, 33])), [7, 5, 3, 1, 1]);
 * ```
 */
export function box(min: readonly number[], max: readonly number[]): Box {
  const low: Point = [min[0], min[1], min[2], min[3] ?? 0, min[4] ?? 0];
  const high: Point = [max[0], max[1], max[2], max[3] ?? 1, max[4] ?? 1];
  for (let axis = 0; axis < 5; axis++) {
    if (
      !Number.isSafeInteger(low[axis]) || !Number.isSafeInteger(high[axis]) ||
      high[axis] < low[axis]
    ) {
      throw new RangeError(
        `Cannot make a box from [${low}] to [${high}]: corners must be integers with max >= min`,
      );
    }
  }
  return { min: low, max: high };
}

/**
 * Edge lengths of a box, in voxels.
 * @example Columns, rows and sections of a crop
 * ```ts
 * import { box, boxSize } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const [columns, rows, sections] = boxSize(box([100, 0, 30], [107, 5, 33]));
 * deepEqual([columns, rows, sections], [7, 5, 3]);
 * ```
 */
export function boxSize({ min, max }: Box): Point {
  return mapPoint(max, (value, axis) => value - min[axis]);
}

/**
 * Voxels in a box.
 * @example Voxels of three sections
 * ```ts
 * import { box, boxVolume } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(boxVolume(box([0, 0, 30], [7, 5, 33])), 105);
 * ```
 */
export function boxVolume(of: Box): number {
  return product(boxSize(of));
}

/**
 * The voxels that lie in both boxes, or undefined where there are none.
 * @example What a section gives to a task
 * ```ts
 * import { box, intersect } from "@sluice/sluice";
 * import { deepEqual, equal } from "node:assert/strict";
 * const section = box([0, 0, 3], [7, 5, 4]);
 * deepEqual(intersect(section, box([4, 0, 0], [9, 5, 16])), box([4, 0, 3], [7, 5, 4]));
 * equal(intersect(section, box([4, 0, 4], [9, 5, 16])), undefined);
 * ```
 */
export function intersect(a: Box, b: Box): Box | undefined {
  const min = mapPoint(a.min, (value, axis) => Math.max(value, b.min[axis]));
  const max = mapPoint(a.max, (value, axis) => Math.min(value, b.max[axis]));
  return max.every((value, axis) => value > min[axis]) ? { min, max } : undefined;
}

/**
 * Whether every voxel of `inner` lies in `outer`.
 * @example A crop that must lie in its volume
 * ```ts
 * import { box, contains } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const volume = box([0, 0, 0], [7, 5, 3]);
 * equal(contains(volume, box([1, 1, 0], [7, 5, 3])), true);
 * equal(contains(volume, box([1, 1, 0], [8, 5, 3])), false);
 * ```
 */
export function contains(outer: Box, inner: Box): boolean {
  return inner.min.every((value, axis) => value >= outer.min[axis]) &&
    inner.max.every((value, axis) => value <= outer.max[axis]);
}

/**
 * A box as people read it, `x 0:512 y 0:256 z 3:4`; c and t only where they say something.
 * @example In a message
 * ```ts
 * import { box, formatBox } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(formatBox(box([0, 0, 3], [512, 256, 4])), "x 0:512 y 0:256 z 3:4");
 * ```
 */
export function formatBox({ min, max }: Box): string {
  return (["x", "y", "z", "c", "t"] as const)
    .map((name, axis) => ({ name, low: min[axis], high: max[axis], axis }))
    .filter(({ low, high, axis }) => axis < 3 || low !== 0 || high !== 1)
    .map(({ name, low, high }) => `${name} ${low}:${high}`)
    .join(" ");
}
