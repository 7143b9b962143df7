/** Ingest configurations of the Boss: the published ones, ours, and everything that can be wrong with one. */
import {
  deepEqual,
  doesNotMatch,
  equal,
  match,
  notEqual,
  ok,
  rejects,
  throws,
} from "node:assert/strict";
import { join } from "node:path";
import {
  type BossConfig,
  checkBossTarget,
  loadBossBackend,
  loadBossConfig,
  parseBossBackend,
  parseBossConfig,
  summarizeBossConfig,
} from "../../boss/config.ts";
import { isCustomPlugin } from "../../boss/custom_plugin.ts";
import { countBossTasks, zChunkSize } from "../../boss/ingest_job.ts";
import {
  chunkProcessors,
  openBossPlugins,
  pathProcessors,
  tileProcessors,
} from "../../boss/plugins.ts";
import { box } from "../../core/box.ts";
import { fc } from "../_fast_check.ts";
import { testData, TestFolder } from "../_images.ts";
import { chunkFile, type Cover, type Json, messageOf, tileFile } from "./_configs.ts";

const examples = new URL("../../configs/boss/", import.meta.url).pathname;

async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).filter((name) => name.endsWith(".json")).sort();
}

/** Messages of each, as the server counts them. */
const published: ReadonlyMap<string, number> = new Map([
  ["boss-v0.1-catmaid-file-stack-example.json", 3200],
  ["boss-v0.1-catmaid-url-stack-example.json", 121 * 91 * 2156],
  ["boss-v0.1-hdf5SingleFile-example.json", 1024],
  ["boss-v0.1-tiff-hyperstack-example.json", 12000],
  ["boss-v0.1-zStack-example.json", 32000],
  ["boss-v0.2-cloudvolume-example.json", 512],
]);
const skipped = testData === undefined ? " (skipped: no SLUICE_TEST_DATA)" : "";

const found = testData === undefined ? [] : await namesIn(join(testData, "boss-configs"));
for (const name of new Set([...published.keys(), ...found])) {
  Deno.test({
    name: `loadBossConfig() accepts ${name} as published${skipped}`,
    ignore: testData === undefined,
    async fn() {
      const path = join(testData!, "boss-configs", name);
      const config = await loadBossConfig(path);
      deepEqual(config.warnings, []);
      deepEqual(config.body, JSON.parse(await Deno.readTextFile(path)));
      const count = countBossTasks(config.job);
      equal(count, published.get(name) ?? count);
      match(summarizeBossConfig(config), new RegExp(` to Upload: ${count}$`));
      const plugins = await openBossPlugins(config);
      equal(plugins.kind, config.job.kind);
      deepEqual(plugins.warnings, []);
      await askFirst(config);
    },
  });
}

/** Asks the plugins of a configuration for the first tile or chunk of its extent, and for the last. */
async function askFirst(config: BossConfig): Promise<unknown[]> {
  const plugins = await openBossPlugins(config);
  const { min, max } = config.job.extent;
  const size = config.job.kind === "tile" ? { ...config.job.tileSize, z: 1 } : config.job.chunkSize;
  const at = (corner: readonly number[], shift: number) => ({
    x: Math.floor((corner[0] - shift) / size.x),
    y: Math.floor((corner[1] - shift) / size.y),
    z: Math.floor((corner[2] - shift) / size.z),
    t: corner[4] - shift,
  });
  return await Promise.all([at(min, 0), at(max, 1)].map(async (index) => {
    const path = [await plugins.paths.process(index)].flat()[0];
    return plugins.kind === "tile"
      ? await plugins.tiles.process(path, index)
      : await plugins.chunks.process(path, index);
  }));
}

