/**
 * Stored chunks of volumes that others wrote, as voxels: one table of what each format needs.
 * @module
 */
import type { StridedVoxels } from "../core/copy_strided.ts";
import type { Dtype } from "../core/dtype.ts";
import type { Point } from "../core/point.ts";
import type { Hdf5Decoding } from "./_hdf5_chunk.ts";
import type { N5Decoding } from "./_n5_chunk.ts";
import type { PrecomputedDecoding } from "./_precomputed_decoder.ts";
import type { RawDecoding } from "./_raw_chunk.ts";
import type { ZarrDecoding } from "./_zarr_chunk.ts";

/** What the decoder of each format is told: plain data, so that any thread can open it. */
export interface ChunkDecodings {
  /** Plain voxels, in any order of axes and bytes. */
  raw: RawDecoding;
  /** Chunks of Zarr v2 and v3, or shards that can be had whole only. */
  zarr: ZarrDecoding;
  /** Blocks of N5. */
  n5: N5Decoding;
  /** Chunks of HDF5. */
  hdf5: Hdf5Decoding;
  /** Chunks of Neuroglancer precomputed volumes. */
  precomputed: PrecomputedDecoding;
}

/** The format of a chunk, and what its decoder is told. */
export type ChunkDecoding = {
  readonly [F in keyof ChunkDecodings]: { readonly format: F } & ChunkDecodings[F];
}[keyof ChunkDecodings];

/** Voxels of a chunk, and of which part of it. */
export interface DecodedChunk extends StridedVoxels {
  /** Voxels along each axis that are there: fewer than asked for where the format stores chunks cut off. */
  readonly shape: Point;
}

/** Decodes chunks; keeps nothing between calls. */
export interface ChunkDecoder {
  /**
   * @param bytes As they are stored.
   * @param shape Voxels of the chunk within the volume's grid; those beyond the extent included.
   * @param skipped A bit for every step that was left out when this chunk was stored, the lowest for the first.
   * @returns Voxels of `dtype`; they may lie in a buffer that the next call uses again.
   * @throws {ChunkError} If they cannot be decoded, or are more or fewer than the chunk has.
   */
  decode(bytes: Uint8Array, shape: Point, skipped?: number): DecodedChunk | Promise<DecodedChunk>;
}

/** Makes the decoder of one format. */
export type OpenChunkDecoder<F extends keyof ChunkDecodings> = (
  decoding: ChunkDecodings[F],
  dtype: Dtype,
) => ChunkDecoder | Promise<ChunkDecoder>;

const DECODERS: {
  readonly [F in keyof ChunkDecodings]: () => Promise<OpenChunkDecoder<F>>;
} = {
  raw: async () => (await import("./_raw_chunk.ts")).openRaw,
  zarr: async () => (await import("./_zarr_chunk.ts")).openZarr,
  n5: async () => (await import("./_n5_chunk.ts")).openN5,
  precomputed: async () => (await import("./_precomputed_decoder.ts")).openPrecomputed,
  hdf5: async () => (await import("./_hdf5_chunk.ts")).openHdf5,
};

/** Opens the decoder of some chunks; loads what it needs and nothing else. */
export async function openChunkDecoder(
  decoding: ChunkDecoding,
  dtype: Dtype,
): Promise<ChunkDecoder> {
  const open = await DECODERS[decoding.format]() as OpenChunkDecoder<keyof ChunkDecodings>;
  return await open(decoding, dtype);
}
