/**
 * Volumes without a voxel, with the claim of a job.
 * @module
 */
import type { Layout } from "../../core/layout.ts";
import type { Plan, ShardingBits } from "../../core/plan.ts";
import type { Point } from "../../core/point.ts";
import { precomputedDocuments } from "../../stores/_precomputed_metadata.ts";
import { volumeDocuments, type ZarrVersion } from "../../stores/_zarr_metadata.ts";
import { JobFolder, writeDocument } from "../../stores/job_folder.ts";

/** Makes an OME-Zarr volume as a job does, and says where its temporary files lie. */
export async function makeEmptyVolume(
  path: string,
  zarr: ZarrVersion,
  layout: Layout,
): Promise<string> {
  const plan = planOf(layout, { kind: "ome-zarr", zarr });
  const documents = volumeDocuments(zarr, layout, {
    name: "test",
    kind: "image",
    origin: [0, 0, 0, 0, 0],
    sluice: { complete: false },
  });
  return await claimVolume(path, plan, documents);
}

/** The same as a precomputed volume. @param sharding Of each scale; absent: a file a chunk. */
export async function makeEmptyPrecomputed(
  path: string,
  layout: Layout,
  sharding?: readonly ShardingBits[],
): Promise<string> {
  const plan = planOf(layout, {
    kind: "precomputed",
    ...(sharding === undefined ? {} : { sharding }),
  });
  const documents = precomputedDocuments(plan, plan.voxelSize, { complete: false });
  return await claimVolume(path, plan, documents);
}

function planOf(layout: Layout, store: Plan["store"]): Plan {
  const origin: Point = [3, 5, 7, 0, 0];
  return {
    format: "sluice-plan",
    formatVersion: 1,
    id: "test",
    versions: {},
    source: { kind: "array", name: "test", crop: { min: origin, max: layout.scales[0].size } },
    store,
    kind: "image",
    voxelSize: { x: 4, y: 4, z: 4, unit: "nanometer" },
    policies: { missing: "error", onError: "error" },
    layout,
    phases: [],
  };
}

async function claimVolume(
  path: string,
  plan: Plan,
  documents: Iterable<[string, unknown]>,
): Promise<string> {
  const folder = await JobFolder.open(path);
  const claim = crypto.randomUUID();
  const temporary = folder.temporaryPath(claim);
  if (temporary !== undefined) await Deno.mkdir(temporary, { recursive: true });
  await folder.writeClaim({ claim, plan: plan.id, ledger: "memory:", job: 1 });
  for (const [key, document] of documents) await writeDocument(folder.blobs, key, document);
  await folder.writePlan(plan);
  return temporary ?? "";
}
