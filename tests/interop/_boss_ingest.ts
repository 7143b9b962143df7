/** boss-ingest, as labs run it, and jobs that it and sluice both do. */
import { deepEqual, ok } from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type BossTestServer,
  INGEST_BUCKET,
  serveBoss,
  TEST_TOKEN,
  TILE_BUCKET,
} from "../boss/_boss_server.ts";
import { chunkFile, type Cover, type Json, type Named, tileFile } from "../boss/_configs.ts";
import { findThere } from "./_python.ts";

/** The Python that holds it; undefined where there is none: then what needs it is left out. */
export const bossPython = findThere(
  Deno.env.get("SLUICE_BOSS_PYTHON") ??
    fileURLToPath(new URL("../../.venv-boss/bin/python", import.meta.url)),
  "Python with boss-ingest; run scripts/interop_venv.ts, or set SLUICE_BOSS_PYTHON",
);

const FILES = fileURLToPath(new URL("boss_ingest_files.py", import.meta.url));

/** Of the voxels of an object: what is behind it in `boss_ingest_files.py`. */
export interface Decoded {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly hash: string;
  /** Of images alone. */
  readonly voxels?: Uint8Array;
}

/** A job, and the configuration of it. */
export interface Job {
  readonly name: string;
  /** Number of its channel in the database. */
  readonly channel: number;
  readonly datatype: string;
  file(folder: string): Json;
}

const tiles = (cover: Cover, paths: (folder: string) => Named, tile: Named) => (folder: string) =>
  tileFile(cover, paths(folder), tile);

/** The jobs; each has a channel of its own. */
export const JOBS: readonly Job[] = [
  {
    name: "tiles of a z-stack",
    channel: 6,
    datatype: "uint8",
    file: tiles({ x: [0, 1200], y: [0, 700], z: [16, 19] }, (folder) => [
      "stack.ZindexStackPathProcessor",
      { root_dir: join(folder, "tiles"), extension: "png", base_filename: "s<p:3>_<y>_<x>" },
    ], ["stack.ZindexStackTileProcessor", { extension: "png", filesystem: "local" }]),
  },
  {
    name: "whole sections of a z-stack",
    channel: 7,
    datatype: "uint8",
    file: tiles({ x: [0, 700], y: [0, 300], z: [0, 3] }, (folder) => [
      "stack.ZindexStackPathProcessor",
      { root_dir: join(folder, "sections"), extension: "png", base_filename: "<o:7>" },
    ], ["stack.ZindexStackTileProcessor", { extension: "tif", filesystem: "local" }]),
  },
  {
    name: "CATMAID tiles",
    channel: 8,
    datatype: "uint8",
    file: tiles({ x: [0, 1024], y: [0, 1024], z: [0, 3] }, (folder) => [
      "catmaid.CatmaidFileImageStackPathProcessor",
      { root_dir: join(folder, "catmaid"), filetype: "png" },
    ], ["catmaid.CatmaidFileImageStackTileProcessor", { filetype: "png" }]),
  },
  {
    name: "pages of a time series",
    channel: 9,
    datatype: "uint16",
    file: tiles({ x: [0, 1024], y: [0, 512], z: [0, 2], t: [0, 3] }, (folder) => [
      "multipage_tiff.SingleTimeTiffPathProcessor",
      { z_0: join(folder, "time", "slice0.tif"), z_1: join(folder, "time", "slice1.tif") },
    ], [
      "multipage_tiff.SingleTimeTiffTileProcessor",
      { datatype: "uint16", filetype: "tif" },
    ]),
  },
  {
    name: "hyperstacks",
    channel: 10,
    datatype: "uint16",
    file: tiles({ x: [0, 512], y: [0, 512], z: [0, 2], t: [0, 4] }, (folder) => [
      "multipage_tiff.TiffMultiFileHyperStackPathProcessor",
      {
        root_dir: join(folder, "hyper"),
        extension: "tif",
        base_filename: "part_<>",
        time_chunk_size: 2,
      },
    ], [
      "multipage_tiff.TiffMultiFileHyperStackTileProcessor",
      {
        time_chunk_size: 2,
        num_z_slices: 2,
        num_channels: 1,
        channel_index: 0,
        filesystem: "local",
      },
    ]),
  },
  {
    name: "chunks of a precomputed volume",
    channel: 11,
    datatype: "uint16",
    file(folder) {
      const cover: Cover = { x: [0, 600], y: [0, 512], z: [0, 40], size: [1024, 512, 32] };
      const file = chunkFile(cover, [
        "cloudvolume.CloudVolumeChunkProcessor",
        { cloudpath: `file://${join(folder, "volume")}`, mip: 0, progress: false },
      ]);
      file.client.path_processor.class =
        "ingestclient.plugins.cloudvolume.CloudVolumePathProcessor";
      return file;
    },
  },
];

