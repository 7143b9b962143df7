/**
 * Blocks of N5.
 *
 * Source of the rule: the file-system specification of N5: mode and number of dimensions as uint16, the size of the block
 * along each as uint32, then the packed voxels; all big-endian, the first dimension fastest.
 */
import { copyStrided, plainStrides } from "../core/copy_strided.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES } from "../core/dtype.ts";
import type { Point } from "../core/point.ts";
import { mapPoint, product } from "../core/point.ts";
import { viewRaw } from "./_raw_chunk.ts";
import { openUnpacker, type Packing } from "./_unpack.ts";
import type { ChunkDecoder, DecodedChunk } from "./chunk_decoder.ts";
import { ChunkError } from "./chunk_error.ts";

/** How blocks became bytes. */
export interface N5Decoding {
  /** Axis of each dimension, as positions in x, y, z, c, t. */
  readonly order: readonly number[];
  /** What was done to the bytes of the voxels. */
  readonly packings: readonly Packing[];
}

const MODES = ["", "of variable length", "of objects"];

/** Opens blocks of N5. */
export async function openN5({ order, packings }: N5Decoding, dtype: Dtype): Promise<ChunkDecoder> {
  const unpack = await openUnpacker(packings);
  const view = (plain: Uint8Array, size: Point, shape: Point): DecodedChunk => {
    const block = viewRaw(plain, dtype, size, order, true);
    if (size.every((side, axis) => side === shape[axis])) return { ...block, shape };
    // A block that is cut off ends where the volume ended when it was written: beyond lies the fill value of N5.
    const voxels = viewVoxels(dtype, new Uint8Array(product(shape) * VOXEL_BYTES[dtype]));
    const [whole, part] = [shape, size].map((max) => ({ min: ORIGIN, max }));
    copyStrided(block, ORIGIN, voxels, whole, part);
    return { voxels, strides: plainStrides(shape), shape };
  };
  return {
    decode: (bytes, shape) => {
      const { size, body } = readHeader(bytes, order, shape);
      const plain = unpack(body, product(size) * VOXEL_BYTES[dtype]);
      // Bytes that belong to the caller are not swapped in place.
      if (!(plain instanceof Promise)) {
        return view(plain.buffer === bytes.buffer ? new Uint8Array(plain) : plain, size, shape);
      }
      return plain.then((own) => view(own, size, shape));
    },
  };
}

const ORIGIN: Point = [0, 0, 0, 0, 0];

/** Size of a block, and its packed voxels. */
function readHeader(
  bytes: Uint8Array,
  order: readonly number[],
  shape: Point,
): { size: Point; body: Uint8Array } {
  const length = 4 + 4 * order.length;
  if (bytes.length < length) {
    throw new ChunkError(`its ${bytes.length} bytes are fewer than a header has`, "corrupt");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mode = view.getUint16(0);
  if (mode !== 0) {
    throw new ChunkError(
      `it is a block ${MODES[mode] ?? `of mode ${mode}`}, which holds no voxels`,
      "corrupt",
    );
  }
  const dimensions = view.getUint16(2);
  if (dimensions !== order.length) {
    throw new ChunkError(
      `its header says ${dimensions} dimensions where the volume has ${order.length}`,
      "corrupt",
    );
  }
  const sides = order.map((_, i) => view.getUint32(4 + 4 * i));
  const size = mapPoint(shape, (_, axis) => sides[order.indexOf(axis)] ?? 1);
  if (size.some((side, axis) => side < 1 || side > shape[axis])) {
    const largest = order.map((axis) => shape[axis]);
    throw new ChunkError(
      `its header says ${sides.join(" x ")} voxels where a block has ${largest.join(" x ")}`,
      "size",
    );
  }
  return { size, body: bytes.subarray(length) };
}
