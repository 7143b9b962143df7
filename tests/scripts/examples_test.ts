/** That every example runs as it is copied: alone, from a URL, with the permissions that its head names. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { mapBands } from "../../stages/map_bands.ts";
import { openVolume } from "../../stores/volume.ts";
import { createJob } from "../../tasks/create.ts";
import { joinJob } from "../../tasks/join.ts";
import { planIngest } from "../../tasks/plan.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { makeStack, type Stack, withFolder } from "../_stack.ts";
import { drawn, JPEG_FILES } from "../codecs/_jpeg_files.ts";
import { makeTiff } from "../codecs/_tiff_writer.ts";
import { CopiedScript, makeDenoDir, PACKAGE, type Ran, runDeno } from "./_copied_script.ts";
import { ServedTree } from "./_served_tree.ts";

const EXAMPLES = fileURLToPath(new URL("../../scripts/examples/", import.meta.url));
const SIZE = [300, 40, 7] as const;
const voxelAt = (x: number, y: number, z: number) => (x * 7 + y * 13 + z * 29 + x * y) % 251;

interface Bench {
  readonly folder: string;
  readonly script: CopiedScript;
  readonly tree: ServedTree;
  readonly stack: Stack;
  readonly pool: WorkerPool;
}

/** Copies a script into a folder of its own, and the sections it reads beside it. */
async function withScript(name: string, test: (bench: Bench) => Promise<void>): Promise<void> {
  await withFolder(async (home) => {
    await using tree = new ServedTree();
    await using pool = new WorkerPool({ size: 0 });
    const denoDir = await makeDenoDir(join(home, "deno"));
    const folder = join(home, "empty");
    const script = await CopiedScript.into(folder, name, { tree, denoDir });
    const [width, height, depth] = SIZE;
    const raw = join(folder, "raw");
    const stack = await makeStack(raw, { width, height, depth, dtype: "uint8", voxel: voxelAt });
    await test({ folder, script, tree, stack, pool });
  });
}

function succeeded({ code, err, out }: Ran): string {
  equal(code, 0, err + out);
  equal(err.replaceAll(/^Download .*\n/gm, ""), "");
  return out;
}

/** Every voxel of scale 0. */
async function readVolume(path: string, pool: WorkerPool): Promise<number[]> {
  await using store = await openVolume(path, { pool });
  const { attributes } = JSON.parse(await Deno.readTextFile(join(path, "zarr.json")));
  equal(attributes.sluice.complete, true);
  const slab = await store.read({ min: [0, 0, 0, 0, 0], max: store.layout.scales[0].size });
  return Array.from(await gatherVoxels(slab), Number);
}

async function isWhole(volume: string, pool: WorkerPool): Promise<void> {
  const { faults, unfinished } = await verifyVolume(volume, { pool, source: false });
  deepEqual([faults, unfinished], [[], 0]);
}

