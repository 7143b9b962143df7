/**
 * One task's voxels, read in bands.
 * @module
 */
import type { Box } from "./box.ts";
import { boxSize, boxVolume } from "./box.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES, type VoxelArray } from "./dtype.ts";
import type { Loss } from "./receipt.ts";

/** Some whole rows of a slab, in one buffer. */
export interface Band {
  /** The scale its voxels belong to. */
  readonly scale: number;
  /** Its voxels, at that scale. */
  readonly box: Box;
  /**
   * Order t, c, z, y, x with x fastest. Valid until `release` is called, or, where there is none, until the next band
   * is asked for. On shared memory where threads are to work on it without copying.
   */
  readonly data: VoxelArray;
  /** Gives the memory back; there only if bands were asked for with `hold`. */
  readonly release?: () => void;
}

/** How the bands of a slab are asked for. */
export interface BandOptions {
  /** Bands of scale 0 start at multiples of this many rows and are whole multiples high, but for the last. @default 1 */
  readonly rows?: number;
  /** Bands may come with `release`: whoever asks for this calls it. A slab need not heed it. @default false */
  readonly hold?: boolean;
}

/**
 * One task's box of voxels, never held whole.
 * @example A source of one's own: voxels that are computed
 * ```ts
 * import { type Band, box, boxVolume, collect, enumerate, pipeline, type Slab, stage } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const paint = stage("paint", (_: unknown, { task: { box, index } }): Slab => {
 *   const data = new Uint8Array(boxVolume(box)).fill(index);
 *   const band: Band = { scale: 0, box, data };
 *   return { box, scale: 0, dtype: "uint8", losses: [], async *bands() { yield band; } };
 * });
 * const boxes = [box([0, 0, 0], [2, 1, 1]), box([0, 0, 1], [2, 1, 2])];
 * const [, second] = await collect(pipeline(enumerate(boxes)).through(paint));
 * let sum = 0;
 * for await (const { data } of second.value.bands()) for (const voxel of data) sum += Number(voxel);
 * equal(sum, 2);
 * ```
 */
export interface Slab {
  /** Its voxels. */
  readonly box: Box;
  /** The scale that `box` counts in. */
  readonly scale: number;
  /** Type of the voxels. */
  readonly dtype: Dtype;
  /** Voxels that turned out to be fill value because their image was absent or broken: complete after the last band. */
  readonly losses: readonly Loss[];
  /** CRC-32 over path, size and mtime of every image behind it. */
  readonly sources?: number;
  /** Reads the slab from the top: the bands of a scale lie one under the other, without gaps. */
  bands(options?: BandOptions): AsyncIterable<Band>;
}

/**
 * Buffers of shared memory that go round, as the collector frees shared memory late.
 * @example Room that goes round
 * ```ts
 * import { BandBuffers, box } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const buffers = new BandBuffers();
 * const first = buffers.take("uint16", box([0, 0, 0], [7, 5, 3]));
 * buffers.give(first);
 * equal(buffers.take("uint16", box([0, 0, 3], [7, 5, 6])).buffer, first.buffer);
 * ```
 */
export class BandBuffers {
  readonly #free: SharedArrayBuffer[] = [];

  /** Room for the voxels of a box; what it holds is unknown. */
  take(dtype: Dtype, of: Box): VoxelArray {
    const bytes = boxVolume(of) * VOXEL_BYTES[dtype];
    let best = -1;
    for (const [i, buffer] of this.#free.entries()) {
      if (
        buffer.byteLength >= bytes && (best < 0 || buffer.byteLength < this.#free[best].byteLength)
      ) best = i;
    }
    const fits = best >= 0 && this.#free[best].byteLength <= 2 * bytes + 65536;
    const buffer = fits ? this.#free.splice(best, 1)[0] : new SharedArrayBuffer(bytes);
    if (!fits) this.#free.shift();
    return viewVoxels(dtype, new Uint8Array(buffer, 0, bytes));
  }

  /** Gives room back. */
  give(voxels: VoxelArray): void {
    if (voxels.buffer instanceof SharedArrayBuffer) this.#free.push(voxels.buffer);
  }
}

/** Bytes of one row of a slab's bands: all of x, z, c and t. */
export function rowBytes(of: Box, dtype: Dtype): number {
  const [x, , z, c, t] = boxSize(of);
  return x * z * c * t * VOXEL_BYTES[dtype];
}
