/**
 * intern, ndpull and boss-ingest, as labs run them, against `sluice serve boss`: they get what they expect, and the
 * volumes are what went in.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodePng } from "../../codecs/png_encode.ts";
import { openBossServer } from "../../services/boss/server.ts";
import { tiff } from "../../codecs/tiff.ts";
import { openFileSource } from "../../codecs/file_source.ts";
import { chunkFile, type Json, tileFile } from "../boss/_configs.ts";
import { bossPython } from "./_boss_ingest.ts";
import { findThere, python, runPython } from "./_python.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const internPython = findThere(
  Deno.env.get("SLUICE_INTERN_PYTHON") ?? here("../../.venv-intern/bin/python"),
  "Python with intern; run scripts/interop_venv.ts, or set SLUICE_INTERN_PYTHON",
);
const [WIDTH, HEIGHT] = [1100, 700];

/** A Boss in a folder, with a collection, a frame and an experiment. */
async function serve() {
  const folder = await Deno.makeTempDir();
  const log: string[] = [];
  const boss = await openBossServer({
    root: join(folder, "boss"),
    port: 0,
    waitSeconds: 1,
    log: (line) => log.push(line),
  });
  const token = (await Deno.readTextFile(boss.tokenFile)).trim();
  return {
    folder,
    log,
    token,
    url: boss.url,
    host: new URL(boss.url).host,
    volume: (path: string) => join(folder, "boss", "volumes", `${path}.ome.zarr`),
    async make(path: string, body: Json): Promise<void> {
      const headers = { authorization: `Token ${token}` };
      const request = { method: "POST", body: JSON.stringify(body), headers };
      const answer = await fetch(`${boss.url}/v1/${path}`, request);
      equal(answer.status, 201, await answer.text());
    },
    async [Symbol.asyncDispose]() {
      await boss[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    ...options,
    env: { PYTHONWARNINGS: "ignore", ...options.env },
  }).output();
  const said = new TextDecoder().decode(stdout);
  ok(success, said + new TextDecoder().decode(stderr));
  return said;
}

/** zarr-python finds the voxels of a file in a volume, and nothing else; its metadata is valid OME-Zarr. */
async function expectVolume(
  volume: string,
  raw: string,
  { dtype, shape, sizes }: {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly sizes: readonly number[];
  },
): Promise<void> {
  if (python === undefined) return;
  const found = await runPython("serve_boss_volume.py", volume, raw, ...sizes.map(String));
  deepEqual(JSON.parse(found), [dtype, shape, true, true]);
  const { valid, version } = JSON.parse(await runPython("validate_ome.py", volume));
  deepEqual([valid, version], [true, "0.5"]);
}

function noise(count: number, seed: number): Uint16Array {
  const voxels = new Uint16Array(count);
  for (let i = 0, s = seed; i < count; i++) {
    s = Math.imul(s, 1103515245) + 12345 & 0x7fffffff;
    voxels[i] = s >> 13;
  }
  return voxels;
}

async function runIntern(): Promise<void> {
  await using boss = await serve();
  const args = [here("serve_boss_intern.py"), boss.url, join(boss.folder, "boss", "token")];
  const found = JSON.parse(await run(internPython!, [...args, boss.folder]));
  deepEqual(found, {
    twice: 400,
    lists: [["lab"], ["frame"], ["exp"], ["em", "cells"]],
    frame: [1300, 700, 40, 40.5, "nanometers"],
    experiment: [3, 3],
    absent: 404,
    changed: "changed",
    metadata: [["b", "offsets"], { b: "3", offsets: "[64, 0, 3]" }, ["offsets"]],
    same: true,
    around: [found.around[0], found.around[0], found.around[0]],
    overlay: true,
    black: true,
    pieces: true,
    times: true,
    labels: true,
    filter: true,
    coarse: true,
    refused: { beyond: 400, level: 400, dtype: 400, nobody: 401, full: 400 },
    public: true,
    gone: 404,
  });
  if (python !== undefined) {
    const { valid } = JSON.parse(await runPython("validate_ome.py", boss.volume("lab/exp/em")));
    equal(valid, true);
  }
  deepEqual(boss.log.filter((line) => / 5\d\d \d+ ms$/.test(line)), []);
}

async function runNdpull(): Promise<void> {
  await using boss = await serve();
  await makeChannels(boss.make, { pulled: "uint16" });
  const voxels = noise(WIDTH * 300 * 20, 5);
  const sent = join(boss.folder, "sent.raw");
  await Deno.writeFile(sent, new Uint8Array(voxels.buffer));
  const post = `
import sys, numpy as np
from intern.remote.boss import BossRemote
boss = BossRemote({"protocol": "http", "host": sys.argv[1], "token": sys.argv[2]})
voxels = np.fromfile(sys.argv[3], np.uint16).reshape(20, 300, ${WIDTH})
boss.create_cutout(boss.get_channel("pulled", "lab", "exp"), 0, [0, ${WIDTH}], [100, 400], [3, 23], voxels)
`;
  await run(internPython!, ["-c", post, boss.host, boss.token, sent]);
  const config = join(boss.folder, "neurodata.cfg");
  await Deno.writeTextFile(
    config,
    `[Default]\nprotocol = http\nhost = ${boss.host}\ntoken = ${boss.token}\n`,
  );
  const out = join(boss.folder, "out");
  await run(join(dirname(internPython!), "ndpull"), [
    ...["--config_file", config, "--collection", "lab", "--experiment", "exp"],
    ...["--channel", "pulled", "--x", "50", "1100", "--y", "100", "390", "--z", "5", "23"],
    ...["--outdir", out],
  ]);
  const names = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
  equal(names.length, 18);
  for (const [slice, name] of names.entries()) {
    await using file = await openFileSource(join(out, name));
    const { images: [{ width, height, dtype, at }] } = await tiff.describe(file);
    deepEqual([width, height, dtype], [1050, 290, "uint16"]);
    await using image = await tiff.open(file, at);
    const pixels = new Uint16Array(width * height);
    await image.readRows(0, height, new Uint8Array(pixels.buffer));
    const wrong = pixels.findIndex((pixel, i) => {
      const [x, y] = [50 + i % width, Math.floor(i / width)];
      return pixel !== voxels[((slice + 2) * 300 + y) * WIDTH + x];
    });
    equal(wrong, -1, name);
  }
}

async function makeChannels(
  make: (path: string, body: Json) => Promise<void>,
  datatypes: Readonly<Record<string, string>>,
): Promise<void> {
  await make("collection/lab", {});
  await make("coord/frame", {
    ...Object.fromEntries(
      Object.entries({ x: WIDTH, y: HEIGHT, z: 40 }).flatMap(([axis, stop]) => [
        [`${axis}_start`, 0],
        [`${axis}_stop`, stop],
        [`${axis}_voxel_size`, 5],
      ]),
    ),
    voxel_unit: "nanometers",
  });
  await make("collection/lab/experiment/exp", {
    coord_frame: "frame",
    num_hierarchy_levels: 1,
    hierarchy_method: "anisotropic",
  });
  for (const [name, datatype] of Object.entries(datatypes)) {
    const body = { type: "image", datatype };
    await make(`collection/lab/experiment/exp/channel/${name}`, body);
  }
}

/** Tiles of 512 x 512, padded with 0, and all of their voxels in one file. */
async function writeTiles(folder: string, depth: number): Promise<void> {
  await Deno.mkdir(folder);
  const voxels = Uint8Array.from(noise(WIDTH * HEIGHT * depth, 3));
  await Deno.writeFile(join(folder, "all.raw"), voxels);
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < 2; y++) {
      for (let x = 0; x < 3; x++) {
        const data = new Uint8Array(512 * 512);
        const columns = Math.min(512, WIDTH - x * 512);
        for (let row = 0; row < Math.min(512, HEIGHT - y * 512); row++) {
          const from = (z * HEIGHT + y * 512 + row) * WIDTH + x * 512;
          data.set(voxels.subarray(from, from + columns), row * 512);
        }
        const image = { width: 512, height: 512, samples: 1, dtype: "uint8", data } as const;
        await Deno.writeFile(join(folder, `s000${z}_${y}_${x}.png`), encodePng(image));
      }
    }
  }
}

