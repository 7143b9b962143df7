/** One pass, many stores: what each holds, proves by itself, and how the job of all of them goes on. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { box } from "../../core/box.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { viewBytes } from "../../core/dtype.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { JobFolder } from "../../stores/job_folder.ts";
import { openVolume } from "../../stores/volume.ts";
import { findJob } from "../../tasks/find_job.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { type JobProgress, joinJob } from "../../tasks/join.ts";
import { retryJob } from "../../tasks/retry.ts";
import { jobStatus } from "../../tasks/status.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { serveBuckets } from "../stores/_bucket.ts";

const SMALL = {
  voxelSize: parseVoxelSize("4x4x4nm"),
  chunk: [8, 8, 4],
  shard: [16, 16, 4],
  levels: 3,
} as const satisfies Partial<IngestOptions>;

async function voxelsOf(address: string, scale: number, pool: WorkerPool): Promise<Uint8Array> {
  await using volume = await openVolume(address, { pool });
  const { size } = volume.layout.scales[scale];
  return viewBytes(await gatherVoxels(await volume.read(box([0, 0, 0, 0, 0], size), { scale })));
}

for (const size of [0, 2]) {
  Deno.test(`three stores get the same voxels in one pass, with a pool of ${size}`, () =>
    withFolder(async (folder) => {
      await using _ = serveBuckets();
      const stack = await makeStack(join(folder, "raw"));
      await using ledger = await openLedger("memory:");
      await using pool = new WorkerPool({ size });
      const targets = [
        join(folder, "a.ome.zarr"),
        `precomputed://${join(folder, "b")}`,
        "precomputed://s3://bucket/c",
      ];
      const { created, status, verified, verifiedCopies } = await ingest(
        [stack.pattern],
        targets,
        { ...SMALL, ledger, pool },
      );
      equal(status.state, "done");
      deepEqual(created.copies, [join(folder, "b"), "s3://bucket/c"]);
      for (const { faults, unfinished, units } of [verified!, ...verifiedCopies!]) {
        deepEqual([faults, unfinished, units], [[], 0, verified!.units]);
      }
      equal(Buffer.compare(await voxelsOf(targets[0], 0, pool), viewBytes(stack.voxels)), 0);
      for (const scale of [0, 1, 2]) {
        const first = await voxelsOf(targets[0], scale, pool);
        for (const other of targets.slice(1)) {
          equal(Buffer.compare(await voxelsOf(other, scale, pool), first), 0, `${other} ${scale}`);
        }
      }
      // Each proves itself, with neither the others nor the ledger.
      await Deno.remove(targets[0], { recursive: true });
      deepEqual((await verifyVolume(join(folder, "b"), { pool })).faults, []);
      deepEqual((await verifyVolume("s3://bucket/c", { pool, source: true })).faults, []);
    }));
}

Deno.test("a job of several stores is resumed by any of its volumes", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    await using pool = new WorkerPool({ size: 0 });
    const ledgerUrl = `sqlite:${join(folder, "jobs.db")}`;
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    const stop = new AbortController();
    const onProgress = ({ done }: JobProgress) => {
      if (done > 0) stop.abort();
    };
    {
      await using ledger = await openLedger(ledgerUrl);
      const options = { ...SMALL, ledger, ledgerUrl, pool, onProgress, stop: stop.signal };
      const { status } = await ingest([stack.pattern], [a, `precomputed://${b}`], options);
      equal(status.state, "active");
    }
    equal((await jobStatus(b)).volume, a);
    {
      await using found = await findJob(b);
      equal((await joinJob(found.job, { ledger: found.ledger, pool })).state, "done");
    }
    for (const volume of [a, b]) {
      const { faults, unfinished } = await verifyVolume(volume, { pool });
      deepEqual([volume, faults, unfinished], [volume, [], 0]);
    }
  }));

Deno.test("a section that was mended is mended in every store", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"));
    const [, , , lost] = stack.paths;
    const bytes = await Deno.readFile(lost);
    await Deno.remove(lost);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const targets = [join(folder, "a"), `precomputed://${join(folder, "b")}`];
    const options = { ...SMALL, ledger, pool, missing: "fill" } as const;
    const { created } = await ingest([stack.pattern], targets, options);
    await Deno.writeFile(lost, bytes);
    await retryJob({ ...created, ledger }, { sections: [[3, 4]] });
    for (const path of [join(folder, "a"), join(folder, "b")]) {
      await using volume = await openVolume(path, { pool });
      equal(volume.state?.complete, false);
    }
    equal((await joinJob(created.job, { ledger, pool })).losses, 0);
    for (const target of targets) {
      equal(Buffer.compare(await voxelsOf(target, 0, pool), viewBytes(stack.voxels)), 0);
    }
    await using b = await openVolume(targets[1], { pool });
    deepEqual([b.state?.complete, b.state?.losses ?? 0], [true, 0]);
  }));

Deno.test("a source is read once for several stores, and each codec goes to those that know it", () =>
  withFolder(async (folder) => {
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const read = new Map<string, number>();
    const size = [20, 12, 5, 3] as const;
    const source = arraySource({ name: "it", size, dtype: "uint8" }, (part, voxels) => {
      const name = JSON.stringify(part);
      read.set(name, (read.get(name) ?? 0) + 1);
      for (let i = 0; i < voxels.length; i++) voxels[i] = i * 7 + part.min[1];
    });
    const targets = [join(folder, "a"), `precomputed://${join(folder, "b")}`, join(folder, "c")];
    const codec = { codec: "blosc", cname: "lz4", level: 5, shuffle: true, crc32c: false } as const;
    const { created } = await ingest(source, targets, { ...SMALL, codec, levels: 2, ledger, pool });
    ok(read.size > 0);
    deepEqual([...new Set(read.values())], [1]);
    const encodings = [];
    for (const place of [created.volume, ...created.copies!]) {
      const { layout, store } = (await (await JobFolder.open(place)).plan())!;
      const { encoding } = layout;
      encodings.push([store.kind, encoding.codec]);
    }
    deepEqual(encodings, [["ome-zarr", "blosc"], ["precomputed", "precomputed"], [
      "ome-zarr",
      "blosc",
    ]]);
    const [first, ...others] = await Promise.all(targets.map((one) => voxelsOf(one, 1, pool)));
    for (const other of others) equal(Buffer.compare(other, first), 0);
  }));

Deno.test("targets that cannot be written together are refused before anything is written", () =>
  withFolder(async (folder) => {
    const stack = await makeStack(join(folder, "raw"), { depth: 2 });
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, ledger, pool };
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    await rejects(ingest([stack.pattern], [a, a], options), /twice in one job/);
    await Deno.mkdir(b);
    await Deno.writeTextFile(join(b, "thesis.txt"), "");
    await rejects(ingest([stack.pattern], [a, b], options), /as a copy: something else is there/);
    await rejects(Deno.stat(a), Deno.errors.NotFound);
    await rejects(
      ingest([stack.pattern], [a, `precomputed://${b}2`], { ...options, voxelSize: undefined }),
      /without the size of a voxel/,
    );
    deepEqual((await Array.fromAsync(ledger.jobs())).length, 0);
  }));
