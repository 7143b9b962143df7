/** Jobs whose target lies in a bucket: the same bytes as on a disk, claimed, resumed, replaced, and through storms. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { box } from "../../core/box.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { countTasks } from "../../core/plan.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { JobFolder } from "../../stores/job_folder.ts";
import { openVolume } from "../../stores/volume.ts";
import { createJob } from "../../tasks/create.ts";
import { findJob } from "../../tasks/find_job.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { type JobProgress, joinJob } from "../../tasks/join.ts";
import { planIngest } from "../../tasks/plan.ts";
import { pullVolume } from "../../tasks/pull.ts";
import { retryJob } from "../../tasks/retry.ts";
import { setVoxelSize } from "../../tasks/set_voxel_size.ts";
import { jobStatus } from "../../tasks/status.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { S3_FAULTS } from "../_s3_faults.ts";
import type { S3Server } from "../_s3_server.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { serveBuckets } from "../stores/_bucket.ts";
import { STORM, STORM_RETRY } from "../stores/blobs/_storm.ts";

const SMALL = {
  voxelSize: parseVoxelSize("4x4x4nm"),
  chunk: [8, 8, 4],
  shard: [16, 16, 4],
  levels: 3,
} as const satisfies Partial<IngestOptions>;
const TARGET = "s3://bucket/lab/it";

function objectsOf(server: S3Server): Map<string, Uint8Array> {
  return new Map(
    [...server.buckets.get("bucket")!.objects].map(([key, { bytes }]) => [key, bytes]),
  );
}

/** Objects of a volume without its job folder, by their keys below it. */
function volumeObjects(server: S3Server, prefix = "lab/it/"): Map<string, Uint8Array> {
  const found = [...objectsOf(server)].filter(([key]) =>
    key.startsWith(prefix) && !key.includes("/.sluice/")
  );
  return new Map(found.map(([key, bytes]) => [key.slice(prefix.length), bytes]));
}

async function filesBelow(root: string, below = ""): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { name, isDirectory } of Deno.readDir(join(root, below))) {
    const key = below === "" ? name : `${below}/${name}`;
    if (name === ".sluice") continue;
    if (!isDirectory) files.set(key, await Deno.readFile(join(root, key)));
    else for (const [inner, bytes] of await filesBelow(root, key)) files.set(inner, bytes);
  }
  return files;
}

function sameBytes(a: Map<string, Uint8Array>, b: Map<string, Uint8Array>): void {
  deepEqual([...a.keys()].sort(), [...b.keys()].sort());
  for (const [key, bytes] of a) equal(Buffer.compare(bytes, b.get(key)!), 0, key);
}

const FORMS: readonly (readonly [string, Partial<IngestOptions>])[] = [
  ["OME-Zarr, sharded", {}],
  ["OME-Zarr 0.4", { zarr: "0.4", shard: "none" }],
  ["precomputed, sharded", { format: "precomputed" }],
  ["precomputed, a chunk an object", { format: "precomputed", shard: "none" }],
  ["labels", { kind: "labels" }],
];
for (const [name, form] of FORMS) {
  Deno.test(`a bucket gets the bytes that a disk gets, and proves itself: ${name}`, () =>
    withFolder(async (folder) => {
      await using server = serveBuckets();
      const stack = await makeStack(join(folder, "raw"));
      await using ledger = await openLedger("memory:");
      await using pool = new WorkerPool({ size: 0 });
      const options = { ...SMALL, ...form, ledger, pool };
      const disk = await ingest([stack.pattern], join(folder, "it"), options);
      const { created, status, verified } = await ingest([stack.pattern], TARGET, options);
      equal(status.state, "done");
      deepEqual([verified?.faults, verified?.unfinished], [[], 0]);
      deepEqual(verified?.units, disk.verified?.units);
      const where = form.kind === "labels" ? "labels/segmentation" : "";
      equal(created.volume, where === "" ? TARGET : `${TARGET}/${where}`);
      sameBytes(volumeObjects(server), await filesBelow(join(folder, "it")));
      equal(server.buckets.get("bucket")!.uploads.size, 0);

      await using volume = await openVolume(created.volume, { pool });
      const whole = await gatherVoxels(await volume.read(box([0, 0, 0], stack.size)));
      deepEqual(whole, stack.voxels);
      const again = await ingest([stack.pattern], TARGET, options);
      deepEqual([again.created.found, again.created.state], [true, "done"]);
      equal(await jobStatus(String(created.job), { ledgerUrl: "memory:" }).catch(() => 0), 0);
    }));
}

