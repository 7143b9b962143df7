/** Indices of shards: each is read once, and as many are kept as fit. */
import {
  indexByteCount,
  readShardIndex,
  type ShardIndex,
  type ShardIndexLayout,
} from "../codecs/_zarr_shard.ts";
import { abortable } from "../core/abort.ts";
import type { ArrayReader } from "./volume_array.ts";

/** A shard: a blob, or the part of one where a shard lies in a shard. */
export interface ShardPlace {
  readonly key: string;
  /** @default The whole blob */
  readonly range?: readonly [first: number, end: number];
}

/** One index that was asked for. */
interface Kept {
  readonly index: Promise<ShardIndex | undefined>;
  readonly stopping: AbortController;
  /** Callers that still want it. */
  waiting: number;
  /** Bytes, once it is there. */
  bytes: number;
}

/** What even an absent shard takes here. */
const ENTRY_BYTES = 256;

/** Reads indices, and keeps those that were used last. */
export class ShardIndices {
  readonly #reader: ArrayReader;
  readonly #mostBytes: number;
  /** The one used last is last. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** @param mostBytes Memory that it takes; one index may be larger. */
  constructor(reader: ArrayReader, mostBytes = 64 << 20) {
    this.#reader = reader;
    this.#mostBytes = mostBytes;
  }

  /**
   * The index of a shard, or undefined where there is no shard.
   * @throws {ChunkError} If it is broken.
   */
  async read(
    place: ShardPlace,
    layout: ShardIndexLayout,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<ShardIndex | undefined> {
    const name = `${place.range ?? ""} ${place.key}`;
    const kept = this.#kept.get(name) ?? this.#start(name, place, layout);
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    kept.waiting++;
    try {
      return await abortable(kept.index, signal);
    } finally {
      // Nothing is read on for nobody.
      if (--kept.waiting === 0 && signal.aborted && kept.bytes === 0) {
        if (this.#kept.get(name) === kept) this.#kept.delete(name);
        kept.stopping.abort(signal.reason);
      }
    }
  }

  #start(name: string, place: ShardPlace, layout: ShardIndexLayout): Kept {
    const stopping = new AbortController();
    const index = this.#load(place, layout, stopping.signal);
    const kept: Kept = { index, stopping, waiting: 0, bytes: 0 };
    index.then((found) => {
      if (this.#kept.get(name) !== kept) return;
      kept.bytes = ENTRY_BYTES + (found?.byteLength ?? 0);
      this.#bytes += kept.bytes;
      this.#drop(kept);
    }, () => {
      if (this.#kept.get(name) === kept) this.#kept.delete(name);
    });
    return kept;
  }

  async #load(
    { key, range }: ShardPlace,
    layout: ShardIndexLayout,
    signal: AbortSignal,
  ): Promise<ShardIndex | undefined> {
    const length = indexByteCount(layout);
    const [first, end] = range ?? [0, undefined];
    const part = layout.location === "start"
      ? [first, Math.min(first + length, end ?? Infinity)] as const
      : end === undefined
      ? [-length] as const
      : [Math.max(first, end - length), end] as const;
    const bytes = await this.#reader.get(key, { range: part, signal });
    return bytes === undefined ? undefined : readShardIndex(bytes, layout);
  }

  /** Drops what was used longest ago until the rest fits, but for the newest. */
  #drop(newest: Kept): void {
    for (const [name, kept] of this.#kept) {
      if (this.#bytes <= this.#mostBytes) return;
      if (kept === newest || kept.bytes === 0) continue;
      this.#kept.delete(name);
      this.#bytes -= kept.bytes;
    }
  }
}
