/** Bands, cut anew so that they begin where strips do. */
import type { Box } from "../core/box.ts";
import { boxVolume } from "../core/box.ts";
import { viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import type { Dtype } from "../core/dtype.ts";
import { copyBox } from "../core/voxels.ts";
import type { Band } from "../core/slab.ts";

/** Some whole strips of every section of a slab; valid until the next are asked for. */
export interface RowCut {
  /** Voxels of `box`, t c z y x with x fastest, on shared memory. */
  readonly data: VoxelArray;
  readonly box: Box;
  /** Rows of the box that are meant, as the box counts them: from `first` to before `end`. */
  readonly first: number;
  readonly end: number;
}

/**
 * Cuts bands at every `rows` rows from the top of a box.
 *
 * Bands begin at rows of chunks and strips at the top of the crop: where the two do not meet, the rows of a strip that
 * lies in two bands are gathered; nothing is read twice.
 */
export async function* cutRows(
  bands: AsyncIterable<Band>,
  { min, max }: Box,
  dtype: Dtype,
  rows: number,
): AsyncGenerator<RowCut> {
  const [, top] = min;
  const [, bottom] = max;
  let carry: { data: VoxelArray; box: Box; filled: number } | undefined;
  const between = (first: number, end: number): Box => ({
    min: [min[0], first, min[2], min[3], min[4]],
    max: [max[0], end, max[2], max[3], max[4]],
  });
  for await (const { data, box } of bands) {
    const end = box.max[1];
    let y = box.min[1];
    if (carry !== undefined) {
      const stop = Math.min(carry.box.max[1], end);
      copyBox(data, box, carry.data, carry.box, between(carry.filled, stop));
      carry.filled = y = stop;
      if (stop < carry.box.max[1]) continue;
      yield { data: carry.data, box: carry.box, first: carry.box.min[1], end: stop };
      carry = undefined;
    }
    const whole = end === bottom ? end : top + Math.floor((end - top) / rows) * rows;
    if (whole > y) yield { data, box, first: y, end: whole };
    if (whole < end) {
      const strip = between(whole, Math.min(whole + rows, bottom));
      const bytes = new Uint8Array(new SharedArrayBuffer(boxVolume(strip) * VOXEL_BYTES[dtype]));
      carry = { data: viewVoxels(dtype, bytes), box: strip, filled: end };
      copyBox(data, box, carry.data, strip, between(whole, end));
    }
  }
}
