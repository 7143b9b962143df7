/**
 * Proves that a job of a Boss loses nothing, and is called complete only when it is, however badly things go.
 *
 * ```sh
 * deno run -A scripts/prove_boss.ts [--quick] [--folder DIR]
 * ```
 *
 * Four processes work on a tile job and on a volumetric one while 5 % of all puts fail, keys are taken back, the queue
 * answers nothing but errors for a minute, messages come twice, early and after they are done, and half of the processes
 * are ended with `kill -9`. One section of the tile job is broken: its tiles must be named and left, and arrive once it
 * is mended. The server holds every deletion against what it has. With `--quick` its time runs ten times as fast.
 * Exit code 1 if anything differs.
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mortonPlace, parseCuboidKey } from "../boss/keys.ts";
import { decompressBlosc } from "../codecs/blosc.ts";
import { openFileSource } from "../codecs/file_source.ts";
import { png } from "../codecs/png.ts";
import {
  type BossTestServer,
  COMPLETE,
  INGEST_BUCKET,
  serveBoss,
  TEST_TOKEN,
  TestClock,
  type TestJob,
  TILE_BUCKET,
} from "../tests/boss/_boss_server.ts";
import { chunkFile, type Json, tileFile } from "../tests/boss/_configs.ts";
import { createJob } from "../tests/boss/_work.ts";
import { makeStack, type Stack } from "../tests/_stack.ts";
import type { FastWorker } from "./_boss_worker.ts";
import { makeTrouble } from "./_boss_trouble.ts";
import { expectCode, fromSource, type Outcome, outcome, type Running, start } from "./_process.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, folder: { type: "string" } },
});
const { quick } = values;
const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-boss-" });
const speed = quick ? 10 : 1;
const [width, height, depth] = quick ? [1100, 600, 64] : [1400, 1100, 160];
const PROCESSES = 4;
const BROKEN = 7;
const TILE = 512;

function check(holds: boolean, what: string, about?: unknown): void {
  console.log(`${holds ? "ok    " : "NOT   "} ${what}`);
  if (holds) return;
  Deno.exitCode = 1;
  if (about !== undefined) console.log(about);
}

/** A job on a Boss of its own. */
interface Trial {
  readonly name: string;
  readonly boss: BossTestServer;
  readonly job: TestJob;
  readonly total: number;
  /** Milliseconds that each put takes. */
  readonly putMs: number;
  count(): number;
  startOne(): Running;
}

/** What a process says at its end. */
interface Report {
  readonly end: string;
  readonly dead: readonly { readonly what: string; readonly reason: string }[];
}

const permissions = ["--allow-net=127.0.0.1", "--unstable-worker-options"];
const fast = [
  Deno.execPath(),
  "run",
  "--allow-all",
  ...permissions.slice(1),
  fileURLToPath(new URL("_boss_worker.ts", import.meta.url)),
] as const;

async function openTrial(
  name: string,
  file: Json,
  bucket: string,
  putMs: number,
): Promise<Trial> {
  const begun = Date.now();
  const boss = serveBoss({}, new TestClock(speed, begun));
  file.client.backend.host = boss.host;
  file.client.backend.protocol = "http";
  const own = join(folder, name);
  await Deno.mkdir(own);
  const config = join(own, "job.json");
  await Deno.writeTextFile(config, JSON.stringify(file));
  const id = await createJob(boss, file);
  const job = boss.jobs.get(id)!;
  const spool = join(own, "spool");
  const env = { SLUICE_HOME: join(own, "home"), INTERN_TOKEN: TEST_TOKEN };
  const worker: FastWorker = {
    config,
    job: id,
    token: TEST_TOKEN,
    spool,
    endpoint: boss.s3.url,
    speed,
    begun,
  };
  return {
    name,
    boss,
    job,
    putMs,
    total: job.messages.reduce((sum, { keys }) => sum + keys.length, 0),
    count: () => boss.s3.buckets.get(bucket)!.objects.size,
    startOne: () =>
      speed === 1
        ? start(
          [
            ...["join", config, "-j", String(id), "--workers", "1", "--spool", spool],
            ...["--endpoint", boss.s3.url, "--json"],
          ],
          env,
          fromSource(...permissions),
        )
        : start([JSON.stringify(worker)], env, fast),
  };
}

