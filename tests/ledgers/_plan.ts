/**
 * Plans of any number of tasks, for jobs that read nothing.
 * @module
 */
import { countCells, type ScaleLayout } from "../../core/layout.ts";
import { countPhaseTasks, type Phase, type Plan } from "../../core/plan.ts";
import { mapPoint, type Point } from "../../core/point.ts";
import type { Receipt } from "../../core/receipt.ts";

/** What a plan is to look like. */
export interface PlanShape {
  /** Tasks of the first phase along x, y and z. */
  readonly tasks: readonly [x: number, y: number, z: number];
  /** Phases that read a stored scale, each half as long along every axis as the one before. @default 0 */
  readonly coarser?: number;
  /** Edge of a task of the first phase, in voxels; with 4 tasks nest in those above, with 6 they straddle. @default 4 */
  readonly cell?: 4 | 6;
}

/** A plan that holds together: far edges are ragged, and the last phase is `finish`. */
export function makePlan({ tasks, coarser = 0, cell = 4 }: PlanShape): Plan {
  const size: Point = [tasks[0] * cell - 1, tasks[1] * cell - 2, tasks[2] * cell - 3, 1, 1];
  const scales = Array.from({ length: coarser + 2 }, (_, scale): ScaleLayout => {
    const factor: Point = [2 ** scale, 2 ** scale, 2 ** scale, 1, 1];
    return {
      size: countCells(size, factor),
      factor,
      chunk: [1, 1, 1, 1, 1],
      shard: [1, 1, 1, 1, 1],
    };
  });
  const cube = (edge: number): Point => [edge, edge, edge, 1, 1];
  const phases: Phase[] = [
    { kind: "source", first: 0, cell: cube(cell), counts: [...tasks, 1, 1], makes: [0, 1] },
  ];
  const follow = () => phases[phases.length - 1].first + countPhaseTasks(phases[phases.length - 1]);
  for (let reads = 1; reads <= coarser; reads++) {
    const counts = countCells(scales[reads].size, cube(4));
    phases.push({
      kind: "scales",
      first: follow(),
      cell: cube(4),
      counts,
      reads,
      makes: [reads + 1],
    });
  }
  phases.push({ kind: "finish", first: follow(), counts: mapPoint(size, () => 1) });
  return {
    format: "sluice-plan",
    formatVersion: 1,
    id: "00".repeat(32),
    versions: { sluice: "0.1.0" },
    source: {
      kind: "images",
      list: "11".repeat(32),
      images: size[2],
      crop: { min: [0, 0, 0, 0, 0], max: size },
    },
    store: { kind: "ome-zarr", zarr: "0.5" },
    kind: "image",
    policies: { missing: "error", onError: "error" },
    layout: {
      dtype: "uint8",
      axes: ["z", "y", "x"],
      fill: 0,
      downsample: "mean",
      encoding: { codec: "none", crc32c: false },
      scales,
    },
    phases,
  };
}

/** A receipt with something in it. */
export function makeReceipt(task: number, fence: number, losses = 0): Receipt {
  return {
    task,
    fence,
    units: [{
      unit: `0/0.0.0.0.${task}`,
      bytes: 100 + task,
      crc: 0xdeadbeef,
      voxels: task,
      min: 0,
      max: 255,
    }],
    losses: Array.from({ length: losses }, (_, i) => ({
      image: `section_${task}_${i}.png`,
      kind: "missing",
      box: { min: [0, 0, task, 0, 0], max: [7, 5, task + 1, 1, 1] },
      reason: "There is no such file",
    })),
    sources: task * 3,
  };
}
