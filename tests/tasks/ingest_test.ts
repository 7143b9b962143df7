import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { box } from "../../core/box.ts";
import type { Plan } from "../../core/plan.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { buildScales } from "../../stages/build_scales.ts";
import { enumerate } from "../../stages/enumerate.ts";
import { pipeline } from "../../stages/pipeline.ts";
import { readSlabs } from "../../stages/read_slabs.ts";
import { splitChunks } from "../../stages/split_chunks.ts";
import { upload } from "../../stages/upload.ts";
import { openVolume, type Volume } from "../../stores/volume.ts";
import { createJob } from "../../tasks/create.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { planIngest, type PlanOptions } from "../../tasks/plan.ts";
import { compareTrees, hashTree } from "../../scripts/_tree.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { makeStack, type Stack, withFolder } from "../_stack.ts";

const SMALL: Omit<PlanOptions, "onProgress"> = { chunk: [8, 8, 4], shard: [16, 16, 4], levels: 3 };

/** Every voxel of a scale, z y x with x fastest. */
async function readScale(store: Volume, scale: number): Promise<number[]> {
  const { size } = store.layout.scales[scale];
  const [width, height, depth] = size;
  const voxels = new Array<number>(width * height * depth);
  for await (
    const { box: { min, max }, data }
      of (await store.read({ min: [0, 0, 0, 0, 0], max: size }, { scale })).bands()
  ) {
    const rows = max[1] - min[1];
    data.forEach((value, i) => {
      const [x, y, z] = [
        i % width,
        Math.floor(i / width) % rows + min[1],
        Math.floor(i / width / rows),
      ];
      voxels[(z * height + y) * width + x] = Number(value);
    });
  }
  return voxels;
}

/** The mean of each window of 2 x 2 x 2, rounded half to even, voxel by voxel. */
function halve(
  voxels: ArrayLike<number>,
  [width, height, depth]: readonly number[],
): { voxels: number[]; size: number[] } {
  const size = [width, height, depth].map((side) => Math.ceil(side / 2));
  const halved: number[] = [];
  for (let z = 0; z < size[2]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[0]; x++) {
        let [sum, count] = [0, 0];
        for (let k = 2 * z; k < Math.min(depth, 2 * z + 2); k++) {
          for (let j = 2 * y; j < Math.min(height, 2 * y + 2); j++) {
            for (let i = 2 * x; i < Math.min(width, 2 * x + 2); i++) {
              sum += voxels[(k * height + j) * width + i];
              count++;
            }
          }
        }
        const down = Math.floor(sum / count);
        const rest = sum / count - down;
        halved.push(rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down);
      }
    }
  }
  return { voxels: halved, size };
}

async function ingestInto(
  target: string,
  stack: Pick<Stack, "pattern">,
  options: Partial<IngestOptions> & { threads?: number } = {},
) {
  await using ledger = await openLedger("memory:");
  await using pool = new WorkerPool({ size: options.threads ?? 0 });
  return await ingest([stack.pattern], target, { ...SMALL, ledger, pool, ...options });
}

Deno.test("ingest() writes every voxel, and each scale by the rule from the one below", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    const { status, verified } = await ingestInto(join(folder, "out.ome.zarr"), stack);
    equal(status.state, "done");
    deepEqual([verified?.faults, verified?.unfinished], [[], 0]);
    await using pool = new WorkerPool({ size: 0 });
    await using store = await openVolume(join(folder, "out.ome.zarr"), { pool });
    equal(store.state?.complete, true);
    let expected: { voxels: ArrayLike<number>; size: readonly number[] } = stack;
    for (const scale of [0, 1, 2]) {
      deepEqual(store.layout.scales[scale].size.slice(0, 3), [...expected.size]);
      deepEqual(await readScale(store, scale), [...Array.from(expected.voxels)]);
      expected = halve(expected.voxels, expected.size);
    }
  }));

Deno.test("the bytes of a volume do not depend on threads, memory or how bands are cut", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    const report = await planIngest([stack.pattern], SMALL);
    const trees: Map<string, string>[] = [];
    for (const threads of [0, 2]) {
      for (const bandBytes of [1, 1 << 20]) {
        for (const wholeBytes of [0, 1 << 20]) {
          const target = join(folder, `${threads}-${bandBytes}-${wholeBytes}.ome.zarr`);
          await using ledger = await openLedger("memory:");
          await using pool = new WorkerPool({ size: threads });
          const { volume } = await createJob(report, target, { ledger });
          await using store = await openVolume(volume, { pool, bandBytes });
          const sources = await store.folder.sources();
          const run = pipeline(enumerate(report.plan))
            .through(readSlabs(store, { sources, pool, bandBytes, wholeBytes }))
            .through(buildScales(store.layout, { pool }))
            .through(splitChunks(store.layout))
            .through(upload(store, { pool }));
          for await (const _ of run);
          trees.push(await hashTree(volume));
        }
      }
    }
    ok(trees[0].size > 10);
    for (const tree of trees) deepEqual(compareTrees(trees[0], tree), []);
  }));

