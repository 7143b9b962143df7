/** Chunks from stored bytes to stored bytes of another format, where both are cut alike. */
import { type ChunkDecoding, openChunkDecoder } from "../codecs/chunk_decoder.ts";
import { type Box, boxSize, intersect } from "../core/box.ts";
import { copyStrided } from "../core/copy_strided.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import {
  brokenMessage,
  isPlain,
  type PieceFailure,
  PieceReader,
  type StoredPiece,
} from "./_decode_chunks.ts";
import { type EncodedChunk, fillVoxels, openEncoder } from "./_encode_chunks.ts";
import type { JobContext } from "./jobs.ts";

/** Which chunks, and what becomes of them. */
export interface RecodeChunksInput {
  /** The chunks; those without path and bytes are fill value. */
  readonly pieces: readonly StoredPiece[];
  /** Type of the voxels. */
  readonly dtype: Dtype;
  /** How they were stored. */
  readonly decoding: ChunkDecoding;
  /** Voxel of what is not stored, or broken. */
  readonly fill: number | bigint;
  /** How they become bytes: each chunk in every one of these. */
  readonly encodings: readonly ChunkEncoding[];
  /** Voxel of chunks that need not be stored again. */
  readonly targetFill: number;
  /** Voxels of every chunk. */
  readonly chunk: Point;
  /** Voxels beyond it are nobody's. */
  readonly box: Box;
}

/** What became of chunks. */
export interface RecodedChunks {
  /** For each encoding, chunk by chunk. */
  readonly encoded: EncodedChunk[][];
  /** Those that could not be decoded: they became fill value. */
  readonly failures: (PieceFailure & { readonly message: string })[];
}

/** Reads, decodes and encodes chunks; tells which failed rather than throwing. */
export async function recodeChunks(
  { pieces, dtype, decoding, fill, encodings, targetFill, chunk, box }: RecodeChunksInput,
  context: JobContext,
): Promise<RecodedChunks> {
  const { times } = context;
  const decoder = await openChunkDecoder(decoding, dtype);
  const encoders = await Promise.all(
    encodings.map((encoding) => openEncoder({ dtype, fill: targetFill, encoding, chunk }, context)),
  );
  const encoded: EncodedChunk[][] = encodings.map(() => []);
  const failures: RecodedChunks["failures"] = [];
  using files = new PieceReader();
  for (const [at, piece] of pieces.entries()) {
    const start = performance.now();
    const { min } = piece;
    const chunkBox = { min, max: mapPoint(chunk, (size, axis) => min[axis] + size) };
    const inside = intersect(chunkBox, box)!;
    let read = start;
    let voxels: VoxelArray | undefined;
    try {
      const bytes = files.read(piece);
      read = performance.now();
      if (bytes !== undefined) {
        const decoded = await decoder.decode(bytes, piece.shape, piece.skipped);
        const isWhole = product(decoded.shape) === product(boxSize(inside)) &&
          decoded.shape.every((side, axis) => side === inside.max[axis] - min[axis]);
        if (isWhole && isPlain(decoded)) voxels = decoded.voxels;
        else {
          voxels = background(dtype, inside, fill);
          const there = {
            min,
            max: mapPoint(
              decoded.shape,
              (side, axis) => Math.min(min[axis] + side, inside.max[axis]),
            ),
          };
          copyStrided(decoded, min, voxels, inside, there);
        }
      }
    } catch (error) {
      failures.push({ piece: at, message: brokenMessage(error) });
    }
    voxels ??= background(dtype, inside, fill);
    const made = performance.now();
    for (const [i, encode] of encoders.entries()) {
      encoded[i].push(await encode(voxels, inside, min));
    }
    times.read += read - start;
    times.decode += made - read;
    times.encode += performance.now() - made;
  }
  return { encoded, failures };
}

function background(dtype: Dtype, box: Box, fill: number | bigint): VoxelArray {
  const voxels = viewVoxels(dtype, new Uint8Array(product(boxSize(box)) * VOXEL_BYTES[dtype]));
  fillVoxels(voxels, fill);
  return voxels;
}
