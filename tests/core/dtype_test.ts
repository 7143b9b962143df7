import { deepEqual, equal, throws } from "node:assert/strict";
import {
  type Dtype,
  dtypeOf,
  dtypeRange,
  isDtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
} from "../../core/dtype.ts";

const DTYPES = Object.keys(VOXEL_BYTES) as Dtype[];

for (const dtype of DTYPES) {
  Deno.test(`${dtype}: bytes are seen as voxels and back without a copy`, () => {
    const size = VOXEL_BYTES[dtype];
    const bytes = new Uint8Array(new SharedArrayBuffer(8 + 3 * size), 8);
    const voxels = viewVoxels(dtype, bytes);
    equal(voxels.length, 3);
    equal(voxels.BYTES_PER_ELEMENT, size);
    equal(dtypeOf(voxels), dtype);
    bytes[size] = 1;
    equal(Number(viewVoxels("uint8", viewBytes(voxels))[size]), 1);
    equal(viewBytes(voxels).buffer, bytes.buffer);
    equal(viewBytes(voxels).byteOffset, 8);
    equal(viewVoxels(dtype, new Uint8Array(0)).length, 0);
  });

  Deno.test(`${dtype}: what is not whole voxels is refused`, () => {
    const size = VOXEL_BYTES[dtype];
    if (size === 1) return;
    throws(() => viewVoxels(dtype, new Uint8Array(3 * size - 1)), {
      name: "RangeError",
      message: `Cannot see ${3 * size - 1} bytes as ${dtype}: they must be a multiple of ${size}`,
    });
    throws(() => viewVoxels(dtype, new Uint8Array(4 * size).subarray(1, 1 + size)), RangeError);
  });

  Deno.test(`${dtype}: its range is the smallest and the largest value that it holds`, () => {
    const [low, high] = dtypeRange(dtype);
    const one = viewVoxels(dtype, new Uint8Array(VOXEL_BYTES[dtype]));
    if (one instanceof BigUint64Array) return deepEqual([low, high], [0, Number(2n ** 64n - 1n)]);
    for (const value of [low, high]) {
      one[0] = value;
      equal(one[0], value);
    }
    for (const beyond of [low - 1, high + 1]) {
      one[0] = beyond;
      if (dtype !== "float32") equal(one[0] === beyond, false);
    }
    if (dtype === "float32") {
      one[0] = high * 1.001;
      equal(one[0], Infinity);
    }
  });
}

Deno.test("isDtype() knows dtypes, and no words of JavaScript", () => {
  for (const dtype of DTYPES) equal(isDtype(dtype), true);
  for (const name of ["int64", "float64", "toString", "__proto__", "UINT8", ""]) {
    equal(isDtype(name), false);
  }
});
