/**
 * What is wrong with the stored bytes of a chunk.
 * @module
 */
import { SluiceError } from "../core/errors.ts";

/**
 * The bytes of a chunk are not what was written, or not what the volume's metadata promises.
 * @example One bit that changed on its way
 * ```ts
 * import { ChunkError, openChunkCodec } from "@sluice/sluice";
 * import { throws } from "node:assert/strict";
 * const codec = await openChunkCodec({ codec: "zstd", level: 3, crc32c: true }, 1);
 * const bytes = codec.encode(new Uint8Array(105));
 * bytes[0] ^= 1;
 * throws(
 *   () => codec.decode(bytes, 105),
 *   (error) => error instanceof ChunkError && error.kind === "checksum",
 * );
 * ```
 */
export class ChunkError extends SluiceError {
  /** `"ChunkError"`, whatever a minifier makes of the class. */
  override readonly name = "ChunkError";
  /**
   * Says what is wrong.
   * @param message What could not be done, what was expected and what was found.
   * @param kind `checksum`: the crc32c does not fit the bytes; `size`: the voxels are more or fewer than
   * the chunk has; `corrupt`: the codec cannot read the bytes.
   */
  constructor(
    message: string,
    readonly kind: "checksum" | "size" | "corrupt",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The error of a chunk whose voxels are more or fewer than the chunk has. */
export function wrongSize(
  codec: string,
  expected: number,
  found: number | "more",
  cause?: unknown,
): ChunkError {
  return new ChunkError(
    `Cannot decode a ${codec} chunk as ${expected} bytes of voxels: it holds ${found}; ` +
      `check the data type and the chunk shape in the metadata`,
    "size",
    { cause },
  );
}
