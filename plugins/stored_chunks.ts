/**
 * The chunks behind a slab, for whoever writes chunks of the same grid: then threads take each from stored bytes to
 * stored bytes by themselves, and no band is filled in between.
 * @module
 */
import type { ChunkDecoding } from "../codecs/chunk_decoder.ts";
import type { Box } from "../core/box.ts";
import type { Dtype } from "../core/dtype.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { mapPoint, type Point } from "../core/point.ts";
import type { Slab } from "../core/slab.ts";
import type { StoredPiece } from "../pool/_decode_chunks.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { EncodedChunk } from "../stores/store.ts";

/** What becomes of chunks. */
export interface EncodeStoredOptions {
  /** Each chunk is encoded in every one of these. */
  readonly encodings: readonly ChunkEncoding[];
  /** Voxel of chunks that need not be stored. */
  readonly fill: number;
  /** Ends the work with its reason. */
  readonly signal?: AbortSignal;
}

/** Chunks of a slab as they lie stored. */
export interface StoredChunks {
  /** Voxels of a chunk. */
  readonly chunk: Point;
  /** Where the first voxel of their grid lies in the coordinates of the slab. */
  readonly origin: Point;
  /**
   * Reads, decodes and encodes chunks.
   * @param corners First voxel of each.
   * @returns For each encoding, chunk by chunk.
   */
  encode(corners: readonly Point[], options: EncodeStoredOptions): Promise<EncodedChunk[][]>;
}

/** What is known of the chunks of a slab that a volume gave. */
export interface StoredSlab {
  /** Voxels of a chunk. */
  readonly chunk: Point;
  /** The box of the slab, in voxels of the volume. */
  readonly box: Box;
  readonly dtype: Dtype;
  /** Voxel of chunks that are not stored. */
  readonly fill: number | bigint;
  readonly decoding: ChunkDecoding;
  readonly pool: WorkerPool;
  /** Finds the chunk with this first voxel. */
  find(min: Point, signal?: AbortSignal): Promise<FoundChunk>;
  /** Hears which could not be decoded: throws, or lets it be fill value. */
  onFailure(chunk: FoundChunk, message: string): void;
}

/** A chunk that was looked for; without path and bytes it is not stored. */
export interface FoundChunk extends StoredPiece {
  /** Path or URL, for messages. */
  readonly name: string;
}

/** By the slab itself: one that was made of it, with other bands, is none of these. */
const known = new WeakMap<Slab, StoredChunks>();

/** The chunks behind a slab; undefined where its voxels come otherwise. */
export function storedChunks(slab: Slab): StoredChunks | undefined {
  return known.get(slab);
}

/** Says that a slab has the voxels of another, moved. */
export function moveStored(from: Slab, to: Slab, by: Point): void {
  const stored = known.get(from);
  if (stored === undefined) return;
  known.set(to, {
    chunk: stored.chunk,
    origin: mapPoint(stored.origin, (value, axis) => value + by[axis]),
    encode: (corners, options) =>
      stored.encode(corners.map((min) => mapPoint(min, (at, axis) => at - by[axis])), options),
  });
}

/** Says which chunks lie behind a slab. */
export function knowStored(slab: Slab, stored: StoredSlab): void {
  const { chunk, box, dtype, fill, decoding, pool } = stored;
  known.set(slab, {
    chunk,
    origin: [0, 0, 0, 0, 0],
    async encode(corners, { signal, encodings, fill: targetFill }) {
      const found: FoundChunk[] = [];
      for (const min of corners) found.push(await stored.find(min, signal));
      const pieces = found.map(({ name: _, ...piece }) => piece);
      const input = { pieces, dtype, decoding, fill, encodings, targetFill, chunk, box };
      const { encoded, failures } = await pool.run("recodeChunks", input, { signal });
      for (const { piece, message } of failures) stored.onFailure(found[piece], message);
      return encoded;
    },
  });
}
