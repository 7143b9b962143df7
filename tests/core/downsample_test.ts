import { deepEqual, equal, throws } from "node:assert/strict";
import { downsampledSize, downsampleRows, type VolumeSize } from "../../core/downsample.ts";
import { type Dtype, dtypeRange, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import type { VoxelArray } from "../../core/dtype.ts";
import { fc } from "../_fast_check.ts";

type Factor = readonly [1 | 2, 1 | 2, 1 | 2];
type Voxel = number | bigint;

const DTYPES = Object.keys(VOXEL_BYTES) as Dtype[];
const FACTORS = ([1, 2] as const).flatMap((x) =>
  ([1, 2] as const).flatMap((y) => ([1, 2] as const).map((z): Factor => [x, y, z]))
);

function volume([x, y, z, n]: VolumeSize): number {
  return x * y * z * n;
}

/** The rule, voxel by voxel and in exact arithmetic: slow, and written apart from what it checks. */
function reference(
  method: "mean" | "mode",
  dtype: Dtype,
  fill: number,
  source: VoxelArray,
  size: VolumeSize,
  factor: Factor,
): VoxelArray {
  const made = downsampledSize(size, factor);
  const target = viewVoxels(dtype, new Uint8Array(volume(made) * VOXEL_BYTES[dtype]));
  let at = 0;
  for (let n = 0; n < made[3]; n++) {
    for (let z = 0; z < made[2]; z++) {
      for (let y = 0; y < made[1]; y++) {
        for (let x = 0; x < made[0]; x++) {
          const window: Voxel[] = [];
          for (let k = z * factor[2]; k < Math.min((z + 1) * factor[2], size[2]); k++) {
            for (let j = y * factor[1]; j < Math.min((y + 1) * factor[1], size[1]); j++) {
              for (let i = x * factor[0]; i < Math.min((x + 1) * factor[0], size[0]); i++) {
                window.push(source[i + size[0] * (j + size[1] * (k + size[2] * n))]);
              }
            }
          }
          const value = method === "mode" ? modeOf(window, fill, dtype) : meanOf(window, dtype);
          (target as { [index: number]: Voxel })[at++] = value;
        }
      }
    }
  }
  return target;
}

function meanOf(window: Voxel[], dtype: Dtype): Voxel {
  if (dtype === "float32") {
    return (window as number[]).reduce((sum, value) => sum + value) / window.length;
  }
  const count = BigInt(window.length);
  const sum = window.reduce((total: bigint, value) => total + BigInt(value), 0n);
  const floor = (sum - ((sum % count) + count) % count) / count;
  const twice = 2n * (sum - floor * count);
  const even = floor % 2n === 0n;
  const mean = twice > count || (twice === count && !even) ? floor + 1n : floor;
  return dtype === "uint64" ? mean : Number(mean);
}

function modeOf(window: Voxel[], fill: number, dtype: Dtype): Voxel {
  const none: Voxel = dtype === "uint64" ? BigInt(fill) : fill + 0;
  const counts = new Map<Voxel, number>();
  for (const value of window) {
    const key = typeof value === "number" ? value + 0 : value;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  const best = [...counts].filter(([, count]) => count === most).map(([value]) => value);
  const others = best.filter((value) => !Object.is(value, none));
  if (others.length === 0) return none;
  return others.reduce((a, b) => Number.isNaN(a) ? b : Number.isNaN(b) ? a : a < b ? a : b);
}

/** Voxels of few values, so that windows tie; and, for `wide`, of the dtype's extremes. */
function randomVoxels(dtype: Dtype, count: number, seed: number, wide: boolean): VoxelArray {
  let state = seed | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const voxels = viewVoxels(dtype, new Uint8Array(count * VOXEL_BYTES[dtype]));
  if (wide) {
    const bytes = viewBytes(voxels);
    const [low, high] = dtypeRange(dtype);
    for (let i = 0; i < bytes.length; i++) bytes[i] = next();
    for (let i = 0; i < count; i++) {
      if (next() % 3 === 0 && !(voxels instanceof BigUint64Array)) {
        voxels[i] = next() % 2 ? low : high;
      }
      if (next() % 3 === 0 && voxels instanceof BigUint64Array) {
        voxels[i] = next() % 2 ? 0n : 2n ** 64n - 1n;
      }
      if (voxels instanceof Float32Array && Math.abs(voxels[i]) > 1e30) voxels[i] = 1 / 3 + i;
      if (voxels instanceof Float32Array && Number.isNaN(voxels[i])) voxels[i] = -i;
    }
    return voxels;
  }
  const few: Record<Dtype, readonly Voxel[]> = {
    uint8: [0, 1, 2, 255],
    int8: [0, 1, -1, -128],
    uint16: [0, 1, 256, 65535],
    int16: [0, 1, -1, -32768],
    uint32: [0, 1, 65536, 4294967295],
    int32: [0, 1, -1, -2147483648],
    uint64: [0n, 1n, 2n ** 32n, 2n ** 64n - 1n],
    float32: [0, -0, -1.5, 2, NaN, Infinity],
  };
  for (let i = 0; i < count; i++) {
    (voxels as { [index: number]: Voxel })[i] = few[dtype][next() % few[dtype].length];
  }
  return voxels;
}

/** As bytes, with the one NaN that is ever written. */
function bytesOf(voxels: VoxelArray): Uint8Array {
  const bytes = viewBytes(voxels.slice());
  if (voxels instanceof Float32Array) {
    const bits = new Uint32Array(bytes.buffer);
    voxels.forEach((voxel, i) => {
      if (Number.isNaN(voxel)) bits[i] = 0x7fc00000;
    });
  }
  return bytes;
}

for (const method of ["mean", "mode"] as const) {
  for (const dtype of DTYPES) {
    Deno.test(`downsampleRows() makes the exact ${method} of ${dtype}`, () => {
      for (const factor of FACTORS) {
        for (
          const size of [[7, 5, 3, 2], [8, 6, 4, 1], [1, 1, 1, 3], [13, 2, 5, 1], [32, 3, 2, 1]]
        ) {
          for (const wide of [false, true]) {
            for (const fill of dtype.startsWith("u") ? [0, 1] : [0, -1]) {
              const sourceSize = size as unknown as VolumeSize;
              const source = randomVoxels(dtype, volume(sourceSize), size[0] * 77 + fill + 9, wide);
              const targetSize = downsampledSize(sourceSize, factor);
              const target = viewVoxels(
                dtype,
                new Uint8Array(volume(targetSize) * VOXEL_BYTES[dtype]),
              );
              const spec = { method, fill, source, sourceSize, factor, target, targetSize };
              const rows = targetSize[1] * targetSize[2] * targetSize[3];
              downsampleRows({ ...spec, targetRow: 0 }, 0, rows);
              const expected = reference(method, dtype, fill, source, sourceSize, factor);
              deepEqual(
                viewBytes(target),
                bytesOf(expected),
                `${size} by ${factor}, fill ${fill}: ${target} for ${expected} of ${source}`,
              );
            }
          }
        }
      }
    });
  }
}

Deno.test("downsampleRows() makes the same in parts, wherever the arrays lie", () => {
  const edge = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(
      fc.constantFrom(...DTYPES),
      fc.constantFrom("mean" as const, "mode" as const),
      fc.constantFrom(...FACTORS),
      fc.tuple(
        edge,
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(1, 2),
      ),
      fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2)),
      fc.array(fc.nat(70), { maxLength: 3 }),
      fc.tuple(fc.nat(3), fc.nat(3)),
      fc.integer(),
      (dtype, method, factor, sourceSize, [moreX, moreY, moreZ], cuts, [skipA, skipB], seed) => {
        const source = randomVoxels(dtype, volume(sourceSize), seed, false);
        const made = downsampledSize(sourceSize, factor);
        const targetRow = moreY === 0 ? 0 : moreY - 1;
        const targetSize: VolumeSize = [made[0] + moreX, made[1] + moreY, made[2] + moreZ, made[3]];
        const shared = shift(dtype, source, skipA);
        const target = shift(
          dtype,
          viewVoxels(dtype, new Uint8Array(volume(targetSize) * VOXEL_BYTES[dtype]).fill(7)),
          skipB,
        );
        const spec = { method, fill: 0, source: shared, sourceSize, factor, target, targetSize };
        const rows = made[1] * made[2] * made[3];
        const ends = [0, ...cuts.map((cut) => Math.min(cut, rows)).sort((a, b) => a - b), rows];
        for (let i = ends.length - 1; i > 0; i--) {
          downsampleRows({ ...spec, targetRow }, ends[i - 1], ends[i]);
        }
        const expected = viewVoxels(
          dtype,
          new Uint8Array(volume(targetSize) * VOXEL_BYTES[dtype]).fill(7),
        );
        const tight = viewVoxels(
          dtype,
          bytesOf(reference(method, dtype, 0, source, sourceSize, factor)),
        );
        for (let row = 0; row < rows; row++) {
          const y = row % made[1];
          const plane = Math.floor(row / made[1]);
          const [z, n] = [plane % made[2], Math.floor(plane / made[2])];
          const at = ((n * targetSize[2] + z) * targetSize[1] + y + targetRow) * targetSize[0];
          viewBytes(expected).set(
            viewBytes(tight.subarray(row * made[0], (row + 1) * made[0])),
            at * VOXEL_BYTES[dtype],
          );
        }
        deepEqual(viewBytes(target).slice(), viewBytes(expected));
      },
    ),
    { seed: 20260101, numRuns: 400 },
  );
});

