import { deepEqual, equal } from "node:assert/strict";
import { box } from "../../core/box.ts";
import {
  boxAtScale,
  cellBox,
  cellsOf,
  countCells,
  eachCell,
  type Layout,
  parseUnit,
  unitBox,
  unitName,
  unitsOf,
} from "../../core/layout.ts";

const layout: Layout = {
  dtype: "uint8",
  axes: ["z", "y", "x"],
  fill: 0,
  downsample: "mean",
  encoding: { codec: "none", crc32c: false },
  scales: [
    {
      size: [37, 29, 11, 1, 1],
      factor: [1, 1, 1, 1, 1],
      chunk: [8, 8, 4, 1, 1],
      shard: [16, 16, 4, 1, 1],
    },
    {
      size: [19, 15, 11, 1, 1],
      factor: [2, 2, 1, 1, 1],
      chunk: [8, 8, 4, 1, 1],
      shard: [16, 16, 4, 1, 1],
    },
    {
      size: [10, 8, 6, 1, 1],
      factor: [4, 4, 2, 1, 1],
      chunk: [8, 8, 4, 1, 1],
      shard: [16, 8, 4, 1, 1],
    },
  ],
};

Deno.test("cells cover a size, and the last is clipped", () => {
  deepEqual(countCells([37, 29, 11, 2, 1], [16, 16, 4, 1, 1]), [3, 2, 3, 2, 1]);
  deepEqual(
    cellBox([2, 1, 2, 0, 0], [16, 16, 4, 1, 1], [37, 29, 11, 1, 1]),
    box([32, 16, 8], [37, 29, 11]),
  );
  deepEqual(unitBox(layout, { scale: 0, index: [2, 1, 2, 0, 0] }), box([32, 16, 8], [37, 29, 11]));
});

Deno.test("a box touches the cells that hold a voxel of it, and no more", () => {
  deepEqual(cellsOf(box([0, 0, 0], [16, 16, 4]), [16, 16, 4, 1, 1]), box([0, 0, 0], [1, 1, 1]));
  deepEqual(cellsOf(box([15, 16, 3], [17, 17, 5]), [16, 16, 4, 1, 1]), box([0, 1, 0], [2, 2, 2]));
  deepEqual([...eachCell(box([1, 2, 3], [3, 3, 5]))], [
    [1, 2, 3, 0, 0],
    [2, 2, 3, 0, 0],
    [1, 2, 4, 0, 0],
    [2, 2, 4, 0, 0],
  ]);
  deepEqual([...eachCell(box([1, 2, 3], [1, 3, 5]))], []);
});

Deno.test("extents round up from scale to scale", () => {
  deepEqual(boxAtScale(layout, box([0, 0, 0], [37, 29, 11]), 0, 2), box([0, 0, 0], [10, 8, 6]));
  deepEqual(boxAtScale(layout, box([8, 4, 4], [37, 6, 8]), 0, 1), box([4, 2, 4], [19, 3, 8]));
  deepEqual(boxAtScale(layout, box([4, 2, 4], [19, 3, 8]), 1, 2), box([2, 1, 2], [10, 2, 4]));
  deepEqual(boxAtScale(layout, box([3, 1, 0], [5, 2, 1]), 1, 1), box([3, 1, 0], [5, 2, 1]));
});

Deno.test("units have a name that is read back, slowest axis first", () => {
  for (const scale of [0, 1, 2]) {
    for (const unit of unitsOf(layout, scale, box([0, 0, 0], layout.scales[scale].size))) {
      deepEqual(parseUnit(unitName(unit)), unit);
    }
  }
  equal(unitName({ scale: 2, index: [1, 2, 3, 4, 5] }), "2/5.4.3.2.1");
});
