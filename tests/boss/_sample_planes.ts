/**
 * Sources whose pixels tell their place, as `answers/make_answers.py` makes them, and what a recipe makes of them: read
 * pixel by pixel, with nothing of the code that reads images.
 */
import { choosePage, placeTile } from "../../boss/place_tile.ts";
import type { TileRecipe, ValueRule } from "../../boss/plugin.ts";

/** An array of the axes `axes`, outermost first. */
export interface Sample {
  readonly axes: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** Datasets of two numbers, y first, by name. */
export type Beside = Readonly<Record<string, readonly [y: number, x: number]>>;

const WEIGHTS: Readonly<Record<string, number>> = { x: 1, y: 7, z: 40, t: 300, c: 2000 };

/** The value at a place; throws where there is none. */
function valueAt({ axes, shape, dtype }: Sample, place: readonly number[]): number {
  if (place.length !== shape.length || place.some((at, axis) => !(at >= 0 && at < shape[axis]))) {
    throw new RangeError(`no pixel at ${place} of ${axes} ${shape}`);
  }
  const value = place.reduce((sum, at, axis) => sum + at * WEIGHTS[axes[axis]], 1);
  return dtype === "uint8" ? value % 256 : value;
}

/** The pixels of a tile, row by row. */
export function render(recipe: TileRecipe, sample: Sample, beside: Beside = {}): number[][] {
  const { plane, placement, size } = recipe;
  const rows = Array.from({ length: size.height }, () => new Array<number>(size.width).fill(0));
  if (plane.kind === "zeros") return rows;
  const axes = plane.kind === "dataset"
    ? plane.axes
    : plane.kind === "image"
    ? [...(sample.shape.length === 3 ? [choosePage(plane.page, sample.shape[0])] : []), "y", "x"]
    : undefined;
  if (axes === undefined) throw new Error(`a plane of kind ${plane.kind}`);
  const lengthOf = (axis: "x" | "y") => sample.shape[axes.indexOf(axis)];
  for (const [at, axis] of axes.entries()) {
    if (typeof axis === "number" && axis >= sample.shape[at]) {
      throw new RangeError(`no ${axis} along ${at}`);
    }
  }
  const datasets = placement.frame;
  const [offset, extent] = datasets === undefined
    ? []
    : [beside[datasets.offset], beside[datasets.extent]];
  const copy = placeTile(
    placement,
    size,
    { width: lengthOf("x"), height: lengthOf("y") },
    offset === undefined ? undefined : {
      offset: { x: offset[1], y: offset[0] },
      extent: { width: extent![1], height: extent![0] },
    },
  );
  for (let y = 0; y < (copy?.size.height ?? 0); y++) {
    for (let x = 0; x < copy!.size.width; x++) {
      const at: Record<string, number> = { x: copy!.from.x + x, y: copy!.from.y + y };
      const value = valueAt(sample, axes.map((axis) => typeof axis === "number" ? axis : at[axis]));
      rows[copy!.to.y + y][copy!.to.x + x] = apply(recipe.values, value);
    }
  }
  return rows;
}

function apply(rule: ValueRule, value: number): number {
  return rule.kind === "scale" ? Math.trunc(value * rule.factor) : value;
}
