/** Chunks of Zarr v2 and v3. */
import { copyStrided, plainStrides } from "../core/copy_strided.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES } from "../core/dtype.ts";
import { cellsOf, eachCell } from "../core/layout.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import { viewRaw } from "./_raw_chunk.ts";
import { mostPacked, openUnpacker, type Packing } from "./_unpack.ts";
import { indexByteCount, readShardIndex, type ShardIndexLayout } from "./_zarr_shard.ts";
import type { ChunkDecoder, DecodedChunk } from "./chunk_decoder.ts";
import { ChunkError } from "./chunk_error.ts";

/** How a chunk became bytes. */
export type ZarrDecoding = ZarrVoxels | ZarrShard;

/** Voxels, one after the other. */
export interface ZarrVoxels {
  /** Tells it from a shard. */
  readonly kind: "voxels";
  /** Axes from the fastest to the slowest, as positions in x, y, z, c, t. */
  readonly order: readonly number[];
  /** Whether the high byte comes first. */
  readonly bigEndian: boolean;
  /** What was done to their bytes, in that order. */
  readonly packings: readonly Packing[];
}

/** Smaller chunks behind an index. */
export interface ZarrShard {
  /** Tells it from voxels. */
  readonly kind: "shard";
  /** Axes of its grid from the fastest to the slowest. */
  readonly order: readonly number[];
  /** Voxels of one of its chunks. */
  readonly chunk: Point;
  /** How its index is stored. */
  readonly index: ShardIndexLayout;
  /** How its chunks became bytes. */
  readonly inner: ZarrDecoding;
  /** Voxel of its chunks that are not stored. */
  readonly fill: number | bigint;
  /** What was done to its bytes: where it is nothing, its chunks can be read one by one. */
  readonly packings: readonly Packing[];
}

/** Opens chunks of Zarr. */
export async function openZarr(decoding: ZarrDecoding, dtype: Dtype): Promise<ChunkDecoder> {
  return decoding.kind === "voxels"
    ? await openVoxels(decoding, dtype)
    : await openShard(decoding, dtype);
}

async function openVoxels(
  { order, bigEndian, packings }: ZarrVoxels,
  dtype: Dtype,
): Promise<ChunkDecoder> {
  const unpack = await openUnpacker(packings);
  const view = (stored: Uint8Array, plain: Uint8Array, shape: Point): DecodedChunk => {
    // Bytes that belong to the caller are not swapped in place.
    const own = bigEndian && plain.buffer === stored.buffer ? new Uint8Array(plain) : plain;
    return { ...viewRaw(own, dtype, shape, order, bigEndian), shape };
  };
  return {
    decode: (stored, shape) => {
      const plain = unpack(stored, product(shape) * VOXEL_BYTES[dtype]);
      return plain instanceof Promise
        ? plain.then((bytes) => view(stored, bytes, shape))
        : view(stored, plain, shape);
    },
  };
}

/** Position of a chunk in the index of its shard. */
export function placeInIndex(cell: Point, grid: Point, order: readonly number[]): number {
  let place = 0;
  for (let i = order.length - 1; i >= 0; i--) place = place * grid[order[i]] + cell[order[i]];
  return place;
}

/** Bytes that a chunk may take beside its voxels, however small it is. */
const CHUNK_HEADER = 256;

/** Shards that were packed as a whole: they can be had whole only. */
async function openShard(decoding: ZarrShard, dtype: Dtype): Promise<ChunkDecoder> {
  const { order, chunk, index, fill, packings } = decoding;
  const unpack = await openUnpacker(packings);
  const inner = await openZarr(decoding.inner, dtype);
  return {
    decode: async (stored, shape) => {
      const length = indexByteCount(index);
      const byteCount = product(shape) * VOXEL_BYTES[dtype];
      const bytes = packings.length === 0
        ? stored
        : await unpack(stored, mostPacked(byteCount) + index.count * CHUNK_HEADER + length, false);
      const voxels = viewVoxels(dtype, new Uint8Array(byteCount));
      if (voxels instanceof BigUint64Array) voxels.fill(BigInt(fill));
      else voxels.fill(Number(fill));
      const box = { min: [0, 0, 0, 0, 0], max: shape } as const;
      const places = readShardIndex(
        index.location === "end" ? bytes.subarray(-length) : bytes.subarray(0, length),
        index,
      );
      const grid = mapPoint(shape, (size, axis) => size / chunk[axis]);
      for (const cell of eachCell(cellsOf(box, chunk))) {
        const range = places.find(placeInIndex(cell, grid, order));
        if (range === undefined) continue;
        if (range[1] > bytes.length) {
          throw new ChunkError(
            `a chunk of its shard ends at byte ${range[1]} of ${bytes.length}`,
            "corrupt",
          );
        }
        const min = mapPoint(cell, (value, axis) => value * chunk[axis]);
        const max = mapPoint(min, (value, axis) => value + chunk[axis]);
        const decoded = await inner.decode(bytes.subarray(...range), chunk);
        copyStrided(decoded, min, voxels, box, { min, max });
      }
      return { voxels, strides: plainStrides(shape), shape };
    },
  };
}
