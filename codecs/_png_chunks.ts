/**
 * The chunks of a PNG: length, type, data and CRC (PNG specification, third edition, section 5).
 * @module
 */
import { crc32 } from "node:zlib";
import { ImageError } from "../core/errors.ts";
import type { ByteSource } from "./image.ts";

/** Type of the last chunk. */
export const END = "IEND";

/** The error for a PNG that cannot be decoded. */
export function brokenPng(
  state: string,
  wayOut = "copy it again from where it came",
  options?: ErrorOptions,
): ImageError {
  return new ImageError(
    `Cannot decode the PNG as an image: ${state}; ${wayOut}`,
    "broken",
    options,
  );
}

/** The error for a PNG that ends too early. */
export function truncatedPng(size: number, where: string): ImageError {
  return brokenPng(`it is truncated, as it ends after ${size} bytes, ${where}`);
}

/** The error for a chunk whose checksum is wrong. */
export function wrongCrc({ type, at }: ChunkHead): ImageError {
  return brokenPng(
    `chunk "${type}" at byte ${at} does not match its CRC, so its bytes are damaged`,
  );
}

/** Bytes as numbers of any size, big-endian as PNG has them. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The type in the first eight bytes of a chunk. */
export function chunkType(head: Uint8Array): string {
  return String.fromCharCode(...head.subarray(4, 8));
}

/** Whether a decoder that does not know a chunk of this type must give up. */
export function isCritical(type: string): boolean {
  return (type.charCodeAt(0) & 0x20) === 0;
}

/** Where a chunk lies. */
export interface ChunkHead {
  /** Offset of its length field. */
  readonly at: number;
  readonly type: string;
  /** Bytes of its data. */
  readonly length: number;
  /** Offset of the chunk after it. */
  readonly next: number;
}

/** The last bytes read of a file, so that headers close to one another cost one read. */
export class ByteWindow {
  #at = 0;
  #held: Uint8Array = new Uint8Array(0);

  constructor(readonly bytes: ByteSource) {}

  /** Bytes of the file, good until the next call; they must lie in the file. */
  async view(at: number, length: number): Promise<Uint8Array> {
    if (at < this.#at || at + length > this.#at + this.#held.length) {
      const held = new Uint8Array(Math.min(Math.max(length, 512), this.bytes.size - at));
      await this.bytes.read(at, held);
      this.#held = held;
      this.#at = at;
    }
    return this.#held.subarray(at - this.#at, at - this.#at + length);
  }
}

/**
 * Reads the length and the type of a chunk from the eight bytes at `at` in a file of `size`.
 * @throws {ImageError} Of kind `broken` if this is no chunk, or it does not lie whole in the file.
 */
export function parseChunkHead(head: Uint8Array, at: number, size: number): ChunkHead {
  if (at + 12 > size) throw truncatedPng(size, `before its last chunk, ${END}`);
  const type = chunkType(head);
  const length = viewOf(head).getUint32(0);
  if (!/^[A-Za-z]{4}$/.test(type) || length > 0x7fffffff) {
    throw brokenPng(`at byte ${at}, where a chunk should start, there is none`);
  }
  const next = at + 12 + length;
  if (next > size) {
    throw truncatedPng(
      size,
      `within chunk "${type}" of ${length} bytes, which starts at byte ${at}`,
    );
  }
  return { at, type, length, next };
}

/** Reads the head of the chunk at `at` as {@linkcode parseChunkHead} does. */
export async function readChunkHead(window: ByteWindow, at: number): Promise<ChunkHead> {
  const { size } = window.bytes;
  const head = at + 12 > size ? new Uint8Array(8) : await window.view(at, 8);
  return parseChunkHead(head, at, size);
}

/**
 * Reads the data of a chunk.
 * @throws {ImageError} Of kind `broken` if it is longer than `maxBytes`, or does not match its CRC.
 */
export async function readChunk(
  window: ByteWindow,
  chunk: ChunkHead,
  maxBytes: number,
): Promise<Uint8Array> {
  const { at, type, length } = chunk;
  if (length > maxBytes) {
    throw brokenPng(`its chunk "${type}" has ${length} bytes, not at most ${maxBytes}`);
  }
  const whole = await window.view(at, 12 + length);
  if (crc32(whole.subarray(4, 8 + length)) !== viewOf(whole).getUint32(8 + length)) {
    throw wrongCrc(chunk);
  }
  return whole.slice(8, 8 + length);
}
