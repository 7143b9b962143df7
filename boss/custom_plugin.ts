/**
 * Plugins of a lab's own: a class in a module of TypeScript or JavaScript that a configuration names.
 *
 * It runs in a thread of its own that may read below the `root_dir` of its parameters and of the path processor's, and
 * nothing else, unless it is granted more.
 * @module
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { messageOf, UsageError } from "../core/errors.ts";
import type { JsonObject } from "./_config_json.ts";
import { cleanerOf } from "./_config_secrets.ts";
import { PluginAnswers } from "./_plugin_answers.ts";
import {
  hostOf,
  mayImport,
  mayRead,
  permissionsOf,
  type PluginGrants,
  type PluginPermissions,
  type PluginPlace,
} from "./_plugin_permissions.ts";
import { PluginError, type PluginFault, PluginThreads } from "./_plugin_threads.ts";
import { hasWorkerOptions } from "./_worker_options.ts";
import type { PluginChoice } from "./config.ts";
import type { BossJob } from "./ingest_job.ts";
import type {
  Answer,
  BossIndex,
  ChunkProcessor,
  PathProcessor,
  PluginParams,
  TileProcessor,
} from "./plugin.ts";

export { PluginError, type PluginFault, type PluginGrants };

/**
 * What the class of a custom plugin is made with: `constructor({ params, job })`.
 */
export interface CustomPluginSetup {
  /** Its parameters, as they stand in the configuration. */
  readonly params: JsonObject;
  /** What the job covers. */
  readonly job: BossJob;
}

/**
 * A path processor of a lab's own.
 * @example Files that are numbered downwards
 * ```ts
 * import type { CustomPathProcessor, CustomPluginSetup } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * class Downwards implements CustomPathProcessor {
 *   constructor(readonly setup: CustomPluginSetup) {}
 *   process({ z }: { z: number }) {
 *     const { params, job } = this.setup;
 *     return `${params.root_dir}/${job.extent.max[2] - 1 - z}.tif`;
 *   }
 * }
 * const extent = { min: [0, 0, 0, 0, 0], max: [512, 512, 16, 1, 1] } as const;
 * const tileSize = { x: 512, y: 512, z: 1, t: 1 };
 * const job = { kind: "tile", resolution: 0, extent, tileSize } as const;
 * equal(new Downwards({ params: { root_dir: "/raw" }, job }).process({ z: 0 }), "/raw/15.tif");
 * ```
 */
export interface CustomPathProcessor {
  /**
   * Along which indices it names another file, as far as tiles of a slice go: an image of whole slices, from which the
   * tile processors of this program cut tiles, varies along none. @default `["x", "y"]`
   */
  readonly varies?: readonly ("x" | "y")[];
  /**
   * The file of a tile or a chunk; of several the first that is there is used. A tile processor of this program reads
   * it only where the plugin itself may; one of the lab's own gets the text as it is.
   */
  process(index: BossIndex): Answer<string | readonly string[]>;
}

/** Pixels of a tile, or voxels of a chunk. */
export type CustomVoxels =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | Float32Array;

