/**
 * What a custom plugin gave, held against what was asked for.
 * @module
 */
import type { Box } from "../core/box.ts";
import { dtypeOf, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { messageOf } from "../core/errors.ts";
import { mapPoint } from "../core/point.ts";
import { decodeTile } from "./_decode_tile.ts";
import { PluginError, type PluginFault } from "./_plugin_threads.ts";
import { chunkBox } from "./_plugin_volumes.ts";
import type { BossJob, BossTileJob, BossVolumetricJob } from "./ingest_job.ts";
import type { BossIndex, ChunkRecipe, PlaneSize, TileBody, TileRecipe } from "./plugin.ts";

/** One question. */
export interface PluginAsked {
  /** The plugin, as messages say it. */
  readonly shown: string;
  /** What the job covers. */
  readonly job: BossJob;
  /** Which tile or chunk. */
  readonly index: BossIndex;
}

const ARRAYS = [
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  BigUint64Array,
  Float32Array,
] as const;

/** The answers to one question. */
export class PluginAnswers {
  readonly #asked: PluginAsked;
  /** What is asked for. */
  readonly what: string;

  /** Of one question. */
  constructor(asked: PluginAsked) {
    this.#asked = asked;
    const { job, index: { x, y, z, t } } = asked;
    this.what = `${job.kind === "tile" ? "tile" : "chunk"} x ${x}, y ${y}, z ${z}, t ${t}`;
  }

  /** Says what is wrong with an answer. */
  refuse(kind: PluginFault, reason: string): PluginError {
    const act = `Cannot ask plugin "${this.#asked.shown}" for ${this.what}`;
    return new PluginError(act, kind, reason);
  }

  /** One path, or several. */
  paths(answer: unknown): string | readonly string[] {
    if (typeof answer === "string") return answer;
    if (isTexts(answer)) return answer;
    throw this.#wrong(answer, "a path, or a list of them");
  }

  /** A tile: an image, or pixels. */
  async tile(answer: unknown): Promise<TileRecipe> {
    const job = this.#asked.job as BossTileJob;
    const size = { width: job.tileSize.x, height: job.tileSize.y };
    const recipe = (plane: PlaneSize, data: VoxelArray, body: TileBody): TileRecipe => ({
      size,
      plane: { kind: "pixels", size: plane, data },
      placement: { x: { kind: "whole" }, y: { kind: "whole" } },
      values: { kind: "keep" },
      body,
      absent: "error",
    });
    if (answer instanceof Uint8Array) {
      const decoded = await decodeTile(answer).catch((error) => {
        throw this.refuse("answer", `it gave bytes that are no tile: ${messageOf(error)}`);
      });
      this.#checkSize(job, decoded);
      const isWhole = decoded.width === size.width && decoded.height === size.height;
      const body: TileBody = isWhole
        ? { kind: "image", bytes: answer, format: decoded.format }
        : bodyFor(decoded.data);
      return recipe({ width: decoded.width, height: decoded.height }, decoded.data, body);
    }
    const { data, width, height } = this.#fields(answer, ["data", "width", "height"]);
    const voxels = this.#voxels(data);
    const plane = { width: this.#count(width, "width"), height: this.#count(height, "height") };
    this.#checkLength(voxels, [plane.width, plane.height]);
    this.#checkSize(job, plane);
    return recipe(plane, voxels, bodyFor(voxels));
  }

  /** A chunk, or a part of one. */
  chunk(answer: unknown): ChunkRecipe {
    const { job, index } = this.#asked;
    const chunk = chunkBox(job as BossVolumetricJob, index);
    const fields = this.#fields(answer, ["data", "size"]);
    const voxels = this.#voxels(fields.data);
    const size = this.#triple(fields.size, "size", 1);
    const offset = this.#triple(
      (answer as { offset?: unknown }).offset ?? [0, 0, 0],
      "offset",
      0,
    );
    this.#checkLength(voxels, size);
    const read: Box = {
      min: mapPoint(chunk.min, (at, axis) => at + (offset[axis] ?? 0)),
      max: mapPoint(chunk.min, (at, axis) => axis < 3 ? at + offset[axis] + size[axis] : at + 1),
    };
    const sides = mapPoint(chunk.max, (max, axis) => max - chunk.min[axis]).slice(0, 3);
    if (size.some((side, axis) => offset[axis] + side > sides[axis])) {
      throw this.refuse(
        "answer",
        `it gave ${size.join(" x ")} voxels at [${offset}], which reach beyond the chunk of ${
          sides.join(" x ")
        }`,
      );
    }
    return { chunk, read, volume: { kind: "voxels", data: voxels }, before: "error" };
  }

  /** Full, or cut where the extent ends: of any other size it is of another place, or its sides are swapped. */
  #checkSize({ extent: { max }, tileSize }: BossTileJob, { width, height }: PlaneSize): void {
    const { x, y } = this.#asked.index;
    const cut = {
      width: Math.min(tileSize.x, max[0] - x * tileSize.x),
      height: Math.min(tileSize.y, max[1] - y * tileSize.y),
    };
    if (
      (width === tileSize.x || width === cut.width) &&
      (height === tileSize.y || height === cut.height)
    ) return;
    const isEdge = cut.width < tileSize.x || cut.height < tileSize.y;
    throw this.refuse(
      "answer",
      `it gave ${width} x ${height} pixels, and this tile has ${tileSize.x} x ${tileSize.y}${
        isEdge ? `, of which ${cut.width} x ${cut.height} lie in the extent` : ""
      }`,
    );
  }

  #fields<K extends string>(answer: unknown, keys: readonly K[]): Record<K, unknown> {
    if (
      typeof answer === "object" && answer !== null &&
      keys.every((key) => Object.hasOwn(answer, key))
    ) return answer as Record<K, unknown>;
    const wanted = keys.join(", ");
    throw this.#wrong(
      answer,
      this.#asked.job.kind === "tile"
        ? `the bytes of an image, or an object with ${wanted}`
        : `an object with ${wanted}`,
    );
  }

  #voxels(data: unknown): VoxelArray {
    const known = ARRAYS.find((array) => data instanceof array);
    if (known !== undefined) return data as VoxelArray;
    throw this.#wrong(data, 'in "data" an array of voxels, such as Uint8Array or Uint16Array');
  }

  #count(value: unknown, key: string): number {
    if (Number.isSafeInteger(value) && Number(value) > 0) return Number(value);
    throw this.#wrong(value, `in "${key}" an integer of 1 or more`);
  }

  #triple(value: unknown, key: string, least: number): number[] {
    if (
      Array.isArray(value) && value.length === 3 &&
      value.every((side) => Number.isSafeInteger(side) && side >= least)
    ) return value;
    throw this.#wrong(value, `in "${key}" three integers of ${least} or more, along x, y and z`);
  }

  #checkLength(voxels: VoxelArray, sides: readonly number[]): void {
    const wanted = sides.reduce((product, side) => product * side, 1);
    if (voxels.length === wanted) return;
    throw this.refuse(
      "answer",
      `it gave ${voxels.length} voxels for ${sides.join(" x ")}, which are ${wanted}`,
    );
  }

  #wrong(value: unknown, wanted: string): PluginError {
    return this.refuse("answer", `it must give ${wanted}, and gave ${nameOf(value)}`);
  }
}

/** What pixels of the plugin's own are uploaded as: nothing is lost in either. */
function bodyFor(voxels: VoxelArray): TileBody {
  const dtype = dtypeOf(voxels);
  return VOXEL_BYTES[dtype] > 2 ? { kind: "tiff" } : { kind: "png" };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 &&
    value.every((item) => typeof item === "string");
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") {
    const keys = Object.keys(value);
    if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
    if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
    return keys.length === 0 ? "an empty object" : `an object with ${keys.slice(0, 5).join(", ")}`;
  }
  return typeof value === "string" ? "a text" : `a ${typeof value}`;
}
