/** What is a precomputed volume's own: names, bytes, and what its `info` may say. */
import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { box } from "../../core/box.ts";
import { viewBytes } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { unitBox, unitsOf } from "../../core/layout.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openVolume } from "../../stores/volume.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { pullVolume } from "../../tasks/pull.ts";
import { setVoxelSize } from "../../tasks/set_voxel_size.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { makeStack, type Stack, withFolder } from "../_stack.ts";
import { encodeUnit, makeVoxels, ORDERS, putAll, whole } from "./_voxels.ts";

const SMALL = {
  voxelSize: parseVoxelSize("4x4x40nm"),
  chunk: [8, 8, 4],
  levels: 2,
} as const satisfies Partial<IngestOptions>;
const SHARDS = { sharded: [16, 16, 8], "a file a chunk": "none" } as const;

/** Ingests a small stack, and hands on what came of it. */
async function withVolume(
  shard: IngestOptions["shard"],
  test: (volume: string, stack: Stack, pool: WorkerPool, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, shard, ledger, pool };
    const target = `precomputed://${join(folder, "out")}`;
    const { created, verified } = await ingest([stack.pattern], target, options);
    deepEqual(verified?.faults, []);
    await test(created.volume, stack, pool, folder);
  });
}

async function readWhole(volume: string, pool: WorkerPool, scale = 0) {
  await using store = await openVolume(volume, { pool });
  const { size } = store.layout.scales[scale];
  return await gatherVoxels(await store.read(box([0, 0, 0, 0, 0], size), { scale }));
}

for (const [name, shard] of Object.entries(SHARDS)) {
  Deno.test(`the bytes of a precomputed volume are the same whatever the order of put(), ${name}`, () =>
    withVolume(shard, async (volume, _, pool) => {
      await using store = await openVolume(volume, { pool });
      // The folder of temporary files went when the job was done.
      const { claim } = (await store.folder.claim())!;
      await Deno.mkdir(store.folder.temporaryPath(claim)!, { recursive: true });
      const voxels = makeVoxels("uint16", whole(store.layout));
      const seen = [];
      for (const order of ORDERS) {
        const files: Uint8Array[] = [];
        for (const unit of unitsOf(store.layout, 0, whole(store.layout))) {
          await using writer = await store.open(unit);
          putAll(writer, order(await encodeUnit(store.layout, unit, voxels)));
          await writer.commit();
          files.push(await Deno.readFile(store.place(unit)));
        }
        seen.push(files);
      }
      ok(seen[0].length > 1);
      deepEqual(seen[1], seen[0]);
      deepEqual(seen[2], seen[0]);
    }));

  Deno.test(`verifyVolume() names a flipped byte of a precomputed volume, and a file that is gone, ${name}`, () =>
    withVolume(shard, async (volume, _, pool) => {
      await using store = await openVolume(volume, { pool });
      const unit = { scale: 0, index: [1, 1, 0, 0, 0] } as const;
      const path = store.place(unit);
      const sound = await Deno.readFile(path);
      for (let at = 0; at < sound.length; at += 61) {
        const flipped = sound.slice();
        flipped[at] ^= 0x20;
        await Deno.writeFile(path, flipped);
        const { faults } = await verifyVolume(volume, { pool });
        deepEqual(faults.map(({ unit, path }) => [unit, path]), [["0/0.0.0.1.1", path]]);
      }
      await Deno.writeFile(path, sound.subarray(0, sound.length - 1));
      equal((await verifyVolume(volume, { pool })).faults.length, 1);
      await Deno.remove(path);
      deepEqual((await verifyVolume(volume, { pool })).faults.map(({ reason }) => reason), [
        "is not there",
      ]);
      // A reader cannot tell it from voxels that nobody wrote.
      const { min: [x, y] } = unitBox(store.layout, unit);
      equal((await readWhole(volume, pool))[y * 37 + x], 0);
      await Deno.writeFile(path, sound);
      deepEqual((await verifyVolume(volume, { pool, source: true })).faults, []);
    }));

  Deno.test(`setVoxelSize() changes the resolutions of a precomputed volume alone, ${name}`, () =>
    withVolume(shard, async (volume, stack, pool) => {
      const scales = async () =>
        JSON.parse(await Deno.readTextFile(join(volume, "info"))).scales as Record<
          string,
          unknown
        >[];
      const before = await scales();
      deepEqual(before.map(({ key }) => key), ["4_4_40", "8_8_40"]);
      const coarse = await readWhole(volume, pool, 1);
      await setVoxelSize(volume, parseVoxelSize("5x6x0.07um"));
      const after = await scales();
      deepEqual(after.map(({ resolution }) => resolution), [[5000, 6000, 70], [10000, 12000, 70]]);
      deepEqual(
        after,
        before.map((scale, i) => ({ ...scale, resolution: after[i].resolution })),
      );
      deepEqual(await readWhole(volume, pool), stack.voxels);
      deepEqual(await readWhole(volume, pool, 1), coarse);
      deepEqual((await verifyVolume(volume, { pool })).faults, []);
      await using store = await openVolume(volume, { pool });
      deepEqual([store.voxelSize?.x, store.state?.complete], [5000, true]);
    }));

  Deno.test(`pullVolume() reads a precomputed volume back into images, ${name}`, () =>
    withVolume(shard, async (volume, stack, pool, folder) => {
      const sections = join(folder, "sections");
      await pullVolume(`precomputed://${volume}`, sections, { pool, format: "png", z: [2, 9] });
      await using ledger = await openLedger("memory:");
      const again = join(folder, "again");
      await ingest([join(sections, "*.png")], `precomputed://${again}`, {
        ...SMALL,
        shard,
        ledger,
        pool,
      });
      const area = 37 * 29;
      deepEqual(await readWhole(again, pool), stack.voxels.slice(2 * area, 9 * area));
    }));
}

