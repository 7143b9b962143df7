/**
 * Whether a volume has the voxels that are asked for.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Layout } from "../core/layout.ts";

/**
 * Refuses a read of voxels that a volume does not have: for stores.
 * @param volume Its name, for the error.
 * @throws {RangeError} If the volume has no such scale, or the box does not lie in it.
 * @example A box that reaches over the far edge
 * ```ts
 * import { box, checkRead, planLayout } from "@sluice/sluice";
 * import { doesNotThrow, throws } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [7, 5, 3, 1, 1],
 *   dtype: "uint8",
 *   axes: ["z", "y", "x"],
 *   kind: "image",
 *   encoding: { codec: "none", crc32c: false },
 *   samples: 1,
 * });
 * doesNotThrow(() => checkRead(layout, box([6, 0, 0], [7, 5, 3]), 0, "it.zip"));
 * throws(() => checkRead(layout, box([6, 0, 0], [8, 5, 3]), 0, "it.zip"), RangeError);
 * ```
 */
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
