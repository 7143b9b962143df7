/**
 * Times the whole ingest of one stack beside programs that others wrote, on the same files, to the same chunks, shards
 * and codec.
 *
 * deno run -A scripts/bench.ts [--quick] [--rounds 3] [--folder DIR] [--kinds png8,png16,tiffraw,tifflzw]
 *
 * Whole processes, one after the other, in turn in every round; medians of wall time, the largest peak of resident
 * memory of the process and its children, and the ratio of each to sluice. Two threads each. sluice runs with
 * `--no-verify`, as no peer reads back what it wrote; what verifying adds has a row of its own. Needs Python 3 with
 * venv: the peers are installed into `.venv-bench`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measure as measureWith, type Measured, median } from "./_measure.ts";
import { FLAGS } from "./_process.ts";
import { makeSample } from "./make_sample.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    rounds: { type: "string" },
    folder: { type: "string" },
    kinds: { type: "string", default: "png8,png16,tiffraw,tifflzw" },
    peers: { type: "string", default: "tensorstore_stack,ngff_zarr_stack,webknossos_convert" },
  },
});
const quick = values.quick ?? false;
const rounds = Number(values.rounds ?? (quick ? 1 : 3));
const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-bench-" });
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const [side, depth] = quick ? [512, 64] : [2048, 64];
const peers = values.peers.split(",").filter(Boolean);
const THREADS = 2;
const LEVELS = quick ? 2 : 4;

const measure = (command: string, args: readonly string[]) =>
  measureWith(command, args, { SLUICE_HOME: join(folder, "home") });

const python = (await measure(Deno.execPath(), ["run", "-A", here("interop_venv.ts"), "--bench"]))
  .stdout.trim().split("\n").at(-1)!;
const raw = join(folder, "raw");
await makeSample({ directory: raw, width: side, height: side, depth });
const kinds = values.kinds.split(",");
await measure(python, [here("bench_peers/make_inputs.py"), raw, folder, "--kinds", values.kinds]);

interface Contender {
  readonly name: string;
  run(sources: string, target: string, pyramid: boolean): Promise<Measured>;
}

const sluice = (name: string, flags: readonly string[]): Contender => ({
  name,
  run: (sources, target, pyramid) =>
    measure(Deno.execPath(), [
      "run",
      ...FLAGS,
      here("../cli.ts"),
      "ingest",
      sources,
      target,
      ...[
        "--chunk",
        "64",
        "--shard",
        "512x512x64",
        "--codec",
        "zstd:3",
        "--workers",
        String(THREADS),
        "--json",
      ],
      ...["--levels", String(pyramid ? LEVELS : 1), ...flags],
    ]),
});

const contenders: Contender[] = [
  sluice("sluice", ["--no-verify"]),
  sluice("sluice, verified", []),
  ...peers.map((peer): Contender => ({
    name: peer.replace(/_(stack|convert)$/, ""),
    run: (sources, target, pyramid) =>
      measure(python, [
        here(`bench_peers/${peer}.py`),
        sources,
        target,
        ...[
          "--chunk",
          "64,64,64",
          "--shard",
          "64,512,512",
          "--level",
          "3",
          "--threads",
          String(THREADS),
        ],
        ...(peer === "tensorstore_stack" ? ["--crc32c"] : []),
        ...(pyramid ? ["--pyramid", ...new Array<string>(LEVELS - 1).fill("2,2,2")] : []),
      ]),
  })),
];

const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
console.log(
  `${side} x ${side} x ${depth} sections, chunk 64 x 64 x 64, shard 512 x 512 x 64, zstd 3, ${THREADS} threads, ${rounds} rounds\n`,
);
console.log("| input | pyramid | program | wall s | peak MiB | wall / sluice | memory / sluice |");
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const kind of kinds) {
  const sources = `${join(folder, kind)}/*`;
  for (const pyramid of [false, true]) {
    const results = new Map<string, Measured[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const { name, run } of contenders) {
        const target = join(folder, "out.zarr");
        results.get(name)!.push(await run(sources, target, pyramid));
        await Deno.remove(target, { recursive: true });
      }
    }
    const own = results.get("sluice")!;
    const [seconds, peak] = [
      median(own.map((one) => one.seconds)),
      Math.max(...own.map((one) => one.peak)),
    ];
    for (const [name, runs] of results) {
      const wall = median(runs.map((one) => one.seconds));
      const memory = Math.max(...runs.map((one) => one.peak));
      console.log(
        `| ${kind} | ${pyramid ? "on" : "off"} | ${name} | ${wall.toFixed(2)} | ${mib(memory)} | ${
          (wall / seconds).toFixed(2)
        } | ${(memory / peak).toFixed(2)} |`,
      );
    }
    const { thisProcess } = JSON.parse(own.at(-1)!.stdout);
    const parts = Object.entries(thisProcess.milliseconds as Record<string, number>).map((
      [part, ms],
    ) => `${part} ${(ms / 1000).toFixed(2)} s`);
    console.log(`|  |  | *sluice's threads: ${parts.join(", ")}* | | | | |`);
  }
}
if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