Deno.test("a stack that is cut out of lies where it lay, at every scale", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, x: [5, 37], y: [3, 29], z: [2, 11], ledger, pool } as const;
    const { created } = await ingest([stack.pattern], `precomputed://${folder}/out`, options);
    const { scales } = JSON.parse(await Deno.readTextFile(join(created.volume, "info")));
    deepEqual(
      scales.map((scale: Record<string, unknown>) => [scale.size, scale.voxel_offset]),
      [[[32, 26, 9], [5, 3, 2]], [[16, 13, 9], [2, 1, 2]]],
    );
  }));

const INFO = {
  "@type": "neuroglancer_multiscale_volume",
  type: "image",
  data_type: "uint8",
  num_channels: 1,
  scales: [{
    key: "s0",
    size: [7, 5, 3],
    voxel_offset: [1, 2, 3],
    chunk_sizes: [[4, 4, 4]],
    resolution: [4, 4, 40],
    encoding: "raw",
  }],
};
const [SCALE] = INFO.scales;
const scaled = (scale: object) => ({ ...INFO, scales: [{ ...SCALE, ...scale }] });
const SHARDING = {
  "@type": "neuroglancer_uint64_sharded_v1",
  preshift_bits: 0,
  hash: "identity",
  minishard_bits: 0,
  shard_bits: 1,
};
const WRONG: readonly (readonly [what: string, info: unknown, says: RegExp])[] = [
  ["is no JSON", "{", /it is no JSON/],
  ["is a list", [], /it is no JSON object/],
  ["has another type", { ...INFO, type: "mesh" }, /its type is "mesh"/],
  ["has a dtype that is not read", { ...INFO, data_type: "int64" }, /its data_type is "int64"/],
  ["has no channels", { ...INFO, num_channels: 0 }, /its num_channels is 0/],
  ["has no scales", { ...INFO, scales: [] }, /it lists no scales/],
  ["has a key outside", scaled({ key: "../../etc" }), /scale 0 .*its key is no folder below/],
  ["has a flat size", scaled({ size: [7, 5] }), /scale 0 \("s0"\): its size is \[7,5\]/],
  ["has an empty size", scaled({ size: [7, 5, 0] }), /its size is \[7,5,0\]/],
  ["has half an offset", scaled({ voxel_offset: [0.5, 0, 0] }), /its voxel_offset is \[0\.5,0,0\]/],
  ["has no chunk size", scaled({ chunk_sizes: [] }), /it has no chunk_sizes/],
  ["has a broken chunk size", scaled({ chunk_sizes: [[4, 4]] }), /its chunk_sizes is \[4,4\]/],
  ["has no resolution", scaled({ resolution: undefined }), /its resolution is not there/],
  ["has a negative resolution", scaled({ resolution: [4, 4, -1] }), /its resolution is \[4,4,-1\]/],
  ["has an unknown encoding", scaled({ encoding: "jpg" }), /its encoding is "jpg".*mean "jpeg"/],
  [
    "has labels without blocks",
    { ...scaled({ encoding: "compressed_segmentation" }), data_type: "uint64" },
    /its compressed_segmentation_block_size is not there/,
  ],
  [
    "has an encoding that cannot hold its voxels",
    { ...scaled({ encoding: "jpeg" }), data_type: "uint16" },
    /scale 0 \("s0"\): Cannot encode uint16 as jpeg/,
  ],
  [
    "has an unknown hash",
    scaled({ sharding: { ...SHARDING, hash: "md5" } }),
    /scale 0 \("s0"\): .*its "hash" is "md5"/,
  ],
  [
    "has too many bits",
    scaled({ sharding: { ...SHARDING, shard_bits: 65 } }),
    /its "shard_bits" is 65/,
  ],
];
for (const [what, info, says] of WRONG) {
  Deno.test(`a precomputed volume whose info ${what} is refused by name`, () =>
    withFolder(async (folder) => {
      const text = typeof info === "string" ? info : JSON.stringify(info);
      await Deno.writeTextFile(join(folder, "info"), text);
      await using pool = new WorkerPool({ size: 0 });
      await rejects(openVolume(folder, { pool }), (error: Error) => {
        equal(error.name, "SluiceError");
        match(error.message, says);
        ok(error.message.includes(folder), error.message);
        return true;
      });
    }));
}

Deno.test("a volume of another program is read, and not written", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "info"), JSON.stringify(INFO));
    await Deno.mkdir(join(folder, "s0"));
    await Deno.writeFile(
      join(folder, "s0/1-5_2-6_3-6"),
      Uint8Array.from({ length: 48 }, (_, i) => i),
    );
    await using pool = new WorkerPool({ size: 0 });
    await using store = await openVolume(folder, { pool });
    deepEqual([store.state, store.kind, store.layout.axes], [undefined, "image", ["z", "y", "x"]]);
    const voxels = viewBytes(await gatherVoxels(await store.read(box([0, 0, 0], [7, 5, 3]))));
    deepEqual([...voxels.subarray(0, 9)], [0, 1, 2, 3, 0, 0, 0, 4, 5]);
    notEqual(voxels[35 * 2], 0);
    const unit = { scale: 0, index: [0, 0, 0, 0, 0] } as const;
    await rejects(async () => await store.open(unit), /no job was created for it/);
    await rejects(verifyVolume(folder, { pool }), /it holds no receipts/);
    await rejects(openVolume(join(folder, "s0"), { pool }), { name: "UsageError" });
    await rejects(openVolume(`precomputed://${folder}/s0`, { pool }), /there is no "info" in it/);
  }));
