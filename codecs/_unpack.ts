/**
 * Stored bytes made plain again, step by step, as the metadata of a volume lists what was done to them.
 *
 * Nothing here makes more bytes than it is told to expect: a chunk that would is refused, however small it is.
 */
import { gunzipSync, inflateSync } from "node:zlib";
import { messageOf } from "../core/errors.ts";
import { ChunkError, wrongSize } from "./chunk_error.ts";
import { crc32c } from "./crc32c.ts";
import { unshuffleBytes } from "./_shuffle.ts";
import { decompressZstd, outputOf } from "./_zstd.ts";

/** One thing that was done to bytes, as plain data. */
export type Packing =
  | {
    /** Which: `lz4` is one block behind its size, `lz4-blocks` what lz4-java writes, `lz4-hdf5` what HDF5's filter does. */
    readonly kind:
      | "blosc"
      | "bzip2"
      | "crc32c"
      | "fletcher32"
      | "gzip"
      | "lz4"
      | "lz4-blocks"
      | "lz4-hdf5"
      | "lzf"
      | "xz"
      | "zlib"
      | "zstd";
  }
  | {
    /** Bytes of like weight, brought together. */
    readonly kind: "shuffle";
    /** Bytes of one element. */
    readonly elementBytes: number;
  };

/** Undoes one packing; makes at most so many bytes, or throws. */
type Unpack = (bytes: Uint8Array, most: number) => Uint8Array | Promise<Uint8Array>;

/** Undoes all packings: makes so many bytes, or where `isExact` is false at most so many. */
export type Unpacker = (
  bytes: Uint8Array,
  byteCount: number,
  isExact?: boolean,
) => Uint8Array | Promise<Uint8Array>;

/** @param packings In the order in which they were applied. */
export async function openUnpacker(packings: readonly Packing[]): Promise<Unpacker> {
  const steps = await Promise.all(
    packings.map(async (packing) => ({ packing, unpack: await openUnpack(packing) })),
  );
  const undo = (bytes: Uint8Array, limits: readonly number[], last: number): ReturnType<Unpack> => {
    for (let i = last; i >= 0; i--) {
      const { packing: { kind }, unpack } = steps[i];
      const fail = (error: unknown) => {
        throw faultOf(error, kind, bytes.length, limits[i]);
      };
      let made: ReturnType<Unpack>;
      try {
        made = unpack(bytes, limits[i]);
      } catch (error) {
        return fail(error);
      }
      if (made instanceof Promise) {
        return made.catch(fail).then((plain) => undo(plain, limits, i - 1));
      }
      bytes = made;
    }
    return bytes;
  };
  return (bytes, byteCount, isExact = true) => {
    const check = (plain: Uint8Array) => {
      if (!isExact || plain.length === byteCount) return plain;
      throw wrongSize(packings[0]?.kind ?? "raw", byteCount, plain.length);
    };
    const plain = undo(bytes, limitsOf(packings, byteCount), steps.length - 1);
    return plain instanceof Promise ? plain.then(check) : check(plain);
  };
}

/** The most bytes that lie under each packing: those of the voxels, and what the packings before it may add. */
function limitsOf(packings: readonly Packing[], byteCount: number): number[] {
  let most = byteCount;
  return packings.map(({ kind }) => {
    const limit = most;
    if (kind === "crc32c" || kind === "fletcher32") most += 4;
    else if (kind !== "shuffle") most = mostPacked(most);
    return limit;
  });
}

/** Bytes that a compressor makes of so many at worst, with room to spare. */
export function mostPacked(byteCount: number): number {
  return byteCount + Math.ceil(byteCount / 8) + 65536;
}

async function openUnpack(packing: Packing): Promise<Unpack> {
  switch (packing.kind) {
    case "gzip":
      return (bytes, most) => gunzipSync(bytes, outputOf(most));
    case "zlib":
      return (bytes, most) => inflateSync(bytes, outputOf(most));
    case "zstd":
      return decompressZstd;
    case "crc32c":
      return checkCrc32c;
    case "shuffle":
      return (bytes) => {
        const plain = new Uint8Array(bytes.length);
        unshuffleBytes(bytes, plain, packing.elementBytes);
        return plain;
      };
    case "blosc": {
      const { decompressBlosc } = await import("./blosc.ts");
      return decompressBlosc;
    }
    case "lz4":
      return (await import("./_lz4_frames.ts")).decompressSizedLz4;
    case "lz4-blocks":
      return (await import("./_lz4_frames.ts")).decompressLz4Blocks;
    case "lz4-hdf5":
      return (await import("./_hdf5_filters.ts")).decompressHdf5Lz4;
    case "lzf":
      return (await import("./_hdf5_filters.ts")).decompressLzf;
    case "fletcher32":
      return (await import("./_hdf5_filters.ts")).checkFletcher32;
    case "bzip2":
      return (await import("./_bzip2.ts")).decompressBzip2;
    case "xz":
      return (await import("./_xz.ts")).decompressXz;
    default:
      return packing satisfies never;
  }
}

/** The bytes before a CRC-32C of four bytes, little-endian, which must be theirs. */
export function checkCrc32c(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) {
    throw new ChunkError(`it is cut short: its ${bytes.length} bytes are no crc32c`, "checksum");
  }
  const body = bytes.subarray(0, -4);
  const view = new DataView(bytes.buffer, bytes.byteOffset + body.length);
  const [found, stored] = [crc32c(body), view.getUint32(0, true)];
  if (found === stored) return body;
  throw new ChunkError(`its crc32c is ${hex(found)}, but ${hex(stored)} is stored`, "checksum");
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

function faultOf(error: unknown, kind: string, length: number, most: number): ChunkError {
  if (error instanceof ChunkError) return error;
  if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") {
    return wrongSize(kind, most, "more", error);
  }
  return new ChunkError(
    `its ${length} bytes cannot be decoded as ${kind} (${messageOf(error)})`,
    "corrupt",
    { cause: error },
  );
}
