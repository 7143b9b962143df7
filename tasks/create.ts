/**
 * Turns a plan into a job: a volume marked incomplete, and a row in the ledger.
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { isNotFound, SluiceError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { DoneTask, JobState, Ledger } from "../ledgers/ledger.ts";
import { redactUrl } from "../ledgers/open_ledger.ts";
import { writeSourceList } from "../plugins/source_list.ts";
import { volumePath } from "../stores/create_ome_zarr.ts";
import { findFormat, loadFormat, parseTarget } from "../stores/volume.ts";
import { type Claim, JobFolder } from "../stores/job_folder.ts";
import { readReceipts } from "../ledgers/receipt_log.ts";
import type { PlanReport } from "./plan.ts";

/** How a job is created. */
export interface CreateJobOptions {
  /** Where the job is entered. */
  readonly ledger: Ledger;
  /** Address of that ledger, for whoever joins later. @default "memory:" */
  readonly ledgerUrl?: string;
  /** Removes what lies at the target, if it is a volume. @default false */
  readonly overwrite?: boolean;
  /** Name of a label image below `labels/`. @default "segmentation" */
  readonly labelName?: string;
}

/** A job that was created, or found. */
export interface CreatedJob {
  /** Its number. */
  readonly job: number;
  /** Path of the volume. */
  readonly volume: string;
  /** Whether it was there already, with the same plan. */
  readonly found: boolean;
  /** How it stands. */
  readonly state: JobState;
}

/**
 * The target holds something else.
 * @example A folder with something else in it
 * ```ts
 * import { createJob, encodePng, openLedger, planIngest, TargetError } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * await Deno.writeFile(`${folder}/s_0.png`, section);
 * await using ledger = await openLedger("memory:");
 * const report = await planIngest([`${folder}/*.png`]);
 * await rejects(createJob(report, folder, { ledger }), TargetError);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class TargetError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "TargetError";
}

/**
 * Creates the job of a plan, or finds the one that was created before.
 * @param report What `planIngest` gave.
 * @param target Path of the volume; for labels, of the image they belong to, or `IMAGE/labels/NAME`.
 * @throws {TargetError} If the target holds something else than this plan and `overwrite` is not set.
 * @example Created once, found from then on
 * ```ts
 * import { createJob, encodePng, openLedger, planIngest } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * await Deno.writeFile(`${folder}/s_0.png`, section);
 * await using ledger = await openLedger("memory:");
 * const report = await planIngest([`${folder}/*.png`]);
 * const first = await createJob(report, `${folder}/out.ome.zarr`, { ledger });
 * const second = await createJob(report, `${folder}/out.ome.zarr`, { ledger });
 * deepEqual([first.found, second.found, second.job === first.job], [false, true, true]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function createJob(
  report: Pick<PlanReport, "plan" | "stack" | "volume">,
  target: string,
  options: CreateJobOptions,
): Promise<CreatedJob> {
  const { plan } = report;
  const { path } = parseTarget(target);
  const volume = resolve(
    plan.store.kind === "ome-zarr" ? volumePath(path, plan.kind, options.labelName) : path,
  );
  if (options.overwrite) await removeVolume(volume, options);
  while (true) {
    const found = await findJob(volume, plan, options);
    if (found !== undefined) return found;
    const created = await tryCreate(volume, report, options);
    if (created !== undefined) return created;
  }
}

async function findJob(
  volume: string,
  plan: Plan,
  options: CreateJobOptions,
): Promise<CreatedJob | undefined> {
  const folder = new JobFolder(volume);
  const [planned, claim] = [await folder.plan(), await folder.claim()];
  if (planned === undefined || claim === undefined) {
    if (await isEmptyOrAbsent(volume)) return undefined;
    throw new TargetError(
      `Cannot create "${volume}" as a new volume: something is there that no job of sluice made; choose another target, or give --overwrite if it is a volume that may go`,
    );
  }
  if (planned.id !== plan.id) {
    throw new TargetError(
      `Cannot resume "${volume}" with this plan: it was begun with another (${
        differences(planned, plan).join(", ")
      }); ` +
        "give the same inputs and flags to resume, --overwrite to begin anew, or another target",
    );
  }
  const { ledger } = options;
  const status = await ledger.status(claim.job).catch(() => undefined);
  if (status !== undefined && status.planId === plan.id && status.target === volume) {
    return { job: claim.job, volume, found: true, state: status.state };
  }
  const job = await rebuildJob(volume, plan, claim, options);
  return { job, volume, found: true, state: (await ledger.status(job)).state };
}

/** The ledger does not know the job, as it is another or a new one: its receipts tell what is done. */
export async function rebuildJob(
  volume: string,
  plan: Plan,
  claim: Claim,
  { ledger, ledgerUrl }: CreateJobOptions,
): Promise<number> {
  const folder = new JobFolder(volume);
  const done: DoneTask[] = [];
  for await (const { task, fence, losses } of readReceipts(folder.receiptsPath)) {
    done.push({ task, fence, losses: losses.length });
  }
  const job = await ledger.create(plan, { target: volume, receipts: folder.receiptsPath, done });
  const text = JSON.stringify(
    { ...claim, ledger: redactUrl(ledgerUrl ?? "memory:"), job } satisfies Claim,
  );
  await Deno.writeTextFile(`${folder.claimPath}.new`, text);
  await Deno.rename(`${folder.claimPath}.new`, folder.claimPath);
  return job;
}

