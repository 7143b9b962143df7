/** Preparing a Boss: what is created, what is left as it is, and what is said of it. */
import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { parseBossConfig } from "../../boss/config.ts";
import { BossConfigError } from "../../boss/_config_fields.ts";
import { loadPrepConfig, parsePrepConfig } from "../../boss/prep_config.ts";
import { prepBoss, type PrepOptions } from "../../tasks/prep_boss.ts";
import { PREP_FILE, type ResourceServer, serveResources } from "../boss/_boss_resources.ts";
import { bossError, detailError, TEST_TOKEN } from "../boss/_boss_server.ts";
import { tileFile } from "../boss/_configs.ts";
import { TestFolder } from "../_images.ts";

// deno-lint-ignore no-explicit-any
type Change = (file: any) => void;

function configOf(change: Change = () => {}) {
  const file = structuredClone(PREP_FILE);
  change(file);
  return parsePrepConfig(file, "prep.json");
}

function prep(boss: ResourceServer, options: Partial<PrepOptions> = {}, change?: Change) {
  const server = { host: boss.host, protocol: "http" };
  return prepBoss(configOf(change), { server, token: TEST_TOKEN, ...options });
}

const EXPERIMENT = "collection/colA/experiment/expA";
const CHANNEL = `${EXPERIMENT}/channel/chA`;

Deno.test("prepBoss() creates all four, each with what the file says", async () => {
  await using boss = serveResources();
  const told: string[] = [];
  const report = await prep(boss, {
    onResource: ({ resource, state }) => told.push(`${resource.kind} ${state}`),
  });
  deepEqual(told, [
    "collection created",
    "coordinate frame created",
    "experiment created",
    "channel created",
  ]);
  deepEqual(boss.posted, [
    { name: "colA", description: "a collection" },
    {
      name: "cfA",
      description: "a frame",
      x_start: 0,
      x_stop: 2048,
      y_start: 0,
      y_stop: 1024,
      z_start: 0,
      z_stop: 64,
      x_voxel_size: 4,
      y_voxel_size: 5,
      z_voxel_size: 40,
      voxel_unit: "nanometers",
    },
    {
      name: "expA",
      description: "an experiment",
      coord_frame: "cfA",
      num_hierarchy_levels: 7,
      hierarchy_method: "isotropic",
      num_time_samples: 3,
      time_step: 2,
      time_step_unit: "milliseconds",
    },
    {
      name: "chA",
      description: "a channel",
      type: "annotation",
      datatype: "uint64",
      sources: ["em"],
      base_resolution: 0,
      default_time_sample: 0,
      related: [],
    },
  ]);
  ok(report.isAsWanted);
  deepEqual(report.resources.flatMap(({ differences }) => differences), []);
  deepEqual(report.target, {
    baseResolution: 0,
    datatype: "uint64",
    frame: { min: [0, 0, 0, 0, 0], max: [2048, 1024, 64, 1, 3] },
  });
});

Deno.test("prepBoss() done twice asks, and sends nothing", async () => {
  await using boss = serveResources();
  await prep(boss);
  const before = structuredClone([...boss.there]);
  boss.log.length = boss.posted.length = 0;
  const { resources, isAsWanted } = await prep(boss);
  deepEqual(resources.map(({ state }) => state), ["exists", "exists", "exists", "exists"]);
  equal(isAsWanted, true);
  deepEqual(boss.log, [
    "GET /v1/collection/colA",
    "GET /v1/coord/cfA",
    `GET /v1/${EXPERIMENT}`,
    `GET /v1/${CHANNEL}`,
  ]);
  deepEqual([...boss.there], before);
});

Deno.test("prepBoss() creates what is absent beside what is there", async () => {
  await using boss = serveResources();
  await prep(boss);
  boss.there.delete(CHANNEL);
  boss.posted.length = 0;
  const { resources } = await prep(boss);
  deepEqual(resources.map(({ state }) => state), ["exists", "exists", "exists", "created"]);
  deepEqual(boss.posted.map(({ name }) => name), ["chA"]);
});

