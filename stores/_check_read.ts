/** Whether a volume has the voxels that are asked for. */
import type { Box } from "../core/box.ts";
import type { Layout } from "../core/layout.ts";

/** @throws {RangeError} If the volume has no such scale, or the box does not lie in it. */
export function checkRead(layout: Layout, { min, max }: Box, scale: number, volume: string): void {
  const of = layout.scales[scale];
  if (of === undefined) {
    throw new RangeError(
      `Cannot read scale ${scale} of "${volume}": it has scales 0 to ${layout.scales.length - 1}`,
    );
  }
  if (min.some((value) => value < 0) || max.some((value, axis) => value > of.size[axis])) {
    throw new RangeError(
      `Cannot read a box from [${min}] to [${max}] of "${volume}": scale ${scale} ends at [${of.size}] (x, y, z, c, t)`,
    );
  }
}
