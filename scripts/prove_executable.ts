/**
 * Proves that the executable needs nothing but itself, and that its first run cannot be spoilt.
 *
 * deno run -A scripts/prove_executable.ts [--quick] [--executable PATH] [--data DIR]
 *
 * Alone in a folder, with no network and an environment of PATH alone, it ingests, verifies and pulls: every byte is
 * what the source tree writes. Eight first runs at once leave one copy; so do first runs that are ended with `kill -9`
 * at moments all over the unpacking (quick: 3, else 15). Exit code 1 if anything differs.
 */
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BARE, bareFolder, namesIn, runAlone, startAlone, unshare } from "./_executable.ts";
import type { Outcome } from "./_process.ts";
import { compareTrees, hashTree } from "./_tree.ts";
import { compile, programFlags } from "./compile.ts";
import { makeSample } from "./make_sample.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean" },
    executable: { type: "string" },
    data: { type: "string" },
  },
});
const kills = values.quick ? 3 : 15;
const folder = await Deno.makeTempDir({ prefix: "sluice-prove-executable-" });

function check(holds: boolean, what: string): void {
  console.log(`${holds ? "ok    " : "FAILED"} ${what}`);
  if (!holds) Deno.exitCode = 1;
}

/** The real sections, or made ones where there are none. */
async function findSections(): Promise<string> {
  const data = values.data ?? Deno.env.get("SLUICE_TEST_DATA") ??
    fileURLToPath(new URL("../../shared/data", import.meta.url));
  const raw = resolve(data, "vnc-stack1/raw");
  if ((await namesIn(raw)).some((name) => name.endsWith(".tif"))) return raw;
  console.log(`No real sections in "${raw}" (set SLUICE_TEST_DATA): made ones are used`);
  const made = join(folder, "raw");
  await makeSample({ directory: made, width: 1024, height: 1024, depth: 20, square: 256 });
  return made;
}

const place = async (name: string) => {
  const path = join(folder, name);
  await Deno.mkdir(path);
  return path;
};

const made = values.executable === undefined
  ? (await compile({ folder: await place("dist"), selfUnpacking: true })).path
  : resolve(values.executable);
const unpacks = /^name='(.+)'$/m.exec(
  new TextDecoder().decode((await Deno.readFile(made)).subarray(0, 4096)),
)![1];
const { size } = await Deno.stat(made);
console.log(`${basename(made)}: ${(size / 1e6).toFixed(1)} MB, unpacks into ${unpacks}`);

/** Ingests, verifies and pulls by a command; what lies in its folder then. */
async function work(
  cwd: string,
  command: readonly string[],
  run: (words: readonly string[]) => Promise<Outcome>,
): Promise<Map<string, string>> {
  const common = ["--workers", "2"];
  const lines = [
    ["ingest", `${sections}/*.tif`, "out.ome.zarr", "--voxel-size", "4.6x4.6x45nm", ...common],
    ["verify", "out.ome.zarr", ...common],
    ["pull", "out.ome.zarr", "back", ...common],
  ];
  for (const line of lines) {
    const ledger = line[0] === "ingest" ? ["--ledger", "sqlite:jobs.db"] : [];
    const begun = performance.now();
    const { code, stdout, stderr } = await run([...command, ...line, ...ledger]);
    const seconds = ((performance.now() - begun) / 1000).toFixed(2);
    check(code === 0, `${line[0]} in ${seconds} s${code === 0 ? "" : `:\n${stdout}${stderr}`}`);
  }
  const hashes = new Map<string, string>();
  for (const name of ["out.ome.zarr", "back"]) {
    for (const [path, hash] of await hashTree(join(cwd, name))) {
      hashes.set(join(name, path), hash);
    }
  }
  return hashes;
}

const sections = await findSections();
const noNetwork = await unshare("net");
const alone = await place("alone");
const executable = join(alone, basename(made));
await Deno.copyFile(made, executable);
const temporary = await place("temporary");
const bin = await bareFolder(join(folder, "bin"));
const through = noNetwork?.map((word) => word === "unshare" ? "/usr/bin/unshare" : word);
console.log(
  `the executable, alone in a folder, with no home, no program but ${
    (await namesIn(bin)).join(" ")
  } and ${
    noNetwork === undefined ? "the network, as this machine forbids to unshare" : "no network"
  }:`,
);
const env = { PATH: bin, TMPDIR: temporary };
const found = await work(
  alone,
  [executable],
  (words) => runAlone(words, { cwd: alone, env, through }),
);
console.log("the source tree:");
const source = await place("source");
const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
const expected = await work(
  source,
  [Deno.execPath(), "run", ...await programFlags(), cli],
  (words) => runAlone(words, { cwd: source, env: Deno.env.toObject() }),
);
check(
  expected.size > 20 && compareTrees(expected, found).length === 0,
  `all ${expected.size} files of the volume and the pulled images are the same bytes ${
    compareTrees(expected, found).slice(0, 3).join(" ")
  }`,
);

/** Whether a cache holds one copy and nothing else. */
const isClean = async (cache: string) => (await namesIn(cache)).join() === unpacks;
const version = (cache: string) => ({ env: { ...BARE, SLUICE_CACHE: cache } });

const crowd = await place("crowd");
let begun = performance.now();
const answers = await Promise.all(
  Array.from({ length: 8 }, () => runAlone([executable, "--version"], version(crowd))),
);
const together = performance.now() - begun;
check(
  new Set(answers.map(({ code, stdout }) => `${code} ${stdout}`)).size === 1 &&
    answers[0].code === 0,
  `8 first runs at once answer alike, the last after ${(together / 1000).toFixed(2)} s`,
);
check(await isClean(crowd), "they leave one copy and no litter");

const lone = await place("lone");
begun = performance.now();
await runAlone([executable, "--version"], version(lone));
const first = performance.now() - begun;
let [whole, halfway] = [0, 0];
for (let i = 0; i < kills; i++) {
  const cache = await place(`killed${i}`);
  const process = startAlone([executable, "--version"], version(cache));
  await new Promise((resolve) => setTimeout(resolve, first * (i + 0.5) / (kills + 1)));
  process.kill("SIGKILL");
  await process.output();
  if ((await namesIn(cache)).some((name) => name.startsWith(".unpack-"))) halfway++;
  const { code } = await runAlone([executable, "--version"], version(cache));
  if (code === 0 && await isClean(cache)) whole++;
  else {console.log(
      `killed after part ${i}: exit code ${code}, ${(await namesIn(cache)).join(" ")}`,
    );}
  await Deno.remove(cache, { recursive: true });
}
check(
  whole === kills && halfway > 0,
  `${kills} first runs killed (${halfway} of them in mid-unpack): the next run mends it, and leaves no litter`,
);
console.log(`first run: ${(first / 1000).toFixed(2)} s`);
await Deno.remove(folder, { recursive: true });
console.log(Deno.exitCode === 1 ? "NOT proven" : "proven");
