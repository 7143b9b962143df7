/** `sluice validate` and `sluice prep`, as processes with the permissions that they are documented to need. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { PREP_FILE, type ResourceServer, serveResources } from "../boss/_boss_resources.ts";
import { TEST_TOKEN } from "../boss/_boss_server.ts";
import { tileFile } from "../boss/_configs.ts";
import { TestFolder } from "../_images.ts";
import { ended, type Ran, Sluice } from "./_sluice.ts";

const root = new URL("../../", import.meta.url).pathname;
const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));

/** `deno task sluice:net`, with a home of its own. */
async function net(folder: TestFolder, words: readonly string[], env = {}): Promise<Ran> {
  const flags = tasks["sluice:net"].split(" ").slice(1, -1);
  const ran = await ended(
    new Deno.Command(Deno.execPath(), {
      args: [...flags, "--no-prompt", `${root}cli.ts`, ...words],
      cwd: folder.path,
      env: { HOME: folder.path, INTERN_TOKEN: "", NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  ok(!`${ran.stdout}${ran.stderr}`.includes(TEST_TOKEN), "a token was printed");
  return ran;
}

const INTERN = `[Default]\nhost = api.bossdb.io\nprotocol = https\ntoken = ${TEST_TOKEN}\n`;

function files(boss: ResourceServer): Record<string, string> {
  const ingest = tileFile({ x: [0, 2048], z: [0, 64] });
  ingest.client.backend = { ...ingest.client.backend, host: boss.host, protocol: "http" };
  return { "prep.json": JSON.stringify(PREP_FILE), "ingest.json": JSON.stringify(ingest) };
}

Deno.test("sluice validate prints all faults, and exits with 2", async () => {
  const file = tileFile();
  delete file.database.channel;
  file.client.tile_processor.params.extension = "bmp";
  await using sluice = await Sluice.of({ "a.json": JSON.stringify(file) });
  const { code, stdout, stderr } = await sluice.run("validate", "a.json");
  equal(code, 2, stderr);
  match(stdout, /^"a\.json" has 2 faults\n {2}database\.channel: it is missing\n/);
  match(stdout, /\n {2}client\.tile_processor\.params\.extension: it must be png, tiff or jpeg/);
  const { code: again, document } = await sluice.json("validate", "a.json");
  deepEqual([again, document.exitCode, document.faults.length], [2, 2, 2]);
});

Deno.test("sluice validate prints the summary, and looks only when told to", async () => {
  await using sluice = await Sluice.of({ "a.json": JSON.stringify(tileFile()) });
  const { code, stdout, stderr } = await sluice.run("validate", "a.json");
  equal(code, 0, stderr);
  match(stdout, /^#### INGEST JOB SUMMARY ####\n/);
  match(stdout, /Total Number of Image Tiles to Upload: 128\n/);
  match(stdout, /"a\.json" has no fault\n$/);
  const looked = await sluice.run("validate", "a.json", "--look");
  equal(looked.code, 1, looked.stderr);
  match(
    looked.stdout,
    /first tile, x 0 y 0 z 0 t 0 +missing +\/data\/s0000\.png: there is no such/,
  );
  match(looked.stdout, /last tile, x 1 y 1 z 31 t 0 +missing +\/data\/s0031\.png/);
  const odd = await sluice.run("validate", "a.json", "--token", TEST_TOKEN);
  deepEqual([odd.code, odd.stderr.includes(TEST_TOKEN)], [2, false]);
});

Deno.test("sluice prep says what it would create, creates it, and then finds it", async () => {
  await using boss = serveResources();
  await using folder = await TestFolder.of({ ...files(boss), ".intern/intern.cfg": INTERN });
  const dry = await net(folder, ["prep", "prep.json", "--dry-run", "--verbose"]);
  equal(dry.code, 0, dry.stderr);
  match(dry.stdout, /, nothing is created\n {2}collection "colA" +absent, would be created\n/);
  match(dry.stderr, /The token is from ".*intern\.cfg"\n.* its token for host "api\.bossdb\.io"/);
  equal(boss.there.size, 0);

  const made = await net(folder, ["prep", "prep.json"]);
  equal(made.code, 0, made.stderr);
  match(made.stdout, /\n {2}channel "colA\/expA\/chA" +created\n/);
  match(made.stdout, /Next: sluice validate ingest\.json --look\n$/);
  match(made.stderr, /^Created collection "colA"$/m);
  ok(!made.stdout.includes("INTERN_TOKEN"));
  equal(boss.there.size, 4);

  const found = await net(folder, ["prep", "prep.json", "--json"]);
  const document = JSON.parse(found.stdout);
  deepEqual([found.code, document.exitCode, document.isAsWanted], [0, 0, true]);
  const states = document.resources.map(({ state }: { state: string }) => state);
  deepEqual(states, ["exists", "exists", "exists", "exists"]);
  match(document.tokenSource, /intern\.cfg/);
});

Deno.test("sluice prep names what differs, changes nothing, and exits with 1", async () => {
  await using boss = serveResources();
  await using folder = await TestFolder.of(files(boss));
  const env = { INTERN_TOKEN: TEST_TOKEN };
  equal((await net(folder, ["prep", "prep.json"], env)).code, 0);
  boss.there.get("coord/cfA")!.z_voxel_size = 30;
  boss.posted.length = 0;
  const { code, stdout } = await net(folder, ["prep", "prep.json", "-v"], env);
  equal(code, 1);
  match(stdout, /coordinate frame "cfA" +is there, and differs\n/);
  match(stdout, /\n {4}coordinate_frame\.voxel_size_z: 40 is wanted, the Boss has 30\n/);
  match(stdout, /What is there was not changed/);
  deepEqual(boss.posted, []);
});

Deno.test("sluice prep takes host, protocol and token from the flags, and never shows the token", async () => {
  await using boss = serveResources();
  await using folder = await TestFolder.of(files(boss));
  const alone = structuredClone(PREP_FILE);
  delete alone.ingest_cfg;
  await folder.put("alone.json", new TextEncoder().encode(JSON.stringify(alone)));
  const prep = ["prep", "alone.json", "--token", TEST_TOKEN];
  const nowhere = await net(folder, prep);
  equal(nowhere.code, 2);
  match(nowhere.stderr, /Cannot tell which Boss "alone\.json" is for: give --host/);
  const secure = await net(folder, [...prep, "--host", boss.url, "--protocol", "https"]);
  equal(secure.code, 2);
  const url = await net(folder, [...prep, "--host", `${boss.url}/`, "--dry-run"]);
  equal(url.code, 0, url.stderr);
  const host = await net(folder, [...prep, "--host", boss.host, "--protocol", "http"]);
  equal(host.code, 0, host.stderr);
  equal(boss.there.size, 4);

  const secrets = `http://me:${TEST_TOKEN}@${boss.host}`;
  const inUrl = await net(folder, [...prep, "--host", secrets]);
  equal(inUrl.code, 2);
  const twice = await net(folder, [...prep, "--token", "other", "--host", boss.host]);
  equal(twice.code, 2);
  match(twice.stderr, /Cannot use --token twice; keep one/);
  const wrong = await net(folder, ["prep", "alone.json", "--token", "wrong", "--host", boss.url]);
  deepEqual([wrong.code, wrong.stderr.includes("wrong")], [1, false]);
  match(
    wrong.stderr,
    /401 \("Invalid token\."\); mend the token, which is from the token that was/,
  );
  const none = await net(folder, ["prep", "alone.json", "--host", boss.url]);
  equal(none.code, 1);
  match(none.stderr, /Cannot find a token for the Boss: .*set INTERN_TOKEN/);
});
