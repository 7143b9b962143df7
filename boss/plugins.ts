/**
 * The plugins that a Boss configuration may name, and a configuration with its plugins.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import { type ConfigFault, Faults, Fields } from "./_config_fields.ts";
import type { BossConfig, JsonObject, PluginChoice } from "./config.ts";
import { CustomPlugin, type CustomPluginOptions, isCustomPlugin } from "./custom_plugin.ts";
import type {
  ChunkPlugin,
  ChunkProcessor,
  PathPlugin,
  PathProcessor,
  TilePlugin,
  TileProcessor,
} from "./plugin.ts";

/** Plugins by the name that a configuration gives them; each is loaded when it is used. */
export type PluginTable<P> = Map<string, () => Promise<P>>;

const stack = () => import("./_plugin_stack.ts");
const catmaid = () => import("./_plugin_catmaid.ts");
const multipageTiff = () => import("./_plugin_multipage_tiff.ts");
const hdf5 = () => import("./_plugin_hdf5.ts");
const intern = () => import("./_plugin_intern.ts");
const volumes = () => import("./_plugin_volumes.ts");
const test = () => import("./_plugin_test.ts");

/**
 * Path processors. Those of ingest-client stand without the prefix of its modules, which has changed over the years; a
 * script adds its own under the whole name that its configurations use.
 * @example Files that are numbered downwards
 * ```ts
 * import { loadBossConfig, openBossPlugins, pathProcessors } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * pathProcessors.set("mylab.Downwards", () =>
 *   Promise.resolve(({ params, job }) => {
 *     const root = params.text("root_dir");
 *     return { process: ({ z }) => `${root}/${job.extent.max[2] - z}.tif` };
 *   }));
 * const config = await loadBossConfig("configs/boss/zindex_stack.json");
 * const pathProcessor = { ...config.pathProcessor, className: "mylab.Downwards" };
 * const { paths } = await openBossPlugins({ ...config, pathProcessor });
 * equal(await paths.process({ x: 0, y: 0, z: 1, t: 0 }), "/data/499.tif");
 * ```
 */
export const pathProcessors: PluginTable<PathPlugin> = new Map([
  ["stack.ZindexStackPathProcessor", async () => (await stack()).stackPaths],
  ["catmaid.CatmaidFileImageStackPathProcessor", async () => (await catmaid()).catmaidFilePaths],
  [
    "catmaid.CatmaidFileImageStackZoomLevelPathProcessor",
    async () => (await catmaid()).catmaidZoomLevelPaths,
  ],
  [
    "catmaid.CatmaidDirectoryImageStackPathProcessor",
    async () => (await catmaid()).catmaidDirectoryPaths,
  ],
  ["catmaid.CatmaidURLPathProcessor", async () => (await volumes()).noPaths],
  [
    "multipage_tiff.SingleTimeTiffPathProcessor",
    async () => (await multipageTiff()).singleTimePaths,
  ],
  [
    "multipage_tiff.TiffMultiFileHyperStackPathProcessor",
    async () => (await multipageTiff()).hyperStackPaths,
  ],
  ["hdf5.Hdf5TimeSeriesPathProcessor", async () => (await hdf5()).hdf5SlicePaths],
  ["hdf5.Hdf5SlicePathProcessor", async () => (await hdf5()).hdf5SlicePaths],
  ["hdf5.Hdf5ChunkPathProcessor", async () => (await hdf5()).hdf5ChunkPaths],
  ["hdf5.Hdf5SingleFilePathProcessor", async () => (await hdf5()).hdf5SingleFilePaths],
  ["zarr.ZarrPathProcessor", async () => (await volumes()).noPaths],
  ["cloudvolume.CloudVolumePathProcessor", async () => (await volumes()).noPaths],
  ["intern.InternPathProcessor", async () => (await volumes()).noPaths],
  ["path.TestPathProcessor", async () => (await test()).testPaths],
  ["path.TestPassThroughPathProcessor", async () => (await volumes()).noPaths],
]);

/**
 * Tile processors, named as {@linkcode pathProcessors} are.
 * @example The images of a folder, each a tile
 * ```ts
 * import { loadBossConfig, openBossPlugins, tileProcessors } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * tileProcessors.set("mylab.Plain", () =>
 *   Promise.resolve(({ job: { tileSize } }) => ({
 *     process: (path) => ({
 *       size: { width: tileSize.x, height: tileSize.y },
 *       plane: { kind: "image", file: { filesystem: "local", path }, page: { index: 0 } },
 *       placement: { x: { kind: "whole" }, y: { kind: "whole" } },
 *       values: { kind: "keep" },
 *       body: { kind: "png" },
 *       absent: "error",
 *     }),
 *   })));
 * const config = await loadBossConfig("configs/boss/catmaid_file.json");
 * const processor = { ...config.processor, className: "mylab.Plain" };
 * equal((await openBossPlugins({ ...config, processor })).kind, "tile");
 * ```
 */
