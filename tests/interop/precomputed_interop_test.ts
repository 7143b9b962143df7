/** Precomputed volumes that tensorstore and cloud-volume wrote, read voxel by voxel. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Box, box, boxSize } from "../../core/box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { copyBox } from "../../core/copy_box.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { readChunked } from "../../plugins/chunked_array.ts";
import { openPrecomputedArray } from "../../plugins/precomputed_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openBlobs } from "../../stores/blobs/open_blobs.ts";
import { withFolder } from "../_stack.ts";
import { python, runPython } from "./_python.ts";

interface Entry {
  readonly volume: string;
  readonly voxels: string;
  readonly dtype: Dtype;
  readonly size: readonly [number, number, number];
  readonly channels: number;
  readonly offset: readonly [number, number, number];
  readonly what: string;
}

for (const [program, least] of [["tensorstore", 100], ["cloud-volume", 60]] as const) {
  Deno.test({
    name: `every voxel of what ${program} writes is read: dtypes, encodings, shards, offsets`,
    ignore: python === undefined,
    fn: () =>
      withFolder(async (folder) => {
        const entries: Entry[] = JSON.parse(
          // Before it lie the words of cloud-volume.
          (await runPython("precomputed_volumes.py", program, folder)).split("\n").at(-1)!,
        );
        ok(entries.length > least, `only ${entries.length}`);
        await using pool = new WorkerPool({ size: 2 });
        for (const { volume, voxels, dtype, size, channels, offset, what } of entries) {
          await using blobs = await openBlobs(volume);
          const array = await openPrecomputedArray(blobs);
          const [scale] = array.scales;
          deepEqual([scale.dtype, scale.size], [dtype, [...size, channels, 1]], what);
          deepEqual(scale.offset.slice(0, 3), offset);
          deepEqual(scale.voxelSize, { x: 4, y: 4.5, z: 40, unit: "nanometer" });
          const bytes = await Deno.readFile(voxels);
          const whole = box([0, 0, 0, 0, 0], scale.size);
          const expected = viewVoxels(dtype, bytes);
          const part: Box = {
            min: [1, 2, 1, channels - 1, 0],
            max: [size[0] - 1, size[1], 3, channels, 1],
          };
          for (const wanted of [whole, part]) {
            const found = await gatherVoxels(
              readChunked(scale, wanted, { pool, bandBytes: 1 << 14 }),
            );
            const [x, y, z, c] = boxSize(wanted);
            const cut = viewVoxels(dtype, new Uint8Array(x * y * z * c * VOXEL_BYTES[dtype]));
            copyBox(expected, whole, cut, wanted, wanted);
            equal(Buffer.compare(viewBytes(found), viewBytes(cut)), 0, what);
          }
        }
      }),
  });
}