Deno.test("configs/boss has an example for every plugin", async () => {
  const used = { path: new Set<string>(), tile: new Set<string>(), chunk: new Set<string>() };
  for (const name of await namesIn(examples)) {
    const { pathProcessor, processor, job } = await loadBossConfig(join(examples, name));
    const short = (className: string) => className.replace("ingestclient.plugins.", "");
    if (!isCustomPlugin(pathProcessor.className)) used.path.add(short(pathProcessor.className));
    used[job.kind === "tile" ? "tile" : "chunk"].add(short(processor.className));
  }
  deepEqual([...used.path].sort(), [...pathProcessors.keys()].sort());
  deepEqual([...used.tile].sort(), [...tileProcessors.keys()].sort());
  deepEqual([...used.chunk].sort(), [...chunkProcessors.keys()].sort());
});

for (const name of await namesIn(examples)) {
  Deno.test(`configs/boss/${name} has plugins that answer for its first and its last tile`, async () => {
    const config = await loadBossConfig(join(examples, name));
    deepEqual(config.warnings, []);
    deepEqual((await openBossPlugins(config)).warnings, []);
    const [first, last] = await askFirst(config);
    ok(first);
    if (name !== "test_tile.json") notEqual(JSON.stringify(first), JSON.stringify(last));
  });
}

/** Changes what stands at a path, or removes it. */
function changed(file: Json, path: string, value?: unknown): Json {
  const keys = path.split(".");
  const parent = keys.slice(0, -1).reduce((object, key) => object[key], file);
  if (value === undefined) delete parent[keys.at(-1)!];
  else parent[keys.at(-1)!] = value;
  return file;
}

const required = [
  "schema",
  "schema.name",
  "schema.validator",
  "client",
  "client.backend",
  "client.backend.name",
  "client.backend.class",
  "client.backend.host",
  "client.backend.protocol",
  "client.path_processor",
  "client.path_processor.class",
  "client.path_processor.params",
  "database",
  "database.collection",
  "database.experiment",
  "database.channel",
  "ingest_job",
  "ingest_job.resolution",
  "ingest_job.extent",
  "ingest_job.extent.x",
  "ingest_job.extent.y",
  "ingest_job.extent.z",
  "ingest_job.extent.t",
];
const ofTiles = [
  "client.tile_processor",
  "client.tile_processor.class",
  "client.tile_processor.params",
  "ingest_job.tile_size",
  "ingest_job.tile_size.x",
  "ingest_job.tile_size.y",
  "ingest_job.tile_size.z",
  "ingest_job.tile_size.t",
];
const ofChunks = [
  "client.chunk_processor",
  "client.chunk_processor.class",
  "client.chunk_processor.params",
  "ingest_job.ingest_type",
  "ingest_job.chunk_size",
  "ingest_job.chunk_size.x",
  "ingest_job.chunk_size.y",
  "ingest_job.chunk_size.z",
];
for (
  const { kind, file, paths } of [
    { kind: "a tile job", file: tileFile, paths: [...required, ...ofTiles] },
    { kind: "a volumetric job", file: chunkFile, paths: [...required, ...ofChunks] },
  ]
) {
  Deno.test(`parseBossConfig() names each key that ${kind} misses, and nothing else`, () => {
    for (const path of paths) {
      const message = messageOf(() => parseBossConfig(changed(file(), path), "a.json"));
      equal(
        message,
        `Cannot read "a.json" as a Boss ingest configuration: ${path}: it is missing`,
        path,
      );
    }
  });

  Deno.test(`parseBossConfig() names each key of ${kind} that is of another type`, () => {
    for (const path of paths) {
      for (const value of [null, true, [[]]]) {
        const message = messageOf(() => parseBossConfig(changed(file(), path, value), "a.json")) ??
          "";
        match(
          message,
          new RegExp(`configuration: ${path.replaceAll(".", "\\.")}(\\[0\\])?: it must be `),
        );
        equal(message.split("; ").length, 1, message);
      }
    }
  });
}

