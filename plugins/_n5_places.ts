/**
 * Where the levels of an N5 volume lie and how large their voxels are, in the words of those who write them.
 *
 * Sources of the rules: the attributes of n5-viewer (`pixelResolution`, `scales`, `downsamplingFactors`), of Paintera
 * and Neuroglancer (`resolution`, `offset`, `units`) and of COSEM (`transform`, `multiscales`).
 */
import type { Axis, Point } from "../core/point.ts";
import type { VoxelSize } from "../core/units.ts";
import { axisNamed, ORIGIN, readOffset, readVoxelSize } from "./_array_axes.ts";
import { type ArrayDocument, isObject, numbersOf, textsOf } from "./_array_documents.ts";

/** Where a level lies. */
export interface N5Place {
  readonly voxelSize?: VoxelSize;
  readonly offset: Point;
}

/** What is said of a level beside its own attributes. */
export interface N5Around {
  /** Attributes of the group. */
  readonly group?: ArrayDocument;
  /** Voxels of the finest level that one voxel stands for, if the group lists them. */
  readonly factors?: readonly number[];
  /** What a list of levels in the group says of it. */
  readonly transform?: ArrayDocument;
}

interface Placed {
  /** Edges of a voxel, in the order of the dimensions. */
  readonly edges: readonly number[];
  readonly units: readonly unknown[];
  readonly translation?: readonly number[];
}

/** Finds the place of a level. @param axes The axis of each of its dimensions. */
export function readPlace(
  dataset: ArrayDocument,
  axes: readonly Axis[],
  around: N5Around,
): N5Place {
  const placed = readTransform(around.transform ?? dataset.object("transform"), axes) ??
    readResolution(dataset, axes.length, around);
  if (placed === undefined) return { offset: ORIGIN };
  const { edges, units, translation } = placed;
  const voxelSize = readVoxelSize(axes, edges, units);
  return {
    ...(voxelSize === undefined ? {} : { voxelSize }),
    offset: readOffset(axes, edges, translation),
  };
}

/** COSEM names the axes beside its numbers, in any order. */
function readTransform(
  transform: ArrayDocument | undefined,
  axes: readonly Axis[],
): Placed | undefined {
  const named = textsOf(transform?.value.axes)?.map(axisNamed);
  const { scale, translate, units } = transform?.value ?? {};
  const edges = numbersOf(scale, axes.length);
  const at = axes.map((axis) => named?.indexOf(axis) ?? -1);
  if (edges === undefined || at.includes(-1)) return undefined;
  const lengths = textsOf(units) ?? [];
  const shifts = numbersOf(translate, axes.length);
  return {
    edges: at.map((i) => edges[i]),
    units: at.map((i) => lengths[i]),
    translation: shifts && at.map((i) => shifts[i]),
  };
}

/** The others say how large a voxel of the finest level is, and how many of those one of this level stands for. */
function readResolution(
  dataset: ArrayDocument,
  count: number,
  { group, factors: listed }: N5Around,
): Placed | undefined {
  const own = numbersOf(dataset.value.downsamplingFactors, count);
  const factors = numbersOf(listed, count) ?? own ?? Array<number>(count).fill(1);
  for (const { value } of group === undefined ? [dataset] : [dataset, group]) {
    const { pixelResolution, resolution, units, offset } = value;
    const pixel = isObject(pixelResolution) ? pixelResolution : { dimensions: pixelResolution };
    const base = numbersOf(pixel.dimensions, count) ?? numbersOf(resolution, count);
    if (base === undefined) continue;
    // Without a unit these are nanometres where volumes are viewed, but nobody says so of a list of n5-viewer.
    const assumed = pixel.dimensions === undefined ? "nm" : undefined;
    const unit = typeof pixel.unit === "string" ? pixel.unit : assumed;
    return {
      edges: base.map((edge, i) => edge * factors[i]),
      units: textsOf(units) ?? Array<unknown>(count).fill(unit),
      translation: numbersOf(offset, count),
    };
  }
  return undefined;
}
