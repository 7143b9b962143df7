/**
 * Tiles as they were uploaded, read row by row: many stand open side by side.
 * @module
 */
import { openFileSource } from "../../codecs/file_source.ts";
import { imageFormats, type ImageReader } from "../../codecs/image.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../../core/dtype.ts";
import { ImageError } from "../../core/errors.ts";

/** A tile that stands open. */
export interface TileImage extends AsyncDisposable {
  readonly width: number;
  readonly height: number;
  /** Rows in order, of the channel's dtype: the lowest bits of what is wider. */
  rows(first: number, end: number): Promise<VoxelArray>;
}

/**
 * Opens a tile.
 * @throws {ImageError} If it is no grey image, or not of `size`, or smaller.
 */
export async function openTile(
  path: string,
  size: { readonly x: number; readonly y: number },
  dtype: Dtype,
): Promise<TileImage> {
  const bytes = await openFileSource(path);
  try {
    const image = await openImage(bytes);
    const { width, height, samples, dtype: own } = image.header;
    const state = samples !== 1
      ? `it has ${samples} samples a pixel, and a tile has one`
      : width > size.x || height > size.y
      ? `it has ${width} x ${height} pixels, and the tiles of the job have ${size.x} x ${size.y}`
      : own === "float32"
      ? "its pixels are no integers"
      : undefined;
    if (state !== undefined) {
      await image[Symbol.asyncDispose]();
      throw new ImageError(`Cannot use a tile: ${state}`, "broken");
    }
    return {
      width,
      height,
      async rows(first, end) {
        const plain = new Uint8Array((end - first) * width * VOXEL_BYTES[own]);
        await image.readRows(first, end, plain);
        return cast(viewVoxels(own, plain), dtype);
      },
      async [Symbol.asyncDispose]() {
        await image[Symbol.asyncDispose]();
        await bytes[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await bytes[Symbol.asyncDispose]();
    throw error;
  }
}

async function openImage(bytes: Awaited<ReturnType<typeof openFileSource>>): Promise<ImageReader> {
  const first = new Uint8Array(Math.min(16, bytes.size));
  await bytes.read(0, first);
  for (const load of imageFormats.values()) {
    const format = await load();
    if (!format.matches(first)) continue;
    const { images } = await format.describe(bytes);
    return await format.open(bytes, images[0].at);
  }
  throw new ImageError(`Cannot use a tile: it is none of ${[...imageFormats.keys()]}`, "broken");
}

/** As numpy's `astype` does it. */
function cast(voxels: VoxelArray, dtype: Dtype): VoxelArray {
  const to = viewVoxels(dtype, new Uint8Array(voxels.length * VOXEL_BYTES[dtype]));
  if (to instanceof BigUint64Array) {
    if (voxels instanceof BigUint64Array) to.set(voxels);
    else for (let i = 0; i < to.length; i++) to[i] = BigInt(voxels[i] as number);
  } else if (voxels instanceof BigUint64Array) {
    for (let i = 0; i < to.length; i++) to[i] = Number(voxels[i] & 0xffffffffn);
  } else to.set(voxels);
  return to;
}
