/** What the attributes of HDF5 datasets say of axes and of voxel edges, as the programs that write them do. */
import { AXES, type Axis } from "../core/point.ts";
import { type LengthUnit, lengthUnit, type VoxelSize } from "../core/units.ts";

/** Attributes that are looked at. */
export const ATTRIBUTES = ["axistags", "element_size_um", "resolution", "unit", "units"] as const;

/** What they hold: nothing where there is no such attribute. */
export type Attributes = Readonly<Record<string, readonly (number | string)[]>>;

/** Axes where nobody says, by their number, slowest first. */
const USUAL: readonly (readonly Axis[])[] = ["", "x", "yx", "zyx", "czyx", "tczyx"].map(axesOf);

function axesOf(letters: string): Axis[] {
  return [...letters].filter((letter): letter is Axis => AXES.some((axis) => axis === letter));
}

/** The axes that letters stand for, if there are so many, each once, x and y among them. */
export function parseAxes(letters: string, rank: number): readonly Axis[] | undefined {
  const axes = axesOf(letters.toLowerCase());
  const isWhole = axes.length === letters.length && axes.length === rank &&
    new Set(axes).size === rank && axes.includes("x") && axes.includes("y");
  return isWhole ? axes : undefined;
}

/**
 * The axes of a dataset, slowest first: as its dimension labels say, or `axistags` as vigra and ilastik write them, or as
 * is usual for so many.
 */
export function readAxes(
  rank: number,
  labels: readonly string[],
  { axistags = [] }: Attributes,
): readonly Axis[] {
  return parseAxes(labels.join(""), rank) ?? parseAxes(axisTags(axistags), rank) ??
    USUAL[rank];
}

function axisTags([text]: readonly (number | string)[]): string {
  try {
    const { axes } = JSON.parse(String(text));
    return Array.isArray(axes) ? axes.map((axis) => String(axis?.key)).join("") : "";
  } catch {
    return "";
  }
}

/** Attributes that hold the edges of a voxel, and their unit where no other one does. */
const EDGES: readonly (readonly [name: string, unit: LengthUnit])[] = [
  // Of Fiji's HDF5 plugins and ilastik.
  ["element_size_um", "micrometer"],
  // Of CREMI, FAFB and what is read by Janelia's tools.
  ["resolution", "nanometer"],
];

/** The edges of a voxel: one for every axis, or for every axis of space, slowest first. */
export function readVoxelSize(
  axes: readonly Axis[],
  attributes: Attributes,
): VoxelSize | undefined {
  for (const [name, usual] of EDGES) {
    const edges = attributes[name] ?? [];
    const space = axes.filter((axis) => axis === "x" || axis === "y" || axis === "z");
    // Sections of a stack may have all three.
    const named = [axes, space, ["z", "y", "x"]].find(({ length }) => length === edges.length);
    const edge = (axis: Axis) => Number(edges[named?.indexOf(axis) ?? -1]);
    const [x, y, z] = [edge("x"), edge("y"), edge("z")];
    if (!(isLength(x) && isLength(y))) continue;
    const said = name === "resolution" ? attributes.unit?.[0] ?? attributes.units?.[0] : undefined;
    const unit = (typeof said === "string" ? lengthUnit(said) : undefined) ?? usual;
    return { x, y, ...(isLength(z) ? { z } : {}), unit };
  }
  return undefined;
}

function isLength(edge: number): boolean {
  return edge > 0 && edge < Infinity;
}
