/** Where the voxels of a job come from. */
import { SluiceError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { ArraySource } from "../plugins/array_source.ts";
import { readSourceList, type SourceList } from "../plugins/source_list.ts";
import type { JobFolder } from "../stores/job_folder.ts";

/**
 * The list of images beside a plan; or the source that a script brings, if it is the one that was planned.
 * @throws {SluiceError} If it is not.
 */
export async function openSources(
  { source: planned }: Plan,
  folder: JobFolder,
  given: ArraySource | undefined,
): Promise<SourceList | ArraySource> {
  if (planned.kind === "array") {
    if (given?.name === planned.name) return given;
    throw new SluiceError(
      `Cannot read the voxels of this job: they come from the array source "${planned.name}"${
        given === undefined ? "" : `, not from "${given.name}"`
      }; join it from the script that brings that source`,
    );
  }
  if (given !== undefined) {
    throw new SluiceError(
      `Cannot read the voxels of this job from "${given.name}": it was planned with images; leave "source" away`,
    );
  }
  return await readSourceList(folder.sourcesPath, folder.amendmentsPath);
}
