import { deepEqual } from "node:assert/strict";
import { box } from "../../core/box.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import type { Slab } from "../../core/slab.ts";

Deno.test("gatherVoxels() puts bands in their places and leaves out those of coarser scales", async () => {
  const slab: Slab = {
    box: box([5, 2, 1], [7, 5, 3]),
    scale: 1,
    dtype: "int16",
    losses: [],
    async *bands() {
      const data = new Int16Array([1, 2, 3, 4, 11, 12, 13, 14]);
      yield await Promise.resolve({ scale: 1, box: box([5, 2, 1], [7, 4, 3]), data });
      yield { scale: 2, box: box([2, 1, 0], [4, 2, 1]), data: new Int16Array([99, 99]) };
      yield { scale: 1, box: box([5, 4, 1], [7, 5, 3]), data: new Int16Array([5, 6, -15, -16]) };
    },
  };
  deepEqual(
    await gatherVoxels(slab),
    new Int16Array([1, 2, 3, 4, 5, 6, 11, 12, 13, 14, -15, -16]),
  );
});