Deno.test("phases that read stored scales make what one phase would have made", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), { depth: 23 });
    const several = await planIngest([stack.pattern], SMALL);
    const one = await planIngest([stack.pattern], { ...SMALL, shard: [16, 16, 24] });
    const kinds = (plan: Plan) => plan.phases.map(({ kind }) => kind);
    deepEqual(kinds(several.plan), ["source", "scales", "scales", "finish"]);
    deepEqual(kinds(one.plan), ["source", "finish"]);
    await ingestInto(join(folder, "several.ome.zarr"), stack);
    await ingestInto(join(folder, "one.ome.zarr"), stack, { shard: [16, 16, 24] });
    await using pool = new WorkerPool({ size: 0 });
    await using a = await openVolume(join(folder, "several.ome.zarr"), { pool });
    await using b = await openVolume(join(folder, "one.ome.zarr"), { pool });
    for (const scale of [0, 1, 2]) deepEqual(await readScale(a, scale), await readScale(b, scale));
  }));

Deno.test("a section that is missing costs its own voxels where the policy is to fill", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await Deno.remove(stack.paths[5]);
    await rejects(planIngest([stack.pattern], SMALL), /section_005\.png.*\n?.*|missing/s);
    const { status, verified } = await ingestInto(join(folder, "out.ome.zarr"), stack, {
      missing: "fill",
    });
    deepEqual([status.state, status.losses], ["done", 1]);
    deepEqual(verified?.losses.map(({ kind, box }) => ({ kind, box })), [
      { kind: "missing", box: box([0, 0, 5], [37, 29, 6]) },
    ]);
    await using pool = new WorkerPool({ size: 0 });
    await using store = await openVolume(join(folder, "out.ome.zarr"), { pool });
    const plane = 37 * 29;
    const expected = Array.from(
      stack.voxels,
      (value, i) => Math.floor(i / plane) === 5 ? 0 : value,
    );
    deepEqual(await readScale(store, 0), expected);
    equal(store.state?.losses, 1);
  }));

Deno.test("an image that breaks half way is lost whole, however the bands are cut", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), {
      height: 61,
      voxel: (x, y, z) => (x * x * 31 + y * 977 + z * y * 7 * x) % 65521,
    });
    const bytes = await Deno.readFile(stack.paths[2]);
    bytes[Math.floor(bytes.length * 0.7)] ^= 0xff;
    await Deno.writeFile(stack.paths[2], bytes);
    await using pool = new WorkerPool({ size: 2 });
    const plane = 37 * 61;
    const expected = Array.from(
      stack.voxels,
      (value, i) => Math.floor(i / plane) === 2 ? 0 : value,
    );
    for (const [name, wholeBytes] of [["streamed", 0], ["whole", 1 << 20]] as const) {
      const report = await planIngest([stack.pattern], { ...SMALL, onError: "fill" });
      await using ledger = await openLedger("memory:");
      const { volume } = await createJob(report, join(folder, `${name}.ome.zarr`), { ledger });
      await using store = await openVolume(volume, { pool });
      const sources = await store.folder.sources();
      const run = pipeline(enumerate(report.plan))
        .through(readSlabs(store, { sources, pool, bandBytes: 1, wholeBytes, onError: "fill" }))
        .through(buildScales(store.layout, { pool }))
        .through(splitChunks(store.layout))
        .through(upload(store, { pool }));
      const losses = [];
      for await (const { value } of run) losses.push(...value.losses);
      deepEqual(losses.map(({ kind, box: { min, max } }) => ({ kind, min, max })), [
        { kind: "broken", min: [0, 0, 2, 0, 0], max: [37, 61, 3, 1, 1] },
      ]);
      ok(losses[0].reason.length > 0);
      deepEqual(await readScale(store, 0), expected);
    }
    const { status } = await ingestInto(join(folder, "strict.ome.zarr"), stack);
    deepEqual([status.state, status.deadLetters], ["failed", 1]);
  }));

Deno.test("verifyVolume() names the chunk of a flipped byte, and a unit that is gone", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    const { created: { volume } } = await ingestInto(join(folder, "out.ome.zarr"), stack);
    const shard = join(volume, "0/c/0/0/0");
    const whole = await Deno.readFile(shard);
    await using pool = new WorkerPool({ size: 0 });
    for (let offset = 0; offset < whole.length; offset += 97) {
      const flipped = whole.slice();
      flipped[offset] ^= 0x20;
      await Deno.writeFile(shard, flipped);
      const { faults } = await verifyVolume(volume, { pool });
      deepEqual(faults.map(({ unit, path, task }) => ({ unit, path, task })), [{
        unit: "0/0.0.0.0.0",
        path: shard,
        task: 0,
      }]);
    }
    const flipped = whole.slice();
    flipped[3] ^= 1;
    await Deno.writeFile(shard, flipped);
    deepEqual((await verifyVolume(volume, { pool })).faults[0].chunk, [0, 0, 0, 0, 0]);
    await Deno.remove(shard);
    deepEqual((await verifyVolume(volume, { pool })).faults.map(({ reason }) => reason), [
      "is not there",
    ]);
    await Deno.writeFile(shard, whole);
    deepEqual((await verifyVolume(volume, { pool, source: true })).faults, []);
    equal((await verifyVolume(volume, { pool, source: true })).compared, 3);
  }));

