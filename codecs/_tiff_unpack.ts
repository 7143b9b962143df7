/**
 * Unpacks blocks of a TIFF, whole or from the top on.
 * @module
 */
import { Readable } from "node:stream";
import { createInflate, createZstdDecompress, inflateSync, zstdDecompressSync } from "node:zlib";
import { ImageError, messageOf } from "../core/errors.ts";
import type { ByteSource } from "./image.ts";
import { brokenTiff } from "./_tiff_directory.ts";
import { PackBitsDecoder } from "./_tiff_packbits.ts";
import type { Packing } from "./_tiff_page.ts";
import { LzwDecoder } from "./lzw.ts";

const COPY_AGAIN = "copy or export the file again";
const FEED_BYTES = 64 * 1024;

/** A block may hold this much more than its pixels, which is left unread. */
const SURPLUS_BYTES = 64 * 1024;

/** A decoder that is fed packed bytes and read from, stream after stream. */
interface Decoder {
  reset(): void;
  feed(packed: Uint8Array): void;
  read(into: Uint8Array): number;
}

const decoders: { lzw?: LzwDecoder; packbits?: PackBitsDecoder } = {};

/**
 * Unpacks a whole block.
 * @param blockBytes How many bytes the whole block has; what goes beyond them is left out.
 * @param room As many bytes, for LZW and PackBits to unpack into.
 * @returns What was unpacked, in `room` or in memory of its own.
 * @throws {ImageError} If the bytes are not of the packing. Whether there are enough is for the
 * caller to see.
 */
export function unpackBlock(
  packing: Exclude<Packing, "jpeg">,
  packed: Uint8Array,
  blockBytes: number,
  room: Uint8Array,
  name: string,
): Uint8Array {
  try {
    switch (packing) {
      case "none":
        return packed.slice(0, blockBytes);
      case "lzw":
        return decodeInto(decoders.lzw ??= new LzwDecoder(), packed, room);
      case "packbits":
        return decodeInto(decoders.packbits ??= new PackBitsDecoder(), packed, room);
      case "deflate":
        return inflateSync(packed, limits(blockBytes)).subarray(0, blockBytes);
      case "zstd":
        return zstdDecompressSync(packed, limits(blockBytes)).subarray(0, blockBytes);
    }
  } catch (error) {
    throw notValid(packing, name, error);
  }
  return packing satisfies never;
}

function notValid(packing: Packing, name: string, error: unknown): unknown {
  if (error instanceof ImageError) return error;
  return brokenTiff(`its ${name} is not valid ${packing} (${messageOf(error)})`, COPY_AGAIN, {
    cause: error,
  });
}

function limits(blockBytes: number): { maxOutputLength: number; chunkSize: number } {
  return { maxOutputLength: blockBytes + SURPLUS_BYTES, chunkSize: Math.max(64, blockBytes + 64) };
}

function decodeInto(decoder: Decoder, packed: Uint8Array, into: Uint8Array): Uint8Array {
  decoder.reset();
  decoder.feed(packed);
  return into.subarray(0, decoder.read(into));
}

/** The unpacked bytes of one block, in order. */
export interface BlockStream extends AsyncDisposable {
  /** Fills `into`; returns how many bytes there were, fewer only at the end of the block. */
  read(into: Uint8Array): Promise<number>;
}

/** Unpacks a block from its start on, holding no more than a window of it. */
export function streamBlock(
  packing: Exclude<Packing, "jpeg">,
  bytes: ByteSource,
  offset: number,
  count: number,
  name: string,
): BlockStream {
  const stream = openStream(packing, bytes, offset, count);
  return {
    read: async (into) => {
      try {
        return await stream.read(into);
      } catch (error) {
        throw notValid(packing, name, error);
      }
    },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

function openStream(
  packing: Exclude<Packing, "jpeg">,
  bytes: ByteSource,
  offset: number,
  count: number,
): BlockStream {
  switch (packing) {
    case "none":
      return storedStream(bytes, offset, count);
    case "lzw":
      return decoderStream(new LzwDecoder(), packedPieces(bytes, offset, count));
    case "packbits":
      return decoderStream(new PackBitsDecoder(), packedPieces(bytes, offset, count));
    case "deflate":
    case "zstd":
      return zlibStream(packing, packedPieces(bytes, offset, count));
  }
  return packing satisfies never;
}

/** Pieces are fresh memory: a decompressor may keep one until it is read from. */
async function* packedPieces(
  bytes: ByteSource,
  offset: number,
  count: number,
): AsyncGenerator<Uint8Array, undefined> {
  for (let at = 0; at < count; at += FEED_BYTES) {
    const piece = new Uint8Array(Math.min(FEED_BYTES, count - at));
    await bytes.read(offset + at, piece);
    yield piece;
  }
}

function storedStream(bytes: ByteSource, offset: number, count: number): BlockStream {
  let at = 0;
  return {
    read: async (into) => {
      const some = Math.min(into.length, count - at);
      await bytes.read(offset + at, into.subarray(0, some));
      at += some;
      return some;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function decoderStream(
  decoder: Decoder,
  pieces: AsyncGenerator<Uint8Array, undefined>,
): BlockStream {
  return {
    read: async (into) => {
      let filled = decoder.read(into);
      while (filled < into.length) {
        const { value } = await pieces.next();
        if (value === undefined) break;
        decoder.feed(value);
        filled += decoder.read(into.subarray(filled));
      }
      return filled;
    },
    [Symbol.asyncDispose]: async () => void await pieces.return(undefined),
  };
}

function zlibStream(
  packing: "deflate" | "zstd",
  pieces: AsyncGenerator<Uint8Array, undefined>,
): BlockStream {
  const source = Readable.from(pieces, { objectMode: false, highWaterMark: FEED_BYTES });
  const unpacked = packing === "deflate"
    ? createInflate({ chunkSize: 4 * FEED_BYTES })
    : createZstdDecompress({ chunkSize: 4 * FEED_BYTES });
  source.on("error", (error) => unpacked.destroy(error));
  source.pipe(unpacked);
  const chunks = unpacked[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let chunk: Uint8Array = new Uint8Array(0);
  return {
    read: async (into) => {
      let filled = 0;
      while (filled < into.length) {
        if (chunk.length === 0) {
          const { value, done } = await chunks.next();
          if (done) break;
          chunk = value;
        }
        const some = chunk.subarray(0, into.length - filled);
        into.set(some, filled);
        filled += some.length;
        chunk = chunk.subarray(some.length);
      }
      return filled;
    },
    [Symbol.asyncDispose]: async () => {
      source.destroy();
      unpacked.destroy();
      await pieces.return(undefined);
    },
  };
}
