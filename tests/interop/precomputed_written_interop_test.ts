/** Precomputed volumes that sluice wrote, read by tensorstore and by cloud-volume. */
import { ok } from "node:assert/strict";
import { join } from "node:path";
import { box, boxSize } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import { type Dtype, VOXEL_BYTES } from "../../core/dtype.ts";
import { product } from "../../core/point.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { python } from "./_python.ts";
import {
  type Edges,
  JPEG,
  type Kind,
  labelBlocks,
  LEVELS,
  PNG,
  RAW,
  type Sides,
  WrittenVolumes,
} from "./_written_volumes.ts";

const format = "precomputed";
const KINDS: readonly Kind[] = [
  ...(Object.keys(VOXEL_BYTES) as Dtype[]).map((dtype): Kind => ({ dtype, format, codec: RAW })),
  { dtype: "uint8", format, codec: RAW, channels: 3 },
  { dtype: "uint16", format, codec: RAW, channels: 2 },
  { dtype: "uint8", format, codec: PNG },
  { dtype: "uint16", format, codec: PNG },
  { dtype: "uint8", format, codec: PNG, channels: 3 },
  { dtype: "uint8", format, codec: JPEG },
  { dtype: "uint8", format, codec: JPEG, channels: 3 },
  { dtype: "uint32", format, codec: labelBlocks(8, 8, 8), kind: "labels" },
  { dtype: "uint64", format, codec: labelBlocks(8, 8, 8), kind: "labels" },
  { dtype: "uint64", format, codec: labelBlocks(4, 8, 2), kind: "labels" },
];
/** Extents, and chunks and shards that do not divide them. */
const SIZES: readonly { size: Sides; chunk: Sides; shard: Sides }[] = [
  { size: [7, 5, 3], chunk: [4, 4, 2], shard: [8, 8, 2] },
  { size: [100, 70, 33], chunk: [32, 16, 8], shard: [64, 64, 16] },
];
const EDGES: readonly Edges[] = [
  { edges: [4, 4.5, 40], doubled: [true, true, false] },
  { edges: [8, 8, 8], doubled: [true, true, true] },
];

for (const shards of ["sharded", "a file a chunk"] as const) {
  Deno.test({
    name: `tensorstore and cloud-volume read every scale of what is written, ${shards}`,
    ignore: python === undefined,
    fn: () =>
      withFolder(async (folder) => {
        await using pool = new WorkerPool({ size: 2 });
        const volumes = new WrittenVolumes(folder, pool);
        for (const kind of KINDS) {
          for (const size of SIZES) {
            for (const [i, edges] of EDGES.entries()) {
              const shard = shards === "sharded" ? size.shard : "none";
              await volumes.add(kind, { ...size, shard }, edges, i === 1);
            }
          }
        }
        ok(volumes.cases.length > 70);
        await volumes.check();
      }),
  });
}

Deno.test({
  name: "tensorstore and cloud-volume read shards of many minishards, and a stack of PNGs",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      await using pool = new WorkerPool({ size: 2 });
      const volumes = new WrittenVolumes(folder, pool);
      const many = { size: [100, 70, 33], chunk: [2, 2, 2], shard: [64, 64, 32] } as const;
      const kind: Kind = { dtype: "uint16", format, codec: RAW };
      await volumes.add(kind, many, EDGES[1], false);
      const { sharding } = JSON.parse(await Deno.readTextFile(join(folder, "0000", "info")))
        .scales[0];
      ok(sharding.minishard_bits > 0 && sharding.shard_bits > 0, JSON.stringify(sharding));

      const stack = await makeStack(join(folder, "raw"), { width: 100, height: 70, depth: 33 });
      const volume = await volumes.ingest([stack.pattern], "stack", {
        format,
        voxelSize: { x: 8, y: 8, z: 8, unit: "nanometer" },
        levels: LEVELS,
        x: [3, 100],
        y: [1, 70],
        z: [5, 33],
      });
      const part = box([3, 1, 5], [100, 70, 33]);
      const voxels = new Uint16Array(product(boxSize(part)));
      copyBox(stack.voxels, box([0, 0, 0], stack.size), voxels, part, part);
      await volumes.expect({
        what: "a stack of PNGs",
        volume,
        kind,
        voxels,
        part,
        of: EDGES[1],
        sharded: true,
      });
      await volumes.check();
    }),
});
