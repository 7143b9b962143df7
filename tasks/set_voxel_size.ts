/**
 * Says anew how large a voxel is; no voxel is touched.
 * @module
 */
import { join } from "node:path";
import { SluiceError } from "../core/errors.ts";
import type { VoxelSize } from "../core/units.ts";
import type { Contrast } from "../stores/_zarr_metadata.ts";
import {
  readOverrides,
  type VolumeState,
  writeMetadata,
  writeOverrides,
} from "../stores/create_ome_zarr.ts";
import { JobFolder, readJson } from "../stores/job_folder.ts";
import { findVolume } from "./find_job.ts";

/** What was changed. */
export interface SetVoxelSizeResult {
  /** Path of the volume. */
  readonly volume: string;
  /** Absent where none was known. */
  readonly before?: VoxelSize;
  /** What the metadata says now. */
  readonly after: VoxelSize;
}

/**
 * Writes the metadata of a volume with another voxel size. Scales stay as they were cut: which axes they halve was
 * decided when the job was planned.
 * @param path Path of the volume.
 * @throws {UsageError} If there is no volume of sluice.
 */
export async function setVoxelSize(
  path: string,
  voxelSize: VoxelSize,
): Promise<SetVoxelSizeResult> {
  const volume = await findVolume(path);
  const plan = (await new JobFolder(volume).plan())!;
  const state = await readVolumeState(volume, plan.store.zarr);
  const overrides = await readOverrides(volume);
  const before = overrides.voxelSize ?? plan.voxelSize;
  await writeOverrides(volume, { ...overrides, voxelSize });
  await writeMetadata(volume, plan, state);
  return { volume, ...(before === undefined ? {} : { before }), after: voxelSize };
}

interface Attributes {
  readonly omero?: { readonly channels: readonly { readonly window: Contrast }[] };
  readonly sluice?: { readonly complete?: boolean; readonly losses?: number };
}

/**
 * What the metadata of a volume says of it now, so that it can be written again.
 * @throws {SluiceError} If there is no metadata.
 */
export async function readVolumeState(volume: string, zarr: "0.5" | "0.4"): Promise<VolumeState> {
  const path = join(volume, zarr === "0.5" ? "zarr.json" : ".zattrs");
  const document = await readJson(path) as
    | { readonly attributes?: { readonly ome?: Attributes } & Attributes }
    | undefined;
  const attributes = zarr === "0.5"
    ? { ...document?.attributes?.ome, sluice: document?.attributes?.sluice }
    : document as Attributes | undefined;
  if (attributes?.sluice === undefined) {
    throw new SluiceError(
      `Cannot read "${path}" as the metadata of a volume of sluice: it says nothing of it`,
    );
  }
  const { omero, sluice: { complete = false, losses } } = attributes;
  return {
    complete,
    ...(losses === undefined ? {} : { losses }),
    ...(omero === undefined ? {} : { contrast: omero.channels.map(({ window }) => window) }),
  };
}
