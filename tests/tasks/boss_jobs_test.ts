/** Jobs of a Boss from create to complete, as a script goes through them. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import type { BossConfig } from "../../boss/config.ts";
import { parseBossConfig } from "../../boss/config.ts";
import type { WorkerEvent } from "../../boss/worker.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { bossJobStatus } from "../../tasks/boss_job_status.ts";
import { cancelBossJob } from "../../tasks/cancel_boss_job.ts";
import { completeBossJob } from "../../tasks/complete_boss_job.ts";
import { createBossJob, type CreateBossJobOptions } from "../../tasks/create_boss_job.ts";
import {
  type BossJobProgress,
  type BossJobStart,
  joinBossJob,
  type JoinBossJobOptions,
} from "../../tasks/join_boss_job.ts";
import { listBossJobs } from "../../tasks/list_boss_jobs.ts";
import { Hands } from "../../boss/hands.ts";
import { makeStack, type Stack, withFolder } from "../_stack.ts";
import {
  type BossTestServer,
  COMPLETE,
  DELETED,
  FAILED,
  page,
  serveBoss,
  TEST_TOKEN,
  TILE_BUCKET,
  WAITING,
} from "../boss/_boss_server.ts";
import { type Json, tileFile } from "../boss/_configs.ts";
import { retryOf } from "../boss/_wire.ts";

const COVER = { x: [0, 1300], y: [0, 700], z: [0, 5], size: [512, 512] } as const;
const TILES = 3 * 2 * 5;

interface Bench {
  readonly boss: BossTestServer;
  readonly folder: string;
  readonly stack: Stack;
  /** As it would stand in a file. */
  readonly file: Json;
  readonly config: BossConfig;
  /** What every question takes. */
  readonly asking: CreateBossJobOptions;
  readonly server: { readonly host: string; readonly protocol: string };
  join(id: number, options?: JoinBossJobOptions): ReturnType<typeof joinBossJob>;
}

async function withBoss(work: (bench: Bench) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await using boss = serveBoss();
    await using pool = new WorkerPool({ size: 0 });
    const stack = await makeStack(join(folder, "raw"), {
      width: 1300,
      height: 700,
      depth: 5,
      dtype: "uint8",
      voxel: (x, y, z) => (x * 7 + y * 13 + z * 31) % 251 + 1,
    });
    const file = tileFile(COVER, [
      "stack.ZindexStackPathProcessor",
      { root_dir: stack.folder, extension: "png", base_filename: "section_<p:3>" },
    ], ["stack.ZindexStackTileProcessor", { extension: "png", filesystem: "local" }]);
    file.client.backend = { ...file.client.backend, host: boss.host, protocol: "http" };
    const config = parseBossConfig(file, "job.json");
    const asking = { token: TEST_TOKEN, retry: retryOf(boss, { attempts: 8, seconds: 3600 }) };
    await work({
      boss,
      folder,
      stack,
      file,
      config,
      asking,
      server: { host: boss.host, protocol: "http" },
      join: (id, options = {}) =>
        joinBossJob(config, id, {
          ...asking,
          pool,
          spool: join(folder, "spool"),
          endpoint: boss.s3.url,
          waitSeconds: 0,
          ...options,
        }),
    });
  });
}

Deno.test("createBossJob() tells of the job before it makes it, and posts the file as it is", async () => {
  await withBoss(async ({ boss, config, asking }) => {
    const { job, ...proposal } = await createBossJob(config, asking);
    deepEqual([job?.id, job?.kind, proposal.kind, proposal.tasks], [42, "tile", "tile", TILES]);
    match(proposal.summary, /Total Number of Image Tiles to Upload: 30$/);
    deepEqual([proposal.warnings, proposal.others], [[], []]);
    deepEqual(JSON.parse(boss.jobs.get(42)!.posted), config.body);
    const again = await createBossJob(config, { ...asking, confirm: () => false });
    equal(again.job, undefined);
    deepEqual(again.others.map(({ id, state }) => [id, state]), [[42, "preparing"]]);
    equal(boss.jobs.size, 1);
  });
});

Deno.test("T44, T25: createBossJob() warns of what the server would take and lose, before it creates", async () => {
  await withBoss(async ({ boss, file, asking }) => {
    boss.channels.set("colA/expA/chA", {
      ...boss.channels.get("colA/expA/chA")!,
      baseResolution: 1,
    });
    const config = parseBossConfig(file, "job.json");
    const { warnings, job } = await createBossJob(config, { ...asking, confirm: () => false });
    deepEqual(warnings.map(({ path }) => path), ["ingest_job.resolution"]);
    equal(job, undefined);
    boss.channels.set("colA/expA/chA", {
      ...boss.channels.get("colA/expA/chA")!,
      baseResolution: 0,
    });
    file.ingest_job.extent.z = [99_984, 100_010];
    const beyond = await createBossJob(parseBossConfig(file, "job.json"), {
      ...asking,
      confirm: () => false,
    });
    ok(beyond.warnings.some(({ path }) => path === "ingest_job.extent"));
    equal(boss.log.some((line) => line.startsWith("POST")), false);
  });
});

