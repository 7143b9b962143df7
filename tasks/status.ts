/**
 * How a job stands, from its ledger; or from the receipts in the volume where no ledger counts it.
 * @module
 */
import { formatBox } from "../core/box.ts";
import { countPhaseTasks, countTasks, phaseOf, type Plan, taskBox } from "../core/plan.ts";
import type { Loss, Receipt } from "../core/receipt.ts";
import type { DeadLetter, HeldLease, JobState, PhaseStatus } from "../ledgers/ledger.ts";
import { redactUrl } from "../ledgers/open_ledger.ts";
import { JobFolder } from "../stores/job_folder.ts";
import { type FindJobOptions, type FoundJob, lookUpJob, type UncountedVolume } from "./find_job.ts";

/** One phase, with what it does. */
export interface PhaseReport extends PhaseStatus {
  /** What it reads. */
  readonly kind: "source" | "scales" | "finish";
  /** Scales that it writes. */
  readonly makes: readonly number[];
  /** All of its tasks. */
  readonly tasks: number;
}

/** A dead letter, with the voxels it left out. */
export interface DeadReport extends DeadLetter {
  /** Such as `x 0:512 y 0:512 z 32:48`, in voxels of the scale that its phase reads. */
  readonly box: string;
}

/** All that is known of a job. */
export interface StatusReport {
  /** Path of the volume. */
  readonly volume: string;
  /** `id` of the plan. */
  readonly plan: string;
  /** Absent where no ledger counts the volume. */
  readonly job?: number;
  /** Without password. */
  readonly ledger?: string;
  /** Why no ledger counts it. */
  readonly uncounted?: string;
  /** `unfinished`: no ledger counts it, and receipts are missing. */
  readonly state: JobState | "unfinished";
  /** Tasks of all phases. */
  readonly tasks: number;
  /** Tasks that are done. */
  readonly done: number;
  /** In the order of the plan. */
  readonly phases: readonly PhaseReport[];
  /** Who works on what. */
  readonly leases: readonly HeldLease[];
  /** At most 20 of them, in the order of z. */
  readonly losses: readonly Loss[];
  /** All of them. */
  readonly lossCount: number;
  /** At most 20 of them. */
  readonly dead: readonly DeadReport[];
  /** All of them. */
  readonly deadCount: number;
  /** When the job was created, in milliseconds since 1970. */
  readonly created?: number;
  /** When the last task was done, in milliseconds since 1970. */
  readonly lastDone?: number;
}

/** Losses and dead letters that are named; the rest is counted. */
export const MOST_NAMED = 20;

/**
 * Says how a job stands; changes nothing.
 * @param name The number of a job, or the path of its volume.
 * @throws {UsageError} If there is no such volume.
 * @throws {LedgerError} If there is no job of that number.
 * @example A job that nobody has joined yet
 * ```ts
 * import { createJob, encodePng, jobStatus, openLedger, planIngest } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * await Deno.writeFile(`${folder}/s_0.png`, section);
 * const ledgerUrl = `sqlite:${folder}/jobs.db`;
 * await using ledger = await openLedger(ledgerUrl);
 * const report = await planIngest([`${folder}/*.png`]);
 * const { volume } = await createJob(report, `${folder}/out.ome.zarr`, { ledger, ledgerUrl });
 * const { state, tasks, done } = await jobStatus(volume);
 * deepEqual([state, tasks, done], ["active", 2, 0]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function jobStatus(
  name: string,
  options: FindJobOptions = {},
): Promise<StatusReport> {
  const found = await lookUpJob(name, options);
  if (!("ledger" in found)) return await fromReceipts(found);
  await using job = found;
  return await fromLedger(job);
}

async function fromLedger({ job, ledger, ledgerUrl, volume }: FoundJob): Promise<StatusReport> {
  const [status, plan] = [await ledger.status(job), await ledger.plan(job)];
  const dead = status.deadLetters === 0 ? [] : await ledger.deadLetters(job, { limit: MOST_NAMED });
  const losses = status.losses === 0 ? [] : (await gatherLosses(ledger.receipts(job))).named;
  return {
    volume,
    plan: plan.id,
    job,
    ledger: redactUrl(ledgerUrl),
    state: status.state,
    tasks: status.tasks,
    done: status.done,
    phases: status.phases.map((phase, at) => ({ ...describePhase(plan, at), ...phase })),
    leases: status.leases,
    losses,
    lossCount: status.losses,
    dead: dead.map((letter) => ({ ...letter, box: describeTask(plan, letter.task) })),
    deadCount: status.deadLetters,
    created: status.created,
    ...(status.lastDone === undefined ? {} : { lastDone: status.lastDone }),
  };
}

async function fromReceipts(
  { volume, plan, claim, reason }: UncountedVolume,
): Promise<StatusReport> {
  const done = plan.phases.map(() => 0);
  const { named, count } = await gatherLosses(
    (await JobFolder.open(volume)).receipts(),
    ({ task }) => done[phaseOf(plan, task)]++,
  );
  const tasks = countTasks(plan);
  const all = done.reduce((sum, phase) => sum + phase, 0);
  return {
    volume,
    plan: claim.plan,
    uncounted: reason,
    state: all === tasks ? "done" : "unfinished",
    tasks,
    done: all,
    phases: plan.phases.map((phase, at) => ({
      ...describePhase(plan, at),
      waiting: countPhaseTasks(phase) - done[at],
      leased: 0,
      blocked: 0,
      done: done[at],
      dead: 0,
    })),
    leases: [],
    losses: named,
    lossCount: count,
    dead: [],
    deadCount: 0,
  };
}

function describePhase(plan: Plan, at: number): Pick<PhaseReport, "kind" | "makes" | "tasks"> {
  const phase = plan.phases[at];
  const makes = phase.kind === "finish" ? [] : phase.makes;
  return { kind: phase.kind, makes, tasks: countPhaseTasks(phase) };
}

function describeTask(plan: Plan, task: number): string {
  const phase = plan.phases[phaseOf(plan, task)];
  if (phase.kind === "finish") return "the metadata";
  const scale = phase.kind === "scales" ? ` of scale ${phase.reads}` : "";
  return `${formatBox(taskBox(plan, task))}${scale}`;
}

/** The first losses in the order of z, and how many there are. */
async function gatherLosses(
  receipts: AsyncIterable<Receipt>,
  onReceipt: (receipt: Receipt) => void = () => {},
): Promise<{ named: Loss[]; count: number }> {
  let [named, count] = [[] as Loss[], 0];
  const inOrder = (a: Loss, b: Loss) => a.box.min[2] - b.box.min[2];
  for await (const receipt of receipts) {
    onReceipt(receipt);
    count += receipt.losses.length;
    for (const loss of receipt.losses) named.push(loss);
    if (named.length > 64 * MOST_NAMED) named = named.sort(inOrder).slice(0, MOST_NAMED);
  }
  return { named: named.sort(inOrder).slice(0, MOST_NAMED), count };
}
