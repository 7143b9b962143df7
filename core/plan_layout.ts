/**
 * Chooses scales, chunks and shards of a volume, and cuts the work into phases of tasks.
 *
 * Every rule here depends on what is written alone, never on the machine: the same inputs give the same plan.
 * @module
 */
import { type Dtype, VOXEL_BYTES } from "./dtype.ts";
import { UsageError } from "./errors.ts";
import { leastCommonMultiple } from "./integers.ts";
import { type ChunkEncoding, countCells, type Layout, type ScaleLayout } from "./layout.ts";
import { countPhaseTasks, type Phase } from "./plan.ts";
import { type Axis, mapPoint, type Point, product } from "./point.ts";
import type { VoxelSize } from "./units.ts";

/** Lengths along x, y and z. */
export type Sides = readonly [x: number, y: number, z: number];

/** What a layout is chosen for. */
export interface PlanLayoutOptions {
  /** Voxels of the volume. */
  readonly size: Point;
  /** Type of the voxels. */
  readonly dtype: Dtype;
  /** Axes of the volume, slowest first. */
  readonly axes: readonly Axis[];
  /** Images are averaged, labels are not. */
  readonly kind: "image" | "labels";
  /** Edge lengths of a voxel. @default Equal edges. */
  readonly voxelSize?: VoxelSize;
  /** How chunks become bytes. */
  readonly encoding: ChunkEncoding;
  /** Voxels of a chunk along x, y and z. @default See {@linkcode chooseChunk}. */
  readonly chunk?: readonly [x: number, y: number, z: number];
  /** Voxels of a shard along x, y and z; `none`: chunks are files of their own. */
  readonly shard?: readonly [x: number, y: number, z: number] | "none";
  /** Voxels of a shard of a scale, where the format allows some shapes only; `shard` is then what is wished for. */
  readonly shapeShard?: (size: Point, chunk: Sides, wished: Sides) => Sides;
  /** Whether a chunk holds all channels. @default false */
  readonly joinsChannels?: boolean;
  /** Scales, the finest included. @default Until the longest side is at most 256. */
  readonly levels?: number;
  /** Samples of one image: channels that are decoded together. */
  readonly samples: number;
  /** Boxes that the source stores its voxels in, along x, y and z. @default Whole sections */
  readonly blocks?: readonly [x: number, y: number, z: number];
}

/** Tasks that a plan aims at where the data allow. */
export const WANTED_TASKS = 64;
/** The longest side at which the pyramid stops. */
const COARSEST = 256;
/** Voxels of a default chunk: 64 cubed. */
const CHUNK_VOXELS = 2 ** 18;
/** Voxels of a default shard; it grows while a scale has more than {@linkcode MANY_SHARDS}. */
const SHARD_VOXELS = 2 ** 24;
const MANY_SHARDS = 2 ** 16;
const LARGEST_SHARD = 2 ** 28;
/** Bytes of one row of chunks above which a task is not made deeper to save a later phase. */
const DEEP_BAND = 64 << 20;

/**
 * The default chunk, along x, y and z: 2^18 voxels, as near to a cube in nanometres as powers of two allow. That is
 * 64 x 64 x 64 for equal edges, and flatter the longer voxels are along z: 128 x 128 x 16 for 4 x 4 x 40 nm. A single
 * section gets 512 x 512 x 1. No side is longer than the next power of two above the volume's.
 * @example Serial sections
 * ```ts
 * import { chooseChunk } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(chooseChunk([2048, 2048, 500, 1, 1], { x: 4, y: 4, z: 40, unit: "nanometer" }), [128, 128, 16]);
 * ```
 */
export function chooseChunk(size: Point, voxelSize?: VoxelSize): [x: number, y: number, z: number] {
  const edge = voxelSize === undefined ? 1 : (voxelSize.x + voxelSize.y) / 2;
  const ratio = voxelSize?.z === undefined ? 1 : voxelSize.z / edge;
  const flat = size[2] === 1
    ? 3
    : Math.round(Math.log2(Math.cbrt(Math.max(1 / 64, Math.min(64, ratio)))));
  const side = 2 ** (6 + flat);
  const deep = CHUNK_VOXELS / (side * side);
  const within = (length: number, most: number) =>
    Math.min(most, 2 ** Math.ceil(Math.log2(length)));
  return [within(size[0], side), within(size[1], side), within(size[2], deep)];
}

/**
 * Along which axes the next scale is half: those whose voxel edge is at most 1.5 times the shortest, so that voxels
 * become cubes; never an axis of one voxel.
 */
