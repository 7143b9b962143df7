import { deepEqual, equal, throws } from "node:assert/strict";
import { type Box, box, boxSize, boxVolume, intersect } from "../../core/box.ts";
import {
  type Dtype,
  dtypeRange,
  isDtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../../core/dtype.ts";
import { copyBox, deinterleave, fillBox, scanVoxels } from "../../core/voxels.ts";
import { fc } from "../_fast_check.ts";

type Voxel = number | bigint;
type Voxels = { [index: number]: Voxel };

const DTYPES = Object.keys(VOXEL_BYTES).filter(isDtype);
const dtypes = fc.constantFrom(...DTYPES);
const run = { seed: 20260102, numRuns: 500 };

/** Random bits, NaN among them, some voxels behind the beginning of shared memory. */
function voxelsOf(dtype: Dtype, count: number, seed: number, skip = 0): VoxelArray {
  const offset = skip * VOXEL_BYTES[dtype];
  const bytes = new Uint8Array(
    new SharedArrayBuffer(offset + count * VOXEL_BYTES[dtype]),
    offset,
  );
  let state = seed | 1;
  for (let i = 0; i < bytes.length; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    bytes[i] = state >>> 16;
  }
  return viewVoxels(dtype, bytes);
}

function isInside({ min, max }: Box, at: readonly number[]): boolean {
  return at.every((value, axis) => value >= min[axis] && value < max[axis]);
}

/** Bytes of the voxel at one place, or undefined outside the box. */
function voxelAt(voxels: VoxelArray, of: Box, at: readonly number[]): number[] | undefined {
  if (!isInside(of, at)) return undefined;
  const size = boxSize(of);
  let index = 0;
  for (let axis = 4; axis >= 0; axis--) index = index * size[axis] + at[axis] - of.min[axis];
  const width = voxels.BYTES_PER_ELEMENT;
  return [...viewBytes(voxels).subarray(index * width, (index + 1) * width)];
}

function* positions({ min, max }: Box): Generator<readonly number[]> {
  for (let t = min[4]; t < max[4]; t++) {
    for (let c = min[3]; c < max[3]; c++) {
      for (let z = min[2]; z < max[2]; z++) {
        for (let y = min[1]; y < max[1]; y++) {
          for (let x = min[0]; x < max[0]; x++) yield [x, y, z, c, t];
        }
      }
    }
  }
}

/** Boxes that often touch; along x sometimes of whole words. */
const boxes = fc.tuple(
  fc.tuple(fc.nat(9), fc.nat(3), fc.nat(2), fc.nat(1), fc.nat(1)),
  fc.tuple(
    fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(8, 16, 64)),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 2 }),
  ),
).map(([min, size]) => box(min, size.map((edge, axis) => min[axis] + edge)));

Deno.test("copyBox() copies what it should and nothing else, bit by bit", () => {
  fc.assert(
    fc.property(
      dtypes,
      boxes,
      boxes,
      fc.option(boxes, { nil: undefined }),
      fc.nat(3),
      fc.nat(3),
      (dtype, fromBox, toBox, clip, skipA, skipB) => {
        const both = intersect(fromBox, toBox);
        const copied = both && (clip ? intersect(both, clip) : both);
        fc.pre(copied !== undefined);
        const from = voxelsOf(dtype, boxVolume(fromBox), 1, skipA);
        const to = voxelsOf(dtype, boxVolume(toBox) + 1, 2, skipB);
        const before = voxelsOf(dtype, boxVolume(toBox) + 1, 2, skipB);
        copyBox(from, fromBox, to, toBox, copied);
        for (const at of positions(toBox)) {
          const expected: number[] | undefined = isInside(copied, at)
            ? voxelAt(from, fromBox, at)
            : voxelAt(before, toBox, at);
          deepEqual(voxelAt(to, toBox, at), expected);
        }
        deepEqual(viewBytes(to.slice(-1)), viewBytes(before.slice(-1)));
      },
    ),
    run,
  );
});

const cuts = [
  { name: "a cube out of a band", band: [200, 9, 8], chunk: [64, 8, 8], at: [128, 1, 0] },
  { name: "a long row", band: [3000, 3, 2], chunk: [2048, 2, 2], at: [7, 1, 0] },
  { name: "a band of whole planes", band: [40, 6, 5], chunk: [40, 6, 2], at: [0, 0, 2] },
  { name: "rows of an odd width", band: [61, 5, 3], chunk: [33, 4, 3], at: [3, 1, 0] },
] as const;
for (const { name, band, chunk, at } of cuts) {
  for (const dtype of DTYPES) {
    Deno.test(`copyBox() cuts ${name} of ${dtype}`, () => {
      const bandBox = box([5, 6, 7], band.map((edge, axis) => edge + 5 + axis));
      const min = at.map((value, axis) => value + 5 + axis);
      const chunkBox = box(min, chunk.map((edge, axis) => min[axis] + edge));
      const from = voxelsOf(dtype, boxVolume(bandBox), 3);
      const to = viewVoxels(dtype, new Uint8Array(boxVolume(chunkBox) * VOXEL_BYTES[dtype]));
      copyBox(from, bandBox, to, chunkBox, chunkBox);
      const expected = [...positions(chunkBox)].flatMap((at) => voxelAt(from, bandBox, at)!);
      deepEqual([...viewBytes(to)], expected);
    });
  }
}

