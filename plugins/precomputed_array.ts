/**
 * Neuroglancer precomputed volumes as sources, sharded or not.
 *
 * Source of the rules: the precomputed volume and sharded formats as Neuroglancer documents them; that files of chunks
 * on disk may end with `.gz` is a habit of cloud-volume.
 * @module
 */
import { createHash } from "node:crypto";
import { messageOf, SluiceError } from "../core/errors.ts";
import type { Point } from "../core/point.ts";
import type { ChunkPlace } from "./chunked_array.ts";
import { openShards } from "./_precomputed_shards.ts";
import { precomputedStorage } from "./_precomputed_storage.ts";
import { parseInfo, type PrecomputedInfo, type PrecomputedScale } from "./precomputed_info.ts";
import type { ArrayReader, VolumeArray, VolumeArrayScale } from "./volume_array.ts";

/** What a volume whose `info` names nothing else fills with. */
const FILL = 0;

/**
 * Opens a volume by its `info`.
 * @throws {SluiceError} If there is none, or it uses something that is not read (named).
 */
export async function openPrecomputedArray(reader: ArrayReader): Promise<VolumeArray> {
  return (await openPrecomputedVolume(reader)).array;
}

/** As {@linkcode openPrecomputedArray}, with what its `info` says. */
export async function openPrecomputedVolume(
  reader: ArrayReader,
): Promise<{ readonly array: VolumeArray; readonly info: PrecomputedInfo }> {
  const { info, text } = await readInfo(reader);
  const array: VolumeArray = {
    format: "precomputed",
    url: reader.url,
    kind: info.type === "segmentation" ? "labels" : "image",
    axes: info.channels > 1 ? ["c", "z", "y", "x"] : ["z", "y", "x"],
    scales: info.scales.map((scale) => openPrecomputedScale(reader, info, scale)),
    reopen: (scale) => openPrecomputedScale(reader, info, info.scales[scale]),
    fingerprint: createHash("sha256").update(text).digest("hex"),
  };
  return { array, info };
}

async function readInfo(
  reader: ArrayReader,
): Promise<{ readonly info: PrecomputedInfo; readonly text: string }> {
  const bytes = await reader.get("info");
  if (bytes === undefined) {
    throw new SluiceError(
      `Cannot open "${reader.url}" as a precomputed volume: there is no "info" in it; give the folder that holds it`,
    );
  }
  const text = new TextDecoder().decode(bytes);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new SluiceError(
      `Cannot read the info of "${reader.url}" as that of a precomputed volume: it is no JSON (${
        messageOf(error)
      })`,
      { cause: error },
    );
  }
  return { info: parseInfo(document, reader.url), text };
}

/** Opens one scale. It keeps where the chunks of a shard lie: whoever replaces shards opens it anew. */
function openPrecomputedScale(
  reader: ArrayReader,
  { dtype, channels }: PrecomputedInfo,
  scale: PrecomputedScale,
): VolumeArrayScale {
  const { size, chunk_size: chunk, voxel_offset: offset, resolution, encoding, sharding } = scale;
  const cells = (axis: 0 | 1 | 2) => Math.ceil(size[axis] / chunk[axis]);
  const find = sharding === undefined
    ? (index: Point) => findFile(reader, fileName(scale, index))
    : openShards(reader, scale.key, sharding, [cells(0), cells(1), cells(2)]);
  return {
    name: scale.key,
    size: [size[0], size[1], size[2], channels, 1],
    chunk: [chunk[0], chunk[1], chunk[2], channels, 1],
    isCut: true,
    dtype,
    fill: FILL,
    decoding: {
      format: "precomputed",
      codec: encoding,
      channels,
      ...(scale.block_size === undefined ? {} : { blockSize: scale.block_size }),
    },
    voxelSize: { x: resolution[0], y: resolution[1], z: resolution[2], unit: "nanometer" },
    offset: [offset[0], offset[1], offset[2], 0, 0],
    storage: precomputedStorage(scale, channels),
    inFiles: reader.localPath !== undefined,
    locate: find,
  };
}

/** Name of the file of a chunk: the voxels it holds. */
export function fileName(
  { key, size, chunk_size: chunk, voxel_offset: offset }: PrecomputedScale,
  index: Point,
): string {
  const sides = size.map((side, axis) => {
    const first = index[axis] * chunk[axis];
    return `${offset[axis] + first}-${offset[axis] + Math.min(side, first + chunk[axis])}`;
  });
  return `${key}/${sides.join("_")}`;
}

function findFile(reader: ArrayReader, key: string): ChunkPlace {
  if (reader.localPath === undefined) {
    // As on a disk, where cloud-volume put it there and somebody copied it.
    const fetch = async (signal?: AbortSignal) =>
      await reader.get(key, { signal }) ?? await reader.get(`${key}.gz`, { signal });
    return { name: `${reader.url}/${key}`, fetch };
  }
  return { name: reader.localPath(key), orNames: [reader.localPath(`${key}.gz`)] };
}
