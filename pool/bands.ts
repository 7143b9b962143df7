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
  /** The row that these are counted from. @default 0 */
  readonly rowsFrom?: number;
  /** A band grows to this many bytes if that many rows take fewer; it is never less than `rows` high. */
  readonly bandBytes: number;
  readonly buffers: BandBuffers;
  /** Whether whoever consumes a band releases it. @default false: it is over when the next is asked for */
  readonly hold?: boolean;
  /** Fills one band, every voxel of it. */
  readonly fill: (box: Box, data: VoxelArray) => Promise<void>;
}

/** The boxes of the bands of a box, from the top. */
export function* bandBoxes(
  { box, rows, rowsFrom = 0, bandBytes, dtype }: Omit<
    ReadBandsOptions,
    "scale" | "buffers" | "fill"
  >,
): Generator<Box> {
  const high = rows * Math.max(1, Math.floor(bandBytes / (rowBytes(box, dtype) * rows)));
  const [, y0] = box.min;
  const [, y1] = box.max;
  for (let y = y0; y < y1;) {
    const first = rowsFrom + Math.floor((y - rowsFrom) / rows) * rows;
    const end = Math.min(y1, first + high);
    yield {
      min: [box.min[0], y, box.min[2], box.min[3], box.min[4]],
      max: [box.max[0], end, box.max[2], box.max[3], box.max[4]],
    };
    y = end;
  }
}

/** Bands of a box, from the top; while one is used, the next is being filled. */
export async function* readBands(options: ReadBandsOptions): AsyncGenerator<Band> {
  const { scale, dtype, buffers, fill, hold = false } = options;
  const start = (box: Box) => {
    const data = buffers.take(dtype, box);
    const filled = fill(box, data);
    filled.catch(() => {});
    return { box, data, filled };
  };
  /** Being filled, the first in line first; and the one that was handed out and is not held. */
  const waiting: ReturnType<typeof start>[] = [];
  let used: VoxelArray | undefined;
  const giveUsed = () => {
    if (used !== undefined) buffers.give(used);
    used = undefined;
  };
  const boxes = bandBoxes(options);
  const startNext = () => {
    const { value: box, done } = boxes.next();
    if (!done) waiting.push(start(box));
  };
  try {
    startNext();
    while (waiting.length > 0) {
      const [{ box, data, filled }] = waiting;
      await filled;
      giveUsed();
      startNext();
      waiting.shift();
      if (hold) yield { scale, box, data, release: () => buffers.give(data) };
      else {
        used = data;
        yield { scale, box, data };
      }
    }
  } finally {
    giveUsed();
    for (const { data, filled } of waiting) {
      await filled.catch(() => {});
      buffers.give(data);
    }
  }
}
