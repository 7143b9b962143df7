/**
 * The voxels of one chunk as stored bytes, and back.
 * @module
 */
import process from "node:process";
import { gunzipSync, gzipSync } from "node:zlib";
import { messageOf } from "../core/errors.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { compressZstd, decompressZstd, outputOf } from "./_zstd.ts";
import { ChunkError, wrongSize } from "./chunk_error.ts";
import { crc32c } from "./crc32c.ts";

export { ChunkError } from "./chunk_error.ts";

/** Encodes and decodes chunks. Keeps nothing between calls: one serves a whole job. */
export interface ChunkCodec {
  /**
   * Turns voxels into stored bytes: the same voxels give the same bytes wherever they lie.
   * @param voxels Little-endian, C order; may lie on shared memory.
   * @returns Bytes that fill a buffer of their own, so that it can be transferred.
   */
  encode(voxels: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * Turns stored bytes into voxels. Never makes more bytes than the chunk may have.
   * @param bytes May lie on shared memory.
   * @param voxelCount Voxels of the whole chunk.
   * @returns Little-endian voxels that fill a buffer of their own.
   * @throws {ChunkError} If the checksum does not fit, the codec cannot read the bytes, or they hold
   * more or fewer voxels.
   */
  decode(bytes: Uint8Array, voxelCount: number): Uint8Array<ArrayBuffer>;
}

/** One way to compress: bytes in, bytes out. {@linkcode openChunkCodec} adds checksum and size checks. */
export interface Compressor {
  /** Compresses; what it returns is copied or handed on, never kept. */
  compress(voxels: Uint8Array): Uint8Array;
  /**
   * Decompresses.
   * @param byteCount Bytes that must come out; a compressor stops rather than make more.
   * @throws {ChunkError} If the bytes cannot be read, or would give more than `byteCount`.
   */
  decompress(bytes: Uint8Array, byteCount: number): Uint8Array;
}

/** Makes a compressor for one encoding; throws `RangeError` on a level that the codec does not have. */
export type OpenCompressor = (encoding: ChunkEncoding, voxelBytes: number) => Compressor;

/**
 * The codecs by name; a script may replace one before the run. Nothing loads until it is used.
 *
 * Threads load their own table: what a script sets is used by a {@linkcode WorkerPool} of size 0 alone.
 * @example A codec that counts what it compresses
 * ```ts
 * import { chunkCodecs, openChunkCodec } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * let bytes = 0;
 * chunkCodecs.set("none", () =>
 *   Promise.resolve(() => ({
 *     compress: (voxels) => (bytes += voxels.length, voxels),
 *     decompress: (stored) => stored,
 *   })));
 * const codec = await openChunkCodec({ codec: "none", crc32c: true }, 1);
 * codec.encode(new Uint8Array(7 * 5 * 3));
 * equal(bytes, 105);
 * ```
 */
export const chunkCodecs: Map<string, () => Promise<OpenCompressor>> = new Map([
  ["zstd", () => Promise.resolve(openZstd)],
  ["gzip", () => Promise.resolve(openGzip)],
  ["blosc", async () => (await import("./blosc.ts")).openBlosc],
  ["none", () => Promise.resolve(openNone)],
]);

/**
 * Makes the codec that an encoding describes.
 *
 * - `zstd`: one frame of RFC 8878 with its content size in the header, no checksum (levels 1 to 22).
 * - `gzip`: one member of RFC 1952 without name or time (levels 0 to 9).
 * - `blosc`: one Blosc 1 frame (levels 0 to 9) with the true size of a voxel for its shuffle.
 * - `none`: the voxels themselves.
 *
 * With `crc32c` four bytes follow, the CRC-32C of those before them, little-endian, as in Zarr v3.
 * @param encoding What the layout of the volume says.
 * @param voxelBytes Bytes of one voxel.
 * @throws {RangeError} If the codec is unknown or has no such level.
 * @example There and back
 * ```ts
 * import { openChunkCodec } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const codec = await openChunkCodec({ codec: "zstd", level: 3, crc32c: true }, 1);
 * const voxels = new Uint8Array(7 * 5 * 3).fill(9);
 * deepEqual(codec.decode(codec.encode(voxels), 7 * 5 * 3), voxels);
 * ```
 */
export async function openChunkCodec(
  encoding: ChunkEncoding,
  voxelBytes: number,
): Promise<ChunkCodec> {
  const load = chunkCodecs.get(encoding.codec);
  if (load === undefined) {
    throw new RangeError(
      `Cannot open "${encoding.codec}" as a chunk codec: the known ones are ${
        [...chunkCodecs.keys()].join(", ")
      }; choose one of them, or add it to chunkCodecs`,
    );
  }
  const compressor = (await load())(encoding, voxelBytes);
  return {
    encode: (voxels) => encode(compressor, encoding.crc32c, voxels),
    decode: (bytes, voxelCount) => {
      const body = encoding.crc32c ? checkedBody(bytes) : bytes;
      return decode(compressor, encoding.codec, body, voxelCount * voxelBytes);
    },
  };
}

/**
 * What decides the bytes that an encoding makes, beside the encoding itself: programs and their versions.
 * Two workers whose answers are equal make equal bytes.
 */
export function codecVersions(encoding: ChunkEncoding): Record<string, string> {
  const runtime = process.versions.deno === undefined
    ? `node ${process.versions.node}`
    : `deno ${process.versions.deno}`;
  switch (encoding.codec) {
    case "zstd":
      return { zstd: runtime };
    case "gzip":
      // Fast zlibs choose their matches by what the processor can do.
      return { zlib: `${runtime} ${process.arch}` };
    case "blosc":
      return encoding.cname === "zstd"
        ? { blosc: "sluice 1", zstd: runtime }
        : { blosc: "sluice 1", lz4: "sluice 1" };
    case "none":
      return {};
    case "precomputed":
      return precomputedVersions(encoding.form.codec, encoding.gzip !== undefined, runtime);
    default:
      return encoding satisfies never;
  }
}

function precomputedVersions(
  codec: string,
  isZipped: boolean,
  runtime: string,
): Record<string, string> {
  const zlib = `${runtime} ${process.arch}`;
  return {
    [codec]: codec === "png" ? zlib : "sluice 1",
    ...(isZipped ? { zlib } : {}),
  };
}

function encode(compressor: Compressor, sum: boolean, voxels: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = compressor.compress(voxels);
  if (!sum) return body === voxels ? new Uint8Array(body) : ownBuffer(body);
  const bytes = new Uint8Array(body.length + 4);
  bytes.set(body);
  new DataView(bytes.buffer).setUint32(body.length, crc32c(body), true);
  return bytes;
}

function checkedBody(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, Math.max(0, bytes.length - 4));
  if (bytes.length < 4) {
    throw new ChunkError(
      `Cannot read a chunk of ${bytes.length} bytes as one closed by a crc32c of 4: it is cut short; ` +
        `write it again`,
      "checksum",
    );
  }
  const expected = new DataView(bytes.buffer, bytes.byteOffset + body.length).getUint32(0, true);
  const found = crc32c(body);
  if (found === expected) return body;
  throw new ChunkError(
    `Cannot read a chunk of ${bytes.length} bytes as what was written: its crc32c is ${
      hex(found)
    }, ` +
      `expected ${hex(expected)}; write it again`,
    "checksum",
  );
}