const faults: readonly { name: string; file: Json; says: readonly string[] }[] = [
  {
    name: "a schema that is not known",
    file: changed(chunkFile(), "schema.name", "boss-v0.3-schema"),
    says: [
      'schema.name: it must be one of "boss-v0.1-schema", "boss-v0.2-schema", and is "boss-v0.3-schema"',
    ],
  },
  {
    name: "a validator that is code",
    file: changed(tileFile(), "schema.validator", "os.system;import"),
    says: [
      'schema.validator: it must be one of "BossValidatorV01", "BossValidatorV02", and is "os.system;import"',
    ],
  },
  {
    name: "a slip in a validator",
    file: changed(tileFile(), "schema.validator", "BossValidatorv02"),
    says: [
      'schema.validator: it must be one of "BossValidatorV01", "BossValidatorV02", and is "BossValidatorv02"',
      'did you mean "BossValidatorV02"?',
    ],
  },
  {
    name: "another backend",
    file: changed(tileFile(), "client.backend.class", "TestBackend"),
    says: ['client.backend.class: it must be "BossBackend", and is "TestBackend"'],
  },
  {
    name: "an address in place of a host",
    file: changed(tileFile(), "client.backend.host", "https://me:hush@api.bossdb.io/"),
    says: ["client.backend.host: it must be a host alone, such as api.bossdb.io or localhost:8000"],
  },
  {
    name: "another protocol",
    file: changed(tileFile(), "client.backend.protocol", "ftp"),
    says: ['client.backend.protocol: it must be one of "https", "http", and is "ftp"'],
  },
  {
    name: "another kind of job",
    file: changed(tileFile(), "ingest_job.ingest_type", "cutout"),
    says: ['ingest_job.ingest_type: it must be one of "tile", "volumetric", and is "cutout"'],
  },
  {
    name: "fractions and words in place of numbers",
    file: changed(changed(tileFile(), "ingest_job.extent.x", [0, 1.5]), "ingest_job.extent.y", [
      "0",
      1,
    ]),
    says: [
      "ingest_job.extent.x[1]: it must be an integer, and is 1.5",
      "ingest_job.extent.y[0]: it must be an integer, and is a string",
    ],
  },
  {
    name: "a slip in the name of a key",
    file: changed(changed(tileFile(), "database.colection", "c"), "database.collection"),
    says: ["database.collection: it is missing", 'did you mean it by "colection"?'],
  },
  { name: "no object", file: [], says: ["$: it must be an object, and is an array"] },
  {
    name: "faults of every part at once",
    file: changed(
      changed(
        changed(tileFile({ z: [3, 9] }), "client.backend.protocol", "ftp"),
        "database.channel",
        "",
      ),
      "ingest_job.extent.t",
      [4, 4],
    ),
    says: [
      'client.backend.protocol: it must be one of "https", "http", and is "ftp"',
      "database.channel: it must not be empty",
      "ingest_job.extent.t: its stop must be greater than its start, and it is [4, 4]",
    ],
  },
];
for (const { name, file, says } of faults) {
  Deno.test(`parseBossConfig() refuses ${name}`, () => {
    throws(() => parseBossConfig(file, "a.json"), {
      name: "UsageError",
      message: `Cannot read "a.json" as a Boss ingest configuration: ${says.join("; ")}`,
    });
  });
}

Deno.test("parseBossConfig() passes over keys that it does not know, and tells of slips", () => {
  const file = chunkFile();
  Object.assign(file, { comment: "mine" });
  Object.assign(file.ingest_job, { operator: "me", tile_sise: {} });
  const { warnings, body } = parseBossConfig(file, "a.json");
  deepEqual(warnings, [{
    path: "ingest_job.tile_sise",
    reason: 'nothing reads this key; did you mean "tile_size"?',
  }]);
  deepEqual(body, file);
});

