/** Looking configurations of the Boss over: all faults at once, and whether the images are there. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { parseBossConfig } from "../../boss/config.ts";
import { openHdf5Datasets } from "../../plugins/hdf5_array.ts";
import { endsOf } from "../../tasks/_look_boss.ts";
import { validateBoss } from "../../tasks/validate_boss.ts";
import { serveResources } from "../boss/_boss_resources.ts";
import { TEST_TOKEN } from "../boss/_boss_server.ts";
import { chunkFile, type Json, type Named, tileFile } from "../boss/_configs.ts";
import { pngOf, TestFolder, tiffOf } from "../_images.ts";
import { serveRaw } from "../_raw_http.ts";
import { HDF5_FILES } from "../plugins/_hdf5_files.ts";

const EXAMPLES = new URL("../../configs/boss/", import.meta.url).pathname;
const PATH_PARAMS = "client.path_processor.params";

async function validate(file: Json, options: Parameters<typeof validateBoss>[1] = {}) {
  await using folder = await TestFolder.of({ "ingest.json": JSON.stringify(file) });
  return await validateBoss(`${folder.path}/ingest.json`, options);
}

for await (const { name } of Deno.readDir(EXAMPLES)) {
  Deno.test(`validateBoss() finds no fault in configs/boss/${name}`, async () => {
    const found = await validateBoss(EXAMPLES + name);
    deepEqual(found.faults, []);
    ok(found.isSound && found.job!.tasks > 0);
    match(found.summary!, /^#### INGEST JOB SUMMARY ####\n/);
    match(found.summary!, new RegExp(`to Upload: ${found.job!.tasks}$`));
    equal(found.looks, undefined);
  });
}

Deno.test("validateBoss() names the faults of every part at once", async () => {
  const file = tileFile();
  file.schema.validator = "BossValidatorV03";
  file.client.backend.protocol = "ftp";
  delete file.database.channel;
  file.ingest_job.extent.x = [512];
  delete file.client.path_processor.params.root_dir;
  file.client.tile_processor.class = "ingestclient.plugins.stack.ZindexStackTileProcesor";
  const { faults, isSound, summary, job } = await validate(file);
  deepEqual(faults.map(({ path }) => path), [
    "schema.validator",
    "client.backend.protocol",
    "database.channel",
    "ingest_job.extent.x",
    `${PATH_PARAMS}.root_dir`,
    "client.tile_processor.class",
  ]);
  match(faults[5].reason, /did you mean "ingestclient\.plugins\.stack\.ZindexStackTileProcessor"/);
  deepEqual([isSound, summary, job], [false, undefined, undefined]);
});

Deno.test("validateBoss() tells a fault once: parameters that are not there lack nothing else", async () => {
  const file = tileFile();
  delete file.client.path_processor.params;
  delete file.client.tile_processor.class;
  const { faults } = await validate(file);
  deepEqual(faults.map(({ path }) => path), [PATH_PARAMS, "client.tile_processor.class"]);
});

Deno.test("validateBoss() makes no fault of a job that could not be read", async () => {
  const tiles: Named = ["intern.InternTileProcessor", {
    collection: "c",
    experiment: "e",
    channel: "h",
    resolution: 0,
    ...{ x_offset: 0, y_offset: 0, z_offset: 0, x_tile: 512, y_tile: 512 },
  }];
  const file = tileFile({}, ["intern.InternPathProcessor", {}], tiles);
  deepEqual((await validate(file)).faults, []);
  delete file.ingest_job.tile_size;
  deepEqual((await validate(file)).faults.map(({ path }) => path), ["ingest_job.tile_size"]);
});

Deno.test("validateBoss() warns of slips in keys, and of what the server passes over", async () => {
  const file = tileFile({ size: [512, 512, 5] });
  file.client.tile_processor.params.fail_gracefuly = true;
  const { warnings, isSound } = await validate(file);
  ok(isSound);
  deepEqual(warnings.map(({ path }) => path), [
    "ingest_job.tile_size.z",
    "client.tile_processor.params.fail_gracefuly",
  ]);
});

Deno.test("validateBoss() shows no secret of a file", async () => {
  const file = tileFile();
  file.client.tile_processor.params.token = TEST_TOKEN;
  ok(!JSON.stringify(await validate(file)).includes(TEST_TOKEN));
  file.client.backend.host = `me:${TEST_TOKEN}@api.bossdb.io`;
  const { faults } = await validate(file);
  deepEqual(faults.map(({ path }) => path), ["client.backend.host"]);
  ok(!JSON.stringify(faults).includes(TEST_TOKEN));
});

Deno.test("validateBoss() needs a file of JSON", async () => {
  await using folder = await TestFolder.of({ "a.json": "{" });
  await rejects(validateBoss(`${folder.path}/b.json`), /there is no such file/);
  await rejects(validateBoss(`${folder.path}/a.json`), /as JSON/);
});

const covers: readonly [name: string, file: Json, first: string, last: string][] = [
  [
    "tiles",
    tileFile({ x: [0, 1300], y: [512, 1024], z: [16, 40], t: [2, 5] }),
    "0,1,16,2",
    "2,1,39,4",
  ],
  ["chunks", chunkFile({ x: [0, 2049], y: [1024, 2048], z: [64, 200] }), "0,1,1,0", "2,1,3,0"],
];
for (const [name, file, first, last] of covers) {
  Deno.test(`endsOf() has the first and last of ${name} as the server counts them`, () => {
    const ends = endsOf(parseBossConfig(file, "a.json").job);
    const text = ({ x, y, z, t }: typeof ends.first) => [x, y, z, t].join();
    deepEqual([text(ends.first), text(ends.last)], [first, last]);
  });
}

const STACK = { extension: "png", base_filename: "s<p:2>" };

function stackOf(root: string, tiles: object = {}): Json {
  return tileFile({ z: [0, 4] }, ["stack.ZindexStackPathProcessor", { ...STACK, root_dir: root }], [
    "stack.ZindexStackTileProcessor",
    { extension: "png", filesystem: "local", ...tiles },
  ]);
}

Deno.test("validateBoss() looks at the image of the first and of the last tile", async () => {
  await using folder = await TestFolder.of({
    "s00.png": pngOf({ width: 70, height: 50 }),
    "s03.png": pngOf({ dtype: "uint16" }),
  });
  const { looks, isSound } = await validate(stackOf(folder.path), { look: true });
  ok(isSound);
  deepEqual(looks, [
    {
      which: "first",
      index: { x: 0, y: 0, z: 0, t: 0 },
      place: `${folder.path}/s00.png`,
      state: "there",
      said: "png, 70 x 50 pixels of uint8",
    },
    {
      which: "last",
      index: { x: 1, y: 1, z: 3, t: 0 },
      place: `${folder.path}/s03.png`,
      state: "there",
      said: "png, 7 x 5 pixels of uint16",
    },
  ]);
});

Deno.test("validateBoss() says that an image is missing, or becomes zeros, or cannot be used", async () => {
  await using folder = await TestFolder.of({ "s03.png": pngOf({ samples: 3 }) });
  const states = async (file: Json) => {
    const { looks, isSound, faults } = await validate(file, { look: true });
    deepEqual(faults, []);
    return [isSound, ...looks!.map(({ state }) => state)];
  };
  deepEqual(await states(stackOf(folder.path)), [false, "missing", "faulty"]);
  await folder.put("s03.png", new TextEncoder().encode("no image"));
  deepEqual(await states(stackOf(folder.path)), [false, "missing", "faulty"]);
  await folder.put("s03.png", pngOf());
  const graceful = stackOf(folder.path, { fail_gracefully: true });
  deepEqual(await states(graceful), [true, "zeros", "there"]);
});

Deno.test("validateBoss() looks for the page of a file", async () => {
  await using folder = await TestFolder.of({ "s00.tif": tiffOf([{ dtype: "uint16" }, {}]) });
  const paths: Named = ["multipage_tiff.SingleTimeTiffPathProcessor", {
    z_0: `${folder.path}/s00.tif`,
  }];
  const tiles: Named = ["multipage_tiff.SingleTimeTiffTileProcessor", {
    datatype: "uint16",
    filetype: "tif",
  }];
  const file = tileFile({ x: [0, 512], y: [0, 512], z: [0, 1], t: [0, 3] }, paths, tiles);
  const { looks } = await validate(file, { look: true });
  deepEqual(looks!.map(({ state }) => state), ["there", "faulty"]);
  match(looks![1].said, /Cannot read image 2 of a file of 2/);
});

Deno.test("validateBoss() looks at images behind HTTP, and 403 says that there is none", async () => {
  const asked: string[] = [];
  await using server = serveRaw(({ path }) => {
    asked.push(path);
    return path === "/0/0/0.png" ? { status: 200, body: pngOf() } : { status: 403 };
  });
  const tiles: Named = ["catmaid.CatmainURLTileProcessor", {
    url: `${server.url}/`,
    filetype: "png",
    ...{ x_offset: 0, y_offset: 0, z_offset: 0, x_tile: 512, y_tile: 512 },
  }];
  const file = tileFile({ z: [0, 2] }, ["catmaid.CatmaidURLPathProcessor", {}], tiles);
  const { looks } = await validate(file, { look: true });
  deepEqual(looks!.map(({ place, state }) => [place, state]), [
    [`${server.url}/0/0/0.png`, "there"],
    [`${server.url}/1/1/1.png`, "zeros"],
  ]);
  deepEqual([...new Set(asked)], ["/0/0/0.png", "/1/1/1.png"]);
});

Deno.test("validateBoss() looks for the dataset and the plane of an HDF5 file", async () => {
  const bytes = gunzipSync(Uint8Array.fromBase64(HDF5_FILES.cremi));
  await using folder = await TestFolder.of({ "a.h5": bytes });
  using datasets = await openHdf5Datasets(`${folder.path}/a.h5`);
  const { shape } = (await datasets.list()).datasets.find(({ path }) => path === "/volumes/raw")!;
  const depth = shape![0];
  const looked = async (name: string, slices: number) => {
    const tiles: Named = ["hdf5.Hdf5SingleFileTileProcessor", {
      filesystem: "local",
      upload_format: "tiff",
      data_name: name,
      datatype: "uint8",
      ...{ offset_x: 0, offset_y: 0, offset_z: 0 },
    }];
    const paths: Named = ["hdf5.Hdf5SingleFilePathProcessor", { filename: `${folder.path}/a.h5` }];
    const { looks } = await validate(tileFile({ z: [0, slices] }, paths, tiles), { look: true });
    return looks!;
  };
  const whole = await looked("volumes/raw", depth);
  deepEqual(whole.map(({ state }) => state), ["there", "there"]);
  equal(whole[0].said, `HDF5, "volumes/raw" of ${shape!.join(" x ")} uint8`);
  const [, beyond] = await looked("volumes/raw", depth + 1);
  equal(beyond.state, "faulty");
  match(beyond.said, new RegExp(`has no plane at ${depth}, y, x$`));
  const [none] = await looked("volumes/row", depth);
  deepEqual([none.state, none.said], ["faulty", 'it has no dataset "volumes/row"']);
});

const ZARRAY = {
  zarr_format: 2,
  shape: [70, 600, 1300],
  chunks: [16, 64, 64],
  dtype: "<u2",
  compressor: null,
  fill_value: 0,
  filters: null,
  order: "C",
};

Deno.test("validateBoss() looks at the volume of a volumetric job", async () => {
  await using folder = await TestFolder.of({ "a.zarr/raw/.zarray": JSON.stringify(ZARRAY) });
  const chunks = (name: string): Named => ["zarr.ZarrChunkProcessor", {
    cloud_path: `${folder.path}/a.zarr`,
    volume_name: name,
  }];
  const cover = { x: [0, 2048], y: [0, 1024], z: [0, 64] } as const;
  const { looks } = await validate(chunkFile(cover, chunks("raw")), { look: true });
  deepEqual(looks!.map(({ place, state }) => [place, state]), [
    [`zarr://${folder.path}/a.zarr/raw`, "there"],
    [`zarr://${folder.path}/a.zarr/raw`, "there"],
  ]);
  match(looks![0].said, /^zarr of uint16, x 0:1300 y 0:600 z 0:70/);
  const beyond = { ...cover, x: [0, 4096] } as const;
  const past = await validate(chunkFile(beyond, chunks("raw")), { look: true });
  deepEqual([past.isSound, ...past.looks!.map(({ state }) => state)], [true, "there", "zeros"]);
  const none = await validate(chunkFile(cover, chunks("row")), { look: true });
  equal(none.isSound, false);
  ok(none.looks!.every(({ state }) => state === "missing" || state === "faulty"));
});

Deno.test("validateBoss() says what it does not look at", async () => {
  const chunks: Named = ["intern.InternChunkProcessor", { uri: "bossdb://c/e/h" }];
  const { looks, isSound } = await validate(chunkFile({}, chunks), { look: true });
  ok(isSound);
  deepEqual(looks!.map(({ place, state }) => [place, state]), [
    ["bossdb://c/e/h", "unseen"],
    ["bossdb://c/e/h", "unseen"],
  ]);
});

Deno.test("validateBoss() asks the server for the target when told to, and compares", async () => {
  await using boss = serveResources();
  const file = tileFile({ x: [0, 2048] });
  file.client.backend = { ...file.client.backend, host: boss.host, protocol: "http" };
  await validate(file);
  deepEqual(boss.log, []);
  const ask = { token: TEST_TOKEN };
  const before = await validate(file, { ask });
  deepEqual([before.isSound, before.target], [false, {
    missing: ['collection "colA"', 'experiment "colA/expA"', 'channel "colA/expA/chA"'],
  }]);
  const span = { x_start: 0, x_stop: 1024, y_start: 0, y_stop: 1024, z_start: 0, z_stop: 64 };
  boss.there.set("collection/colA", { name: "colA" });
  boss.there.set("collection/colA/experiment/expA", {
    name: "expA",
    coord_frame: "cfA",
    num_time_samples: 1,
  });
  boss.there.set("collection/colA/experiment/expA/channel/chA", {
    name: "chA",
    datatype: "uint16",
    base_resolution: 0,
  });
  boss.there.set("coord/cfA", { name: "cfA", ...span });
  const after = await validate(file, { ask });
  deepEqual([after.isSound, after.target?.datatype], [true, "uint16"]);
  deepEqual(after.warnings.map(({ path }) => path), ["ingest_job.extent"]);
});