Deno.test("receipts of a bucket are gathered, and let any ledger count on", () =>
  withFolder(async (folder) => {
    await using server = serveBuckets();
    const stack = await makeStack(join(folder, "raw"));
    await using pool = new WorkerPool({ size: 0 });
    const stop = new AbortController();
    {
      await using ledger = await openLedger("memory:");
      const onProgress = ({ done }: JobProgress) => {
        if (done > 0) stop.abort();
      };
      const options = { ...SMALL, ledger, pool, onProgress };
      const { status } = await ingest([stack.pattern], TARGET, { ...options, stop: stop.signal });
      equal(status.state, "active");
      ok(status.done > 0);
      const report = await jobStatus(TARGET);
      deepEqual([report.state, report.done], ["unfinished", status.done]);
      ok(report.uncounted !== undefined);
    }
    const ledgerUrl = `sqlite:${join(folder, "jobs.db")}`;
    {
      await using found = await findJob(TARGET, { ledgerUrl });
      const status = await found.ledger.status(found.job);
      ok(status.done > 0 && status.done < status.tasks);
      equal((await joinJob(found.job, { ledger: found.ledger, pool })).state, "done");
    }
    const receipts = [...objectsOf(server).keys()].filter((key) => key.includes("/receipts/"));
    // That of the finishing task came after the others were gathered.
    equal(receipts.length, 2);
    const { faults, unfinished } = await verifyVolume(TARGET, { pool });
    deepEqual([faults, unfinished], [[], 0]);
    equal((await jobStatus(TARGET)).state, "done");
    deepEqual((await setVoxelSize(TARGET, parseVoxelSize("5x5x5nm"))).after.x, 5);
    await using volume = await openVolume(TARGET, { pool });
    equal(volume.voxelSize?.x, 5);
    await pullVolume(TARGET, join(folder, "pulled"), { pool, format: "png" });
    equal((await Array.fromAsync(Deno.readDir(join(folder, "pulled")))).length, stack.size[2]);
  }));

const EMPTY_LISTING =
  '<?xml version="1.0"?>\n<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>';