Deno.test("parseBossConfig() gives what nobody can change, and takes what stays the caller's", () => {
  const file = tileFile();
  const config = parseBossConfig(file, "a.json");
  throws(() => (config.pathProcessor.params as Json).root_dir = "/else", TypeError);
  throws(() => (config.job.extent.max as Json)[0] = 3, TypeError);
  throws(() => (config.body as Json).client.backend.host = "x", TypeError);
  file.client.path_processor.params.root_dir = "/else";
  equal(config.pathProcessor.params.root_dir, "/data");
});

Deno.test("parseBossConfig() reads volumetric jobs of v0.1 and tile jobs of v0.2", () => {
  const old = tileFile();
  old.ingest_job.ingest_type = "volumetric";
  old.ingest_job.chunk_size = { x: 512, y: 512, z: 16 };
  old.client.chunk_processor = chunkFile().client.chunk_processor;
  const { job, processor } = parseBossConfig(old, "a.json");
  equal(job.kind, "volumetric");
  equal(processor.path, "client.chunk_processor");
  const tiles = tileFile();
  tiles.schema = chunkFile().schema;
  match(
    messageOf(() => parseBossConfig(tiles, "a.json"))!,
    /ingest_job\.ingest_type: it is missing$/,
  );
  tiles.ingest_job.ingest_type = "tile";
  equal(parseBossConfig(tiles, "a.json").processor.path, "client.tile_processor");
});

const broken = [
  { name: "no JSON", text: `{"schema": {},}`, says: /as JSON: .*commas at the end are no JSON$/ },
  { name: "a piece of a file with a token", text: `{"token": "hush", x}`, says: /as JSON: / },
  { name: "a token that ends in garbage", text: `{"token": "hush"?`, says: /as JSON: / },
];
for (const { name, text, says } of broken) {
  Deno.test(`loadBossConfig() refuses ${name}, and shows nothing of it`, async () => {
    await using folder = await TestFolder.of({ "job.json": text });
    await rejects(loadBossConfig(join(folder.path, "job.json")), (error: Error) => {
      equal(error.name, "UsageError");
      match(error.message, says);
      doesNotMatch(error.message, /hush/);
      return true;
    });
  });
}

Deno.test("loadBossConfig() refuses what is not there, and a folder", async () => {
  await rejects(loadBossConfig("/nowhere/job.json"), /as a Boss .*: there is no such file$/);
  await rejects(loadBossConfig(examples), /as a Boss .*: it is a folder$/);
});

Deno.test("loadBossConfig() reads a file with a byte order mark", async () => {
  await using folder = await TestFolder.of({ "job.json": "\uFEFF" + JSON.stringify(tileFile()) });
  equal((await loadBossConfig(join(folder.path, "job.json"))).job.kind, "tile");
});

const counts: readonly { name: string; file: Json; count: number; zChunk: number }[] = [
  {
    name: "tiles that fit",
    file: tileFile({ x: [0, 2048], y: [0, 2048], z: [0, 200] }),
    count: 3200,
    zChunk: 16,
  },
  {
    name: "T34: partial tiles, each axis rounded up",
    file: tileFile({ x: [0, 1000], y: [0, 1000], z: [0, 20] }),
    count: 80,
    zChunk: 16,
  },
  { name: "samples", file: tileFile({ t: [2, 9], z: [0, 1] }), count: 28, zChunk: 16 },
  {
    name: "T34: partial chunks",
    file: chunkFile({ x: [0, 8192], y: [0, 8192], z: [0, 500] }),
    count: 512,
    zChunk: 64,
  },
];
for (const { name, file, count, zChunk } of counts) {
  Deno.test(`countBossTasks() counts ${name} as the server does`, () => {
    const config = parseBossConfig(file, "a.json");
    equal(countBossTasks(config.job), count);
    equal(zChunkSize(config.job), zChunk);
    match(
      summarizeBossConfig(config),
      new RegExp(`^Total Number of Image \\w+ to Upload: ${count}$`, "m"),
    );
  });
}