Deno.test("prepBoss() names every field that differs, and changes none", async () => {
  await using boss = serveResources();
  await prep(boss);
  const before = structuredClone([...boss.there]);
  boss.posted.length = 0;
  const { resources, isAsWanted } = await prep(boss, {}, (file) => {
    file.collection.description = "other";
    file.coordinate_frame.voxel_size_z = 30;
    file.coordinate_frame.x_stop = 4096;
    file.experiment.num_hierarchy_levels = 6;
    file.channel.datatype = "uint16";
    file.channel.sources = ["em", "b"];
  });
  deepEqual(resources.map(({ differences }) => differences), [
    [{
      path: "collection.description",
      field: "description",
      wanted: "other",
      found: "a collection",
    }],
    [
      { path: "coordinate_frame.x_stop", field: "x_stop", wanted: 4096, found: 2048 },
      { path: "coordinate_frame.voxel_size_z", field: "z_voxel_size", wanted: 30, found: 40 },
    ],
    [{
      path: "experiment.num_hierarchy_levels",
      field: "num_hierarchy_levels",
      wanted: 6,
      found: 7,
    }],
    [
      { path: "channel.datatype", field: "datatype", wanted: "uint16", found: "uint64" },
      { path: "channel.sources", field: "sources", wanted: ["em", "b"], found: ["em"] },
    ],
  ]);
  equal(isAsWanted, false);
  deepEqual(boss.posted, []);
  deepEqual([...boss.there], before);
});

Deno.test("prepBoss() finds a unit and a frame other than what the file stands for", async () => {
  await using boss = serveResources();
  await prep(boss);
  boss.there.get("coord/cfA")!.voxel_unit = "micrometers";
  boss.there.get(EXPERIMENT)!.coord_frame = "cfB";
  const { resources } = await prep(boss);
  deepEqual(
    resources.flatMap(({ differences }) =>
      differences.map(({ field, found }) => [
        field,
        found,
      ])
    ),
    [["voxel_unit", "micrometers"], ["coord_frame", "cfB"]],
  );
});

Deno.test("prepBoss() takes no difference for one: other descriptions, numbers as text, an order", async () => {
  await using boss = serveResources();
  await prep(boss, {}, (file) => file.channel.sources = ["a", "b"]);
  boss.there.get("coord/cfA")!.x_voxel_size = "4.0";
  boss.there.get("collection/colA")!.description = "theirs";
  boss.there.get(EXPERIMENT)!.num_time_samples = 9;
  const report = await prep(boss, {}, (file) => {
    file.channel.sources = ["b", "a"];
    delete file.experiment.num_time_samples;
  });
  ok(report.isAsWanted);
  deepEqual(report.resources.flatMap(({ differences }) => differences.map(({ path }) => path)), [
    "collection.description",
  ]);
});

Deno.test("prepBoss() of a dry run creates nothing", async () => {
  await using boss = serveResources();
  boss.there.set("collection/colA", { name: "colA", description: "a collection" });
  const { resources, target } = await prep(boss, { dryRun: true });
  deepEqual(resources.map(({ state }) => state), ["exists", "absent", "absent", "absent"]);
  deepEqual([boss.posted, target], [[], undefined]);
});

Deno.test("prepBoss() looks at everything before it creates anything", async () => {
  await using boss = serveResources();
  boss.next.push(undefined, undefined, undefined, bossError(403, 3001, "Missing read permissions"));
  await rejects(prep(boss), /Cannot look up channel "colA\/expA\/chA"/);
  deepEqual(boss.posted, []);
});

Deno.test("prepBoss() goes on where it was interrupted", async () => {
  await using boss = serveResources();
  const stopping = new AbortController();
  const onResource = () => stopping.abort(new Error("enough"));
  await rejects(prep(boss, { signal: stopping.signal, onResource }), /^Error: enough$/);
  deepEqual([...boss.there.keys()], ["collection/colA"]);
  const { resources } = await prep(boss);
  deepEqual(resources.map(({ state }) => state), ["exists", "created", "created", "created"]);
});

Deno.test("prepBoss() finds the token by the environment, and says where", async () => {
  await using boss = serveResources();
  const env = { get: (name: string) => name === "INTERN_TOKEN" ? TEST_TOKEN : undefined };
  let source = "";
  await prep(boss, { token: undefined, env, onToken: (found) => source = found.source });
  equal(source, "the variable INTERN_TOKEN");
  boss.next.push(detailError(401, `Invalid token: ${TEST_TOKEN}`));
  await rejects(prep(boss, { token: undefined, env }), (error: Error) => {
    match(error.message, /mend the token, which is from the variable INTERN_TOKEN/);
    return !error.message.includes(TEST_TOKEN);
  });
});