/** The same voxels on shared memory, some voxels behind its beginning. */
function shift(dtype: Dtype, voxels: VoxelArray, skip: number): VoxelArray {
  const offset = skip * VOXEL_BYTES[dtype];
  const bytes = new Uint8Array(new SharedArrayBuffer(offset + voxels.byteLength), offset);
  bytes.set(viewBytes(voxels));
  return viewVoxels(dtype, bytes);
}

const ties = [
  { name: "a half goes to the even voxel", method: "mean", window: [1, 2, 2, 1], made: 2 },
  { name: "a half above an even voxel goes down", method: "mean", window: [2, 3, 3, 2], made: 2 },
  { name: "a tie goes to the smaller label", method: "mode", window: [9, 4, 4, 9], made: 4 },
  {
    name: "a tie with the fill value goes to the label",
    method: "mode",
    window: [0, 0, 7, 7],
    made: 7,
  },
  {
    name: "the fill value needs to be the most frequent",
    method: "mode",
    window: [0, 0, 8, 7],
    made: 0,
  },
  {
    name: "four labels give the smallest but the fill value",
    method: "mode",
    window: [6, 0, 3, 5],
    made: 3,
  },
] as const;
for (const { name, method, window, made } of ties) {
  for (const dtype of DTYPES) {
    Deno.test(`downsampleRows() in ${dtype}: ${name}`, () => {
      const source = viewVoxels(dtype, new Uint8Array(4 * VOXEL_BYTES[dtype]));
      window.forEach((value, i) =>
        (source as { [index: number]: Voxel })[i] = dtype === "uint64" ? BigInt(value) : value
      );
      const target = viewVoxels(dtype, new Uint8Array(VOXEL_BYTES[dtype]));
      downsampleRows(
        {
          method,
          fill: 0,
          source,
          sourceSize: [2, 2, 1, 1],
          factor: [2, 2, 1],
          target,
          targetSize: [1, 1, 1, 1],
          targetRow: 0,
        },
        0,
        1,
      );
      const whole = dtype === "float32" && method === "mean" ? window[0] / 2 + window[1] / 2 : made;
      equal(Number(target[0]), whole);
    });
  }
}

