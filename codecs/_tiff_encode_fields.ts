/**
 * What a TIFF says of its voxels' size: ImageJ's text, which most programs read, and its two resolutions.
 *
 * Source of the text: what `getDescriptionString` in `ij.io.FileSaver` of ImageJ 1.54 writes; nothing else specifies it.
 * @module
 */
import type { LengthUnit, VoxelSize } from "../core/units.ts";

/** How the pages of a file stack; channels run fastest, then slices, then frames. */
export interface TiffStack {
  /** Channels of each slice. */
  readonly channels: number;
  /** Sections of each frame. */
  readonly slices: number;
  /** Times. */
  readonly frames: number;
}

const UNITS: Record<LengthUnit, string> = {
  angstrom: "angstrom",
  nanometer: "nm",
  micrometer: "micron",
  millimeter: "mm",
  centimeter: "cm",
  meter: "m",
};

/** The description of the first page. */
export function describeStack(
  { channels, slices, frames }: TiffStack,
  voxelSize: VoxelSize | undefined,
  window: readonly [low: number, high: number] | undefined,
): string {
  const images = channels * slices * frames;
  const lines = ["ImageJ=1.54f"];
  if (images > 1) {
    lines.push(`images=${images}`);
    for (const [name, count] of Object.entries({ channels, slices, frames })) {
      if (count > 1) lines.push(`${name}=${count}`);
    }
    if (channels > 1 || frames > 1) lines.push("hyperstack=true", "mode=grayscale");
  }
  if (voxelSize !== undefined) {
    lines.push(`unit=${UNITS[voxelSize.unit]}`);
    if (voxelSize.z !== undefined) lines.push(`spacing=${voxelSize.z}`);
  }
  if (images > 1) lines.push("loop=false");
  if (window !== undefined) lines.push(`min=${window[0]}`, `max=${window[1]}`);
  return `${lines.join("\n")}\n`;
}

const LARGEST = 0xffff_ffff;

/**
 * Voxels in a unit of length as a fraction of two integers of 32 bits, the closest there is: 4.6 nm are 5 / 23.
 * @param edge Length of a voxel's edge.
 * @returns Undefined where the edge is no positive number, or so small or large that no fraction comes near.
 */
export function voxelsPerUnit(edge: number): readonly [number, number] | undefined {
  if (!(edge > 1 / LARGEST && edge < LARGEST)) return undefined;
  let [above, below, lastAbove, lastBelow] = [1, 0, 0, 1];
  let rest = edge;
  while (true) {
    const whole = Math.floor(rest);
    const [nextAbove, nextBelow] = [whole * above + lastAbove, whole * below + lastBelow];
    if (nextAbove > LARGEST || nextBelow > LARGEST) break;
    [lastAbove, lastBelow, above, below] = [above, below, nextAbove, nextBelow];
    if (Math.abs(above / below - edge) <= edge * 2 ** -53) break;
    rest = 1 / (rest - whole);
    if (!Number.isFinite(rest)) break;
  }
  return [below, above];
}
