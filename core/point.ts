/**
 * Positions, sizes and factors along the five axes a volume may have.
 * @module
 */

/** Five integers, x first: a position, a size or a factor, in voxels unless its name says otherwise. */
export type Point = readonly [x: number, y: number, z: number, c: number, t: number];

/**
 * The five axes in the order of a {@linkcode Point}.
 * @example A size with its names
 * ```ts
 * import { AXES, type Point } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const size: Point = [7, 5, 3, 1, 1];
 * equal(AXES.map((axis, i) => `${axis} ${size[i]}`).join(", "), "x 7, y 5, z 3, c 1, t 1");
 * ```
 */
export const AXES = ["x", "y", "z", "c", "t"] as const;

/** One axis of a volume. */
export type Axis = (typeof AXES)[number];

/**
 * Applies `f` to each of the five numbers.
 * @example A position, moved by an offset
 * ```ts
 * import { mapPoint, type Point } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const offset: Point = [100, 0, 30, 0, 0];
 * deepEqual(mapPoint([7, 5, 3, 0, 0], (value, axis) => value + offset[axis]), [107, 5, 33, 0, 0]);
 * ```
 */
export function mapPoint(
  point: Point,
  f: (value: number, axis: 0 | 1 | 2 | 3 | 4) => number,
): Point {
  return [f(point[0], 0), f(point[1], 1), f(point[2], 2), f(point[3], 3), f(point[4], 4)];
}

/**
 * The product of the five numbers.
 * @example Voxels of a size
 * ```ts
 * import { product } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(product([7, 5, 3, 1, 2]), 210);
 * ```
 */
export function product(point: Point): number {
  return point[0] * point[1] * point[2] * point[3] * point[4];
}

/**
 * The position of `index` in a grid of `counts` cells, x running fastest.
 * @example The eighth cell of a grid of 3 x 2 x 2
 * ```ts
 * import { unravel } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(unravel(7, [3, 2, 2, 1, 1]), [1, 0, 1, 0, 0]);
 * ```
 */
export function unravel(index: number, counts: Point): Point {
  const cell = [0, 0, 0, 0, 0];
  let rest = index;
  for (let axis = 0; axis < 5; axis++) {
    cell[axis] = rest % counts[axis];
    rest = Math.floor(rest / counts[axis]);
  }
  return cell as unknown as Point;
}

/**
 * The index of `cell` in a grid of `counts` cells, x running fastest: the inverse of {@linkcode unravel}.
 * @example Where a voxel lies in the array of its box
 * ```ts
 * import { ravel } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(ravel([1, 0, 1, 0, 0], [3, 2, 2, 1, 1]), 7);
 * ```
 */
export function ravel(cell: Point, counts: Point): number {
  let index = 0;
  for (let axis = 4; axis >= 0; axis--) index = index * counts[axis] + cell[axis];
  return index;
}
