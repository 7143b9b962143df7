/**
 * OME-Zarr volumes without a voxel, with the claim of a job.
 * @module
 */
import { dirname, join } from "node:path";
import type { Layout } from "../../core/layout.ts";
import { volumeDocuments, type ZarrVersion } from "../../stores/_zarr_metadata.ts";
import { JobFolder } from "../../stores/job_folder.ts";

/** Makes a volume as a job does, and says where its temporary files lie. */
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
