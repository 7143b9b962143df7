/**
 * Reads a box band by band, one band ahead of whoever consumes it.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Dtype, VoxelArray } from "../core/dtype.ts";
import { type Band, type BandBuffers, rowBytes } from "../core/slab.ts";

/** What to read, and in how large pieces. */
export interface ReadBandsOptions {
  readonly box: Box;
  readonly scale: number;
  readonly dtype: Dtype;
  /** Bands start at multiples of this many rows. */
  readonly rows: number;
  /** A band grows to this many bytes if that many rows take fewer; it is never less than `rows` high. */
  readonly bandBytes: number;
  readonly buffers: BandBuffers;
  /** Fills one band, every voxel of it. */
  readonly fill: (box: Box, data: VoxelArray) => Promise<void>;
}

/** The boxes of the bands of a box, from the top. */
export function* bandBoxes(
  { box, rows, bandBytes, dtype }: Omit<ReadBandsOptions, "scale" | "buffers" | "fill">,
): Generator<Box> {
  const high = rows * Math.max(1, Math.floor(bandBytes / (rowBytes(box, dtype) * rows)));
  const [, y0] = box.min;
  const [, y1] = box.max;
  for (let y = y0; y < y1;) {
    const end = Math.min(y1, (Math.floor(y / rows) * rows) + high);
    yield {
      min: [box.min[0], y, box.min[2], box.min[3], box.min[4]],
      max: [box.max[0], end, box.max[2], box.max[3], box.max[4]],
    };
    y = end;
  }
}

/** Bands of a box, from the top; while one is used, the next is being filled. */
export async function* readBands(options: ReadBandsOptions): AsyncGenerator<Band> {
  const { scale, dtype, buffers, fill } = options;
  const start = (box: Box) => {
    const data = buffers.take(dtype, box);
    const filled = fill(box, data);
    filled.catch(() => {});
    return { box, data, filled };
  };
  const boxes = bandBoxes(options);
  let current: ReturnType<typeof start> | undefined;
  let next: ReturnType<typeof start> | undefined;
  try {
    for (const box of boxes) {
      next = start(box);
      if (current !== undefined) yield { scale, box: current.box, data: current.data };
      if (current !== undefined) buffers.give(current.data);
      current = next;
      next = undefined;
      await current.filled;
    }
    if (current !== undefined) yield { scale, box: current.box, data: current.data };
  } finally {
    for (const band of [current, next]) {
      if (band === undefined) continue;
      await band.filled.catch(() => {});
      buffers.give(band.data);
    }
  }
}
