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
  /** The row that multiples of `rows` are counted from: where a crop begins. What a source reads heeds it. @default 0 */
  readonly rowsFrom?: number;
  /** Bands may come with `release`: whoever asks for this calls it. A slab need not heed it. @default false */
  readonly hold?: boolean;
}

/**
 * One task's box of voxels, never held whole. {@linkcode makeSlab} makes one of a function that fills boxes;
 * {@linkcode gatherVoxels} reads a small one at once.
 * @example The brightest voxel, band by band
 * ```ts
 * import { box, makeSlab, type Slab } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const slab: Slab = makeSlab({ box: box([0, 0, 0], [7, 5, 3]), dtype: "uint8" }, (part, voxels) => {
 *   for (const i of voxels.keys()) voxels[i] = part.max[1];
 * });
 * let brightest = 0;
 * for await (const { data } of slab.bands()) {
 *   for (const voxel of data) brightest = Math.max(brightest, Number(voxel));
 * }
 * equal(brightest, 5);
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
  /**
   * Lets go of what is kept for the bands to be read once more, where reading them broke off. Whoever hands on another
   * slab in the place of this one hands it on.
   */
  [Symbol.asyncDispose]?(): Promise<void>;
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
