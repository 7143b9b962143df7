/**
 * Our plugins beside those of ingest-client 0.12.0, whose answers lie in `answers/ingest_client.ndjson` as
 * `answers/make_answers.py` got them. Where ours differ, the trap is named, and how often.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { parseBossConfig } from "../../boss/config.ts";
import { openBossPlugins } from "../../boss/plugins.ts";
import type { BossIndex } from "../../boss/plugin.ts";
import { type Json, type Named, STACK_PATHS, STACK_TILES, tileFile } from "./_configs.ts";
import { type Beside, render, type Sample } from "./_sample_planes.ts";

interface Answer {
  readonly index: readonly [x: number, y: number, z: number, t: number];
  readonly path?: string;
  readonly error?: string;
  readonly format?: string;
  readonly rows?: number[][];
}

interface Case {
  readonly class: string;
  readonly params: Json;
  readonly job: Json;
  readonly source?: Sample;
  readonly beside?: Beside;
  readonly answers: readonly Answer[];
}

const text = await Deno.readTextFile(new URL("./answers/ingest_client.ndjson", import.meta.url));
const cases = text.trim().split("\n").map((line): Case => JSON.parse(line));

/** Why an answer of ours is another one. */
type Trap = "T12" | "T13" | "T16" | "T18";

function indexOf([x, y, z, t]: Answer["index"]): BossIndex {
  return { x, y, z, t };
}

/**
 * Opens the plugins of a case. The extents and tiles of the cases are smaller than the server would take: they are
 * put into a configuration that was checked.
 */
async function open({ job, ...one }: Case, paths: Named, tiles: Named) {
  const config = parseBossConfig(tileFile({}, paths, tiles), one.class);
  const { extent: { x, y, z, t }, tile_size, resolution } = job;
  const min = [x[0], y[0], z[0], 0, t[0]] as const;
  const max = [x[1], y[1], z[1], 1, t[1]] as const;
  return await openBossPlugins({
    ...config,
    job: { kind: "tile", resolution, extent: { min, max }, tileSize: tile_size },
  });
}

async function pathsOf(
  one: Case,
): Promise<{ index: Answer["index"]; paths?: readonly string[] }[]> {
  const { paths } = await open(one, [one.class, one.params], STACK_TILES);
  return await Promise.all(one.answers.map(async ({ index }) => {
    try {
      return { index, paths: [await paths.process(indexOf(index))].flat() };
    } catch (error) {
      equal((error as Error).name, "SluiceError");
      return { index };
    }
  }));
}

function trapOfPath({ class: name, params, job }: Case, answer: Answer): Trap | undefined {
  const [x, y, z, t] = answer.index;
  const { extent, tile_size } = job;
  const within = (at: number, [start, stop]: readonly number[]) => at >= start && at < stop;
  if (answer.error !== undefined && /catmaid|SingleTime/.test(name)) {
    const isThere = within(z, extent.z) && within(t, extent.t) &&
      !(/catmaid/.test(name) && t !== 0);
    const begins = x * tile_size.x < extent.x[1] && y * tile_size.y < extent.y[1];
    if (isThere && begins && answer.error === "IndexError") return "T12";
  }
  if (answer.path !== undefined && name.includes("CatmaidDirectory")) return "T13";
  if (
    name.includes("Hdf5ChunkPath") && Math.floor((z + params.z_offset) / params.z_chunk_size) > 0
  ) {
    return "T18";
  }
}

Deno.test("T12, T13, T18: path processors name the files that ingest-client names, but for these traps", async () => {
  const met: Record<string, number> = {};
  let [same, refused] = [0, 0];
  for (const one of cases.filter(({ source }) => source === undefined)) {
    const ours = await pathsOf(one);
    for (const [at, answer] of one.answers.entries()) {
      const trap = trapOfPath(one, answer);
      const { paths } = ours[at];
      const about = JSON.stringify([one.class, one.params, answer]);
      if (trap === undefined) {
        deepEqual(paths, answer.path === undefined ? undefined : [answer.path], about);
        if (paths === undefined) refused++;
        else same++;
        continue;
      }
      met[trap] = (met[trap] ?? 0) + 1;
      // What somebody may have named after the original still is found, in second place.
      if (trap !== "T12") deepEqual([paths!.length, paths![1]], [2, answer.path], about);
      else if (one.params.z_4 === undefined || one.params[`z_${answer.index[2]}`] !== undefined) {
        ok(paths, about);
      } else equal(paths, undefined, about);
    }
  }
  deepEqual({ same, refused, met }, { same: 273, refused: 322, met: { T12: 18, T13: 6, T18: 80 } });
});

