/**
 * Which tasks depend on which, by ranges: as `dependents()` of a plan, but never task by task.
 * @module
 */
import type { Box } from "../core/box.ts";
import { boxAtScale, cellBox, cellsOf } from "../core/layout.ts";
import { baseScale, countPhaseTasks, type Plan } from "../core/plan.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import { clipRanges, mergeRanges, type TaskRange } from "./_ranges.ts";

/** Every task of a later phase that depends on one of `tasks`, directly or through others. */
export function dependentRanges(plan: Plan, tasks: readonly TaskRange[]): TaskRange[] {
  const found: TaskRange[] = [];
  let reached: TaskRange[] = [];
  for (const [at, phase] of plan.phases.entries()) {
    const own = clipRanges(tasks, [phase.first, phase.first + countPhaseTasks(phase)]);
    reached = nextRanges(plan, at, mergeRanges([...own, ...reached]));
    found.push(...reached);
  }
  return mergeRanges(found);
}

/** The tasks of phase `at + 1` that read what some tasks of phase `at` write. */
function nextRanges(plan: Plan, at: number, tasks: readonly TaskRange[]): TaskRange[] {
  const [phase, next] = [plan.phases[at], plan.phases[at + 1]];
  if (next === undefined || tasks.length === 0) return [];
  if (next.kind === "finish" || phase.kind === "finish") return [[next.first, next.first + 1]];
  const [from, to] = [baseScale(phase), baseScale(next)];
  const { size } = plan.layout.scales[from];
  const ranges: TaskRange[] = [];
  for (const [first, end] of tasks) {
    for (const cells of cellBoxes(first - phase.first, end - phase.first, phase.counts)) {
      const voxels: Box = {
        min: cellBox(cells.min, phase.cell, size).min,
        max: cellBox(mapPoint(cells.max, (value) => value - 1), phase.cell, size).max,
      };
      const read = cellsOf(boxAtScale(plan.layout, voxels, from, to), next.cell);
      for (const [a, b] of cellRanges(read, next.counts)) {
        ranges.push([next.first + a, next.first + b]);
      }
    }
  }
  return mergeRanges(ranges);
}

/** A range of indices of a grid as at most nine boxes of cells. */
function* cellBoxes(
  first: number,
  end: number,
  counts: Point,
  axis = 4,
  above: Box = { min: [0, 0, 0, 0, 0], max: counts },
): Generator<Box> {
  if (first >= end) return;
  const stride = product(mapPoint(counts, (count, at) => at < axis ? count : 1));
  const narrowed = (low: number, high: number): Box => ({
    min: mapPoint(above.min, (value, at) => at === axis ? low : value),
    max: mapPoint(above.max, (value, at) => at === axis ? high : value),
  });
  // Whole layers of this axis; what is left before and after them lies in one layer each.
  const [low, high] = [Math.ceil(first / stride), Math.floor(end / stride)];
  if (low > high) {
    yield* cellBoxes(
      first - high * stride,
      end - high * stride,
      counts,
      axis - 1,
      narrowed(high, low),
    );
    return;
  }
  yield* cellBoxes(first - (low - 1) * stride, stride, counts, axis - 1, narrowed(low - 1, low));
  if (low < high) yield narrowed(low, high);
  yield* cellBoxes(0, end - high * stride, counts, axis - 1, narrowed(high, high + 1));
}

/** A box of cells as ranges of the indices of its grid. */
function* cellRanges({ min, max }: Box, counts: Point): Generator<TaskRange> {
  let axis = 0;
  let stride = 1;
  while (axis < 4 && min[axis] === 0 && max[axis] === counts[axis]) stride *= counts[axis++];
  yield* rows(4, 0);

  function* rows(at: number, base: number): Generator<TaskRange> {
    if (at === axis) {
      yield [base + min[at] * stride, base + max[at] * stride];
      return;
    }
    const step = product(mapPoint(counts, (count, lower) => lower < at ? count : 1));
    for (let i = min[at]; i < max[at]; i++) yield* rows(at - 1, base + i * step);
  }
}
