/**
 * From the number of a job, or the path of its volume, to the ledger that counts it.
 * @module
 */
import { isAbsolute, resolve } from "node:path";
import { isNotFound, messageOf, SluiceError, UsageError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { JobStatus, Ledger } from "../ledgers/ledger.ts";
import {
  defaultLedgerUrl,
  type Environment,
  openLedger,
  redactUrl,
} from "../ledgers/open_ledger.ts";
import { type Claim, JobFolder } from "../stores/job_folder.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";
import { isRemote, isSamePlace, joinPlace, resolvePlace } from "../stores/place.ts";
import { parseTarget } from "../stores/volume.ts";
import { rebuildJob } from "./create.ts";

/** Where to look for a job. */
export interface FindJobOptions {
  /** The ledger to look in. @default That of the volume's job, or of the environment for a number */
  readonly ledgerUrl?: string;
  /** Variables that say where the ledger lies. @default Deno.env */
  readonly env?: Environment;
}

/** A job and its open ledger, which is closed with it. */
export interface FoundJob extends AsyncDisposable {
  /** Its number in the ledger. */
  readonly job: number;
  /** The ledger that counts it. */
  readonly ledger: Ledger;
  /** Address of that ledger, with its password. */
  readonly ledgerUrl: string;
  /** Path of the volume. */
  readonly volume: string;
}

/** A volume whose job no ledger counts any more: its receipts are all that is known. */
export interface UncountedVolume {
  /** Path of the volume. */
  readonly volume: string;
  /** What it is to be. */
  readonly plan: Plan;
  /** The job that wrote it last. */
  readonly claim: Claim;
  /** Why no ledger counts it. */
  readonly reason: string;
}

/**
 * The address of the ledger to use: as given, else that of the environment; paths become absolute, so that it can be
 * written down.
 */
export function chooseLedgerUrl({ ledgerUrl, env = Deno.env }: FindJobOptions = {}): string {
  const url = ledgerUrl ?? defaultLedgerUrl(env);
  const path = /^sqlite:(?!\/)(.+)$/.exec(url)?.[1];
  return path === undefined ? url : `sqlite:${resolve(path)}`;
}

/**
 * Finds a job to work on.
 * @param name The number of a job, or the path of its volume; the image that holds labels will do if they are alone.
 * @throws {UsageError} If there is no such volume.
 * @throws {LedgerError} If there is no job of that number.
 * @throws {SluiceError} If no ledger counts the volume. With `ledgerUrl`, that one then takes the job over, from the
 * receipts.
 * @example Work on the job of a volume
 * ```ts
 * import { createJob, encodePng, findJob, joinJob, openLedger, planIngest, WorkerPool } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * await Deno.writeFile(`${folder}/s_0.png`, section);
 * const ledgerUrl = `sqlite:${folder}/jobs.db`;
 * {
 *   await using ledger = await openLedger(ledgerUrl);
 *   const report = await planIngest([`${folder}/*.png`]);
 *   await createJob(report, `${folder}/out.ome.zarr`, { ledger, ledgerUrl });
 * }
 * await using pool = new WorkerPool({ size: 0 });
 * {
 *   await using found = await findJob(`${folder}/out.ome.zarr`);
 *   const { state } = await joinJob(found.job, { ledger: found.ledger, pool });
 *   equal(state, "done");
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function findJob(name: string, options: FindJobOptions = {}): Promise<FoundJob> {
  const found = await lookUpJob(name, options);
  if ("ledger" in found) return found;
  const { volume, plan, claim, reason } = found;
  if (options.ledgerUrl === undefined) {
    throw new SluiceError(
      `Cannot find the job of "${volume}": ${reason}; give --ledger URL, where it lies now or a new one that counts on from the receipts`,
    );
  }
  const ledgerUrl = chooseLedgerUrl(options);
  const ledger = await openLedger(ledgerUrl);
  try {
    const job = await rebuildJob(volume, plan, claim, { ledger, ledgerUrl });
    return asFound(job, volume, ledger, ledgerUrl);
  } catch (error) {
    await ledger[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * As {@linkcode findJob}, but nothing is changed: where no ledger counts the volume, it says so.
 */
export async function lookUpJob(
  name: string,
  options: FindJobOptions = {},
): Promise<FoundJob | UncountedVolume> {
  if (/^\d+$/.test(name)) {
    const ledgerUrl = chooseLedgerUrl(options);
    const ledger = await openLedger(ledgerUrl);
    try {
      const { target } = await ledger.status(Number(name));
      return asFound(Number(name), target, ledger, ledgerUrl);
    } catch (error) {
      await ledger[Symbol.asyncDispose]();
      throw error;
    }
  }
  const volume = await findVolume(name);
  const folder = await JobFolder.open(volume);
  const [plan, claim] = [(await folder.plan())!, (await folder.claim())!];
  const given = options.ledgerUrl === undefined ? undefined : chooseLedgerUrl(options);
  const ledgerUrl = given ?? withSecrets(claim.ledger, options.env ?? Deno.env);
  // A copy is written by the job of another volume.
  if (claim.main !== undefined) return await lookUpJob(claim.main, options);
  const uncounted = (reason: string) => ({ volume, plan, claim, reason });
  if (given === undefined && !(await mayBeThere(ledgerUrl))) {
    return uncounted(`the ledger that counted it, ${claim.ledger}, is not on this machine`);
  }
  let ledger: Ledger;
  try {
    ledger = await openLedger(ledgerUrl);
  } catch (error) {
    if (given !== undefined) throw error;
    return uncounted(`the ledger that counted it cannot be opened (${messageOf(error)})`);
  }
  const status = await findStatus(ledger, claim.job);
  if (status?.planId === claim.plan && isSamePlace(status.target, volume)) {
    return asFound(claim.job, volume, ledger, ledgerUrl);
  }
  await ledger[Symbol.asyncDispose]();
  const state = status?.planId === claim.plan ? `counts "${status.target}"` : "does not know it";
  return uncounted(`the ledger ${redactUrl(ledgerUrl)} ${state}`);
}

function asFound(job: number, volume: string, ledger: Ledger, ledgerUrl: string): FoundJob {
  return {
    job,
    volume,
    ledger,
    ledgerUrl,
    [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
  };
}

async function findStatus(ledger: Ledger, job: number): Promise<JobStatus | undefined> {
  try {
    return await ledger.status(job);
  } catch (error) {
    if ((error as { fault?: string }).fault === "no-such-job") return undefined;
    await ledger[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Finds the volume that a path or address means: itself, or the only label image in it.
 * @returns Its absolute path, or its address.
 * @throws {UsageError} If there is none that sluice made.
 */
export async function findVolume(path: string): Promise<string> {
  const volume = resolvePlace(parseTarget(path).path);
  if (await isJob(volume)) return volume;
  await using blobs = await openBlobs(volume);
  const labels: string[] = [];
  for await (const { key } of blobs.list("labels/", { folders: true })) {
    const place = joinPlace(volume, key.slice(0, -1));
    if (key.endsWith("/") && await isJob(place)) labels.push(place);
  }
  if (labels.length === 1) return labels[0];
  throw new UsageError(
    `Cannot find "${path}" as a volume: ${
      labels.length > 1
        ? `it holds ${labels.length} label images; name one, such as "${labels.sort()[0]}"`
        : isRemote(volume) || await exists(volume)
        ? "no job of sluice is in it"
        : "there is no such folder; give the path of a volume, or the number of a job (see `sluice jobs`)"
    }`,
  );
}

async function isJob(volume: string): Promise<boolean> {
  const folder = await JobFolder.open(volume);
  return await folder.plan() !== undefined && await folder.claim() !== undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (isNotFound(error) || (error as { code?: string }).code === "ENOTDIR") return false;
    throw error;
  }
}

/** A database that is not there would be made empty where it is opened; that helps nobody. */
async function mayBeThere(ledgerUrl: string): Promise<boolean> {
  if (ledgerUrl.startsWith("memory:")) return false;
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(ledgerUrl)?.[1];
  return path === undefined || !isAbsolute(path) || await exists(path);
}

/** A claim names its ledger without the password; the environment may know it. A path has none: nobody is asked. */
function withSecrets(ledger: string, env: Environment): string {
  if (!ledger.includes("://")) return ledger;
  const known = chooseLedgerUrl({ env });
  return redactUrl(known) === ledger ? known : ledger;
}