/** A tile as pixels. */
export interface CustomTile {
  /** Row by row. */
  readonly data: CustomVoxels;
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/**
 * A tile processor of a lab's own.
 * @example A dark corner, whatever the file
 * ```ts
 * import type { CustomTileProcessor } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const dark: CustomTileProcessor = {
 *   process: () => ({ data: new Uint16Array(512 * 512).fill(7), width: 512, height: 512 }),
 * };
 * equal("width" in await dark.process("", { x: 0, y: 0, z: 0, t: 0 }), true);
 * ```
 */
export interface CustomTileProcessor {
  /**
   * A tile: the bytes of one image of one sample a pixel (PNG, TIFF or JPEG), or its pixels. It is as large as the tiles
   * of the job, or ends where the extent does; the rest is 0. An image of a whole tile is uploaded byte for byte, all
   * else as PNG, or as TIFF where a pixel has more than 16 bits.
   */
  process(path: string, index: BossIndex): Answer<Uint8Array | ArrayBuffer | CustomTile>;
}

/** A chunk, or a part of one. */
export interface CustomChunk {
  /** Voxels in the order z, y, x with x fastest. */
  readonly data: CustomVoxels;
  /** Voxels along x, y and z. */
  readonly size: readonly [x: number, y: number, z: number];
  /** Where the first voxel lies in the chunk. What no voxel lands on is 0. @default `[0, 0, 0]` */
  readonly offset?: readonly [x: number, y: number, z: number];
}

/**
 * A chunk processor of a lab's own.
 * @example Chunks of one value
 * ```ts
 * import type { CustomChunkProcessor } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const even: CustomChunkProcessor = {
 *   process: () => ({ data: new Uint8Array(512 * 512 * 16).fill(9), size: [512, 512, 16] }),
 * };
 * equal((await even.process("", { x: 0, y: 0, z: 0, t: 0 })).size[2], 16);
 * ```
 */
export interface CustomChunkProcessor {
  /** The voxels of a chunk, all in memory at once. */
  process(path: string, index: BossIndex): Answer<CustomChunk>;
}

/** How custom plugins are run. */
export interface CustomPluginOptions {
  /** What they may do beside reading below their source root. @default Nothing */
  readonly grants?: PluginGrants;
  /** Longest that one may take to load, or to answer, in seconds. @default 120 */
  readonly seconds?: number;
  /** Ends the loading with its reason. */
  readonly signal?: AbortSignal;
}

/** What a custom plugin is made of. */
export interface CustomPluginUse extends CustomPluginOptions {
  /** As it stands in the configuration. */
  readonly choice: PluginChoice;
  /** Its parameters, which are asked for no word, but for the source root. */
  readonly params: PluginParams;
  /** What the job covers. */
  readonly job: BossJob;
  /** Path of the configuration: modules are relative to its folder. */
  readonly config: string;
  /** Parameters of the path processor, whose source root counts, too. */
  readonly pathParams?: JsonObject;
}

const SECONDS = 120;
const MOST_THREADS = 4;
/** Of parameters: where the sources of a plugin lie. */
const ROOT = "root_dir";

/**
 * Whether a class of a configuration is a lab's own module, and not the name of a Python class. Such a class is a
 * {@linkcode CustomPathProcessor}, a {@linkcode CustomTileProcessor} or a {@linkcode CustomChunkProcessor}, and is made
 * with a {@linkcode CustomPluginSetup}.
 * @example
 * ```ts
 * import { isCustomPlugin } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const names = ["./my_plugin.ts#MyPaths", "ingestclient.plugins.stack.ZindexStackPathProcessor"];
 * deepEqual(names.map(isCustomPlugin), [true, false]);
 * ```
 */
export function isCustomPlugin(className: string): boolean {
  return /[#/]|\.[mc]?[jt]s$/.test(className);
}

/** A custom plugin, loaded once; its threads start when it is asked, and end when it is not. */
export class CustomPlugin {
  readonly #shown: string;
  readonly #threads: PluginThreads;
  readonly #use: CustomPluginUse;
  readonly #permissions: PluginPermissions;
  #varies: readonly ("x" | "y")[] | undefined;

  private constructor(
    use: CustomPluginUse,
    place: PluginPlace,
    className: string,
    permissions: PluginPermissions,
  ) {
    this.#use = use;
    this.#permissions = permissions;
    this.#shown = use.choice.className;
    const { params, job, seconds = SECONDS } = use;
    const { ingest_job: _, ...values } = params.values;
    this.#threads = new PluginThreads({
      shown: this.#shown,
      module: place.module.href,
      className,
      setup: { params: values, job } satisfies CustomPluginSetup,
      revoked: permissions.import.filter((host) =>
        host === hostOf(place.module) && !permissions.net.includes(host)
      ),
      permissions,
      size: Math.min(MOST_THREADS, Math.max(1, navigator.hardwareConcurrency)),
      seconds,
      clean: cleanerOf(values),
    });
  }