Deno.test("the same ingest finds its job done; another plan is refused; --overwrite begins anew", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    const target = join(folder, "out.ome.zarr");
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, ledger, pool };
    const first = await ingest([stack.pattern], target, options);
    const again = await ingest([stack.pattern], target, options);
    deepEqual([again.created.job, again.created.found, again.status.state], [
      first.created.job,
      true,
      "done",
    ]);
    await rejects(
      ingest([stack.pattern], target, { ...options, levels: 2 }),
      { name: "TargetError", message: /begun with another .*--overwrite/s },
    );
    const anew = await ingest([stack.pattern], target, { ...options, levels: 2, overwrite: true });
    ok(anew.created.job > first.created.job);
    equal(anew.status.state, "done");
  }));

Deno.test("a target that is no volume is never overwritten", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await rejects(ingestInto(stack.folder, stack, { overwrite: true }), {
      name: "TargetError",
      message: /it is no volume/,
    });
    await rejects(ingestInto(stack.paths[0], stack), {
      name: "TargetError",
      message: /a file is there/,
    });
    equal([...Deno.readDirSync(stack.folder)].length, 11);
  }));

Deno.test("a lost ledger is rebuilt from the receipts", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), { depth: 23 });
    const target = join(folder, "out.ome.zarr");
    const stop = new AbortController();
    const half = await ingestInto(target, stack, {
      stop: stop.signal,
      onProgress: ({ done }) => done >= 3 ? stop.abort() : undefined,
    });
    equal(half.status.state, "active");
    ok(half.status.done >= 3);
    const rest = await ingestInto(target, stack);
    deepEqual([rest.created.found, rest.status.state], [true, "done"]);
    deepEqual(rest.verified?.faults, []);
  }));

Deno.test("labels go into the group of their image, by mode, and are found there", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), {
      dtype: "uint8",
      voxel: (x, y, z) => (x >> 2) * (y >> 2) * (z >> 1) % 5,
    });
    const { created: { volume } } = await ingestInto(join(folder, "out.ome.zarr"), stack, {
      kind: "labels",
      labelName: "cells",
    });
    equal(volume, join(folder, "out.ome.zarr/labels/cells"));
    const { attributes } = JSON.parse(
      await Deno.readTextFile(join(folder, "out.ome.zarr/labels/zarr.json")),
    );
    deepEqual(attributes.ome.labels, ["cells"]);
    await using pool = new WorkerPool({ size: 0 });
    await using store = await openVolume(volume, { pool });
    deepEqual([store.kind, store.layout.downsample], ["labels", "mode"]);
    deepEqual(new Set(await readScale(store, 1)).size <= 5, true);
  }));

for (const zarr of ["0.4", "0.5"] as const) {
  Deno.test(`OME-Zarr ${zarr} with a file a chunk holds the same voxels`, () =>
    withFolder(async (folder) => {
      const stack = await makeStack(join(folder, "raw"));
      const { verified, created } = await ingestInto(join(folder, "out.ome.zarr"), stack, {
        zarr,
        shard: "none",
      });
      deepEqual(verified?.faults, []);
      await using pool = new WorkerPool({ size: 0 });
      await using store = await openVolume(created.volume, { pool });
      const marker = zarr === "0.5" ? "zarr.json" : ".zgroup";
      ok(await store.folder.blobs.head(marker) !== undefined);
      deepEqual(await readScale(store, 0), Array.from(stack.voxels));
    }));
}

Deno.test("a crop and a window change what is written, by name", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    const { created } = await ingestInto(join(folder, "out.ome.zarr"), stack, {
      x: [3, 20],
      y: [5, 29],
      z: [2, 9],
      cast: "uint8",
      window: [0, 65535],
    });
    await using pool = new WorkerPool({ size: 0 });
    await using store = await openVolume(created.volume, { pool });
    deepEqual([store.layout.dtype, store.layout.scales[0].size.slice(0, 3)], ["uint8", [
      17,
      24,
      7,
    ]]);
    const expected: number[] = [];
    for (let z = 2; z < 9; z++) {
      for (let y = 5; y < 29; y++) {
        for (let x = 3; x < 20; x++) {
          expected.push(Math.round(stack.voxels[(z * 29 + y) * 37 + x] / 257));
        }
      }
    }
    deepEqual(await readScale(store, 0), expected);
  }));