Deno.test("createBossJob() makes nothing where the channel is not there, or the token is wrong", async () => {
  await withBoss(async ({ boss, file, config, asking }) => {
    await rejects(createBossJob(config, { ...asking, token: "wrong" }), {
      name: "BossError",
      kind: "token",
    });
    file.database.channel = "chB";
    await rejects(
      createBossJob(parseBossConfig(file, "job.json"), asking),
      /^SluiceError: Cannot create an ingest job of "job\.json" at ".*": channel "colA\/expA\/chB" is not there; /,
    );
    equal(boss.jobs.size, 0);
  });
});

Deno.test("createBossJob() goes on where the channel cannot be looked up, and says so", async () => {
  await withBoss(async ({ boss, config, asking }) => {
    boss.next.push(undefined, page(403));
    const { job, warnings } = await createBossJob(config, asking);
    equal(job?.id, 42);
    match(warnings[0].reason, /^it was not looked up: .*403/);
  });
});

Deno.test("T45: a lost answer makes no second job, and the error names the one that is there", async () => {
  await withBoss(async ({ boss, config, asking }) => {
    const error = await createBossJob(config, {
      ...asking,
      looksUp: false,
      confirm: async () => {
        // The server does what it is asked, and something in between loses the answer.
        await createBossJob(config, { ...asking, looksUp: false });
        boss.next.push(page(502));
        return true;
      },
    }).catch((error) => error);
    deepEqual([error.name, error.kind], ["BossError", "uncertain"]);
    match(
      error.message,
      /it may have been done all the same; .*\(the list of jobs has job 42 since\)$/,
    );
    equal(boss.jobs.size, 1);
  });
});

Deno.test("every fault of a file is named, and nobody is asked", async () => {
  await withBoss(async ({ boss, folder, file, asking }) => {
    delete file.database.channel;
    file.client.tile_processor.params.extension = "bmp";
    const path = join(folder, "job.json");
    await Deno.writeTextFile(path, JSON.stringify(file));
    for (const work of [() => createBossJob(path, asking), () => joinBossJob(path, 42, asking)]) {
      const error = await work().catch((error) => error);
      equal(error.name, "UsageError");
      deepEqual(error.faults.map(({ path }: { path: string }) => path), [
        "database.channel",
        "client.tile_processor.params.extension",
      ]);
    }
    deepEqual(boss.log, []);
  });
});

Deno.test("joinBossJob() says the need before the work, tells how far it is, and ends complete", async () => {
  await withBoss(async ({ boss, folder, config, asking, server, join: joined }) => {
    await createBossJob(config, asking);
    const starts: BossJobStart[] = [];
    const progress: BossJobProgress[] = [];
    const events: WorkerEvent[] = [];
    const report = await joined(42, {
      onStart: (start) => {
        starts.push(start);
        equal(boss.s3.buckets.get(TILE_BUCKET)!.objects.size, 0);
      },
      onProgress: (told) => progress.push(told),
      onEvent: (event) => events.push(event),
    });
    deepEqual([report.end, report.uploaded, report.foundEnded], ["complete", TILES, false]);
    equal(report.decoded.made, 5);
    const [{ kind, total, need, needs, spool }] = starts;
    deepEqual([kind, total, spool], ["tile", TILES, join(folder, "spool")]);
    equal(need?.entryBytes, 1300 * 700);
    match(needs, /^Spool ".*": up to 16 GiB; /);
    ok(progress.length > 0);
    deepEqual(progress.at(-1), { total: TILES, done: TILES, uploaded: TILES });
    ok(events.some((event) => event.kind === "server" && /waits 180 s/.test(event.text)));
    equal(boss.jobs.get(42)!.state, COMPLETE);
    deepEqual(boss.oddities, []);

    deepEqual(await bossJobStatus(server, 42, asking), {
      server: boss.url,
      job: 42,
      state: "complete",
      total: TILES,
      left: 0,
    });
    const again = await joined(42);
    deepEqual([again.end, again.uploaded, again.foundEnded], ["complete", 0, true]);
  });
});

Deno.test("a job that has failed or was cancelled is told as ended, not joined", async () => {
  await withBoss(async ({ boss, config, asking, join: joined }) => {
    await createBossJob(config, asking);
    boss.jobs.get(42)!.state = FAILED;
    const { end, state } = await joined(42);
    deepEqual([end, state], ["ended", "failed"]);
  });
});

