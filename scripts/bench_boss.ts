/**
 * Times uploads to a Boss beside boss-ingest, on servers that cost almost nothing: they drain what comes and answer
 * constants.
 *
 * ```sh
 * deno run -A scripts/bench_boss.ts [--quick] [--rounds 3] [--processes 2] [--folder DIR]
 * ```
 *
 * The same job, by as many processes: tiles of 512 x 512 pixels, a PNG each, and chunks of 512 x 512 x 64 voxels of a
 * precomputed volume. Seconds are from the first message that is handed out to the last one that is deleted, so that
 * neither start nor end of a program counts; medians of the rounds, in turn. Processors are what the clients and the
 * server took meanwhile and at their start and end. Needs Python 3 with venv.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chunkFile, type Json, tileFile } from "../tests/boss/_configs.ts";
import type { SinkReport } from "./_boss_sink.ts";
import { median } from "./_measure.ts";
import { expectCode, FLAGS } from "./_process.ts";
import { ensureEnvironment } from "./interop_venv.ts";
import { makeSample } from "./make_sample.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    processes: { type: "string", default: "2" },
    folder: { type: "string" },
  },
});
const { quick } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 3));
const processes = Number(values.processes);
const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-bench-" });
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const TOKEN = "0123456789abcdef0123456789abcdef01234567";
const TILE = 512;
const CHUNK = [512, 512, 64] as const;
// Columns and rows of tiles, and slices.
const tiles = quick ? [2, 2, 12] : [4, 4, 64];
const chunks = quick ? [2, 2, 1] : [4, 4, 2];

const python = await ensureEnvironment("boss");

/** A job, and the bytes of its voxels. */
interface BenchJob {
  readonly name: string;
  readonly file: Json;
  readonly bytes: number;
}

/** A program that does a job to its end. */
interface Contender {
  readonly name: string;
  command(config: string, sink: string): readonly string[];
  /** How often it is started at once. */
  readonly copies: number;
  /** Whether it makes the job itself. */
  readonly creates: boolean;
}

interface Run extends SinkReport {
  /** Of processors, in which the clients worked. */
  readonly clientSeconds: number;
}

async function makeTiles(): Promise<BenchJob> {
  const [columns, rows, depth] = tiles;
  const raw = join(folder, "tiles");
  const count = columns * rows * depth;
  const made = { width: TILE, height: TILE, depth: count, format: "png" } as const;
  const { paths } = await makeSample({ directory: raw, ...made });
  for (const [i, path] of paths.entries()) {
    const [x, y] = [i % columns, Math.floor(i / columns) % rows];
    await Deno.rename(path, join(raw, `s${Math.floor(i / columns / rows)}_${y}_${x}.png`));
  }
  const file = tileFile({ x: [0, columns * TILE], y: [0, rows * TILE], z: [0, depth] }, [
    "stack.ZindexStackPathProcessor",
    { root_dir: raw, extension: "png", base_filename: "s<>_<y>_<x>" },
  ], ["stack.ZindexStackTileProcessor", { extension: "png", filesystem: "local" }]);
  return { name: `${count} tiles`, file, bytes: count * TILE ** 2 };
}

async function makeVolume(): Promise<BenchJob> {
  const [width, height, depth] = chunks.map((count, axis) => count * CHUNK[axis]);
  const [raw, volume] = [join(folder, "sections"), join(folder, "volume")];
  await makeSample({ directory: raw, width, height, depth });
  await expectCode(0, [
    ...["ingest", `${raw}/*.tif`, `precomputed://${volume}`, "--levels", "1", "--no-verify"],
    ...["--chunk", "128x128x32", "--shard", "none", "--codec", "raw"],
    ...["--voxel-size", "4x4x40nm"],
  ], { SLUICE_HOME: join(folder, "home") });
  await Deno.remove(raw, { recursive: true });
  const cover = { x: [0, width], y: [0, height], z: [0, depth], size: CHUNK } as const;
  const file = chunkFile(cover, [
    "cloudvolume.CloudVolumeChunkProcessor",
    { cloudpath: `file://${volume}`, progress: false },
  ]);
  file.client.path_processor.class = "ingestclient.plugins.cloudvolume.CloudVolumePathProcessor";
  const count = chunks.reduce((product, one) => product * one);
  const name = `${count} chunks of ${CHUNK.join(" x ")}`;
  return { name, file, bytes: width * height * depth };
}

