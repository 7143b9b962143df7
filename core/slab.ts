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
   * Order t, c, z, y, x with x fastest. Valid until the next band is asked for. On shared memory where threads
   * are to work on it without copying.
   */
  readonly data: VoxelArray;
}

/** One task's box of voxels, never held whole. */
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
  /**
   * Reads the slab from the top: bands lie one under the other, without gaps.
   * @param options `rows`: bands of scale 0 start at multiples of this many rows and are whole multiples high, but
   * for the last. @default 1
   */
  bands(options?: { readonly rows?: number }): AsyncIterable<Band>;
}

/** Buffers of shared memory that go round, as the collector frees shared memory late. */
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
