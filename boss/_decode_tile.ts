/**
 * The one image that the bytes of a tile hold.
 * @module
 */
import type { ByteSource } from "../codecs/image.ts";
import { viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { ImageError } from "../core/errors.ts";
import { sniffFormat } from "../plugins/_headers.ts";
import type { PlaneSize } from "./plugin.ts";

/** A tile, decoded. */
export interface DecodedTile extends PlaneSize {
  /** Row by row. */
  readonly data: VoxelArray;
  /** `png`, `tiff`, `jpeg`. */
  readonly format: string;
}

/**
 * Decodes a tile.
 * @throws {ImageError} If its bytes are not one image of one sample a pixel.
 */
export async function decodeTile(bytes: Uint8Array): Promise<DecodedTile> {
  await using source = memorySource(bytes);
  const format = await sniffFormat(bytes.subarray(0, 16));
  if (format === undefined) {
    throw new ImageError("they are neither PNG nor TIFF nor JPEG", "broken");
  }
  const { images } = await format.describe(source);
  const [{ at, width, height, samples, dtype }] = images;
  if (images.length !== 1) throw new ImageError(`they hold ${images.length} images`, "broken");
  if (samples !== 1) throw new ImageError(`a pixel has ${samples} samples`, "broken");
  const pixels = new Uint8Array(width * height * VOXEL_BYTES[dtype]);
  await using image = await format.open(source, at, { wholeBytes: pixels.length });
  await image.readRows(0, height, pixels);
  return { width, height, data: viewVoxels(dtype, pixels), format: format.name };
}

function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, into) => {
      if (offset + into.length > bytes.length) {
        throw new ImageError(`it is truncated and ends at byte ${bytes.length}`, "broken");
      }
      into.set(bytes.subarray(offset, offset + into.length));
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
