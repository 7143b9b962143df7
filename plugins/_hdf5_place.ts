/** What every index of chunks of HDF5 is opened with, and what it finds. */
import type { Hdf5File } from "./_hdf5_file.ts";

/** The bytes of one chunk. */
export interface StoredChunk {
  readonly address: number;
  readonly bytes: number;
  /** A bit for every filter it did not go through, the lowest for the first. */
  readonly skipped: number;
}

/** Finds a chunk by its position in the grid, the slowest axis first; undefined where it is not stored. */
export type FindChunk = (cell: readonly number[]) => StoredChunk | undefined;

/** What an index is opened with. */
export interface IndexOptions {
  readonly file: Hdf5File;
  /** Where it is. */
  readonly address: number;
  /** Voxels of a chunk, the slowest axis first. */
  readonly chunk: readonly number[];
  /** Bytes of a chunk before any filter. */
  readonly chunkBytes: number;
  /** Chunks along each axis, were the dataset as large as it may become. */
  readonly mostCells: readonly number[];
}

/** Position in an array of all cells, the last axis running fastest. The first may have no limit. */
export function positionOf(cell: readonly number[], counts: readonly number[]): number {
  return cell.reduce((position, index, axis) => position * counts[axis] + index);
}

/**
 * Reads an element of an index: an address, and where there are filters the bytes of the chunk and what it skipped.
 * @param length Bytes of the element.
 */
export function readPlace(
  file: Hdf5File,
  block: Uint8Array,
  at: number,
  length: number,
  chunkBytes: number,
): StoredChunk | undefined {
  const cursor = file.cursor(block, "the index of chunks", at);
  const address = cursor.address();
  if (address === undefined) return undefined;
  const sizeBytes = length - cursor.offsetBytes - 4;
  if (sizeBytes < 0) return { address, bytes: chunkBytes, skipped: 0 };
  return { address, bytes: cursor.uint(sizeBytes), skipped: cursor.u32() };
}
