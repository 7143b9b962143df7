/**
 * Puts tasks back: dead letters, and those of sections whose images were mended.
 * @module
 */
import { boxSize } from "../core/box.ts";
import { ImageError, UsageError } from "../core/errors.ts";
import { copyPlan, type Plan, tasksTouching } from "../core/plan.ts";
import { rescanImages, type SourceList } from "../plugins/source_list.ts";
import type { SourceImage } from "../plugins/source.ts";
import { joinPlace } from "../stores/place.ts";
import { loadFormat } from "../stores/volume.ts";
import { JobFolder } from "../stores/job_folder.ts";
import type { FoundJob } from "./find_job.ts";

/** What is put back. */
export interface RetryJobOptions {
  /** Half-open stretches of sections: z of the volume, from 0. @default None */
  readonly sections?: readonly (readonly [first: number, end: number])[];
  /** Every dead letter. @default Without `sections` */
  readonly dead?: boolean;
}

/** What was put back. */
export interface RetryJobResult {
  /** Tasks that wait now and did not before. */
  readonly tasks: number;
  /** Images whose headers were read again, and that are not what they were. */
  readonly mended: readonly string[];
  /** Images that were lost and still cannot be used, with the reason. */
  readonly stillLost: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Puts tasks back, with all their attempts and with every task that depends on them, and marks the volume incomplete.
 * Also reopens a cancelled job. Somebody must join it, then.
 *
 * The images of `sections` are looked at again: their new sizes and times are written beside the list of the plan,
 * which stays as it was.
 * @throws {UsageError} If a section lies outside the volume.
 * @throws {ImageError} If images of the sections still cannot be read, or have another size or dtype; nothing is
 * changed then.
 * @example A section that was lost is there again
 * ```ts
 * import { encodePng, ingest, joinJob, openLedger, retryJob, WorkerPool } from "@sluice/sluice";
 * import { deepEqual, equal } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 3]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const target = `${folder}/out.ome.zarr`;
 * const options = { ledger, pool, missing: "fill" } as const;
 * const { created: { job, volume }, status } = await ingest([`${folder}/*.png`], target, options);
 * equal(status.losses, 1);
 *
 * await Deno.writeFile(`${folder}/s_2.png`, section);
 * const { mended } = await retryJob({ job, ledger, volume }, { sections: [[2, 3]] });
 * deepEqual(mended, [`${folder}/s_2.png`]);
 * equal((await joinJob(job, { ledger, pool })).losses, 0);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function retryJob(
  { job, ledger, volume }: Pick<FoundJob, "job" | "ledger" | "volume">,
  { sections = [], dead = sections.length === 0 }: RetryJobOptions = {},
): Promise<RetryJobResult> {
  const plan = await ledger.plan(job);
  checkSections(sections, plan);
  const folder = await JobFolder.open(volume);
  const { mended, stillLost } = await amend(folder, plan, sections);
  const ranges = sections.flatMap((stretch) => tasksOf(plan, stretch));
  let tasks = 0;
  if (ranges.length > 0) {
    const plans = [plan, ...(plan.copies ?? []).map((copy) => copyPlan(plan, copy))];
    const folders = [folder, ...await Promise.all((await folder.copies()).map(JobFolder.open))];
    for (const [i, plan] of plans.entries()) {
      await (await loadFormat(plan.store.kind)).writeMetadata(folders[i], plan, {
        complete: false,
      });
    }
    tasks += await ledger.retry(job, ranges);
  }
  if (dead) tasks += await ledger.retry(job);
  return { tasks, mended, stillLost };
}

function checkSections(sections: readonly (readonly [number, number])[], plan: Plan): void {
  const depth = plan.layout.scales[0].size[2];
  for (const [first, end] of sections) {
    if (first >= 0 && end <= depth) continue;
    const name = end === first + 1 ? `section ${first}` : `sections ${first} to ${end - 1}`;
    throw new UsageError(
      `Cannot retry ${name}: the volume has ${depth}, counted from 0 as sluice status does`,
    );
  }
}

function tasksOf(plan: Plan, [first, end]: readonly [number, number]): [number, number][] {
  const { size } = plan.layout.scales[0];
  return plan.phases.flatMap(({ kind }, at) =>
    kind === "source"
      ? tasksTouching(plan, at, {
        min: [0, 0, first, 0, 0],
        max: [size[0], size[1], end, size[3], size[4]],
      })
      : []
  );
}

/** Reads the headers of the images of some sections again, and writes down what became of them. */
async function amend(
  folder: JobFolder,
  plan: Plan,
  sections: readonly (readonly [number, number])[],
): Promise<Pick<RetryJobResult, "mended" | "stillLost">> {
  if (sections.length === 0 || plan.source.kind === "array") return { mended: [], stillLost: [] };
  const list = await folder.sources();
  const images = imagesOf(list, plan, sections);
  const rescanned = await rescanImages(list.root, images);
  const amended: SourceImage[] = [];
  const stillLost: { path: string; reason: string }[] = [];
  const refused: string[] = [];
  rescanned.forEach(({ image, path, reason = "cannot be read" }, i) => {
    const before = images[i];
    if (image === undefined) {
      if (before.lost === undefined) refused.push(`  "${path}" ${reason}`);
      else stillLost.push({ path, reason });
    } else if (
      before.lost !== undefined || image.size !== before.size || image.mtime !== before.mtime ||
      image.tag !== before.tag
    ) amended.push(image);
  });
  // Of several tiles one may have been mended, and another never was there.
  if (amended.length === 0) {
    refused.push(...stillLost.map(({ path, reason }) => `  "${path}" ${reason}`));
  }
  if (refused.length > 0) {
    throw new ImageError(
      `Cannot do these sections anew, as ${refused.length} of their images cannot be used; put the files right first, with the size and dtype of the others\n${
        refused.slice(0, 20).join("\n")
      }`,
      "broken",
    );
  }
  if (amended.length > 0) await folder.amendSources(amended);
  return { mended: amended.map(({ path }) => joinPlace(list.root, path)), stillLost };
}

function imagesOf(
  list: SourceList,
  plan: Plan,
  sections: readonly (readonly [number, number])[],
): SourceImage[] {
  const { min } = plan.source.crop;
  const size = boxSize(plan.source.crop);
  return sections.flatMap(([first, end]) => [
    ...list.locate({
      min: [min[0], min[1], min[2] + first, min[3], min[4]],
      max: [min[0] + size[0], min[1] + size[1], min[2] + end, min[3] + size[3], min[4] + size[4]],
    }),
  ]);
}
