/** Voxels that are stored as they are, in any order of axes and bytes. */
import { Buffer } from "node:buffer";
import { plainStrides } from "../core/copy_strided.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES } from "../core/dtype.ts";
import { type Point, product } from "../core/point.ts";
import type { ChunkDecoder } from "./chunk_decoder.ts";
import { wrongSize } from "./chunk_error.ts";

/** How voxels lie in a chunk. */
export interface RawDecoding {
  /** Axes from the fastest to the slowest, as positions in x, y, z, c, t. @default x, y, z, c, t */
  readonly order?: readonly number[];
  /** Whether the high byte comes first. @default false */
  readonly bigEndian?: boolean;
}

/** Opens chunks of plain voxels. */
export function openRaw({ order, bigEndian = false }: RawDecoding, dtype: Dtype): ChunkDecoder {
  return {
    decode: (bytes, shape) => {
      const expected = product(shape) * VOXEL_BYTES[dtype];
      if (bytes.length !== expected) throw wrongSize("raw", expected, bytes.length);
      return { ...viewRaw(bytes, dtype, shape, order, bigEndian), shape };
    },
  };
}

/** Sees decoded bytes as voxels of any order; swaps them in place, or copies them where they do not lie right. */
export function viewRaw(
  bytes: Uint8Array,
  dtype: Dtype,
  shape: Point,
  order?: readonly number[],
  bigEndian = false,
) {
  const size = VOXEL_BYTES[dtype];
  // A Buffer's own slice() would copy nothing.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  if (bigEndian && size > 1) swapBytes(aligned, size);
  const voxels = viewVoxels(dtype, aligned);
  return { voxels, strides: order === undefined ? plainStrides(shape) : stridesOf(shape, order) };
}

/** Strides of a chunk whose axes run in this order, the fastest first; axes left out have one voxel. */
export function stridesOf(shape: Point, order: readonly number[]): Point {
  const strides = [0, 0, 0, 0, 0];
  let step = 1;
  for (const axis of order) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides as unknown as Point;
}

/** Turns the bytes of every voxel round, in place. */
function swapBytes(bytes: Uint8Array, size: number): void {
  const { buffer, byteOffset, byteLength } = bytes;
  const nodes = Buffer.from(buffer, byteOffset, byteLength);
  if (size === 2) nodes.swap16();
  else if (size === 4) nodes.swap32();
  else nodes.swap64();
}