/** What each example is to have done when it ran. */
const OUTCOMES: Record<string, (bench: Bench, out: string) => Promise<void>> = {
  async "create_volume.ts"({ folder, stack, pool }, out) {
    const volume = join(folder, "out/inverted.ome.zarr");
    equal(out, `${volume}: done, 2 of 2 tasks\n`);
    deepEqual(await readVolume(volume, pool), Array.from(stack.voxels, (voxel) => 255 - voxel));
    await using store = await openVolume(volume, { pool });
    equal(store.layout.scales.length, 2);
    await isWhole(volume, pool);
  },
  async "custom_source.ts"({ folder, pool }, out) {
    const volume = join(folder, "out/gyroid.ome.zarr");
    equal(out, `${volume}: done\n`);
    const voxels = await readVolume(volume, pool);
    equal(voxels.length, 160 * 120 * 80);
    for (const [x, y, z] of [[0, 0, 0], [159, 119, 79], [17, 90, 33], [101, 2, 64]]) {
      const [a, b, c] = [x, y, z].map((place) => Math.PI * place / 20);
      const { sin, cos } = Math;
      const height = sin(a) * cos(b) + sin(b) * cos(c) + sin(c) * cos(a);
      equal(voxels[(z * 120 + y) * 160 + x], Math.round(127.5 + 85 * height));
    }
    await isWhole(volume, pool);
  },
  async "custom_store.ts"({ folder, stack }, out) {
    match(out, /^out\/0_0\.0\.0\.0\.0\.raw: 300 x 40 x 7 voxels from 0 to 250, 84000 bytes\n/);
    match(out, /^out\/1_0\.0\.0\.0\.0\.raw: 150 x 20 x 4 voxels/m);
    deepEqual(await Deno.readFile(join(folder, "out/0_0.0.0.0.0.raw")), stack.voxels);
    const coarser = await Deno.readFile(join(folder, "out/1_0.0.0.0.0.raw"));
    const window = [0, 1].flatMap((x) =>
      [0, 1].flatMap((y) => [0, 1].map((z) => voxelAt(2 + x, 4 + y, z)))
    );
    const mean = window.reduce((sum, voxel) => sum + voxel) / 8;
    ok(Math.abs(coarser[2 * 150 + 1] - mean) <= 0.5);
    const files = Array.from(Deno.readDirSync(join(folder, "out")), ({ name }) => name).sort();
    deepEqual(files, ["0_0.0.0.0.0.raw", "1_0.0.0.0.0.raw"]);
  },
  async "watch_progress.ts"({ folder, stack, pool }, out) {
    const volume = join(folder, "out/volume.ome.zarr");
    const lines = out.trimEnd().split("\n");
    equal(lines[0], "planned: 7 images, 300 x 40 x 7 voxels, 2 tasks");
    match(lines[1], /^to know: The images do not say how large a voxel is/);
    ok(lines.includes("created: job 1"));
    const written = lines.flatMap((line) =>
      /^written: (\d) of 2 tasks, (\d+) bytes/.exec(line) ?? []
    );
    const done = written.filter((_, i) => i % 3 === 1).map(Number);
    const bytes = written.filter((_, i) => i % 3 === 2).map(Number);
    deepEqual([done[0], done.at(-1), bytes[0], bytes.at(-1)! > 0], [0, 2, 0, true]);
    deepEqual([done, bytes], [done, bytes].map((values) => values.toSorted((a, b) => a - b)));
    deepEqual(lines.slice(-3), [
      "verified: 1 of 2 shards",
      "verified: 2 of 2 shards",
      "ended: done, 0 losses, 0 dead letters",
    ]);
    deepEqual(await readVolume(volume, pool), [...stack.voxels]);
  },
  async "join_job.ts"({ folder, stack, pool }, out) {
    const volume = join(folder, "out/volume.ome.zarr");
    match(
      out,
      new RegExp(
        `^${RegExp.escape(volume)}: done, 2 of 2 tasks; [1-9]\\d* bytes of it from here\n$`,
      ),
    );
    deepEqual(await readVolume(volume, pool), [...stack.voxels]);
    await isWhole(volume, pool);
  },
};

/** What must be there before an example runs. */
async function prepare({ folder, script, stack }: Bench): Promise<void> {
  if (script.name !== "join_job.ts") return;
  const ledgerUrl = `sqlite:${join(folder, "out/jobs.db")}`;
  await using ledger = await openLedger(ledgerUrl);
  const report = await planIngest([stack.pattern]);
  await createJob(report, join(folder, "out/volume.ome.zarr"), { ledger, ledgerUrl });
}

Deno.test("every example has a test", () => {
  const there = Array.from(Deno.readDirSync(EXAMPLES), ({ name }) => name).sort();
  deepEqual(there, Object.keys(OUTCOMES).sort());
});

Deno.test("README imports what the examples import, and names each of them", async () => {
  const readme = await Deno.readTextFile(join(EXAMPLES, "../../README.md"));
  ok(readme.includes(`from "${PACKAGE}"`));
  for (const name of Object.keys(OUTCOMES)) {
    ok(readme.includes(`](scripts/examples/${name})`), name);
  }
});

for (const [name, check] of Object.entries(OUTCOMES)) {
  Deno.test(`${name} runs alone from a URL with the flags of its head, and no file of the project beside it`, () =>
    withScript(name, async (bench) => {
      await prepare(bench);
      await check(bench, succeeded(await bench.script.run()));
      const { asked } = bench.tree;
      ok(asked.includes("mod.ts"));
      // Its threads are modules of the same URL.
      ok(asked.includes("pool/worker.ts"));
      deepEqual(
        asked.filter((path) =>
          !/^(boss|core|codecs|ledgers|plugins|pool|services\/boss|stages|stores|stores\/blobs|tasks)\/[a-z_0-9]+\.ts$|^mod\.ts$/
            .test(path)
        ),
        [],
      );
    }));

  Deno.test(`${name} needs each flag of its head, and nothing else`, () =>
    withScript(name, async (bench) => {
      await prepare(bench);
      const { flags } = bench.script;
      for (const flag of flags) {
        match(flag, /^--allow-(import|read|write|sys)=/);
        const { code, err } = await bench.script.run({
          flags: flags.filter((one) => one !== flag),
        });
        ok(code !== 0, `without ${flag}: ${err}`);
        match(err, new RegExp(`${flag.split("=")[0]}\\b`));
      }
    }));

  Deno.test(`${name} can be run again`, () =>
    withScript(name, async (bench) => {
      await prepare(bench);
      succeeded(await bench.script.run());
      succeeded(await bench.script.run());
    }));
}