Deno.test("copyBox() copies nothing where the box is empty", () => {
  const to = new Uint8Array(4);
  copyBox(
    new Uint8Array(4).fill(1),
    box([0, 0, 0], [4, 1, 1]),
    to,
    box([0, 0, 0], [4, 1, 1]),
    box([2, 0, 0], [2, 1, 1]),
  );
  deepEqual(to, new Uint8Array(4));
});

Deno.test("copyBox() refuses other dtypes, boxes that do not cover, and short arrays", () => {
  const of = box([0, 0, 0], [4, 1, 1]);
  const voxels = new Uint8Array(4);
  throws(() => copyBox(voxels, of, new Int8Array(4), of, of), TypeError);
  throws(() => copyBox(voxels, of, voxels, of, box([0, 0, 0], [5, 1, 1])), RangeError);
  throws(() => copyBox(voxels, of, new Uint8Array(3), of, of), RangeError);
});

Deno.test("fillBox() sets what it should and nothing else", () => {
  fc.assert(
    fc.property(dtypes, boxes, boxes, (dtype, toBox, other) => {
      const filled = intersect(toBox, other);
      fc.pre(filled !== undefined);
      const to = voxelsOf(dtype, boxVolume(toBox), 4);
      const before = voxelsOf(dtype, boxVolume(toBox), 4);
      fillBox(to, toBox, filled, 77);
      const value = viewVoxels(dtype, new Uint8Array(VOXEL_BYTES[dtype]));
      (value as Voxels)[0] = dtype === "uint64" ? 77n : 77;
      for (const at of positions(toBox)) {
        const expected: number[] | undefined = isInside(filled, at)
          ? [...viewBytes(value)]
          : voxelAt(before, toBox, at);
        deepEqual(voxelAt(to, toBox, at), expected);
      }
    }),
    { ...run, numRuns: 200 },
  );
});

Deno.test("deinterleave() puts every sample into its channel and nothing else", () => {
  fc.assert(
    fc.property(
      dtypes,
      fc.integer({ min: 1, max: 4 }),
      fc.tuple(fc.nat(9), fc.nat(3), fc.nat(2), fc.nat(1), fc.nat(1)),
      fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 5 })),
      boxes,
      boxes,
      (dtype, samples, [x, y, z, c, t], [width, height], toBox, clip) => {
        const rows = voxelsOf(dtype, width * height * samples, 5);
        const to = voxelsOf(dtype, boxVolume(toBox), 6);
        const before = voxelsOf(dtype, boxVolume(toBox), 6);
        deinterleave(rows, samples, to, toBox, { x, y, z, c, t, width, rows: height }, clip);
        // The image as x = sample, y = pixel, z = row, so that the same lookup serves.
        const image = box([0, 0, 0], [samples, width, height]);
        for (const at of positions(toBox)) {
          const inPlane = at[2] === z && at[4] === t;
          const sample = inPlane && isInside(clip, at)
            ? voxelAt(rows, image, [at[3] - c, at[0] - x, at[1] - y, 0, 0])
            : undefined;
          deepEqual(voxelAt(to, toBox, at), sample ?? voxelAt(before, toBox, at));
        }
      },
    ),
    { ...run, numRuns: 1500 },
  );
});

for (const [samples, channels] of [[3, 3], [4, 3], [3, 2], [4, 4]]) {
  Deno.test(`deinterleave() puts ${channels} of ${samples} bytes a pixel into channels`, () => {
    for (let width = 1; width < 14; width++) {
      for (let x = -5; x < 3; x++) {
        const rows = voxelsOf("uint8", width * 2 * samples, 7, width % 4);
        const of = box([0, 0, 0, 1], [9, 2, 1, 1 + channels]);
        const planes = new Uint8Array(boxVolume(of));
        const image = { x, y: 0, z: 0, c: 1, t: 0, width, rows: 2 };
        deinterleave(rows, samples, planes, of, image, of);
        const expected = [...positions(of)].map(([at, row, , c]) =>
          at < x || at >= x + width ? 0 : rows[(row * width + at - x) * samples + c - 1]
        );
        deepEqual([...planes], expected);
      }
    }
  });
}