function decode(
  compressor: Compressor,
  codec: string,
  bytes: Uint8Array,
  byteCount: number,
): Uint8Array<ArrayBuffer> {
  let voxels: Uint8Array;
  try {
    voxels = compressor.decompress(bytes, byteCount);
  } catch (error) {
    if (error instanceof ChunkError) throw error;
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") {
      throw wrongSize(codec, byteCount, "more", error);
    }
    throw new ChunkError(
      `Cannot decode a chunk of ${bytes.length} bytes as ${codec}: ${messageOf(error)}; ` +
        `write it again, or name the codec that wrote it`,
      "corrupt",
      { cause: error },
    );
  }
  if (voxels.length !== byteCount) throw wrongSize(codec, byteCount, voxels.length);
  return voxels === bytes ? new Uint8Array(voxels) : ownBuffer(voxels);
}

/** The bytes themselves where they fill their buffer, else a copy. */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

function openZstd(encoding: ChunkEncoding): Compressor {
  const level = levelOf(encoding, 1, 22);
  return {
    compress: (voxels) => compressZstd(voxels, level),
    decompress: decompressZstd,
  };
}

function openGzip(encoding: ChunkEncoding): Compressor {
  const level = levelOf(encoding, 0, 9);
  return {
    compress: (voxels) => gzipSync(voxels, { level }),
    decompress: (bytes, byteCount) => gunzipSync(bytes, outputOf(byteCount)),
  };
}

function openNone(): Compressor {
  return { compress: (voxels) => voxels, decompress: (bytes) => bytes };
}

/** The level of an encoding, if the codec has it. */
function levelOf(encoding: ChunkEncoding, low: number, high: number): number {
  const level = "level" in encoding ? encoding.level : low;
  if (Number.isInteger(level) && level >= low && level <= high) return level;
  throw new RangeError(
    `Cannot use "${level}" as the level of ${encoding.codec}: it is not an integer from ${low} to ${high}; ` +
      `choose one that is`,
  );
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
