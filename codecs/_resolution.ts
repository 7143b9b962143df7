/**
 * Voxel sizes out of the resolution that image formats carry for printers.
 * @module
 */
import type { VoxelSize } from "../core/units.ts";

/** A fraction as it is stored. */
export type Rational = readonly [numerator: number, denominator: number];

/** What programs write when nobody told them a resolution, in dots an inch. */
const PRINTERS = [1, 2.54, 72, 75, 96, 150, 180, 200, 240, 300, 350, 400, 600, 1200, 2400];

/** ImageJ rounds a resolution to millionths. */
const IMAGEJ_DENOMINATOR = 1e6;
const FLOAT_PRECISION = 1e-7;

/**
 * The size of a pixel, unless the resolution is one that programs put in for printing.
 * @param x Pixels in a centimetre along x.
 * @param y Pixels in a centimetre along y.
 */
export function voxelSizeOf(x: Rational, y: Rational): VoxelSize | undefined {
  if (isForPrinting(x) || isForPrinting(y)) return undefined;
  const fine = x[0] / x[1] > 1e4 && y[0] / y[1] > 1e4;
  const [width, height] = [x, y].map((pixels) => lengthOf(pixels, fine ? 1e7 : 1e4));
  if (width === undefined || height === undefined) return undefined;
  return { x: width, y: height, unit: fine ? "nanometer" : "micrometer" };
}

function isForPrinting([numerator, denominator]: Rational): boolean {
  const perCentimetre = numerator / denominator;
  // JFIF and some writers of TIFF round to whole dots a centimetre.
  return PRINTERS.some((inch) =>
    Math.abs(perCentimetre - inch / 2.54) < Math.max(0.5, inch * 1e-3)
  );
}

/**
 * The length of one of so many pixels in `unit`: of the lengths that would have been stored so, the
 * one with the fewest digits.
 */
export function lengthOf([numerator, denominator]: Rational, unit: number): number | undefined {
  const length = unit * denominator / numerator;
  if (!(length > 0) || !Number.isFinite(length)) return undefined;
  const precision = denominator === IMAGEJ_DENOMINATOR
    ? Math.max(0.5 / numerator, FLOAT_PRECISION)
    : FLOAT_PRECISION;
  for (let digits = 1; digits < 15; digits++) {
    const short = Number(length.toPrecision(digits));
    if (Math.abs(short - length) <= length * precision) return short;
  }
  return length;
}
