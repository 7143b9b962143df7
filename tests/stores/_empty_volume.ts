/**
 * Volumes without a voxel, with the claim of a job.
 * @module
 */
import { dirname, join } from "node:path";
import type { Layout } from "../../core/layout.ts";
import type { Plan, ShardingBits } from "../../core/plan.ts";
import type { Point } from "../../core/point.ts";
import { precomputedDocuments } from "../../stores/_precomputed_metadata.ts";
import { volumeDocuments, type ZarrVersion } from "../../stores/_zarr_metadata.ts";
import { JobFolder } from "../../stores/job_folder.ts";

/** Makes an OME-Zarr volume as a job does, and says where its temporary files lie. */
export async function makeEmptyVolume(
  path: string,
  zarr: ZarrVersion,
  layout: Layout,
): Promise<string> {
  const documents = volumeDocuments(zarr, layout, {
    name: "test",
    kind: "image",
    origin: [0, 0, 0, 0, 0],
    sluice: { complete: false },
  });
  return await claimVolume(path, documents);
}

/** The same as a precomputed volume. @param sharding Of each scale; absent: a file a chunk. */
export async function makeEmptyPrecomputed(
  path: string,
  layout: Layout,
  sharding?: readonly ShardingBits[],
): Promise<string> {
  const origin: Point = [3, 5, 7, 0, 0];
  const plan: Plan = {
    format: "sluice-plan",
    formatVersion: 1,
    id: "",
    versions: {},
    source: { kind: "array", name: "test", crop: { min: origin, max: layout.scales[0].size } },
    store: { kind: "precomputed", ...(sharding === undefined ? {} : { sharding }) },
    kind: "image",
    voxelSize: { x: 4, y: 4, z: 4, unit: "nanometer" },
    policies: { missing: "error", onError: "error" },
    layout,
    phases: [],
  };
  const documents = precomputedDocuments(plan, plan.voxelSize, { complete: false });
  const temporary = await claimVolume(path, documents);
  await Deno.writeTextFile(new JobFolder(path).planPath, JSON.stringify(plan));
  return temporary;
}

async function claimVolume(path: string, documents: Iterable<[string, unknown]>): Promise<string> {
  const folder = new JobFolder(path);
  const claim = crypto.randomUUID();
  const temporary = folder.temporaryPath(claim);
  await Deno.mkdir(temporary, { recursive: true });
  await Deno.writeTextFile(
    folder.claimPath,
    JSON.stringify({ claim, plan: "", ledger: "memory:", job: 1 }),
  );
  for (const [name, document] of documents) {
    await Deno.mkdir(dirname(join(path, name)), { recursive: true });
    await Deno.writeTextFile(join(path, name), JSON.stringify(document));
  }
  return temporary;
}
