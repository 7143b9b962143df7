/** One unit, written chunk by chunk: put into order, counted, and handed on as bytes. */
import { crc32 } from "node:zlib";
import { crc32Combine } from "../codecs/crc32_combine.ts";
import { type ChunkPlace, encodeIndex } from "../codecs/shard_index.ts";
import type { Layout, Unit } from "../core/layout.ts";
import type { Point } from "../core/point.ts";
import type { UnitReceipt } from "../core/receipt.ts";
import type { UnitSink } from "./_unit_sink.ts";
import { UnitTally } from "./_unit_tally.ts";
import type { EncodedChunk, UnitWriter } from "./store.ts";

/** How the chunks of a unit share its file: one behind the other, with what says where each lies. */
export interface UnitContainer {
  /** Bytes at the front that are known last. @default 0 */
  readonly headBytes?: number;
  /** The next chunk goes behind those before it. @param position In the grid of the unit. */
  add(position: number, length: number): void;
  /** What goes behind the chunks, and at the front. */
  finish(): { readonly tail?: Uint8Array; readonly head?: Uint8Array };
}

/** A file that is one chunk. */
export const ONE_CHUNK: UnitContainer = { add: () => {}, finish: () => ({}) };

/** A shard of Zarr v3: its index is at the end. */
export function zarrShard(chunks: number): UnitContainer {
  const places: ChunkPlace[] = new Array(chunks).fill(undefined);
  let end = 0;
  return {
    add(position, length) {
      places[position] = { offset: end, length };
      end += length;
    },
    finish: () => ({ tail: encodeIndex(places) }),
  };
}

/** Writes a shard, or a file of one chunk. */
export class PackedUnitWriter implements UnitWriter {
  readonly chunks: number;
  readonly #tally: UnitTally;
  readonly #container: UnitContainer;
  readonly #sink: UnitSink;
  readonly #waiting = new Map<number, EncodedChunk>();
  #next = 0;
  #isStored = false;
  #bytes = 0;
  #crc = 0;

  constructor(layout: Layout, unit: Unit, container: UnitContainer, sink: UnitSink) {
    this.#tally = new UnitTally(layout, unit);
    this.#container = container;
    this.#sink = sink;
    this.chunks = this.#tally.chunks;
  }

  put(index: Point, chunk: EncodedChunk): void | Promise<void> {
    const position = this.#tally.positionOf(index);
    this.#tally.count(position, chunk);
    this.#waiting.set(position, chunk);
    const { stored } = this.#tally.shape;
    let written: void | Promise<void> = undefined;
    for (let ready; (ready = this.#waiting.get(stored[this.#next])) !== undefined; this.#next++) {
      this.#waiting.delete(stored[this.#next]);
      if (ready.bytes === undefined) continue;
      this.#container.add(stored[this.#next], ready.bytes.length);
      written = this.#write(ready.bytes);
    }
    return written;
  }

  #write(bytes: Uint8Array): void | Promise<void> {
    this.#isStored = true;
    this.#crc = crc32(bytes, this.#crc);
    this.#bytes += bytes.length;
    return this.#sink.write(bytes);
  }

  async commit(guard: () => void | Promise<void> = () => {}): Promise<UnitReceipt> {
    this.#tally.close();
    if (!this.#isStored) {
      await this.#sink.remove(guard);
      return this.#tally.receipt(0, 0);
    }
    const { head, tail } = this.#container.finish();
    if (tail !== undefined) await this.#write(tail);
    if (head !== undefined) {
      this.#crc = crc32Combine(crc32(head), this.#crc, this.#bytes);
      this.#bytes += head.length;
    }
    await this.#sink.commit(head, guard);
    return this.#tally.receipt(this.#bytes, this.#crc);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tally.abandon();
    await this.#sink[Symbol.asyncDispose]();
  }
}
