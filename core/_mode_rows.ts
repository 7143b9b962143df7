/**
 * Rows of most frequent values; {@linkcode modeRow} chooses how.
 * @module
 */
import type { MakeRow } from "./_mean_rows.ts";
import type { VoxelArray } from "./dtype.ts";

/** How rows of modes are made of this dtype. */
export function modeRow(source: VoxelArray, target: VoxelArray, fill: number): MakeRow {
  return (from, nextRow, nextPlane, width, factor, at) => {
    for (let x = 0; x < width; x += factor) {
      const values: (number | bigint)[] = [];
      for (let z = 0; z <= (nextPlane ? 1 : 0); z++) {
        for (let y = 0; y <= (nextRow ? 1 : 0); y++) {
          for (let k = x; k < Math.min(x + factor, width); k++) {
            values.push(source[from + z * nextPlane + y * nextRow + k]);
          }
        }
      }
      const none = source instanceof BigUint64Array ? BigInt(fill) : fill;
      values.sort((a, b) => (a === none ? 1 : b === none ? -1 : a < b ? -1 : a > b ? 1 : 0));
      let [best, most] = [values[0], 0];
      for (const value of values) {
        const count = values.filter((other) => other === value).length;
        if (count > most) [best, most] = [value, count];
      }
      target[at + x / factor] = best;
    }
  };
}
