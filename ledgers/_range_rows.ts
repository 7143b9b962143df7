/**
 * The rows of ranges in a database: read around some tasks, changed, written back.
 * @module
 */
import type { Plan } from "../core/plan.ts";
import { dependentRanges } from "./_dependents.ts";
import {
  changeRows,
  compareRows,
  type RangeRow,
  renew,
  type TaskRange,
  type TaskState,
} from "./_ranges.ts";
import { command, query, type Steps } from "./_steps.ts";

const COLUMNS = `first_task AS "first", end_task AS "end", phase, state, attempts, lapses, fence,
  reason, died`;

/** The rows that a range touches, and the neighbours that they might merge with. */
export function rowsAround(job: number, [first, end]: TaskRange): Steps<RangeRow[]> {
  return query<RangeRow>(
    `SELECT ${COLUMNS} FROM task_range WHERE job = ? AND first_task <= ? AND first_task >= coalesce(
       (SELECT max(first_task) FROM task_range WHERE job = ? AND first_task < ?), 0)
     ORDER BY first_task`,
    job,
    end,
    job,
    first,
  );
}

/** The lowest row in a state. */
export function* lowestRow(job: number, state: TaskState): Steps<RangeRow | undefined> {
  const [row] = yield* query<RangeRow>(
    `SELECT ${COLUMNS} FROM task_range WHERE job = ? AND state = ? ORDER BY first_task LIMIT 1`,
    job,
    state,
  );
  return row;
}

/** The rows in a state, in ascending order, from the one that ends after `after`. */
export function rowsInState(
  job: number,
  state: TaskState,
  after = -1,
  limit = Number.MAX_SAFE_INTEGER,
): Steps<RangeRow[]> {
  return query<RangeRow>(
    `SELECT ${COLUMNS} FROM task_range WHERE job = ? AND state = ? AND end_task > ?
     ORDER BY first_task LIMIT ?`,
    job,
    state,
    after + 1,
    limit,
  );
}

/** Writes one row, over the one that begins with the same task. */
export function writeRow(job: number, row: RangeRow): Steps<void> {
  return command(
    `INSERT INTO task_range
       (job, first_task, end_task, phase, state, attempts, lapses, fence, reason, died)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (job, first_task) DO UPDATE SET end_task = excluded.end_task,
       phase = excluded.phase, state = excluded.state, attempts = excluded.attempts,
       lapses = excluded.lapses, fence = excluded.fence, reason = excluded.reason,
       died = excluded.died`,
    job,
    row.first,
    row.end,
    row.phase,
    row.state,
    row.attempts,
    row.lapses,
    row.fence,
    row.reason,
    row.died,
  );
}

/** Counts the losses of a task that is done now, and was not. */
export function writeLosses(job: number, task: number, losses: number): Steps<void> {
  return command("INSERT INTO loss (job, task, losses) VALUES (?, ?, ?)", job, task, losses);
}

/** Changes the tasks of a range whose rows were read by {@linkcode rowsAround}; returns the rows as they are now. */
export function* changeReadRows(
  job: number,
  before: readonly RangeRow[],
  range: TaskRange,
  change: (row: RangeRow) => RangeRow,
): Steps<RangeRow[]> {
  const after = changeRows(before, range, change);
  const { removed, moved, written } = compareRows(before, after);
  for (const first of removed) {
    yield* command("DELETE FROM task_range WHERE job = ? AND first_task = ?", job, first);
  }
  // By far the most frequent, and it leaves the index alone.
  for (const { first, end } of moved) {
    yield* command(
      "UPDATE task_range SET end_task = ? WHERE job = ? AND first_task = ?",
      end,
      job,
      first,
    );
  }
  for (const row of written) yield* writeRow(job, row);
  return after;
}

/** Reads the rows around a range and changes its tasks. */
export function* changeTasks(
  job: number,
  range: TaskRange,
  change: (row: RangeRow) => RangeRow,
): Steps<RangeRow[]> {
  return yield* changeReadRows(job, yield* rowsAround(job, range), range, change);
}

/** Blocks every task above some dead letters. */
export function* blockAbove(job: number, plan: Plan, dead: readonly TaskRange[]): Steps<void> {
  for (const range of dependentRanges(plan, dead)) {
    yield* changeTasks(job, range, (row) => row.state === "waiting" ? renew(row, "blocked") : row);
  }
}
