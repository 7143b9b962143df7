/**
 * How a volume is cut into scales, shards and chunks.
 * @module
 */
import { type Box, intersect } from "./box.ts";
import type { Dtype } from "./dtype.ts";
import { type Axis, mapPoint, type Point, product, unravel } from "./point.ts";

/** The encodings of a precomputed volume. */
export type PrecomputedForm =
  | { readonly codec: "raw" }
  | { readonly codec: "jpeg"; readonly quality: number }
  | { readonly codec: "png"; readonly level: number }
  | {
    readonly codec: "compressed_segmentation";
    readonly blockSize: readonly [x: number, y: number, z: number];
  };

/** How the voxels of a chunk become bytes: plain data, so that any worker can open it with {@linkcode openChunkCodec}. */
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
    | {
      /** Chunks of a Neuroglancer precomputed volume: cut off at the far edges, and stored even where all is fill value. */
      readonly codec: "precomputed";
      readonly form: PrecomputedForm;
      /** Level of the gzip around each chunk. @default No gzip */
      readonly gzip?: number;
    }
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
  /** Voxels of one chunk: the smallest box that is read. One along t, and along c unless the format keeps channels together. */
  readonly chunk: Point;
  /** Voxels of one shard: the smallest box that is written, whole chunks. Equal to `chunk` where chunks are files of their own. */
  readonly shard: Point;
}

/** Everything that decides which bytes a volume's voxels become. {@linkcode planLayout} chooses one. */
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

/**
 * Cells of `cell` voxels that cover `size`.
 * @example Chunks of a volume; a partial one counts
 * ```ts
 * import { countCells } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(countCells([1000, 512, 20, 1, 1], [512, 512, 16, 1, 1]), [2, 1, 2, 1, 1]);
 * ```
 */
export function countCells(size: Point, cell: Point): Point {
  return mapPoint(size, (value, axis) => Math.ceil(value / cell[axis]));
}

/**
 * The box of one cell of a grid, clipped to the size of what it covers.
 * @example The last chunk ends where the volume does
 * ```ts
 * import { box, cellBox } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const [chunk, size] = [[512, 512, 16, 1, 1], [1000, 512, 20, 1, 1]] as const;
 * deepEqual(cellBox([1, 0, 1, 0, 0], chunk, size), box([512, 0, 16], [1000, 512, 20]));
 * ```
 */
export function cellBox(index: Point, cell: Point, size: Point): Box {
  return {
    min: mapPoint(index, (value, axis) => value * cell[axis]),
    max: mapPoint(index, (value, axis) => Math.min((value + 1) * cell[axis], size[axis])),
  };
}

/**
 * The half-open range of grid cells that a box touches, as a box of cells.
 * @example Chunks that must be read for a box
 * ```ts
 * import { box, cellsOf } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(cellsOf(box([500, 9, 0], [520, 19, 1]), [512, 512, 16, 1, 1]), box([0, 0, 0], [2, 1, 1]));
 * ```
 */
export function cellsOf(of: Box, cell: Point): Box {
  return {
    min: mapPoint(of.min, (value, axis) => Math.floor(value / cell[axis])),
    max: mapPoint(of.max, (value, axis) => Math.ceil(value / cell[axis])),
  };
}

/**
 * Every position in a box of cells, x running fastest.
 * @example The chunks of a box, one by one
 * ```ts
 * import { box, cellsOf, eachCell } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const cells = cellsOf(box([500, 9, 0], [520, 19, 1]), [512, 512, 16, 1, 1]);
 * deepEqual([...eachCell(cells)], [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]);
 * ```
 */
export function* eachCell({ min, max }: Box): Generator<Point> {
  const counts = mapPoint(max, (value, axis) => value - min[axis]);
  const total = product(counts);
  for (let i = 0; i < total; i++) {
    yield mapPoint(unravel(i, counts), (value, axis) => value + min[axis]);
  }
}

/**
 * The voxels of a shard, clipped to its scale.
 * @example The voxels of one file of a volume
 * ```ts
 * import { box, planLayout, unitBox } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [1000, 512, 20, 1, 1], dtype: "uint8", axes: ["z", "y", "x"], kind: "image", samples: 1,
 *   shard: [512, 512, 64], encoding: { codec: "none", crc32c: false },
 * });
 * deepEqual(unitBox(layout, { scale: 0, index: [1, 0, 0, 0, 0] }), box([512, 0, 0], [1000, 512, 20]));
 * ```
 */
export function unitBox(layout: Layout, { scale, index }: Unit): Box {
  const { shard, size } = layout.scales[scale];
  return cellBox(index, shard, size);
}

/**
 * The box, at scale `to`, of the voxels made from `of` at scale `from`: extents round up.
 * @example Where a box lies at half the resolution
 * ```ts
 * import { box, boxAtScale, planLayout } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [1000, 512, 20, 1, 1], dtype: "uint8", axes: ["z", "y", "x"], kind: "image", samples: 1,
 *   encoding: { codec: "none", crc32c: false },
 * });
 * deepEqual(boxAtScale(layout, box([3, 0, 2], [9, 5, 3]), 0, 1), box([1, 0, 1], [5, 3, 2]));
 * ```
 */
export function boxAtScale(layout: Layout, of: Box, from: number, to: number): Box {
  const [a, b] = [layout.scales[from].factor, layout.scales[to].factor];
  const box = {
    min: mapPoint(of.min, (value, axis) => Math.floor(value * a[axis] / b[axis])),
    max: mapPoint(of.max, (value, axis) => Math.ceil(value * a[axis] / b[axis])),
  };
  return intersect(box, { min: [0, 0, 0, 0, 0], max: layout.scales[to].size }) ?? box;
}

/**
 * The units of one scale that a box touches.
 * @example Files that hold voxels of a box
 * ```ts
 * import { box, planLayout, unitName, unitsOf } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [1000, 512, 20, 1, 1], dtype: "uint8", axes: ["z", "y", "x"], kind: "image", samples: 1,
 *   shard: [512, 512, 64], encoding: { codec: "none", crc32c: false },
 * });
 * const units = [...unitsOf(layout, 0, box([500, 9, 0], [520, 19, 1]))];
 * deepEqual(units.map(unitName), ["0/0.0.0.0.0", "0/0.0.0.0.1"]);
 * ```
 */
export function* unitsOf(layout: Layout, scale: number, of: Box): Generator<Unit> {
  for (const index of eachCell(cellsOf(of, layout.scales[scale].shard))) yield { scale, index };
}

/**
 * The name of a unit in receipts and messages: `scale/t.c.z.y.x`.
 * @example The third shard along x of the finest scale
 * ```ts
 * import { unitName } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(unitName({ scale: 0, index: [2, 0, 5, 0, 0] }), "0/0.0.5.0.2");
 * ```
 */
export function unitName({ scale, index }: Unit): string {
  return `${scale}/${[...index].reverse().join(".")}`;
}

/**
 * The unit that {@linkcode unitName} named.
 * @example From a receipt back to the grid
 * ```ts
 * import { parseUnit } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(parseUnit("0/0.0.5.0.2"), { scale: 0, index: [2, 0, 5, 0, 0] });
 * ```
 */
export function parseUnit(name: string): Unit {
  const [scale, index] = name.split("/");
  const [t, c, z, y, x] = index.split(".").map(Number);
  return { scale: Number(scale), index: [x, y, z, c, t] };
}