Deno.test("summarizeBossConfig() shows target, plugins and parameters, and no secret", () => {
  const config = parseBossConfig(
    chunkFile({}, ["intern.InternChunkProcessor", {
      uri: "bossdb://c/e/h",
      token: "hush",
      nested: [{ aws_secret_access_key: "hush", at: "https://me:hush@host/x" }],
    }]),
    "a.json",
  );
  const text = summarizeBossConfig(config);
  equal(
    text,
    `#### INGEST JOB SUMMARY ####

Target: https://api.bossdb.io
  Collection: colA
  Experiment: expA
  Channel: chA

Path Processor Configuration:
  Plugin: ingestclient.plugins.zarr.ZarrPathProcessor
  Parameters: {}

Chunk Processor Configuration:
  Plugin: ingestclient.plugins.intern.InternChunkProcessor
  Parameters: {
    "uri": "bossdb://c/e/h",
    "token": "…",
    "nested": [
      {
        "aws_secret_access_key": "…",
        "at": "https://host/x"
      }
    ]
  }

Total Number of Image Chunks to Upload: 1`,
  );
  equal(config.processor.params.token, "hush");
  doesNotMatch(JSON.stringify(config.body), /hush/);
});

Deno.test("T10: what is posted is the file as it stands, also after its plugins were made", async () => {
  const file = tileFile();
  const config = parseBossConfig(file, "a.json");
  await openBossPlugins(config);
  deepEqual(config.body, file);
  const copied = tileFile();
  copied.client.path_processor.params.ingest_job = copied.ingest_job;
  copied.client.tile_processor.params.ingest_job = copied.ingest_job;
  deepEqual(parseBossConfig(copied, "a.json").body, file);
});

Deno.test("T22: the server is read from a configuration of which nothing else holds", async () => {
  const file = { client: tileFile().client, ingest_job: "later" };
  file.client.path_processor.class = "no.such.Plugin";
  const backend = { name: "boss", host: "api.bossdb.io", protocol: "https" } as const;
  deepEqual(parseBossBackend(file, "a.json"), backend);
  await using folder = await TestFolder.of({ "job.json": JSON.stringify(file) });
  deepEqual(await loadBossBackend(join(folder.path, "job.json")), backend);
  throws(() => parseBossBackend({ client: {} }, "a.json"), {
    name: "UsageError",
    message: 'Cannot read the server from "a.json": client.backend: it is missing',
  });
});

const target = { baseResolution: 0, datatype: "uint8" };
Deno.test("T25: another resolution than the channel's own is told", () => {
  const config = parseBossConfig(tileFile({ resolution: 2 }), "a.json");
  deepEqual(checkBossTarget(config, target).map(({ path }) => path), ["ingest_job.resolution"]);
  deepEqual(checkBossTarget(config, { ...target, baseResolution: 2 }), []);
});

Deno.test("T44: an extent beyond the coordinate frame is told", () => {
  const config = parseBossConfig(tileFile(), "a.json");
  const warnings = checkBossTarget(config, { ...target, frame: box([0, 0, 0], [1024, 1023, 32]) });
  deepEqual(warnings.map(({ path }) => path), ["ingest_job.extent"]);
  match(
    warnings[0].reason,
    /it is x 0:1024 y 0:1024 z 0:32, and the experiment covers x 0:1024 y 0:1023/,
  );
  deepEqual(checkBossTarget(config, { ...target, frame: box([0, 0, 0], [1024, 1024, 32]) }), []);
});

Deno.test("T33: tiles for a channel of uint64 are told", () => {
  const uint64 = { ...target, datatype: "uint64" };
  match(
    checkBossTarget(parseBossConfig(tileFile(), "a.json"), uint64)[0].reason,
    /a volumetric job/,
  );
  deepEqual(checkBossTarget(parseBossConfig(chunkFile(), "a.json"), uint64), []);
});