const refused = [
  { name: "rows that are not made", end: 9 },
  { name: "a target that is too small", targetSize: [1, 2, 1, 1] },
  { name: "a target row too far down", targetRow: 1 },
  { name: "a source shorter than its size", sourceSize: [4, 4, 4, 4] },
] as const;
for (const { name, ...wrong } of refused) {
  Deno.test(`downsampleRows() refuses ${name}`, () => {
    const spec = {
      method: "mean",
      fill: 0,
      source: new Uint8Array(16),
      sourceSize: [4, 4, 1, 1],
      factor: [2, 2, 1],
      target: new Uint8Array(4),
      targetSize: [2, 2, 1, 1],
      targetRow: 0,
      end: 1,
      ...wrong,
    } as const;
    throws(() => downsampleRows(spec, 0, spec.end), RangeError);
  });
}

Deno.test("downsampleRows() refuses a target of another dtype", () => {
  throws(
    () =>
      downsampleRows(
        {
          method: "mean",
          fill: 0,
          source: new Uint16Array(4),
          sourceSize: [4, 1, 1, 1],
          factor: [2, 1, 1],
          target: new Int16Array(2),
          targetSize: [2, 1, 1, 1],
          targetRow: 0,
        },
        0,
        1,
      ),
    TypeError,
  );
});