/** A Boss that knows the channels of the jobs, and is in no hurry for long. */
export function serveJobs(): BossTestServer {
  const boss = serveBoss({ waitSeconds: 1 });
  for (const { channel, datatype } of JOBS) {
    boss.channels.set(`colA/expA/ch${channel}`, {
      collection: 4,
      experiment: 5,
      channel,
      datatype,
      baseResolution: 0,
    });
  }
  return boss;
}

/** The configuration of a job, for a server. */
export function configOf({ channel, file }: Job, boss: BossTestServer, folder: string): Json {
  const config = file(folder);
  Object.assign(config.client.backend, { host: boss.host, protocol: "http" });
  config.database.channel = `ch${channel}`;
  return config;
}

/** Has a job done by boss-ingest. @throws If it says that it failed. */
export async function runBossIngest(
  boss: BossTestServer,
  config: Json,
  folder: string,
  ...flags: string[]
): Promise<void> {
  const base = join(folder, config.database.channel);
  await Deno.mkdir(base, { recursive: true });
  await Deno.writeTextFile(join(base, "job.json"), JSON.stringify(config));
  const { success, stdout, stderr } = await new Deno.Command(
    join(dirname(bossPython!), "boss-ingest"),
    {
      args: ["-f", "-r", "0", "-a", TEST_TOKEN, "-l", join(base, "log"), ...flags, "job.json"],
      cwd: base,
      env: {
        HOME: base,
        PYTHONWARNINGS: "ignore",
        AWS_ENDPOINT_URL_S3: boss.s3.url,
        AWS_ENDPOINT_URL_SQS: boss.sqs.url,
      },
    },
  ).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  ok(success && said.includes("- Cleanup Done"), said);
}

/** Runs the script beside this. @returns What it printed. */
export async function runFiles(act: "make" | "decode", folder: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(bossPython!, {
    args: ["-W", "ignore", FILES, act, folder],
  }).output();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Objects of all jobs by their keys, with what they hold as others decode it. */
export async function decodeObjects(
  boss: BossTestServer,
  folder: string,
): Promise<Map<string, Decoded>> {
  await Deno.mkdir(folder);
  const objects = objectsOf(boss);
  for (const [key, { bytes }] of objects) await Deno.writeFile(join(folder, key), bytes);
  const found = JSON.parse(await runFiles("decode", folder)) as Record<
    string,
    [number[], string, string]
  >;
  deepEqual(Object.keys(found), [...objects.keys()].sort());
  return new Map(
    await Promise.all(
      Object.entries(found).map(async ([key, [shape, dtype, hash]]) => {
        const voxels = shape.length === 2
          ? await Deno.readFile(join(folder, `${key}.raw`))
          : undefined;
        return [key, { shape, dtype, hash, voxels }] as const;
      }),
    ),
  );
}

/** Objects of all jobs. */
export function objectsOf({ s3: { buckets } }: BossTestServer) {
  return new Map([
    ...buckets.get(TILE_BUCKET)!.objects,
    ...buckets.get(INGEST_BUCKET)!.objects,
  ]);
}
