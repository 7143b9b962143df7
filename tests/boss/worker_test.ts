/** A worker's way through whole jobs: what arrives, what goes wrong, and when it says that it is done. */
import { Buffer } from "node:buffer";
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { openFileSource } from "../../codecs/file_source.ts";
import { png } from "../../codecs/png.ts";
import { makeStack, type Stack, withFolder } from "../_stack.ts";
import { errorAnswer } from "../_s3_server.ts";
import { type BossTestServer, COMPLETE, serveBoss, TILE_BUCKET } from "./_boss_server.ts";
import { chunkFile, tileFile } from "./_configs.ts";
import { queueError } from "./_sqs_server.ts";
import { serviceOf } from "./_wire.ts";
import { countDecodes, createJob, workOn } from "./_work.ts";

const DEPTH = 11;
const COVER = { x: [0, 1300], y: [0, 700], z: [0, DEPTH], size: [512, 512] } as const;
const TILES = 3 * 2 * DEPTH;

/** Sections of 1300 x 700 pixels, and a job of tiles of them. */
async function makeJob(folder: string) {
  const stack = await makeStack(join(folder, "raw"), {
    width: 1300,
    height: 700,
    depth: DEPTH,
    dtype: "uint8",
    voxel: (x, y, z) => (x * 7 + y * 13 + z * 31) % 251 + 1,
  });
  const file = tileFile(COVER, [
    "stack.ZindexStackPathProcessor",
    { root_dir: stack.folder, extension: "png", base_filename: "section_<p:3>" },
  ], ["stack.ZindexStackTileProcessor", { extension: "png", filesystem: "local" }]);
  return { stack, file };
}

/** Holds every tile of the bucket against the stack; @returns How many there are. */
async function checkTiles(boss: BossTestServer, stack: Stack, folder: string): Promise<number> {
  const { objects } = boss.s3.buckets.get(TILE_BUCKET)!;
  const [width, height] = stack.size;
  for (const [key, { bytes, headers }] of objects) {
    const [tx, ty, z] = key.split("&").slice(5).map(Number);
    const metadata = JSON.parse(headers["x-amz-meta-metadata"]);
    deepEqual([metadata.tile_key, metadata.x_size, metadata.y_size], [key, 512, 512]);
    const path = join(folder, "tile.png");
    await Deno.writeFile(path, bytes);
    await using source = await openFileSource(path);
    await using image = await png.open(source, {});
    deepEqual([image.header.width, image.header.height, image.header.dtype], [512, 512, "uint8"]);
    const found = new Uint8Array(512 * 512);
    await image.readRows(0, 512, found);
    const wanted = new Uint8Array(512 * 512);
    for (let row = 0; row < Math.min(512, height - ty * 512); row++) {
      const from = (z * height + ty * 512 + row) * width + tx * 512;
      const count = Math.min(512, width - tx * 512);
      wanted.set(stack.voxels.subarray(from, from + count) as Uint8Array, row * 512);
    }
    equal(Buffer.compare(found, wanted), 0, key);
  }
  return objects.size;
}

Deno.test("a tile job ends complete with the right tiles, and each image was decoded once", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { stack, file } = await makeJob(folder);
    const id = await createJob(boss, file);
    using decodes = countDecodes();
    const report = await workOn(boss, id, file, folder);
    deepEqual([report.end, report.uploaded, report.late, report.dead], ["complete", TILES, 0, []]);
    equal(decodes.count, DEPTH);
    equal(boss.jobs.get(id)!.state, COMPLETE);
    deepEqual(boss.oddities, []);
    equal(await checkTiles(boss, stack, folder), TILES);
  });
});

Deno.test("two processes of a machine decode each image once, and one of them ends the job", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { stack, file } = await makeJob(folder);
    const id = await createJob(boss, file);
    using decodes = countDecodes();
    const reports = await Promise.all(
      [1, 2].map(() => workOn(boss, id, file, folder, { concurrency: 3 })),
    );
    deepEqual(reports.map(({ end }) => end), ["complete", "complete"]);
    ok(reports.every(({ uploaded }) => uploaded > 0));
    equal(decodes.count, DEPTH);
    equal(await checkTiles(boss, stack, folder), TILES);
    deepEqual(boss.oddities, []);
  });
});

Deno.test("a spool of two images serves a job of many: nothing breaks, more is decoded", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { stack, file } = await makeJob(folder);
    const id = await createJob(boss, file);
    using decodes = countDecodes();
    const report = await workOn(boss, id, file, folder, { spoolBytes: 2 * 1300 * 700 });
    equal(report.end, "complete");
    ok(decodes.count > DEPTH);
    equal(await checkTiles(boss, stack, folder), TILES);
  });
});

Deno.test("nothing is deleted from the queue before store and index confirmed it", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss({ indexes: true });
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const job = boss.jobs.get(id)!;
    let early = 0;
    const { log } = boss.sqs;
    const push = log.push.bind(log);
    log.push = (...lines: string[]) => {
      // As the request arrives, before anything is done.
      if (lines[0].startsWith("DeleteMessage")) {
        const gone = TILES - job.upload.messages.length;
        if (job.ingested.size <= gone) early++;
      }
      return push(...lines);
    };
    const report = await workOn(boss, id, file, folder);
    deepEqual([report.end, early], ["complete", 0]);
  });
});

