/**
 * Chunks of Neuroglancer precomputed volumes as PNG and JPEG: their voxels in order are the pixels row by
 * row, and channels the samples of a pixel.
 *
 * Source of the rule: `src/datasource/precomputed/volume.rst` of Neuroglancer. Any width and height will do
 * for reading; written are a row of voxels as a row of pixels, or a plane as one where that is too high.
 * @module
 */
import { box } from "../core/box.ts";
import { deinterleave } from "../core/deinterleave.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES } from "../core/dtype.ts";
import { messageOf } from "../core/errors.ts";
import { readFrame } from "./_jpeg_frame.ts";
import { loadJpegDecoder } from "./_libjpeg_turbo.ts";
import { formatXyz, volumeOf, type Xyz } from "./_xyz.ts";
import { ChunkError } from "./chunk_error.ts";
import type { ByteSource } from "./image.ts";
import { encodeJpeg, MOST_JPEG_SIDE } from "./jpeg_encode.ts";
import { png } from "./png.ts";
import { encodePng } from "./png_encode.ts";

/** What every chunk of a volume has in common. */
export interface ImageVoxels {
  readonly dtype: Dtype;
  readonly channels: number;
}

const MOST_PNG_SIDE = 1_000_000;

/** Encodes voxels as PNG. */
export function encodePngChunk(
  voxels: Uint8Array,
  size: Xyz,
  { dtype, channels }: ImageVoxels,
  level: number,
): Uint8Array {
  const [width, height] = imageSize(size, MOST_PNG_SIDE, "png");
  return encodePng({
    width,
    height,
    samples: channels as 1 | 2 | 3 | 4,
    dtype: dtype as "uint8" | "uint16",
    data: interleave(voxels, channels, VOXEL_BYTES[dtype]),
    level,
  });
}

/** Decodes the voxels of a PNG of any width and height. */
export async function decodePngChunk(
  bytes: Uint8Array,
  size: Xyz,
  voxels: ImageVoxels,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    await using image = await png.open(memorySource(bytes), {});
    const { width, height, samples, dtype } = image.header;
    checkImage("png", { width, height, samples, dtype }, size, voxels);
    const pixels = new Uint8Array(width * height * samples * VOXEL_BYTES[dtype]);
    await image.readRows(0, height, pixels);
    return separate(pixels, width, height, voxels);
  } catch (error) {
    throw corrupt("png", bytes, error);
  }
}

/** Encodes voxels as JPEG. */
export function encodeJpegChunk(
  voxels: Uint8Array,
  size: Xyz,
  { channels }: ImageVoxels,
  quality: number,
): Uint8Array {
  const [width, height] = imageSize(size, MOST_JPEG_SIDE, "jpeg");
  const data = interleave(voxels, channels, 1);
  return encodeJpeg({ width, height, samples: channels as 1 | 3, data, quality });
}

/** Decodes the voxels of a JPEG of any width and height. */
export async function decodeJpegChunk(
  bytes: Uint8Array,
  size: Xyz,
  voxels: ImageVoxels,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const frame = readFrame(bytes);
    if (frame === undefined) throw new SyntaxError("it ends before its pixels begin");
    checkImage("jpeg", { ...frame, dtype: "uint8" }, size, voxels);
    const decode = await loadJpegDecoder();
    let pixels: Uint8Array<ArrayBuffer> | undefined;
    decode(bytes, (found) => pixels = new Uint8Array(found.bytes));
    return separate(pixels!, frame.width, frame.height, voxels);
  } catch (error) {
    throw corrupt("jpeg", bytes, error);
  }
}

function corrupt(codec: string, bytes: Uint8Array, error: unknown): ChunkError {
  if (error instanceof ChunkError) return error;
  return new ChunkError(
    `Cannot decode a chunk of ${bytes.length} bytes as ${codec}: ${
      messageOf(error)
    }; write it again`,
    "corrupt",
    { cause: error },
  );
}

/** Width and height of the image of a chunk. */
function imageSize([x, y, z]: Xyz, most: number, codec: string): [width: number, height: number] {
  if (x <= most && y * z <= most) return [x, y * z];
  if (x * y <= most && z <= most) return [x * y, z];
  throw new RangeError(
    `Cannot encode a chunk of ${
      formatXyz([x, y, z])
    } voxels as ${codec}: a side of its image would have ` +
      `more than ${most} pixels; choose smaller chunks`,
  );
}

function checkImage(
  codec: string,
  { width, height, samples, dtype }: {
    width: number;
    height: number;
    samples: number;
    dtype: Dtype;
  },
  size: Xyz,
  voxels: ImageVoxels,
): void {
  const isRight = width * height === volumeOf(size) && samples === voxels.channels &&
    dtype === voxels.dtype;
  if (isRight) return;
  throw new ChunkError(
    `Cannot decode a ${codec} chunk as ${
      formatXyz(size)
    } voxels of ${voxels.channels} channels in ` +
      `${voxels.dtype}: it is an image of ${width} x ${height} pixels of ${samples} in ${dtype}; ` +
      `check the data type, the channels and the chunk size in the metadata`,
    "size",
  );
}

/** Channel by channel to pixel by pixel. */
function interleave(voxels: Uint8Array, channels: number, voxelBytes: number): Uint8Array {
  if (channels === 1) return voxels;
  const out = new Uint8Array(voxels.length);
  const planeBytes = voxels.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    for (let byte = 0; byte < voxelBytes; byte++) {
      let from = channel * planeBytes + byte;
      let to = channel * voxelBytes + byte;
      for (; to < out.length; from += voxelBytes, to += channels * voxelBytes) {
        out[to] = voxels[from];
      }
    }
  }
  return out;
}

/** Pixel by pixel to channel by channel. */
function separate(
  pixels: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
  { dtype, channels }: ImageVoxels,
): Uint8Array<ArrayBuffer> {
  if (channels === 1) return pixels;
  const voxels = new Uint8Array(pixels.length);
  const whole = box([0, 0, 0, 0, 0], [width, height, 1, channels, 1]);
  deinterleave(
    viewVoxels(dtype, pixels),
    channels,
    viewVoxels(dtype, voxels),
    whole,
    { x: 0, y: 0, z: 0, c: 0, t: 0, width, rows: height },
    whole,
  );
  return voxels;
}

function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, into) => {
      into.set(bytes.subarray(offset, offset + into.length));
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
