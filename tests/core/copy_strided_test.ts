import { deepEqual, throws } from "node:assert/strict";
import { box, boxSize, boxVolume, intersect } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import { copyStrided, plainStrides } from "../../core/copy_strided.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { eachCell } from "../../core/layout.ts";
import type { Point } from "../../core/point.ts";
import { stridesOf } from "../../codecs/_raw_chunk.ts";

const DTYPES = Object.keys(VOXEL_BYTES) as Dtype[];
const ORDERS = [[0, 1, 2, 3, 4], [2, 1, 0, 3, 4], [3, 0, 1, 2, 4], [4, 3, 2, 1, 0], [
  1,
  0,
  3,
  4,
  2,
]];

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.imul(i + 7, 0x9e3779b1) >>> 24);
}

Deno.test("a box of every dtype and order of axes arrives bit by bit, odd extents and NaNs included", () => {
  const from = box([3, 2, 1, 0, 0], [10, 7, 4, 2, 3]);
  const to = box([0, 4, 2, 0, 1], [9, 9, 9, 3, 4]);
  const shape = boxSize(from);
  const copied = intersect(from, to)!;
  for (const dtype of DTYPES) {
    const size = VOXEL_BYTES[dtype];
    const plain = viewVoxels(dtype, noise(boxVolume(from) * size));
    const expected = viewVoxels(dtype, new Uint8Array(boxVolume(to) * size));
    copyBox(plain, from, expected, to, copied);
    for (const order of ORDERS) {
      const strides = stridesOf(shape, order);
      const stored = new Uint8Array(plain.byteLength);
      let at = 0;
      for (const cell of eachCell({ min: [0, 0, 0, 0, 0], max: shape })) {
        const place = cell.reduce((sum, value, axis) => sum + value * strides[axis], 0);
        stored.set(viewBytes(plain).subarray(at * size, (at + 1) * size), place * size);
        at++;
      }
      const found = viewVoxels(dtype, new Uint8Array(boxVolume(to) * size));
      copyStrided({ voxels: viewVoxels(dtype, stored), strides }, from.min, found, to, copied);
      deepEqual(viewBytes(found), viewBytes(expected), `${dtype} ${order}`);
    }
  }
});

Deno.test("a box that reaches out of an array is refused", () => {
  const shape: Point = [4, 3, 2, 1, 1];
  const voxels = new Uint8Array(24);
  const whole = box([0, 0, 0], [4, 3, 2]);
  const strides = plainStrides(shape);
  const copy = (copied: ReturnType<typeof box>, to = whole) =>
    copyStrided({ voxels, strides }, [0, 0, 0, 0, 0], new Uint8Array(boxVolume(to)), to, copied);
  throws(() => copy(box([0, 0, 0], [4, 3, 3]), box([0, 0, 0], [4, 3, 3])), RangeError);
  throws(() => copy(box([0, 0, 0], [5, 3, 2])), RangeError);
  throws(() => copy(box([-1, 0, 0], [2, 1, 1]), box([-1, 0, 0], [4, 3, 2])), RangeError);
});
