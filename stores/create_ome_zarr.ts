/**
 * The metadata of an OME-Zarr volume: written when a job is created, and again when it is finished.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import { groupDocument, volumeDocuments } from "./_zarr_metadata.ts";
import { openBlobs } from "./blobs/open_blobs.ts";
import { type JobFolder, readJson, writeDocument } from "./job_folder.ts";
import { joinPlace } from "./place.ts";
import type { VolumeState } from "./volume.ts";

/** Path of the volume of a target: labels lie in a group `labels` of the image they belong to. */
export function volumePath(
  target: string,
  kind: "image" | "labels",
  labelName = "segmentation",
): string {
  return kind === "image" || labelGroup(target) !== undefined
    ? target
    : joinPlace(target, "labels", labelName);
}

/** The image and the name of a path such as `image.ome.zarr/labels/cells`. */
function labelGroup(path: string): { image: string; name: string } | undefined {
  const match = /^(.+)[/\\]labels[/\\]([^/\\]+)[/\\]?$/.exec(path);
  return match === null ? undefined : { image: match[1], name: match[2] };
}

/** Writes the metadata of a volume. */
export async function writeMetadata(
  folder: JobFolder,
  plan: Plan,
  state: VolumeState,
): Promise<void> {
  const { layout, store, kind, source, origin = source.crop.min } = plan;
  if (store.kind !== "ome-zarr") {
    throw new SluiceError("Cannot write OME-Zarr metadata for a volume planned in another format");
  }
  const overrides = await folder.overrides();
  const documents = volumeDocuments(store.zarr, layout, {
    name: kind,
    kind,
    voxelSize: overrides.voxelSize ?? plan.voxelSize,
    origin,
    contrast: state.contrast,
    sluice: {
      complete: state.complete,
      plan: plan.id,
      ...(state.losses === undefined || state.losses === 0 ? {} : { losses: state.losses }),
    },
  });
  for (const [key, document] of documents) await writeDocument(folder.blobs, key, document);
}

/** Lists a label image in the groups above it: what other programs find it by. */
export async function registerLabels(volume: string, zarr: "0.5" | "0.4"): Promise<void> {
  const group = labelGroup(volume);
  if (group === undefined) return;
  await using image = await openBlobs(group.image);
  if (zarr === "0.5") {
    const listed = await readJson(image, "labels/zarr.json") as {
      attributes?: { ome?: { labels?: string[] } };
    } | undefined;
    const labels = [...new Set([...(listed?.attributes?.ome?.labels ?? []), group.name])];
    await writeDocument(
      image,
      "labels/zarr.json",
      groupDocument({ ome: { version: "0.5", labels } }),
    );
    if (await readJson(image, "zarr.json") === undefined) {
      await writeDocument(image, "zarr.json", groupDocument({}));
    }
    return;
  }
  const listed = await readJson(image, "labels/.zattrs") as { labels?: string[] } | undefined;
  await writeDocument(image, "labels/.zgroup", { zarr_format: 2 });
  await writeDocument(image, "labels/.zattrs", {
    labels: [...new Set([...(listed?.labels ?? []), group.name])],
  });
  if (await readJson(image, ".zgroup") === undefined) {
    await writeDocument(image, ".zgroup", { zarr_format: 2 });
  }
}
