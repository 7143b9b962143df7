/**
 * What came of a job, in words, as JSON and as an exit code.
 * @module
 */
import { boxSize } from "../core/box.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";
import { boxAtScale } from "../core/layout.ts";
import { baseScale, phaseOf, type Plan, taskBox } from "../core/plan.ts";
import { product } from "../core/point.ts";
import type { JobTimes } from "../pool/jobs.ts";
import type { JobStatus } from "../ledgers/ledger.ts";
import { isRemote, resolvePlace, splitPlace } from "../stores/place.ts";
import { parseTarget } from "../stores/volume.ts";
import { mebibytes } from "../tasks/memory.ts";
import type { StatusReport } from "../tasks/status.ts";
import type { VerifyReport } from "../tasks/verify.ts";
import { EXIT } from "./command.ts";
import { describeDead, describeLostImages } from "./job_report.ts";
import { formatCount, formatDuration, formatSize, plural, quote } from "./text.ts";

/** What came of a job that this process worked on. */
export interface Outcome {
  readonly plan: Plan;
  readonly status: JobStatus;
  /** The same, with losses and dead letters by name. */
  readonly report: StatusReport;
  readonly verified?: VerifyReport;
  /** The volumes that were written in the same pass. */
  readonly verifiedCopies: readonly VerifyReport[];
  /** Threads of this process. */
  readonly threads: number;
  /** Milliseconds that its threads spent on each part of the work. */
  readonly times: JobTimes;
  /** How long it worked, and what went through it meanwhile. */
  readonly milliseconds: number;
  readonly voxelBytes: number;
  readonly bytes: number;
  /** It was asked to stop. */
  readonly stopped: boolean;
  /** As the person wrote it. */
  readonly target: string;
  /** Nothing was left to do from the start. */
  readonly foundDone?: boolean;
}

/** 0 done; 1 failed, or a fault; 3 done, with losses; 130 stopped before the end. */
export function exitCode({ status, verified, verifiedCopies, stopped }: Outcome): number {
  if (status.state === "active") return stopped ? EXIT.interrupted : EXIT.failed;
  if (status.state !== "done") return EXIT.failed;
  for (const { faults, unfinished } of [...(verified ? [verified] : []), ...verifiedCopies]) {
    if (faults.length > 0 || unfinished > 0) return EXIT.failed;
  }
  return status.losses > 0 ? EXIT.losses : EXIT.done;
}

/** What came of it, for scripts. */
export function summaryDocument(outcome: Outcome): unknown {
  const { status, report, verified, verifiedCopies, milliseconds, voxelBytes, bytes } = outcome;
  const { job, state, tasks, done, losses } = status;
  return {
    job,
    volume: report.volume,
    plan: status.planId,
    state,
    tasks,
    done,
    lossCount: losses,
    losses: report.losses,
    deadCount: report.deadCount,
    dead: report.dead,
    ...(verified === undefined ? {} : { verified: verifyDocument(verified) }),
    ...(verifiedCopies.length === 0 ? {} : { copies: verifiedCopies.map(verifyDocument) }),
    thisProcess: { seconds: milliseconds / 1000, voxelBytes, bytes, milliseconds: outcome.times },
    exitCode: exitCode(outcome),
  };
}

/** Bytes of the voxels of all scales. */
export function countVoxelBytes({ layout }: Plan): number {
  const voxelBytes = VOXEL_BYTES[layout.dtype];
  return layout.scales.reduce((sum, { size }) => sum + product(size) * voxelBytes, 0);
}

/** What came of it, for people. */
export function describeOutcome(outcome: Outcome): string {
  const { status: { state }, report, stopped, target } = outcome;
  const name = quote(target);
  switch (state) {
    case "done":
      return describeDone(outcome);
    case "failed":
      return [
        `Job ${report.job} failed: ${formatCount(report.done)} of ${
          plural(report.tasks, "task")
        } done`,
        ...describeDead(report.dead, report.deadCount, name),
      ].join("\n");
    case "cancelled":
      return `Job ${report.job} was cancelled; to reopen it: sluice retry ${name}`;
    case "active":
      return `${stopped ? "Stopped" : "Left"} with ${formatCount(report.done)} of ${
        plural(report.tasks, "task")
      } done; nothing is lost. To go on: the same command again, or sluice join ${name}`;
    default:
      return state satisfies never;
  }
}

