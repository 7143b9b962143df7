/**
 * The classes that a Boss configuration may name, with their parameters.
 * @module
 */
import { box } from "../core/box.ts";
import type { BossJob } from "../boss/ingest_job.ts";
import type { PluginParams } from "../boss/plugin.ts";
import { chunkProcessors, pathProcessors, tileProcessors } from "../boss/plugins.ts";

/** One parameter. */
export interface PluginParameter {
  /** Its key in `params`. */
  readonly name: string;
  /** What it is: `text`, `integer`, `number`, `true or false`, `any`, or the words that it may be. */
  readonly type: string;
  /** Whether it may be absent, or is asked for only where another says so. */
  readonly optional: boolean;
}

/** One class. */
export interface ListedPlugin {
  /** Where it stands in a configuration. */
  readonly kind: "path" | "tile" | "chunk";
  /** As a configuration names it. */
  readonly className: string;
  /** In the order in which they are read. */
  readonly params: readonly PluginParameter[];
}

/**
 * Lists the classes that this program has, and those that a script has added. Their parameters are what they ask for
 * when they are made; those that are named by a number, as `z_0`, are shown for the first.
 * @example
 * ```ts
 * import { listPlugins } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const [first] = await listPlugins();
 * deepEqual(first.className, "ingestclient.plugins.stack.ZindexStackPathProcessor");
 * deepEqual(first.params.map(({ name }) => name), ["root_dir", "extension", "base_filename"]);
 * ```
 */
export async function listPlugins(): Promise<ListedPlugin[]> {
  const tables = { path: pathProcessors, tile: tileProcessors, chunk: chunkProcessors } as const;
  const listed: ListedPlugin[] = [];
  for (const kind of ["path", "tile", "chunk"] as const) {
    for (const [name, load] of tables[kind]) {
      const make = await load() as (setup: unknown) => unknown;
      const seen = new Map<string, PluginParameter>();
      // Some keys are asked for only where a word says so: the first of several is tried, then the last.
      for (const at of [0, -1]) {
        const recorder = new Recorder(at);
        await make({ params: recorder, job: JOBS[kind], paths: { process: () => "" } });
        for (const [key, found] of recorder.found) {
          const isNew = at !== 0 && !seen.has(key);
          if (at === 0 || isNew) seen.set(key, { ...found, optional: found.optional || isNew });
        }
      }
      const className = /^[a-z_\d]+\.\w+$/.test(name) ? `ingestclient.plugins.${name}` : name;
      listed.push({ kind, className, params: [...seen.values()] });
    }
  }
  return listed;
}

const extent = box([0, 0, 0], [512, 512, 1]);
const TILES: BossJob = {
  kind: "tile",
  resolution: 0,
  extent,
  tileSize: { x: 512, y: 512, z: 1, t: 1 },
};
const CHUNKS: BossJob = {
  kind: "volumetric",
  resolution: 0,
  extent,
  chunkSize: { x: 512, y: 512, z: 16 },
};
const JOBS = { path: TILES, tile: TILES, chunk: CHUNKS } as const;

/** Notes what a plugin asks for. */
class Recorder implements PluginParams {
  readonly values = {};
  readonly found = new Map<string, PluginParameter>();

  constructor(readonly word: number) {}

  has(key: string): boolean {
    this.#note(key, "any", true);
    return false;
  }

  value(key: string): undefined {
    this.#note(key, "any", true);
  }

  text(key: string, { otherwise }: { readonly otherwise?: string } = {}): string {
    this.#note(key, "text", otherwise !== undefined);
    return otherwise ?? "";
  }

  choice<T extends string>(key: string, words: readonly T[], otherwise?: T): T {
    this.#note(key, words.join(", "), otherwise !== undefined);
    return words.at(this.word)!;
  }

  integer(
    key: string,
    { otherwise, min = 0 }: { readonly otherwise?: number; readonly min?: number } = {},
  ): number {
    this.#note(key, "integer", otherwise !== undefined);
    return otherwise ?? min;
  }

  number(key: string): number {
    this.#note(key, "number", false);
    return 0;
  }

  flag(key: string, otherwise?: boolean): boolean {
    this.#note(key, "true or false", otherwise !== undefined);
    return otherwise ?? false;
  }

  fault(): void {}

  doubt(): void {}

  #note(name: string, type: string, optional: boolean): void {
    const known = this.found.get(name);
    if (known === undefined || known.type === "any") {
      this.found.set(name, { name, type, optional: optional || known !== undefined });
    }
  }
}
