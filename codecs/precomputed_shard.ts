/**
 * One shard file of a Neuroglancer precomputed volume: an index of minishards, chunks, and the index of each
 * minishard.
 *
 * Source of the rule: `src/datasource/precomputed/sharded.rst` of Neuroglancer. The file starts with 16 bytes
 * for each minishard, which say where the minishard's own index lies; that lists its chunks. Offsets count
 * from the end of the first index.
 *
 * Chunks are bytes as they are stored: where `data_encoding` is gzip, whoever packs has wrapped them and
 * whoever reads unwraps them.
 * @module
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { messageOf } from "../core/errors.ts";
import { ChunkError } from "./chunk_error.ts";
import { locateChunk, type Sharding, shardName } from "./precomputed_sharding.ts";

/** Bytes of a file. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Bytes of the index of one minishard, of which more are not read: eleven million chunks. */
const MOST_INDEX_BYTES = 256 << 20;
const ENTRY_BYTES = 16;

/** Bytes of the index that a shard starts with. */
export function shardIndexBytes({ minishard_bits }: Sharding): number {
  return ENTRY_BYTES * 2 ** minishard_bits;
}

/** Where the index of a shard says where the index of a minishard lies: 16 bytes to read first. */
export function shardIndexEntry(minishard: number): ByteRange {
  return { offset: ENTRY_BYTES * minishard, length: ENTRY_BYTES };
}

/**
 * Reads an entry of the index of a shard.
 * @param entry The bytes of {@linkcode shardIndexEntry}.
 * @param fileBytes Bytes of the shard, where they are known: nothing may lie beyond.
 * @returns Where the index of the minishard lies; undefined if it has no chunks.
 * @throws {ChunkError} If that makes no sense.
 */
export function parseShardIndexEntry(
  sharding: Sharding,
  entry: Uint8Array,
  fileBytes?: number,
): ByteRange | undefined {
  if (entry.length !== ENTRY_BYTES) {
    throw broken(`an entry of its index has ${entry.length} bytes, not ${ENTRY_BYTES}`);
  }
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  const [start, end] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  if (start === end) return undefined;
  if (start > end) {
    throw broken(`the index of a minishard ends at ${end}, before it starts at ${start}`);
  }
  return rangeOf("the index of a minishard", sharding, start, end - start, fileBytes);
}

/**
 * Reads the index of a minishard: of each chunk, by its number, where it lies.
 * @param bytes What {@linkcode parseShardIndexEntry} told to read.
 * @param fileBytes Bytes of the shard, where they are known: no chunk may lie beyond.
 * @throws {ChunkError} If it cannot be read, or makes no sense.
 */
export function parseMinishardIndex(
  sharding: Sharding,
  bytes: Uint8Array,
  fileBytes?: number,
): Map<bigint, ByteRange> {
  const plain = sharding.minishard_index_encoding === "gzip" ? unzipIndex(bytes) : bytes;
  const count = plain.length / 24;
  if (!Number.isInteger(count)) {
    throw broken(`the index of a minishard has ${plain.length} bytes, not a multiple of 24`);
  }
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const chunks = new Map<bigint, ByteRange>();
  let [id, start] = [0n, 0n];
  for (let i = 0; i < count; i++) {
    const length = view.getBigUint64(8 * (2 * count + i), true);
    id = BigInt.asUintN(64, id + view.getBigUint64(8 * i, true));
    start = BigInt.asUintN(64, start + view.getBigUint64(8 * (count + i), true));
    if (chunks.has(id)) throw broken(`the index of a minishard lists chunk ${id} twice`);
    chunks.set(id, rangeOf(`chunk ${id}`, sharding, start, length, fileBytes));
    start += length;
  }
  return chunks;
}

function unzipIndex(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_INDEX_BYTES });
  } catch (error) {
    throw broken(`the index of a minishard cannot be unzipped (${messageOf(error)})`, {
      cause: error,
    });
  }
}

function rangeOf(
  what: string,
  sharding: Sharding,
  start: bigint,
  length: bigint,
  fileBytes = Number.MAX_SAFE_INTEGER,
): ByteRange {
  const offset = start + BigInt(shardIndexBytes(sharding));
  if (offset + length > BigInt(fileBytes)) {
    throw broken(`${what} lies at ${offset}+${length}, beyond byte ${fileBytes}`);
  }
  return { offset: Number(offset), length: Number(length) };
}

function broken(state: string, options?: ErrorOptions): ChunkError {
  return new ChunkError(
    `Cannot read a shard: ${state}; write it again, or check "sharding" in the volume's info`,
    "corrupt",
    options,
  );
}

/**
 * Says where the chunks of a shard go, so that they can be written as they come; the indices follow from that.
 *
 * Bytes depend on the order of the chunks: {@linkcode shardOrder} is one that never changes, with neighbours
 * side by side.
 * @example A shard written as it grows
 * ```ts
 * import { ShardPacker } from "./precomputed_shard.ts";
 * import { planSharding } from "./precomputed_sharding.ts";
 * import { deepEqual } from "node:assert/strict";
 * const sharding = planSharding({ grid: [2, 2, 2], chunks: 8, minishardIndexEncoding: "raw" });
 * const packer = new ShardPacker(sharding, 0n);
 * deepEqual([packer.place(0n, 100), packer.place(3n, 50)], [16, 116]);
 * const { index, tail, tailOffset } = packer.finish();
 * deepEqual([index.length, tail.length, tailOffset], [16, 48, 166]);
 * ```
 */
