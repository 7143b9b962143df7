/**
 * How a volume is cut into scales, shards and chunks.
 * @module
 */
import { type Box, intersect } from "./box.ts";
import type { Dtype } from "./dtype.ts";
import { type Axis, mapPoint, type Point, product, unravel } from "./point.ts";

/** How the voxels of a chunk become bytes: plain data, so that any worker can encode with it. */
export type ChunkEncoding =
  & (
    | { readonly codec: "zstd"; readonly level: number }
    | { readonly codec: "gzip"; readonly level: number }
    | {
      readonly codec: "blosc";
      readonly cname: "zstd" | "lz4";
      readonly level: number;
      readonly shuffle: boolean;
    }
    | { readonly codec: "none" }
  )
  & {
    /** Whether a crc32c (four bytes, little-endian) closes the bytes of every chunk. */
    readonly crc32c: boolean;
  };

/** One level of the pyramid. Scale 0 is the finest. */
export interface ScaleLayout {
  /** Voxels along each axis at this scale. */
  readonly size: Point;
  /** Voxels of scale 0 that one voxel of this scale stands for, along each axis. */
  readonly factor: Point;
  /** Voxels of one chunk: the smallest box that is read. One along c and t. */
  readonly chunk: Point;
  /** Voxels of one shard: the smallest box that is written, whole chunks. Equal to `chunk` where chunks are files of their own. */
  readonly shard: Point;
}

/** Everything that decides which bytes a volume's voxels become. */
export interface Layout {
  /** Type of every voxel, at every scale. */
  readonly dtype: Dtype;
  /** Axes that the volume has, slowest first, such as `["z", "y", "x"]`. */
  readonly axes: readonly Axis[];
  /** The voxel for "nothing there". */
  readonly fill: number;
  /** How a coarser voxel is made from those under it. */
  readonly downsample: "mean" | "mode";
  /** How chunks become bytes. */
  readonly encoding: ChunkEncoding;
  /** The pyramid, finest first. */
  readonly scales: readonly ScaleLayout[];
}

/** One shard: what is written whole or not at all. */
export interface Unit {
  /** Level of the pyramid. */
  readonly scale: number;
  /** Position in the grid of shards of that scale. */
  readonly index: Point;
}

/** Cells of `cell` voxels that cover `size`. */
export function countCells(size: Point, cell: Point): Point {
  return mapPoint(size, (value, axis) => Math.ceil(value / cell[axis]));
}

/** The box of one cell of a grid, clipped to the size of what it covers. */
export function cellBox(index: Point, cell: Point, size: Point): Box {
  return {
    min: mapPoint(index, (value, axis) => value * cell[axis]),
    max: mapPoint(index, (value, axis) => Math.min((value + 1) * cell[axis], size[axis])),
  };
}

/** The half-open range of grid cells that a box touches, as a box of cells. */
export function cellsOf(of: Box, cell: Point): Box {
  return {
    min: mapPoint(of.min, (value, axis) => Math.floor(value / cell[axis])),
    max: mapPoint(of.max, (value, axis) => Math.ceil(value / cell[axis])),
  };
}

/** Every position in a box of cells, x running fastest. */
export function* eachCell({ min, max }: Box): Generator<Point> {
  const counts = mapPoint(max, (value, axis) => value - min[axis]);
  const total = product(counts);
  for (let i = 0; i < total; i++) {
    yield mapPoint(unravel(i, counts), (value, axis) => value + min[axis]);
  }
}

/** The voxels of a shard, clipped to its scale. */
export function unitBox(layout: Layout, { scale, index }: Unit): Box {
  const { shard, size } = layout.scales[scale];
  return cellBox(index, shard, size);
}

/** The box, at scale `to`, of the voxels made from `of` at scale `from`: extents round up. */
export function boxAtScale(layout: Layout, of: Box, from: number, to: number): Box {
  const [a, b] = [layout.scales[from].factor, layout.scales[to].factor];
  const box = {
    min: mapPoint(of.min, (value, axis) => Math.floor(value * a[axis] / b[axis])),
    max: mapPoint(of.max, (value, axis) => Math.ceil(value * a[axis] / b[axis])),
  };
  return intersect(box, { min: [0, 0, 0, 0, 0], max: layout.scales[to].size }) ?? box;
}

/** The units of one scale that a box touches. */
export function* unitsOf(layout: Layout, scale: number, of: Box): Generator<Unit> {
  for (const index of eachCell(cellsOf(of, layout.scales[scale].shard))) yield { scale, index };
}

/** The name of a unit in receipts and messages: `scale/t.c.z.y.x`. */
export function unitName({ scale, index }: Unit): string {
  return `${scale}/${[...index].reverse().join(".")}`;
}

/** The unit that {@linkcode unitName} named. */
export function parseUnit(name: string): Unit {
  const [scale, index] = name.split("/");
  const [t, c, z, y, x] = index.split(".").map(Number);
  return { scale: Number(scale), index: [x, y, z, c, t] };
}
