/** Where the voxels of a job come from. */
import { SluiceError, UsageError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import type { BandBuffers } from "../core/slab.ts";
import type { ArraySource } from "../plugins/array_source.ts";
import { openArray } from "../plugins/open_array.ts";
import type { SourceList } from "../plugins/source_list.ts";
import { volumeSource } from "../plugins/volume_source.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { JobFolder, SourceVolume } from "../stores/job_folder.ts";

/** The volume that some words name, as a source; undefined where they name images. */
export async function findArray(
  words: readonly string[],
  scale = 0,
): Promise<ArraySource | undefined> {
  if (words.length !== 1) return undefined;
  const [address] = words;
  const volume = await openArray(address);
  if (volume === undefined) return undefined;
  if (volume.scales[scale] === undefined) {
    throw new UsageError(
      `Cannot read scale ${scale} of "${address}": it has scales 0 to ${volume.scales.length - 1}`,
    );
  }
  return volumeSource(volume, { address, scale });
}

/** What reads them. */
export interface OpenSourcesOptions {
  readonly pool: WorkerPool;
  readonly buffers: BandBuffers;
}

/**
 * The list of images beside a plan; the volume that the plan was made for; or the source that a script brings, if it
 * is the one that was planned.
 * @throws {SluiceError} If it is not.
 */
export async function openSources(
  plan: Plan,
  folder: JobFolder,
  given: ArraySource | undefined,
  options: OpenSourcesOptions,
): Promise<SourceList | ArraySource> {
  const { source: planned } = plan;
  if (planned.kind === "array") {
    const read = await folder.source();
    if (read !== undefined) return await reopen(plan, planned.name, read, options);
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
  return await folder.sources();
}

async function reopen(
  { layout, policies }: Plan,
  name: string,
  { address, scale }: SourceVolume,
  options: OpenSourcesOptions,
): Promise<ArraySource> {
  const volume = await openArray(address);
  if (volume?.scales[scale] === undefined) {
    throw new SluiceError(
      `Cannot read the voxels of this job: there is no volume at "${address}" any more; bring it back to go on`,
    );
  }
  const { dtype } = layout;
  const { window, onError } = policies;
  const source = volumeSource(volume, { ...options, address, scale, dtype, window, onError });
  if (source.name !== name) {
    throw new SluiceError(
      `Cannot read the voxels of this job: the metadata of "${address}" is not what it was when the job was planned; plan anew with --overwrite`,
    );
  }
  return source;
}