function describeDone(outcome: Outcome): string {
  const { plan, status, report, verified, milliseconds, voxelBytes, threads, target } = outcome;
  const { layout, kind, source } = plan;
  const raw = countVoxelBytes(plan);
  const stored = verified?.bytes;
  return [
    `${
      outcome.foundDone ? "Nothing to do, job " + status.job + " is done:" : "Wrote"
    } "${target}", ${formatSize(boxSize(source.crop))} voxels of ${layout.dtype} (${kind}) in ${
      plural(layout.scales.length, "scale")
    }`,
    `  ${mebibytes(raw)} of voxels${
      stored === undefined
        ? ""
        : `, ${mebibytes(stored)} on disk (${(stored / raw * 100).toFixed(0)} %)`
    }`,
    ...(outcome.foundDone ? [] : [
      `  ${formatDuration(milliseconds)}, ${
        (voxelBytes / 1e3 / Math.max(1, milliseconds)).toFixed(1)
      } MB/s of voxels with ${plural(threads, "thread")}`,
    ]),
    ...(verified === undefined ? [] : describeVerified(verified, plan, quote(target))),
    ...outcome.verifiedCopies.flatMap((copy) => [
      `and "${copy.volume}", ${mebibytes(copy.bytes)}`,
      ...describeVerified(copy, plan, quote(target)),
    ]),
    ...(status.losses === 0 ? [] : describeLostImages(report.losses, status.losses, quote(target))),
    "Look at it:",
    ...waysToLook(
      resolvePlace(parseTarget(target).path) === status.target ? target : status.target,
      plan.store.kind,
    ).map((line) => `  ${line}`),
  ].join("\n");
}

/** Faults that are named; the rest is counted. */
const NAMED = 20;

/** What a verification found. */
export function describeVerified(report: VerifyReport, plan: Plan, name: string): string[] {
  const { units, bytes, faults, unfinished, compared } = report;
  if (faults.length === 0 && unfinished === 0) {
    return [
      `  verified: ${plural(units, "file")} of ${mebibytes(bytes)} as written${
        compared === 0 ? "" : `, ${plural(compared, "task")} as in the images`
      }`,
    ];
  }
  const tasks = [...new Set(faults.map(({ task }) => task))];
  return [
    ...(faults.length === 0 ? [] : [
      `  ${plural(faults.length, "fault")} in ${plural(tasks.length, "task")}:`,
      ...faults.slice(0, NAMED).map(({ path, chunk, reason }) =>
        `  "${path}"${chunk === undefined ? "" : ` chunk ${chunk}`} ${reason}`
      ),
      ...(faults.length > NAMED ? [`  and ${faults.length - NAMED} more`] : []),
    ]),
    ...(unfinished === 0 ? [] : [`  ${plural(unfinished, "task")} not done`]),
    faults.length === 0
      ? `To finish it: sluice join ${name}`
      : `To write it anew from the images: sluice retry ${name} --section ${
        sectionsOf(plan, tasks)
      }`,
    ...(faults.length === 0 || plan.store.kind !== "bossdb" ? [] : [
      "A Boss keeps what was there where a new voxel is 0; to have that go: --overwrite, and ?replace=true behind the address",
    ]),
  ];
}

/** The sections that tasks read, as `--section` spells them. */
function sectionsOf(plan: Plan, tasks: readonly number[]): string {
  const { layout, phases } = plan;
  const boxes = tasks.map((task) => {
    const from = baseScale(phases[phaseOf(plan, task)]);
    return boxAtScale(layout, taskBox(plan, task), from, 0);
  }).sort((a, b) => a.min[2] - b.min[2]);
  const spans: [first: number, end: number][] = [];
  for (const { min, max } of boxes) {
    const last = spans.at(-1);
    if (last !== undefined && min[2] <= last[1]) last[1] = Math.max(last[1], max[2]);
    else spans.push([min[2], max[2]]);
  }
  return spans.map(([first, end]) => end === first + 1 ? first : `${first}-${end - 1}`).join(",");
}

/** A verification as JSON. */
export function verifyDocument(report: VerifyReport): unknown {
  const { losses, faults, ...rest } = report;
  return { ...rest, faultCount: faults.length, faults, lossCount: losses.length };
}

function waysToLook(target: string, format: Plan["store"]["kind"]): string[] {
  const place = resolvePlace(parseTarget(target).path);
  const { name } = splitPlace(place);
  // The clients of S3 know no other server than AWS by an address alone.
  const shown = isRemote(place) ? place : parseTarget(target).path;
  if (format === "bossdb") return [`sluice info ${quote(shown)}`];
  if (format === "precomputed") {
    const address = isRemote(place) ? place : `file://${place}`;
    return [
      `python -c ${quote(`from cloudvolume import CloudVolume; print(CloudVolume("${address}"))`)}`,
      `Neuroglancer, once it is served: precomputed://http://HOST/${name}`,
    ];
  }
  return [
    `napari --plugin napari-ome-zarr ${quote(shown)}`,
    `python -c ${quote(`import zarr; print(zarr.open(${JSON.stringify(shown)})["0"])`)}`,
    `Neuroglancer, once it is served: zarr://http://HOST/${name}`,
  ];
}