const sluice = (name: string, copies: number, threads: number): Contender => ({
  name,
  copies,
  creates: false,
  command: (config, sink) => [
    ...[Deno.execPath(), "run", ...FLAGS, "--allow-net=127.0.0.1", here("../cli.ts"), "join"],
    ...[config, "-j", "42", "--workers", String(threads), "--endpoint", sink, "--json"],
    ...["--spool", join(folder, "spool")],
  ],
});
const contenders: readonly Contender[] = [
  sluice("sluice join, a process each", processes, 1),
  sluice(`sluice join -p ${processes}`, 1, processes),
  {
    name: "boss-ingest",
    copies: 1,
    creates: true,
    command: (config) => [
      ...[join(python, "..", "boss-ingest"), "-f", "-r", "0", "-p", String(processes)],
      ...["-l", join(folder, "log"), config],
    ],
  },
];

async function runOnce({ file }: BenchJob, contender: Contender): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", here("_boss_sink.ts")],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const { value } = await child.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
    const sink = value!.trim();
    const config = join(folder, "job.json");
    const { host } = new URL(sink);
    Object.assign(file.client.backend, { host, protocol: "http" });
    await Deno.writeTextFile(config, JSON.stringify(file));
    if (!contender.creates) {
      const body = JSON.stringify(file);
      await (await fetch(`${sink}/latest/ingest/`, { method: "POST", body })).body?.cancel();
    }
    const clientSeconds = await runClients(contender, config, sink);
    const report: SinkReport = await (await fetch(`${sink}/report`)).json();
    if (report.deleted !== report.messages) {
      throw new Error(
        `Cannot time ${contender.name}: it did ${report.deleted} of ${report.messages} messages`,
      );
    }
    return { ...report, clientSeconds };
  } finally {
    child.kill();
    await child.status;
    await Deno.remove(join(folder, "spool"), { recursive: true }).catch(() => {});
  }
}

/** Runs all copies to their end. @returns Seconds of processors that they and their children took. */
async function runClients(
  { name, copies, command }: Contender,
  config: string,
  sink: string,
): Promise<number> {
  const script = `for i in $(seq ${copies}); do "$@" > /dev/null & done; wait; times`;
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", ...command(config, sink)],
    stdin: "null",
    env: {
      HOME: folder,
      NO_COLOR: "1",
      PYTHONWARNINGS: "ignore",
      INTERN_TOKEN: TOKEN,
      SLUICE_HOME: join(folder, "home"),
      DENO_DIR: await denoDir(),
      AWS_ENDPOINT_URL: sink,
    },
  }).output();
  const said = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`Cannot run ${name}: ${new TextDecoder().decode(stderr)}`);
  // The second line is of the children: minutes and seconds, of the program and of the system.
  const parts = [...said.trim().split("\n").at(-1)!.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + +seconds, 0);
}

/** Where modules are cached; it would be another in another home. */
async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

const load = Deno.loadavg()[0].toFixed(1);
console.log(`${processes} processes, ${rounds} rounds; load ${load} before\n`);
for (const job of [await makeTiles(), await makeVolume()]) {
  const runs = new Map<Contender, Run[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [contender, all] of runs) all.push(await runOnce(job, contender));
  }
  const secondsOf = (all: readonly Run[]) => median(all.map(({ seconds }) => seconds));
  const theirs = secondsOf(runs.get(contenders.at(-1)!)!);
  console.log(`${job.name}, ${(job.bytes / 1e6).toFixed(0)} MB of voxels\n`);
  console.log(
    "| program | s | MB/s | beside boss-ingest | MB sent | CPU s | CPU s of the server |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const [{ name }, all] of runs) {
    const seconds = secondsOf(all);
    const one = all.find((run) => run.seconds === seconds)!;
    const cells = [
      name,
      seconds.toFixed(2),
      (job.bytes / 1e6 / seconds).toFixed(0),
      `${(theirs / seconds).toFixed(2)} x`,
      (one.bytes / 1e6).toFixed(0),
      one.clientSeconds.toFixed(1),
      one.cpuSeconds.toFixed(1),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
  console.log();
}
if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
