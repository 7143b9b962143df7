/**
 * What a worker does with a lease, as transactions.
 * @module
 */
import { LeaseLostError, messageOf } from "../core/errors.ts";
import type { Lease, LeaseId, Plan } from "../core/plan.ts";
import type { Receipt } from "../core/receipt.ts";
import {
  blockAbove,
  changeReadRows,
  changeTasks,
  lowestRow,
  rowsAround,
  writeLosses,
} from "./_range_rows.ts";
import { countHeld, type RangeRow, rangesOf, renew, type TaskRange } from "./_ranges.ts";
import { call, command, query, type Steps } from "./_steps.ts";
import { LedgerError } from "./ledger.ts";

const LONGEST_REASON = 2000;

/** How often a task may go wrong before it is a dead letter. */
export interface Limits {
  readonly attempts: number;
  readonly lapses: number;
}

/** Who asks for how many tasks, for how long. */
export interface Asked {
  readonly worker: string;
  readonly slot: string;
  readonly tasks: number;
  readonly milliseconds: number;
}

/** A job, as far as it never changes. */
export interface JobRecord {
  readonly job: number;
  readonly plan: Plan;
  /** Folder of the receipts; empty: none. */
  readonly receipts: string;
}

interface LeaseRow {
  readonly fence: number;
  readonly first: number;
  readonly end: number;
  readonly slot: string;
  readonly expires: number;
}

const LEASE_COLUMNS = `fence, first_task AS "first", end_task AS "end", slot, expires`;

