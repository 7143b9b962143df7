/** Volumetric jobs: what arrives as cuboids, and what keeps a chunk's message in the queue. */
import { Buffer } from "node:buffer";
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { encodeCuboid } from "../../boss/cuboid_upload.ts";
import { mortonPlace, parseCuboidKey } from "../../boss/keys.ts";
import { decompressBlosc } from "../../codecs/blosc.ts";
import { viewBytes } from "../../core/dtype.ts";
import { withFolder } from "../_stack.ts";
import { errorAnswer } from "../_s3_server.ts";
import { type BossTestServer, COMPLETE, INGEST_BUCKET, serveBoss } from "./_boss_server.ts";
import { chunkFile } from "./_configs.ts";
import { createJob, workOn } from "./_work.ts";
import { writeZarr } from "./_zarr_files.ts";

const [WIDTH, HEIGHT, DEPTH] = [1000, 500, 20];
const voxel = (x: number, y: number, z: number) => (x * 257 + y * 4099 + z * 8221) % 65521 + 1;

/** A volume whose chunks meet no cuboid, and a job of four chunks of one cuboid each. */
async function makeJob(folder: string, boss: BossTestServer) {
  boss.channels.set("colA/expA/chA", {
    ...boss.channels.get("colA/expA/chA")!,
    datatype: "uint16",
  });
  await writeZarr(join(folder, "a.zarr/raw"), {
    shape: [DEPTH, HEIGHT, WIDTH],
    chunks: [7, 300, 350],
    dtype: "uint16",
    voxel,
  });
  return chunkFile({ x: [0, WIDTH], y: [0, HEIGHT], z: [0, DEPTH], size: [512, 512, 16] }, [
    "zarr.ZarrChunkProcessor",
    { cloud_path: join(folder, "a.zarr"), volume_name: "raw" },
  ]);
}

/** Holds every cuboid against the volume; @returns How many there are. */
function checkCuboids(boss: BossTestServer): number {
  const { objects } = boss.s3.buckets.get(INGEST_BUCKET)!;
  for (const [key, { bytes }] of objects) {
    const [cx, cy, cz] = mortonPlace(parseCuboidKey(key).morton);
    const wanted = new Uint16Array(512 * 512 * 16);
    let at = 0;
    for (let z = cz * 16; z < (cz + 1) * 16; z++) {
      for (let y = cy * 512; y < (cy + 1) * 512; y++) {
        for (let x = cx * 512; x < (cx + 1) * 512; x++, at++) {
          if (x < WIDTH && y < HEIGHT && z < DEPTH) wanted[at] = voxel(x, y, z);
        }
      }
    }
    const found = decompressBlosc(bytes, wanted.byteLength);
    equal(Buffer.compare(found, viewBytes(wanted)), 0, key);
  }
  return objects.size;
}

Deno.test("a volumetric job ends complete with the right cuboids, each stored chunk decoded once", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const file = await makeJob(folder, boss);
    const id = await createJob(boss, file);
    const report = await workOn(boss, id, file, folder);
    deepEqual([report.end, report.uploaded, report.dead], ["complete", 4, []]);
    equal(boss.jobs.get(id)!.state, COMPLETE);
    deepEqual(boss.oddities, []);
    equal(checkCuboids(boss), 4);
    // 1000 x 500 x 20 voxels in cells of 700 x 600 x 21: whole stored chunks.
    equal(report.spool.counts.made, 2);
    const [{ headers }] = boss.s3.buckets.get(INGEST_BUCKET)!.objects.values();
    const metadata = JSON.parse(headers["x-amz-meta-metadata"]);
    deepEqual(Object.keys(metadata), ["ingest_job", "chunk_key", "parameters"]);
    // T3: an integer, whoever joined.
    equal(metadata.ingest_job, id);
  });
});