  /**
   * Finds the module, and makes its class once.
   * @throws {UsageError} If there is none, or it cannot be made.
   * @throws The reason of the signal.
   */
  static async open(use: CustomPluginUse): Promise<CustomPlugin> {
    const { choice: { className: shown }, grants, signal } = use;
    const { place, className } = placeOf(use);
    if (!hasWorkerOptions()) {
      throw new UsageError(
        `Cannot run plugin "${shown}": this Deno gives a plugin no permissions of its own, and without them it is not run; run sluice with --unstable-worker-options, as deno task sluice:net and the executable do`,
      );
    }
    await checkThere(place, shown);
    const permissions = await permissionsOf(place, grants);
    const plugin = new CustomPlugin(use, place, className, permissions);
    try {
      const { varies } = await plugin.#threads.load(signal);
      plugin.#varies = readVaries(varies, shown);
      return plugin;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof PluginError)) throw error;
      throw new UsageError(error.message, { cause: error });
    }
  }

  /** Ends its idle threads now, rather than a second after their last answer. */
  close(): void {
    this.#threads.close();
  }

  /**
   * As a path processor.
   * @param confined Whether the paths are read by this program, and so must be such as the plugin may read.
   */
  asPaths({ confined }: { readonly confined: boolean }): PathProcessor {
    return {
      ...(this.#varies === undefined ? {} : { varies: this.#varies }),
      process: async (index, signal) => {
        const answers = this.#answers(index);
        const paths = answers.paths(await this.#ask([index], answers, signal));
        const outside = confined
          ? [paths].flat().find((path) => path !== "" && !mayRead(path, this.#permissions))
          : undefined;
        if (outside === undefined) return paths;
        throw answers.refuse(
          "refused",
          `it names "${outside}", which it may not read; --grant-read ${
            dirname(outside)
          } grants it`,
        );
      },
    };
  }

  /** As a tile processor. */
  asTiles(): TileProcessor {
    return {
      process: async (path, index, signal) => {
        const answers = this.#answers(index);
        return await answers.tile(await this.#ask([path, index], answers, signal));
      },
    };
  }

  /** As a chunk processor. */
  asChunks(): ChunkProcessor {
    return {
      process: async (path, index, signal) => {
        const answers = this.#answers(index);
        return answers.chunk(await this.#ask([path, index], answers, signal));
      },
    };
  }

  #answers(index: BossIndex): PluginAnswers {
    return new PluginAnswers({ shown: this.#shown, job: this.#use.job, index });
  }

  #ask(
    args: readonly unknown[],
    { what }: PluginAnswers,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    return this.#threads.ask(args, what, signal);
  }
}

/** Where the module of a plugin lies, and its class. */
function placeOf(
  { choice: { className: written, path }, params, config, pathParams }: CustomPluginUse,
): { place: PluginPlace; className: string } {
  const at = written.lastIndexOf("#");
  const [name, className] = at < 0 ? [written, ""] : [written.slice(0, at), written.slice(at + 1)];
  const refuse = (state: string) =>
    new UsageError(`Cannot use ${JSON.stringify(written)} as ${path}.class: ${state}`);
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(className)) {
    throw refuse(`it names no class; write the class behind the module, as ./my_plugin.ts#MyPaths`);
  }
  const scheme = /^([a-z][a-z\d+.-]+):/i.exec(name)?.[1].toLowerCase();
  const roots = [params.value(ROOT), pathParams?.[ROOT]]
    .filter((root) => typeof root === "string")
    // What is in a bucket is no folder here.
    .filter((root) => root !== "" && !/^[a-z][a-z\d+.-]+:\/\//i.test(root))
    .map((root) => resolve(root));
  if (scheme === undefined) {
    const file = resolve(dirname(resolve(config)), name);
    return { place: { module: pathToFileURL(file), file, roots }, className };
  }
  if (!URL.canParse(name) || !["file", "https", "http"].includes(scheme)) {
    throw refuse(
      "that is no module; write a path, relative to the configuration, or an https address",
    );
  }
  const module = new URL(name);
  if (module.username !== "" || module.password !== "" || module.search !== "") {
    // What must not be shown would be, in every message.
    throw new UsageError(
      `Cannot use the module of ${path}.class: its address holds a name, a password or a query, and is shown and sent to the server; leave them away`,
    );
  }
  const file = scheme === "file" ? fileURLToPath(module) : undefined;
  return { place: { module, ...(file === undefined ? {} : { file }), roots }, className };
}

/** @throws {UsageError} If a module cannot be had, as far as that is known before it is loaded. */
async function checkThere({ module, file }: PluginPlace, shown: string): Promise<void> {
  if (file === undefined) {
    const host = hostOf(module);
    if (await mayImport(host)) return;
    throw new UsageError(
      `Cannot load plugin "${shown}": this process may not import modules from ${host}; run it with --allow-import=${host}, or save the module as a file, and name that`,
    );
  }
  try {
    if ((await Deno.stat(file)).isFile) return;
  } catch (error) {
    throw new UsageError(
      `Cannot load plugin "${shown}": "${file}" cannot be read (${
        messageOf(error)
      }); modules are relative to the folder of the configuration`,
    );
  }
  throw new UsageError(`Cannot load plugin "${shown}": "${file}" is no file; name the module`);
}

function readVaries(varies: unknown, shown: string): readonly ("x" | "y")[] | undefined {
  if (varies === undefined) return undefined;
  if (Array.isArray(varies) && varies.every((axis) => axis === "x" || axis === "y")) return varies;
  throw new UsageError(
    `Cannot use plugin "${shown}": its "varies" is no list of "x" and "y"; mend it, or leave it away`,
  );
}
