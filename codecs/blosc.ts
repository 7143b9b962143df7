/**
 * Blosc 1 frames: written with zstd or lz4 and the true size of a voxel; read whatever wrote them.
 *
 * The rule is the "Blosc Header Format" of c-blosc 1 (README_CHUNK_FORMAT): 16 bytes of header, the place of
 * each block, then the blocks, each a length and one compressed piece, or one for every byte of an element.
 * @module
 */
import { inflateSync } from "node:zlib";
import type { ChunkEncoding } from "../core/layout.ts";
import { decompressBloscLz } from "./_blosclz.ts";
import { compressLz4, decompressLz4 } from "./_lz4.ts";
import { shuffleBytes, unshuffleBits, unshuffleBytes } from "./_shuffle.ts";
import { compressZstd, decompressZstd, outputOf } from "./_zstd.ts";
import type { Compressor } from "./chunk_codec.ts";
import { ChunkError, wrongSize } from "./chunk_error.ts";

const HEADER_BYTES = 16;
const BLOCK_BYTES = 512 * 1024;
const SHUFFLED = 0x1, STORED = 0x2, BIT_SHUFFLED = 0x4, UNSPLIT = 0x10;
const FORMATS = ["blosclz", "lz4", "snappy", "zlib", "zstd"] as const;
/** One block while it is shuffled. Nothing here waits, so one is enough. */
const scratch = new Uint8Array(BLOCK_BYTES);
/** Levels of zstd for levels 1 to 9 of Blosc, as c-blosc maps them. */
const ZSTD_LEVELS = [1, 3, 5, 7, 9, 11, 13, 15, 22];

/** Makes the compressor of an encoding `blosc`. */
export function openBlosc(encoding: ChunkEncoding, voxelBytes: number): Compressor {
  if (encoding.codec !== "blosc") throw new TypeError(`Cannot open "${encoding.codec}" as blosc`);
  const { cname, level, shuffle } = encoding;
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new RangeError(
      `Cannot use "${level}" as the level of blosc: it is not an integer from 0 to 9; choose one that is`,
    );
  }
  if (cname !== "zstd" && cname !== "lz4") {
    throw new RangeError(
      `Cannot use "${cname}" as what compresses in blosc: it is only read, not written; choose zstd or lz4`,
    );
  }
  return {
    compress: (voxels) => writeFrame(voxels, { cname, level, shuffle, voxelBytes }),
    decompress: decompressBlosc,
  };
}

interface FrameOptions {
  readonly cname: "zstd" | "lz4";
  readonly level: number;
  readonly shuffle: boolean;
  readonly voxelBytes: number;
}

function writeFrame(
  voxels: Uint8Array,
  { cname, level, shuffle, voxelBytes }: FrameOptions,
): Uint8Array {
  const blocks = Math.ceil(voxels.length / BLOCK_BYTES);
  const frame = new Uint8Array(HEADER_BYTES + 8 * blocks + voxels.length);
  const view = new DataView(frame.buffer);
  const shuffled = shuffle && voxelBytes > 1;
  frame.set([2, 1, UNSPLIT | FORMATS.indexOf(cname) << 5 | (shuffled ? SHUFFLED : 0), voxelBytes]);
  view.setUint32(4, voxels.length, true);
  view.setUint32(8, Math.min(BLOCK_BYTES, voxels.length), true);
  let at = HEADER_BYTES + 4 * blocks;
  const stored = HEADER_BYTES + voxels.length;
  for (let block = 0; block < blocks && level > 0; block++) {
    const plain = voxels.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
    const bytes = shuffled ? scratch.subarray(0, plain.length) : plain;
    if (shuffled) shuffleBytes(plain, bytes, voxelBytes);
    view.setUint32(HEADER_BYTES + 4 * block, at, true);
    let length: number;
    if (cname === "lz4") {
      length = compressLz4(bytes, frame, at + 4, bytes.length - 1, 10 - level);
    } else {
      const packed = compressZstd(bytes, ZSTD_LEVELS[level - 1]);
      length = packed.length < bytes.length ? packed.length : 0;
      if (length > 0) frame.set(packed, at + 4);
    }
    if (length === 0) {
      frame.set(bytes, at + 4);
      length = bytes.length;
    }
    view.setUint32(at, length, true);
    at += 4 + length;
  }
  if (level === 0 || at >= stored) {
    frame[2] |= STORED;
    frame.set(voxels, HEADER_BYTES);
    at = stored;
  }
  view.setUint32(12, at, true);
  return frame.subarray(0, at);
}

