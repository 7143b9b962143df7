/** Configurations for tests: small, sound, and with one thing changed. */
import { parseBossConfig } from "../../boss/config.ts";
import { type BossPlugins, openBossPlugins } from "../../boss/plugins.ts";
import type { BossIndex, ChunkRecipe, TileRecipe } from "../../boss/plugin.ts";

// deno-lint-ignore no-explicit-any
export type Json = any;

/** A plugin by its name without a prefix, and its parameters. */
export type Named = readonly [name: string, params: Record<string, unknown>];

/** What a job covers: pairs, and the size of a tile or chunk. */
export interface Cover {
  readonly x?: readonly [number, number];
  readonly y?: readonly [number, number];
  readonly z?: readonly [number, number];
  readonly t?: readonly [number, number];
  readonly size?: readonly number[];
  readonly resolution?: number;
}

const base = (version: 1 | 2): Json => ({
  schema: { name: `boss-v0.${version}-schema`, validator: `BossValidatorV0${version}` },
  client: {
    backend: { name: "boss", class: "BossBackend", host: "api.bossdb.io", protocol: "https" },
  },
  database: { collection: "colA", experiment: "expA", channel: "chA" },
});

const extentOf = ({ x = [0, 1024], y = [0, 1024], z = [0, 32], t = [0, 1] }: Cover) => ({
  x,
  y,
  z,
  t,
});
const plugin = ([name, params]: Named) => ({ class: `ingestclient.plugins.${name}`, params });

export const STACK_PATHS: Named = [
  "stack.ZindexStackPathProcessor",
  { root_dir: "/data", extension: "png", base_filename: "s<p:4>" },
];
export const STACK_TILES: Named = [
  "stack.ZindexStackTileProcessor",
  { extension: "png", filesystem: "local" },
];
export const ZARR_CHUNKS: Named = [
  "zarr.ZarrChunkProcessor",
  { cloud_path: "s3://bucket/a.zarr", volume_name: "raw" },
];

/** A tile job of schema v0.1, as it would stand in a file. */
export function tileFile(cover: Cover = {}, paths = STACK_PATHS, tiles = STACK_TILES): Json {
  const [x, y, z = 1, t = 1] = cover.size ?? [512, 512];
  const file = base(1);
  file.client.path_processor = plugin(paths);
  file.client.tile_processor = plugin(tiles);
  file.ingest_job = {
    resolution: cover.resolution ?? 0,
    extent: extentOf(cover),
    tile_size: { x, y, z, t },
  };
  return structuredClone(file);
}

/** A volumetric job of schema v0.2, as it would stand in a file. */
export function chunkFile(cover: Cover = {}, chunks = ZARR_CHUNKS): Json {
  const [x, y, z] = cover.size ?? [1024, 1024, 64];
  const file = base(2);
  file.client.path_processor = plugin(["zarr.ZarrPathProcessor", {}]);
  file.client.chunk_processor = plugin(chunks);
  file.ingest_job = {
    ingest_type: "volumetric",
    resolution: cover.resolution ?? 0,
    extent: extentOf(cover),
    chunk_size: { x, y, z },
  };
  return structuredClone(file);
}

/** The error that a function throws, or undefined. */
export function messageOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
}

/** Plugins of a tile job. */
export async function openTiles(
  cover: Cover,
  paths: Named,
  tiles: Named,
): Promise<BossPlugins & { kind: "tile" }> {
  const plugins = await openBossPlugins(parseBossConfig(tileFile(cover, paths, tiles), "a.json"));
  if (plugins.kind !== "tile") throw new Error("no tile job");
  return plugins;
}

/** The recipe of a tile, for the first path of several. */
export async function tileOf(
  plugins: BossPlugins,
  index: Partial<BossIndex> = {},
): Promise<TileRecipe & { path: string }> {
  if (plugins.kind !== "tile") throw new Error("no tile job");
  const full = { x: 0, y: 0, z: 0, t: 0, ...index };
  const path = [await plugins.paths.process(full)].flat()[0];
  return { path, ...await plugins.tiles.process(path, full) };
}

/** The recipe of a chunk. */
export async function chunkOf(
  cover: Cover,
  chunks: Named,
  index: Partial<BossIndex> = {},
): Promise<ChunkRecipe> {
  const plugins = await openBossPlugins(parseBossConfig(chunkFile(cover, chunks), "a.json"));
  if (plugins.kind !== "volumetric") throw new Error("no volumetric job");
  return await plugins.chunks.process("", { x: 0, y: 0, z: 0, t: 0, ...index });
}
