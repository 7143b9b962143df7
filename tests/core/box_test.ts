import { deepEqual, equal, throws } from "node:assert/strict";
import {
  type Box,
  box,
  boxSize,
  boxVolume,
  contains,
  formatBox,
  intersect,
} from "../../core/box.ts";
import { fc } from "../_fast_check.ts";

Deno.test("box() fills c and t, and refuses what is no box", () => {
  deepEqual(box([1, 2, 3], [4, 5, 6]), { min: [1, 2, 3, 0, 0], max: [4, 5, 6, 1, 1] });
  deepEqual(box([1, 2, 3, 4], [4, 5, 6, 7]).max, [4, 5, 6, 7, 1]);
  const refused: [number[], number[]][] = [
    [[0, 0, 0], [1, 1, 0.5]],
    [[0, 0, 1], [1, 1, 0]],
    [[0, 0], [1, 1]],
    [[0, 0, NaN], [1, 1, 1]],
    [[0, 0, 0], [2 ** 60, 1, 1]],
    [[0, 0, 0, 2], [1, 1, 1]],
  ];
  for (const [min, max] of refused) throws(() => box(min, max), RangeError);
});

const cases: [a: Box, b: Box, common: Box | undefined][] = [
  [box([0, 0, 0], [4, 4, 4]), box([2, 3, 1], [9, 9, 2]), box([2, 3, 1], [4, 4, 2])],
  [box([0, 0, 0], [4, 4, 4]), box([4, 0, 0], [8, 4, 4]), undefined],
  [box([0, 0, 0], [4, 4, 4]), box([2, 2, 2], [2, 4, 4]), undefined],
  [box([0, 0, 0, 0], [4, 4, 4, 1]), box([0, 0, 0, 1], [4, 4, 4, 2]), undefined],
  [box([-5, 0, 0], [4, 4, 4]), box([-9, 0, 0], [-1, 4, 4]), box([-5, 0, 0], [-1, 4, 4])],
];
for (const [a, b, common] of cases) {
  Deno.test(`${formatBox(a)} and ${formatBox(b)} have in common: ${common && formatBox(common)}`, () => {
    deepEqual(intersect(a, b), common);
    deepEqual(intersect(b, a), common);
  });
}

const side = fc.integer({ min: -6, max: 6 });
const someBox = fc.tuple(fc.tuple(side, side, side), fc.tuple(side, side, side)).map(([a, b]) =>
  box(a.map((value, i) => Math.min(value, b[i])), a.map((value, i) => Math.max(value, b[i])))
);

Deno.test("intersect() holds the voxels of both, counted one by one", () => {
  fc.assert(
    fc.property(someBox, someBox, (a, b) => {
      const inside = ({ min, max }: Box, x: number, y: number, z: number) =>
        x >= min[0] && x < max[0] && y >= min[1] && y < max[1] && z >= min[2] && z < max[2];
      let count = 0;
      for (let z = -6; z < 6; z++) {
        for (let y = -6; y < 6; y++) {
          for (let x = -6; x < 6; x++) count += Number(inside(a, x, y, z) && inside(b, x, y, z));
        }
      }
      const common = intersect(a, b);
      equal(common === undefined ? 0 : boxVolume(common), count);
      if (common !== undefined) equal(contains(a, common) && contains(b, common), true);
      if (boxVolume(b) > 0) equal(contains(a, b), count === boxVolume(b));
    }),
    { numRuns: 60 },
  );
});

Deno.test("formatBox() says c and t only where they say something", () => {
  equal(formatBox(box([0, 0, 3], [512, 256, 4])), "x 0:512 y 0:256 z 3:4");
  equal(formatBox(box([0, 0, 3, 1], [5, 2, 4, 2])), "x 0:5 y 0:2 z 3:4 c 1:2");
  equal(formatBox(box([0, 0, 3, 0, 0], [5, 2, 4, 1, 9])), "x 0:5 y 0:2 z 3:4 t 0:9");
  deepEqual(boxSize(box([1, 2, 3], [4, 6, 8])), [3, 4, 5, 1, 1]);
});
