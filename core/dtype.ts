/**
 * The voxel types that sources, stores and codecs agree on.
 * @module
 */

/**
 * Bytes of one voxel of each dtype.
 * @example Bytes of a box of 16-bit voxels
 * ```ts
 * import { box, boxVolume, VOXEL_BYTES } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(boxVolume(box([0, 0, 0], [7, 5, 3])) * VOXEL_BYTES["uint16"], 210);
 * ```
 */
export const VOXEL_BYTES = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  float32: 4,
} as const satisfies Record<string, number>;

/** The type of one voxel. */
export type Dtype = keyof typeof VOXEL_BYTES;

const ARRAYS = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  float32: Float32Array,
} as const;

/** Voxels in memory, in the machine's byte order (little-endian on every machine Deno runs on). */
export type VoxelArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | Float32Array;

/**
 * Sees bytes as voxels, without copying.
 * @throws {RangeError} If the bytes are not whole voxels, or do not start at a multiple of the voxel's size.
 * @example Two voxels of 16 bits
 * ```ts
 * import { viewVoxels } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(viewVoxels("uint16", new Uint8Array([1, 0, 0, 2])), new Uint16Array([1, 512]));
 * ```
 */
export function viewVoxels(dtype: Dtype, bytes: Uint8Array): VoxelArray {
  if (bytes.byteLength % VOXEL_BYTES[dtype] !== 0) {
    throw new RangeError(
      `Cannot see ${bytes.byteLength} bytes as ${dtype}: they must be a multiple of ${
        VOXEL_BYTES[dtype]
      }`,
    );
  }
  return new ARRAYS[dtype](
    bytes.buffer as ArrayBuffer,
    bytes.byteOffset,
    bytes.byteLength / VOXEL_BYTES[dtype],
  );
}

/**
 * Sees voxels as bytes, without copying.
 * @example Voxels on their way into a PNG
 * ```ts
 * import { encodePng, viewBytes } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const data = viewBytes(new Uint16Array([1, 512]));
 * deepEqual(data, new Uint8Array([1, 0, 0, 2]));
 * const png = encodePng({ width: 2, height: 1, samples: 1, dtype: "uint16", data });
 * deepEqual(png.slice(1, 4), new TextEncoder().encode("PNG"));
 * ```
 */
export function viewBytes(voxels: VoxelArray): Uint8Array {
  return new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength);
}

/**
 * The dtype of voxels, as their array says.
 * @example Voxels of 16 bits
 * ```ts
 * import { dtypeOf } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(dtypeOf(new Uint16Array(3)), "uint16");
 * ```
 */
export function dtypeOf(voxels: VoxelArray): Dtype {
  return (Object.keys(ARRAYS) as Dtype[]).find((dtype) => voxels instanceof ARRAYS[dtype])!;
}

/**
 * Whether `name` is a dtype that volumes may have.
 * @example A word from outside
 * ```ts
 * import { isDtype, VOXEL_BYTES } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const word: string = "uint16";
 * equal(isDtype(word) && VOXEL_BYTES[word], 2);
 * equal(isDtype("float64"), false);
 * ```
 */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(VOXEL_BYTES, name);
}

/**
 * Smallest and largest value of an integer dtype; for float32 the finite range.
 * @example Inverting voxels of any integer dtype
 * ```ts
 * import { dtypeRange } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const [low, high] = dtypeRange("int8");
 * deepEqual([-128, 0, 127].map((voxel) => high + low - voxel), [127, -1, -128]);
 * ```
 */
export function dtypeRange(dtype: Dtype): readonly [low: number, high: number] {
  if (dtype === "float32") return [-3.4028234663852886e38, 3.4028234663852886e38];
  const bits = VOXEL_BYTES[dtype] * 8;
  return dtype.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}
