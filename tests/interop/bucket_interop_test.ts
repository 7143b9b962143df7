/** Volumes in buckets of servers that others wrote (moto and fauxqs), read and written by programs that others wrote. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { box, boxSize } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { countTasks } from "../../core/plan.ts";
import { type Point, product } from "../../core/point.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { openArray } from "../../plugins/open_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { setBlobDefaults } from "../../stores/blobs/open_blobs.ts";
import { openVolume } from "../../stores/volume.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { planIngest } from "../../tasks/plan.ts";
import { withFolder } from "../_stack.ts";
import {
  bucketEnv,
  bucketOptions,
  type BucketServer,
  bucketServers,
  makeBucket,
} from "./_buckets.ts";
import type { Program } from "./_programs.ts";
import { python, runPythonWith } from "./_python.ts";
import {
  type Cut,
  type Edges,
  JPEG,
  type Kind,
  labelBlocks,
  type Place,
  PNG,
  RAW,
  type Sides,
  WrittenVolumes,
  ZSTD,
} from "./_written_volumes.ts";

const CUT: Cut = { size: [100, 70, 33], chunk: [48, 24, 16], shard: [96, 48, 32] };
const EDGES: readonly Edges[] = [
  { edges: [4, 4.5, 40], doubled: [true, true, false] },
  { edges: [8, 8, 8], doubled: [true, true, true] },
];
const GZIP = { codec: "gzip", level: 5, crc32c: false } as const;
const BLOSC = { codec: "blosc", cname: "lz4", level: 5, shuffle: true, crc32c: true } as const;
const KINDS: readonly Kind[] = [
  { dtype: "uint16", format: "0.5", codec: ZSTD },
  { dtype: "float32", format: "0.5", codec: BLOSC },
  { dtype: "uint8", format: "0.5", codec: ZSTD, channels: 3 },
  { dtype: "uint64", format: "0.5", codec: ZSTD, kind: "labels" },
  { dtype: "int16", format: "0.4", codec: GZIP },
  { dtype: "uint32", format: "0.4", codec: BLOSC, kind: "labels" },
  { dtype: "uint16", format: "precomputed", codec: RAW },
  { dtype: "uint8", format: "precomputed", codec: PNG },
  { dtype: "uint8", format: "precomputed", codec: JPEG },
  { dtype: "uint32", format: "precomputed", codec: labelBlocks(8, 8, 8), kind: "labels" },
  { dtype: "uint64", format: "precomputed", codec: labelBlocks(8, 8, 8), kind: "labels" },
];

/** Runs a test with a bucket that `s3://` means. */
async function withBucket(
  program: Program,
  name: string,
  test: (folder: string, place: Place) => Promise<void>,
): Promise<void> {
  await makeBucket(program, name);
  setBlobDefaults(bucketOptions(program));
  try {
    await withFolder((folder) =>
      test(folder, { root: `s3://${name}/lab`, endpoint: program.url, env: bucketEnv(program) })
    );
  } finally {
    setBlobDefaults({});
  }
}

/** A volume that others wrote. */
interface Entry {
  readonly what: string;
  readonly address: string;
  readonly voxels: string;
  readonly dtype: Dtype;
  readonly size: Point;
  readonly edges: Sides | null;
  readonly offset: Sides;
  readonly kind: "image" | "labels" | null;
}

