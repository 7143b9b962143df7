/**
 * What a job will do, decided from headers alone; tasks as integers counted over its phases.
 * @module
 */
import type { Box } from "./box.ts";
import { SluiceError } from "./errors.ts";
import {
  boxAtScale,
  cellBox,
  cellsOf,
  eachCell,
  type Layout,
  type Unit,
  unitsOf,
} from "./layout.ts";
import { type Point, product, ravel, unravel } from "./point.ts";
import type { VoxelSize } from "./units.ts";

/** One stretch of tasks; a phase begins when the one before it is done. */
export type Phase =
  & {
    /** Index of its first task. */
    readonly first: number;
    /** Tasks along each axis. */
    readonly counts: Point;
  }
  & (
    | {
      /** Reads the source, writes scale 0 and the coarser scales that need no neighbour. */
      readonly kind: "source";
      /** Voxels of one task, at scale 0. */
      readonly cell: Point;
      readonly makes: readonly number[];
    }
    | {
      /** Reads a stored scale, writes coarser ones. */
      readonly kind: "scales";
      readonly reads: number;
      /** Voxels of one task, at the scale it reads. */
      readonly cell: Point;
      readonly makes: readonly number[];
    }
    | {
      /** One task at the end: metadata, contrast, the mark "complete". */
      readonly kind: "finish";
    }
  );

/** What happens where an image is absent or cannot be decoded. */
export interface Policies {
  /** `error`: the job does not start. `fill`: those voxels become the fill value and count as lost. */
  readonly missing: "error" | "fill";
  /** `error`: the task fails. `fill`: the voxels of that image become the fill value and count as lost. */
  readonly onError: "error" | "fill";
  /** Values of the source from `low` to `high` are spread over the dtype of the volume; absent: kept as they are. */
  readonly window?: readonly [low: number, high: number];
}

/** Which chunks of a precomputed volume share a file, as its `info` says it. */
export interface ShardingBits {
  /** Bits of a chunk's number that do not matter for where it goes. */
  readonly preshift: number;
  /** Bits of the number of a minishard. */
  readonly minishard: number;
  /** Bits of the number of a shard. */
  readonly shard: number;
}

/** What is written beside a volume from the same voxels: another format of the same scales, chunks and shards. */
export interface PlannedCopy {
  /** As `id` of a plan, for the copy alone. */
  readonly id: string;
  /** What is written. */
  readonly store: Plan["store"];
  /** How its chunks become bytes; all else is as in the plan. */
  readonly encoding: Layout["encoding"];
}

/** The plan of a copy, as its volume carries it: it is verified by itself. */
export function copyPlan({ copies: _, ...plan }: Plan, copy: PlannedCopy): Plan {
  const { id, store, encoding } = copy;
  return { ...plan, id, store, layout: { ...plan.layout, encoding } };
}

/** What is written, never how far it got. A few kB whatever the size of the volume. {@linkcode planIngest} makes it. */
export interface Plan {
  /** Tells a plan from other JSON. */
  readonly format: "sluice-plan";
  /** Rises when an older sluice could not read the plan. */
  readonly formatVersion: 1;
  /** SHA-256 of everything below that decides what is written. */
  readonly id: string;
  /** Programs whose versions decide the bytes: a worker of another version does not join. */
  readonly versions: Readonly<Record<string, string>>;
  /** What is read. */
  readonly source:
    & {
      /** The box of the source, in its own voxels, that becomes the volume. */
      readonly crop: Box;
    }
    & (
      | {
        /** Images, which are listed beside the plan. */
        readonly kind: "images";
        /** SHA-256 of that list. */
        readonly list: string;
        /** Images in it. */
        readonly images: number;
      }
      | {
        /** Voxels that a script brings. */
        readonly kind: "array";
        /** Says which. */
        readonly name: string;
      }
    );
  /** What is written. */
  readonly store:
    | { readonly kind: "ome-zarr"; readonly zarr: "0.5" | "0.4" }
    | {
      readonly kind: "precomputed";
      /** Bits that say which chunks share a file, of each scale; absent: each chunk is a file. */
      readonly sharding?: readonly ShardingBits[];
    }
    /** The finest level of a channel of a Boss. */
    | { readonly kind: "bossdb" };
  /** Where voxel 0 of the volume lies, in voxels of scale 0. @default Where the crop begins */
  readonly origin?: Point;
  /** Intensities, or numbers that name things and are never averaged. */
  readonly kind: "image" | "labels";
  /** Edge lengths of a voxel of scale 0; absent where nobody said. */
  readonly voxelSize?: VoxelSize;
  /** What happens where an image is absent or broken. */
  readonly policies: Policies;
  /** How the volume is cut. */
  readonly layout: Layout;
  /** How the work is cut; `finish` comes last. */
  readonly phases: readonly Phase[];
  /** Volumes that are written in the same pass. */
  readonly copies?: readonly PlannedCopy[];
}