/** Tiles that the original cannot make, or makes wrong; beside the traps those that lie beyond the data. */
function trapOfTile(
  { class: name, params, source, beside, job }: Case,
  { index: [x, y] }: Answer,
): Trap | "beyond" | undefined {
  const tile = job.tile_size;
  if (name.includes("HyperStack")) {
    const { time_chunk_size: samples, num_z_slices, num_channels } = params;
    return num_z_slices * num_channels > 1 && source!.shape[0] !== samples ? "T16" : undefined;
  }
  if (name.includes("SingleFile")) {
    const [, rows, columns] = source!.shape;
    const spans = [[x * tile.x + params.offset_x, tile.x, columns], [
      y * tile.y + params.offset_y,
      tile.y,
      rows,
    ]];
    if (spans.some(([begin, , end]) => begin >= end)) return "beyond";
    return spans.some(([begin, size, end]) => begin < 0 && begin + size > end) ? "T18" : undefined;
  }
  if (name.includes("Hdf5Slice")) {
    if (params.offset_origin_x !== params.offset_origin_y) return "T18";
    const [top, left] = beside!.offset;
    const [height, width] = beside!.extent;
    const [right, bottom] = [
      left + params.offset_origin_x + width,
      top + params.offset_origin_y + height,
    ];
    return x * tile.x >= right || y * tile.y >= bottom ? "beyond" : undefined;
  }
}

/** The tile as it is meant, put down once more: where the pixel at a column and row comes from. */
function intended(
  { class: name, params, source, beside, job }: Case,
  { index }: Answer,
): number[][] {
  const [x, y, z, t] = index;
  const { tile_size: tile } = job;
  const value = (column: number, row: number): number => {
    const [left, top] = [x * tile.x + column, y * tile.y + row];
    if (name.includes("HyperStack")) {
      const page = (t * params.num_z_slices + z) * params.num_channels + params.channel_index;
      return 1 + column + 7 * row + 300 * (page % source!.shape[0]);
    }
    const [dx, dy, dz] = name.includes("SingleFile")
      ? [params.offset_x, params.offset_y, params.offset_z]
      : [
        -beside!.offset[1] - params.offset_origin_x,
        -beside!.offset[0] - params.offset_origin_y,
        0,
      ];
    const [height, width] = source!.shape.slice(-2);
    const [u, v] = [left + dx, top + dy];
    return u < 0 || v < 0 || u >= width || v >= height || z + dz < 0
      ? 0
      : 1 + u + 7 * v + 40 * (z + dz);
  };
  return Array.from(
    { length: tile.y },
    (_, row) => Array.from({ length: tile.x }, (_, column) => value(column, row)),
  );
}

/** A tile of the original, filled up to its full size. */
function padded(rows: number[][], { x, y }: { x: number; y: number }): number[][] {
  return Array.from(
    { length: y },
    (_, row) => Array.from({ length: x }, (_, column) => rows[row]?.[column] ?? 0),
  );
}

Deno.test("T8, T16, T18: tiles hold the pixels that ingest-client puts there, padded, but for these traps", async () => {
  const met: Record<string, number> = {};
  let [same, refused] = [0, 0];
  for (const one of cases.filter(({ source }) => source !== undefined)) {
    const paths: Named = one.class.includes("Catmaid")
      ? ["catmaid.CatmaidFileImageStackPathProcessor", { root_dir: "", filetype: "png" }]
      : STACK_PATHS;
    const plugins = await open(one, paths, [one.class, one.params]);
    if (plugins.kind !== "tile") throw new Error("no tile job");
    for (const answer of one.answers) {
      const recipe = await plugins.tiles.process("a", indexOf(answer.index));
      let rows: number[][] | undefined;
      try {
        rows = render(recipe, one.source!, one.beside);
      } catch {
        // A slice beyond the last.
      }
      const trap = trapOfTile(one, answer);
      const about = JSON.stringify([one.class, one.params, answer]);
      if (trap !== undefined) {
        met[trap] = (met[trap] ?? 0) + 1;
        // A slice that is not there is an error for both.
        if (rows === undefined) equal(answer.rows, undefined, about);
        else deepEqual(rows, intended(one, answer), about);
        continue;
      }
      deepEqual(rows, answer.rows && padded(answer.rows, one.job.tile_size), about);
      if (rows === undefined) refused++;
      else {
        same++;
        equal(recipe.body.kind, answer.format!.toLowerCase());
      }
    }
  }
  deepEqual({ same, refused, met }, {
    same: 502,
    refused: 29,
    met: { T16: 24, T18: 22, beyond: 81 },
  });
});