function nextFactor(size: Point, edges: readonly [number, number, number]): Point {
  const long = ([0, 1, 2] as const).filter((axis) => size[axis] > 1);
  const shortest = Math.min(...long.map((axis) => edges[axis]));
  return mapPoint(
    size,
    (length, axis) => axis < 3 && length > 1 && edges[axis as 0 | 1 | 2] <= 1.5 * shortest ? 2 : 1,
  );
}

/** Sizes and factors of every scale. */
export function planScales(
  size: Point,
  voxelSize: VoxelSize | undefined,
  levels: number | undefined,
): { size: Point; factor: Point }[] {
  const edges = voxelSize === undefined
    ? [1, 1, 1]
    : [voxelSize.x, voxelSize.y, voxelSize.z ?? voxelSize.x];
  const scales = [{ size, factor: [1, 1, 1, 1, 1] as Point }];
  while (
    levels === undefined
      ? Math.max(...scales.at(-1)!.size.slice(0, 3)) > COARSEST
      : scales.length < levels
  ) {
    const last = scales.at(-1)!;
    const step = nextFactor(
      last.size,
      [edges[0] * last.factor[0], edges[1] * last.factor[1], edges[2] * last.factor[2]],
    );
    if (product(step) === 1) break;
    scales.push({
      size: mapPoint(last.size, (value, axis) => Math.ceil(value / step[axis])),
      factor: mapPoint(last.factor, (value, axis) => value * step[axis]),
    });
  }
  return scales;
}

/**
 * Chooses the layout and cuts the job into phases.
 * @throws {UsageError} If a shard is not whole chunks, or a size is no positive integer.
 * @example Serial sections: z is not halved before x and y have caught up
 * ```ts
 * import { parseVoxelSize, planLayout } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const { layout, phases } = planLayout({
 *   size: [1000, 512, 20, 1, 1],
 *   dtype: "uint8",
 *   axes: ["z", "y", "x"],
 *   kind: "image",
 *   voxelSize: parseVoxelSize("4x4x40nm"),
 *   encoding: { codec: "zstd", level: 3, crc32c: true },
 *   samples: 1,
 * });
 * deepEqual(layout.scales.map(({ size }) => size.slice(0, 3)), [[1000, 512, 20], [500, 256, 20], [250, 128, 20]]);
 * deepEqual(phases.map(({ kind }) => kind), ["source", "finish"]);
 * ```
 */
export function planLayout(options: PlanLayoutOptions): { layout: Layout; phases: Phase[] } {
  const { size, dtype, axes, kind, voxelSize, encoding, levels } = options;
  if (!size.every((side) => Number.isSafeInteger(side) && side > 0)) {
    throw new UsageError(
      `Cannot cut a volume of ${size.join("x")} voxels: every side must be a positive integer`,
    );
  }
  const wished = options.chunk ?? chooseChunk(size, voxelSize);
  check("chunk", wished);
  if (levels !== undefined && !(Number.isInteger(levels) && levels > 0)) {
    throw new UsageError(`Cannot use --levels ${levels}: give 1 for no pyramid, or more`);
  }
  const shapes = planScales(size, voxelSize, levels);
  const wishedShard = options.shard === "none"
    ? wished
    : options.shard ?? chooseShard(size, wished);
  check("shard", wishedShard);
  wishedShard.forEach((value, axis) => {
    if (value % wished[axis] !== 0) {
      throw new UsageError(
        `Cannot cut shards of ${wishedShard.join("x")} voxels into chunks of ${
          wished.join("x")
        }: every side of --shard must be a multiple of that of --chunk`,
      );
    }
  });
  // Where there is no z, the metadata has no word for how deep a chunk is.
  const deep = (sides: Sides): Sides => axes.includes("z") ? sides : [sides[0], sides[1], 1];
  const [chunk, shard] = [deep(wished), deep(wishedShard)];
  const channels = options.joinsChannels ? size[3] : 1;
  const { shapeShard = (_size, _chunk, wished) => wished } = options;
  const scales = shapes.map((shape): ScaleLayout => {
    const sides = shapeShard(shape.size, chunk, shard);
    const within = (axis: 0 | 1 | 2) =>
      Math.min(sides[axis], Math.ceil(shape.size[axis] / chunk[axis]) * chunk[axis]);
    return {
      ...shape,
      chunk: [chunk[0], chunk[1], chunk[2], channels, 1],
      shard: [within(0), within(1), within(2), channels, 1],
    };
  });
  const layout: Layout = {
    dtype,
    axes,
    fill: 0,
    downsample: kind === "labels" ? "mode" : "mean",
    encoding,
    scales,
  };
  const samples = Math.max(options.samples, channels);
  return { layout, phases: planPhases(layout, samples, options.blocks) };
}

function check(name: string, sides: readonly number[]): void {
  if (sides.length !== 3 || !sides.every((side) => Number.isInteger(side) && side > 0)) {
    throw new UsageError(
      `Cannot use --${name} ${
        sides.join("x")
      }: give x, y and z as positive integers, such as 64x64x64`,
    );
  }
}