Deno.test("T4: a chunk's message stays until every cuboid of it is confirmed", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const file = await makeJob(folder, boss);
    file.ingest_job.chunk_size = { x: 1024, y: 512, z: 32 };
    const id = await createJob(boss, file);
    const { upload } = boss.jobs.get(id)!;
    const guard = boss.s3.intercept!;
    let puts = 0;
    boss.s3.intercept = (request) => {
      // The last cuboid of the only chunk is not taken at first.
      if (++puts === 4) return errorAnswer(500, "InternalError", boss.s3.behaviour);
      if (puts === 5) equal(upload.messages.length, 1);
      return guard(request);
    };
    const report = await workOn(boss, id, file, folder, { tries: 1 });
    deepEqual([report.end, report.uploaded, report.failures], ["complete", 1, 0]);
    ok(puts >= 8);
    equal(checkCuboids(boss), 4);
  });
});

Deno.test("5 % of all puts fail, and keys run out: every cuboid is there at the end", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    boss.s3.behaviour.faults = {
      error: 0.03,
      "reset-before": 0.02,
      "reset-after": 0.03,
      flip: 0.02,
    };
    const file = await makeJob(folder, boss);
    const id = await createJob(boss, file);
    const report = await workOn(boss, id, file, folder, {
      onEvent: () => {
        boss.clock.ahead += 120_000;
        boss.revoke(id);
      },
    });
    equal(report.end, "complete");
    equal(checkCuboids(boss), 4);
  });
});

Deno.test("cuboids that lie wholly beyond the volume are uploaded as zeros", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const file = await makeJob(folder, boss);
    file.ingest_job.chunk_size = { x: 1536, y: 1024, z: 48 };
    const id = await createJob(boss, file);
    equal((await workOn(boss, id, file, folder)).end, "complete");
    equal(checkCuboids(boss), 3 * 2 * 3);
  });
});

Deno.test("a broken stored chunk costs its own messages alone", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const file = await makeJob(folder, boss);
    await Deno.truncate(join(folder, "a.zarr/raw/2.0.2"), 1000);
    const id = await createJob(boss, file);
    const report = await workOn(boss, id, file, folder);
    deepEqual([report.end, report.uploaded, report.dead.length], ["stuck", 2, 2]);
    ok(
      report.dead.every(({ what, reason }) => /^chunk x 1, /.test(what) && /2\.0\.2/.test(reason)),
    );
    equal(boss.log.some((line) => line.endsWith("/complete")), false);
    equal(checkCuboids(boss), 2);
  });
});

Deno.test("voxels of another datatype than the channel's are refused, as their bytes would be mistaken", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const file = await makeJob(folder, boss);
    boss.channels.set("colA/expA/chA", {
      ...boss.channels.get("colA/expA/chA")!,
      datatype: "uint8",
    });
    const id = await createJob(boss, file);
    await rejects(workOn(boss, id, file, folder), {
      name: "UsageError",
      message: /^Cannot upload ".*" to a channel of uint8: its voxels are uint16, and /,
    });
    equal(boss.s3.buckets.get(INGEST_BUCKET)!.objects.size, 0);
  });
});

const frames = [
  { voxels: new Uint8Array(512 * 512 * 16), typesize: 8 },
  { voxels: new Uint16Array(512 * 512 * 16), typesize: 16 },
  { voxels: new Uint32Array(512 * 512 * 16), typesize: 32 },
  { voxels: new BigUint64Array(512 * 512 * 16), typesize: 64 },
] as const;
for (const { voxels, typesize } of frames) {
  Deno.test(`T5: a cuboid of ${voxels.constructor.name} is a blosc frame of typesize ${typesize}`, () => {
    for (let i = 0; i < voxels.length; i += 3) {
      if (voxels instanceof BigUint64Array) voxels[i] = BigInt(i) << 40n;
      else voxels[i] = i * 77;
    }
    const frame = encodeCuboid(voxels);
    deepEqual([frame[0], frame[1], frame[3]], [2, 1, typesize]);
    const found = decompressBlosc(frame, voxels.byteLength);
    equal(Buffer.compare(found, viewBytes(voxels)), 0);
  });
}
