/** Commands about jobs of a Boss, as processes with the permissions that they are documented to need. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseBossConfig } from "../../boss/config.ts";
import { BossMonitor } from "../../cli/boss_working.ts";
import { EXIT } from "../../cli/command.ts";
import { Interrupts } from "../../cli/interrupts.ts";
import { Output } from "../../cli/output.ts";
import { Progress } from "../../cli/progress.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { joinBossJob } from "../../tasks/join_boss_job.ts";
import { makeStack } from "../_stack.ts";
import { type BossTestServer, serveBoss, TEST_TOKEN, TILE_BUCKET } from "../boss/_boss_server.ts";
import { type Json, tileFile } from "../boss/_configs.ts";
import { retryOf } from "../boss/_wire.ts";
import { has } from "./_shells.ts";
import { command, ended, type Ran, Sluice } from "./_sluice.ts";

const SIZE = [1300, 700] as const;
const TILES_OF_SECTION = 6;

interface Bench extends AsyncDisposable {
  readonly boss: BossTestServer;
  readonly sluice: Sluice;
  readonly file: Json;
}

/** A Boss with a short patience, and a folder with a configuration for it. */
async function makeBench(depth: number): Promise<Bench> {
  const boss = serveBoss({ waitSeconds: 0.5, completingLooks: 0 });
  const sluice = await Sluice.of();
  const options = { task: "sluice:net", env: envOf(sluice) } as const;
  const [width, height] = SIZE;
  const stack = await makeStack(sluice.path("raw"), {
    width,
    height,
    depth,
    dtype: "uint8",
    voxel: (x, y, z) => (x * 7 + y * 13 + z * 31) % 251 + 1,
  });
  const cover = { x: [0, width], y: [0, height], z: [0, depth], size: [512, 512] } as const;
  const file = tileFile(cover, [
    "stack.ZindexStackPathProcessor",
    { root_dir: stack.folder, extension: "png", base_filename: "section_<p:3>" },
  ], ["stack.ZindexStackTileProcessor", { extension: "png", filesystem: "local" }]);
  file.client.backend = { ...file.client.backend, host: boss.host, protocol: "http" };
  await Deno.writeTextFile(sluice.path("job.json"), JSON.stringify(file));
  return {
    boss,
    sluice: sluice.with(options),
    file,
    [Symbol.asyncDispose]: async () => {
      await boss[Symbol.asyncDispose]();
      await sluice[Symbol.asyncDispose]();
    },
  };
}

function envOf(sluice: Sluice): Record<string, string> {
  return { HOME: sluice.folder.path, INTERN_TOKEN: TEST_TOKEN };
}

/** Fails where a run has shown the token. */
function hides(...runs: readonly Ran[]): void {
  for (const { stdout, stderr } of runs) {
    ok(!`${stdout}${stderr}`.includes(TEST_TOKEN), "a token was printed");
  }
}

const JOIN = ["join", "job.json", "-j", "42", "-p", "1"] as const;

