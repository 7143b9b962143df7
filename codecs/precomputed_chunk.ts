/**
 * The voxels of one chunk of a Neuroglancer precomputed volume as stored bytes, and back.
 *
 * Source of the rule: `src/datasource/precomputed/volume.rst` of Neuroglancer. Voxels are little-endian, x
 * fastest, then y, z and channel; chunks at the far edge of a volume are smaller than the others.
 * @module
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";
import { messageOf } from "../core/errors.ts";
import { outputOf } from "./_zstd.ts";
import { cellsOver, formatXyz, isXyz, volumeOf, type Xyz } from "./_xyz.ts";
import { ChunkError, wrongSize } from "./chunk_error.ts";
import { decodeSegmentation, encodeSegmentation } from "./compressed_segmentation.ts";

/** How the voxels of a precomputed chunk become bytes: plain data, so that any worker can open it. */
export type PrecomputedEncoding =
  & (
    | {
      /** The voxels themselves, of any dtype. */
      readonly codec: "raw";
    }
    | {
      /** Lossy; uint8 of 1 or 3 channels. */
      readonly codec: "jpeg";
      /** 1 (smallest) to 100, as libjpeg counts. */
      readonly quality: number;
    }
    | {
      /** uint8 or uint16 of 1 to 4 channels. */
      readonly codec: "png";
      /** Of deflate, 0 (stored) to 9 (smallest). */
      readonly level: number;
    }
    | {
      /** Labels, uint32 or uint64. */
      readonly codec: "compressed_segmentation";
      /** Voxels of a block along x, y and z; Neuroglancer's own tools take 8, 8, 8. */
      readonly blockSize: readonly [x: number, y: number, z: number];
    }
  )
  & {
    /**
     * Level of the gzip around it, 0 to 9, for files with `Content-Encoding: gzip` and for shards whose
     * `data_encoding` is gzip. What is read may be wrapped or not, whatever this says.
     * @default No gzip
     */
    readonly gzip?: number;
  };

/** Encodes and decodes chunks; keeps nothing between calls. */
export interface PrecomputedCodec {
  /**
   * @param voxels May lie on shared memory.
   * @param size Voxels of this chunk.
   * @returns Bytes that fill a buffer of their own: the same for the same voxels.
   * @throws {RangeError} If the voxels are not as many as the size says, or its sides too long.
   * @throws {SluiceError} If labels are too varied for their encoding.
   */
  encode(voxels: Uint8Array, size: Xyz): Uint8Array<ArrayBuffer>;
  /**
   * @param bytes May lie on shared memory.
   * @param size Voxels of this chunk.
   * @returns Voxels that fill a buffer of their own.
   * @throws {ChunkError} If the bytes cannot be read, or hold other voxels.
   */
  decode(bytes: Uint8Array, size: Xyz): Promise<Uint8Array<ArrayBuffer>>;
}

/** What the chunks of a volume hold. */
export interface PrecomputedVoxels {
  readonly dtype: Dtype;
  /** @default 1 */
  readonly channels?: number;
}

const ALLOWED: {
  readonly [C in PrecomputedEncoding["codec"]]: {
    readonly dtypes?: readonly Dtype[];
    readonly channels?: readonly number[];
  };
} = {
  raw: {},
  jpeg: { dtypes: ["uint8"], channels: [1, 3] },
  png: { dtypes: ["uint8", "uint16"], channels: [1, 2, 3, 4] },
  compressed_segmentation: { dtypes: ["uint32", "uint64"] },
};

/** No chunk is unzipped to more than this. */
const MOST_BYTES = 2 ** 30;
/** The header of a gzip member, RFC 1952: its magic, and deflate. */
const GZIP = [0x1f, 0x8b, 8];

/**
 * Makes the codec that an encoding describes.
 * @throws {RangeError} If the codec is unknown, cannot hold such voxels, or has no such level, quality or block.
 * @example Labels of a chunk, there and back
 * ```ts
 * import { openPrecomputedCodec } from "./precomputed_chunk.ts";
 * import { deepEqual } from "node:assert/strict";
 * const encoding = { codec: "compressed_segmentation", blockSize: [8, 8, 8], gzip: 6 } as const;
 * const codec = await openPrecomputedCodec(encoding, { dtype: "uint32" });
 * const labels = new Uint8Array(7 * 5 * 3 * 4).fill(1, 100);
 * deepEqual(await codec.decode(codec.encode(labels, [7, 5, 3]), [7, 5, 3]), labels);
 * ```
 */
export async function openPrecomputedCodec(
  encoding: PrecomputedEncoding,
  { dtype, channels = 1 }: PrecomputedVoxels,
): Promise<PrecomputedCodec> {
  checkPrecomputedEncoding(encoding, { dtype, channels });
  const body = await openBody(encoding, dtype, channels);
  const { codec, gzip } = encoding;
  const bytesOf = (size: Xyz) => {
    if (isXyz(size, 1)) return volumeOf(size) * channels * VOXEL_BYTES[dtype];
    throw new RangeError(
      `Cannot code a chunk of [${size}] voxels as ${codec}: its sides must be integers from 1 on`,
    );
  };
  return {
    encode(voxels, size) {
      if (voxels.length !== bytesOf(size)) {
        throw new RangeError(
          `Cannot encode ${voxels.length} bytes as a ${codec} chunk of ${
            formatXyz(size)
          } voxels: ` +
            `they take ${bytesOf(size)}`,
        );
      }
      const bytes = body.encode(voxels, size);
      return ownBuffer(gzip === undefined ? bytes : gzipSync(bytes, { level: gzip }), voxels);
    },
    async decode(bytes, size) {
      const byteCount = bytesOf(size);
      const plain = unzip(bytes, codec, byteCount, body.mostBytes(size));
      return ownBuffer(await body.decode(plain, size, byteCount), bytes);
    },
  };
}

