/**
 * Says anew how large a voxel is; no voxel is touched.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { VoxelSize } from "../core/units.ts";
import { WorkerPool } from "../pool/worker_pool.ts";
import { loadFormat, openVolume } from "../stores/volume.ts";
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
 * @example An axis that was wrong
 * ```ts
 * import { createJob, encodePng, openLedger, parseVoxelSize, planIngest, setVoxelSize } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * const report = await planIngest([`${folder}/*.png`], { voxelSize: parseVoxelSize("4x4x4nm") });
 * const { volume } = await createJob(report, `${folder}/out.ome.zarr`, { ledger });
 * const { before, after } = await setVoxelSize(volume, parseVoxelSize("4x4x40nm"));
 * deepEqual([before?.z, after.z], [4, 40]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function setVoxelSize(
  path: string,
  voxelSize: VoxelSize,
): Promise<SetVoxelSizeResult> {
  const volume = await findVolume(path);
  await using store = await openVolume(volume, { pool: new WorkerPool({ size: 0 }) });
  const { state, folder } = store;
  const plan = (await folder.plan())!;
  if (state === undefined) {
    throw new SluiceError(
      `Cannot read the metadata of "${volume}": it is not what sluice wrote; restore it from a copy`,
    );
  }
  const overrides = await folder.overrides();
  const before = overrides.voxelSize ?? plan.voxelSize;
  await folder.writeOverrides({ ...overrides, voxelSize });
  await (await loadFormat(plan.store.kind)).writeMetadata(folder, plan, state);
  return { volume, ...(before === undefined ? {} : { before }), after: voxelSize };
}
