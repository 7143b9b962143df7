/** A stored unit, read back whole: are its bytes and its voxels what the receipt says? */
import { crc32 } from "node:zlib";
import { placesInShard } from "../codecs/_precomputed_places.ts";
import { openChunkCodec } from "../codecs/chunk_codec.ts";
import { openPrecomputedCodec } from "../codecs/precomputed_chunk.ts";
import type { Sharding } from "../codecs/precomputed_sharding.ts";
import { type ChunkPlace, indexBytes, parseIndex } from "../codecs/shard_index.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../core/dtype.ts";
import { isNotFound, messageOf } from "../core/errors.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { type Point, product } from "../core/point.ts";
import { fillVoxels } from "./_encode_chunks.ts";
import type { JobContext } from "./jobs.ts";

/** Which file, and how its chunks lie in it. */
export interface CheckUnitInput {
  /** Path of the file, or its bytes where it is none; undefined where there is nothing. */
  readonly file: string | Uint8Array | undefined;
  /** Chunks along each axis of a whole shard of Zarr; undefined where it is no such shard. */
  readonly grid: Point | undefined;
  /** How chunks lie in a shard of a precomputed volume, and their numbers, in the order of `present`. */
  readonly shard?: { readonly sharding: Sharding; readonly ids: readonly bigint[] };
  /** Voxels of each chunk, in the order of `present`. @default `chunk`, for all */
  readonly shapes?: readonly Point[];
  /** Positions, in that grid, of the chunks that hold voxels of the volume, x fastest. */
  readonly present: readonly number[];
  /** Voxels of a chunk. */
  readonly chunk: Point;
  /** Type of the voxels. */
  readonly dtype: Dtype;
  /** Voxel of chunks that are not stored. */
  readonly fill: number;
  /** How chunks became bytes. */
  readonly encoding: ChunkEncoding;
}

/** What the file holds. */
export interface UnitCheck {
  /** 0 where there is no file: every voxel is fill value. */
  readonly bytes: number;
  /** CRC-32 of those bytes. */
  readonly crc: number;
  /** As in the receipt; undefined where a chunk could not be decoded. */
  readonly voxels: number | undefined;
  /** Chunks that are broken, by position in the grid (-1: the index), and why. */
  readonly faults: readonly { readonly chunk: number; readonly reason: string }[];
}

/** Reads one unit back. */
export async function checkUnit(
  { file, grid, shard, present, shapes, chunk, dtype, fill, encoding }: CheckUnitInput,
  { times }: JobContext,
): Promise<UnitCheck> {
  const decode = await openDecoder(encoding, dtype, chunk);
  const start = performance.now();
  const stored = typeof file === "string" ? readIfThere(file) : file;
  const read = performance.now();
  times.read += read - start;
  const faults: { chunk: number; reason: string }[] = [];
  let places: ChunkPlace[] = [];
  try {
    if (stored === undefined) places = [];
    else if (grid !== undefined) places = zarrPlaces(stored, grid);
    else if (shard !== undefined) {
      const found = placesInShard(shard.sharding, stored, shard.ids);
      present.forEach((at, i) => places[at] = found[i]);
    } else places = [{ offset: 0, length: stored.length }];
  } catch (error) {
    faults.push({ chunk: -1, reason: messageOf(error) });
  }
  const crcs = new Uint32Array(present.length);
  if (faults.length === 0) {
    for (const [i, at] of present.entries()) {
      const place = places[at];
      const shape = shapes?.[i] ?? chunk;
      try {
        crcs[i] = place === undefined ? fillCrc(dtype, product(shape), fill) : crc32(
          await decode(stored!.subarray(place.offset, place.offset + place.length), shape),
        );
      } catch (error) {
        faults.push({ chunk: at, reason: messageOf(error) });
      }
    }
  }
  times.decode += performance.now() - read;
  return {
    bytes: stored?.length ?? 0,
    crc: stored === undefined ? 0 : crc32(stored),
    voxels: faults.length > 0 ? undefined : crc32(viewBytes(crcs)),
    faults,
  };
}

async function openDecoder(
  encoding: ChunkEncoding,
  dtype: Dtype,
  chunk: Point,
): Promise<(bytes: Uint8Array, shape: Point) => Uint8Array | Promise<Uint8Array>> {
  if (encoding.codec === "precomputed") {
    const voxels = { dtype, channels: chunk[3] };
    const codec = await openPrecomputedCodec({ ...encoding.form, gzip: encoding.gzip }, voxels);
    return (bytes, [x, y, z]) => codec.decode(bytes, [x, y, z]);
  }
  const codec = await openChunkCodec(encoding, VOXEL_BYTES[dtype]);
  return (bytes, shape) => codec.decode(bytes, product(shape));
}

function zarrPlaces(stored: Uint8Array, grid: Point): ChunkPlace[] {
  const count = product(grid);
  const dataBytes = stored.length - indexBytes(count);
  if (dataBytes < 0) {
    throw new RangeError(`its ${stored.length} bytes are too few for an index of ${count} chunks`);
  }
  return parseIndex(stored.subarray(dataBytes), dataBytes);
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const fillCrcs = new Map<string, number>();

function fillCrc(dtype: Dtype, voxels: number, fill: number): number {
  const key = `${dtype} ${voxels} ${fill}`;
  let crc = fillCrcs.get(key);
  if (crc === undefined) {
    const array = viewVoxels(dtype, new Uint8Array(voxels * VOXEL_BYTES[dtype]));
    fillVoxels(array, fill);
    fillCrcs.set(key, crc = crc32(viewBytes(array)));
  }
  return crc;
}
