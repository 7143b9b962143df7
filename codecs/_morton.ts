/**
 * The compressed Morton code of Neuroglancer precomputed: positions in a grid as numbers, near ones near.
 *
 * Source of the rule: `src/datasource/precomputed/volume.rst` of Neuroglancer. Bits of x, y and z take turns
 * from the lowest on; an axis whose grid is covered drops out.
 * @module
 */
import { formatXyz, isXyz, type Xyz } from "./_xyz.ts";

/**
 * The codes of one grid.
 * @example Sixteen chunks in a row take four bits, and one plane none
 * ```ts
 * import { MortonGrid } from "./_morton.ts";
 * import { deepEqual, equal } from "node:assert/strict";
 * const grid = new MortonGrid([16, 4, 1]);
 * equal(grid.code([0b1010, 0b11, 0]), 0b101110n);
 * deepEqual(grid.position(0b101110n), [0b1010, 0b11, 0]);
 * ```
 */
export class MortonGrid {
  /** Chunks along each axis. */
  readonly size: Xyz;
  /** Which axis each bit of a code belongs to, from the lowest bit on. */
  readonly axes: readonly (0 | 1 | 2)[];

  /** @throws {RangeError} If a side is not an integer from 1 on, or codes take more than 64 bits. */
  constructor(size: Xyz) {
    if (!isXyz(size, 1)) {
      throw new RangeError(
        `Cannot number the chunks of a grid of [${size}]: its sides must be integers from 1 on`,
      );
    }
    const axes: (0 | 1 | 2)[] = [];
    for (let power = 1; size.some((count) => power < count); power *= 2) {
      for (const axis of [0, 1, 2] as const) if (power < size[axis]) axes.push(axis);
    }
    if (axes.length > 64) {
      throw new RangeError(
        `Cannot number the chunks of a grid of ${
          formatXyz(size)
        }: that takes ${axes.length} bits, ` +
          `and shards have 64; choose larger chunks`,
      );
    }
    this.size = size;
    this.axes = axes;
  }

  /**
   * The code of a position.
   * @throws {RangeError} If it lies outside the grid.
   */
  code(position: Xyz): bigint {
    if (!isXyz(position, 0) || position.some((value, axis) => value >= this.size[axis])) {
      throw new RangeError(
        `Cannot number the chunk at [${position}]: the grid has ${
          formatXyz(this.size)
        } chunks, from 0 on`,
      );
    }
    const rest: [number, number, number] = [...position];
    const halves = [0, 0];
    for (const [bit, axis] of this.axes.entries()) {
      if (rest[axis] % 2 === 1) halves[bit >> 5] += 2 ** (bit & 31);
      rest[axis] = Math.floor(rest[axis] / 2);
    }
    return BigInt(halves[1]) << 32n | BigInt(halves[0]);
  }

  /** The position that a code stands for; it may lie outside the grid, whose sides need not be powers of two. */
  position(code: bigint): Xyz {
    const position: [number, number, number] = [0, 0, 0];
    const weights = [1, 1, 1];
    let rest = code;
    for (const axis of this.axes) {
      if (rest & 1n) position[axis] += weights[axis];
      weights[axis] *= 2;
      rest >>= 1n;
    }
    return position;
  }
}
