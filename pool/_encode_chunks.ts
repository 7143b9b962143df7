/** Chunks, cut from a band and encoded. */
import { crc32 } from "node:zlib";
import { openChunkCodec } from "../codecs/chunk_codec.ts";
import { openPrecomputedCodec } from "../codecs/precomputed_chunk.ts";
import { type Box, boxSize, intersect } from "../core/box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import { copyBox, scanVoxels } from "../core/voxels.ts";
import type { JobContext } from "./jobs.ts";

/** Which chunks of which band. */
export interface EncodeChunksInput {
  /** Voxels of the band, t c z y x with x fastest. */
  readonly data: VoxelArray;
  /** Which voxels these are. */
  readonly box: Box;
  /** Their type. */
  readonly dtype: Dtype;
  /** Voxel of chunks that need not be stored. */
  readonly fill: number;
  /** How chunks become bytes. */
  readonly encoding: ChunkEncoding;
  /** Voxels of every chunk; those beyond the band are fill value. */
  readonly chunk: Point;
  /** First voxel of each chunk. */
  readonly corners: readonly Point[];
}

/** One chunk as it is stored. */
export interface EncodedChunk {
  /** Undefined where every voxel is fill value: then nothing is stored. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** CRC-32 of its voxels before encoding, those beyond the extent included. */
  readonly crc: number;
  /** Smallest voxel of those within the extent; a string for uint64. */
  readonly min: number | string;
  /** Largest voxel. */
  readonly max: number | string;
}

/** Encodes chunks of one band. */
export async function encodeChunks(
  { data, box, corners, ...chunks }: EncodeChunksInput,
  context: JobContext,
): Promise<EncodedChunk[]> {
  const encode = await openEncoder(chunks, context);
  const start = performance.now();
  const encoded: EncodedChunk[] = [];
  for (const min of corners) encoded.push(await encode(data, box, min));
  context.times.encode += performance.now() - start;
  return encoded;
}

/** Encodes the chunk whose first voxel is `min`, out of voxels of a box that has all of it, but for what lies beyond. */
export type EncodeChunk = (
  data: VoxelArray,
  box: Box,
  min: Point,
) => EncodedChunk | Promise<EncodedChunk>;

/** How chunks are made. */
export type EncoderOptions = Pick<EncodeChunksInput, "dtype" | "fill" | "encoding" | "chunk">;

/** Makes what encodes the chunks of one job; what it gives may move between threads. */
export async function openEncoder(
  options: EncoderOptions,
  { transfer }: Pick<JobContext, "transfer">,
): Promise<EncodeChunk> {
  const { encoding } = options;
  const encode = encoding.codec === "precomputed"
    ? await openCutEncoder(options, encoding)
    : await openWholeEncoder(options, encoding);
  const keep = (chunk: EncodedChunk) => {
    if (chunk.bytes !== undefined) transfer.push(chunk.bytes.buffer);
    return chunk;
  };
  return (data, box, min) => {
    const encoded = encode(data, box, min);
    return encoded instanceof Promise ? encoded.then(keep) : keep(encoded);
  };
}

async function openWholeEncoder(
  { dtype, fill, chunk }: EncoderOptions,
  encoding: ChunkEncoding,
): Promise<EncodeChunk> {
  const codec = await openChunkCodec(encoding, VOXEL_BYTES[dtype]);
  return (data, box, min) => {
    const chunkBox = { min, max: mapPoint(chunk, (size, axis) => min[axis] + size) };
    const inside = intersect(chunkBox, box);
    const isPartial = inside === undefined || product(boxSize(inside)) < product(chunk);
    let voxels = data;
    // Voxels of just this chunk are encoded where they lie, unless others may write there.
    if (isPartial || data.length !== product(chunk) || data.buffer instanceof SharedArrayBuffer) {
      voxels = scratch(dtype, product(chunk));
      if (isPartial) fillVoxels(voxels, fill);
      if (inside !== undefined) copyBox(data, box, voxels, chunkBox, inside);
    }
    // Voxels beyond the extent are nobody's: they are not the smallest or the largest.
    const scan = scanVoxels(
      isPartial && inside !== undefined ? cutBox(data, box, dtype, inside) : voxels,
      fill,
    );
    const bytes = viewBytes(voxels);
    const stored = scan.empty ? undefined : codec.encode(bytes) as Uint8Array<ArrayBuffer>;
    return { bytes: stored, crc: crc32(bytes), min: scan.min, max: scan.max };
  };
}

/** Chunks of a format that cuts them off at the far edges, and stores all of them. */
async function openCutEncoder(
  { dtype, fill, chunk }: EncoderOptions,
  { form, gzip }: ChunkEncoding & { readonly codec: "precomputed" },
): Promise<EncodeChunk> {
  const codec = await openPrecomputedCodec({ ...form, gzip }, { dtype, channels: chunk[3] });
  return async (data, box, min) => {
    const inside = intersect({ min, max: mapPoint(chunk, (size, axis) => min[axis] + size) }, box)!;
    const voxels = viewBytes(cutBox(data, box, dtype, inside));
    const [x, y, z] = boxSize(inside);
    const bytes = await codec.encode(voxels, [x, y, z]);
    // What is proven later is what readers get.
    const kept = form.codec === "jpeg" ? await codec.decode(bytes, [x, y, z]) : voxels;
    const scan = scanVoxels(viewVoxels(dtype, kept), fill);
    return { bytes, crc: crc32(kept), min: scan.min, max: scan.max };
  };
}

function cutBox(data: VoxelArray, box: Box, dtype: Dtype, inside: Box): VoxelArray {
  const bytes = new Uint8Array(product(boxSize(inside)) * VOXEL_BYTES[dtype]);
  const part = viewVoxels(dtype, bytes);
  copyBox(data, box, part, inside, inside);
  return part;
}

let last: VoxelArray = new Uint8Array(0);

function scratch(dtype: Dtype, length: number): VoxelArray {
  if (last.byteLength !== length * VOXEL_BYTES[dtype]) {
    last = viewVoxels(dtype, new Uint8Array(length * VOXEL_BYTES[dtype]));
  }
  return last = viewVoxels(dtype, viewBytes(last));
}

/** Sets every voxel; a uint64 takes the value as an integer. */
export function fillVoxels(voxels: VoxelArray, fill: number | bigint): void {
  if (voxels instanceof BigUint64Array) voxels.fill(BigInt(fill));
  else voxels.fill(Number(fill));
}