Deno.test("examples compile from a URL without an annotation of types", () =>
  withFolder(async (home) => {
    await using tree = new ServedTree();
    const denoDir = await makeDenoDir(join(home, "deno"));
    const folder = join(home, "empty");
    for (const name of Object.keys(OUTCOMES)) {
      await CopiedScript.into(folder, name, { tree, denoDir });
    }
    const { code, err } = await runDeno(
      ["check", `--allow-import=${tree.host}`, ...Object.keys(OUTCOMES)],
      { folder, denoDir },
    );
    equal(code, 0, err);
  }));

Deno.test("create_volume.ts runs from a checkout whose folder it may read", () =>
  withScript("create_volume.ts", async (bench) => {
    const { script, tree } = bench;
    const path = join(script.folder, script.name);
    const checkout = fileURLToPath(new URL("../../", import.meta.url));
    const text = (await Deno.readTextFile(path)).replace(
      tree.url(""),
      pathToFileURL(checkout).href,
    );
    await Deno.writeTextFile(path, text);
    const flags = script.flags.filter((flag) => !flag.startsWith("--allow-import"))
      .map((flag) => flag.startsWith("--allow-read=") ? `${flag},${checkout}` : flag);
    await OUTCOMES["create_volume.ts"](bench, succeeded(await script.run({ flags })));
    deepEqual(tree.asked, []);
  }));

Deno.test("create_volume.ts goes on where an earlier run was ended", () =>
  withScript("create_volume.ts", async (bench) => {
    const { folder, stack, pool } = bench;
    const ledgerUrl = `sqlite:${join(folder, "out/jobs.db")}`;
    {
      await using ledger = await openLedger(ledgerUrl);
      const report = await planIngest([stack.pattern]);
      const volume = join(folder, "out/inverted.ome.zarr");
      const { job } = await createJob(report, volume, { ledger, ledgerUrl });
      const transform = mapBands("invert", ({ data }) => {
        for (let i = 0; i < data.length; i++) data[i] = 255 - Number(data[i]);
      });
      const stop = new AbortController();
      const onProgress = () => stop.abort();
      await joinJob(job, { ledger, pool, transform, stop: stop.signal, onProgress });
      deepEqual((await ledger.status(job)).state, "active");
    }
    await OUTCOMES["create_volume.ts"](bench, succeeded(await bench.script.run()));
  }));

Deno.test("create_volume.ts shares the work with itself", () =>
  withScript("create_volume.ts", async (bench) => {
    const runs = await Promise.all([bench.script.run(), bench.script.run()]);
    for (const run of runs) await OUTCOMES["create_volume.ts"](bench, succeeded(run));
  }));

