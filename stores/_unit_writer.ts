/** One shard on local disk: written under a temporary name, visible when whole. */
import { crc32 } from "node:zlib";
import { dirname } from "node:path";
import { crc32Combine } from "../codecs/crc32_combine.ts";
import { type ChunkPlace, encodeIndex } from "../codecs/shard_index.ts";
import { isNotFound, SluiceError } from "../core/errors.ts";
import { type Layout, type Unit, unitName } from "../core/layout.ts";
import type { Point } from "../core/point.ts";
import type { UnitReceipt } from "../core/receipt.ts";
import { UnitTally } from "./_unit_tally.ts";
import type { EncodedChunk, UnitWriter } from "./store.ts";

/** Where a unit is written. */
export interface UnitFiles {
  /** Name of the shard once it is whole. */
  readonly path: string;
  /** A name no other writer uses, on the same file system. It vanishes when the volume is replaced: that is the fence. */
  readonly temporary: string;
}

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

/** Writes a shard, or a file of one chunk, chunk by chunk. */
export class FileUnitWriter implements UnitWriter {
  readonly chunks: number;
  readonly #unit: Unit;
  readonly #files: UnitFiles;
  readonly #tally: UnitTally;
  readonly #container: UnitContainer;
  readonly #waiting = new Map<number, EncodedChunk>();
  #next = 0;
  #file: Deno.FsFile | undefined;
  /** Whether a file lies under the temporary name. */
  #isTemporary = false;
  #bytes = 0;
  #crc = 0;

  constructor(layout: Layout, unit: Unit, files: UnitFiles, container: UnitContainer) {
    this.#unit = unit;
    this.#files = files;
    this.#tally = new UnitTally(layout, unit);
    this.#container = container;
    this.chunks = this.#tally.chunks;
  }

  put(index: Point, chunk: EncodedChunk): void {
    const position = this.#tally.positionOf(index);
    this.#tally.count(position, chunk);
    this.#waiting.set(position, chunk);
    const { stored } = this.#tally.shape;
    for (let ready; (ready = this.#waiting.get(stored[this.#next])) !== undefined; this.#next++) {
      this.#waiting.delete(stored[this.#next]);
      this.#append(stored[this.#next], ready);
    }
  }

  #append(position: number, { bytes }: EncodedChunk): void {
    if (bytes === undefined) return;
    this.#container.add(position, bytes.length);
    this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    const file = this.#file ??= this.#start();
    writeAll(file, bytes);
    this.#crc = crc32(bytes, this.#crc);
    this.#bytes += bytes.length;
  }

  #start(): Deno.FsFile {
    const file = this.#whileCurrent(() =>
      Deno.openSync(this.#files.temporary, { write: true, createNew: true })
    );
    this.#isTemporary = true;
    const { headBytes = 0 } = this.#container;
    if (headBytes > 0) writeAll(file, new Uint8Array(headBytes));
    return file;
  }

  async commit(guard: () => void | Promise<void> = () => {}): Promise<UnitReceipt> {
    this.#tally.close();
    const { path, temporary } = this.#files;
    if (this.#file !== undefined) {
      const { head, tail } = this.#container.finish();
      if (tail !== undefined) this.#write(tail);
      if (head !== undefined) {
        this.#file.seekSync(0, Deno.SeekMode.Start);
        writeAll(this.#file, head);
        this.#crc = crc32Combine(crc32(head), this.#crc, this.#bytes);
        this.#bytes += head.length;
      }
      await this.#file.syncData();
      this.#file.close();
      this.#file = undefined;
      await guard();
      this.#whileCurrent(() => {
        try {
          Deno.renameSync(temporary, path);
        } catch (error) {
          if (!isNotFound(error)) throw error;
          Deno.statSync(temporary);
          Deno.mkdirSync(dirname(path), { recursive: true });
          Deno.renameSync(temporary, path);
        }
      });
      this.#isTemporary = false;
    } else {
      await guard();
      this.#whileCurrent(() => Deno.statSync(dirname(temporary)));
      removeIfThere(path);
    }
    return this.#tally.receipt(this.#bytes, this.#crc);
  }

  /** The temporary folder goes when the volume is replaced: then nothing may be written any more. */
  #whileCurrent<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new SluiceError(
        `Cannot write unit ${
          unitName(this.#unit)
        } as "${this.#files.path}": the volume was removed or replaced meanwhile`,
        { cause: error },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#tally.abandon();
    this.#file?.close();
    this.#file = undefined;
    if (!this.#isTemporary) return;
    this.#isTemporary = false;
    await Deno.remove(this.#files.temporary).catch(() => {});
  }
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