Deno.test("prepBoss() holds an ingest configuration against what it prepares", async () => {
  await using boss = serveResources();
  const file = tileFile({ x: [0, 2048], y: [0, 2048], z: [0, 64], resolution: 1 });
  file.database.channel = "chB";
  const { warnings } = await prep(boss, { ingest: parseBossConfig(file, "ingest.json") });
  deepEqual(warnings.map(({ path }) => path), [
    "database.channel",
    "ingest_job.resolution",
    "ingest_job.extent",
    "ingest_job",
  ]);
  match(warnings[0].reason, /^it is "chB", and what is prepared is "chA"$/);
});

Deno.test("parsePrepConfig() has the defaults of prep_ingest", () => {
  const { resources } = configOf((file) => {
    file.experiment = { name: "expA" };
    delete file.channel.sources;
  });
  deepEqual(resources[2].fields.map(({ field, value }) => [field, value]), [
    ["description", ""],
    ["coord_frame", "cfA"],
    ["num_hierarchy_levels", 1],
    ["hierarchy_method", "anisotropic"],
    ["num_time_samples", 1],
    ["time_step", 0],
    ["time_step_unit", "seconds"],
  ]);
});

const faults: readonly { change: Change; path: string; says: RegExp }[] = [
  { change: (f) => delete f.collection, path: "collection", says: /missing/ },
  { change: (f) => f.collection.name = "a b", path: "collection.name", says: /letters, digits/ },
  { change: (f) => f.channel.name = "", path: "channel.name", says: /not be empty/ },
  {
    change: (f) => f.coordinate_frame.x_stop = 0,
    path: "coordinate_frame.x_stop",
    says: /greater than x_start, 0, and is 0/,
  },
  {
    change: (f) => f.coordinate_frame.voxel_size_y = -5,
    path: "coordinate_frame.voxel_size_y",
    says: /greater than 0, and is -5/,
  },
  {
    change: (f) => {
      f.coordinate_frame.z_voxel_size = f.coordinate_frame.voxel_size_z;
      delete f.coordinate_frame.voxel_size_z;
    },
    path: "coordinate_frame.voxel_size_z",
    says: /missing/,
  },
  { change: (f) => f.channel.datatype = "int8", path: "channel.datatype", says: /"uint8"/ },
  { change: (f) => f.channel.type = "labels", path: "channel.type", says: /"annotation"/ },
  { change: (f) => f.channel.sources = [1], path: "channel.sources", says: /names of channels/ },
  {
    change: (f) => f.experiment.num_time_samples = 0,
    path: "experiment.num_time_samples",
    says: /1 or more, and is 0/,
  },
  {
    change: (f) => f.experiment.time_step_unit = "minutes",
    path: "experiment.time_step_unit",
    says: /"seconds"/,
  },
];
for (const { change, path, says } of faults) {
  Deno.test(`parsePrepConfig() refuses what is wrong with ${path}: ${says.source}`, () => {
    throws(() => configOf(change), (error) => {
      ok(error instanceof BossConfigError);
      deepEqual(error.faults.map((fault) => fault.path), [path]);
      match(error.faults[0].reason, says);
      return true;
    });
  });
}

Deno.test("parsePrepConfig() names all faults at once, and slips of the pen as warnings", () => {
  throws(
    () =>
      configOf((file) => {
        file.collection.name = "/";
        file.channel.type = 5;
        delete file.coordinate_frame.y_stop;
      }),
    /collection\.name: .*; coordinate_frame\.y_stop: it is missing; channel\.type: /,
  );
  const { warnings } = configOf((file) => {
    file.experiment.time_steps = file.experiment.time_step;
    delete file.experiment.time_step;
  });
  deepEqual(warnings.map(({ path }) => path), ["experiment.time_steps"]);
});

Deno.test("loadPrepConfig() says what is wrong with the file, and shows nothing of it", async () => {
  await using folder = await TestFolder.of({ "prep.json": '{"token": "hidden", }' });
  await rejects(loadPrepConfig(`${folder.path}/none.json`), /there is no such file/);
  await rejects(loadPrepConfig(`${folder.path}/prep.json`), (error: Error) => {
    match(error.message, /prep\.json" as JSON: /);
    return !error.message.includes("hidden");
  });
});