Deno.test("deinterleave() refuses fewer samples than the image has", () => {
  const of = box([0, 0, 0, 0], [2, 2, 1, 3]);
  const image = { x: 0, y: 0, z: 0, c: 0, t: 0, width: 2, rows: 2 };
  throws(() => deinterleave(new Uint8Array(11), 3, new Uint8Array(12), of, image, of), RangeError);
});

Deno.test("scanVoxels() finds what a plain loop finds", () => {
  fc.assert(
    fc.property(
      dtypes,
      fc.integer({ min: 1, max: 90 }),
      fc.nat(90),
      fc.nat(3),
      fc.integer(),
      fc.constantFrom("fill", "same", "any", "few"),
      (dtype, count, sameFirst, skip, seed, kind) => {
        const voxels = voxelsOf(dtype, count, seed, skip);
        const first = voxels[0];
        for (let i = 0; i < count; i++) {
          const keep = kind === "any" || kind === "few" && i >= sameFirst;
          if (!keep) (voxels as Voxels)[i] = kind === "fill" ? dtype === "uint64" ? 0n : 0 : first;
        }
        const numbers = [...voxels as Iterable<Voxel>].filter((voxel) => voxel === voxel);
        const sorted = numbers.sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
        const [min, max] = [sorted.at(0) ?? NaN, sorted.at(-1) ?? NaN];
        const empty = [...voxels as Iterable<Voxel>].every((voxel) => Object.is(Number(voxel), 0));
        const found = scanVoxels(voxels, 0);
        const text = (value: Voxel) => dtype === "uint64" ? `${value}` : Number(value) + 0;
        deepEqual(
          { min: text(found.min as number), max: text(found.max as number), empty: found.empty },
          { min: text(min), max: text(max), empty },
        );
      },
    ),
    { ...run, numRuns: 4000 },
  );
});

for (const dtype of DTYPES) {
  Deno.test(`scanVoxels() finds one odd voxel wherever it lies in ${dtype}`, () => {
    for (const value of [1, 100, Number(dtypeRange(dtype)[1] > 1e6 ? 1e6 : 90)]) {
      for (let at = 0; at < 19; at++) {
        const voxels = viewVoxels(dtype, new Uint8Array(19 * VOXEL_BYTES[dtype]));
        const odd = dtype === "uint64" ? BigInt(value) : value;
        (voxels as Voxels)[at] = odd;
        const [min, max] = dtype === "uint64" ? ["0", `${value}`] : [0, value];
        deepEqual(scanVoxels(voxels, 0), { min, max, empty: false });
      }
    }
  });

  Deno.test(`scanVoxels() finds the extremes of ${dtype}`, () => {
    const voxels = viewVoxels(dtype, new Uint8Array(9 * VOXEL_BYTES[dtype]));
    const [low, high] = dtype === "uint64" ? [0n, 2n ** 64n - 1n] : dtypeRange(dtype);
    (voxels as Voxels)[3] = high;
    (voxels as Voxels)[7] = low;
    const [min, max] = dtype === "uint64" ? ["0", `${high}`] : [low, high];
    deepEqual(scanVoxels(voxels, 0), { min, max, empty: false });
  });
}

const floats = [
  { name: "-0 is not 0", voxels: [-0, -0], fill: 0, found: { min: -0, max: -0, empty: false } },
  {
    name: "NaN is left out",
    voxels: [NaN, 2, NaN, 1],
    fill: 0,
    found: { min: 1, max: 2, empty: false },
  },
  {
    name: "nothing but NaN",
    voxels: [NaN, NaN],
    fill: 0,
    found: { min: NaN, max: NaN, empty: false },
  },
  {
    name: "NaN as fill value",
    voxels: [NaN, NaN],
    fill: NaN,
    found: { min: NaN, max: NaN, empty: true },
  },
  {
    name: "a fill value that float32 rounds",
    voxels: [0.1, 0.1],
    fill: 0.1,
    found: { min: Math.fround(0.1), max: Math.fround(0.1), empty: true },
  },
  {
    name: "infinities",
    voxels: [Infinity, -Infinity],
    fill: 0,
    found: { min: -Infinity, max: Infinity, empty: false },
  },
] as const;
for (const { name, voxels, fill, found } of floats) {
  Deno.test(`scanVoxels() of float32: ${name}`, () => {
    deepEqual(scanVoxels(new Float32Array(voxels), fill), found);
  });
}

Deno.test("scanVoxels() tells a chunk of a fill value other than 0", () => {
  deepEqual(scanVoxels(new Int16Array(7).fill(-5), -5), { min: -5, max: -5, empty: true });
  equal(scanVoxels(new BigUint64Array(7).fill(9n), 9).empty, true);
  equal(scanVoxels(new BigUint64Array(7).fill(9n), 8).empty, false);
});

Deno.test("scanVoxels() refuses to scan nothing", () => {
  throws(() => scanVoxels(new Uint8Array(0), 0), RangeError);
});
