/**
 * Three whole numbers, one for each axis of space.
 * @module
 */

/** A position or a size along x, y and z. */
export type Xyz = readonly [x: number, y: number, z: number];

/** The product of the three. */
export function volumeOf([x, y, z]: Xyz): number {
  return x * y * z;
}

/** Cells of `cell` that cover `size`, along each axis. */
export function cellsOver(size: Xyz, cell: Xyz): Xyz {
  return [
    Math.ceil(size[0] / cell[0]),
    Math.ceil(size[1] / cell[1]),
    Math.ceil(size[2] / cell[2]),
  ];
}

/** As a reader writes it: `7 x 5 x 3`. */
export function formatXyz([x, y, z]: Xyz): string {
  return `${x} x ${y} x ${z}`;
}

/** Whether all three are integers from `least` on. */
export function isXyz(value: unknown, least: number): value is Xyz {
  return Array.isArray(value) && value.length === 3 &&
    value.every((side) => Number.isSafeInteger(side) && side >= least);
}
