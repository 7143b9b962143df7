/** Chunks of HDF5: whole whatever lies beyond the extent, and passed through filters, of which each may skip some. */
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";
import { type Point, product } from "../core/point.ts";
import { viewRaw } from "./_raw_chunk.ts";
import { openUnpacker, type Packing, type Unpacker } from "./_unpack.ts";
import type { ChunkDecoder, DecodedChunk } from "./chunk_decoder.ts";
import { wrongSize } from "./chunk_error.ts";

/** How a chunk became bytes. */
export interface Hdf5Decoding {
  /** Axes from the fastest to the slowest, as positions in x, y, z, c, t. */
  readonly order: readonly number[];
  /** Whether the high byte comes first. */
  readonly bigEndian: boolean;
  /** The filters, in the order in which they were applied. */
  readonly packings: readonly Packing[];
}

/** No deflate makes more of a byte; a chunk that is smaller still is refused before room is made for it. */
const MOST_INFLATED = 1032;

/** Opens chunks of HDF5. */
export async function openHdf5(
  { order, bigEndian, packings }: Hdf5Decoding,
  dtype: Dtype,
): Promise<ChunkDecoder> {
  // Most chunks went through all filters.
  const unpackers = new Map([[0, await openUnpacker(packings)]]);
  const isDeflated = packings.some(({ kind }) => kind === "zlib");
  const unpack = (by: Unpacker, stored: Uint8Array, shape: Point) => {
    const byteCount = product(shape) * VOXEL_BYTES[dtype];
    const view = (plain: Uint8Array): DecodedChunk => {
      // Bytes that belong to the caller are not swapped in place.
      const own = bigEndian && plain.buffer === stored.buffer ? plain.slice() : plain;
      return { ...viewRaw(own, dtype, shape, order, bigEndian), shape };
    };
    const plain = by(stored, byteCount);
    return plain instanceof Promise ? plain.then(view) : view(plain);
  };
  return {
    decode: (stored, shape, skipped = 0) => {
      const byteCount = product(shape) * VOXEL_BYTES[dtype];
      if (skipped === 0 && isDeflated && stored.length * MOST_INFLATED < byteCount) {
        throw wrongSize("deflate", byteCount, stored.length);
      }
      const known = unpackers.get(skipped);
      if (known !== undefined) return unpack(known, stored, shape);
      return openUnpacker(packings.filter((_, i) => (skipped >>> i & 1) === 0)).then((opened) => {
        unpackers.set(skipped, opened);
        return unpack(opened, stored, shape);
      });
    },
  };
}
