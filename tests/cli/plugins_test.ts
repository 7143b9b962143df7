/** `sluice plugins` and what grants plugins more, as processes with the permissions that they are documented to need. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chunkProcessors, pathProcessors, tileProcessors } from "../../boss/plugins.ts";
import { decodeTile } from "../../boss/_decode_tile.ts";
import { serveBoss, TEST_TOKEN, TILE_BUCKET } from "../boss/_boss_server.ts";
import { customTiles } from "../boss/_custom_plugins.ts";
import { pngOf } from "../_images.ts";
import { Sluice } from "./_sluice.ts";

Deno.test("sluice plugins lists every class, with its parameters", async () => {
  await using sluice = await Sluice.of();
  const { code, document } = await sluice.json("plugins");
  equal(code, 0);
  const names = (document.plugins as { className: string }[]).map(({ className }) => className);
  deepEqual(
    names.toSorted(),
    [...pathProcessors.keys(), ...tileProcessors.keys(), ...chunkProcessors.keys()]
      .map((name) => `ingestclient.plugins.${name}`).toSorted(),
  );
  const { stdout } = await sluice.run("plugins");
  match(
    stdout,
    /stack\.ZindexStackTileProcessor\n {4}filesystem: local, s3, s3_copy; extension; \[fail_gracefully: true or false\]; \[bucket\]/,
  );
  match(
    stdout,
    /hdf5\.Hdf5ChunkPathProcessor\n {4}root_dir; extension; prefix; .*use_python_convention: true or false/,
  );
});

for (const kind of ["path", "tile", "chunk"] as const) {
  Deno.test(`sluice plugins new writes a ${kind} plugin that runs, and a test that passes`, async () => {
    await using sluice = await Sluice.of({ "1_0_0.raw": new Uint8Array(512 * 512 * 16).fill(7) });
    const made = await sluice.json("plugins", "new", "OurOwn", "--kind", kind, "--output", "lab");
    deepEqual([made.code, made.document.module, made.document.className], [
      0,
      "lab/our_own.ts",
      "./our_own.ts#OurOwn",
    ]);
    const test = new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--no-config",
        "--allow-read",
        "--allow-write",
        sluice.path("lab/our_own_test.ts"),
      ],
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stderr } = await test.output();
    equal(code, 0, new TextDecoder().decode(stderr));
    const params = ["--params", JSON.stringify({ root_dir: sluice.folder.path })];
    const words = kind === "tile" ? ["--path", "1_0_0.raw", "--size", "512x8192"] : params;
    const run = await sluice.json(
      "plugins",
      "test",
      "lab/our_own.ts#OurOwn",
      "--kind",
      kind,
      "--x",
      "1",
      ...words,
      "--grant-read",
      ".",
    );
    const [sample] = run.document.samples;
    const expected = {
      path: [1, "missing", "there is no such file"],
      tile: [0, "there", "the plugin makes it: 512 x 8192 pixels of uint8, 7 to 7"],
      chunk: [0, "there", "the plugin makes it: 512 x 512 x 16 voxels of uint8, 7 to 7"],
    }[kind];
    deepEqual([run.code, sample.state, sample.said], expected);
    if (kind === "path") deepEqual(sample.paths, [`${sluice.folder.path}/0000/0_1.png`]);
    const again = await sluice.run("plugins", "new", "OurOwn", "--output", "lab");
    equal(again.code, 2);
    match(again.stderr, /Cannot write "lab\/our_own\.ts": it is there/);
  });
}

const LAB = `
export class Paths { process({ z }) { return "/nowhere/" + z + ".png"; } }
export class Here {
  constructor({ params }) { this.root = params.root_dir; }
  process() { return this.root + "/tile.png"; }
}
export class Loop { process() { while (true); } }
export class Noise { process() { console.log("hello"); return { data: new Uint8Array(512 * 512), width: 512, height: 512 }; } }
`;

Deno.test("sluice validate --look loads a plugin of one's own, and looks where it points and it may", async () => {
  const file = customTiles("./lab.js", ["Here", { root_dir: "" }], undefined, {
    x: [0, 512],
    y: [0, 512],
    z: [0, 16],
  });
  await using sluice = await Sluice.of({
    "lab.js": LAB,
    "tile.png": pngOf({ width: 512, height: 512 }),
  });
  const write = (root_dir: string) => {
    file.client.path_processor.params.root_dir = root_dir;
    return Deno.writeTextFile(sluice.path("a.json"), JSON.stringify(file));
  };
  await write(sluice.folder.path);
  const found = await sluice.run("validate", "a.json", "--look");
  equal(found.code, 0, found.stdout + found.stderr);
  match(found.stdout, /tile\.png: png, 512 x 512 pixels/);
  await write("");
  const refused = await sluice.run("validate", "a.json", "--look");
  equal(refused.code, 1);
  match(refused.stdout, /it names "\/tile\.png", which it may not read; --grant-read \/ grants it/);
  const granted = await sluice.run(
    "validate",
    "a.json",
    "--look",
    "--grant-read",
    sluice.folder.path,
  );
  match(granted.stdout, /it names "\/tile\.png", which it may not read/);
  file.client.path_processor.class = "./lab.js#Her";
  await write("");
  const { code, stdout } = await sluice.run("validate", "a.json");
  equal(code, 2);
  match(
    stdout,
    /client\.path_processor\.class: Cannot load plugin "\.\/lab\.js#Her": .*it exports Here, Loop, Noise, Paths/,
  );
});

Deno.test("sluice plugins test ends although a plugin computes for ever, and says so", async () => {
  await using sluice = await Sluice.of({ "lab.js": LAB });
  const { code, stdout } = await sluice.run(
    "plugins",
    "test",
    "lab.js#Loop",
    "--kind",
    "tile",
    "--seconds",
    "1",
  );
  equal(code, 1);
  match(
    stdout,
    /it gave no answer within 1 s, and its thread was ended; it computes without end: mend it/,
  );
});

Deno.test("what a plugin prints does not get between the lines of a document", async () => {
  await using sluice = await Sluice.of({ "lab.js": LAB });
  const { code, stdout, stderr } = await sluice.run(
    "plugins",
    "test",
    "lab.js#Noise",
    "--kind",
    "tile",
    "--json",
  );
  deepEqual([code, JSON.parse(stdout).isSound, stderr], [0, true, "hello\n"]);
});

const wrong = [
  {
    words: ["plugins", "test", "lab.js#Loop"],
    says: /Cannot tell what "lab\.js#Loop" does: .*say it with --kind/,
  },
  {
    words: ["plugins", "test", "a.json", "--kind", "tile"],
    says: /Cannot use --kind with a configuration/,
  },
  {
    words: ["plugins", "test", "lab.js#Paths", "--params", "{7"],
    says: /Cannot use --params: it is no JSON object/,
  },
  {
    words: ["plugins", "test", "lab.js#Paths", "--grant-net", "data.lab"],
    says:
      /this process may not reach it itself; run it with --allow-net=data\.lab, or as deno task sluice:net does/,
  },
  {
    words: ["plugins", "new", "my-paths"],
    says: /Cannot write a plugin "my-paths": that is no name of a class/,
  },
];
for (const { words, says } of wrong) {
  Deno.test(`sluice ${words.join(" ")} is a mistake`, async () => {
    await using sluice = await Sluice.of({ "lab.js": LAB });
    const { code, stderr } = await sluice.run(...words);
    equal(code, 2, stderr);
    match(stderr, says);
    ok(!stderr.includes("    at "));
  });
}

Deno.test("a job of the Boss with plugins of one's own is created, refused what is not granted, and done with it", async () => {
  await using boss = serveBoss({ waitSeconds: 0.5, completingLooks: 0 });
  await using pixels = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(new Uint8Array(512 * 512).fill(23)),
  );
  const host = `127.0.0.1:${pixels.addr.port}`;
  const module = `export class Tiles {
    async process(_path, { z }) {
      const data = new Uint8Array(await (await fetch("http://${host}/" + z)).arrayBuffer());
      return { data, width: 512, height: 512 };
    }
  }`;
  const file = customTiles("./lab.js", undefined, ["Tiles", {}], {
    x: [0, 512],
    y: [0, 512],
    z: [0, 16],
  });
  file.client.path_processor = {
    class: "ingestclient.plugins.path.TestPassThroughPathProcessor",
    params: {},
  };
  file.client.backend = { ...file.client.backend, host: boss.host, protocol: "http" };
  await using made = await Sluice.of({ "lab.js": module, "job.json": JSON.stringify(file) });
  const sluice = made.with({
    task: "sluice:net",
    env: { HOME: made.folder.path, INTERN_TOKEN: TEST_TOKEN },
  });
  const created = await sluice.run("create", "job.json");
  equal(created.code, 0, created.stderr);
  const join = ["join", "job.json", "-j", "42", "-p", "0", "--endpoint", boss.s3.url];
  const refused = await sluice.run("plugins", "test", "job.json");
  equal(refused.code, 1);
  match(
    refused.stdout,
    new RegExp(`it tried to reach "${host}", which it may not; --grant-net ${host} grants it`),
  );
  const done = await sluice.run(...join, "--grant-net", host);
  equal(done.code, 0, done.stderr);
  match(done.stdout, /^Ingest job 42 is complete; /);
  const { objects } = boss.s3.buckets.get(TILE_BUCKET)!;
  equal(objects.size, 16);
  for (const { bytes } of objects.values()) equal((await decodeTile(bytes)).data[77], 23);
});
