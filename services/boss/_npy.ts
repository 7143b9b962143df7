/**
 * Arrays as `application/npygz` has them: a `.npy` file within a zlib stream.
 * @module
 */
import { deflateSync, inflateSync } from "node:zlib";
import { type Dtype, viewBytes, VOXEL_BYTES, type VoxelArray } from "../../core/dtype.ts";
import { fault } from "./_answers.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];

/** Packs voxels in C order. @param shape Slowest axis first. */
export function packNpy(voxels: VoxelArray, dtype: Dtype, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '${descrOf(dtype)}', 'fortran_order': False, 'shape': (${
    shape.join(", ")
  },), }`;
  const head = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + "\n";
  const file = new Uint8Array(10 + head.length + voxels.byteLength);
  file.set(MAGIC);
  new DataView(file.buffer).setUint16(8, head.length, true);
  file.set(new TextEncoder().encode(head), 10);
  file.set(viewBytes(voxels), 10 + head.length);
  return deflateSync(file, { level: 1 });
}

/** Voxels of an array that was sent. @throws {Refusal} If it is none of this type and shape. */
export function unpackNpy(bytes: Uint8Array, dtype: Dtype, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((product, size) => product * size, VOXEL_BYTES[dtype]);
  let file: Uint8Array;
  try {
    file = inflateSync(bytes, { maxOutputLength: count + 65_546 });
  } catch {
    throw fault("DESERIALIZATION_ERROR", "Failed to deserialize data: it is no zlib stream of it.");
  }
  const isNpy = MAGIC.slice(0, 7).every((byte, i) => file[i] === byte) && file.length >= 10;
  if (!isNpy) throw fault("DESERIALIZATION_ERROR", "Failed to deserialize data: it is no .npy.");
  const length = new DataView(file.buffer, file.byteOffset).getUint16(8, true);
  const head = new TextDecoder("latin1").decode(file.subarray(10, 10 + length));
  const found = /'shape': \(([^)]*)\)/.exec(head)?.[1].split(",").filter((one) =>
    one.trim() !== ""
  );
  if (!head.includes(`'descr': '${descrOf(dtype)}'`)) {
    throw fault("DATATYPE_DOES_NOT_MATCH", `Datatype does not match channel: it is ${dtype}.`);
  }
  const body = file.subarray(10 + length);
  const isRight = found?.map(Number).join() === shape.join() &&
    head.includes("'fortran_order': False") && body.length === count;
  if (!isRight) {
    throw fault(
      "DATA_DIMENSION_MISMATCH",
      `Shape of the data must be (${shape.join(", ")}) in C order.`,
    );
  }
  return body.slice();
}

function descrOf(dtype: Dtype): string {
  return `${VOXEL_BYTES[dtype] === 1 ? "|" : "<"}u${VOXEL_BYTES[dtype]}`;
}