Deno.test("a fifth of all puts fail, keys run out in the middle, and the job still ends whole", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    boss.s3.behaviour.faults = {
      error: 0.08,
      "reset-before": 0.04,
      "reset-after": 0.04,
      flip: 0.04,
    };
    const { stack, file } = await makeJob(folder);
    const id = await createJob(boss, file);
    let done = 0;
    const report = await workOn(boss, id, file, folder, {
      onEvent: ({ kind }) => {
        if (kind !== "uploaded" || ++done % 20 !== 0) return;
        boss.clock.ahead += 120_000;
        boss.revoke(id);
      },
    });
    equal(report.end, "complete");
    ok(boss.issued.length > 3);
    ok([...boss.s3.faults.values()].reduce((sum, count) => sum + count, 0) >= 3);
    equal(await checkTiles(boss, stack, folder), TILES);
    deepEqual(boss.oddities, []);
  });
});

Deno.test("a put that fails for good leaves its message in the queue, and is no strike against it", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { stack, file } = await makeJob(folder);
    const id = await createJob(boss, file);
    let bad = 6;
    const guard = boss.s3.intercept!;
    boss.s3.intercept = (request) =>
      bad-- > 0 ? errorAnswer(500, "InternalError", boss.s3.behaviour) : guard(request);
    const report = await workOn(boss, id, file, folder, { tries: 1 });
    deepEqual([report.end, report.failures, report.dead], ["complete", 0, []]);
    equal(report.events.filter(({ kind }) => kind === "trouble").length, 6);
    equal(await checkTiles(boss, stack, folder), TILES);
  });
});

Deno.test("errors of the queue are never taken for an empty one", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    boss.sqs.next.push(...Array.from({ length: 12 }, () => queueError(500, "InternalFailure")));
    const asked = () => boss.log.filter((line) => line.endsWith("/complete")).length;
    let [early, troubles] = [0, 0];
    const report = await workOn(boss, id, file, folder, {
      tries: 1,
      onEvent: ({ kind }) => {
        if (kind !== "trouble") return;
        troubles++;
        early += asked();
      },
    });
    deepEqual([report.end, report.uploaded, early, troubles], ["complete", TILES, 0, 12]);
  });
});

Deno.test("a queue that stays away ends the run with its error, and the job stays open", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    boss.sqs.next.push(...Array.from({ length: 99 }, () => queueError(500, "InternalFailure")));
    await rejects(workOn(boss, id, file, folder, { tries: 1 }), {
      name: "BossError",
      kind: "unavailable",
    });
    equal(boss.log.some((line) => line.endsWith("/complete")), false);
  });
});

Deno.test("duplicates and late deliveries do no harm", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { stack, file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const job = boss.jobs.get(id)!;
    job.upload.duplicates = 15;
    let late = 0;
    const report = await workOn(boss, id, file, folder, {
      onEvent: ({ kind }) => {
        // Another worker receives what is hidden by now.
        if (kind !== "uploaded" || ++late % 10 !== 0) return;
        for (const message of job.upload.messages) message.handles.push("another's");
      },
    });
    equal(report.end, "complete");
    ok(report.duplicates > 0);
    equal(await checkTiles(boss, stack, folder), TILES);
    deepEqual(boss.oddities, []);
  });
});

Deno.test("T14: a tile that cannot be made is tried, named and left, and all others go through", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { stack, file } = await makeJob(folder);
    const bytes = await Deno.readFile(stack.paths[4]);
    await Deno.writeFile(stack.paths[4], bytes.subarray(0, bytes.length / 2));
    await Deno.remove(stack.paths[7]);
    const id = await createJob(boss, file);
    boss.sqs.put(boss.jobs.get(id)!.upload, "no message");
    // The job fills its queue as it is joined.
    const report = await workOn(boss, id, file, folder);
    deepEqual([report.end, report.uploaded, report.dead.length], ["stuck", TILES - 12, 13]);
    equal(report.failures, 36);
    const reasons = report.dead.map(({ what, reason, attempts }) =>
      `${attempts} ${what}: ${reason}`
    );
    ok(
      reasons.some((text) =>
        /^3 tile x 1, y 0, z 7, t 0: .*section_007\.png.*no such file/.test(text)
      ),
    );
    ok(reasons.some((text) => /^3 tile x 2, y 1, z 4, t 0: .*section_004\.png/.test(text)));
    ok(reasons.some((text) => /^1 message .*: .*it is no JSON/.test(text)));
    // They are where they were, and nobody said that the job is complete.
    equal(boss.jobs.get(id)!.upload.messages.length, 13);
    equal(boss.log.some((line) => line.endsWith("/complete")), false);
    equal(await checkTiles(boss, stack, folder), TILES - 12);
  });
});

