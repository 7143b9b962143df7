/**
 * The compressed bytes of a PNG, and the bytes they inflate to.
 * @module
 */
import { crc32, createInflate, type Inflate, inflateSync } from "node:zlib";
import { ImageError, messageOf } from "../core/errors.ts";
import {
  brokenPng,
  type ByteWindow,
  type ChunkHead,
  parseChunkHead,
  viewOf,
  wrongCrc,
} from "./_png_chunks.ts";
import type { PngHeader } from "./_png_header.ts";

/** Inflates all data at once. */
export async function inflateWhole(window: ByteWindow, png: PngHeader): Promise<Uint8Array> {
  // All that is left of the file fits in one piece.
  const data = await imageData(window, png.dataAt, window.bytes.size - png.dataAt).next();
  const compressed = data.value ?? new Uint8Array(0);
  let inflated: Uint8Array;
  try {
    // A chunk that is never quite filled: no second one is made, nor are the two joined.
    inflated = inflateSync(compressed, {
      chunkSize: png.rawBytes + 64,
      maxOutputLength: png.rawBytes,
    });
  } catch (error) {
    throw error instanceof RangeError ? surplus(png) : damaged(error);
  }
  if (inflated.length < png.rawBytes) throw shortage(inflated.length, png);
  return new Uint8Array(inflated.buffer, inflated.byteOffset, inflated.length);
}

/** Inflates the data of an image from the top on, a little at a time; it reads only when asked. */
export class InflatedBytes implements AsyncDisposable {
  readonly #png: PngHeader;
  readonly #pieces: AsyncGenerator<Uint8Array>;
  readonly #inflate: Inflate;
  #rest: Uint8Array = new Uint8Array(0);
  #given = 0;
  #isWriting = false;
  #isOver = false;
  #error: unknown;
  #isAwake = false;
  #wake: () => void = () => {};

  /**
   * Up to `pieceBytes` are read at once, and inflated at once: of 16 to 256 KiB the most is the fastest, and
   * as fast as inflating all at once.
   */
  constructor(window: ByteWindow, png: PngHeader, pieceBytes: number) {
    this.#png = png;
    this.#inflate = createInflate({ chunkSize: pieceBytes });
    this.#pieces = imageData(window, png.dataAt, pieceBytes);
    this.#inflate.on("readable", () => this.#awake());
    this.#inflate.on("end", () => {
      this.#isOver = true;
      this.#awake();
    });
    this.#inflate.on("error", (error: unknown) => {
      this.#error = error;
      this.#awake();
    });
  }

  /** Inflated bytes given so far. */
  get given(): number {
    return this.#given;
  }

  /**
   * Fills `into` with the bytes that follow.
   * @throws {ImageError} Of kind `broken` if the data are damaged or end before.
   */
  async fill(into: Uint8Array): Promise<void> {
    for (let at = 0; at < into.length;) {
      const bytes = await this.#take(into.length - at);
      into.set(bytes, at);
      at += bytes.length;
    }
  }

  /** Passes over the bytes that follow. */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) left -= (await this.#take(left)).length;
  }

  /**
   * Makes sure that nothing follows and that the checksum of all bytes is right.
   * @throws {ImageError} Of kind `broken` if not.
   */
  async finish(): Promise<void> {
    if (this.#rest.length > 0 || await this.#next() !== undefined) throw surplus(this.#png);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#inflate.destroy();
    await this.#pieces.return(undefined);
  }

  async #take(most: number): Promise<Uint8Array> {
    if (this.#rest.length === 0) {
      const next = await this.#next();
      if (next === undefined) throw shortage(this.#given, this.#png);
      this.#rest = next;
    }
    const bytes = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(bytes.length);
    this.#given += bytes.length;
    return bytes;
  }

  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes: Uint8Array | null = this.#inflate.read();
      if (bytes !== null) return bytes;
      if (this.#error !== undefined) throw damaged(this.#error);
      if (this.#isOver) return undefined;
      if (!this.#isWriting) await this.#feed();
      else await this.#event();
    }
  }

  async #feed(): Promise<void> {
    // The piece lies in a buffer that the next one will use again: `write` must be done with it first.
    const piece = await this.#pieces.next();
    this.#isWriting = true;
    if (piece.done) {
      this.#inflate.end();
      return;
    }
    this.#inflate.write(piece.value, () => {
      this.#isWriting = false;
      this.#awake();
    });
  }

  async #event(): Promise<void> {
    if (!this.#isAwake) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#isAwake = false;
  }

  #awake(): void {
    this.#isAwake = true;
    this.#wake();
  }
}

/**
 * The data of the IDAT chunks that start at `at`, at most `pieceBytes` (and at least one chunk head) of the
 * file at once, each piece in the same buffer as the one before. Every chunk is checked against its CRC.
 */
async function* imageData(
  window: ByteWindow,
  at: number,
  pieceBytes: number,
): AsyncGenerator<Uint8Array, undefined> {
  const { bytes } = window;
  const buffer = new Uint8Array(Math.min(Math.max(pieceBytes, 64), bytes.size - at));
  const view = viewOf(buffer);
  let chunk: ChunkHead | undefined;
  let left = 0, crc = 0;
  for (let position = at;;) {
    const held = Math.min(buffer.length, bytes.size - position);
    await bytes.read(position, buffer.subarray(0, held));
    let filled = 0, used = 0;
    for (;;) {
      if (chunk === undefined) {
        const headAt = position + used;
        if (used + 8 > held && headAt + 12 <= bytes.size) break;
        chunk = parseChunkHead(buffer.subarray(used, used + 8), headAt, bytes.size);
        if (chunk.type !== "IDAT") {
          if (filled > 0) yield buffer.subarray(0, filled);
          return;
        }
        crc = crc32(buffer.subarray(used + 4, used + 8));
        left = chunk.length;
        used += 8;
      }
      const taken = Math.min(left, held - used);
      crc = crc32(buffer.subarray(used, used + taken), crc);
      buffer.copyWithin(filled, used, used + taken);
      filled += taken;
      used += taken;
      left -= taken;
      if (left > 0 || used + 4 > held) break;
      if (view.getUint32(used) !== crc) throw wrongCrc(chunk);
      used += 4;
      chunk = undefined;
    }
    position += used;
    if (filled > 0) yield buffer.subarray(0, filled);
  }
}

function surplus({ header, rawBytes }: PngHeader): ImageError {
  return brokenPng(
    `its data hold more than the ${rawBytes} bytes of ${header.width} x ${header.height} pixels`,
    "write it again from its source",
  );
}

function shortage(found: number, { header, rawBytes }: PngHeader): ImageError {
  return brokenPng(
    `its data end after ${found} of the ${rawBytes} bytes of ${header.width} x ${header.height} pixels`,
    "write it again from its source",
  );
}

function damaged(error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  return brokenPng(`its compressed data are damaged (${messageOf(error)})`, undefined, {
    cause: error,
  });
}
