/**
 * Turns a plan into a job: a volume marked incomplete, and a row in the ledger.
 * @module
 */
import { basename, dirname, join } from "node:path";
import { eachAtOnce } from "../core/abort.ts";
import { isNotFound, SluiceError, UsageError } from "../core/errors.ts";
import { copyPlan, type Plan } from "../core/plan.ts";
import type { DoneTask, JobState, Ledger } from "../ledgers/ledger.ts";
import { redactUrl } from "../ledgers/open_ledger.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";
import { volumePath } from "../stores/create_ome_zarr.ts";
import { findFormat, loadFormat, parseTarget } from "../stores/volume.ts";
import { type Claim, CLAIM_KEY, JobFolder } from "../stores/job_folder.ts";
import { isRemote, resolvePlace } from "../stores/place.ts";
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
  /** Paths or addresses of the volumes that are written in the same pass. */
  readonly copies?: readonly string[];
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
 * @param target Path or address of the volume; for labels, of the image they belong to, or `IMAGE/labels/NAME`. With
 * `copies` in the plan, one for each volume: the first is the one that coarser scales are read from.
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
  target: string | readonly string[],
  options: CreateJobOptions,
): Promise<CreatedJob> {
  const { plan } = report;
  const plans = [plan, ...(plan.copies ?? []).map((copy) => copyPlan(plan, copy))];
  const places = placesOf(plans, [target].flat(), options);
  for (const [i, place] of places.entries()) {
    await (await loadFormat(plans[i].store.kind)).check?.(
      place,
      plans[i],
      options.overwrite ?? false,
    );
  }
  if (options.overwrite) { for (const place of places) await removeVolume(place, options); }
  const [volume, ...copies] = places;
  for (const [i, copy] of copies.entries()) await checkCopy(copy, plans[i + 1]);
  const created = await findOrCreate(volume, { ...report, copies }, options);
  const { ledger, job } = (await (await JobFolder.open(volume)).claim())!;
  for (const [i, copy] of copies.entries()) {
    if (await checkCopy(copy, plans[i + 1])) continue;
    const mine = { plan: plans[i + 1].id, ledger, job, main: volume };
    if (!(await makeVolume(copy, { ...report, plan: plans[i + 1] }, mine))) {
      await checkCopy(copy, plans[i + 1]);
    }
  }
  return { ...created, copies };
}

/** What is written into a new volume. */
type PlannedVolume = Pick<PlanReport, "plan" | "stack" | "volume"> & {
  /** Where the copies of the plan lie. */
  readonly copies?: readonly string[];
};

/** Where the volumes of a job lie, one for each plan. */
function placesOf(
  plans: readonly Plan[],
  targets: readonly string[],
  { labelName }: CreateJobOptions,
): string[] {
  if (targets.length !== plans.length) {
    throw new UsageError(
      `Cannot create a job for ${targets.length} targets: it was planned for ${plans.length}`,
    );
  }
  const places = plans.map(({ store, kind }, i) => {
    const { path } = parseTarget(targets[i]);
    return resolvePlace(store.kind === "ome-zarr" ? volumePath(path, kind, labelName) : path);
  });
  const twice = places.find((place, i) => places.indexOf(place) !== i);
  if (twice === undefined) return places;
  throw new UsageError(`Cannot write "${twice}" twice in one job: name it once`);
}

async function findOrCreate(
  volume: string,
  report: PlannedVolume,
  options: CreateJobOptions,
): Promise<CreatedJob> {
  while (true) {
    const found = await findJob(volume, report, options);
    if (found !== undefined) return found;
    const created = await tryCreate(volume, report, options);
    if (created !== undefined) return created;
  }
}

/** Whether a place holds the volume of a plan; false: nothing. @throws {TargetError} If it holds something else. */
async function checkCopy(volume: string, plan: Plan): Promise<boolean> {
  const folder = await JobFolder.open(volume);
  const [planned, claim] = [await folder.plan(), await folder.claim()];
  if (planned?.id === plan.id && claim?.plan === plan.id) return true;
  if (planned === undefined && claim === undefined && await isEmptyOrAbsent(volume)) return false;
  if (planned === undefined && claim?.plan === plan.id) return false;
  throw new TargetError(
    `Cannot write "${volume}" as a copy: something else is there; choose another target, or give --overwrite if it is a volume that may go`,
  );
}