/** Reads a volume whole and in part, and turns it into one of another format, which is read again. */
async function readAndTransfer(
  { what, address, voxels, dtype, size, edges, offset, kind }: Entry,
  turn: number,
  { pool, place }: { readonly pool: WorkerPool; readonly place: Place },
): Promise<void> {
  const bytes = await Deno.readFile(voxels);
  const whole = box([0, 0, 0, 0, 0], size);
  const part = box([3, 2, 1, size[3] - 1, size[4] - 1], [
    size[0] - 1,
    size[1],
    5,
    size[3],
    size[4],
  ]);
  const cut = viewVoxels(dtype, new Uint8Array(product(boxSize(part)) * VOXEL_BYTES[dtype]));
  copyBox(viewVoxels(dtype, bytes), whole, cut, part, part);
  const same = async (where: string) => {
    await using volume = await openVolume(where, { pool, bandBytes: 1 << 16 });
    deepEqual([volume.layout.dtype, volume.layout.scales[0].size], [dtype, size], where);
    if (edges !== null) {
      const { unit, ...found } = volume.voxelSize!;
      deepEqual([found, unit], [{ x: edges[0], y: edges[1], z: edges[2] }, "nanometer"], where);
    }
    if (kind !== null) equal(volume.kind, kind, where);
    for (const [of, expected] of [[whole, bytes], [part, viewBytes(cut)]] as const) {
      const found = viewBytes(await gatherVoxels(await volume.read(of)));
      equal(Buffer.compare(found, expected), 0, `${where} ${JSON.stringify(of)}`);
    }
  };
  await same(address);
  await using ledger = await openLedger("memory:");
  // Times are kept by OME-Zarr alone, voxel sizes are needed by precomputed.
  const others: IngestOptions["format"][] = size[4] > 1 || edges === null
    ? ["ome-zarr"]
    : ["ome-zarr", "precomputed"];
  const format = others[turn % others.length];
  const target = `${place.root}/${what}`;
  const { created, status, verified } = await ingest([address], target, {
    ledger,
    pool,
    format,
    levels: 1,
    kind: kind ?? (dtype === "uint32" ? "labels" : "image"),
    chunk: [32, 16, 8],
    shard: size[4] > 1 || turn % 4 > 0 ? [64, 32, 16] : "none",
  });
  deepEqual([status.state, verified?.faults], ["done", []], what);
  await same(created.volume);
  const array = await openArray(created.volume);
  deepEqual(array!.scales[0].offset.slice(0, 3), offset, what);
}

async function prove({ name, start }: BucketServer): Promise<void> {
  const program = await start();
  Deno.test({
    name: `${name}: tensorstore, zarr-python and cloud-volume read every scale of what is ingested`,
    ignore: python === undefined,
    fn: () =>
      withBucket(program, "written", async (folder, place) => {
        await using pool = new WorkerPool({ size: 2 });
        const volumes = new WrittenVolumes(folder, pool, place);
        for (const [i, kind] of KINDS.entries()) {
          for (
            const shard of kind.format === "0.4" ? ["none" as const] : [CUT.shard, "none" as const]
          ) {
            await volumes.add(kind, { ...CUT, shard }, EDGES[i % 2], i % 3 > 0);
          }
        }
        await volumes.check();
      }),
  });
  Deno.test(`${name}: a job of 2,000 tasks ends complete and verified`, () =>
    withBucket(program, "many-tasks", async (_, { root }) => {
      await using ledger = await openLedger("memory:");
      await using pool = new WorkerPool({ size: 0 });
      const size = [8, 8, 8000] as const;
      const plane = size[0] * size[1];
      const voxelAt = (i: number) => (Math.floor(i / plane) * 7 + i % plane) & 255;
      const source = arraySource(
        { name: "planes", size, dtype: "uint8", rows: 8 },
        (part, voxels) => {
          const first = part.min[2] * plane;
          for (let i = 0; i < voxels.length; i++) voxels[i] = voxelAt(first + i);
        },
      );
      const options = { chunk: [8, 8, 4], shard: "none", levels: 1 } as const;
      const report = await planIngest(source, options);
      ok(countTasks(report.plan) > 2000, String(countTasks(report.plan)));
      const target = `${root}/it`;
      const { status, verified } = await ingest(source, target, { ...options, ledger, pool });
      deepEqual([status.state, status.deadLetters], ["done", 0]);
      deepEqual([verified?.faults, verified?.unfinished, verified?.units], [[], 0, 2000]);
      await using volume = await openVolume(target, { pool });
      // All of them were read to verify them; here it is held that they are the right ones.
      for (const first of [0, 3901, 7801]) {
        const part = box([0, 0, first], [8, 8, first + 199]);
        const voxels = await gatherVoxels(await volume.read(part));
        ok(voxels.every((value, i) => value === voxelAt(first * plane + i)));
      }
    }));
  Deno.test({
    name:
      `${name}: what tensorstore, zarr-python and cloud-volume write there is read and transferred`,
    ignore: python === undefined,
    fn: () =>
      withBucket(program, "theirs", async (folder, place) => {
        const printed = await runPythonWith(
          place.env!,
          "bucket_volumes.py",
          "theirs",
          program.url,
          folder,
        );
        // Before it lie the words of cloud-volume.
        const entries: Entry[] = JSON.parse(printed.split("\n").at(-1)!);
        ok(entries.length >= 15, `only ${entries.length}`);
        await using pool = new WorkerPool({ size: 2 });
        for (const [i, entry] of entries.entries()) {
          await readAndTransfer(entry, i, { pool, place });
        }
      }),
  });
  Deno.test.afterAll(async () => await program[Symbol.asyncDispose]());
}

for (const server of bucketServers) await prove(server);
