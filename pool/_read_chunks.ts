/** Stored chunks, decoded into a band. */
import { type ChunkCodec, openChunkCodec } from "../codecs/chunk_codec.ts";
import { ChunkError } from "../codecs/chunk_error.ts";
import { type Box, intersect } from "../core/box.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import { copyBox } from "../core/voxels.ts";
import type { JobContext } from "./jobs.ts";

/** Which chunks of which file, and the band they fill. Chunks that are not stored are the caller's to fill. */
export interface ReadChunksInput {
  /** The file. */
  readonly path: string;
  /** First voxel of each chunk, and where it lies in the file. */
  readonly chunks: readonly {
    readonly min: Point;
    readonly offset: number;
    readonly length: number;
  }[];
  /** Type of the voxels. */
  readonly dtype: Dtype;
  /** How chunks became bytes. */
  readonly encoding: ChunkEncoding;
  /** Voxels of a chunk. */
  readonly chunk: Point;
  /** Where they go: t c z y x with x fastest. */
  readonly data: VoxelArray;
  /** Which voxels these are. */
  readonly box: Box;
}

/** Reads, decodes and places chunks of one file. */
export async function readChunks(
  { path, chunks, dtype, encoding, chunk, data, box }: ReadChunksInput,
  { times }: JobContext,
): Promise<void> {
  const codec = await openChunkCodec(encoding, VOXEL_BYTES[dtype]);
  using file = Deno.openSync(path);
  for (const { min, offset, length } of chunks) {
    const start = performance.now();
    const stored = new Uint8Array(length);
    readFully(file, path, offset, stored);
    const read = performance.now();
    const voxels = viewVoxels(dtype, decodeChunk(codec, stored, product(chunk), path, offset));
    const chunkBox = { min, max: mapPoint(chunk, (size, axis) => min[axis] + size) };
    const inside = intersect(chunkBox, box);
    if (inside !== undefined) copyBox(voxels, chunkBox, data, box, inside);
    times.read += read - start;
    times.decode += performance.now() - read;
  }
}

function decodeChunk(
  codec: ChunkCodec,
  stored: Uint8Array,
  voxels: number,
  path: string,
  offset: number,
): Uint8Array {
  try {
    return codec.decode(stored, voxels);
  } catch (error) {
    if (!(error instanceof ChunkError)) throw error;
    throw new ChunkError(
      `Cannot read the chunk at byte ${offset} of "${path}": ${error.message}; run \`sluice verify\``,
      error.kind,
      { cause: error },
    );
  }
}

/** Fills `into` from `offset` on, or throws naming the file. */
export function readFully(file: Deno.FsFile, path: string, offset: number, into: Uint8Array): void {
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let done = 0; done < into.length;) {
    const count = file.readSync(into.subarray(done));
    if (count === null) {
      throw new RangeError(
        `Cannot read ${into.length} bytes at ${offset} of "${path}": it ends after ${
          offset + done
        }`,
      );
    }
    done += count;
  }
}