export const tileProcessors: PluginTable<TilePlugin> = new Map([
  ["stack.ZindexStackTileProcessor", async () => (await stack()).stackTiles],
  ["catmaid.CatmaidFileImageStackTileProcessor", async () => (await catmaid()).catmaidFileTiles],
  [
    "catmaid.CatmaidFileImageStackZoomLevelTileProcessor",
    async () => (await catmaid()).catmaidFileTiles,
  ],
  [
    "catmaid.CatmaidDirectoryImageStackTileProcessor",
    async () => (await catmaid()).catmaidFileTiles,
  ],
  ["catmaid.CatmainURLTileProcessor", async () => (await catmaid()).catmaidUrlTiles],
  [
    "multipage_tiff.SingleTimeTiffTileProcessor",
    async () => (await multipageTiff()).singleTimeTiles,
  ],
  [
    "multipage_tiff.TiffMultiFileHyperStackTileProcessor",
    async () => (await multipageTiff()).hyperStackTiles,
  ],
  ["hdf5.Hdf5TimeSeriesTileProcessor", async () => (await hdf5()).hdf5TimeSeriesTiles],
  ["hdf5.Hdf5TimeSeriesLabelTileProcessor", async () => (await hdf5()).hdf5LabelTiles],
  ["hdf5.Hdf5SliceTileProcessor", async () => (await hdf5()).hdf5SliceTiles],
  ["hdf5.Hdf5ChunkTileProcessor", async () => (await hdf5()).hdf5ChunkTiles],
  ["hdf5.Hdf5SingleFileTileProcessor", async () => (await hdf5()).hdf5SingleFileTiles],
  ["intern.InternTileProcessor", async () => (await intern()).internTiles],
  ["tile.TestTileProcessor", async () => (await test()).testTiles],
  ["tile.TestRandomTileProcessor", async () => (await test()).testRandomTiles],
]);

/**
 * Chunk processors, named as {@linkcode pathProcessors} are.
 * @example Those that are there
 * ```ts
 * import { chunkProcessors } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual([...chunkProcessors.keys()], [
 *   "zarr.ZarrChunkProcessor",
 *   "cloudvolume.CloudVolumeChunkProcessor",
 *   "intern.InternChunkProcessor",
 * ]);
 * ```
 */
export const chunkProcessors: PluginTable<ChunkPlugin> = new Map([
  ["zarr.ZarrChunkProcessor", async () => (await import("./_plugin_zarr.ts")).zarrChunks],
  [
    "cloudvolume.CloudVolumeChunkProcessor",
    async () => (await import("./_plugin_cloudvolume.ts")).cloudVolumeChunks,
  ],
  ["intern.InternChunkProcessor", async () => (await intern()).internChunks],
]);

/** Modules of ingest-client since 0.9, before, and for some weeks between. */
const PREFIXES = ["ingestclient.plugins.", "ingest.plugins.", "bossingest.plugins."] as const;

/** Names of modules that were given up. */
const RENAMED: readonly (readonly [was: string, is: string])[] = [
  ["filesystem.CatmaidFileImageStack", "catmaid.CatmaidFileImageStack"],
];

/** The plugins of a configuration, made; ready to be asked. */
export type BossPlugins =
  & {
    /** Which file. */
    readonly paths: PathProcessor;
    /** What is doubtful about their parameters, but can be done. */
    readonly warnings: readonly ConfigFault[];
    /** Ends the threads of custom plugins, which end by themselves a second after their last answer. */
    readonly close?: () => void;
  }
  & (
    | { readonly kind: "tile"; readonly tiles: TileProcessor }
    | { readonly kind: "volumetric"; readonly chunks: ChunkProcessor }
  );

/**
 * Makes the plugins that a configuration names. Nothing is read but the modules of custom plugins: that a file is
 * there shows when a tile is made.
 * @param options For custom plugins.
 * @throws {UsageError} If there is no such plugin, or its parameters cannot be; every fault is named with its path.
 * @example Where the pixels of a tile lie
 * ```ts
 * import { loadBossConfig, openBossPlugins } from "@sluice/sluice";
 * import { deepEqual, equal } from "node:assert/strict";
 * const plugins = await openBossPlugins(await loadBossConfig("configs/boss/zindex_stack.json"));
 * if (plugins.kind !== "tile") throw new Error("no tile job");
 * const index = { x: 2, y: 1, z: 7, t: 0 };
 * const path = await plugins.paths.process(index);
 * equal(path, "/data/section_0008.tif");
 * const { placement } = await plugins.tiles.process(String(path), index);
 * deepEqual(placement, { x: { kind: "part", from: 2048 }, y: { kind: "part", from: 1024 } });
 * ```
 */
export async function openBossPlugins(
  config: BossConfig,
  options: CustomPluginOptions = {},
): Promise<BossPlugins> {
  const faults = new Faults();
  const plugins = await makePlugins(config, faults, options);
  faults.throwIfAny(`use the plugins of "${config.name}"`);
  return plugins!;
}

/**
 * Makes the plugins of a configuration, whatever is wrong with it.
 * @param faults What is at fault with the configuration, if anything; gets the faults of the plugins.
 * @returns Undefined where one cannot be made.
 */
