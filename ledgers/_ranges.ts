/**
 * Algebra on ranges of tasks: nothing here touches a database.
 * @module
 */

/** Where a task stands. */
export type TaskState = "waiting" | "leased" | "blocked" | "done" | "dead";

/** Tasks in a row, half-open. */
export type TaskRange = readonly [first: number, end: number];

/** One row of a ledger: tasks in a row, of one phase, of which all the same is known. */
export interface RangeRow {
  readonly first: number;
  readonly end: number;
  /** Position of the phase in the plan. */
  readonly phase: number;
  readonly state: TaskState;
  /** Attempts that failed. */
  readonly attempts: number;
  /** Workers that died or stalled while they held it. */
  readonly lapses: number;
  /** Fence of the lease that holds it; 0: none. */
  readonly fence: number;
  /** Why it is dead; empty: it is not. */
  readonly reason: string;
  /** When it died, milliseconds since 1970; 0: it is not dead. */
  readonly died: number;
}

/** The same tasks in another state, with nothing remembered. */
export function renew(row: RangeRow, state: TaskState): RangeRow {
  return { ...row, state, attempts: 0, lapses: 0, fence: 0, reason: "", died: 0 };
}

/** Ranges in ascending order, none touching the next. */
export function mergeRanges(ranges: readonly TaskRange[]): TaskRange[] {
  const merged: TaskRange[] = [];
  for (const range of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last === undefined || last[1] < range[0]) merged.push(range);
    else if (last[1] < range[1]) merged[merged.length - 1] = [last[0], range[1]];
  }
  return merged;
}

/** What of some ranges lies within another. */
export function clipRanges(ranges: readonly TaskRange[], [first, end]: TaskRange): TaskRange[] {
  return ranges
    .map(([a, b]): TaskRange => [Math.max(a, first), Math.min(b, end)])
    .filter(([a, b]) => a < b);
}

/** The ranges that some tasks make; each task once. */
export function rangesOf(tasks: readonly number[]): TaskRange[] {
  return mergeRanges(tasks.map((task): TaskRange => [task, task + 1]));
}

/** Whether a task lies in ranges that ascend and do not touch. */
export function holdsTask(ranges: readonly TaskRange[], task: number): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle][1] <= task) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low][0] <= task;
}

/** Tasks within a range that a lease holds, by its fence. */
export function countHeld(rows: readonly RangeRow[], [first, end]: TaskRange, fence: number) {
  return rows
    .filter((row) => row.fence === fence)
    .reduce(
      (sum, row) => sum + Math.max(0, Math.min(row.end, end) - Math.max(row.first, first)),
      0,
    );
}

/**
 * The rows after a change to the tasks of one range: split at its ends, merged where neighbours are alike.
 * @param rows Neighbouring rows in ascending order: those the range touches, and one to either side.
 * @param change What becomes of the part of each row that lies in the range.
 */
export function changeRows(
  rows: readonly RangeRow[],
  [first, end]: TaskRange,
  change: (row: RangeRow) => RangeRow,
): RangeRow[] {
  const changed: RangeRow[] = [];
  const push = (row: RangeRow) => {
    const last = changed.at(-1);
    if (last === undefined || last.end !== row.first || !isAlike(last, row)) changed.push(row);
    else changed[changed.length - 1] = { ...last, end: row.end };
  };
  for (const row of rows) {
    const [from, to] = [Math.max(row.first, first), Math.min(row.end, end)];
    if (from >= to) {
      push(row);
      continue;
    }
    if (row.first < from) push({ ...row, end: from });
    push(change({ ...row, first: from, end: to }));
    if (to < row.end) push({ ...row, first: to });
  }
  return changed;
}

/**
 * What makes `before` into `after`: rows to delete (by first task), rows of which only the end moved, and rows to
 * write whole.
 */
export function compareRows(
  before: readonly RangeRow[],
  after: readonly RangeRow[],
): { removed: number[]; moved: RangeRow[]; written: RangeRow[] } {
  const old = new Map(before.map((row) => [row.first, row]));
  const [moved, written]: [RangeRow[], RangeRow[]] = [[], []];
  for (const row of after) {
    const was = old.get(row.first);
    old.delete(row.first);
    if (was === undefined || !isAlike(was, row)) written.push(row);
    else if (was.end !== row.end) moved.push(row);
  }
  return { removed: [...old.keys()], moved, written };
}

function isAlike(a: RangeRow, b: RangeRow): boolean {
  return a.phase === b.phase && a.state === b.state &&
    a.attempts === b.attempts && a.lapses === b.lapses && a.fence === b.fence &&
    a.reason === b.reason && a.died === b.died;
}
