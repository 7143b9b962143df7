/**
 * Voxel sizes out of the resolution that image formats carry for printers.
 * @module
 */
import type { VoxelSize } from "../core/units.ts";

/** What programs write when nobody told them a resolution, in dots an inch. */
const PRINTERS = [1, 2.54, 72, 75, 96, 150, 180, 200, 240, 300, 350, 400, 600, 1200, 2400];

/**
 * The size of a pixel, unless the resolution is one that programs put in for printing.
 * @param x Pixels in a centimetre along x.
 * @param y Pixels in a centimetre along y.
 */
export function voxelSizeOf(x: number, y: number): VoxelSize | undefined {
  const means = (perCentimetre: number) =>
    Number.isFinite(perCentimetre) && perCentimetre > 0 &&
    // JFIF and some TIFF writers round to whole dots a centimetre.
    !PRINTERS.some((inch) => Math.abs(perCentimetre - inch / 2.54) < Math.max(0.5, inch * 1e-3));
  if (!means(x) || !means(y)) return undefined;
  const micrometres = (perCentimetre: number) => Number((1e4 / perCentimetre).toPrecision(12));
  return { x: micrometres(x), y: micrometres(y), unit: "micrometer" };
}
