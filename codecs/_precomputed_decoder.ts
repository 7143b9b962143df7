/** Chunks of precomputed volumes, for the table of decoders. */
import { plainStrides } from "../core/copy_strided.ts";
import { type Dtype, viewVoxels } from "../core/dtype.ts";
import type { ChunkDecoder } from "./chunk_decoder.ts";
import { openPrecomputedCodec } from "./precomputed_chunk.ts";

/** How the chunks of a precomputed scale are stored; whether gzip is around them is seen. */
export interface PrecomputedDecoding {
  /** As `info` names it. */
  readonly codec: "raw" | "jpeg" | "png" | "compressed_segmentation";
  /** Channels of a chunk. */
  readonly channels: number;
  /** Voxels of a block, of `compressed_segmentation`. */
  readonly blockSize?: readonly [x: number, y: number, z: number];
}

/** Opens chunks of precomputed volumes. */
export async function openPrecomputed(
  { codec, channels, blockSize = [8, 8, 8] }: PrecomputedDecoding,
  dtype: Dtype,
): Promise<ChunkDecoder> {
  // Quality and level are the writer's.
  const encoding = { codec, quality: 100, level: 0, blockSize };
  const opened = await openPrecomputedCodec(encoding, { dtype, channels });
  return {
    decode: async (bytes, shape) => {
      const voxels = await opened.decode(bytes, [shape[0], shape[1], shape[2]]);
      return { voxels: viewVoxels(dtype, voxels), strides: plainStrides(shape), shape };
    },
  };
}
