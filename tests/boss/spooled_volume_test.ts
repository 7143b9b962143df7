/** Boxes of a volume by way of the spool: whatever their shape, the voxels are those that are stored. */
import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { Spool } from "../../boss/spool.ts";
import { SpooledVolume } from "../../boss/spooled_volume.ts";
import { box, boxVolume } from "../../core/box.ts";
import { openArray } from "../../plugins/open_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { withFolder } from "../_stack.ts";
import { writeZarr } from "./_zarr_files.ts";

const [WIDTH, HEIGHT, DEPTH] = [230, 41, 9];
const voxel = (x: number, y: number, z: number) => (x * 7 + y * 1021 + z * 4099) % 65521 + 1;

const cases = [
  { name: "all of the volume", min: [0, 0, 0], max: [WIDTH, HEIGHT, DEPTH] },
  { name: "some whole rows", min: [0, 5, 2], max: [WIDTH, 9, 3] },
  { name: "a narrow column of many rows", min: [100, 1, 1], max: [103, 40, 8] },
  { name: "one voxel", min: [229, 40, 8], max: [230, 41, 9] },
  { name: "the corner of four cells", min: [190, 18, 3], max: [210, 25, 7] },
  { name: "a box that goes beyond the volume", min: [220, 30, 4], max: [260, 50, 12] },
] as const;

Deno.test("SpooledVolume.read() copies boxes of every shape, and decodes each cell once", async (t) => {
  await withFolder(async (folder) => {
    await writeZarr(join(folder, "a.zarr"), {
      shape: [DEPTH, HEIGHT, WIDTH],
      chunks: [4, 20, 50],
      dtype: "uint16",
      voxel,
    });
    const { signal } = new AbortController();
    const found = await openArray(join(folder, "a.zarr"), { signal });
    const spool = await Spool.open(join(folder, "spool"));
    await using pool = new WorkerPool({ size: 0 });
    const want = [200, 20, 4] as const;
    const volume = new SpooledVolume({ name: "a", scale: found!.scales[0], want, spool, pool });
    for (const { name, min, max } of cases) {
      await t.step(name, async () => {
        const wanted = box([...min], [...max]);
        const voxels = new Uint16Array(boxVolume(wanted));
        await volume.read(wanted, voxels, wanted, signal);
        const right = new Uint16Array(voxels.length);
        let at = 0;
        for (let z = min[2]; z < max[2]; z++) {
          for (let y = min[1]; y < max[1]; y++) {
            for (let x = min[0]; x < max[0]; x++, at++) {
              if (x < WIDTH && y < HEIGHT && z < DEPTH) right[at] = voxel(x, y, z);
            }
          }
        }
        deepEqual(voxels, right);
      });
    }
    // 230 x 41 x 9 voxels in cells of 200 x 20 x 4.
    equal(spool.counts.made, 2 * 3 * 3);
  });
});
