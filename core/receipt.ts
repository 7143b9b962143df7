/**
 * What was written, with its checksums; and what is fill value because its image was absent or broken.
 * @module
 */
import type { Box } from "./box.ts";

/** One unit of the store, as it was committed. */
export interface UnitReceipt {
  /** `scale/t.c.z.y.x`, the unit's place in the grid of shards. */
  readonly unit: string;
  /** Stored bytes; 0 where every voxel is fill value and nothing was stored. */
  readonly bytes: number;
  /** CRC-32 (zlib's) of the stored bytes. */
  readonly crc: number;
  /** CRC-32 of the CRC-32s (little-endian) of each chunk's voxels, in the order the chunks lie in the shard's grid, x fastest. */
  readonly voxels: number;
  /** Smallest and largest voxel of the unit; a string for uint64. */
  readonly min: number | string;
  /** Largest voxel of the unit. */
  readonly max: number | string;
}

/** Voxels that are fill value because their image was absent or could not be decoded. */
export interface Loss {
  /** The image, or the place of it where there is none. */
  readonly image: string;
  /** Whether there was no image, or one that could not be decoded. */
  readonly kind: "missing" | "broken";
  /** Voxels of scale 0. */
  readonly box: Box;
  /** What was found, in words. */
  readonly reason: string;
}

/** One task, done: what {@linkcode upload} makes of it, and an acknowledgement hands to the ledger. */
export interface Receipt {
  /** Its number. */
  readonly task: number;
  /** That of the lease: the higher one counts. */
  readonly fence: number;
  /** All units of the task. */
  readonly units: readonly UnitReceipt[];
  /** What is fill value in them. */
  readonly losses: readonly Loss[];
  /** CRC-32 over path, size and mtime of every image the task read. */
  readonly sources?: number;
  /** The same units of each copy that was written in the same pass; kept beside the copy, not here. */
  readonly copies?: readonly (readonly UnitReceipt[])[];
}