const UPLOADS_ANSWERS = [
  ["forbids it", { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" }],
  ["has no such thing", { status: 501, body: "<Error><Code>NotImplemented</Code></Error>" }],
  ["lists objects instead", { status: 200, body: EMPTY_LISTING }],
] as const;
for (const [name, answer] of UPLOADS_ANSWERS) {
  Deno.test(`a job ends in a bucket whose unfinished uploads cannot be listed: the server ${name}`, () =>
    withFolder(async (folder) => {
      await using server = serveBuckets();
      let asked = 0;
      server.intercept = ({ query, path }) => {
        if (!/^\/bucket\/?$/.test(path) || !/(^|&)uploads/.test(query)) return undefined;
        asked++;
        return { ...answer, headers: { "content-type": "application/xml", etag: '"x"' } };
      };
      const stack = await makeStack(join(folder, "raw"), { depth: 2 });
      await using ledger = await openLedger("memory:");
      await using pool = new WorkerPool({ size: 0 });
      const options = { ...SMALL, ledger, pool };
      const { status, verified } = await ingest([stack.pattern], TARGET, options);
      deepEqual([status.state, verified?.faults, asked], ["done", [], 1]);
      const anew = await ingest([stack.pattern], TARGET, {
        ...options,
        levels: 1,
        overwrite: true,
      });
      deepEqual([anew.status.state, asked], ["done", 3]);
    }));
}

Deno.test("a bucket is claimed once: another ledger finds the job, another plan is refused", () =>
  withFolder(async (folder) => {
    await using _ = serveBuckets();
    const stack = await makeStack(join(folder, "raw"));
    await using a = await openLedger("memory:");
    await using b = await openLedger("memory:");
    const report = await planIngest([stack.pattern], SMALL);
    const made = await Promise.all(
      [a, b, a, b].map((ledger) => createJob(report, TARGET, { ledger })),
    );
    equal(made.filter(({ found }) => !found).length, 1);
    const other = await planIngest([stack.pattern], { ...SMALL, levels: 1 });
    await rejects(createJob(other, TARGET, { ledger: a }), /begun with another/);
  }));

Deno.test("what lies in a bucket already is neither taken nor overwritten, unless it is a volume", () =>
  withFolder(async (folder) => {
    await using server = serveBuckets();
    const stack = await makeStack(join(folder, "raw"));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const put = (key: string) =>
      server.buckets.get("bucket")!.objects.set(key, {
        bytes: new Uint8Array([1]),
        tag: '"x"',
        modified: 0,
        headers: {},
      });
    put("lab/it/thesis.docx");
    const options = { ...SMALL, ledger, pool };
    await rejects(ingest([stack.pattern], TARGET, options), /something is there that no job/);
    await rejects(
      ingest([stack.pattern], TARGET, { ...options, overwrite: true }),
      /it is no volume, so it may be something you want to keep/,
    );
    server.buckets.get("bucket")!.objects.clear();
    put("lab/item");
    await ingest([stack.pattern], TARGET, options);
    const first = volumeObjects(server);
    await ingest([stack.pattern], TARGET, { ...options, levels: 1, overwrite: true });
    const second = volumeObjects(server);
    ok(first.has("2/zarr.json") && !second.has("2/zarr.json"));
    ok(objectsOf(server).has("lab/item"));
  }));

Deno.test("a worker whose volume was replaced in a bucket writes nothing more", () =>
  withFolder(async (folder) => {
    await using server = serveBuckets();
    const stack = await makeStack(join(folder, "raw"));
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const report = await planIngest([stack.pattern], SMALL);
    const { job } = await createJob(report, TARGET, { ledger });
    const failures: string[] = [];
    let replacing: Promise<unknown> | undefined;
    const other = await planIngest([stack.pattern], { ...SMALL, levels: 1 });
    await using elsewhere = await openLedger("memory:");
    await joinJob(job, {
      ledger,
      pool,
      onFailure: (error) => void failures.push(String(error)),
      onProgress: () => {
        replacing ??= createJob(other, TARGET, { ledger: elsewhere, overwrite: true });
      },
    }).catch((error) => failures.push(String(error)));
    await replacing;
    ok(failures.length > 0);
    match(failures.join(), /removed or replaced meanwhile/);
    const { plan } = (await (await JobFolder.open(TARGET)).claim())!;
    equal(plan, other.plan.id);
    const again = await createJob(other, TARGET, { ledger: elsewhere });
    equal((await joinJob(again.job, { ledger: elsewhere, pool })).state, "done");
    const { faults, unfinished } = await verifyVolume(TARGET, { pool });
    deepEqual([faults, unfinished], [[], 0]);
    equal(volumeObjects(server).has("1/zarr.json"), false);
  }));

Deno.test("a section that was mended is done anew in a bucket", () =>
  withFolder(async (folder) => {
    await using _ = serveBuckets();
    const stack = await makeStack(join(folder, "raw"));
    const [, , , , lost] = stack.paths;
    const bytes = await Deno.readFile(lost);
    await Deno.remove(lost);
    await using ledger = await openLedger("memory:");
    await using pool = new WorkerPool({ size: 0 });
    const options = { ...SMALL, ledger, pool, missing: "fill" } as const;
    const { created, status } = await ingest([stack.pattern], TARGET, options);
    equal(status.losses, 1);
    await Deno.writeFile(lost, bytes);
    const { mended } = await retryJob({ ...created, ledger }, { sections: [[4, 5]] });
    deepEqual(mended, [lost]);
    const after = await joinJob(created.job, { ledger, pool });
    deepEqual([after.state, after.losses], ["done", 0]);
    await using volume = await openVolume(TARGET, { pool });
    deepEqual(await gatherVoxels(await volume.read(box([0, 0, 0], stack.size))), stack.voxels);
  }));

Deno.test("a job of 2,000 tasks with each fault in 1 % of requests ends complete and verified", async () => {
  await using server = serveBuckets({ seed: 5 }, { retry: STORM_RETRY });
  await using ledger = await openLedger("memory:");
  await using pool = new WorkerPool({ size: 0 });
  const size = [8, 8, 8000] as const;
  const plane = size[0] * size[1];
  const source = arraySource({ name: "planes", size, dtype: "uint8", rows: 8 }, (part, voxels) => {
    for (let i = 0; i < voxels.length; i++) {
      voxels[i] = (part.min[2] + Math.floor(i / plane)) * 7 + i % plane;
    }
  });
  const options = { ...SMALL, chunk: [8, 8, 4], shard: "none", levels: 1 } as const;
  const report = await planIngest(source, options);
  ok(countTasks(report.plan) > 2000, String(countTasks(report.plan)));
  server.behaviour.faults = STORM;
  const { status, verified } = await ingest(source, TARGET, { ...options, ledger, pool });
  server.behaviour.faults = {};
  deepEqual([status.state, status.deadLetters], ["done", 0]);
  deepEqual([verified?.faults, verified?.unfinished], [[], 0]);
  for (const fault of S3_FAULTS) ok((server.faults.get(fault) ?? 0) > 10, fault);
  equal(volumeObjects(server).size, 2 + 2000);
  // What the server holds, apart from what it says of it.
  await using volume = await openVolume(TARGET, { pool });
  const voxels = await gatherVoxels(await volume.read(box([0, 0, 0], size)));
  ok(voxels.every((value, i) => value === ((Math.floor(i / plane) * 7 + i % plane) & 255)));
});