Deno.test("a job of the Boss is created, joined by two processes, complete, and listed", async () => {
  await using bench = await makeBench(5);
  const { boss, sluice } = bench;
  const created = await sluice.run("create", "job.json", "--verbose");
  equal(created.code, EXIT.done, created.stderr);
  match(created.stderr, /The token is from the variable INTERN_TOKEN\n/);
  match(
    created.stderr,
    /#### INGEST JOB SUMMARY ####\n[^]*Total Number of Image Tiles to Upload: 30\n/,
  );
  match(created.stdout, /^Created ingest job 42 at "127\.0\.0\.1:\d+": 30 tiles\nTo upload: /);
  match(created.stdout, /\nTo upload: sluice join job\.json -j 42\n.* with -m\n$/);

  const status = await sluice.run("status", "job.json", "-j", "42");
  match(status.stdout, /^Ingest job 42: http:.*\n {2}preparing, 0 of 30 messages left: the server/);

  const endpoint = ["--endpoint", boss.s3.url];
  const runs = await Promise.all([
    sluice.run(...JOIN, ...endpoint, "--in-hand", "2"),
    sluice.run(...JOIN, ...endpoint, "--in-hand", "2"),
  ]);
  hides(created, ...runs);
  for (const { code, stdout, stderr } of runs) {
    equal(code, EXIT.done, stderr);
    match(
      stderr,
      /^Joined ingest job 42 at ".*": 30 tiles\nSpool ".*home\/spool": up to 16 GiB; /m,
    );
    match(stdout, /^(Ingest job 42 is complete; |Nothing to do, ingest job 42 is complete)/);
  }
  ok(runs.some(({ stderr }) => /Waiting for the Boss: the server waits 1 s/.test(stderr)));
  equal(boss.s3.buckets.get(TILE_BUCKET)!.objects.size, 30);
  deepEqual(boss.oddities, []);

  const again = await sluice.json(...JOIN, ...endpoint);
  deepEqual([again.code, again.document.end, again.document.foundEnded], [0, "complete", true]);
  const done = await sluice.json("status", "-j", "42", "--boss", `http://${boss.host}/`);
  deepEqual([done.document.state, done.document.total, done.document.left], ["complete", 30, 0]);
  const complete = await sluice.run("complete", "job.json", "-j", "42");
  deepEqual([complete.code, complete.stdout], [0, "Ingest job 42 is complete\n"]);
  const jobs = await sluice.run("jobs", "--boss", boss.url);
  match(
    jobs.stdout,
    /^job +state +kind +created +channel\n 42 +complete +tile +2020-01-02 03:04 +colA\/expA\/chA\n$/,
  );
});

Deno.test("a job is completed by hand where its workers were told not to", async () => {
  await using bench = await makeBench(1);
  const { boss, sluice } = bench;
  await sluice.run("create", "job.json", "--quiet");
  const process = sluice.start(...JOIN, "-m", "--job-endpoint", boss.s3.url);
  const { objects } = boss.s3.buckets.get(TILE_BUCKET)!;
  await until(() => objects.size === TILES_OF_SECTION && isEmpty(boss));
  const early = await sluice.run("complete", "job.json", "-j", "42", "--no-wait");
  process.kill("SIGINT");
  equal((await ended(process)).code, EXIT.interrupted);
  // It was asked only if the worker held nothing just then; neither way the job is complete.
  equal(early.code, EXIT.failed, early.stderr);
  const late = await sluice.run("complete", "job.json", "-j", "42");
  equal(late.code, EXIT.done, `${late.stdout}${late.stderr}`);
  match(late.stdout, /^Ingest job 42 is complete\n$/);
});

Deno.test("Ctrl-C finishes what is in hand, and says how to go on", async () => {
  await using bench = await makeBench(40);
  const { boss, sluice } = bench;
  await sluice.run("create", "job.json", "--yes");
  const process = sluice.start(...JOIN, "--endpoint", boss.s3.url, "--in-hand", "2");
  const { objects } = boss.s3.buckets.get(TILE_BUCKET)!;
  await until(() => objects.size >= 3);
  process.kill("SIGINT");
  const { code, stdout, stderr } = await ended(process);
  equal(code, EXIT.interrupted, stderr);
  match(stderr, /Finishing what is in hand; press Ctrl-C again to stop at once/);
  match(
    stdout,
    /^Stopped; \d+ tiles? by this process, nothing is lost\. To go on: sluice join job\.json -j 42\n$/,
  );
  const uploaded = Number(/\d+/.exec(stdout)![0]);
  equal(objects.size, uploaded);
  equal(boss.jobs.get(42)!.upload.messages.length, 40 * TILES_OF_SECTION - uploaded);
});

