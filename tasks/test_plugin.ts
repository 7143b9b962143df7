/**
 * Runs the plugins of a configuration, or one class of a module, for sample tiles or chunks.
 * @module
 */
import { join } from "node:path";
import {
  type BossConfig,
  BossConfigError,
  type JsonObject,
  loadBossConfig,
} from "../boss/config.ts";
import { type CustomPluginOptions, isCustomPlugin } from "../boss/custom_plugin.ts";
import type { BossJob } from "../boss/ingest_job.ts";
import type { BossIndex } from "../boss/plugin.ts";
import { type BossPlugins, openBossPlugins } from "../boss/plugins.ts";
import { box } from "../core/box.ts";
import { messageOf, SluiceError, UsageError } from "../core/errors.ts";
import { endsOf, lookAtIndex, type LookState } from "./_look_boss.ts";

/** What is run, and how. */
export interface TestPluginOptions extends CustomPluginOptions {
  /** The one tile or chunk to ask for; what is absent is 0. @default The first and the last of the job */
  readonly index?: Partial<BossIndex>;
  /** Of a class: what it does. @default As its name ends: `…Paths`, `…PathProcessor`, `…Tiles` and so on */
  readonly kind?: "path" | "tile" | "chunk";
  /** Of a class: its parameters. @default None */
  readonly params?: JsonObject;
  /** Of a class that makes tiles or chunks: the path that it gets. @default Empty */
  readonly path?: string;
  /** Of a class: size of a tile or a chunk. @default 512 x 512, and 16 layers; of one that names files, any */
  readonly size?: readonly number[];
}

/** What a plugin gave for one tile or chunk. */
export interface PluginSample {
  /** Which. */
  readonly index: BossIndex;
  /** What the path processor named. */
  readonly paths: readonly string[];
  /** File or volume that is read; empty where a plugin makes the voxels. */
  readonly place: string;
  /** What was found. */
  readonly state: LookState;
  /** The same in words: shape, dtype, least and most of what a plugin makes. */
  readonly said: string;
}

/** What was found. */
export interface PluginTest {
  /** What was given. */
  readonly plugin: string;
  /** Whether every sample could be had. */
  readonly isSound: boolean;
  /** In the order of the job. */
  readonly samples: readonly PluginSample[];
}

/**
 * Asks plugins for sample tiles or chunks, with the permissions that they would have in a job.
 * @param plugin Path of a configuration, or `MODULE#Class`, relative to the working folder.
 * @throws {UsageError} If the configuration, or the class, cannot be used.
 * @example A class that names files
 * ```ts
 * import { newPlugin, testPlugin } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * await newPlugin("MyPaths", { folder });
 * const { samples } = await testPlugin(`${folder}/my_paths.ts#MyPaths`, {
 *   params: { root_dir: folder },
 *   index: { z: 7 },
 * });
 * deepEqual([samples[0].paths, samples[0].state], [[`${folder}/0007/0_0.png`], "missing"]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function testPlugin(
  plugin: string,
  options: TestPluginOptions = {},
): Promise<PluginTest> {
  const { index, signal } = options;
  const isModule = plugin.includes("#") && isCustomPlugin(plugin);
  const config = isModule ? configOf(plugin, options) : await loadBossConfig(plugin);
  const opened = await openBossPlugins(config, options).catch((error) => {
    if (!isModule || !(error instanceof BossConfigError)) throw error;
    // There is no configuration that it could be a fault of.
    throw new UsageError(error.faults.map(({ reason }) => reason).join("; "), { cause: error });
  });
  const plugins: BossPlugins = isModule && options.path !== undefined
    ? { ...opened, paths: { process: () => options.path! } }
    : opened;
  try {
    const ends = endsOf(config.job);
    const indices = index === undefined && !isModule
      ? [ends.first, ends.last]
      : [{ x: 0, y: 0, z: 0, t: 0, ...index }];
    const samples: PluginSample[] = [];
    for (const index of indices) samples.push(await sample(plugins, index, signal));
    const isSound = samples.every(({ state }) => state !== "missing" && state !== "faulty");
    return { plugin, isSound, samples };
  } finally {
    opened.close?.();
  }
}

async function sample(
  plugins: BossPlugins,
  index: BossIndex,
  signal?: AbortSignal,
): Promise<PluginSample> {
  let paths: readonly string[];
  try {
    paths = [await plugins.paths.process(index, signal)].flat();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof SluiceError)) throw error;
    return { index, paths: [], place: "", state: "faulty", said: messageOf(error) };
  }
  return { index, paths, ...await lookAtIndex(plugins, index, signal) };
}

const NO_PATHS = "ingestclient.plugins.path.TestPassThroughPathProcessor";
const NO_TILES = "ingestclient.plugins.tile.TestTileProcessor";

/** A configuration of one class. */
function configOf(
  className: string,
  { kind, params = {}, size = [], index = {} }: TestPluginOptions,
): BossConfig {
  const does = kind ?? /(path|tile|chunk)(s|processors?)?$/i.exec(className)?.[1].toLowerCase();
  if (does === undefined) {
    throw new UsageError(
      `Cannot tell what "${className}" does: its name does not end with Paths, Tiles or Chunks; say it with --kind`,
    );
  }
  // An image of any size will do where it is only named.
  const side = does === "path" ? 1 << 20 : 512;
  const [x = side, y = side, z = 16] = size;
  const { x: column = 0, y: row = 0, z: layer = 0, t = 0 } = index;
  const whole = [(column + 1) * x, (row + 1) * y];
  const job: BossJob = does === "chunk"
    ? {
      kind: "volumetric",
      resolution: 0,
      extent: box([0, 0, 0, 0, t], [...whole, (layer + 1) * z, 1, t + 1]),
      chunkSize: { x, y, z },
    }
    : {
      kind: "tile",
      resolution: 0,
      extent: box([0, 0, 0, 0, t], [...whole, layer + 1, 1, t + 1]),
      tileSize: { x, y, z: 1, t: 1 },
    };
  const own = { className, params };
  const [paths, processor] = does === "path"
    ? [own, { className: NO_TILES, params: {} }]
    : [{ className: NO_PATHS, params: {} }, own];
  return {
    name: join(Deno.cwd(), "ingest.json"),
    schema: "boss-v0.2-schema",
    backend: { name: "boss", host: "localhost", protocol: "http" },
    database: { collection: "", experiment: "", channel: "" },
    job,
    pathProcessor: { path: "client.path_processor", ...paths },
    processor: {
      path: `client.${does === "chunk" ? "chunk" : "tile"}_processor`,
      ...processor,
    },
    warnings: [],
    body: {},
  };
}