/** A precomputed volume of one raw chunk. */
async function writePrecomputed(folder: string, depth: number): Promise<void> {
  await Deno.mkdir(join(folder, "0"), { recursive: true });
  const size = [WIDTH, HEIGHT, depth];
  const scale = {
    key: "0",
    size,
    resolution: [5, 5, 5],
    voxel_offset: [0, 0, 0],
    chunk_sizes: [size],
    encoding: "raw",
  };
  const info = {
    "@type": "neuroglancer_multiscale_volume",
    type: "image",
    data_type: "uint16",
    num_channels: 1,
    scales: [scale],
  };
  await Deno.writeTextFile(join(folder, "info"), JSON.stringify(info));
  const voxels = new Uint8Array(noise(WIDTH * HEIGHT * depth, 9).buffer);
  await Deno.writeFile(join(folder, "0", `0-${WIDTH}_0-${HEIGHT}_0-${depth}`), voxels);
  await Deno.writeFile(join(folder, "all.raw"), voxels);
}

async function runBossIngest(): Promise<void> {
  await using boss = await serve();
  await makeChannels(boss.make, { tiles: "uint8", chunks: "uint16" });
  const [tiles, precomputed] = [join(boss.folder, "tiles"), join(boss.folder, "precomputed")];
  await writeTiles(tiles, 5);
  await writePrecomputed(precomputed, 40);
  const cover = { x: [0, WIDTH], y: [0, HEIGHT] } as const;
  const configs = {
    tiles: tileFile({ ...cover, z: [0, 5] }, ["stack.ZindexStackPathProcessor", {
      root_dir: tiles,
      extension: "png",
      base_filename: "s<p:4>_<y>_<x>",
    }]),
    chunks: chunkFile({ ...cover, z: [0, 40], size: [1024, 512, 32] }, [
      "cloudvolume.CloudVolumeChunkProcessor",
      { cloudpath: `file://${precomputed}`, mip: 0, progress: false, fill_missing: true },
    ]),
  };
  configs.chunks.client.path_processor.class =
    "ingestclient.plugins.cloudvolume.CloudVolumePathProcessor";
  // Most of their time they wait for queues to stay empty: both at once.
  await Promise.all(
    Object.entries(configs).map(async ([channel, config]: [string, Json]) => {
      Object.assign(config.client.backend, { host: boss.host, protocol: "http" });
      Object.assign(config.database, { collection: "lab", experiment: "exp", channel });
      const cwd = join(boss.folder, channel === "tiles" ? "tiles" : "precomputed");
      await Deno.writeTextFile(join(cwd, "job.json"), JSON.stringify(config));
      const said = await run(
        join(dirname(bossPython!), "boss-ingest"),
        ["-f", "-r", "0", "-a", boss.token, "-l", "log", "job.json"],
        { cwd, env: { HOME: cwd, AWS_ENDPOINT_URL: boss.url } },
      );
      match(said, /- Cleanup Done/);
    }),
  );
  const shape = [40, HEIGHT, WIDTH];
  await expectVolume(boss.volume("lab/exp/tiles"), join(tiles, "all.raw"), {
    dtype: "uint8",
    shape,
    sizes: [5, HEIGHT, WIDTH],
  });
  await expectVolume(boss.volume("lab/exp/chunks"), join(precomputed, "all.raw"), {
    dtype: "uint16",
    shape,
    sizes: shape,
  });
  deepEqual(boss.log.filter((line) => / 5\d\d \d+ ms$/.test(line)), []);
}

if (internPython !== undefined) {
  Deno.test("intern finds in sluice serve boss what it expects of a Boss", runIntern);
  Deno.test("ndpull pulls out of sluice serve boss what intern put in", runNdpull);
}
if (bossPython !== undefined) {
  Deno.test(
    "boss-ingest does tile and volumetric jobs of sluice serve boss, and the volumes equal the input",
    runBossIngest,
  );
}