Deno.test("a job of the Boss is cancelled, with its configuration or without", async () => {
  await using bench = await makeBench(1);
  const { boss, sluice } = bench;
  await sluice.run("create", "job.json");
  const { code, document } = await sluice.json("create", "job.json");
  deepEqual([code, document.job.id, document.others[0].id], [0, 43, 42]);
  match(
    (await sluice.run("cancel", "-j", "42", "job.json")).stdout,
    /^Cancelled ingest job 42, which was preparing/,
  );
  match(
    (await sluice.run("cancel", "-j", "42", "job.json")).stdout,
    /^Ingest job 42 was cancelled before\n/,
  );
  const other = await sluice.run("cancel", "-j", "43", "--boss", boss.url);
  match(other.stdout, /^Cancelled ingest job 43/);
  const gone = await sluice.run(...JOIN);
  equal(gone.code, EXIT.failed);
  match(gone.stdout, /^Ingest job 42 was cancelled; 0 tiles by this process\. /);
  match((await sluice.run("jobs", "job.json")).stdout, /^No jobs at http/);
});

Deno.test("a wrong token is one line that says where it is from", async () => {
  await using bench = await makeBench(1);
  const sluice = bench.sluice.with({
    task: "sluice:net",
    env: { ...envOf(bench.sluice), INTERN_TOKEN: "wrong" },
  });
  for (const words of [["create", "job.json"], JOIN, ["jobs", "job.json"]]) {
    const { code, stderr } = await sluice.run(...words);
    equal(code, EXIT.failed, words.join(" "));
    match(
      stderr,
      /401 \("Invalid token\."\); mend the token, which is from the variable INTERN_TOKEN/,
    );
  }
});

Deno.test("a configuration is refused with all of its faults, and nobody is asked", async () => {
  await using bench = await makeBench(1);
  const { boss, sluice, file } = bench;
  delete file.database.channel;
  file.client.tile_processor.params.extension = "bmp";
  await Deno.writeTextFile(sluice.path("job.json"), JSON.stringify(file));
  for (const words of [["create", "job.json"], JOIN]) {
    const { code, stderr } = await sluice.run(...words);
    equal(code, EXIT.usage);
    match(
      stderr,
      /database\.channel: it is missing.*; client\.tile_processor\.params\.extension: it must be/,
    );
  }
  deepEqual(boss.log, []);
});

const misuses: readonly (readonly [words: string, message: RegExp])[] = [
  ["join job.json", /Cannot run "join" without --job-id: give -j ID/],
  ["join -j 42", /Cannot run "join" without CONFIG: /],
  ["join job.json -j x", /Cannot use --job-id x: it is no number of an ingest job/],
  [
    "join job.json -j 42 --ledger sqlite:a",
    /Cannot use --ledger with a job of a Boss: it is for jobs of a ledger/,
  ],
  [
    "join 42 --spool a",
    /Cannot use --spool with a job of a ledger: it is for jobs of a Boss; .* --boss or --job-id/,
  ],
  ["create job.json --chunk 64", /Cannot use --chunk with a job of a Boss/],
  ["create raw out.ome.zarr --yes", /Cannot use --yes with a job of a ledger/],
  ["cancel -j 42", /Cannot run "cancel" without a Boss: give its configuration, or --boss HOST/],
  ["complete -j 42", /Cannot run "complete" without a Boss/],
  ["status -j 42 --boss a/b", /Cannot reach the Boss at host "a\/b"/],
  ["jobs --host a", /Cannot use --host with "jobs": there is no such flag; it is a flag of/],
  ["join job.json -j 42 --no-complete", /did you mean --manual-complete\?/],
];
Deno.test("what belongs to the other kind of job is refused by name", async () => {
  await using bench = await makeBench(1);
  for (const [words, message] of misuses) {
    const { code, stderr } = await bench.sluice.run(...words.split(" "));
    equal(code, EXIT.usage, words);
    match(stderr, message);
  }
  deepEqual(bench.boss.log, []);
});

Deno.test({
  name: "on a terminal create and cancel ask first",
  ignore: !has("script"),
  fn: async () => {
    await using bench = await makeBench(1);
    const { boss, sluice } = bench;
    const no = await answer(sluice, "n", "create", "job.json");
    match(no, /Create this ingest job\? \(y\/n\): [^]*Nothing was created/);
    equal(boss.jobs.size, 0);
    match(await answer(sluice, "y", "create", "job.json"), /Created ingest job 42/);
    match(await answer(sluice, "n", "cancel", "-j", "42", "job.json"), /Nothing was cancelled/);
    equal(boss.jobs.get(42)!.state, 0);
    const forced = await answer(sluice, "", "cancel", "-j", "42", "job.json", "--force");
    ok(!forced.includes("(y/n)") && forced.includes("Cancelled ingest job 42"), forced);
  },
});

