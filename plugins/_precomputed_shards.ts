/** Chunks in shards of a precomputed volume: the indices of minishards, of which those used last are kept. */
import { ChunkError } from "../codecs/chunk_error.ts";
import { MortonGrid } from "../codecs/_morton.ts";
import {
  type ByteRange,
  parseMinishardIndex,
  parseShardIndexEntry,
  shardIndexEntry,
} from "../codecs/precomputed_shard.ts";
import { locateChunk, type Sharding, shardName } from "../codecs/precomputed_sharding.ts";
import type { Point } from "../core/point.ts";
import type { ChunkPlace } from "./chunked_array.ts";
import type { ArrayReader } from "./volume_array.ts";

/** Chunks whose places are kept: some 100 bytes each. */
const KEPT = 1 << 19;

type Index = ReadonlyMap<bigint, ByteRange> | undefined;

/** Finds chunks by their position in the grid. */
export function openShards(
  reader: ArrayReader,
  key: string,
  sharding: Sharding,
  grid: readonly [x: number, y: number, z: number],
): (index: Point, signal?: AbortSignal) => Promise<ChunkPlace | undefined> {
  const morton = new MortonGrid(grid);
  const indices = new Map<string, Promise<Index>>();
  let chunks = 0;

  const read = async (file: string, minishard: number): Promise<Index> => {
    const { offset, length } = shardIndexEntry(minishard);
    const entry = await reader.get(file, { range: [offset, offset + length] });
    if (entry === undefined) return undefined;
    const place = parseShardIndexEntry(sharding, entry);
    if (place === undefined) return undefined;
    const bytes = await reader.get(file, { range: [place.offset, place.offset + place.length] });
    if (bytes?.length !== place.length) {
      throw new ChunkError(
        `Cannot read a shard: it ends before the index of its minishard ${minishard} does; copy it again`,
        "corrupt",
      );
    }
    return parseMinishardIndex(sharding, bytes);
  };

  const indexOf = async (file: string, minishard: number): Promise<Index> => {
    const name = `${file} ${minishard}`;
    let index = indices.get(name);
    if (index === undefined) {
      // Shared by all who ask: the abort of one must not end it for the others.
      index = read(file, minishard);
      indices.set(name, index);
      index.then((found) => {
        chunks += found?.size ?? 0;
        for (const [oldest, kept] of indices) {
          if (chunks <= KEPT || oldest === name) break;
          indices.delete(oldest);
          kept.then((dropped) => chunks -= dropped?.size ?? 0, () => {});
        }
      }, () => indices.delete(name));
    }
    return await index;
  };

  return async ([x, y, z]) => {
    const id = morton.code([x, y, z]);
    const { shard, minishard } = locateChunk(sharding, id);
    const file = `${key}/${shardName(sharding, shard)}`;
    const place = (await indexOf(file, minishard))?.get(id);
    if (place === undefined) return undefined;
    const range = [place.offset, place.offset + place.length] as const;
    return reader.localPath === undefined
      ? {
        name: `${reader.url}/${file}`,
        range,
        fetch: (signal) => reader.get(file, { range, signal }),
      }
      : { name: reader.localPath(file), range };
  };
}
