import { deepEqual, equal, rejects } from "node:assert/strict";
import { type Box, box, boxVolume } from "../../core/box.ts";
import type { VoxelArray } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { BandBuffers } from "../../core/slab.ts";
import { makeSlab } from "../../pool/make_slab.ts";

const WHOLE = box([2, 3, 1], [9, 32, 4]);

/** A slab whose rows are their own y, and what was asked of it. */
function rowsOfY(options: { rows?: number; bandBytes?: number } = {}) {
  const asked: Box[] = [];
  const fill = (part: Box, voxels: VoxelArray) => {
    asked.push(part);
    const rows = part.max[1] - part.min[1];
    for (let i = 0; i < voxels.length; i++) voxels[i] = part.min[1] + Math.floor(i / 7) % rows;
  };
  return { asked, slab: makeSlab({ box: WHOLE, dtype: "uint8", ...options }, fill) };
}

const startsOf = (bands: readonly { box: Box }[]) => bands.map(({ box }) => box.min[1]);

const cases = [
  { name: "one band where all fits", made: {}, asked: {}, starts: [3] },
  {
    name: "bands of its own rows",
    made: { rows: 8, bandBytes: 1 },
    asked: {},
    starts: [3, 8, 16, 24],
  },
  {
    name: "bands of the reader's rows",
    made: { bandBytes: 1 },
    asked: { rows: 16 },
    starts: [3, 16],
  },
  {
    name: "bands of both",
    made: { rows: 6, bandBytes: 1 },
    asked: { rows: 4 },
    starts: [3, 12, 24],
  },
];
for (const { name, made, asked, starts } of cases) {
  Deno.test(`makeSlab() makes ${name}`, async () => {
    const { slab } = rowsOfY(made);
    deepEqual(startsOf(await Array.fromAsync(slab.bands(asked))), starts);
  });
}

Deno.test("makeSlab() asks for every voxel once, and makes them anew when it is read again", async () => {
  const { slab, asked } = rowsOfY({ rows: 8, bandBytes: 1 });
  const voxels = await gatherVoxels(slab);
  equal(asked.reduce((sum, part) => sum + boxVolume(part), 0), boxVolume(WHOLE));
  deepEqual([voxels[0], voxels[7], voxels[voxels.length - 1]], [3, 4, 31]);
  deepEqual(await gatherVoxels(slab), voxels);
  equal(asked.length, 8);
});

Deno.test("makeSlab() asks for one band ahead and not for more", async () => {
  const { slab, asked } = rowsOfY({ rows: 1, bandBytes: 1 });
  for await (const _ of slab.bands()) break;
  equal(asked.length, 2);
});

Deno.test("makeSlab() gives its buffers back, also where the reader leaves or the function throws", async () => {
  const buffers = new BandBuffers();
  const first = buffers.take("uint8", WHOLE);
  buffers.give(first);
  const slab = makeSlab({ box: WHOLE, dtype: "uint8", buffers }, () => {
    throw new Error("the tape is torn");
  });
  await rejects(gatherVoxels(slab), /the tape is torn/);
  for await (const _ of makeSlab({ box: WHOLE, dtype: "uint8", buffers }, () => {}).bands()) break;
  equal(buffers.take("uint8", WHOLE).buffer, first.buffer);
});
