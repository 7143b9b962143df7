/** OME-Zarr volumes of every dtype, odd extent and offset, and large ones of each format, read by other programs. */
import { equal } from "node:assert/strict";
import { type Dtype, VOXEL_BYTES } from "../../core/dtype.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { withFolder } from "../_stack.ts";
import { python } from "./_python.ts";
import {
  type Edges,
  type Kind,
  RAW,
  type Sides,
  WrittenVolumes,
  ZSTD,
} from "./_written_volumes.ts";

const EDGES: readonly Edges[] = [
  { edges: [4, 4.5, 40], doubled: [true, true, false] },
  { edges: [8, 8, 8], doubled: [true, true, true] },
];
const DTYPES = Object.keys(VOXEL_BYTES) as Dtype[];
/** Extents, and chunks and shards that do not divide them. */
const SIZES: readonly { size: Sides; chunk: Sides; shard: Sides }[] = [
  { size: [7, 5, 3], chunk: [4, 4, 2], shard: [8, 8, 2] },
  { size: [100, 70, 33], chunk: [32, 16, 8], shard: [64, 64, 16] },
];
const KINDS: readonly Omit<Kind, "format">[] = [
  ...DTYPES.map((dtype) => ({ dtype, codec: ZSTD })),
  { dtype: "uint16", codec: ZSTD, channels: 2 },
  { dtype: "uint32", codec: ZSTD, kind: "labels" },
  { dtype: "uint64", codec: ZSTD, kind: "labels" },
];

for (const [format, shards] of [["0.5", "sharded"], ["0.5", "none"], ["0.4", "none"]] as const) {
  Deno.test({
    name: `tensorstore and zarr-python read every scale of OME-Zarr ${format}, shards: ${shards}`,
    ignore: python === undefined,
    fn: () =>
      withFolder(async (folder) => {
        await using pool = new WorkerPool({ size: 2 });
        const volumes = new WrittenVolumes(folder, pool);
        for (const kind of KINDS) {
          for (const size of SIZES) {
            for (const [i, edges] of EDGES.entries()) {
              const shard = shards === "sharded" ? size.shard : "none";
              await volumes.add({ ...kind, format }, { ...size, shard }, edges, i === 1);
            }
          }
        }
        equal(volumes.cases.length, KINDS.length * 4);
        await volumes.check();
      }),
  });
}

Deno.test({
  name:
    "volumes of 1000 x 700 x 65 are read by others: each format, sharded and not, whole and cut",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      await using pool = new WorkerPool({ size: 2 });
      const volumes = new WrittenVolumes(folder, pool);
      const size = { size: [1000, 700, 65], chunk: [128, 96, 32], shard: [512, 384, 32] } as const;
      const kinds: readonly Kind[] = [
        { dtype: "uint8", format: "0.5", codec: ZSTD },
        { dtype: "uint8", format: "precomputed", codec: RAW },
        { dtype: "uint8", format: "0.4", codec: { codec: "none", crc32c: false } },
      ];
      for (const [i, kind] of kinds.entries()) {
        const ways = kind.format === "0.4" ? ["none" as const] : [size.shard, "none" as const];
        for (const [j, shard] of ways.entries()) {
          await volumes.add(kind, { ...size, shard }, EDGES[i % 2], (i + j) % 2 === 1);
        }
      }
      await volumes.check();
    }),
});