/** Makes everything beside the target and moves it there in one step; undefined where somebody was faster. */
async function tryCreate(
  volume: string,
  { plan, stack, volume: read }: Pick<PlanReport, "plan" | "stack" | "volume">,
  { ledger, ledgerUrl }: CreateJobOptions,
): Promise<CreatedJob | undefined> {
  const claim = crypto.randomUUID();
  const staging = join(dirname(volume), `.${basename(volume)}.${claim}`);
  const [staged, folder] = [new JobFolder(staging), new JobFolder(volume)];
  let job: number | undefined;
  try {
    await Deno.mkdir(staged.receiptsPath, { recursive: true });
    await Deno.mkdir(staged.temporaryPath(claim), { recursive: true });
    if (plan.source.kind === "images") await writeSourceList(staged.sourcesPath, stack);
    else if (read !== undefined) {
      await Deno.writeTextFile(staged.sourcePath, `${JSON.stringify(read)}\n`);
    }
    await Deno.writeTextFile(staged.planPath, `${JSON.stringify(plan, null, 1)}\n`);
    const format = await loadFormat(plan.store.kind);
    await format.writeMetadata(staging, plan, { complete: false });
    job = await ledger.create(plan, { target: volume, receipts: folder.receiptsPath });
    await Deno.writeTextFile(
      staged.claimPath,
      JSON.stringify(
        { claim, plan: plan.id, ledger: redactUrl(ledgerUrl ?? "memory:"), job } satisfies Claim,
      ),
    );
    await Deno.rename(staging, volume);
    await format.register?.(volume, plan);
    return { job, volume, found: false, state: "active" };
  } catch (error) {
    await Deno.remove(staging, { recursive: true }).catch(() => {});
    if (job !== undefined) await ledger.cancel(job);
    if (await new JobFolder(volume).claim() !== undefined) return undefined;
    throw error;
  }
}

async function removeVolume(volume: string, { ledger }: CreateJobOptions): Promise<void> {
  if (await isEmptyOrAbsent(volume)) return;
  const folder = new JobFolder(volume);
  const claim = await folder.claim();
  if (claim === undefined && await findFormat(volume) === undefined) {
    throw new TargetError(
      `Cannot overwrite "${volume}": it is no volume, so it may be something you want to keep; remove it yourself, or choose another target`,
    );
  }
  if (claim !== undefined) {
    const status = await ledger.status(claim.job).catch(() => undefined);
    if (status?.target === volume && status.planId === claim.plan) await ledger.cancel(claim.job);
  }
  const going = join(dirname(volume), `.${basename(volume)}.${crypto.randomUUID()}.going`);
  await Deno.rename(volume, going);
  await Deno.remove(going, { recursive: true });
}

async function isEmptyOrAbsent(path: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(path)) return false;
    return true;
  } catch (error) {
    if (isNotFound(error)) return true;
    if (
      (error as { code?: string }).code === "ENOTDIR" || error instanceof Deno.errors.NotADirectory
    ) {
      throw new TargetError(
        `Cannot create "${path}" as a volume: a file is there; choose another target`,
      );
    }
    throw error;
  }
}

/** Names of what differs between two plans, as paths into their JSON. */
function differences(a: unknown, b: unknown, path = ""): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return [`${path}: ${JSON.stringify(a)} became ${JSON.stringify(b)}`];
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys]
    .filter((key) => path !== "" || (key !== "id" && key !== "phases"))
    .flatMap((key) =>
      differences(
        (a as Record<string, unknown>)[key],
        (b as Record<string, unknown>)[key],
        path === "" ? key : `${path}.${key}`,
      )
    ).slice(0, 5);
}