/**
 * Decompresses a frame, whatever wrote it.
 * @throws {ChunkError} If it is none, or makes more than `byteCount`.
 */
export function decompressBlosc(frame: Uint8Array, byteCount: number): Uint8Array {
  if (frame.length < HEADER_BYTES) throw broken(frame, "it is shorter than a header");
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const flags = frame[2];
  const elementBytes = frame[3];
  const total = view.getUint32(4, true);
  const blockBytes = view.getUint32(8, true);
  if (frame[0] !== 2) throw broken(frame, `its version is ${frame[0]}, not 2`);
  if (total > byteCount) throw wrongSize("blosc", byteCount, total);
  if (view.getUint32(12, true) !== frame.length) {
    throw broken(frame, `its header says ${view.getUint32(12, true)} bytes`);
  }
  const out = new Uint8Array(total);
  if (flags & STORED) {
    if (frame.length !== HEADER_BYTES + total) throw broken(frame, "it is cut short");
    out.set(frame.subarray(HEADER_BYTES));
    return out;
  }
  const blocks = total === 0 ? 0 : Math.ceil(total / blockBytes);
  if (elementBytes === 0 || !(HEADER_BYTES + 4 * blocks <= frame.length)) {
    throw broken(frame, "its header makes no sense");
  }
  const byteShuffled = (flags & SHUFFLED) !== 0 && elementBytes > 1;
  const blockSize = Math.min(blockBytes, total);
  const unfiltered = blockSize <= scratch.length ? scratch : new Uint8Array(blockSize);
  for (let block = 0; block < blocks; block++) {
    const target = out.subarray(block * blockBytes, (block + 1) * blockBytes);
    const filtered = byteShuffled || (flags & BIT_SHUFFLED) !== 0 && target.length >= elementBytes;
    const bytes = filtered ? unfiltered.subarray(0, target.length) : target;
    const split = (flags & UNSPLIT) === 0 && target.length === blockBytes && elementBytes <= 16 &&
      blockBytes / elementBytes >= 128;
    readBlock(frame, view, view.getUint32(HEADER_BYTES + 4 * block, true), {
      format: FORMATS[flags >> 5],
      pieces: split ? elementBytes : 1,
      into: bytes,
    });
    if (byteShuffled) unshuffleBytes(bytes, target, elementBytes);
    else if (filtered) unshuffleBits(bytes, target, elementBytes);
  }
  return out;
}

function readBlock(
  frame: Uint8Array,
  view: DataView,
  from: number,
  { format, pieces, into }: { format?: typeof FORMATS[number]; pieces: number; into: Uint8Array },
): void {
  const pieceBytes = into.length / pieces;
  let at = from;
  for (let piece = 0; piece < pieces; piece++) {
    if (at + 4 > frame.length) throw broken(frame, "a block lies outside it");
    const length = view.getUint32(at, true);
    at += 4;
    if (length === 0 || at + length > frame.length) throw broken(frame, "a block lies outside it");
    const packed = frame.subarray(at, at + length);
    const target = into.subarray(piece * pieceBytes, (piece + 1) * pieceBytes);
    if (length === pieceBytes) target.set(packed);
    else if (readPiece(frame, format, packed, target) !== pieceBytes) {
      throw broken(frame, "a block gives too few bytes");
    }
    at += length;
  }
}

function readPiece(
  frame: Uint8Array,
  format: typeof FORMATS[number] | undefined,
  packed: Uint8Array,
  target: Uint8Array,
): number {
  switch (format) {
    case "blosclz":
      return decompressBloscLz(packed, target);
    case "lz4":
      return decompressLz4(packed, target);
    case "zlib":
    case "zstd": {
      const plain = format === "zlib"
        ? inflateSync(packed, outputOf(target.length))
        : decompressZstd(packed, target.length);
      target.set(plain);
      return plain.length;
    }
    case "snappy":
    case undefined:
      throw broken(
        frame,
        `it was compressed with ${format ?? "an unknown codec"}, which is not read`,
      );
    default:
      return format satisfies never;
  }
}

function broken(frame: Uint8Array, why: string): ChunkError {
  return new ChunkError(
    `Cannot decode a chunk of ${frame.length} bytes as blosc: ${why}; ` +
      `write it again, or name the codec that wrote it`,
    "corrupt",
  );
}
