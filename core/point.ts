/**
 * Positions, sizes and factors along the five axes a volume may have.
 * @module
 */

/** Five integers, x first: a position, a size or a factor, in voxels unless its name says otherwise. */
export type Point = readonly [x: number, y: number, z: number, c: number, t: number];

/** The five axes in the order of a {@linkcode Point}. */
export const AXES = ["x", "y", "z", "c", "t"] as const;

/** One axis of a volume. */
export type Axis = (typeof AXES)[number];

/** Applies `f` to each of the five numbers. */
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

/** The position of `index` in a grid of `counts` cells, x running fastest. */
export function unravel(index: number, counts: Point): Point {
  const cell = [0, 0, 0, 0, 0];
  let rest = index;
  for (let axis = 0; axis < 5; axis++) {
    cell[axis] = rest % counts[axis];
    rest = Math.floor(rest / counts[axis]);
  }
  return cell as unknown as Point;
}

/** The index of `cell` in a grid of `counts` cells, x running fastest: the inverse of {@linkcode unravel}. */
export function ravel(cell: Point, counts: Point): number {
  let index = 0;
  for (let axis = 4; axis >= 0; axis--) index = index * counts[axis] + cell[axis];
  return index;
}