export async function makePlugins(
  { name, job, pathProcessor, processor }: Omit<BossConfig, "body">,
  faults: Faults,
  options: CustomPluginOptions = {},
): Promise<BossPlugins | undefined> {
  const broken = new Set(faults.list().map(({ path }) => path));
  const warnings: ConfigFault[] = [];
  const opened: Fields[] = [];
  const paramsOf = ({ path, params }: PluginChoice): Fields => {
    const fields = new Fields(params, `${path}.params`, faults, warnings);
    opened.push(fields);
    return fields;
  };
  const find = async <Kind extends keyof Tables>(kind: Kind, choice: PluginChoice) => {
    // What a plugin misses in parameters that are not there was told already.
    const isTold = ["", ".class", ".params"].some((key) => broken.has(choice.path + key));
    if (isTold) return undefined;
    if (!isCustomPlugin(choice.className)) return await findPlugin(kind, choice, faults);
    const custom = await openCustom(choice, kind === "path" ? undefined : pathProcessor.params);
    return custom === undefined ? undefined : CUSTOM[kind](custom, processor) as PluginOf<Kind>;
  };
  const customs: CustomPlugin[] = [];
  const openCustom = async (choice: PluginChoice, pathParams?: JsonObject) => {
    const params = new Fields(choice.params, `${choice.path}.params`, faults, warnings);
    const use = { ...options, choice, params, job, config: name, pathParams };
    try {
      const custom = await CustomPlugin.open(use);
      customs.push(custom);
      return custom;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      faults.add(`${choice.path}.class`, error.message);
    }
  };
  const makePaths = await find("path", pathProcessor);
  const paths = await makePaths?.({ params: paramsOf(pathProcessor), job });
  const finish = () => ({
    warnings: [...opened.flatMap((fields) => fields.strays()), ...warnings],
    ...(customs.length === 0 ? {} : {
      close: () => {
        for (const custom of customs) custom.close();
      },
    }),
  });
  if (job.kind === "tile") {
    const make = await find("tile", processor);
    const tiles = await make?.({ params: paramsOf(processor), job, paths: paths ?? NO_PATHS });
    if (paths === undefined || tiles === undefined) return undefined;
    return { kind: "tile", paths, ...finish(), tiles };
  }
  const make = await find("chunk", processor);
  const chunks = await make?.({ params: paramsOf(processor), job });
  if (paths === undefined || chunks === undefined) return undefined;
  return { kind: "volumetric", paths, ...finish(), chunks };
}

/** Stands for a path processor that is not known, until that is told. */
const NO_PATHS: PathProcessor = { process: () => "" };

const TABLES = { path: pathProcessors, tile: tileProcessors, chunk: chunkProcessors } as const;
type Tables = typeof TABLES;
type PluginOf<Kind extends keyof Tables> = Tables[Kind] extends PluginTable<infer P> ? P : never;

/** Makes a processor of a custom plugin. */
const CUSTOM = {
  path: (custom: CustomPlugin, processor: PluginChoice): PathPlugin => () =>
    custom.asPaths({ confined: !isCustomPlugin(processor.className) }),
  tile: (custom: CustomPlugin): TilePlugin => () => custom.asTiles(),
  chunk: (custom: CustomPlugin): ChunkPlugin => () => custom.asChunks(),
} as const;

async function findPlugin<Kind extends keyof Tables>(
  kind: Kind,
  { className, path }: PluginChoice,
  faults: Faults,
): Promise<PluginOf<Kind> | undefined> {
  const table = TABLES[kind] as PluginTable<PluginOf<Kind>>;
  const load = table.get(className) ?? table.get(nameOf(className));
  if (load !== undefined) return await load();
  faults.add(`${path}.class`, `${explain(kind, className)}`);
}

/** The name of one of ingest-client's plugins without its prefix; of any other, itself. */
function nameOf(className: string): string {
  const prefix = PREFIXES.find((prefix) => className.startsWith(prefix)) ?? "";
  const name = className.slice(prefix.length);
  // Where there is no prefix it is somebody's own.
  if (prefix === "") return className;
  const renamed = RENAMED.find(([was]) => name.startsWith(was));
  return renamed === undefined ? name : renamed[1] + name.slice(renamed[0].length);
}

function explain(kind: keyof Tables, className: string): string {
  const shown = JSON.stringify(className);
  for (const other of ["path", "tile", "chunk"] as const) {
    if (other === kind || !(TABLES[other].has(className) || TABLES[other].has(nameOf(className)))) {
      continue;
    }
    return `${shown} is a ${other} processor: it stands in client.${other}_processor`;
  }
  const prefix = PREFIXES.find((prefix) => className.startsWith(prefix)) ?? PREFIXES[0];
  const known = [...TABLES[kind].keys()].map((name) =>
    /^[a-z_\d]+\.\w+$/.test(name) ? prefix + name : name
  );
  return `there is no ${kind} processor ${shown}: Python is not run, and a plugin of your own is a class in a module, ` +
    `as "./my_plugin.ts#MyPlugin" (sluice plugins new), or a script's in the table ${kind}Processors, under this ` +
    `name${didYouMean(className, known)}`;
}
