/**
 * Zarr volumes as sources: arrays and OME-Zarr images of Zarr v2 and v3, whatever wrote them.
 *
 * Their metadata is read here, and their chunks by this tree's own codecs, rather than with zarrita: threads decode
 * from plain data, every checksum is checked, and nothing is read beyond the chunks that a box touches.
 *
 * Source of the rules: the specifications of Zarr v2 and v3 with the codecs registered there, and OME-NGFF.
 * @module
 */
import type { Axis } from "../core/point.ts";
import { ORIGIN, readOffset, readVoxelSize } from "./_array_axes.ts";
import { type ArrayDocument, ArrayDocuments } from "./_array_documents.ts";
import { type OmeDataset, type OmeImage, readOmeImage } from "./_ome_multiscales.ts";
import { ShardIndices } from "./_shard_indices.ts";
import { readArrayV2, readArrayV3, type ZarrArray } from "./_zarr_metadata.ts";
import { openZarrScale } from "./_zarr_scale.ts";
import { zarrStorage } from "./_zarr_storage.ts";
import type { ArrayReader, VolumeArray, VolumeArrayScale } from "./volume_array.ts";

/** How a volume is opened. */
export interface OpenZarrOptions {
  /** The axes of its dimensions, in their order. @default What its metadata says; else the last of t, c, z, y, x */
  readonly axes?: readonly Axis[];
  /** Ends the opening with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Opens the Zarr array, or the OME-Zarr image, at the root of a reader; reads nothing but metadata.
 * @throws {SluiceError} If there is none, or it uses something that is not read (named).
 */
export async function openZarrArray(
  reader: ArrayReader,
  { axes: given, signal }: OpenZarrOptions = {},
): Promise<VolumeArray> {
  const documents = new ArrayDocuments(reader, "a Zarr volume", signal);
  const { image, arrays } = await readVolume(documents, given);
  const [{ array: { axes, dtype }, document: { value: { zarr_format: version } } }] = arrays;
  for (const { array, document } of arrays) {
    if (array.dtype === dtype && String(array.axes) === String(axes)) continue;
    document.fail(
      `it holds ${array.dtype} over ${array.axes}, another level ${dtype} over ${axes}`,
      "give one of the levels alone",
    );
  }
  const openLevel = (
    { array, dataset, document }: FoundArray,
    indices: ShardIndices,
  ): VolumeArrayScale => {
    const { path = "", scale, translation } = dataset;
    const voxelSize = scale && readVoxelSize(axes, scale, image?.units ?? []);
    return {
      ...openZarrScale(reader, array, { prefix: path === "" ? "" : `${path}/`, indices }),
      name: path,
      ...(voxelSize === undefined ? {} : { voxelSize }),
      offset: scale === undefined ? ORIGIN : readOffset(axes, scale, translation),
      storage: zarrStorage(document, array),
    };
  };
  const indices = new ShardIndices(reader);
  return {
    format: "zarr",
    zarr: {
      version: version === 3 ? 3 : 2,
      ...(image?.version === undefined ? {} : { ome: image.version }),
    },
    url: reader.url,
    ...(image === undefined ? {} : { kind: image.kind }),
    axes,
    scales: arrays.map((found) => openLevel(found, indices)),
    reopen: (scale) => openLevel(arrays[scale], new ShardIndices(reader)),
    fingerprint: documents.fingerprint(),
  };
}

interface FoundArray {
  readonly array: ZarrArray;
  readonly document: ArrayDocument;
  readonly dataset: Partial<OmeDataset>;
}

interface FoundVolume {
  readonly image?: OmeImage;
  readonly arrays: readonly FoundArray[];
}

async function readVolume(
  documents: ArrayDocuments,
  given: readonly Axis[] | undefined,
): Promise<FoundVolume> {
  const v3 = await documents.read("zarr.json");
  if (v3 !== undefined) {
    checkFormat(v3, 3);
    if (v3.value.node_type === "array") {
      return { arrays: [{ array: readArrayV3(v3, { given }), document: v3, dataset: {} }] };
    }
    return await readGroup(documents, v3.object("attributes"), v3, given);
  }
  const v2 = await documents.read(".zarray");
  const attributes = await documents.read(".zattrs");
  if (v2 !== undefined) {
    checkFormat(v2, 2);
    return {
      arrays: [{ array: readArrayV2(v2, attributes, { given }), document: v2, dataset: {} }],
    };
  }
  const group = attributes ?? await documents.read(".zgroup");
  if (group === undefined) {
    return documents.fail(
      "there is neither zarr.json, .zarray, .zattrs nor .zgroup in it",
      "give the folder that holds one",
    );
  }
  return await readGroup(documents, attributes, group, given);
}

/** @param group Names the group in errors. */
async function readGroup(
  documents: ArrayDocuments,
  attributes: ArrayDocument | undefined,
  group: ArrayDocument,
  given: readonly Axis[] | undefined,
): Promise<FoundVolume> {
  const ome = attributes?.object("ome");
  const own = ome ?? attributes;
  const image = own && readOmeImage(own, ome?.value.version);
  if (image === undefined) return refuseGroup(group, own);
  const isV3 = "zarr_format" in group.value && group.value.zarr_format === 3;
  const arrays = [];
  for (const dataset of image.datasets) {
    const key = `${dataset.path}/${isV3 ? "zarr.json" : ".zarray"}`;
    const document = await documents.read(key);
    if (document === undefined) {
      return group.fail(`its dataset "${dataset.path}" has no ${key}`, "copy the volume again");
    }
    checkFormat(document, isV3 ? 3 : 2);
    const hints = { given, names: image.axes };
    const array = isV3 ? readArrayV3(document, hints) : readArrayV2(document, undefined, hints);
    arrays.push({ array, document, dataset });
  }
  return { image, arrays };
}

/** Says what kind of group it is, if that is known, and where to look on. */
function refuseGroup(group: ArrayDocument, attributes: ArrayDocument | undefined): never {
  const has = (key: string) => attributes?.value[key] !== undefined;
  if (has("bioformats2raw.layout")) {
    return group.fail("it holds several images", "give one of them, such as the folder 0 in it");
  }
  if (has("plate") || has("well")) {
    return group.fail("it is a plate or a well", "give one image of it, such as A/1/0 or 0 in it");
  }
  if (has("labels")) return group.fail("it lists labels", "give one of those, by its name in it");
  return group.fail("it is a group without multiscales", "give one of the arrays in it");
}

function checkFormat(document: ArrayDocument, format: number): void {
  if (document.value.zarr_format === format) return;
  document.fail(
    `its zarr_format is ${document.value.zarr_format}, not ${format}`,
    "check what wrote it",
  );
}
