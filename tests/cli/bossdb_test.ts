/** Channels of a Boss on the command line, as processes with the permissions that they are documented to need. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { viewBytes } from "../../core/dtype.ts";
import { TEST_TOKEN } from "../boss/_boss_server.ts";
import { serveCutouts } from "../boss/_cutouts.ts";
import { makeStack, withFolder } from "../_stack.ts";
import { ended, type Ran } from "./_sluice.ts";

const root = new URL("../../", import.meta.url).pathname;
const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));

/** `deno task sluice:net`, with a home of its own. */
async function net(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = { INTERN_TOKEN: TEST_TOKEN },
): Promise<Ran> {
  const ran = await ended(start(folder, words, env));
  ok(!`${ran.stdout}${ran.stderr}`.includes(TEST_TOKEN), "a token was printed");
  return ran;
}

function start(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = { INTERN_TOKEN: TEST_TOKEN },
): Deno.ChildProcess {
  const flags = tasks["sluice:net"].split(" ").slice(1, -1);
  return new Deno.Command(Deno.execPath(), {
    args: [...flags, "--no-prompt", `${root}cli.ts`, ...words],
    cwd: folder,
    clearEnv: true,
    env: {
      HOME: folder,
      SLUICE_HOME: join(folder, "home"),
      PATH: Deno.env.get("PATH") ?? "",
      DENO_DIR: Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME") ?? "", ".cache/deno"),
      NO_COLOR: "1",
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("sluice info shows a channel, and what people have said of it", async () => {
  await withFolder(async (folder) => {
    await using boss = serveCutouts({ size: [1000, 600, 20], dtype: "uint8", levels: 3, times: 2 });
    boss.meta.set("staining", "osmium\nand lead");
    const address = `bossdb://${boss.host}/col/exp/chan`;
    const { code, stdout, stderr } = await net(folder, ["info", address]);
    equal(code, 0, stderr);
    match(stdout, new RegExp(`^Channel of a Boss: ${address}\n`));
    for (
      const line of [
        / {2}extent +1000 x 600 x 20.* voxels of uint8, image\n/,
        / {2}voxel size +4x4x40nm\n/,
        /\nSaid of it\n {2}collection +a collection\n {2}experiment +of one mouse\n/,
        / {2}metadata staining +osmium and lead\n/,
        /\n +2 +250 x 150 x 20.* 512x512x16/,
      ]
    ) match(stdout, line);
    const { stdout: text } = await net(folder, ["info", address, "--json"]);
    const { about, scales } = JSON.parse(text);
    deepEqual(about.at(-1), { name: "metadata staining", value: "osmium\nand lead" });
    equal(scales.length, 3);
  });
});

Deno.test("sluice ingest writes a stack into a channel, status and verify know it, and pull brings it back", async () => {
  await withFolder(async (folder) => {
    await using boss = serveCutouts({ size: [600, 100, 20], dtype: "uint16" });
    const stack = await makeStack(join(folder, "raw"), { width: 523, height: 29, depth: 17 });
    const address = `bossdb://${boss.host}/col/exp/chan`;
    const words = [stack.pattern, address, "--voxel-size", "4x4x40nm"];
    const ran = await net(folder, ["ingest", ...words]);
    equal(ran.code, 0, ran.stderr);
    const all = Buffer.from(viewBytes(boss.voxels[0]));
    for (const z of [0, 8, 16]) {
      for (const y of [0, 28]) {
        const row = Buffer.from(viewBytes(stack.voxels)).subarray(2 * (z * 29 + y) * 523).subarray(
          0,
          1046,
        );
        equal(
          all.subarray(2 * (z * 100 + y) * 600).subarray(0, 1046).compare(row),
          0,
          `z ${z} y ${y}`,
        );
      }
    }
    equal(boss.log.filter((line) => line.startsWith("POST")).length, 4);
    // The same again finds it done, also by another process.
    const again = await net(folder, ["ingest", ...words]);
    equal(again.code, 0, again.stderr);
    equal(boss.log.filter((line) => line.startsWith("POST")).length, 4);
    const status = await net(folder, ["status", address]);
    equal(status.code, 0, status.stderr);
    const verified = await net(folder, ["verify", address]);
    equal(verified.code, 0, verified.stderr);
    boss.voxels[0][5] = 0;
    const broken = await net(folder, ["verify", address]);
    equal(broken.code, 1, broken.stdout);
    match(broken.stderr + broken.stdout, /cutout\/0\/0:512\/0:29\/0:16\/0:1/);
    match(broken.stderr + broken.stdout, /sluice retry .* --section 0-15\n.*\?replace=true/);
    const retried = await net(folder, ["retry", address, "--section", "0-15"]);
    equal(retried.code, 0, retried.stderr);
    const joined = await net(folder, ["join", address]);
    equal(joined.code, 0, joined.stderr);
    const mended = await net(folder, ["verify", address]);
    equal(mended.code, 0, mended.stderr + mended.stdout);
    const pulled = await net(folder, [
      "pull",
      address,
      "out",
      "--format",
      "png",
      "--z",
      "1:3",
      "--x",
      "0:523",
      "--y",
      "0:29",
    ]);
    equal(pulled.code, 0, pulled.stderr);
    deepEqual(
      (await Array.fromAsync(Deno.readDir(join(folder, "out")), ({ name }) => name)).sort(),
      ["section_0001.png", "section_0002.png"],
    );
  });
});

Deno.test("a program that is killed while it writes into a channel is taken up, and nothing is lost", async () => {
  await withFolder(async (folder) => {
    await using boss = serveCutouts({ size: [60, 50, 64], dtype: "uint16" });
    const stack = await makeStack(join(folder, "raw"), { width: 60, height: 50, depth: 64 });
    const address = `bossdb://${boss.host}/col/exp/chan`;
    const words = ["ingest", stack.pattern, address, "--voxel-size", "4x4x40nm"];
    // Two cuboids of four are told apart as written; of the others nothing is ever heard.
    let writes = 0;
    const hung = Promise.withResolvers<void>();
    const stuck = Promise.withResolvers<void>();
    boss.onWrite = () => {
      if (++writes <= 2) return Promise.resolve();
      stuck.resolve();
      return hung.promise;
    };
    const child = start(folder, words);
    const output = ended(child);
    await Promise.race([stuck.promise, output]);
    child.kill("SIGKILL");
    await output;
    boss.onWrite = undefined;
    hung.resolve();
    const again = await net(folder, [...words, "--lease-seconds", "1"]);
    equal(again.code, 0, again.stderr);
    match(again.stdout + again.stderr, /verified: 4 files/);
    equal(Buffer.compare(viewBytes(boss.voxels[0]), viewBytes(stack.voxels)), 0);
  });
});

Deno.test("a channel becomes a volume of files, in public and by the host of intern.cfg", async () => {
  await withFolder(async (folder) => {
    await using boss = serveCutouts({ size: [70, 50, 19], dtype: "uint8", public: true });
    viewBytes(boss.voxels[0]).fill(7);
    const nobody = { INTERN_HOST: boss.host, INTERN_PROTOCOL: "http" };
    const ran = await net(folder, ["ingest", "bossdb://col/exp/chan", "out.ome.zarr"], nobody);
    equal(ran.code, 0, ran.stderr);
    deepEqual([...boss.tokens], ["Token public"]);
    const { stdout } = await net(folder, ["info", "out.ome.zarr", "--json"], {});
    deepEqual(JSON.parse(stdout).extent.max, [70, 50, 19, 1, 1]);
  });
});

Deno.test("what cannot be had says why, and what to do", async () => {
  await withFolder(async (folder) => {
    await using boss = serveCutouts({ size: [70, 50, 19], dtype: "uint8" });
    const address = `bossdb://${boss.host}/col/exp/chan`;
    const secret = await net(folder, ["info", address], {});
    equal(secret.code, 1);
    match(secret.stderr, /answered 40[13].*; give a token, as it is not public: set INTERN_TOKEN/);
    const absent = await net(folder, ["info", address.replace("chan", "none")]);
    equal(absent.code, 1);
    match(absent.stderr, /there is no channel "col\/exp\/none"; .*`sluice prep`/);
    const wrong = await net(folder, ["info", "bossdb://col/exp"]);
    equal(wrong.code, 2, wrong.stderr);
    match(wrong.stderr, /write bossdb:\/\/COLLECTION\/EXPERIMENT\/CHANNEL/);
    const stack = await makeStack(join(folder, "raw"));
    const dtype = await net(folder, ["ingest", stack.pattern, address]);
    equal(dtype.code, 2, dtype.stderr);
    match(dtype.stderr, /the channel holds uint8, and the voxels are uint16/);
  });
});
