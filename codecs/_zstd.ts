/**
 * Zstandard frames by the runtime's own library.
 * @module
 */
import { constants, zstdCompressSync, zstdDecompressSync, type ZstdOptions } from "node:zlib";

/** Compresses into one frame that tells its content size, which many readers need. */
export function compressZstd(bytes: Uint8Array, level: number): Uint8Array {
  // Without the pledge the frame says nothing of its size; the option is missing from Node's types. Where the
  // output does not fit in one piece, Deno 2.9 may put an empty second frame behind the first, which strict readers
  // (tensorstore) refuse; in one piece of the library's own bound it is also faster.
  const options: ZstdOptions & { pledgedSrcSize: number } = {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    pledgedSrcSize: bytes.length,
    chunkSize: bytes.length + (bytes.length >> 8) + 128,
  };
  return zstdCompressSync(bytes, options);
}

/**
 * Decompresses a frame, whether or not it tells its size; bytes cut off at its end may not show.
 * @throws {RangeError} With the code `ERR_BUFFER_TOO_LARGE` if it makes more than `byteCount`.
 */
export function decompressZstd(bytes: Uint8Array, byteCount: number): Uint8Array {
  return zstdDecompressSync(bytes, outputOf(byteCount));
}

/** Output in one piece of the right size: faster than pieces of 16 kB, and no copy at the end. */
export function outputOf(byteCount: number): { chunkSize: number; maxOutputLength: number } {
  return { chunkSize: Math.max(64, byteCount), maxOutputLength: Math.max(1, byteCount) };
}
