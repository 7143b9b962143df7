/**
 * What one asks of a whole job, as transactions.
 * @module
 */
import { countPhaseTasks, countTasks, type Plan } from "../core/plan.ts";
import { dependentRanges } from "./_dependents.ts";
import { type JobRecord, releaseLease } from "./_lease_steps.ts";
import { changeTasks, rowsInState, writeLosses, writeRow } from "./_range_rows.ts";
import {
  clipRanges,
  mergeRanges,
  rangesOf,
  renew,
  type TaskRange,
  type TaskState,
} from "./_ranges.ts";
import { command, query, type Steps } from "./_steps.ts";
import type {
  CreateOptions,
  DeadLetter,
  DoneTask,
  HeldLease,
  JobState,
  JobStatus,
  JobSummary,
  PhaseStatus,
} from "./ledger.ts";

/** Adds a job, of which some tasks are done already; returns its number. */
export function* createJob(
  plan: Plan,
  { target, receipts = "" }: CreateOptions,
  done: ReadonlyMap<number, DoneTask>,
  now: number,
): Steps<number> {
  // Fences count on from the microsecond of creation: in a folder of receipts that outlives its ledger, those of a
  // later job win.
  let fence = now * 1000;
  for (const one of done.values()) fence = Math.max(fence, one.fence ?? 0);
  const [{ job }] = yield* query<{ job: number }>(
    `INSERT INTO job (plan_id, target, receipts, created, tasks, fence, cancelled, last_done)
     VALUES (?, ?, ?, ?, ?, ?, 0, 0) RETURNING job`,
    plan.id,
    target,
    receipts,
    now,
    countTasks(plan),
    fence,
  );
  yield* command("INSERT INTO job_plan (job, plan) VALUES (?, ?)", job, JSON.stringify(plan));
  for (const [at, phase] of plan.phases.entries()) {
    const tasks = countPhaseTasks(phase);
    if (tasks === 0) continue;
    yield* writeRow(job, {
      first: phase.first,
      end: phase.first + tasks,
      phase: at,
      state: "waiting",
      attempts: 0,
      lapses: 0,
      fence: 0,
      reason: "",
      died: 0,
    });
  }
  for (const range of rangesOf([...done.keys()])) {
    yield* changeTasks(job, range, (row) => renew(row, "done"));
  }
  for (const { task, losses } of done.values()) {
    if (losses > 0) yield* writeLosses(job, task, losses);
  }
  return job;
}

/** What never changes of a job. */
export function* readJob(job: number): Steps<JobRecord | undefined> {
  const [row] = yield* query<{ plan: string; receipts: string }>(
    "SELECT plan, receipts FROM job_plan JOIN job ON job.job = job_plan.job WHERE job.job = ?",
    job,
  );
  return row === undefined
    ? undefined
    : { job, plan: JSON.parse(row.plan), receipts: row.receipts };
}

interface SummaryRow {
  readonly job: number;
  readonly planId: string;
  readonly target: string;
  readonly created: number;
  readonly tasks: number;
  readonly cancelled: number;
  readonly lastDone: number;
  readonly done: number;
  readonly open: number;
}

/** Jobs below a number, newest first. */
export function* listJobs(below: number, limit: number): Steps<JobSummary[]> {
  return (yield* summaryRows("job < ?", below, limit)).map(summaryOf);
}

function summaryRows(where: string, value: number, limit: number): Steps<SummaryRow[]> {
  return query<SummaryRow>(
    `SELECT job, plan_id AS "planId", target, created, tasks, cancelled, last_done AS "lastDone",
       (SELECT coalesce(sum(end_task - first_task), 0) FROM task_range
        WHERE task_range.job = job.job AND state = 'done') AS done,
       (SELECT count(*) FROM (SELECT 1 FROM task_range
        WHERE task_range.job = job.job AND state IN ('waiting', 'leased') LIMIT 1) AS found) AS open
     FROM job WHERE ${where} ORDER BY job DESC LIMIT ?`,
    value,
    limit,
  );
}

function summaryOf(row: SummaryRow): JobSummary {
  const { job, planId, target, created, tasks, done } = row;
  return { job, planId, target, state: stateOf(row), created, tasks, done };
}

function stateOf({ tasks, done, cancelled, open }: SummaryRow): JobState {
  if (done === tasks) return "done";
  if (cancelled === 1) return "cancelled";
  return open === 1 ? "active" : "failed";
}

