import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { type Box, box, boxSize } from "../../core/box.ts";
import type { VoxelArray } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { openMemoryLedger } from "../../ledgers/memory_ledger.ts";
import { type ArraySource, arraySource } from "../../plugins/array_source.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { compareTrees, hashTree } from "../../scripts/_tree.ts";
import { openVolume } from "../../stores/volume.ts";
import { createJob } from "../../tasks/create.ts";
import { ingest } from "../../tasks/ingest.ts";
import { joinJob } from "../../tasks/join.ts";
import { planIngest, type PlanOptions } from "../../tasks/plan.ts";
import { retryJob } from "../../tasks/retry.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { makeStack, someVoxel, withFolder } from "../_stack.ts";

const SMALL: Omit<PlanOptions, "onProgress"> = { chunk: [8, 8, 4], shard: [16, 16, 4], levels: 3 };

/** Fills a box by the place of each voxel. */
function fillBy(voxel: (x: number, y: number, z: number, c: number, t: number) => number) {
  return ({ min, max }: Box, voxels: VoxelArray) => {
    const [width, height, depth, channels] = boxSize({ min, max });
    for (let i = 0; i < voxels.length; i++) {
      const row = Math.floor(i / width);
      const plane = Math.floor(row / height);
      const channel = Math.floor(plane / depth);
      voxels[i] = voxel(
        min[0] + i % width,
        min[1] + row % height,
        min[2] + plane % depth,
        min[3] + channel % channels,
        min[4] + Math.floor(channel / channels),
      );
    }
  };
}

const formula = (name = "formula") =>
  arraySource({ name, size: [37, 29, 11], dtype: "uint16" }, fillBy(someVoxel));

const isMetadata = (path: string) => path.endsWith(".json");

for (const size of [0, 2]) {
  Deno.test(`a volume of an array source has the bytes of one of images, with ${size} threads`, () =>
    withFolder(async (folder) => {
      await using ledger = await openMemoryLedger();
      await using pool = new WorkerPool({ size });
      const { pattern } = await makeStack(join(folder, "raw"));
      const options = { ...SMALL, ledger, pool, x: [5, 34] as const, z: [1, 10] as const };
      const images = await ingest([pattern], join(folder, "images.ome.zarr"), options);
      const array = await ingest(formula(), join(folder, "array.ome.zarr"), options);
      equal(array.status.state, "done");
      deepEqual(array.verified?.faults, []);
      const [one, other] = await Promise.all(
        [images, array].map(async ({ created }) =>
          new Map([...await hashTree(created.volume)].filter(([path]) => !isMetadata(path)))
        ),
      );
      ok(one.size > 10);
      deepEqual(compareTrees(one, other), []);
    }));
}

Deno.test("an array source may have channels and times", () =>
  withFolder(async (folder) => {
    await using ledger = await openMemoryLedger();
    await using pool = new WorkerPool({ size: 0 });
    const voxel = (x: number, y: number, z: number, c: number, t: number) =>
      x + 10 * y + 100 * z + 1000 * c + 10000 * t;
    const voxelSize = { x: 4, y: 4, z: 40, unit: "nanometer" } as const;
    const source = arraySource(
      { name: "places", size: [7, 5, 3, 2, 4], dtype: "int32", voxelSize },
      fillBy(voxel),
    );
    const { created } = await ingest(source, join(folder, "it.ome.zarr"), { ledger, pool });
    await using store = await openVolume(created.volume, { pool });
    deepEqual(store.layout.axes, ["t", "c", "z", "y", "x"]);
    deepEqual(store.voxelSize, voxelSize);
    const slab = await store.read(box([6, 4, 1, 1, 2], [7, 5, 3, 2, 4]));
    deepEqual(
      [...await gatherVoxels(slab)],
      [voxel(6, 4, 1, 1, 2), voxel(6, 4, 2, 1, 2), voxel(6, 4, 1, 1, 3), voxel(6, 4, 2, 1, 3)],
    );
  }));

Deno.test("a job of an array source is resumed by its script, and by nobody without the source", () =>
  withFolder(async (folder) => {
    const ledgerUrl = `sqlite:${join(folder, "jobs.db")}`;
    await using ledger = await openLedger(ledgerUrl);
    await using pool = new WorkerPool({ size: 0 });
    const target = join(folder, "it.ome.zarr");
    const options = { ...SMALL, ledger, ledgerUrl, pool };
    const report = await planIngest(formula(), SMALL);
    const { job } = await createJob(report, target, options);
    await rejects(joinJob(job, { ledger, pool }), {
      name: "SluiceError",
      message:
        'Cannot read the voxels of this job: they come from the array source "formula"; join it from the script that brings that source',
    });
    await rejects(joinJob(job, { ledger, pool, source: formula("another") }), {
      message: /the array source "formula", not from "another";/,
    });
    await rejects(ingest(formula("another"), target, options), {
      name: "TargetError",
      message: /source\.name: "formula" became "another"/,
    });
    const { created, status, verified } = await ingest(formula(), target, options);
    deepEqual([created.found, created.job, status.state], [true, job, "done"]);
    deepEqual(verified?.faults, []);
  }));

