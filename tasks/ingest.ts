/**
 * Plan, create, join and verify in one: a folder of sections becomes a volume.
 * @module
 */
import type { JobStatus } from "../ledgers/ledger.ts";
import type { ArraySource } from "../plugins/array_source.ts";
import { type CreatedJob, createJob, type CreateJobOptions } from "./create.ts";
import { formatsOf } from "../stores/volume.ts";
import { joinJob, type JoinJobOptions } from "./join.ts";
import { planIngest, type PlanOptions, type PlanReport } from "./plan.ts";
import { type VerifyOptions, type VerifyReport, verifyVolume } from "./verify.ts";

/** How a stack is ingested. */
export interface IngestOptions
  extends
    Omit<PlanOptions, "onProgress">,
    CreateJobOptions,
    Omit<JoinJobOptions, "ledger" | "source"> {
  /** Reads the finished volume back and holds it against the receipts. @default true */
  readonly verify?: boolean;
  /** Told how many files have been looked at. */
  readonly onPlanning?: PlanOptions["onProgress"];
  /** Told of the plan before anything is written. */
  readonly onPlanned?: (report: PlanReport) => void;
  /** Told of the job. */
  readonly onCreated?: (created: CreatedJob) => void;
  /** Told how many units have been verified. */
  readonly onVerify?: VerifyOptions["onProgress"];
}

/** What came of it. */
export interface IngestResult {
  /** The job. */
  readonly created: CreatedJob;
  /** How it stands. */
  readonly status: JobStatus;
  /** Absent where the job is not done, or `verify` is false. */
  readonly verified?: VerifyReport;
  /** The same of each copy. */
  readonly verifiedCopies?: readonly VerifyReport[];
}

/**
 * Ingests a stack of images, or voxels that a script brings; given again, the same call resumes, joins, or finds that
 * all is done.
 * @param source A glob, a template, a folder, or files; or an array source.
 * @param target Path or address of the volume; or several, which are cut alike and written in one pass: coarser scales
 * are read from the first.
 * @example A folder of sections becomes a volume, and is verified
 * ```ts
 * import { encodePng, ingest, openLedger, WorkerPool } from "@sluice/sluice";
 * import { deepEqual, equal } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const target = `${folder}/out.ome.zarr`;
 * const { status, verified } = await ingest([`${folder}/*.png`], target, { ledger, pool });
 * equal(status.state, "done");
 * deepEqual(verified?.faults, []);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function ingest(
  source: readonly string[] | ArraySource,
  target: string | readonly string[],
  options: IngestOptions,
): Promise<IngestResult> {
  const { verify = true, onPlanning, onPlanned, onCreated, onVerify, onProgress, ...rest } =
    options;
  rest.pool.start();
  const report = await planIngest(source, {
    ...rest,
    ...formatsOf([target].flat(), rest.format),
    onProgress: onPlanning,
  });
  onPlanned?.(report);
  const created = await createJob(report, target, rest);
  onCreated?.(created);
  if (created.state === "cancelled") await rest.ledger.retry(created.job, []);
  const status = created.state === "done"
    ? await rest.ledger.status(created.job)
    : await joinJob(created.job, { ...rest, ...("kind" in source ? { source } : {}), onProgress });
  if (status.state !== "done" || !verify || (created.found && created.state === "done")) {
    return { created, status };
  }
  const verified = await verifyVolume(created.volume, { ...rest, onProgress: onVerify });
  const copies: VerifyReport[] = [];
  for (const copy of created.copies ?? []) {
    copies.push(await verifyVolume(copy, { ...rest, onProgress: onVerify }));
  }
  return { created, status, verified, ...(copies.length === 0 ? {} : { verifiedCopies: copies }) };
}
