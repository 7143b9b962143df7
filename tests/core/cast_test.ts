import { deepEqual, equal, throws } from "node:assert/strict";
import { castWindow } from "../../core/cast.ts";
import { dtypeRange, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";

type Voxels = { [index: number]: number | bigint };

/** The documented formula in exact arithmetic, for integers. */
function exactCast(voxel: bigint, low: bigint, high: bigint, min: bigint, range: bigint): bigint {
  const inside = voxel < low ? low : voxel > high ? high : voxel;
  const [dividend, divisor] = [(inside - low) * range, high - low];
  const [floor, twice] = [dividend / divisor, 2n * (dividend % divisor)];
  return min + (twice > divisor || (twice === divisor && floor % 2n === 1n) ? floor + 1n : floor);
}

for (const from of ["uint8", "int8", "uint16", "int16", "int32", "uint64"] as const) {
  for (const to of ["uint8", "int8", "uint16", "int16"] as const) {
    Deno.test(`castWindow() spreads ${from} over ${to} exactly`, () => {
      const [least, most] = from === "int32" || from === "uint64"
        ? [from === "int32" ? -70000 : 0, 70000]
        : dtypeRange(from);
      const wide = Math.min(40000, Math.trunc(most / 2));
      for (const [low, high] of [[0, 100], [3, wide], [0, 2], [Math.max(least, -50), 50]]) {
        // Few voxels go without a table, many with one.
        for (const count of [40, 70000]) {
          const source = viewVoxels(from, new Uint8Array(count * VOXEL_BYTES[from]));
          for (let i = 0; i < count; i++) {
            const value = least + (i * 7 + 3) % (most - least + 1);
            (source as Voxels)[i] = from === "uint64" ? BigInt(value) : value;
          }
          const target = viewVoxels(to, new Uint8Array(count * VOXEL_BYTES[to]));
          castWindow(source, low, high, target);
          const [min, max] = dtypeRange(to).map(BigInt);
          for (let i = 0; i < count; i += count > 100 ? 97 : 1) {
            const expected = exactCast(
              BigInt(source[i]),
              BigInt(low),
              BigInt(high),
              min,
              max - min,
            );
            equal(target[i], Number(expected), `${source[i]} in ${low}:${high}`);
          }
        }
      }
    });
  }
}

const casts = [
  {
    name: "float32 to uint8",
    from: Float32Array.of(-1, 0, 0.25, 0.5, 1, 9, NaN, Infinity, -Infinity),
    window: [0, 1],
    to: Uint8Array.of(0, 0, 64, 128, 255, 255, 0, 255, 0),
  },
  {
    name: "a half to the even voxel",
    from: Uint8Array.of(0, 1, 2),
    window: [0, 2],
    to: Uint8Array.of(0, 128, 255),
  },
  {
    name: "uint8 to the ends of uint32",
    from: Uint8Array.of(0, 10, 255),
    window: [10, 20],
    to: Uint32Array.of(0, 0, 4294967295),
  },
  {
    name: "uint16 to the ends of uint64",
    from: Uint16Array.of(0, 50, 100),
    window: [0, 100],
    to: BigUint64Array.of(0n, 9223372036854775808n, 18446744073709551615n),
  },
  {
    name: "float32 to the ends of int32",
    from: Float32Array.of(-3, -1, 1, 3),
    window: [-1, 1],
    to: Int32Array.of(-2147483648, -2147483648, 2147483647, 2147483647),
  },
] as const;
for (const { name, from, window, to } of casts) {
  Deno.test(`castWindow() casts ${name}`, () => {
    const target = to.slice();
    viewBytes(target).fill(7);
    castWindow(from, window[0], window[1], target);
    deepEqual(target, to);
  });
}

Deno.test("castWindow() refuses float32, windows without width, and fewer voxels than it makes", () => {
  const from = new Uint16Array(4);
  throws(() => castWindow(from, 0, 1, new Float32Array(4)), RangeError);
  throws(() => castWindow(from, 1, 1, new Uint8Array(4)), RangeError);
  throws(() => castWindow(from, 0, Infinity, new Uint8Array(4)), RangeError);
  throws(() => castWindow(from, 0, 1, new Uint8Array(5)), RangeError);
});