Deno.test("a job of images takes no array source", () =>
  withFolder(async (folder) => {
    await using ledger = await openMemoryLedger();
    await using pool = new WorkerPool({ size: 0 });
    const { pattern } = await makeStack(join(folder, "raw"));
    const report = await planIngest([pattern], SMALL);
    const { job } = await createJob(report, join(folder, "it.ome.zarr"), { ledger });
    await rejects(joinJob(job, { ledger, pool, source: formula() }), {
      message: /it was planned with images; leave "source" away/,
    });
  }));

const ABOUT_IMAGES: Record<string, Partial<PlanOptions>> = {
  cast: { cast: "uint8", window: [0, 255] },
  window: { window: [0, 255] },
  missing: { missing: "fill" },
  onError: { onError: "fill" },
  series: { series: 1 },
};
for (const [name, option] of Object.entries(ABOUT_IMAGES)) {
  Deno.test(`planIngest() refuses ${name} for an array source rather than not heed it`, async () => {
    await rejects(planIngest(formula(), option), {
      name: "UsageError",
      message: new RegExp(`^Cannot use "${name}" with the array source "formula": `),
    });
  });
}

Deno.test("planIngest() says that an array source does not say how large a voxel is", async () => {
  const { warnings } = await planIngest(formula());
  ok(warnings.some((text) => text.startsWith("The source does not say how large a voxel is")));
});

const WRONG: Record<string, { source: ArraySource; reason: RegExp }> = {
  "voxels of another dtype": {
    source: {
      ...formula(),
      read: (of) =>
        arraySource({ name: "", size: [37, 29, 11], dtype: "uint8" }, () => {}).read(of),
    },
    reason: /"formula" gave for x 0:37 y 0:29 z 0:4 of uint16: it is .* of uint8/,
  },
  "another box": {
    source: { ...formula(), read: () => formula().read(box([0, 0, 0], [37, 29, 1])) },
    reason: /gave for x 0:37 y 0:29 z 0:4 of uint16: it is x 0:37 y 0:29 z 0:1 of uint16/,
  },
  "an error": {
    source: arraySource({ name: "formula", size: [37, 29, 11], dtype: "uint16" }, () => {
      throw new Error("the tape is torn");
    }),
    reason: /^the tape is torn$/,
  },
};
for (const [what, { source, reason }] of Object.entries(WRONG)) {
  Deno.test(`a source that gives ${what} fails its task, with the reason`, () =>
    withFolder(async (folder) => {
      await using ledger = await openMemoryLedger({ attempts: 1 });
      await using pool = new WorkerPool({ size: 0 });
      const target = join(folder, "it.ome.zarr");
      const { created, status } = await ingest(source, target, { ...SMALL, ledger, pool });
      equal(status.state, "failed");
      const [letter] = await ledger.deadLetters(created.job);
      ok(reason.test(letter.reason), letter.reason);
    }));
}

Deno.test("a source is not asked any more once the run was aborted", () =>
  withFolder(async (folder) => {
    await using ledger = await openMemoryLedger();
    await using pool = new WorkerPool({ size: 0 });
    const stopping = new AbortController();
    const reason = new Error("stopped");
    let asked = 0;
    const source = arraySource({ name: "slow", size: [37, 29, 11], dtype: "uint16" }, () => {
      if (++asked === 2) stopping.abort(reason);
    });
    const options = { ...SMALL, ledger, pool, signal: stopping.signal };
    await rejects(
      ingest(source, join(folder, "it.ome.zarr"), options),
      (error) => error === reason,
    );
    equal(asked, 2);
  }));

Deno.test("verifyVolume() says that it cannot ask an array source again, and retryJob() redoes its sections", () =>
  withFolder(async (folder) => {
    await using ledger = await openMemoryLedger();
    await using pool = new WorkerPool({ size: 0 });
    const { created: { volume, job } } = await ingest(formula(), join(folder, "it.ome.zarr"), {
      ...SMALL,
      ledger,
      pool,
    });
    await rejects(verifyVolume(volume, { pool, source: true }), {
      name: "SluiceError",
      message:
        /its voxels came from "formula", which only a script has; verify it without --source$/,
    });
    const { tasks, mended } = await retryJob({ job, ledger, volume }, { sections: [[5, 6]] });
    ok(tasks >= 2);
    deepEqual(mended, []);
    equal((await joinJob(job, { ledger, pool, source: formula() })).state, "done");
    deepEqual((await verifyVolume(volume, { pool })).faults, []);
  }));