/** How a job stands, from sums over its rows. */
export function* readStatus({ job, plan }: JobRecord): Steps<JobStatus> {
  const [row] = yield* summaryRows("job = ?", job, 1);
  const sums = yield* query<{ phase: number; state: TaskState; tasks: number }>(
    `SELECT phase, state, sum(end_task - first_task) AS tasks FROM task_range
     WHERE job = ? GROUP BY phase, state`,
    job,
  );
  const phases = plan.phases.map((_, at): PhaseStatus => {
    const count = (state: TaskState) =>
      sums.find((sum) => sum.phase === at && sum.state === state)?.tasks ?? 0;
    return {
      waiting: count("waiting"),
      leased: count("leased"),
      blocked: count("blocked"),
      done: count("done"),
      dead: count("dead"),
    };
  });
  const leases = yield* query<HeldLease>(
    `SELECT worker, first_task AS "first", end_task AS "end", since, expires FROM lease
     WHERE job = ? ORDER BY first_task`,
    job,
  );
  const [{ losses }] = yield* query<{ losses: number }>(
    "SELECT coalesce(sum(losses), 0) AS losses FROM loss WHERE job = ?",
    job,
  );
  return {
    ...summaryOf(row),
    phases,
    leases: leases.map((lease) => ({ ...lease })),
    losses,
    deadLetters: phases.reduce((sum, { dead }) => sum + dead, 0),
    ...(row.lastDone === 0 ? {} : { lastDone: row.lastDone }),
  };
}

/** Dead letters after a task, in ascending order. */
export function* listDeadLetters(job: number, after: number, limit: number): Steps<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (const row of yield* rowsInState(job, "dead", after, limit)) {
    for (let task = Math.max(row.first, after + 1); task < row.end; task++) {
      if (letters.length === limit) return letters;
      letters.push({ task, attempts: row.attempts, reason: row.reason, when: row.died });
    }
  }
  return letters;
}

/** The tasks of a job in a state. */
export function* rangesInState(job: number, state: TaskState): Steps<TaskRange[]> {
  const rows = yield* rowsInState(job, state);
  return mergeRanges(rows.map((row): TaskRange => [row.first, row.end]));
}

/** Puts tasks back with all that depends on them; returns how many more wait now. */
export function* retryTasks(
  { job, plan }: JobRecord,
  tasks: readonly TaskRange[] | undefined,
): Steps<number> {
  yield* command("UPDATE job SET cancelled = 0 WHERE job = ?", job);
  const before = yield* countWaiting(job);
  const asked = tasks ?? (yield* rangesInState(job, "dead"));
  const back = mergeRanges([...asked, ...dependentRanges(plan, asked)]);
  for (const fence of yield* fencesWithin(job, back)) yield* releaseLease({ job, fence });
  for (const range of back) {
    yield* changeTasks(job, range, (row) => renew(row, "waiting"));
    yield* command("DELETE FROM loss WHERE job = ? AND task >= ? AND task < ?", job, ...range);
  }
  const blocked = dependentRanges(plan, yield* rangesInState(job, "dead"));
  for (const range of back.flatMap((one) => clipRanges(blocked, one))) {
    yield* changeTasks(job, range, (row) => renew(row, "blocked"));
  }
  return (yield* countWaiting(job)) - before;
}

/** Ends a job: nothing is leased any more. */
export function* cancelJob(job: number): Steps<void> {
  yield* command("UPDATE job SET cancelled = 1 WHERE job = ?", job);
  const leases = yield* query<{ fence: number }>("SELECT fence FROM lease WHERE job = ?", job);
  for (const { fence } of leases) yield* releaseLease({ job, fence });
}

function* countWaiting(job: number): Steps<number> {
  const [{ tasks }] = yield* query<{ tasks: number }>(
    `SELECT coalesce(sum(end_task - first_task), 0) AS tasks FROM task_range
     WHERE job = ? AND state = 'waiting'`,
    job,
  );
  return tasks;
}

/** The leases that hold a task of some ranges, now. */
function* fencesWithin(job: number, ranges: readonly TaskRange[]): Steps<Set<number>> {
  const rows = yield* rowsInState(job, "leased");
  return new Set(
    rows.filter((row) => clipRanges(ranges, [row.first, row.end]).length > 0)
      .map((row) => row.fence),
  );
}
