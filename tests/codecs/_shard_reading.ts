/** Shards read the way a client reads them: an entry, an index, a chunk. */
import {
  type ByteRange,
  parseMinishardIndex,
  parseShardIndexEntry,
  shardIndexBytes,
  shardIndexEntry,
} from "../../codecs/precomputed_shard.ts";
import { locateChunk, type Sharding } from "../../codecs/precomputed_sharding.ts";

/** Bytes of a file. */
export type ReadRange = (range: ByteRange) => Uint8Array;

export function fromMemory(file: Uint8Array): ReadRange {
  return ({ offset, length }) => file.subarray(offset, offset + length);
}

/** The stored bytes of one chunk by three reads; undefined if it is not there. */
export function readChunk(sharding: Sharding, id: bigint, read: ReadRange): Uint8Array | undefined {
  const { minishard } = locateChunk(sharding, id);
  const range = parseShardIndexEntry(sharding, read(shardIndexEntry(minishard)));
  if (range === undefined) return undefined;
  const place = parseMinishardIndex(sharding, read(range)).get(id);
  return place === undefined ? undefined : read(place);
}

/** All chunks of a shard. */
export function unpackShard(sharding: Sharding, file: Uint8Array): Map<bigint, Uint8Array> {
  const chunks = new Map<bigint, Uint8Array>();
  for (let minishard = 0; minishard * 16 < shardIndexBytes(sharding); minishard++) {
    const { offset, length } = shardIndexEntry(minishard);
    const entry = file.subarray(offset, offset + length);
    const range = parseShardIndexEntry(sharding, entry, file.length);
    if (range === undefined) continue;
    const index = fromMemory(file)(range);
    for (const [id, place] of parseMinishardIndex(sharding, index, file.length)) {
      chunks.set(id, fromMemory(file)(place));
    }
  }
  return chunks;
}