Deno.test("another Boss may take the place of the configuration's own", async () => {
  await withBoss(async ({ config, asking, server, join: joined }) => {
    const backend = { name: "boss", host: "127.0.0.1:1", protocol: "https" } as const;
    const elsewhere = { ...config, backend };
    const { job, summary } = await createBossJob(elsewhere, { ...asking, server });
    ok(summary.includes(`Target: http://${server.host}`));
    equal((await joined(job!.id, { server })).end, "complete");
  });
});

Deno.test("who is not to complete a job ends when nothing comes, and completeBossJob() does it", async () => {
  await withBoss(async ({ boss, folder, config, asking, server, join: joined }) => {
    await createBossJob(config, asking);
    const report = await joined(42, { completes: false, idleSeconds: 220 });
    deepEqual([report.end, report.uploaded], ["idle", TILES]);
    equal(boss.log.some((line) => line.endsWith("/complete")), false);

    const options = { ...asking, spool: join(folder, "spool") };
    const once = await completeBossJob(server, 42, { ...options, waits: false });
    deepEqual([once.end, once.state], ["waiting", "waiting-on-queues"]);
    ok(once.waitSeconds! > 170);
    equal(boss.jobs.get(42)!.state, WAITING);
    const said: string[] = [];
    const done = await completeBossJob(server, 42, { ...options, onState: (t) => said.push(t) });
    deepEqual([done.end, done.state], ["complete", "complete"]);
    deepEqual([said.length, said.at(-1)], [2, "the server looks for what is missing"]);
    match(said[0], /^the server waits 1\d\d s for its own queues$/);
  });
});

Deno.test("completeBossJob() asks nothing while a worker of this machine holds a message or left one", async () => {
  await withBoss(async ({ boss, folder, config, asking, server, join: joined }) => {
    await createBossJob(config, asking);
    await joined(42, { completes: false, idleSeconds: 0 });
    const spool = join(folder, "spool");
    using hands = await Hands.open(spool, `${boss.host}-42`);
    await hands.take(new AbortController().signal);
    const options = { ...asking, spool, patienceSeconds: 0.1 };
    equal((await completeBossJob(server, 42, options)).end, "held");
    hands.release();
    hands.leave(boss.clock.now() + 60_000);
    const left = await completeBossJob(server, 42, { ...asking, spool });
    equal(left.end, "held");
    ok(left.waitSeconds! > 50 && left.waitSeconds! <= 60);
    equal(boss.log.some((line) => line.endsWith("/complete")), false);
    // Workers of another spool are on another machine, as far as is known here.
    const elsewhere = await completeBossJob(server, 42, {
      ...asking,
      spool: join(folder, "none"),
      waits: false,
    });
    equal(elsewhere.end, "waiting");
  });
});

Deno.test("T2: completeBossJob() gives back what is still to be uploaded", async () => {
  await withBoss(async ({ boss, folder, config, asking, server, join: joined }) => {
    await createBossJob(config, asking);
    const options = { ...asking, spool: join(folder, "spool") };
    equal((await completeBossJob(server, 42, options)).state, "preparing");
    const stopping = new AbortController();
    await joined(42, { stopping: stopping.signal, onEvent: () => stopping.abort() });
    boss.clock.ahead += 171_000;
    const { end, left } = await completeBossJob(server, 42, options);
    equal(end, "uploading");
    equal(left, boss.jobs.get(42)!.upload.messages.length);
  });
});

Deno.test("T22: cancelBossJob() needs the server alone, and may be done twice", async () => {
  await withBoss(async ({ boss, config, asking, server }) => {
    await createBossJob(config, asking);
    const first = await cancelBossJob(server, 42, asking);
    deepEqual([first.before, first.state], ["preparing", "deleted"]);
    equal(boss.jobs.get(42)!.state, DELETED);
    equal((await cancelBossJob(server, 42, asking)).before, "deleted");
    await createBossJob(config, asking);
    boss.jobs.get(43)!.state = COMPLETE;
    equal((await cancelBossJob(server, 43, asking)).state, "complete");
    equal(boss.jobs.get(43)!.state, COMPLETE);
    await rejects(cancelBossJob(server, 99, asking), { name: "BossError", kind: "missing" });
    const { jobs } = await listBossJobs(server, asking);
    deepEqual(jobs.map(({ id, state }) => [id, state]), [[43, "complete"]]);
  });
});

Deno.test("an abort ends each of them with its reason", async () => {
  await withBoss(async ({ config, asking, server, join: joined }) => {
    const reason = new Error("enough");
    const options = { ...asking, signal: AbortSignal.abort(reason) };
    for (
      const work of [
        () => createBossJob(config, options),
        () => joined(42, options),
        () => bossJobStatus(server, 42, options),
        () => listBossJobs(server, options),
        () => cancelBossJob(server, 42, options),
        () => completeBossJob(server, 42, options),
      ]
    ) await rejects(work(), (error) => error === reason);
  });
});
