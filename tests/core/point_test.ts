import { deepEqual, equal } from "node:assert/strict";
import { mapPoint, type Point, product, ravel, unravel } from "../../core/point.ts";

Deno.test("unravel() and ravel() count cells, x fastest, and undo one another", () => {
  const counts: Point = [3, 2, 4, 1, 2];
  deepEqual(unravel(0, counts), [0, 0, 0, 0, 0]);
  deepEqual(unravel(1, counts), [1, 0, 0, 0, 0]);
  deepEqual(unravel(3, counts), [0, 1, 0, 0, 0]);
  deepEqual(unravel(6, counts), [0, 0, 1, 0, 0]);
  deepEqual(unravel(24, counts), [0, 0, 0, 0, 1]);
  const seen = new Set<string>();
  for (let index = 0; index < product(counts); index++) {
    const cell = unravel(index, counts);
    equal(ravel(cell, counts), index);
    seen.add(cell.join());
  }
  equal(seen.size, 48);
});

Deno.test("grids beyond 32 bits are counted exactly", () => {
  const counts: Point = [100_003, 100_019, 50_021, 3, 2];
  for (const index of [2 ** 31, 2 ** 32 + 7, 2 ** 48 + 12345]) {
    equal(ravel(unravel(index, counts), counts), index);
  }
});

Deno.test("mapPoint() tells the axis", () => {
  deepEqual(mapPoint([5, 6, 7, 8, 9], (value, axis) => value * 10 + axis), [50, 61, 72, 83, 94]);
});
