/**
 * compressed_segmentation, the encoding of labels that Neuroglancer draws without unpacking it.
 *
 * Source of the rule: `src/sliceview/compressed_segmentation/README.md` of Neuroglancer, in its form for
 * one or more channels. Each channel is cut into blocks; a block has a lookup table of its values and 0, 1,
 * 2, 4, 8, 16 or 32 bits a voxel.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import { type DecodeKernel, withDecoder, withEncoder } from "./_segmentation_kernels.ts";
import { cellsOver, formatXyz, isXyz, volumeOf, type Xyz } from "./_xyz.ts";
import { ChunkError, wrongSize } from "./chunk_error.ts";

/** What the bytes themselves do not tell. */
export interface SegmentationShape {
  /** Type of a label. */
  readonly dtype: "uint32" | "uint64";
  /** Voxels of the chunk: fewer than of others at the far edge of a volume. */
  readonly size: Xyz;
  /** @default 1 */
  readonly channels?: number;
  /** Voxels of a block. @default [8, 8, 8] */
  readonly block?: Xyz;
}

/** Words that an offset of 24 bits reaches. */
const REACH = 2 ** 24;
/** Voxels of a block, and bytes of a layer of blocks or of a chunk, that are coded at once. */
const MOST_BLOCK = 2 ** 24;
const MOST_BYTES = 2 ** 30;

const TOO_FAR = 1;
const [BAD_BITS, BAD_TABLE, BAD_CODES] = [1, 2, 3];

/**
 * Encodes a chunk: the smallest bytes there are, with equal tables shared, and the same for the same labels.
 * @param voxels Little-endian, x fastest, then y, z and channel; may lie on shared memory.
 * @throws {RangeError} If `voxels` or the block are not of the right size.
 * @throws {SluiceError} If the labels are too many and too varied for the offsets of the format.
 * @example Labels of a chunk at the far edge
 * ```ts
 * import { decodeSegmentation, encodeSegmentation } from "./compressed_segmentation.ts";
 * import { deepEqual, equal } from "node:assert/strict";
 * const shape = { dtype: "uint64", size: [7, 5, 3] } as const;
 * const labels = new BigUint64Array(105).fill(2n ** 40n + 7n, 30);
 * const bytes = encodeSegmentation(new Uint8Array(labels.buffer), shape);
 * equal(bytes.length, 4 * (1 + 2 + 8 * 8 * 8 / 32 + 2 * 2));
 * deepEqual(decodeSegmentation(bytes, shape), new Uint8Array(labels.buffer));
 * ```
 */
export function encodeSegmentation(
  voxels: Uint8Array,
  shape: SegmentationShape,
): Uint8Array<ArrayBuffer> {
  const { size, channels, block, voxelBytes, grid } = check(shape);
  const channelBytes = volumeOf(size) * voxelBytes;
  if (voxels.length !== channels * channelBytes) {
    throw new RangeError(
      `Cannot encode ${voxels.length} bytes as a chunk of ${formatXyz(size)} voxels: ` +
        `${channels} channels of them take ${channels * channelBytes}`,
    );
  }
  const parts: Uint8Array[] = [];
  for (let channel = 0; channel < channels; channel++) {
    const labels = voxels.subarray(channel * channelBytes, (channel + 1) * channelBytes);
    parts.push(encodeChannel(labels, { ...shape, block }, grid, voxelBytes));
  }
  return joinChannels(parts);
}

function encodeChannel(
  labels: Uint8Array,
  { dtype, size, block }: Required<Pick<SegmentationShape, "dtype" | "size" | "block">>,
  grid: Xyz,
  voxelBytes: number,
): Uint8Array {
  const planeBytes = size[0] * size[1] * voxelBytes;
  return withEncoder((kernel) => {
    const failed = (state: string) =>
      new SluiceError(
        `Cannot encode a chunk of ${
          formatXyz(size)
        } labels as compressed_segmentation: ${state}; ` +
          `choose smaller chunks or the encoding raw`,
      );
    if (2 * volumeOf(grid) >= REACH) {
      throw failed(`the headers of its ${volumeOf(grid)} blocks leave no room for tables`);
    }
    if (!kernel.begin(dtype === "uint64", size[0], size[1], ...block, grid[2])) {
      throw failed("there is too little memory");
    }
    for (let layer = 0; layer < grid[2]; layer++) {
      const depth = Math.min(block[2], size[2] - layer * block[2]);
      const first = layer * block[2] * planeBytes;
      new Uint8Array(kernel.memory.buffer)
        .set(labels.subarray(first, first + depth * planeBytes), kernel.voxelsAt());
      const status = kernel.encodeLayer(layer, depth);
      if (status === 0) continue;
      throw failed(
        status === TOO_FAR
          ? "its labels are so varied that tables would lie beyond 64 MiB, further than offsets reach"
          : "there is too little memory",
      );
    }
    return new Uint8Array(kernel.memory.buffer).slice(kernel.packedAt(), kernel.packedEnd());
  });
}

/** Puts the offsets of the channels, in words, before them. */
function joinChannels(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 4 * parts.length);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 4 * parts.length;
  parts.forEach((part, channel) => {
    view.setUint32(4 * channel, at / 4, true);
    bytes.set(part, at);
    at += part.length;
  });
  return bytes;
}

