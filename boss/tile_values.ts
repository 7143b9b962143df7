/**
 * What becomes of the values of a tile, and the image that it is uploaded as.
 * @module
 */
import {
  type Dtype,
  dtypeOf,
  dtypeRange,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../core/dtype.ts";
import { SluiceError } from "../core/errors.ts";
import { type EncodeImageInput, imageBytes, type ImageEncoding } from "../pool/encode_image.ts";
import type { PlaneSize, TileBody, ValueRule } from "./plugin.ts";

/** The dtype that a rule makes; undefined where that of the image stays. */
export function dtypeOfRule(rule: ValueRule): Dtype | undefined {
  return rule.kind === "cast" || rule.kind === "scale" ? rule.dtype : undefined;
}

/**
 * Does what a rule says: fractions are cut off.
 * @throws {SluiceError} If a value does not fit.
 * @example A plane of floats, as the Boss takes it
 * ```ts
 * import { applyRule } from "./tile_values.ts";
 * import { deepEqual } from "node:assert/strict";
 * const rule = { kind: "scale", factor: 100, dtype: "uint16" } as const;
 * deepEqual(applyRule(rule, new Float32Array([0, 2.5, 3.999])), new Uint16Array([0, 250, 399]));
 * ```
 */
export function applyRule(rule: ValueRule, voxels: VoxelArray): VoxelArray {
  switch (rule.kind) {
    case "keep":
      return voxels;
    case "cast":
      return convert(voxels, rule.dtype);
    case "scale":
      return convert(voxels, rule.dtype, rule.factor);
    case "narrow":
      return rule.kept.includes(dtypeOf(voxels)) ? voxels : convert(voxels, "uint8", 1 / 256);
  }
  return rule satisfies never;
}

function convert(voxels: VoxelArray, dtype: Dtype, factor = 1): VoxelArray {
  if (dtypeOf(voxels) === dtype && factor === 1) return voxels;
  const to = viewVoxels(dtype, new Uint8Array(voxels.length * VOXEL_BYTES[dtype]));
  if (voxels instanceof BigUint64Array && factor === 1) {
    // Numbers above 2^53 do not survive the other way.
    const most = to instanceof BigUint64Array
      ? undefined
      : BigInt(Math.floor(dtypeRange(dtype)[1]));
    for (let i = 0; i < voxels.length; i++) {
      const value = voxels[i];
      if (most !== undefined && value > most) throw tooLarge(value, dtype);
      if (to instanceof BigUint64Array) to[i] = value;
      else to[i] = Number(value);
    }
    return to;
  }
  const [low, high] = dtypeRange(dtype);
  const isWhole = dtype !== "float32";
  for (let i = 0; i < voxels.length; i++) {
    const product = Number(voxels[i]) * factor;
    const value = isWhole ? Math.trunc(product) : product;
    if (!(value >= low && value <= high)) throw tooLarge(product, dtype);
    if (to instanceof BigUint64Array) to[i] = BigInt(value);
    else to[i] = value;
  }
  return to;
}

function tooLarge(value: number | bigint, dtype: Dtype): SluiceError {
  return new SluiceError(
    `Cannot make ${dtype} of the pixels of a tile: one is ${value}, which it does not hold; mend the tile processor, or the datatype of the channel`,
  );
}

/** Most that 32 bits of a TIFF hold for a channel of 64 bits: the server reads them with a sign. */
const MOST_SIGNED = 2 ** 31 - 1;

/**
 * What is to be encoded for a tile, or its bytes where they are there. TIFFs are not compressed, as those of other
 * clients; of images of 64 bits there are none.
 * @param channel Dtype of the channel, if the server says.
 * @throws {SluiceError} If a value is less than 0, or more than the image or the channel holds.
 */
export function prepareTile(
  voxels: VoxelArray,
  size: PlaneSize,
  body: TileBody,
  channel?: string,
): EncodeImageInput | Uint8Array {
  const encoding = body.kind === "image" ? { kind: "tiff" } as const : body;
  const data = fit(voxels, encoding, channel);
  if (body.kind === "image" && data === voxels) return body.bytes;
  const { width, height } = size;
  return { data, dtype: dtypeOf(data), width, height, encoding };
}

/** As {@linkcode prepareTile}, encoded here. */
export function encodeTile(...tile: Parameters<typeof prepareTile>): Uint8Array {
  const prepared = prepareTile(...tile);
  return prepared instanceof Uint8Array ? prepared : imageBytes(prepared);
}

/** Pixels as their image holds them. */
function fit(voxels: VoxelArray, body: ImageEncoding, channel?: string): VoxelArray {
  const dtype = dtypeOf(voxels);
  const wide: Dtype = body.kind === "tiff" ? "uint32" : body.kind === "png" ? "uint16" : "uint8";
  const isPlain = dtype === "uint8" || dtype === "uint16" || dtype === "uint32";
  const pixels = isPlain && VOXEL_BYTES[dtype] <= VOXEL_BYTES[wide]
    ? voxels
    : convert(voxels, VOXEL_BYTES[dtype] < VOXEL_BYTES[wide] ? unsigned(dtype) : wide);
  // A narrower channel would keep the lowest bits of what does not fit.
  const most = channel === "uint64"
    ? MOST_SIGNED
    : channel === "uint8" || channel === "uint16" || channel === "uint32"
    ? dtypeRange(channel)[1]
    : Infinity;
  if (most < dtypeRange(dtypeOf(pixels))[1]) {
    for (let i = 0; i < pixels.length; i++) {
      if (pixels[i] > most) {
        throw new SluiceError(
          `Cannot upload a tile to a channel of ${channel}: a pixel is ${
            pixels[i]
          }, and it takes ${most} in tiles; ${
            channel === "uint64"
              ? "make a volumetric job of it"
              : "choose a channel of a larger datatype"
          }`,
        );
      }
    }
  }
  return pixels;
}

function unsigned(dtype: Dtype): Dtype {
  return dtype === "int8" ? "uint8" : dtype === "int16" ? "uint16" : dtype;
}