const refused: readonly { name: string; file: Json; says: RegExp }[] = [
  {
    name: "T35: samples of a volumetric job",
    file: chunkFile({ t: [0, 3] }),
    says: /: ingest_job\.extent\.t: it must be \[0, 1\] in a volumetric job, and is \[0, 3\]: /,
  },
  {
    name: "T35: a sample but 0 of a volumetric job",
    file: chunkFile({ t: [3, 4] }),
    says: /: ingest_job\.extent\.t: it must be \[0, 1\]/,
  },
  {
    name: "T36: tiles of no samples",
    file: tileFile({ size: [512, 512, 1, 0] }),
    says: /: ingest_job\.tile_size\.t: it must be an integer of 1 or more, and is 0$/,
  },
  {
    name: "T36: tiles of no columns",
    file: tileFile({ size: [0, 512] }),
    says: /: ingest_job\.tile_size\.x: it must be an integer of 1 or more, and is 0$/,
  },
  {
    name: "T36: an extent that ends where it starts",
    file: tileFile({ y: [512, 512] }),
    says:
      /: ingest_job\.extent\.y: its stop must be greater than its start, and it is \[512, 512\]$/,
  },
  {
    name: "T36: an extent of three numbers",
    file: tileFile({ x: [0, 1, 2] as unknown as [number, number] }),
    says: /: ingest_job\.extent\.x: it must be \[start, stop\], and has 3 numbers$/,
  },
  {
    name: "T36: an extent before 0",
    file: tileFile({ x: [-512, 512] }),
    says: /: ingest_job\.extent\.x: it must start at 0 or later, and starts at -512$/,
  },
  {
    name: "tiles of two samples, of which the server asks for one",
    file: tileFile({ t: [0, 4], size: [512, 512, 1, 2] }),
    says: /: ingest_job\.tile_size\.t: it must be 1, and is 2: /,
  },
  {
    name: "chunks that are no whole cuboids",
    file: chunkFile({ size: [500, 512, 0] }),
    says:
      /: ingest_job\.chunk_size\.x: it must be a multiple of 512, and is 500; ingest_job\.chunk_size\.z: it must be an integer of 1 or more, and is 0$/,
  },
  {
    name: "T8: tiles that are no whole cuboids",
    file: tileFile({ size: [512, 800] }),
    says:
      /: ingest_job\.tile_size\.y: it must be a multiple of 512 where an axis has more than one tile, and is 800/,
  },
  {
    name: "T8: slices that start within a cuboid",
    file: tileFile({ z: [20, 30] }),
    says:
      /: ingest_job\.extent\.z: it must start at a multiple of 16, and starts at 20: .* by 4; start it at 16$/,
  },
  {
    name: "T8: an extent whose last tile the server does not ask for",
    file: tileFile({ x: [100, 612] }),
    says:
      /: ingest_job\.extent\.x: the server asks for 1 of the 2 tiles of 512 .*: voxels 512 to 612 would never be uploaded; start it at a multiple of 512, such as 0$/,
  },
  {
    name: "T8: chunks that the server would move",
    file: chunkFile({ y: [512, 2048] }),
    says:
      /: ingest_job\.extent\.y: the server would move .* of 1024; start it at a multiple of 1024, such as 0$/,
  },
];
for (const { name, file, says } of refused) {
  Deno.test(`parseBossConfig() refuses ${name}`, () => {
    throws(() => parseBossConfig(file, "a.json"), { name: "UsageError", message: says });
  });
}