/** Tells lease ids from other strings, in types only. */
export declare const leaseBrand: unique symbol;
/** Names a lease the ledger granted; only a ledger makes one. */
export type LeaseId = string & { readonly [leaseBrand]: "LeaseId" };

/** The right to do some tasks until a time. */
export interface Lease {
  /** Its name in the ledger. */
  readonly id: LeaseId;
  /** The job its tasks belong to. */
  readonly job: number;
  /** Grows with every lease of a job: of two receipts for one task the higher fence counts. */
  readonly fence: number;
  /** First task. */
  readonly first: number;
  /** One past the last task. */
  readonly end: number;
}

/** The smallest part of a job that is retried; it owns whole units of the store. */
export interface Task {
  /** Its number, counted over all phases. */
  readonly index: number;
  /** Position of its phase in the plan. */
  readonly phase: number;
  /** What it reads: the source, a stored scale, or nothing more as all is done but the metadata. */
  readonly kind: Phase["kind"];
  /** The scale that `box` counts in: 0 for the source. */
  readonly scale: number;
  /** Voxels it reads; none for `finish`. */
  readonly box: Box;
  /** Scales it writes, finest first. */
  readonly makes: readonly number[];
  /** The right it is worked on under. */
  readonly lease: Lease;
  /** What an outside queue sent with it. */
  readonly payload?: unknown;
}

/** Tasks of one phase. */
export function countPhaseTasks(phase: Phase): number {
  return product(phase.counts);
}

/**
 * Tasks of a plan, over all its phases.
 * @example Tasks of a layout that nobody has planned a job for
 * ```ts
 * import { countTasks, planLayout } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const { phases } = planLayout({
 *   size: [1000, 512, 20, 1, 1],
 *   dtype: "uint8",
 *   axes: ["z", "y", "x"],
 *   kind: "image",
 *   encoding: { codec: "none", crc32c: false },
 *   shard: [512, 512, 64],
 *   samples: 1,
 * });
 * equal(countTasks({ phases }), 2);
 * ```
 */
export function countTasks(plan: { readonly phases: readonly Phase[] }): number {
  const last = plan.phases.at(-1);
  return last === undefined ? 0 : last.first + countPhaseTasks(last);
}

/**
 * The position, in the plan, of the phase that a task belongs to.
 * @example The last task writes the metadata
 * ```ts
 * import { countTasks, phaseOf, planLayout } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const plan = planLayout({
 *   size: [1000, 512, 20, 1, 1], dtype: "uint8", axes: ["z", "y", "x"], kind: "image", samples: 1,
 *   encoding: { codec: "none", crc32c: false },
 * });
 * equal(plan.phases[phaseOf(plan, countTasks(plan) - 1)].kind, "finish");
 * ```
 */
export function phaseOf(plan: { readonly phases: readonly Phase[] }, index: number): number {
  const found = plan.phases.findIndex((phase) =>
    index >= phase.first && index < phase.first + countPhaseTasks(phase)
  );
  if (found < 0) {
    throw new SluiceError(
      `Cannot find task ${index} in the plan: it has ${countTasks(plan)} tasks, counted from 0`,
    );
  }
  return found;
}

/** The scale whose voxels a phase reads: 0 for the source. */
export function baseScale(phase: Phase): number {
  return phase.kind === "scales" ? phase.reads : 0;
}

