/** One small array, written in every way, and how all of it is read. */
import { box } from "../../core/box.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { unravel } from "../../core/point.ts";
import type { Slab } from "../../core/slab.ts";
import { readChunked, type ReadChunkedOptions } from "../../plugins/chunked_array.ts";
import type { VolumeArray } from "../../plugins/volume_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { type Chain, writeZarr2, writeZarr3, type Written } from "./_zarr_writer.ts";

/** An array of 7 x 5 x 3 in chunks of 4 x 3 x 2, or shards of 8 x 6 x 4; 9 stands for nothing. */
export const WRITTEN: Written = {
  dtype: "uint16",
  shape: [3, 5, 7],
  fill: 9,
  at: ([z, y, x]: readonly number[]) => x < 4 && y < 3 && z < 2 ? 9 : 256 * x + 16 * y + z,
};
/** No codec but a checksum. */
export const PLAIN: Chain = { bigEndian: false, gzip: false, crc32c: true };
/** Shards of eight chunks, with checksums everywhere. */
export const SHARDED: Chain = {
  ...PLAIN,
  crc32c: false,
  shard: { chunk: [2, 3, 4], inner: PLAIN, atStart: false, hasSum: true },
};
/** Of Zarr v3. */
export const V3 = writeZarr3(WRITTEN, [2, 3, 4], PLAIN);
/** Of Zarr v2. */
export const V2 = writeZarr2(WRITTEN, [2, 3, 4], { bigEndian: false, gzip: false, order: "C" });
/** In shards, whose chunks and indices have checksums. */
export const SHARDS = writeZarr3(WRITTEN, [4, 6, 8], SHARDED);

/** All voxels of the finest level. */
export async function readAll(
  volume: VolumeArray,
  options: Partial<ReadChunkedOptions> = {},
): Promise<{ slab: Slab; voxels: (number | bigint)[] }> {
  await using pool = new WorkerPool({ size: 0 });
  const [scale] = volume.scales;
  const slab = readChunked(scale, box([0, 0, 0, 0, 0], scale.size), { pool, ...options });
  return { slab, voxels: [...await gatherVoxels(slab)] };
}

/** Voxels of all of them. */
export const EXPECTED = Array.from({ length: 105 }, (_, i) => {
  const [x, y, z] = unravel(i, [7, 5, 3, 1, 1]);
  return WRITTEN.at([z, y, x]);
});

/** Blobs with some of the fields of a document changed. */
export function changed(
  blobs: Readonly<Record<string, unknown>>,
  key: string,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return { ...blobs, [key]: { ...blobs[key] as Record<string, unknown>, ...changes } };
}

/** A group of one level. */
export function group(
  ome: Record<string, unknown>,
  version: "0.5" | "0.4" = "0.5",
): Record<string, unknown> {
  const under = (blobs: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(blobs).map(([key, blob]) => [`0/${key}`, blob]));
  return version === "0.5"
    ? { ...under(V3), "zarr.json": { zarr_format: 3, node_type: "group", attributes: { ome } } }
    : { ...under(V2), ".zgroup": { zarr_format: 2 }, ".zattrs": ome };
}

/** Axes of OME-Zarr. */
export const SPACE = (["z", "y", "x"] as const).map((name) => ({
  name,
  type: "space",
  unit: "nanometer",
}));
/** A level of OME-Zarr. */
export const DATASET = {
  path: "0",
  coordinateTransformations: [{ type: "scale", scale: [40, 4, 4] }],
};

/** The shards, with some of their configuration changed. */
export function sharding(changes: Record<string, unknown>): Record<string, unknown> {
  const { codecs: [{ configuration }] } = SHARDS["zarr.json"] as {
    codecs: [{ configuration: Record<string, unknown> }];
  };
  return changed(SHARDS, "zarr.json", {
    codecs: [{ name: "sharding_indexed", configuration: { ...configuration, ...changes } }],
  });
}
