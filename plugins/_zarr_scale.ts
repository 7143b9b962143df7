/** An array of Zarr as one level of a volume: where its chunks are, also within shards. */
import { placeInIndex, type ZarrDecoding, type ZarrShard } from "../codecs/_zarr_chunk.ts";
import { indexByteCount } from "../codecs/_zarr_shard.ts";
import { ChunkError } from "../codecs/chunk_error.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import { nameIn } from "./_array_documents.ts";
import type { ShardIndices } from "./_shard_indices.ts";
import { brokenPlace, findChunk } from "./_stored_chunk.ts";
import type { ZarrArray } from "./_zarr_metadata.ts";
import type { ChunkedScale, ChunkPlace } from "./chunked_array.ts";
import type { ArrayReader } from "./volume_array.ts";

/** How an array is opened. */
export interface ZarrScaleOptions {
  /** Key of the array, which ends with "/"; empty: the root of the reader. */
  readonly prefix: string;
  /** Shared by all levels of a volume. */
  readonly indices: ShardIndices;
}

/** Opens an array as one level. */
export function openZarrScale(
  reader: ArrayReader,
  array: ZarrArray,
  { prefix, indices }: ZarrScaleOptions,
): ChunkedScale {
  const { size, dtype, fill, stored } = array;
  const { shards, chunk, decoding } = splitShards(array.decoding, stored);
  const byteCount = product(chunk) * VOXEL_BYTES[dtype] +
    (decoding.kind === "shard" ? indexByteCount(decoding.index) : 0);
  const locate = async (index: Point, signal?: AbortSignal): Promise<ChunkPlace | undefined> => {
    const min = mapPoint(index, (value, axis) => value * chunk[axis]);
    const key = prefix + array.key(cellOf(min, stored));
    let range: readonly [number, number] | undefined;
    let outer = stored;
    try {
      for (const shard of shards) {
        const found = await indices.read({ key, range }, shard.index, signal);
        const cell = cellOf(mapPoint(min, (value, axis) => value % outer[axis]), shard.chunk);
        const grid = mapPoint(outer, (side, axis) => side / shard.chunk[axis]);
        const part = found?.find(placeInIndex(cell, grid, shard.order));
        if (part === undefined) return undefined;
        range = within(range, part);
        outer = shard.chunk;
      }
    } catch (error) {
      if (!(error instanceof ChunkError)) throw error;
      return brokenPlace(nameIn(reader, key), error);
    }
    return findChunk(reader, { key, range, byteCount });
  };
  const inFiles = reader.localPath !== undefined;
  return { size, chunk, dtype, fill, decoding: { format: "zarr", ...decoding }, inFiles, locate };
}

/** The shards whose chunks can be had one by one, from the outside in; and the chunks within. */
function splitShards(
  decoding: ZarrDecoding,
  stored: Point,
): { shards: ZarrShard[]; chunk: Point; decoding: ZarrDecoding } {
  const shards: ZarrShard[] = [];
  let [inner, chunk] = [decoding, stored];
  while (inner.kind === "shard" && inner.packings.length === 0) {
    shards.push(inner);
    [inner, chunk] = [inner.inner, inner.chunk];
  }
  return { shards, chunk, decoding: inner };
}

function cellOf(voxel: Point, cell: Point): Point {
  return mapPoint(voxel, (value, axis) => Math.floor(value / cell[axis]));
}

/** A part of a part, which must not reach out of it. */
function within(
  outer: readonly [number, number] | undefined,
  [first, end]: readonly [number, number],
): readonly [number, number] {
  if (outer === undefined) return [first, end];
  if (end <= outer[1] - outer[0]) return [outer[0] + first, outer[0] + end];
  throw new ChunkError(
    `a shard in its shard has ${outer[1] - outer[0]} bytes, and a chunk of it ends at byte ${end}`,
    "corrupt",
  );
}
