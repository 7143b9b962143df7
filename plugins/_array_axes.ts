/** Which axis of a volume each dimension of an array is. */
import { type Dtype, isDtype } from "../core/dtype.ts";
import { AXES, type Axis, mapPoint, type Point } from "../core/point.ts";
import { convertVoxelSize, lengthUnit, type VoxelSize } from "../core/units.ts";
import { type ArrayDocument, show } from "./_array_documents.ts";

/** The first voxel of everything. */
export const ORIGIN: Point = [0, 0, 0, 0, 0];

const NAMES: Readonly<Record<string, Axis>> = {
  x: "x",
  y: "y",
  z: "z",
  c: "c",
  ch: "c",
  channel: "c",
  channels: "c",
  t: "t",
  time: "t",
};

/** The axis that a name stands for, in any of its usual spellings. */
export function axisNamed(name: unknown): Axis | undefined {
  const lower = typeof name === "string" ? name.toLowerCase() : "";
  return Object.hasOwn(NAMES, lower) ? NAMES[lower] : undefined;
}

/** How the dimensions of an array are told apart. */
export interface AxesOptions {
  /** Dimensions of the array. */
  readonly count: number;
  /** What the metadata calls them; absent or without any name: by their number. */
  readonly names?: readonly unknown[];
  /** What they are where nobody says, from the last on. */
  readonly unnamed: (count: number) => readonly Axis[];
  /** What whoever opens the array says they are. */
  readonly given?: readonly Axis[];
}

/** The axis of every dimension, in the order of the array. */
export function readAxes(
  document: ArrayDocument,
  { count, names, unnamed, given }: AxesOptions,
): Axis[] {
  if (count > AXES.length) {
    document.fail(
      `it has ${count} dimensions where x, y, z, c and t are read`,
      "write it again with five or fewer",
    );
  }
  const wayOut = "say which is which with axes, such as z,y,x";
  if (given !== undefined) {
    if (given.length !== count || new Set(given).size !== count) {
      document.fail(`it has ${count} dimensions, not the axes ${given.join(",")}`, wayOut);
    }
    return [...given];
  }
  if (names === undefined || names.every((name) => name === null || name === "")) {
    return [...unnamed(count)];
  }
  const axes = names.map(axisNamed).filter((axis) => axis !== undefined);
  if (names.length !== count || axes.length !== count || new Set(axes).size !== count) {
    document.fail(`its ${count} dimensions are named ${show(names)}`, wayOut);
  }
  return axes;
}

/** Numbers of the dimensions of an array as a point; axes that it does not have get `rest`. */
export function toPoint(axes: readonly Axis[], numbers: readonly number[], rest: number): Point {
  return mapPoint([0, 0, 0, 0, 0], (_, axis) => numbers[axes.indexOf(AXES[axis])] ?? rest);
}

/** Edge lengths in the unit of x, from the numbers and units of the dimensions; undefined where they say nothing of use. */
export function readVoxelSize(
  axes: readonly Axis[],
  edges: readonly number[],
  units: readonly unknown[],
): VoxelSize | undefined {
  const edge = (axis: Axis) => {
    const at = axes.indexOf(axis);
    const unit = typeof units[at] === "string" ? lengthUnit(units[at]) : undefined;
    return at < 0 || unit === undefined || !(edges[at] > 0)
      ? undefined
      : { x: edges[at], y: edges[at], unit };
  };
  const [x, y, z] = [edge("x"), edge("y"), edge("z")];
  if (x === undefined || y === undefined) return undefined;
  return {
    x: x.x,
    y: convertVoxelSize(y, x.unit).x,
    ...(z === undefined ? {} : { z: convertVoxelSize(z, x.unit).x }),
    unit: x.unit,
  };
}

/** Where the first voxel lies, to the nearest: coarser voxels lie a part of one further on. */
export function readOffset(
  axes: readonly Axis[],
  edges: readonly number[],
  translation: readonly number[] | undefined,
): Point {
  const steps = translation?.map((value, i) => Math.round(value / edges[i])) ?? [];
  return mapPoint(
    toPoint(axes, steps, 0),
    (step) => Number.isSafeInteger(step) && step !== 0 ? step : 0,
  );
}

/** The dtype of a name, if voxels may have it. */
export function readDtype(document: ArrayDocument, name: string): Dtype {
  if (isDtype(name)) return name;
  return document.fail(
    `its voxels are ${name}, and nothing is narrowed or widened unasked`,
    "write it again as uint8, int8, uint16, int16, uint32, int32, uint64 or float32",
  );
}