/** Several processes until all of them end. */
async function work(
  trial: Trial,
  disturb: (running: Running[]) => Promise<void>,
): Promise<Outcome[]> {
  const running = Array.from({ length: PROCESSES }, () => trial.startOne());
  try {
    await disturb(running);
    return await Promise.all(running.map(async ({ output }) => outcome(await output)));
  } finally {
    for (const { child } of running) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
    }
  }
}

/** The processes go through all the trouble. */
async function torture(trial: Trial): Promise<Outcome[]> {
  const { boss, job, name, total, putMs, count, startOne } = trial;
  const begun = performance.now();
  const ends = await work(trial, async (running) => {
    const report = await makeTrouble({
      boss,
      job,
      total,
      putMs,
      count,
      running,
      startOne,
      outageSeconds: 60,
      random: Math.random,
    });
    const { puts, failedPuts, queueErrors, revoked, early, late, killed, heldThen } = report;
    console.log(
      `${name}: of ${puts} puts ${failedPuts} failed; ${queueErrors} errors of the queue; keys taken back ${revoked} ` +
        `times; ${early} messages came early and ${late} late; ${killed} processes killed, ${heldThen} messages hidden then`,
    );
    check(failedPuts >= 0.02 * puts && failedPuts > 0, `${name}: puts failed`);
    check(queueErrors > 0 && revoked === 3, `${name}: the queue failed, and keys ended`);
    check(killed === PROCESSES && heldThen > 0, `${name}: half of the processes killed, twice`);
  });
  console.log(`${name}: ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return ends;
}

function checkEnd(trial: Trial, ends: readonly Outcome[]): void {
  const { name, boss, job, total, count } = trial;
  check(
    ends.every(({ code }) => code === 0) && ends.length === PROCESSES,
    `${name}: all processes end with 0`,
    ends.map(({ code, stdout, stderr }) => `${code}\n${stdout}\n${stderr}`).join("\n"),
  );
  check(job.state === COMPLETE, `${name}: the job is complete`);
  check(
    job.missingAtEnd.length > 0 && job.missingAtEnd.every((missing) => missing === 0),
    `${name}: nothing was missing when it was said to be (${job.missingAtEnd.length} times)`,
    job.missingAtEnd,
  );
  check(count() === total, `${name}: all ${total} objects are there`, count());
  check(
    boss.oddities.length === 0,
    `${name}: nothing was acknowledged before it was there, and nothing else done that no client may`,
    boss.oddities,
  );
}

const reportOf = ({ stdout }: Outcome): Report => JSON.parse(stdout);

async function proveTiles(stack: Stack): Promise<void> {
  const file = tileFile({ x: [0, width], y: [0, height], z: [0, depth] }, [
    "stack.ZindexStackPathProcessor",
    { root_dir: stack.folder, extension: "png", base_filename: "section_<p:3>" },
  ], ["stack.ZindexStackTileProcessor", { extension: "png", filesystem: "local" }]);
  const trial = await openTrial("tiles", file, TILE_BUCKET, 150);
  const { boss, job, total, count } = trial;
  await using _ = boss;
  const whole = await Deno.readFile(stack.paths[BROKEN]);
  await Deno.writeFile(stack.paths[BROKEN], whole.subarray(0, whole.length * 0.6));

  const ends = await torture(trial);
  const poisoned = total / depth;
  const isPoisoned = (text: string) => new RegExp(`\\bz ${BROKEN}\\b`).test(text);
  check(
    ends.every(({ code }) => code === 1),
    "tiles: all processes end with 1 while a section is broken",
    ends.map(({ code, stderr }) => `${code}\n${stderr}`).join("\n"),
  );
  const dead = new Set(ends.flatMap((end) => reportOf(end).dead.map(({ what }) => what)));
  const missing = job.messages.filter(({ keys }) => !job.ingested.has(keys[0]));
  check(
    dead.size > 0 && dead.size === missing.length && [...dead].every(isPoisoned),
    `tiles: the ${missing.length} tiles that cannot be made are dead letters, named: ${
      [...dead].sort().join("; ")
    }`,
    [...dead],
  );
  check(
    missing.length <= poisoned && count() === total - missing.length,
    "tiles: all others are there",
    [count(), total],
  );
  check(
    job.state !== COMPLETE && job.missingAtEnd.length === 0,
    "tiles: the job is not called complete",
    job.missingAtEnd,
  );
  check(
    job.upload.messages.length >= missing.length,
    "tiles: the messages of the dead letters are still in the queue",
  );

  await Deno.writeFile(stack.paths[BROKEN], whole);
  checkEnd(trial, await work(trial, async () => {}));
  await checkTiles(trial, stack);
}

async function proveCuboids(stack: Stack): Promise<void> {
  const volume = join(folder, "volume");
  await expectCode(0, [
    ...["ingest", `${stack.folder}/*.png`, `precomputed://${volume}`, "--levels", "1"],
    ...["--voxel-size", "4x4x40nm", "--chunk", "128x128x16", "--shard", "none", "--no-verify"],
  ], { SLUICE_HOME: join(folder, "home") });
  const file = chunkFile(
    { x: [0, width], y: [0, height], z: [0, depth], size: [TILE, TILE, 16] },
    ["cloudvolume.CloudVolumeChunkProcessor", { cloudpath: `file://${volume}` }],
  );
  file.client.path_processor.class = "ingestclient.plugins.cloudvolume.CloudVolumePathProcessor";
  const trial = await openTrial("cuboids", file, INGEST_BUCKET, 1000);
  await using _ = trial.boss;
  checkEnd(trial, await torture(trial));
  checkCuboids(trial, stack);
}

/** A box of the stack, with zeros beyond it. */
function boxOf(
  { voxels }: Stack,
  [x0, y0, z0]: readonly number[],
  [w, h, d]: readonly number[],
): Uint8Array {
  const box = new Uint8Array(w * h * d);
  for (let z = z0; z < Math.min(depth, z0 + d); z++) {
    for (let y = y0; y < Math.min(height, y0 + h); y++) {
      const from = (z * height + y) * width + x0;
      const row = voxels.subarray(from, from + Math.max(0, Math.min(w, width - x0)));
      box.set(row, ((z - z0) * h + y - y0) * w);
    }
  }
  return box;
}

async function checkTiles({ boss, name }: Trial, stack: Stack): Promise<void> {
  const wrong: string[] = [];
  const path = join(folder, "tile.png");
  for (const [key, { bytes }] of boss.s3.buckets.get(TILE_BUCKET)!.objects) {
    const [x, y, z] = key.split("&").slice(5).map(Number);
    await Deno.writeFile(path, bytes);
    await using source = await openFileSource(path);
    await using image = await png.open(source, {});
    const found = new Uint8Array(TILE * TILE);
    await image.readRows(0, TILE, found);
    const wanted = boxOf(stack, [x * TILE, y * TILE, z], [TILE, TILE, 1]);
    if (Buffer.compare(found, wanted) !== 0) wrong.push(key);
  }
  check(wrong.length === 0, `${name}: every voxel is that of its section`, wrong);
}

function checkCuboids({ boss, name }: Trial, stack: Stack): void {
  const wrong: string[] = [];
  const size = [TILE, TILE, 16];
  for (const [key, { bytes }] of boss.s3.buckets.get(INGEST_BUCKET)!.objects) {
    const [x, y, z] = mortonPlace(parseCuboidKey(key).morton);
    const wanted = boxOf(stack, [x * TILE, y * TILE, z * 16], size);
    const found = decompressBlosc(bytes, wanted.length);
    if (Buffer.compare(found, wanted) !== 0) wrong.push(key);
  }
  check(wrong.length === 0, `${name}: every voxel is that of the volume`, wrong);
}

const voxel = (x: number, y: number, z: number) => (x * 7 + y * 13 + z * 31) % 251 + 1;
const makeOne = (name: string) =>
  makeStack(join(folder, name), { width, height, depth, dtype: "uint8", voxel });
console.log(
  `${depth} sections of ${width} x ${height}, ${PROCESSES} processes a job; time ${speed} times as fast`,
);
await Promise.all([proveTiles(await makeOne("sections")), proveCuboids(await makeOne("planes"))]);
if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
console.log(Deno.exitCode === 1 ? "NOT proven" : "proven");
