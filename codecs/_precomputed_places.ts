/** Where the chunks of a precomputed shard lie, all at once. */
import {
  type ByteRange,
  parseMinishardIndex,
  parseShardIndexEntry,
  shardIndexBytes,
  shardIndexEntry,
} from "./precomputed_shard.ts";
import { ChunkError } from "./chunk_error.ts";
import { locateChunk, type Sharding } from "./precomputed_sharding.ts";

/**
 * Finds chunks in the bytes of a whole shard.
 * @returns One for each number; undefined where the shard does not hold it.
 * @throws {ChunkError} If an index is broken.
 */
export function placesInShard(
  sharding: Sharding,
  stored: Uint8Array,
  ids: readonly bigint[],
): (ByteRange | undefined)[] {
  if (stored.length < shardIndexBytes(sharding)) {
    throw new ChunkError(
      `Cannot read a shard: its ${stored.length} bytes are too few for its index; write it again`,
      "corrupt",
    );
  }
  const indices = new Map<number, ReadonlyMap<bigint, ByteRange>>();
  const slice = ({ offset, length }: ByteRange) => stored.subarray(offset, offset + length);
  return ids.map((id) => {
    const { minishard } = locateChunk(sharding, id);
    let index = indices.get(minishard);
    if (index === undefined) {
      const place = parseShardIndexEntry(
        sharding,
        slice(shardIndexEntry(minishard)),
        stored.length,
      );
      index = place === undefined
        ? new Map()
        : parseMinishardIndex(sharding, slice(place), stored.length);
      indices.set(minishard, index);
    }
    return index.get(id);
  });
}