Deno.test("who is asked to stop finishes what is in hand, and the rest comes again", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { stack, file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const stopping = new AbortController();
    let count = 0;
    const report = await workOn(boss, id, file, folder, {
      concurrency: 4,
      stopping: stopping.signal,
      onEvent: () => ++count === 5 && stopping.abort(),
    });
    equal(report.end, "stopped");
    ok(report.uploaded >= 5 && report.uploaded < TILES);
    const { objects } = boss.s3.buckets.get(TILE_BUCKET)!;
    equal(objects.size, report.uploaded);
    equal(boss.jobs.get(id)!.upload.messages.length, TILES - report.uploaded);
    boss.clock.ahead += 171_000;
    equal((await workOn(boss, id, file, folder)).end, "complete");
    equal(await checkTiles(boss, stack, folder), TILES);
  });
});

Deno.test("an abort ends all at once, with its reason itself", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const abort = new AbortController();
    const reason = new Error("enough");
    const work = workOn(boss, id, file, folder, {
      signal: abort.signal,
      onEvent: () => abort.abort(reason),
    });
    await rejects(work, (error) => error === reason);
  });
});

Deno.test("visibility is asked for with the message: at most 170 s, and no more is taken than is begun", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const { upload } = boss.jobs.get(id)!;
    let most = 0;
    const { log } = boss.sqs;
    const push = log.push.bind(log);
    const hidden: number[] = [];
    log.push = (...lines: string[]) => {
      const now = boss.clock.now();
      const inHand = upload.messages.filter(({ visibleAt }) => visibleAt > now);
      most = Math.max(most, inHand.length);
      hidden.push(...inHand.map(({ visibleAt }) => (visibleAt - now) / 1000));
      return push(...lines);
    };
    await workOn(boss, id, file, folder, { concurrency: 3 });
    ok(most <= 3 && most > 0);
    ok(Math.max(...hidden) <= 170 && Math.max(...hidden) > 100);
  });
});

Deno.test("T31, T37: the job is not called complete while another process holds a message", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const held = Promise.withResolvers<void>();
    let isHeld = true;
    let early = 0;
    const { log } = boss;
    const push = log.push.bind(log);
    log.push = (...lines: string[]) => {
      if (lines[0].endsWith("/complete") && isHeld) early++;
      return push(...lines);
    };
    const guard = boss.s3.intercept!;
    let first = true;
    boss.s3.intercept = async (request) => {
      if (first) {
        first = false;
        await held.promise;
      }
      return await guard(request);
    };
    const slow = workOn(boss, id, file, folder, { concurrency: 1 });
    while (first) await new Promise((resolve) => setTimeout(resolve, 5));
    const fast = workOn(boss, id, file, folder);
    await new Promise((resolve) => setTimeout(resolve, 700));
    isHeld = false;
    held.resolve();
    deepEqual((await Promise.all([slow, fast])).map(({ end }) => end), ["complete", "complete"]);
    equal(early, 0);
  });
});

Deno.test("T2: what the server finds missing at the end is uploaded, and then the job is complete", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const job = boss.jobs.get(id)!;
    let isLost = false;
    const report = await workOn(boss, id, file, folder, {
      onEvent: (event) => {
        // The server loses a tile as it begins to look.
        if (event.kind !== "server" || isLost || !event.text.includes("missing")) return;
        isLost = true;
        job.ingested.delete(job.messages[7].keys[0]);
      },
    });
    deepEqual([report.end, report.uploaded], ["complete", TILES + 1]);
  });
});

Deno.test("a job that is cancelled meanwhile ends the run without an error", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    let count = 0;
    let cancelled: Promise<void> | undefined;
    const work = workOn(boss, id, file, folder, {
      onEvent: () => {
        if (++count === 3) cancelled = serviceOf(boss).cancel(id);
      },
    });
    const report = await work;
    await cancelled;
    deepEqual([report.end, report.state], ["ended", "deleted"]);
  });
});

Deno.test("who is asked to stop while the server looks for what is missing does not wait for it", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss({ completingLooks: 1e9 });
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const stopping = new AbortController();
    const report = await workOn(boss, id, file, folder, {
      stopping: stopping.signal,
      onEvent: (event) =>
        event.kind === "server" && event.text.includes("missing") &&
        setTimeout(() => stopping.abort(), 50),
    });
    deepEqual([report.end, report.uploaded], ["stopped", TILES]);
  });
});

Deno.test("T37: of machines that do not ask for the end none does, and all end with the job", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    const other = workOn(boss, id, file, join(folder, "other"), { completes: false });
    const { upload } = boss.jobs.get(id)!;
    while (boss.jobs.get(id)!.ingested.size < TILES) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    equal(boss.log.some((line) => line.endsWith("/complete")), false);
    equal(upload.messages.length, 0);
    const asks = workOn(boss, id, file, folder);
    deepEqual((await Promise.all([other, asks])).map(({ end }) => end), ["complete", "complete"]);
  });
});

Deno.test("T41: a configuration of another kind than the job's is refused before anything is received", async () => {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    const { file } = await makeJob(folder);
    const id = await createJob(boss, file);
    await rejects(workOn(boss, id, chunkFile(), folder), (error: Error) => {
      match(error.message, /the job is a tile job, and the configuration is for a volumetric one/);
      return true;
    });
    deepEqual(boss.sqs.log, []);
  });
});
