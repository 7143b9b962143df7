/**
 * A ledger that keeps every task by itself: slow, and plain enough to be right.
 * @module
 */
import { countPhaseTasks, countTasks, dependents, phaseOf, type Plan } from "../../core/plan.ts";
import type { PhaseStatus } from "../../ledgers/ledger.ts";

/** One task. */
export interface ModelTask {
  state: keyof PhaseStatus;
  attempts: number;
  lapses: number;
  /** Number of the lease that holds it, counted from 0; -1: none. */
  lease: number;
  reason: string;
  losses: number;
}

interface ModelLease {
  readonly first: number;
  readonly end: number;
  readonly seconds: number;
  expires: number;
  isOver: boolean;
}

/** What is asked in the name of a lease that is over is answered with the reason. */
export type Lost = { readonly lost: "expired" | "taken" | "cancelled" };

const lost = (reason: Lost["lost"]): Lost => ({ lost: reason });

/** A ledger of one job. Times in seconds. */
export class Model {
  readonly tasks: ModelTask[];
  readonly leases: ModelLease[] = [];
  cancelled = false;
  now = 0;

  constructor(readonly plan: Plan, readonly limits: { attempts: number; lapses: number }) {
    this.tasks = Array.from({ length: countTasks(plan) }, () => fresh("waiting"));
  }

  lease(most: number, seconds: number): { first: number; end: number } | "wait" | "done" {
    if (this.cancelled) return "done";
    for (const [at, lease] of this.leases.entries()) {
      if (!lease.isOver && lease.expires <= this.now) this.#lapse(at);
    }
    for (const [phase, { first }] of this.plan.phases.entries()) {
      const past = first + countPhaseTasks(this.plan.phases[phase]);
      let next = first;
      while (next < past && this.tasks[next].state !== "waiting") next++;
      if (next < past) {
        let end = next;
        while (end < past && end < next + most && this.tasks[end].state === "waiting") {
          Object.assign(this.tasks[end++], { state: "leased", lease: this.leases.length });
        }
        this.leases.push({
          first: next,
          end,
          seconds,
          expires: this.now + seconds,
          isOver: false,
        });
        return { first: next, end };
      }
      if (this.tasks.slice(first, past).some(({ state }) => state === "leased")) return "wait";
    }
    return "done";
  }

  check(at: number): Lost | "held" {
    const { first, end, expires, isOver } = this.leases[at];
    if (!isOver) return expires > this.now ? "held" : lost("expired");
    if (this.cancelled) return lost("cancelled");
    const isTaken = this.tasks.slice(first, end).some(({ state }) =>
      state === "leased" || state === "done"
    );
    return lost(isTaken ? "taken" : "expired");
  }

  extend(at: number): Lost | "held" {
    const answer = this.check(at);
    if (answer === "held") this.leases[at].expires = this.now + this.leases[at].seconds;
    return answer;
  }

  acknowledge(at: number, tasks: readonly number[], losses: number): Lost | "held" {
    const answer = this.check(at);
    if (answer !== "held") return answer;
    if (tasks.some((task) => this.tasks[task].lease !== at)) return lost("taken");
    for (const task of tasks) this.tasks[task] = { ...fresh("done"), losses };
    this.#endIfEmpty(at);
    return "held";
  }

  fail(at: number, index: number, reason: string): Lost | "held" {
    const answer = this.check(at);
    if (answer !== "held") return answer;
    const task = this.tasks[index];
    if (task.lease !== at) return lost("taken");
    task.attempts++;
    Object.assign(task, { state: "waiting", lease: -1 });
    if (task.attempts >= this.limits.attempts) this.#kill(index, reason);
    this.#endIfEmpty(at);
    return "held";
  }

  release(at: number): void {
    for (const task of this.tasks.filter(({ lease }) => lease === at)) {
      Object.assign(task, { state: "waiting", lease: -1 });
    }
    this.leases[at].isOver = true;
  }

  cancel(): void {
    this.cancelled = true;
    for (const at of this.leases.keys()) this.release(at);
  }

  retry(asked?: readonly number[]): number {
    this.cancelled = false;
    const waiting = () => this.tasks.filter(({ state }) => state === "waiting").length;
    const before = waiting();
    const indices = [...this.tasks.keys()];
    const back = new Set(asked ?? indices.filter((index) => this.tasks[index].state === "dead"));
    for (const index of [...back]) for (const above of this.above(index)) back.add(above);
    for (const index of back) {
      if (this.tasks[index].lease >= 0) this.release(this.tasks[index].lease);
    }
    for (const index of back) this.tasks[index] = fresh("waiting");
    for (const index of indices.filter((index) => this.tasks[index].state === "dead")) {
      for (const above of this.above(index)) this.tasks[above] = fresh("blocked");
    }
    return waiting() - before;
  }

  /** Every task that depends on one, directly or through others. */
  above(index: number): Set<number> {
    const found = new Set<number>();
    const open = [index];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      for (const [first, end] of dependents(this.plan, one)) {
        for (let task = first; task < end; task++) {
          if (!found.has(task)) open.push(task);
          found.add(task);
        }
      }
    }
    return found;
  }

  phases(): PhaseStatus[] {
    const sums = this.plan.phases.map(() => (
      { waiting: 0, leased: 0, blocked: 0, done: 0, dead: 0 }
    ));
    for (const [index, { state }] of this.tasks.entries()) sums[phaseOf(this.plan, index)][state]++;
    return sums;
  }

  #lapse(at: number): void {
    const held = [...this.tasks.keys()].filter((index) => this.tasks[index].lease === at);
    this.release(at);
    for (const index of held) {
      const lapses = ++this.tasks[index].lapses;
      if (lapses < this.limits.lapses) continue;
      this.#kill(index, `${lapses} workers died or stalled while they held it`);
    }
  }

  #kill(index: number, reason: string): void {
    Object.assign(this.tasks[index], { state: "dead", reason });
    for (const above of this.above(index)) this.tasks[above] = fresh("blocked");
  }

  #endIfEmpty(at: number): void {
    if (this.tasks.every(({ lease }) => lease !== at)) this.leases[at].isOver = true;
  }
}

function fresh(state: ModelTask["state"]): ModelTask {
  return { state, attempts: 0, lapses: 0, lease: -1, reason: "", losses: 0 };
}