interface Body {
  encode(voxels: Uint8Array, size: Xyz): Uint8Array;
  decode(bytes: Uint8Array, size: Xyz, byteCount: number): Uint8Array | Promise<Uint8Array>;
  /** Bytes that a chunk takes at most. */
  mostBytes(size: Xyz): number;
}

async function openBody(
  encoding: PrecomputedEncoding,
  dtype: Dtype,
  channels: number,
): Promise<Body> {
  const voxels = { dtype, channels };
  const rawBytes = (size: Xyz) => volumeOf(size) * channels * VOXEL_BYTES[dtype];
  const imageBytes = (size: Xyz) => 2 * rawBytes(size) + (1 << 20);
  switch (encoding.codec) {
    case "raw":
      return {
        encode: (voxels) => voxels,
        decode: (bytes, _, byteCount) => {
          if (bytes.length !== byteCount) throw wrongSize("raw", byteCount, bytes.length);
          return bytes;
        },
        mostBytes: rawBytes,
      };
    case "jpeg": {
      const { decodeJpegChunk, encodeJpegChunk } = await import("./_precomputed_image.ts");
      return {
        encode: (chunk, size) => encodeJpegChunk(chunk, size, voxels, encoding.quality),
        decode: (bytes, size) => decodeJpegChunk(bytes, size, voxels),
        mostBytes: imageBytes,
      };
    }
    case "png": {
      const { decodePngChunk, encodePngChunk } = await import("./_precomputed_image.ts");
      return {
        encode: (chunk, size) => encodePngChunk(chunk, size, voxels, encoding.level),
        decode: (bytes, size) => decodePngChunk(bytes, size, voxels),
        mostBytes: imageBytes,
      };
    }
    case "compressed_segmentation": {
      const block = encoding.blockSize;
      const shapeOf = (size: Xyz) => ({
        dtype: dtype as "uint32" | "uint64",
        size,
        channels,
        block,
      });
      return {
        encode: (chunk, size) => encodeSegmentation(chunk, shapeOf(size)),
        decode: (bytes, size) => decodeSegmentation(bytes, shapeOf(size)),
        // Of each block a header, four bytes a voxel and a table of its own with every voxel.
        mostBytes: (size) =>
          channels * (4 + volumeOf(cellsOver(size, block)) * (8 + 12 * volumeOf(block))),
      };
    }
    default:
      return encoding satisfies never;
  }
}

/** What is inside, if the bytes are gzip. Raw voxels may begin like gzip, but then they are none. */
function unzip(bytes: Uint8Array, codec: string, byteCount: number, most: number): Uint8Array {
  if (!GZIP.every((byte, i) => bytes[i] === byte)) return bytes;
  try {
    return gunzipSync(
      bytes,
      codec === "raw" ? outputOf(byteCount) : { maxOutputLength: Math.min(most, MOST_BYTES) },
    );
  } catch (error) {
    if (codec === "raw" && bytes.length === byteCount) return bytes;
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") {
      throw wrongSize(`gzipped ${codec}`, byteCount, "more", error);
    }
    throw new ChunkError(
      `Cannot decode a chunk of ${bytes.length} bytes as gzipped ${codec}: ${messageOf(error)}; ` +
        `write it again`,
      "corrupt",
      { cause: error },
    );
  }
}

/** The bytes themselves where they fill a buffer that is not the caller's, else a copy. */
function ownBuffer(bytes: Uint8Array, given: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer !== given.buffer && buffer instanceof ArrayBuffer &&
      buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

/** @throws {RangeError} If the codec is unknown, cannot hold such voxels, or has no such level or quality. */
export function checkPrecomputedEncoding(
  encoding: PrecomputedEncoding,
  { dtype, channels = 1 }: PrecomputedVoxels,
): void {
  const { codec, gzip } = encoding;
  if (!Object.hasOwn(ALLOWED, codec)) {
    throw new RangeError(
      `Cannot open "${codec}" as the encoding of precomputed chunks: the known ones are ${
        Object.keys(ALLOWED).join(", ")
      }; choose one of them`,
    );
  }
  const allowed = ALLOWED[codec];
  if (allowed.dtypes?.includes(dtype) === false) {
    throw new RangeError(
      `Cannot encode ${dtype} as ${codec}: it holds ${
        allowed.dtypes.join(" and ")
      }; choose the encoding raw`,
    );
  }
  if (
    !Number.isInteger(channels) || channels < 1 || allowed.channels?.includes(channels) === false
  ) {
    throw new RangeError(
      `Cannot encode ${channels} channels as ${codec}: it holds ${
        allowed.channels?.join(", ") ?? "1 or more"
      }; choose the encoding raw`,
    );
  }
  if (gzip !== undefined) checkNumber("level of gzip", gzip, 0, 9);
  if (encoding.codec === "jpeg") checkNumber("quality of jpeg", encoding.quality, 1, 100);
  if (encoding.codec === "png") checkNumber("level of png", encoding.level, 0, 9);
}

function checkNumber(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new RangeError(
    `Cannot use "${value}" as the ${name}: it is not an integer from ${low} to ${high}; choose one that is`,
  );
}