Deno.test("T14: dead letters are named and counted, stay in the queue, and make the exit code 1", async () => {
  await using bench = await makeBench(3);
  const { boss, sluice, file } = bench;
  await Deno.remove(sluice.path("raw/section_001.png"));
  await sluice.run("create", "job.json");
  // By the clock of the server: what is left comes again after minutes.
  const said: string[] = [];
  using interrupts = new Interrupts(() => {});
  const progress = new Progress({ columns: () => 0, write: (text) => said.push(text) });
  const shown = new Shown();
  const monitor = new BossMonitor(shown, interrupts, { same: "job.json -j 42", progress });
  await using pool = new WorkerPool({ size: 0 });
  const report = await joinBossJob(parseBossConfig(file, "job.json"), 42, {
    token: TEST_TOKEN,
    retry: retryOf(boss, { attempts: 8, seconds: 3600 }),
    pool,
    spool: sluice.path("spool"),
    endpoint: boss.s3.url,
    waitSeconds: 0,
    onStart: monitor.onStart,
    onEvent: monitor.onEvent,
    onProgress: monitor.onProgress,
  });
  equal(report.end, "stuck");
  equal(monitor.conclude(report), EXIT.failed);
  match(
    shown.text,
    /^Ingest job 42 is not complete; 12 tiles by this process, 6 messages given up:\n {2}tile x \d, y \d, z 1, t 0, 3 attempts: .*section_001\.png/,
  );
  match(
    shown.text,
    /\nThey stay in the queue, and come again to whoever joins\. Mend the cause, then: sluice join job\.json -j 42$/,
  );
  equal((shown.document as { dead: unknown[] }).dead.length, 6);
  deepEqual(shown.notes.map((note) => note.split(" ")[0]), ["Joined", "Spool"]);
  const lines = said.join("");
  match(lines, /^Attempt 1 at tile x \d, y \d, z 1, t 0 failed: .*section_001\.png/m);
  match(lines, /^More attempts failed$/m);
  match(lines, /^Given up: tile x \d, y \d, z 1, t 0: /m);
  equal(boss.jobs.get(42)!.upload.messages.length, 6);
});

/** Keeps what a command says at its end. */
class Shown extends Output {
  text = "";
  document: unknown;
  readonly notes: string[] = [];
  override note(text: string): void {
    this.notes.push(text);
  }
  override report(document: unknown, text: string | (() => string)): void {
    this.document = document;
    this.text = typeof text === "string" ? text : text();
  }
}

/** Whether nothing is left in the upload queue of the first job. */
function isEmpty(boss: BossTestServer): boolean {
  return boss.jobs.get(42)!.upload.messages.length === 0;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("It did not come to that in time");
}

/** Runs sluice on a terminal of its own, and types an answer. @returns What the screen showed. */
async function answer(sluice: Sluice, typed: string, ...words: string[]): Promise<string> {
  const flags = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  ).tasks["sluice:net"].split(" ").slice(1, -1);
  const line = [Deno.execPath(), ...flags, "--no-prompt", command.at(-1)!, ...words];
  const process = new Deno.Command("script", {
    args: ["-qefc", line.map((word) => `'${word}'`).join(" "), "/dev/null"],
    cwd: sluice.folder.path,
    env: { SLUICE_HOME: sluice.path("home"), NO_COLOR: "1", ...envOf(sluice) },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = process.stdin.getWriter();
  const seen: string[] = [];
  let isAnswered = typed === "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    seen.push(text);
    if (isAnswered || !seen.join("").includes("(y/n): ")) continue;
    isAnswered = true;
    await writer.write(new TextEncoder().encode(`${typed}\n`));
  }
  await writer.close().catch(() => {});
  await process.status;
  return seen.join("").replaceAll("\r", "");
}
