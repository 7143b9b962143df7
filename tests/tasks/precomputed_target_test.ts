/** Jobs whose target is a precomputed volume: what is refused, resumed, replaced and transferred. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join, relative } from "node:path";
import { box } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import type { ChunkEncoding, PrecomputedForm } from "../../core/layout.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { openVolume } from "../../stores/volume.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { planIngest, type PlanOptions } from "../../tasks/plan.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { makeStack, withFolder } from "../_stack.ts";

const SMALL = {
  voxelSize: parseVoxelSize("4x4x4nm"),
  chunk: [8, 8, 4],
  shard: [16, 16, 4],
  levels: 3,
} as const satisfies Partial<IngestOptions>;

function precomputed(form: PrecomputedForm): ChunkEncoding {
  return { codec: "precomputed", form, crc32c: false };
}

const REFUSED: readonly (readonly [what: string, options: PlanOptions, says: RegExp])[] = [
  ["no voxel size", { voxelSize: undefined }, /without the size of a voxel.*--voxel-size 4x4x40nm/],
  [
    "a voxel size without z",
    { voxelSize: { x: 4, y: 4, unit: "nanometer" } },
    /without the size of a voxel.*--voxel-size/,
  ],
  [
    "a codec of Zarr",
    { codec: { codec: "zstd", level: 3, crc32c: false } },
    /as zstd: choose raw, png, jpeg or compressed_segmentation/,
  ],
  ["a version of Zarr", { zarr: "0.5" }, /--zarr with a precomputed target: leave it away/],
  [
    "JPEG for 16 bits",
    { codec: precomputed({ codec: "jpeg", quality: 90 }) },
    /--codec jpeg: Cannot encode uint16 as jpeg: it holds uint8/,
  ],
  [
    "labels of 16 bits, compressed",
    {
      kind: "labels",
      codec: precomputed({ codec: "compressed_segmentation", blockSize: [8, 8, 8] }),
    },
    /--codec compressed_segmentation: Cannot encode uint16/,
  ],
];
for (const [what, options, says] of REFUSED) {
  Deno.test(`a precomputed target is refused with ${what}`, () =>
    withFolder(async (folder) => {
      const stack = await makeStack(join(folder, "raw"), { depth: 2 });
      const all = { ...SMALL, format: "precomputed" as const, ...options };
      await rejects(planIngest([stack.pattern], all), { name: "UsageError", message: says });
    }));
}

for (
  const [what, size, codec, says] of [
    ["times", [7, 5, 3, 1, 2], { codec: "raw" }, /Cannot write times .*take an OME-Zarr target/],
    [
      "five channels as PNG",
      [7, 5, 3, 5],
      { codec: "png", level: 6 },
      /--codec png: Cannot encode 5 channels as png/,
    ],
  ] as const
) {
  Deno.test(`a precomputed target is refused with ${what}`, async () => {
    const source = arraySource({ name: what, size, dtype: "uint8" }, () => {});
    const options = { ...SMALL, format: "precomputed", codec: precomputed(codec) } as const;
    await rejects(planIngest(source, options), { name: "UsageError", message: says });
  });
}

/** Every file of a volume by its path, but for those that tell of the job. */
async function filesOf(volume: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (name === ".sluice") continue;
      const path = join(folder, name);
      if (isDirectory) await walk(path);
      else files.set(relative(volume, path), await Deno.readFile(path));
    }
  };
  await walk(volume);
  return new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
}

for (const shard of [[16, 16, 4], "none"] as const) {
  const name = shard === "none" ? "a file a chunk" : "sharded";

  Deno.test(`a precomputed job that was stopped goes on, to the bytes of one that was not, ${name}`, () =>
    withFolder(async (folder) => {
      const stack = await makeStack(join(folder, "raw"), { depth: 33 });
      await using ledger = await openLedger("memory:");
      await using pool = new WorkerPool({ size: 0 });
      const options = { ...SMALL, shard, ledger, pool };
      const undisturbed = await ingest([stack.pattern], `precomputed://${folder}/whole`, options);

      const reason = new Error("stopped");
      const stopping = new AbortController();
      const target = `precomputed://${folder}/out`;
      let job = 0;
      await rejects(
        ingest([stack.pattern], target, {
          ...options,
          signal: stopping.signal,
          onCreated: (created) => job = created.job,
          onProgress: ({ done }) => {
            if (done > 0) stopping.abort(reason);
          },
        }),
        (error) => error === reason,
      );
      const { done, tasks } = await ledger.status(job);
      ok(done > 0 && done < tasks, `${done} of ${tasks}`);
      const { created, status, verified } = await ingest([stack.pattern], target, options);
      deepEqual([created.job, created.found, status.state], [job, true, "done"]);
      deepEqual(verified?.faults, []);
      deepEqual(await filesOf(created.volume), await filesOf(undisturbed.created.volume));
    }));

  Deno.test(`a precomputed volume is transferred to OME-Zarr and back, voxel by voxel, ${name}`, () =>
    withFolder(async (folder) => {
      const stack = await makeStack(join(folder, "raw"));
      await using ledger = await openLedger("memory:");
      await using pool = new WorkerPool({ size: 0 });
      const options = { ...SMALL, shard, ledger, pool };
      const paths = ["first", "zarr.ome.zarr", "last"].map((path) => join(folder, path));
      const crop = { x: [5, 37], y: [2, 29], z: [1, 11] } as const;
      await ingest([stack.pattern], `precomputed://${paths[0]}`, { ...options, ...crop });
      const { voxelSize: _, ...unsaid } = options;
      await ingest([paths[0]], paths[1], unsaid);
      await ingest([paths[1]], `precomputed://${paths[2]}`, unsaid);
      const part = box([5, 2, 1], [37, 29, 11]);
      const cut = new Uint16Array(32 * 27 * 10);
      copyBox(stack.voxels, box([0, 0, 0], stack.size), cut, part, part);
      let first: unknown[] | undefined;
      for (const path of paths) {
        await using volume = await openVolume(path, { pool });
        deepEqual(volume.voxelSize, SMALL.voxelSize);
        const scales = [];
        for (const [scale, { size }] of volume.layout.scales.entries()) {
          const whole = box([0, 0, 0, 0, 0], size);
          scales.push(await gatherVoxels(await volume.read(whole, { scale })));
        }
        deepEqual(scales[0], cut);
        deepEqual(scales, first ??= scales);
        deepEqual((await verifyVolume(path, { pool })).faults, []);
      }
      const info = async (path: string) => JSON.parse(await Deno.readTextFile(join(path, "info")));
      deepEqual(await info(paths[2]), await info(paths[0]));
    }));
}

Deno.test("--overwrite replaces a precomputed volume, and nothing of the old one is left", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, ledger, pool };
    const target = `precomputed://${folder}/out`;
    await ingest([stack.pattern], target, options);
    const other = {
      ...options,
      shard: "none",
      codec: precomputed({ codec: "png", level: 1 }),
    } as const;
    await rejects(ingest([stack.pattern], target, other), {
      name: "TargetError",
      message: /begun with another .*--overwrite/s,
    });
    const { created, status } = await ingest([stack.pattern], target, {
      ...other,
      overwrite: true,
    });
    equal(status.state, "done");
    const names = [...(await filesOf(created.volume)).keys()];
    deepEqual(names.filter((name) => name.endsWith(".shard")), []);
    ok(names.includes("4_4_4/0-8_0-8_0-4"), names.join());
  }));