/** Eight chunks along x and y, one deep; wider where a volume would have too many files. */
function chooseShard(size: Point, chunk: readonly number[]): [x: number, y: number, z: number] {
  const flat = SHARD_VOXELS / (chunk[0] * chunk[1] * chunk[2]);
  let side = Math.max(1, 2 ** Math.floor(Math.log2(Math.sqrt(flat))));
  const count = () => product(countCells(size, [chunk[0] * side, chunk[1] * side, chunk[2], 1, 1]));
  while (
    count() > MANY_SHARDS && 4 * side * side * chunk[0] * chunk[1] * chunk[2] <= LARGEST_SHARD
  ) side *= 2;
  return [chunk[0] * side, chunk[1] * side, chunk[2]];
}

/**
 * A task reads every voxel of some sections, as many as the shards are deep; or, where the voxels do not come as
 * sections or a row of chunks would be large, a box of whole shards, and of whole blocks of the source if they fit.
 * It is larger by powers of two where that lets it finish scales which would need a neighbour otherwise, as long as
 * enough tasks are left and a row of chunks stays small. What needs a neighbour still is made by later phases from
 * the scale stored last.
 */
function planPhases(layout: Layout, samples: number, blocks?: Sides): Phase[] {
  const phases: Phase[] = [];
  let first = 0;
  let made = -1;
  while (made < layout.scales.length - 1) {
    const base = Math.max(0, made);
    const { size, chunk, shard: [x, y, z], factor } = layout.scales[base];
    const shard: Sides = [x, y, z];
    const band = ([x, , z]: Sides) =>
      x * chunk[1] * Math.min(size[2], z) * samples * VOXEL_BYTES[layout.dtype];
    const sections: Sides = [size[0], size[1], shard[2]];
    const isCut = blocks !== undefined || (made >= 0 && band(sections) > DEEP_BAND);
    const least = isCut ? cutAlong(shard, made < 0 ? blocks : undefined) : sections;
    const grows = factor.map((value, axis) =>
      layout.scales.slice(base + 1).some((next) =>
        next.factor[axis] > value || next.shard[axis] > shard[axis]
      )
    );
    const sides = (doublings: number): Sides => {
      const side = (axis: number) => least[axis] * (grows[axis] ? 2 ** doublings : 1);
      return [Math.min(size[0], side(0)), Math.min(size[1], side(1)), side(2)];
    };
    const cell = (doublings: number): Point =>
      [...sides(doublings), samples, 1] as unknown as Point;
    const tasks = (doublings: number) => product(countCells(size, cell(doublings)));
    const end = (doublings: number) => reach(layout, base, sides(doublings));
    let doublings = 0;
    if (made >= 0) { while (end(doublings) === base) doublings++; }
    while (
      sides(doublings).some((side, axis) => side < size[axis]) &&
      tasks(doublings + 1) >= WANTED_TASKS && band(sides(doublings + 1)) <= DEEP_BAND &&
      end(doublings + 1) > end(doublings)
    ) doublings++;
    const last = end(doublings);
    const makes = Array.from({ length: last - made }, (_, i) => made + 1 + i);
    const part = { first, counts: countCells(size, cell(doublings)), cell: cell(doublings), makes };
    phases.push(
      made < 0 ? { kind: "source", ...part } : { kind: "scales", ...part, reads: base },
    );
    first += countPhaseTasks(phases.at(-1)!);
    made = last;
  }
  phases.push({ kind: "finish", first, counts: [1, 1, 1, 1, 1] });
  return phases;
}

/** The least box of whole shards that holds whole blocks, if it is not much larger than either. */
function cutAlong(shard: Sides, blocks: Sides = shard): Sides {
  const side = (axis: number) => {
    const both = leastCommonMultiple(shard[axis], blocks[axis]);
    return both <= 4 * Math.max(shard[axis], blocks[axis])
      ? both
      : shard[axis] * Math.ceil(blocks[axis] / shard[axis]);
  };
  return [side(0), side(1), side(2)];
}

/** The coarsest scale that tasks of such boxes finish without a neighbour: they own whole shards of it. */
function reach(layout: Layout, base: number, sides: Sides): number {
  const from = layout.scales[base];
  const owns = (scale: number) => {
    const { factor, shard } = layout.scales[scale];
    return sides.every((side, axis) => {
      const own = side / (factor[axis] / from.factor[axis]);
      return side >= from.size[axis] || Number.isInteger(own / shard[axis]);
    });
  };
  let scale = base;
  while (scale + 1 < layout.scales.length && owns(scale + 1)) scale++;
  return scale;
}