/** Leases tasks, after those that nobody works on any more were given back. */
export function* grantLease(
  { job, plan }: JobRecord,
  asked: Asked,
  gone: readonly string[],
  now: number,
  limits: Limits,
): Steps<Lease | "wait" | "done"> {
  const [{ cancelled }] = yield* query<{ cancelled: number }>(
    "SELECT cancelled FROM job WHERE job = ?",
    job,
  );
  if (cancelled === 1) return "done";
  for (const lease of yield* lapsedLeases(job, gone, now)) {
    yield* lapseLease(job, plan, lease, now, limits);
  }
  const [next, held] = [yield* lowestRow(job, "waiting"), yield* lowestRow(job, "leased")];
  if (held !== undefined && (next === undefined || held.phase < next.phase)) return "wait";
  if (next === undefined) return "done";

  const rows = yield* rowsAround(job, [next.first, next.first + asked.tasks]);
  const { first, phase } = next;
  let end = first;
  for (const row of rows) {
    if (row.first !== end || row.state !== "waiting" || row.phase !== phase) continue;
    end = Math.min(row.end, first + asked.tasks);
  }
  const [{ fence }] = yield* query<{ fence: number }>(
    "UPDATE job SET fence = fence + 1 WHERE job = ? RETURNING fence",
    job,
  );
  yield* changeReadRows(job, rows, [first, end], (row) => ({ ...row, state: "leased", fence }));
  yield* command(
    `INSERT INTO lease
       (job, fence, first_task, end_task, worker, slot, since, expires, milliseconds)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    job,
    fence,
    first,
    end,
    asked.worker,
    asked.slot,
    now,
    now + asked.milliseconds,
    asked.milliseconds,
  );
  return { id: `${job}/${fence}` as LeaseId, job, fence, first, end };
}

/** The processes that hold leases of a job. */
export function* leaseSlots(job: number): Steps<string[]> {
  const rows = yield* query<{ slot: string }>(
    "SELECT DISTINCT slot FROM lease WHERE job = ? AND slot <> ''",
    job,
  );
  return rows.map(({ slot }) => slot);
}

/** Throws if a lease is over. */
export function* checkLease(lease: Lease, act: string, now: number): Steps<LeaseRow> {
  const [row] = yield* query<LeaseRow>(
    `SELECT ${LEASE_COLUMNS} FROM lease WHERE job = ? AND fence = ?`,
    lease.job,
    lease.fence,
  );
  if (row !== undefined && row.expires > now) return row;
  throw leaseLost(lease, act, row === undefined ? yield* whyLost(lease) : "expired");
}

/** Moves the expiry on. */
export function* extendLease(lease: Lease, now: number): Steps<void> {
  yield* checkLease(lease, "extend", now);
  yield* command(
    "UPDATE lease SET expires = ? + milliseconds WHERE job = ? AND fence = ?",
    now,
    lease.job,
    lease.fence,
  );
}

/** Marks tasks done; `append` keeps their receipts before the transaction is committed. */
export function* acknowledgeTasks(
  lease: Lease,
  receipts: readonly Receipt[],
  now: number,
  append: () => unknown,
): Steps<void> {
  yield* checkLease(lease, "acknowledge tasks of", now);
  if (receipts.length === 0) return;
  let rows: RangeRow[] = [];
  for (const range of rangesOf(receipts.map(({ task }) => task))) {
    const before = yield* heldRows(lease, range, "acknowledge tasks of");
    rows = yield* changeReadRows(lease.job, before, range, (row) => renew(row, "done"));
  }
  for (const { task, losses } of receipts) {
    if (losses.length > 0) yield* writeLosses(lease.job, task, losses.length);
  }
  yield* command("UPDATE job SET last_done = ? WHERE job = ?", now, lease.job);
  yield* endIfEmpty(lease, rows);
  yield* call(append);
}

/** Uses one attempt of one task. */
export function* failTask(
  { job, plan }: JobRecord,
  lease: Lease,
  task: number,
  error: Error,
  now: number,
  limits: Limits,
): Steps<void> {
  yield* checkLease(lease, "fail a task of", now);
  const range: TaskRange = [task, task + 1];
  let died = false;
  const before = yield* heldRows(lease, range, "fail a task of");
  const rows = yield* changeReadRows(job, before, range, (row) => {
    const attempts = row.attempts + 1;
    died = attempts >= limits.attempts;
    if (!died) return { ...row, state: "waiting", fence: 0, attempts };
    const reason = messageOf(error).slice(0, LONGEST_REASON);
    return { ...row, state: "dead", fence: 0, attempts, reason, died: now };
  });
  if (died) yield* blockAbove(job, plan, [range]);
  yield* endIfEmpty(lease, rows);
}

/** Gives back what is left of a lease, if it is not over. */
export function* releaseLease({ job, fence }: Pick<Lease, "job" | "fence">): Steps<void> {
  const [row] = yield* query<LeaseRow>(
    `SELECT ${LEASE_COLUMNS} FROM lease WHERE job = ? AND fence = ?`,
    job,
    fence,
  );
  if (row === undefined) return;
  yield* changeTasks(
    job,
    [row.first, row.end],
    (tasks) => tasks.fence === fence ? { ...tasks, state: "waiting", fence: 0 } : tasks,
  );
  yield* endLease(job, fence);
}

function* lapsedLeases(job: number, gone: readonly string[], now: number): Steps<LeaseRow[]> {
  const [every, dead] = [gone.length > 0, new Set(gone)];
  const rows = yield* query<LeaseRow>(
    `SELECT ${LEASE_COLUMNS} FROM lease WHERE job = ? AND expires <= ?`,
    job,
    every ? Number.MAX_SAFE_INTEGER : now,
  );
  return rows.filter((row) => row.expires <= now || dead.has(row.slot));
}

/** Gives back a lease whose worker died or stalled. */
function* lapseLease(
  job: number,
  plan: Plan,
  { fence, first, end }: LeaseRow,
  now: number,
  limits: Limits,
): Steps<void> {
  const dead: TaskRange[] = [];
  yield* changeTasks(job, [first, end], (row) => {
    if (row.fence !== fence) return row;
    const lapses = row.lapses + 1;
    if (lapses < limits.lapses) return { ...row, state: "waiting", fence: 0, lapses };
    dead.push([row.first, row.end]);
    const reason = `${lapses} workers died or stalled while they held it`;
    return { ...row, state: "dead", fence: 0, lapses, reason, died: now };
  });
  if (dead.length > 0) yield* blockAbove(job, plan, dead);
  yield* endLease(job, fence);
}

/** The rows around tasks that a lease must hold. */
function* heldRows(lease: Lease, range: TaskRange, act: string): Steps<RangeRow[]> {
  const rows = yield* rowsAround(lease.job, range);
  if (countHeld(rows, range, lease.fence) === range[1] - range[0]) return rows;
  throw leaseLost(lease, act, "taken");
}

/** Ends a lease that holds no task any more. `rows`: what was just changed of it. */
function* endIfEmpty({ job, fence, first, end }: Lease, rows: readonly RangeRow[]): Steps<void> {
  if (rows.some((row) => row.fence === fence)) return;
  const [left] = yield* query<{ first: number }>(
    `SELECT first_task AS "first" FROM task_range
     WHERE job = ? AND first_task >= ? AND first_task < ? AND fence = ? LIMIT 1`,
    job,
    first,
    end,
    fence,
  );
  if (left !== undefined) return;
  yield* endLease(job, fence);
  // Shortcuts leave ranges apart where a lease begins and ends, as long as it lasts.
  yield* changeTasks(job, [first, end], (row) => row);
}

function endLease(job: number, fence: number): Steps<void> {
  return command("DELETE FROM lease WHERE job = ? AND fence = ?", job, fence);
}

function* whyLost({ job, first, end }: Lease): Steps<LeaseLostError["reason"]> {
  const [state] = yield* query<{ cancelled: number }>(
    "SELECT cancelled FROM job WHERE job = ?",
    job,
  );
  if (state === undefined) throw noSuchJob(job);
  if (state.cancelled === 1) return "cancelled";
  const rows = yield* rowsAround(job, [first, end]);
  const isTaken = rows.some((row) =>
    row.first < end && row.end > first && (row.state === "leased" || row.state === "done")
  );
  return isTaken ? "taken" : "expired";
}

/** There is no job of that number. */
export function noSuchJob(job: number): LedgerError {
  return new LedgerError(
    `Cannot find job ${job} in this ledger: it has none of that number; list them with "sluice jobs", or name another ledger with --ledger`,
    "no-such-job",
  );
}

function leaseLost(
  { id, job, first, end }: Lease,
  act: string,
  reason: LeaseLostError["reason"],
): LeaseLostError {
  const state = {
    expired:
      'it expired, or "retry" took it; lease the tasks again, with more leaseSeconds or an earlier extend',
    taken: "its tasks are done, or someone else's by now; leave them, or lease others",
    cancelled: 'the job was cancelled; "retry" reopens it',
  }[reason];
  return new LeaseLostError(
    `Cannot ${act} lease "${id}" (tasks ${first} to ${
      end - 1
    } of job ${job}) as its holder: ${state}`,
    reason,
  );
}