/**
 * Decodes a chunk, whoever wrote it. Every offset is checked before it is followed.
 * @param bytes May lie on shared memory.
 * @param into Where the voxels go, exactly as long as they are. @default A new array
 * @returns `into`: little-endian, x fastest, then y, z and channel.
 * @throws {RangeError} If the block, or `into`, is not of the right size.
 * @throws {ChunkError} If the bytes are cut short or make no sense: the message says where.
 */
export function decodeSegmentation(
  bytes: Uint8Array,
  shape: SegmentationShape,
): Uint8Array<ArrayBuffer>;
export function decodeSegmentation<T extends Uint8Array>(
  bytes: Uint8Array,
  shape: SegmentationShape,
  into: T,
): T;
export function decodeSegmentation(
  bytes: Uint8Array,
  shape: SegmentationShape,
  into?: Uint8Array,
): Uint8Array {
  const { size, channels, block, voxelBytes, grid } = check(shape);
  const channelBytes = volumeOf(size) * voxelBytes;
  const out = into ?? new Uint8Array(channels * channelBytes);
  if (out.length !== channels * channelBytes) {
    throw wrongSize("compressed_segmentation", out.length, channels * channelBytes);
  }
  const words = bytes.length / 4;
  if (!Number.isInteger(words) || words > MOST_BYTES / 4) {
    throw broken(bytes, "its length is not that of whole words of 4 bytes, up to 1 GiB");
  }
  if (words < channels) {
    throw broken(bytes, `the offsets of its ${channels} channels are cut short`);
  }
  withDecoder((kernel) => {
    if (!kernel.begin(shape.dtype === "uint64", size[0], size[1], ...block, bytes.length)) {
      throw broken(bytes, "there is too little memory");
    }
    const memory = new Uint8Array(kernel.memory.buffer);
    memory.set(bytes, kernel.packedAt());
    const view = new DataView(memory.buffer, kernel.packedAt(), bytes.length);
    const voxelsAt = kernel.voxelsAt();
    const planeBytes = size[0] * size[1] * voxelBytes;
    for (let channel = 0; channel < channels; channel++) {
      const base = view.getUint32(4 * channel, true);
      if (base < channels || base + 2 * volumeOf(grid) > words) {
        throw broken(
          bytes,
          `channel ${channel} starts at word ${base} of ${words}, ` +
            `where the headers of its ${formatXyz(grid)} blocks find no room`,
        );
      }
      for (let layer = 0; layer < grid[2]; layer++) {
        const depth = Math.min(block[2], size[2] - layer * block[2]);
        const status = kernel.decodeLayer(base, layer, depth);
        if (status !== 0) throw brokenBlock(bytes, kernel, status, channel, grid, words - base);
        const first = channel * channelBytes + layer * block[2] * planeBytes;
        out.set(memory.subarray(voxelsAt, voxelsAt + depth * planeBytes), first);
      }
    }
  });
  return out;
}

function check({ dtype, size, channels = 1, block = [8, 8, 8] }: SegmentationShape) {
  const voxelBytes = dtype === "uint64" ? 8 : 4;
  if (!isXyz(block, 1) || volumeOf(block) > MOST_BLOCK) {
    throw new RangeError(
      `Cannot use [${block}] as a block of compressed_segmentation: ` +
        `it needs three sides from 1 on and up to ${MOST_BLOCK} voxels`,
    );
  }
  const layerBytes = size[0] * size[1] * block[2] * voxelBytes;
  if (
    !isXyz(size, 1) || !(Number.isInteger(channels) && channels >= 1) || layerBytes > MOST_BYTES
  ) {
    throw new RangeError(
      `Cannot code a chunk of [${size}] voxels and ${channels} channels as compressed_segmentation: ` +
        `its sides must be integers from 1 on, and a layer of blocks at most 1 GiB`,
    );
  }
  return { size, channels, block, voxelBytes, grid: cellsOver(size, block) };
}

function broken(bytes: Uint8Array, state: string): ChunkError {
  return new ChunkError(
    `Cannot decode a chunk of ${bytes.length} bytes as compressed_segmentation: ${state}; ` +
      `write it again, or check the data type, the chunk size and the block size in the metadata`,
    "corrupt",
  );
}

function brokenBlock(
  bytes: Uint8Array,
  kernel: DecodeKernel,
  status: number,
  channel: number,
  grid: Xyz,
  words: number,
): ChunkError {
  const [block, value] = [kernel.faultBlock(), kernel.faultValue() >>> 0];
  const position = [
    block % grid[0],
    Math.floor(block / grid[0]) % grid[1],
    Math.floor(block / grid[0] / grid[1]),
  ];
  const state = status === BAD_BITS
    ? `has ${value} bits a voxel, not 0, 1, 2, 4, 8, 16 or 32`
    : status === BAD_TABLE
    ? `has its lookup table at word ${value}, and the channel ends after ${words}`
    : status === BAD_CODES
    ? `has its encoded values from word ${value} on, and the channel ends after ${words}`
    : `has a voxel that is value ${value} of a lookup table cut short before that`;
  return broken(bytes, `block [${position}] of channel ${channel} ${state}`);
}
