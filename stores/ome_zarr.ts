/**
 * OME-Zarr as jobs write it: 0.5 on sharded Zarr v3, 0.4 on Zarr v2.
 *
 * Source of the rules: Zarr v3 core and its `sharding_indexed` codec; OME-NGFF 0.5 and 0.4.
 * @module
 */
import type { Layout } from "../core/layout.ts";
import { product } from "../core/point.ts";
import { openZarrArray } from "../plugins/zarr_array.ts";
import { unitShape } from "./_unit_tally.ts";
import { ONE_CHUNK, zarrShard } from "./_unit_writer.ts";
import { isSharded, unitPath, type ZarrVersion } from "./_zarr_metadata.ts";
import type { Blobs } from "./blobs/blobs.ts";
import { registerLabels, writeMetadata } from "./create_ome_zarr.ts";
import { readJson } from "./job_folder.ts";
import { readContrast } from "./read_contrast.ts";
import type { Contrast, UnitForm, VolumeFormat, VolumeState } from "./volume.ts";

function unitsOf(zarr: ZarrVersion, layout: Layout): UnitForm {
  return {
    key: (unit) => unitPath(zarr, layout, unit.scale, unit.index),
    container: (unit) =>
      isSharded(layout.scales[unit.scale])
        ? zarrShard(product(unitShape(layout, unit).grid))
        : ONE_CHUNK,
    check: (unit) => ({
      grid: isSharded(layout.scales[unit.scale]) ? unitShape(layout, unit).grid : undefined,
    }),
  };
}

interface Attributes {
  readonly omero?: { readonly channels: readonly { readonly window: Contrast }[] };
  readonly sluice?: { readonly complete?: boolean; readonly losses?: number };
}

type Document = { readonly attributes?: { readonly ome?: Attributes } & Attributes } & Attributes;

/** What the metadata says of the volume; undefined where sluice did not write it. */
function stateOf(zarr: ZarrVersion, document: Document | undefined): VolumeState | undefined {
  const { omero, sluice } = zarr === "0.5"
    ? { ...document?.attributes?.ome, sluice: document?.attributes?.sluice }
    : document ?? {};
  if (sluice === undefined) return undefined;
  const { complete = false, losses } = sluice;
  return {
    complete,
    ...(losses === undefined ? {} : { losses }),
    ...(omero === undefined ? {} : { contrast: omero.channels.map(({ window }) => window) }),
  };
}

/** OME-Zarr as one of the formats. */
export const omeZarr: VolumeFormat = {
  async read(blobs: Blobs) {
    const array = await openZarrArray(blobs);
    const v3 = await readJson(blobs, "zarr.json") as Document | undefined;
    const zarr = v3 === undefined ? "0.4" : "0.5";
    const document = v3 ?? await readJson(blobs, ".zattrs") as Document | undefined;
    return {
      array,
      state: stateOf(zarr, document),
      units: (layout) => unitsOf(zarr, layout),
      displays: () => readContrast(blobs),
    };
  },
  writeMetadata,
  register: (place, { store }) =>
    store.kind === "ome-zarr" ? registerLabels(place, store.zarr) : Promise.resolve(),
};