/**
 * The task with a number, as the holder of `lease`.
 * @example A queue of one's own hands out numbers of tasks
 * ```ts
 * import { encodePng, type LeaseId, planIngest, planTask } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/${z}.png`, section);
 * const { plan } = await planIngest([folder], { chunk: [4, 4, 1], levels: 1 });
 * const lease = { id: "17" as LeaseId, job: 1, fence: 0, first: 1, end: 2 };
 * deepEqual(planTask(plan, 1, lease).box, { min: [0, 0, 1, 0, 0], max: [7, 5, 2, 1, 1] });
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function planTask(plan: Plan, index: number, lease: Lease): Task {
  const at = phaseOf(plan, index);
  const phase = plan.phases[at];
  return {
    index,
    phase: at,
    kind: phase.kind,
    scale: baseScale(phase),
    box: taskBox(plan, index),
    makes: phase.kind === "finish" ? [] : phase.makes,
    lease,
  };
}

/**
 * The voxels that a task reads; for `finish`, none.
 * @example Sections of each task
 * ```ts
 * import { encodePng, planIngest, taskBox } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/${z}.png`, section);
 * const { plan } = await planIngest([folder], { chunk: [4, 4, 2], levels: 1 });
 * deepEqual([0, 1].map((task) => taskBox(plan, task).min[2]), [0, 2]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function taskBox(plan: Plan, index: number): Box {
  const phase = plan.phases[phaseOf(plan, index)];
  if (phase.kind === "finish") return { min: [0, 0, 0, 0, 0], max: [0, 0, 0, 0, 0] };
  const { size } = plan.layout.scales[baseScale(phase)];
  return cellBox(unravel(index - phase.first, phase.counts), phase.cell, size);
}

/**
 * Every unit that a task owns, finest scale first. No two tasks own the same.
 * @example Files that a task writes
 * ```ts
 * import { encodePng, planIngest, taskUnits, unitName } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/${z}.png`, section);
 * const { plan } = await planIngest([folder], { chunk: [4, 4, 1], shard: [4, 8, 1], levels: 1 });
 * deepEqual([...taskUnits(plan, 2)].map(unitName), ["0/0.0.2.0.0", "0/0.0.2.0.1"]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function* taskUnits(plan: Plan, index: number): Generator<Unit> {
  const phase = plan.phases[phaseOf(plan, index)];
  if (phase.kind === "finish") return;
  const box = taskBox(plan, index);
  for (const scale of phase.makes) {
    yield* unitsOf(plan.layout, scale, boxAtScale(plan.layout, box, baseScale(phase), scale));
  }
}

/**
 * The tasks of the next phase that read what a task wrote, as half-open ranges of indices in ascending order.
 * Empty for `finish`.
 * @example Two sections make one of the next scale
 * ```ts
 * import { dependents, encodePng, planIngest } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/${z}.png`, section);
 * const { plan } = await planIngest([folder], { chunk: [4, 4, 1], levels: 2 });
 * deepEqual([0, 1, 2].map((task) => dependents(plan, task)), [[[3, 4]], [[3, 4]], [[4, 5]]]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function dependents(plan: Plan, index: number): [first: number, end: number][] {
  const at = phaseOf(plan, index);
  const [phase, next] = [plan.phases[at], plan.phases[at + 1]];
  if (next === undefined) return [];
  if (next.kind === "finish") return [[next.first, next.first + 1]];
  const read = boxAtScale(plan.layout, taskBox(plan, index), baseScale(phase), baseScale(next));
  return mergeIndices(
    [...eachCell(cellsOf(read, next.cell))].map((cell) => next.first + ravel(cell, next.counts)),
  );
}

/** The tasks of a phase whose boxes touch `of`, given at the scale the phase reads, as half-open ranges. */
export function tasksTouching(
  plan: Plan,
  phaseAt: number,
  of: Box,
): [first: number, end: number][] {
  const phase = plan.phases[phaseAt];
  if (phase.kind === "finish") return [[phase.first, phase.first + 1]];
  return mergeIndices(
    [...eachCell(cellsOf(of, phase.cell))].map((cell) => phase.first + ravel(cell, phase.counts)),
  );
}

function mergeIndices(indices: number[]): [first: number, end: number][] {
  const ranges: [number, number][] = [];
  for (const index of indices.sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === index) last[1] = index + 1;
    else ranges.push([index, index + 1]);
  }
  return ranges;
}