async function findJob(
  volume: string,
  report: PlannedVolume,
  options: CreateJobOptions,
): Promise<CreatedJob | undefined> {
  const { plan } = report;
  const folder = await JobFolder.open(volume);
  const claim = await folder.claim();
  let planned = await folder.plan();
  if (planned === undefined && claim?.plan === plan.id && isRemote(volume)) {
    // Whoever claimed it has not written everything yet, and may never: the same again does no harm.
    await fill(folder, volume, report);
    planned = plan;
  }
  if (planned === undefined || claim === undefined || claim.plan === "") {
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
  const folder = await JobFolder.open(volume);
  const done: DoneTask[] = [];
  for await (const { task, fence, losses } of folder.receipts()) {
    done.push({ task, fence, losses: losses.length });
  }
  const job = await ledger.create(plan, { target: volume, receipts: folder.receiptsPlace, done });
  await folder.writeClaim({ ...claim, ledger: redactUrl(ledgerUrl ?? "memory:"), job });
  return job;
}

/** Enters the job, and makes its volume; undefined where somebody was faster. */
async function tryCreate(
  volume: string,
  report: PlannedVolume,
  { ledger, ledgerUrl = "memory:" }: CreateJobOptions,
): Promise<CreatedJob | undefined> {
  const { plan } = report;
  const receipts = (await JobFolder.open(volume)).receiptsPlace;
  const job = await ledger.create(plan, { target: volume, receipts });
  try {
    const claim = { plan: plan.id, ledger: redactUrl(ledgerUrl), job };
    if (await makeVolume(volume, report, claim)) {
      return { job, volume, found: false, state: "active" };
    }
  } catch (error) {
    await ledger.cancel(job);
    throw error;
  }
  await ledger.cancel(job);
  return undefined;
}

/** Makes a volume without a voxel; false where something was there. */
async function makeVolume(
  volume: string,
  report: PlannedVolume,
  claim: Omit<Claim, "claim">,
): Promise<boolean> {
  const mine = { claim: crypto.randomUUID(), ...claim };
  if (isRemote(volume)) {
    const folder = await JobFolder.open(volume);
    const isMine = await folder.takeClaim(mine);
    const isBegun = !isMine && (await folder.claim())?.plan === claim.plan &&
      await folder.plan() === undefined;
    if (isMine || isBegun) await fill(folder, volume, report);
    return isMine;
  }
  const staging = join(dirname(volume), `.${basename(volume)}.${mine.claim}`);
  const staged = await JobFolder.open(staging);
  try {
    await Deno.mkdir(staged.receiptsPlace, { recursive: true });
    await Deno.mkdir(staged.temporaryPath(mine.claim)!, { recursive: true });
    await write(staged, report);
    await staged.writeClaim(mine);
    await Deno.rename(staging, volume);
  } catch (error) {
    await Deno.remove(staging, { recursive: true }).catch(() => {});
    if (await (await JobFolder.open(volume)).claim() !== undefined) return false;
    throw error;
  }
  await (await loadFormat(report.plan.store.kind)).register?.(volume, report.plan);
  return true;
}

/** All but the claim. */
async function fill(folder: JobFolder, volume: string, report: PlannedVolume): Promise<void> {
  await write(folder, report);
  await (await loadFormat(report.plan.store.kind)).register?.(volume, report.plan);
}

/** What lies in a new volume; the plan is last. */
async function write(
  folder: JobFolder,
  { plan, stack, volume: read, copies = [] }: PlannedVolume,
): Promise<void> {
  if (plan.source.kind === "images") await folder.writeSources(stack);
  else if (read !== undefined) await folder.writeSource(read);
  if (copies.length > 0) await folder.writeCopies(copies);
  await (await loadFormat(plan.store.kind)).writeMetadata(folder, plan, { complete: false });
  await folder.writePlan(plan);
}

async function removeVolume(volume: string, { ledger }: CreateJobOptions): Promise<void> {
  if (await isEmptyOrAbsent(volume)) return;
  const folder = await JobFolder.open(volume);
  const claim = await folder.claim();
  if (claim === undefined && await findFormat(folder.blobs) === undefined) {
    throw new TargetError(
      `Cannot overwrite "${volume}": it is no volume, so it may be something you want to keep; remove it yourself, or choose another target`,
    );
  }
  if (claim !== undefined) {
    const status = await ledger.status(claim.job).catch(() => undefined);
    if (status?.target === volume && status.planId === claim.plan) await ledger.cancel(claim.job);
  }
  if (isRemote(volume)) return await emptyBucket(folder);
  const going = join(dirname(volume), `.${basename(volume)}.${crypto.randomUUID()}.going`);
  await Deno.rename(volume, going);
  await Deno.remove(going, { recursive: true });
}

/** Objects that are removed at once. */
const REMOVED_AT_ONCE = 32;

/**
 * Removes everything at a place of a bucket. Workers of the job that goes see that the claim is another and write
 * nothing more; where this ends half way, a claim without a plan is left, which may be overwritten.
 */
async function emptyBucket(folder: JobFolder): Promise<void> {
  const { blobs } = folder;
  await folder.writeClaim({ claim: crypto.randomUUID(), plan: "", ledger: "", job: 0 });
  await folder.sweep();
  await eachAtOnce(blobs.list(""), REMOVED_AT_ONCE, async ({ key }) => {
    if (key !== CLAIM_KEY) await blobs.delete(key);
  });
  await folder.dropClaim();
}

async function isEmptyOrAbsent(place: string): Promise<boolean> {
  if (isRemote(place)) {
    await using blobs = await openBlobs(place);
    for await (const _ of blobs.list("")) return false;
    return true;
  }
  try {
    for await (const _ of Deno.readDir(place)) return false;
    return true;
  } catch (error) {
    if (isNotFound(error)) return true;
    if (
      (error as { code?: string }).code === "ENOTDIR" || error instanceof Deno.errors.NotADirectory
    ) {
      throw new TargetError(
        `Cannot create "${place}" as a volume: a file is there; choose another target`,
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
