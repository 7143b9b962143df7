/**
 * Which tasks the receipts of another ledger prove done.
 * @module
 */
import { countPhaseTasks, countTasks, dependents, type Plan } from "../core/plan.ts";
import { dependentRanges } from "./_dependents.ts";
import { holdsTask, mergeRanges, rangesOf, type TaskRange } from "./_ranges.ts";
import type { DoneTask } from "./ledger.ts";

/**
 * The tasks that need not be done again, by number: of each the highest fence, and none that was done before
 * something it depends on was. A task is leased only after all that it depends on is done, so its fence is the
 * higher one; where it is not, `retry` put the task back and nobody came to redo it.
 * @throws {RangeError} If a task is not of the plan.
 */
export function provenDone(plan: Plan, done: Iterable<DoneTask>): Map<number, DoneTask> {
  const proven = new Map<number, DoneTask>();
  const count = countTasks(plan);
  for (const one of done) {
    if (!Number.isInteger(one.task) || one.task < 0 || one.task >= count) {
      throw new RangeError(
        `Cannot count task ${one.task} as done: the plan has ${count} tasks, counted from 0`,
      );
    }
    if ((one.fence ?? 0) >= (proven.get(one.task)?.fence ?? 0)) proven.set(one.task, one);
  }
  for (const phase of plan.phases) {
    const [first, end] = [phase.first, phase.first + countPhaseTasks(phase)];
    const own = [...proven.values()].filter(({ task }) => first <= task && task < end);
    const open = dependentRanges(plan, gaps(rangesOf(own.map(({ task }) => task)), [first, end]));
    for (const task of proven.keys()) if (holdsTask(open, task)) proven.delete(task);
    for (const { task, fence } of own) {
      if (fence === undefined) continue;
      for (const [from, to] of dependents(plan, task)) {
        for (let above = from; above < to; above++) {
          if ((proven.get(above)?.fence ?? Infinity) <= fence) proven.delete(above);
        }
      }
    }
  }
  return proven;
}

/** What of a range lies in none of some others. */
function gaps(ranges: readonly TaskRange[], [first, end]: TaskRange): TaskRange[] {
  const open: TaskRange[] = [];
  let from = first;
  for (const [a, b] of mergeRanges(ranges)) {
    if (from < a) open.push([from, a]);
    from = b;
  }
  if (from < end) open.push([from, end]);
  return open;
}
