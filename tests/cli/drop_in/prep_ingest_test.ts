/** `sluice prep_ingest`, as scripts call it. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { PREP_FILE, type ResourceServer, serveResources } from "../../boss/_boss_resources.ts";
import { TEST_TOKEN } from "../../boss/_boss_server.ts";
import { TestFolder } from "../../_images.ts";
import type { Ran } from "../_sluice.ts";
import { type ProgramOptions, runProgram } from "./_program.ts";

interface Bench {
  readonly boss: ResourceServer;
  readonly folder: TestFolder;
  run(words: readonly string[], options?: Partial<ProgramOptions>): Promise<Ran>;
}

async function withBoss(work: (bench: Bench) => Promise<void>): Promise<void> {
  await using boss = serveResources();
  await using folder = await TestFolder.of({
    "boss.cfg": `[Default]\nprotocol = http\nhost = ${boss.host}\ntoken = ${TEST_TOKEN}\n`,
    "prep.json": JSON.stringify(PREP_FILE),
    "ingest.json": '{"schema": {"name": "x"}, "big": 12345678901234567890, "real": 1.0, "é": "ü"}',
  });
  const run: Bench["run"] = (words, options) =>
    runProgram(["prep_ingest", ...words], { folder: folder.path, ...options });
  await work({ boss, folder, run });
}

async function put(folder: TestFolder, name: string, value: unknown): Promise<void> {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  await folder.put(name, new TextEncoder().encode(text));
}

const NEXT = "\nRun this command to execute the ingest client:\n\n  sluice boss-ingest ";

Deno.test("prep_ingest creates what is absent in the order of the original, then finds it", async () => {
  await withBoss(async ({ boss, folder, run }) => {
    const made = await run(["prep.json"]);
    deepEqual([made.code, made.stderr], [0, ""]);
    match(made.stdout, /^Collection "colA" was created\nCoordinate frame "cfA" was created\nExp/);
    ok(made.stdout.endsWith(`${NEXT}${folder.path}/ingest.json\n`), made.stdout);
    const posts = boss.log.filter((line) => line.startsWith("POST"));
    deepEqual(posts, [
      "POST /v1/collection/colA",
      "POST /v1/coord/cfA",
      "POST /v1/collection/colA/experiment/expA",
      "POST /v1/collection/colA/experiment/expA/channel/chA",
    ]);
    const found = await run(["prep.json"]);
    equal(found.code, 0);
    match(found.stdout, /\nChannel "colA\/expA\/chA" is there\n/);
    equal(boss.posted.length, 4);
    equal(
      await Deno.readTextFile(`${folder.path}/ingest.json`),
      '{"schema": {"name": "x"}, "big": 12345678901234567890, "real": 1.0, "é": "ü"}',
    );
  });
});

Deno.test("prep_ingest never changes what is there, names what differs, and ends with 0 as ever", async () => {
  await withBoss(async ({ boss, run }) => {
    await run(["prep.json"]);
    boss.there.get("coord/cfA")!.z_voxel_size = 30;
    boss.posted.length = 0;
    const { code, stdout } = await run(["prep.json"]);
    equal(code, 0);
    match(
      stdout,
      /Coordinate frame "cfA" is there\n {2}It was not changed: coordinate_frame\.voxel_size_z is wanted as 40, and the Boss has 30\n/,
    );
    deepEqual(boss.posted, []);
    ok(boss.log.every((line) => /^(GET|POST) /.test(line)));
  });
});

Deno.test("T23: prep_ingest shows no token, swallows no error, and needs no ingest_cfg", async () => {
  await withBoss(async ({ boss, folder, run }) => {
    const { ingest_cfg: _, ...alone } = PREP_FILE;
    await put(folder, "alone.json", alone);
    boss.mayCreate = false;
    const refused = await run(["alone.json"]);
    deepEqual([refused.code, boss.there.size], [1, 0]);
    match(refused.stderr, /^prep_ingest: Cannot create collection "colA" .*resource-manager/);

    boss.mayCreate = true;
    const { code, stdout, stderr } = await run(["alone.json"]);
    deepEqual([code, stderr], [0, ""]);
    ok(stdout.endsWith(`${NEXT}INGEST_CONFIG\n`), stdout);
    // What takes the place of the token does what the token did.
    const line = /^ {2}(export INTERN_TOKEN=.*)$/m.exec(stdout)![1];
    const shell = await new Deno.Command("sh", {
      args: ["-c", `${line}; printf %s "$INTERN_TOKEN"`],
      cwd: folder.path,
    }).output();
    equal(new TextDecoder().decode(shell.stdout), TEST_TOKEN);

    const wanted = await run(["alone.json", "--writecfg"]);
    equal(wanted.code, 1);
    match(
      wanted.stderr,
      /^prep_ingest: Cannot write names into .*: none is named; give its path as "ingest_cfg"/,
    );
  });
});

Deno.test("prep_ingest takes its settings from a file, else from the environment, else not at all", async () => {
  await withBoss(async ({ boss, folder, run }) => {
    await Deno.rename(`${folder.path}/boss.cfg`, `${folder.path}/my own.cfg`);
    const given = await run(["-i", "my own.cfg", "prep.json"]);
    equal(given.code, 0, given.stderr);
    match(given.stdout, /sed -n '.*' 'my own\.cfg' \| head/);
    const none = await run(["prep.json"]);
    equal(none.code, 1);
    match(
      none.stderr,
      /^prep_ingest: Cannot read "boss\.cfg" as settings of intern: it is not there, and/,
    );
    const env = { INTERN_HOST: boss.host, INTERN_PROTOCOL: "http", INTERN_TOKEN: TEST_TOKEN };
    const byEnv = await run(["prep.json"], { env });
    equal(byEnv.code, 0, byEnv.stderr);
    match(
      byEnv.stdout,
      /\nThe token is from the variable INTERN_TOKEN, where boss-ingest finds it, too\.\n/,
    );
    await put(
      folder,
      "boss.cfg",
      `[Default]\nprotocol = http\nhost = ${boss.host}\ntoken = other\n`,
    );
    const wrong = await run(["prep.json"], { env });
    equal(wrong.code, 1);
    match(wrong.stderr, /401 \("Invalid token\."\); mend the token, which is from "boss\.cfg"/);
  });
});

Deno.test("prep_ingest --writecfg writes three names, and leaves all else as it is", async () => {
  await withBoss(async ({ boss, folder, run }) => {
    await Deno.chmod(`${folder.path}/ingest.json`, 0o640);
    const { code, stderr } = await run(["--write", "prep.json"]);
    deepEqual([code, stderr], [0, ""]);
    equal(
      await Deno.readTextFile(`${folder.path}/ingest.json`),
      `{
  "schema": {
    "name": "x"
  },
  "big": 12345678901234567890,
  "real": 1.0,
  "é": "ü",
  "database": {
    "collection": "colA",
    "experiment": "expA",
    "channel": "chA"
  }
}`,
    );
    equal((await Deno.stat(`${folder.path}/ingest.json`)).mode! & 0o777, 0o640);
    const names = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
    deepEqual(names.filter((name) => name.endsWith("~")), []);

    boss.there.clear();
    for (
      const [text, state] of [["{", "it is no JSON"], ["[]", "it is no object"], [
        undefined,
        "there is no such file",
      ]] as const
    ) {
      if (text === undefined) await Deno.remove(`${folder.path}/ingest.json`);
      else await put(folder, "ingest.json", text);
      const { code, stderr } = await run(["--writecfg", "prep.json"]);
      deepEqual([code, boss.there.size], [1, 0]);
      ok(stderr.startsWith(`prep_ingest: Cannot write names into "ingest.json": ${state}`), stderr);
    }
  });
});

Deno.test("prep_ingest --govteam lets the group read, and only says where it cannot", async () => {
  await withBoss(async ({ boss, run }) => {
    const without = await run(["--govteam", "prep.json"]);
    equal(without.code, 0);
    match(
      without.stdout,
      /\nFailed to automatically add gov_team group to collection: colA \(.*404.*\)\nFailed to automatically add gov_team group to experiment: expA \(/,
    );
    boss.groups.add("gov_team");
    equal((await run(["--govteam", "prep.json"])).code, 0);
    const allowed = { group: "gov_team", permissions: ["read"], collection: "colA" };
    deepEqual(boss.allowed, [
      allowed,
      { ...allowed, experiment: "expA" },
      { ...allowed, experiment: "expA", channel: "chA" },
    ]);
  });
});

Deno.test("prep_ingest names every fault of its file at once, and takes words from a file", async () => {
  await withBoss(async ({ boss, folder, run }) => {
    const file = structuredClone(PREP_FILE);
    file.channel.datatype = "float32";
    delete file.coordinate_frame.x_stop;
    await put(folder, "wrong.json", file);
    const wrong = await run(["wrong.json"]);
    deepEqual([wrong.code, boss.log], [1, []]);
    match(wrong.stderr, /coordinate_frame\.x_stop[^]*channel\.datatype/);
    await put(folder, "words.txt", "--writecfg\nprep.json\n");
    const words = await run(["@words.txt"]);
    equal(words.code, 0, words.stderr);
    match(await Deno.readTextFile(`${folder.path}/ingest.json`), /"collection": "colA"/);
    const none = await run([]);
    equal(none.code, 2);
    match(
      none.stderr,
      /\nprep_ingest: error: the following arguments are required: config_file\n$/,
    );
  });
});
