/**
 * Proves that a job which is killed again and again leaves the very volume an undisturbed one does.
 *
 * deno run -A scripts/prove_kill.ts [--quick] [--folder DIR]
 *
 * Two processes work on one job; at random moments one of them is ended with `kill -9` and started anew. Then every
 * file is compared with an undisturbed run's, the volume verified, a byte flipped, and a frozen worker thawed over a
 * volume that was begun anew. Exit code 1 if anything differs.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openLedger } from "../ledgers/open_ledger.ts";
import { JobFolder } from "../stores/job_folder.ts";
import { makeSample } from "./make_sample.ts";
import { expectCode, outcome, type Running, start } from "./_process.ts";
import { compareTrees, hashTree } from "./_tree.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, folder: { type: "string" }, seed: { type: "string" } },
});
const quick = values.quick ?? false;
const folder = values.folder ?? await Deno.makeTempDir({ prefix: "sluice-kill-" });
const kills = quick ? 3 : 20;
const wantedTasks = quick ? 2 : 15;
const [width, depth] = quick ? [512, 288] : [1536, 1760];
const job = [
  "--chunk",
  "64x64x16",
  "--shard",
  "512x512x16",
  "--codec",
  quick ? "zstd:3" : "gzip:6",
  "--memory",
  "2GiB",
  "--no-verify",
];
const random = generator(Number(values.seed ?? Date.now() % 1e9));

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function generator(seed: number): () => number {
  console.log(`seed ${seed}`);
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function check(holds: boolean, what: string): void {
  console.log(`${holds ? "ok    " : "FAILED"} ${what}`);
  if (!holds) Deno.exitCode = 1;
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const raw = join(folder, "raw");
const made = performance.now();
await makeSample({
  directory: raw,
  width,
  height: width,
  depth,
  dtype: "uint8",
  format: "tiff",
  square: 256,
  seed: 1,
});
console.log(
  `${depth} sections of ${width} x ${width} made in ${
    ((performance.now() - made) / 1000).toFixed(0)
  } s`,
);
const sources = join(raw, "*.tif");

const reference = join(folder, "reference.ome.zarr");
const ledger = `sqlite:${join(folder, "jobs.db")}`;
let begun = performance.now();
await expectCode(0, ["ingest", sources, reference, ...job, "--ledger", ledger]);
const undisturbed = (performance.now() - begun) / 1000;
const plan = await (await JobFolder.open(reference)).plan();
const phases = plan!.phases.filter(({ kind }) => kind !== "finish").length;
const tasks = plan!.phases.at(-1)!.first;
console.log(`undisturbed: ${undisturbed.toFixed(1)} s, ${tasks} tasks in ${phases} phases`);
check(
  tasks >= (quick ? 18 : 64) && phases >= 2,
  "the plan has at least 64 tasks (quick: 18) and two phases",
);
check(quick || undisturbed >= 60, "it runs for at least a minute (full size)");

const tortured = join(folder, "tortured.ome.zarr");
const worker = () => start(["ingest", sources, tortured, ...job, "--ledger", ledger]);
const running: Running[] = [worker()];
while (await (await JobFolder.open(tortured)).claim() === undefined) await sleep(20);
running.push(worker());
const { job: number } = (await (await JobFolder.open(tortured)).claim())!;
const hit = new Set<number>();
let killed = 0;
let finishedEarly = 0;
begun = performance.now();
const pause = undisturbed * 1000 / (1.6 * kills + 2);
{
  await using observer = await openLedger(ledger);
  while (killed < kills) {
    await sleep(pause * (0.3 + 1.4 * random()));
    const status = await observer.status(number);
    if (status.state !== "active") break;
    const at = Math.floor(random() * running.length);
    const held = status.leases.filter(({ worker }) => worker.endsWith(`:${running[at].pid}`));
    if (held.length === 0) {
      finishedEarly++;
      if (finishedEarly > 200) break;
      continue;
    }
    running[at].child.kill("SIGKILL");
    await running[at].output;
    for (const { first, end } of held) for (let task = first; task < end; task++) hit.add(task);
    killed++;
    running[at] = worker();
  }
}
const ends = await Promise.all(running.map(async ({ output }) => outcome(await output)));
console.log(
  `tortured: ${
    ((performance.now() - begun) / 1000).toFixed(1)
  } s, killed ${killed} times, ${hit.size} tasks hit`,
);
check(killed === kills, `${kills} kills`);
check(hit.size >= wantedTasks, `at least ${wantedTasks} different tasks were hit`);
check(
  ends.every(({ code }) => code === 0),
  `the last two processes end with 0${
    ends.map(({ code, stderr }) => code === 0 ? "" : `\n${stderr}`).join("")
  }`,
);
const [expected, found] = [await hashTree(reference), await hashTree(tortured)];
const differences = compareTrees(expected, found);
check(
  differences.length === 0,
  `all ${expected.size} files are byte-identical to the undisturbed run's ${
    differences.slice(0, 5).join(" ")
  }`,
);
await expectCode(0, ["verify", tortured]);
check(true, "verify passes");

const shard = [...found.keys()].find((path) => path.startsWith("0/c/"))!;
await flip(join(tortured, shard), 1000);
const flipped = await expectCode(1, ["verify", tortured]);
check(
  /chunk/.test(flipped.stdout + flipped.stderr) &&
    (flipped.stdout + flipped.stderr).includes(shard),
  "a flipped byte: verify names the file and the chunk",
);

const frozen = join(folder, "frozen.ome.zarr");
const sleeper = start([
  "ingest",
  sources,
  frozen,
  ...job,
  "--ledger",
  ledger,
  "--lease-seconds",
  "3",
]);
{
  await using observer = await openLedger(ledger);
  let claim;
  while ((claim = await (await JobFolder.open(frozen)).claim()) === undefined) await sleep(5);
  while ((await observer.status(claim.job)).leases.length === 0) await sleep(5);
  await sleep(quick ? 30 : 500);
  sleeper.child.kill("SIGSTOP");
  await sleep(4000);
  await expectCode(0, ["cancel", frozen, "--ledger", ledger]);
}
await expectCode(0, ["ingest", sources, frozen, ...job, "--ledger", ledger, "--overwrite"]);
const before = await hashTree(frozen);
sleeper.child.kill("SIGCONT");
const thawed = outcome(await sleeper.output);
check(thawed.code !== 0, `the thawed worker gives up (exit code ${thawed.code})`);
check(
  compareTrees(before, await hashTree(frozen)).length === 0,
  "nothing of the new volume changed",
);
check(compareTrees(expected, before).length === 0, "which is the undisturbed one, byte for byte");
await expectCode(0, ["verify", frozen]);
if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
console.log(Deno.exitCode === 1 ? "NOT proven" : "proven");

async function flip(path: string, offset: number): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  await file.seek(offset, Deno.SeekMode.Start);
  await file.read(byte);
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(byte.map((value) => value ^ 0x10));
}