export class ShardPacker {
  readonly #sharding: Sharding;
  readonly #shard: bigint;
  readonly #minishards = new Map<number, Map<bigint, ByteRange>>();
  #end: number;

  /** @param shard Number of the shard: other chunks are refused. */
  constructor(sharding: Sharding, shard: bigint) {
    this.#sharding = sharding;
    this.#shard = shard;
    this.#end = shardIndexBytes(sharding);
  }

  /**
   * Gives a chunk its place: behind the one before, the first behind room for the index of the shard.
   * @param length Bytes of the chunk as it is stored.
   * @returns The offset of its bytes in the file.
   * @throws {RangeError} If it has a place already, or belongs to another shard.
   */
  place(id: bigint, length: number): number {
    const { shard, minishard } = locateChunk(this.#sharding, id);
    if (shard !== this.#shard) {
      throw new RangeError(
        `Cannot place chunk ${id} in ${this.#name}: it belongs to ${
          shardName(this.#sharding, shard)
        }`,
      );
    }
    let chunks = this.#minishards.get(minishard);
    if (chunks === undefined) this.#minishards.set(minishard, chunks = new Map());
    if (chunks.has(id)) {
      throw new RangeError(`Cannot place chunk ${id} in ${this.#name} twice: give each chunk once`);
    }
    const offset = this.#end;
    chunks.set(id, { offset, length });
    this.#end += length;
    return offset;
  }

  /**
   * What is left to write when all chunks have their place: `tail` at `tailOffset`, behind the chunks, and
   * `index` at the start of the file.
   */
  finish(): { index: Uint8Array<ArrayBuffer>; tail: Uint8Array<ArrayBuffer>; tailOffset: number } {
    const index = new Uint8Array(shardIndexBytes(this.#sharding));
    const view = new DataView(index.buffer);
    const parts: Uint8Array[] = [];
    let end = this.#end - index.length;
    for (const [minishard, chunks] of [...this.#minishards].sort(([a], [b]) => a - b)) {
      const part = this.#minishardIndex(chunks);
      parts.push(part);
      view.setBigUint64(ENTRY_BYTES * minishard, BigInt(end), true);
      end += part.length;
      view.setBigUint64(ENTRY_BYTES * minishard + 8, BigInt(end), true);
    }
    const tail = new Uint8Array(end + index.length - this.#end);
    let at = 0;
    for (const part of parts) {
      tail.set(part, at);
      at += part.length;
    }
    return { index, tail, tailOffset: this.#end };
  }

  get #name(): string {
    return shardName(this.#sharding, this.#shard);
  }

  #minishardIndex(chunks: ReadonlyMap<bigint, ByteRange>): Uint8Array {
    const count = chunks.size;
    const bytes = new Uint8Array(24 * count);
    const view = new DataView(bytes.buffer);
    let [lastId, lastEnd] = [0n, BigInt(shardIndexBytes(this.#sharding))];
    [...chunks].sort(([a], [b]) => a < b ? -1 : 1).forEach(([id, { offset, length }], i) => {
      view.setBigUint64(8 * i, id - lastId, true);
      // Where a chunk lies before the one of the number before, the step wraps round, as sums of it do.
      view.setBigUint64(8 * (count + i), BigInt(offset) - lastEnd, true);
      view.setBigUint64(8 * (2 * count + i), BigInt(length), true);
      lastId = id;
      lastEnd = BigInt(offset + length);
    });
    return this.#sharding.minishard_index_encoding === "gzip" ? gzipSync(bytes) : bytes;
  }
}

/** Numbers of chunks in the order in which their bytes belong: minishard by minishard, and in each by number. */
export function shardOrder(sharding: Sharding, ids: Iterable<bigint>): bigint[] {
  return inOrder(sharding, Array.from(ids, (id) => [id] as const)).map(([id]) => id);
}

function inOrder<T extends readonly [id: bigint, ...unknown[]]>(
  sharding: Sharding,
  chunks: Iterable<T>,
): T[] {
  return Array.from(chunks, (chunk) => ({
    chunk,
    minishard: locateChunk(sharding, chunk[0]).minishard,
  }))
    .sort((a, b) => a.minishard - b.minishard || (a.chunk[0] < b.chunk[0] ? -1 : 1))
    .map(({ chunk }) => chunk);
}

/**
 * Packs a whole shard in memory: the same bytes in whatever order the chunks are given.
 * @param chunks Numbers of chunks, and their bytes as they are stored.
 * @throws {RangeError} If a chunk is given twice, or belongs to another shard.
 */
export function packShard(
  sharding: Sharding,
  shard: bigint,
  chunks: Iterable<readonly [id: bigint, bytes: Uint8Array]>,
): Uint8Array<ArrayBuffer> {
  const packer = new ShardPacker(sharding, shard);
  const placed = inOrder(sharding, chunks)
    .map(([id, bytes]) => ({ bytes, offset: packer.place(id, bytes.length) }));
  const { index, tail, tailOffset } = packer.finish();
  const file = new Uint8Array(tailOffset + tail.length);
  file.set(index);
  for (const { bytes, offset } of placed) file.set(bytes, offset);
  file.set(tail, tailOffset);
  return file;
}
