/** Plugins of a lab's own, as a lab would write them, and some that do what they may not. */
import { join } from "node:path";
import { parseBossConfig } from "../../boss/config.ts";
import type { CustomPluginOptions } from "../../boss/custom_plugin.ts";
import { type BossPlugins, openBossPlugins } from "../../boss/plugins.ts";
import { chunkFile, type Cover, type Json, tileFile } from "./_configs.ts";

/** A module in which each class does one thing. */
export const MODULE = `
interface Index { readonly x: number; readonly y: number; readonly z: number; readonly t: number }
type Params = Record<string, string>;

export class Sections {
  readonly varies = [];
  readonly #root: string;
  constructor({ params }: { params: Params }) {
    if (params.root_dir === undefined) throw new Error("root_dir is missing");
    this.#root = params.root_dir;
  }
  process({ z }: Index): string { return this.#root + "/section_" + String(z).padStart(3, "0") + ".png"; }
}
export class Secret { process(): string { return "/etc/hostname"; } }

const pixels = (width: number, height: number, { x, y, z }: Index) => {
  const data = new Uint16Array(width * height);
  for (let at = 0; at < data.length; at++) data[at] = (at * 7 + x * 31 + y * 57 + z * 101) % 65521;
  return { data, width, height };
};
export class Pixels {
  process(_path: string, index: Index) {
    if (index.x === 1 && index.y === 0 && index.z === 3) throw new Error("no such slice");
    return pixels(512, 512, index);
  }
}
export class Bytes { process(path: string) { return Deno.readFile(path); } }
export class Chunks {
  process(_path: string, { x, y, z }: Index) {
    const data = new Uint8Array(512 * 512 * 16);
    for (let at = 0; at < data.length; at++) data[at] = (at * 3 + x + 5 * y + 11 * z) % 251 + 1;
    return { data, size: [512, 512, 16], offset: [0, 0, 16] };
  }
}
export class Answers {
  readonly #answer: string;
  constructor({ params }: { params: Params }) { this.#answer = params.answer; }
  process() { return new Function("return " + this.#answer)(); }
}
export class Does {
  readonly #act: string;
  constructor({ params }: { params: Params }) { this.#act = params.act; }
  async process(path: string) {
    const act = new (Object.getPrototypeOf(async () => {}).constructor)("path", this.#act);
    const { width, height } = await act(path) ?? { width: 512, height: 512 };
    return pixels(width, height, { x: 0, y: 0, z: 0, t: 0 });
  }
}
export const notAClass = 7;
`;

/** Tile job of a module: which of its classes name paths and make tiles. */
export function customTiles(
  module: string,
  paths: readonly [name: string, params: Json] | undefined,
  tiles: readonly [name: string, params: Json] | undefined,
  cover: Cover = {},
): Json {
  const file = tileFile(cover);
  if (paths !== undefined) {
    file.client.path_processor = { class: `${module}#${paths[0]}`, params: paths[1] };
  }
  if (tiles !== undefined) {
    file.client.tile_processor = { class: `${module}#${tiles[0]}`, params: tiles[1] };
  }
  return file;
}

/** Volumetric job of a module. */
export function customChunks(module: string, name: string, params: Json, cover: Cover = {}): Json {
  const file = chunkFile({ size: [512, 512, 32], x: [0, 512], y: [0, 512], ...cover });
  file.client.chunk_processor = { class: `${module}#${name}`, params };
  return file;
}

/** Writes the module into a folder, and opens the plugins of a configuration that lies there. */
export async function openIn(
  folder: string,
  file: Json,
  options: CustomPluginOptions = {},
): Promise<BossPlugins> {
  await Deno.writeTextFile(join(folder, "lab.ts"), MODULE);
  return await openBossPlugins(parseBossConfig(file, join(folder, "job.json")), options);
}
