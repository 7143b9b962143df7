/**
 * Rows of means; {@linkcode meanRow} chooses how.
 * @module
 */
import type { VoxelArray } from "./dtype.ts";

/**
 * Makes one row.
 * @param from Index of the first source voxel.
 * @param nextRow Voxels from a row of the window to the next, 0 where there is one row.
 * @param nextPlane The same for planes.
 * @param width Voxels of a source row.
 * @param factor Voxels of the window along x; the last window may have one where it is 2.
 * @param at Index of the first target voxel.
 */
export type MakeRow = (
  from: number,
  nextRow: number,
  nextPlane: number,
  width: number,
  factor: 1 | 2,
  at: number,
) => void;

/** How rows of means are made of this dtype. */
export function meanRow(source: VoxelArray, target: VoxelArray): MakeRow {
  const big = source instanceof BigUint64Array;
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
      if (big) {
        const n = BigInt(values.length);
        const sum = (values as bigint[]).reduce((a, b) => a + b);
        const [q, r] = [sum / n, (sum % n) * 2n];
        target[at + x / factor] = r > n || (r === n && q % 2n === 1n) ? q + 1n : q;
      } else {
        const mean = (values as number[]).reduce((a, b) => a + b) / values.length;
        if (source instanceof Float32Array) target[at + x / factor] = mean;
        else {
          const [q, r] = [Math.floor(mean), mean - Math.floor(mean)];
          target[at + x / factor] = r > 0.5 || (r === 0.5 && q % 2 !== 0) ? q + 1 : q;
        }
      }
    }
  };
}