const doubtful: readonly { name: string; file: Json; paths: readonly string[] }[] = [
  {
    name: "T8: an extent that begins within a tile",
    file: tileFile({ x: [100, 700] }),
    paths: ["ingest_job.extent.x"],
  },
  {
    name: "tiles of two slices",
    file: tileFile({ size: [512, 512, 2] }),
    paths: ["ingest_job.tile_size.z"],
  },
  {
    name: "chunks of more cuboids than a message holds",
    file: chunkFile({ size: [4096, 4096, 80] }),
    paths: ["ingest_job.chunk_size"],
  },
  { name: "nothing of one odd tile", file: tileFile({ x: [0, 796], size: [796, 512] }), paths: [] },
];
for (const { name, file, paths } of doubtful) {
  Deno.test(`parseBossConfig() warns of ${name}`, () => {
    deepEqual(parseBossConfig(file, "a.json").warnings.map(({ path }) => path), paths);
  });
}

/** Where the server's own steps along an axis leave each voxel: the voxel of the source that comes to lie there. */
function walk(job: "tile" | "chunk", cuboid: number, size: number, start: number, stop: number) {
  const placed = new Map<number, number>();
  for (let at = start; at < stop; at += size) {
    const index = Math.floor(at / size);
    const cuboids = Math.ceil(size / cuboid);
    for (let offset = 0; offset < size; offset++) {
      const part = Math.floor(offset / cuboid);
      const first = job === "tile" ? index * cuboids : Math.floor(at / cuboid);
      placed.set((first + part) * cuboid + offset % cuboid, index * size + offset);
    }
  }
  return placed;
}

Deno.test("T8: along x exactly those extents are refused that a walk of the server's steps loses or moves", () => {
  const near = fc.oneof(
    fc.integer({ min: 0, max: 3000 }),
    fc.integer({ min: 0, max: 5 }).map((n) => 512 * n),
  );
  const tile = fc.oneof(fc.constantFrom(512, 1024), fc.integer({ min: 100, max: 1500 }));
  const cases = fc.tuple(
    fc.oneof(
      tile.map((size) => ["tile", size] as const),
      fc.constantFrom(512, 1024).map((size) => ["chunk", size] as const),
    ),
    near,
    fc.integer({ min: 1, max: 3000 }),
  );
  fc.assert(
    fc.property(cases, ([[kind, size], start, length]) => {
      const stop = start + length;
      const cover: Cover = {
        x: [start, stop],
        y: [0, 512],
        size: kind === "tile" ? [size, 512] : [size, 512, 16],
      };
      const message = messageOf(() =>
        parseBossConfig(kind === "tile" ? tileFile(cover) : chunkFile(cover), "a.json")
      );
      const placed = walk(kind, 512, size, start, stop);
      const isKept = Array.from({ length }, (_, at) => start + at).every((voxel) =>
        placed.get(voxel) === voxel
      );
      const isMoved = [...placed].some(([to, from]) => to !== from);
      equal(message === undefined, isKept && !isMoved, message ?? "not refused");
    }),
    { numRuns: 300 },
  );
});

Deno.test("countBossTasks() counts the steps of the server's loops", () => {
  const span = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 40 }))
    .map(([start, length]) => [start, start + length] as const);
  const side = fc.integer({ min: 1, max: 9 });
  const steps = ([start, stop]: readonly [number, number], size: number) => {
    let count = 0;
    for (let at = start; at < stop; at += size) count++;
    return count;
  };
  fc.assert(
    fc.property(span, span, span, span, side, side, side, side, (x, y, z, t, sx, sy, sz, st) => {
      const extent = box([x[0], y[0], z[0], 0, t[0]], [x[1], y[1], z[1], 1, t[1]]);
      const tiles = {
        kind: "tile",
        resolution: 0,
        extent,
        tileSize: { x: sx, y: sy, z: sz, t: st },
      } as const;
      equal(countBossTasks(tiles), steps(x, sx) * steps(y, sy) * steps(z, 1) * steps(t, st));
      const chunks = {
        kind: "volumetric",
        resolution: 0,
        extent,
        chunkSize: { x: sx, y: sy, z: sz },
      } as const;
      equal(countBossTasks(chunks), steps(x, sx) * steps(y, sy) * steps(z, sz) * steps(t, 1));
    }),
  );
});