Deno.test("create_volume.ts says which task failed, and why", () =>
  withScript("create_volume.ts", async ({ script, stack }) => {
    const whole = await Deno.readFile(stack.paths[3]);
    const broken = whole.map((byte, i) => i > 60 && i < whole.length - 40 ? byte ^ 0x55 : byte);
    await Deno.writeFile(stack.paths[3], broken);
    const { code, out, err } = await script.run();
    equal(code, 1);
    match(out, /: failed, 0 of 2 tasks\n$/);
    match(err, /^0: .*section_003\.png" \(z 3\)/m);
  }));

Deno.test("join_job.ts says that there is no job", () =>
  withScript("join_job.ts", async ({ script }) => {
    const { code, err } = await script.run();
    ok(code !== 0);
    match(err, /Cannot find "out\/volume\.ome\.zarr" as a volume: there is no such folder/);
  }));

Deno.test("the command line runs from a URL, too, with the flags of cli.ts", () =>
  withScript("create_volume.ts", async ({ script, folder, stack, pool, tree }) => {
    const [shebang] = (await Deno.readTextFile(join(EXAMPLES, "../../cli.ts"))).split("\n");
    const flags = shebang.split(" ").filter((word) => word.startsWith("--"));
    const command = [
      "ingest",
      "raw",
      "out.ome.zarr",
      "--workers",
      "2",
      "--ledger",
      "sqlite:jobs.db",
    ];
    const { code, out, err } = await runDeno(
      ["run", `--allow-import=${tree.host}`, ...flags, tree.url("cli.ts"), ...command],
      script,
    );
    equal(code, 0, out + err);
    deepEqual(await readVolume(join(folder, "out.ome.zarr"), pool), [...stack.voxels]);
    ok(tree.asked.includes("pool/worker.ts"));
    deepEqual(tree.asked.filter((path) => path.startsWith("404")), []);
  }));

/** Sections of 33 x 19 pixels in formats that WebAssembly decodes. */
const FORMATS = [
  {
    format: "LZW TIFF",
    file: "s.tif",
    bytes: makeTiff([{ width: 33, height: 19, sampleBytes: 1, packing: "lzw", pixels: drawn(1) }]),
    tolerance: 0,
  },
  { format: "JPEG", file: "s.jpg", bytes: JPEG_FILES.grey, tolerance: 6 },
];

async function replaceSections({ folder }: Bench, file: string, bytes: Uint8Array): Promise<void> {
  await Deno.remove(join(folder, "raw"), { recursive: true });
  await Deno.mkdir(join(folder, "raw"));
  await Deno.writeFile(join(folder, "raw", file), bytes);
}

function isDrawn(voxels: readonly number[], tolerance: number): void {
  const wanted = drawn(1);
  equal(voxels.length, wanted.length);
  ok(voxels.every((voxel, i) => Math.abs(voxel - wanted[i]) <= tolerance), `${voxels}`);
}

for (const { format, file, bytes, tolerance } of FORMATS) {
  Deno.test(`create_volume.ts decodes ${format} in threads from a URL`, () =>
    withScript("create_volume.ts", async (bench) => {
      await replaceSections(bench, file, bytes);
      succeeded(await bench.script.run());
      const voxels = await readVolume(join(bench.folder, "out/inverted.ome.zarr"), bench.pool);
      isDrawn(voxels.map((voxel) => 255 - voxel), tolerance);
    }));
}

/** Decodes what lies in `raw`, and says how many modules of WebAssembly that took. */
const COUNTING = `
const { instantiate, Module } = WebAssembly;
let modules = 0;
WebAssembly.instantiate = (...given) => (modules++, instantiate(...given));
WebAssembly.Module = class extends Module {
  constructor(...given) {
    super(...given);
    modules++;
  }
};
const sluice = await import(MOD);
await using pool = new sluice.WorkerPool({ size: 0 });
const { plan, stack } = await sluice.planIngest(["raw"]);
const run = sluice.pipeline(sluice.enumerate([plan.source.crop]))
  .through(sluice.resolvePaths(sluice.SourceList.of(stack)))
  .through(sluice.decode({ pool }));
for await (const { value } of run) {
  const voxels = Array.from(await sluice.gatherVoxels(value));
  console.log(JSON.stringify({ modules, voxels }));
}
`;

const WASM = [
  { ...FORMATS[0], npm: false, modules: 1, how: "by WebAssembly of its own" },
  { ...FORMATS[1], npm: false, modules: 0, how: "without the npm cache by plain JavaScript" },
  { ...FORMATS[1], npm: true, modules: 1, how: "by WebAssembly where the npm cache may be read" },
];
for (const { format, file, bytes, tolerance, npm, modules, how } of WASM) {
  Deno.test(`from a URL, ${format} is decoded ${how}`, () =>
    withScript("create_volume.ts", async (bench) => {
      await replaceSections(bench, file, bytes);
      const { script: { folder, denoDir }, tree } = bench;
      const text = COUNTING.replace("MOD", JSON.stringify(tree.url("mod.ts")));
      await Deno.writeTextFile(join(folder, "counting.js"), text);
      const read = npm ? `raw,${await Deno.realPath(join(denoDir, "npm"))}` : "raw";
      const flags = [`--allow-import=${tree.host}`, `--allow-read=${read}`];
      const out = succeeded(await runDeno(["run", ...flags, "counting.js"], { folder, denoDir }));
      const found = JSON.parse(out) as { modules: number; voxels: number[] };
      equal(found.modules, modules);
      isDrawn(found.voxels, tolerance);
    }));
}
