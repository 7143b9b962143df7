/**
 * The metadata of an OME-Zarr volume on disk: written when a job is created, and again when it is finished.
 * @module
 */
import { dirname, join } from "node:path";
import { SluiceError } from "../core/errors.ts";
import type { Plan } from "../core/plan.ts";
import { groupDocument, volumeDocuments } from "./_zarr_metadata.ts";
import { readJson, readOverrides, writeWhole } from "./job_folder.ts";
import type { VolumeState } from "./volume.ts";

/** Path of the volume of a target: labels lie in a group `labels` of the image they belong to. */
export function volumePath(
  target: string,
  kind: "image" | "labels",
  labelName = "segmentation",
): string {
  return kind === "image" || labelGroup(target) !== undefined
    ? target
    : join(target, "labels", labelName);
}

/** The image and the name of a path such as `image.ome.zarr/labels/cells`. */
function labelGroup(path: string): { image: string; name: string } | undefined {
  const match = /^(.+)[/\\]labels[/\\]([^/\\]+)[/\\]?$/.exec(path);
  return match === null ? undefined : { image: match[1], name: match[2] };
}

/**
 * Writes the metadata of a volume.
 * @param volume Path of the volume; it must exist.
 */
export async function writeMetadata(volume: string, plan: Plan, state: VolumeState): Promise<void> {
  const { layout, store, kind, source, origin = source.crop.min } = plan;
  if (store.kind !== "ome-zarr") {
    throw new SluiceError("Cannot write OME-Zarr metadata for a volume planned in another format");
  }
  const overrides = await readOverrides(volume);
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
  for (const [path, document] of documents) await writeDocument(join(volume, path), document);
}

/** Lists a label image in the groups above it: what other programs find it by. */
export async function registerLabels(volume: string, zarr: "0.5" | "0.4"): Promise<void> {
  const group = labelGroup(volume);
  if (group === undefined) return;
  const { image, name } = group;
  const labels = join(image, "labels");
  if (zarr === "0.5") {
    const listed = await readJson(join(labels, "zarr.json")) as {
      attributes?: { ome?: { labels?: string[] } };
    } | undefined;
    const names = [...new Set([...(listed?.attributes?.ome?.labels ?? []), name])];
    await writeDocument(
      join(labels, "zarr.json"),
      groupDocument({ ome: { version: "0.5", labels: names } }),
    );
    if (await readJson(join(image, "zarr.json")) === undefined) {
      await writeDocument(join(image, "zarr.json"), groupDocument({}));
    }
    return;
  }
  const listed = await readJson(join(labels, ".zattrs")) as { labels?: string[] } | undefined;
  await writeDocument(join(labels, ".zgroup"), { zarr_format: 2 });
  await writeDocument(join(labels, ".zattrs"), {
    labels: [...new Set([...(listed?.labels ?? []), name])],
  });
  if (await readJson(join(image, ".zgroup")) === undefined) {
    await writeDocument(join(image, ".zgroup"), { zarr_format: 2 });
  }
}

async function writeDocument(path: string, document: unknown): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await writeWhole(path, `${JSON.stringify(document, null, 2)}\n`);
}
