/**
 * Says what lies at an address: a volume of any format, the datasets of a file, or a stack of images.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Dtype } from "../core/dtype.ts";
import { UsageError } from "../core/errors.ts";
import { type Axis, mapPoint, type Point } from "../core/point.ts";
import type { VoxelSize } from "../core/units.ts";
import { readImageStack } from "../plugins/image_stack.ts";
import { parseHdf5 } from "../plugins/open_array.ts";
import type { Fault } from "../plugins/source.ts";
import type { VolumeArray, VolumeArrayScale } from "../plugins/volume_array.ts";
import { BlobError } from "../stores/blobs/blobs.ts";
import type { OpenBlobsOptions } from "../stores/blobs/open_blobs.ts";
import { JobFolder } from "../stores/job_folder.ts";
import { isRemote } from "../stores/place.ts";
import type { ChannelDisplay } from "../stores/read_contrast.ts";
import { type FoundVolume, lookUpVolume } from "../stores/volume.ts";
import { type ReaderReport, readersOf } from "./_readers.ts";

export type { ReaderReport };

/** What lies at an address. */
export type Description = VolumeDescription | DatasetsDescription | ImagesDescription;

/** One level of a volume. */
export interface ScaleDescription {
  /** What the format calls it: a path below the volume, or a key. */
  readonly name: string;
  /** Voxels along x, y, z, c and t. */
  readonly size: Point;
  /** Voxels of the finest level that one of its voxels stands for, along each axis, to the nearest whole number. */
  readonly factor: Point;
  /** Voxels of a chunk; absent where the voxels lie in one piece. */
  readonly chunk?: Point;
  /** Voxels of a shard; absent where a chunk is a file of its own. */
  readonly shard?: Point;
  /** Edge lengths of a voxel, if the volume says. */
  readonly voxelSize?: VoxelSize;
  /** Where its first voxel lies, in voxels of this level. */
  readonly offset: Point;
  /** How its chunks became bytes, in words, such as `zstd level 3, crc32c`. */
  readonly codec: string;
}

/** Whether sluice wrote a volume, and how far it came. */
export interface WrittenBySluice {
  /** `id` of the plan, where the volume still holds it. */
  readonly plan?: string;
  /** Whether every task of the plan is done. */
  readonly complete: boolean;
  /** Images whose voxels are fill value because they were absent or broken; known of a complete volume. */
  readonly losses?: number;
}

/** What a volume is. */
export interface VolumeDescription {
  /** Tells it from files of datasets and from images. */
  readonly is: "volume";
  /** Where it lies, without any secret. */
  readonly address: string;
  /** `zarr`, `precomputed`, `n5`, `hdf5` or `bossdb`. */
  readonly format: string;
  /** The format in words, with its version: `OME-Zarr 0.5 on Zarr v3`. */
  readonly formatName: string;
  /** Intensities or names; absent where it does not say. */
  readonly kind?: "image" | "labels";
  /** Type of every voxel. */
  readonly dtype: Dtype;
  /** Axes that it has, slowest first. */
  readonly axes: readonly Axis[];
  /** Its finest level: half-open, in voxels, from its origin on. */
  readonly extent: Box;
  /** Edge lengths of a voxel of the finest level, if it says. */
  readonly voxelSize?: VoxelSize;
  /** The voxel for "nothing there"; whole numbers beyond 2^53 as text. */
  readonly fill: number | string;
  /** Values that each channel is best shown with, if it says. */
  readonly contrast?: readonly (readonly [low: number, high: number])[];
  /** Its levels, finest first. */
  readonly scales: readonly ScaleDescription[];
  /** What people have said of a channel of a Boss: its descriptions, and the keys and values of its metadata. */
  readonly about?: readonly { readonly name: string; readonly value: string }[];
  /** Absent where another program wrote it. */
  readonly written?: WrittenBySluice;
  /** Programs of which it is known whether they read it. */
  readonly readers: readonly ReaderReport[];
}

/** One dataset of an HDF5 file. */
export interface DatasetDescription {
  /** Its path in the file. */
  readonly path: string;
  /** Lengths along its axes, slowest first; absent where its header is broken. */
  readonly shape?: readonly number[];
  /** What its values are; absent where its header is broken. */
  readonly type?: string;
  /** Whether it can be a volume: 2 to 5 axes, and voxels of a known type. */
  readonly isVolume: boolean;
  /** What is wrong with its header. */
  readonly fault?: string;
}

/** What an HDF5 file holds. */
export interface DatasetsDescription {
  /** Tells it from volumes and images. */
  readonly is: "datasets";
  /** Path of the file. */
  readonly address: string;
  /** In the order of their paths. */
  readonly datasets: readonly DatasetDescription[];
  /** Whether these are all: of a file with very many, those that were found first are told. */
  readonly isWhole: boolean;
}

/** What images make together. */
export interface ImagesDescription {
  /** Tells them from volumes and datasets. */
  readonly is: "images";
  /** What was asked for. */
  readonly address: string;
  /** Folder that all paths start from. */
  readonly root: string;
  /** Images that have a place. */
  readonly images: number;
  /** Their formats, such as `tiff`. */
  readonly formats: readonly string[];
  /** From the origin, in voxels. */
  readonly extent: Box;
  /** Type of one sample. */
  readonly dtype: Dtype;
  /** What the files say, if they agree. */
  readonly voxelSize?: VoxelSize;
  /** How many faults there are of each kind. */
  readonly faultCounts: Readonly<Record<string, number>>;
  /** At most 20 of them, in the order of z. */
  readonly faults: readonly Fault[];
  /** What was understood that a person may want to know. */
  readonly notes: readonly string[];
}

/** How an address is looked at. */
export interface DescribeVolumeOptions {
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal;
}

/** Faults of images that are named; the rest is counted. */
const MOST_NAMED = 20;
/** Addresses of servers that can mean images. */
const IMAGES = /[*?<[]|\.(?:tiff?|png|jpe?g)$/i;

/**
 * Says what lies at an address, from metadata and headers alone; no voxel is read.
 * @param address Of a volume, as for {@linkcode openVolume}; `FILE.h5` for the datasets in it; or a glob, a template, a
 * folder or files of images.
 * @throws {UsageError} If nothing is found.
 * @throws {SluiceError} If it uses something that is not read (named).
 * @example What a volume is, and who opens it
 * ```ts
 * import { describeVolume, encodePng, ingest, openLedger, WorkerPool } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35).fill(9);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * await Deno.writeFile(`${folder}/s_0.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * await ingest([`${folder}/*.png`], `${folder}/out.ome.zarr`, { ledger, pool });
 *
 * const volume = await describeVolume(`${folder}/out.ome.zarr`);
 * if (volume.is !== "volume") throw new TypeError(volume.is);
 * deepEqual(volume.formatName, "OME-Zarr 0.5 on Zarr v3");
 * deepEqual([volume.written?.complete, volume.written?.losses], [true, 0]);
 * deepEqual(volume.readers.find(({ reader }) => reader === "Neuroglancer")?.opens, true);
 *
 * const images = await describeVolume(`${folder}/*.png`);
 * deepEqual(images.is === "images" && images.extent.max, [7, 5, 1, 1, 1]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function describeVolume(
  address: string | readonly string[],
  { signal }: DescribeVolumeOptions = {},
): Promise<Description> {
  const words = typeof address === "string" ? [address] : address;
  const [word] = words;
  if (words.length === 1) {
    const file = parseHdf5(word);
    if (file !== undefined && file.dataset === undefined && !isRemote(word)) {
      return await describeDatasets(file.path);
    }
    const volume = await describeAt(word, signal);
    if (volume !== undefined) return volume;
    if (isRemote(word) && !IMAGES.test(word)) {
      throw new UsageError(
        `Cannot say what "${word}" is: there is no zarr.json, .zarray, .zattrs, .zgroup, info or attributes.json; give the place that holds one of these`,
      );
    }
  }
  return await describeImages(words, signal);
}

/** Undefined where nothing there tells a format. */
async function describeAt(
  address: string,
  signal: AbortSignal | undefined,
): Promise<VolumeDescription | undefined> {
  const describe = async (options?: OpenBlobsOptions) => {
    const found = await lookUpVolume(address, options);
    return found && await describeFound(found, signal);
  };
  try {
    return await describe();
  } catch (error) {
    if (!(error instanceof BlobError) || error.kind !== "forbidden") throw error;
    // Public data that may not be listed are forbidden where they are not there.
    const volume = await describe({ forbiddenIsMissing: true });
    if (volume === undefined) throw error;
    return volume;
  }
}

async function describeFound(
  { blobs, metadata }: FoundVolume,
  signal: AbortSignal | undefined,
): Promise<VolumeDescription> {
  await using folder = new JobFolder(blobs);
  const { array, state } = metadata;
  const plan = state && await folder.plan();
  const displays = await metadata.displays?.();
  const about = await array.about?.(signal);
  return describeArray(array, {
    displays,
    about,
    written: state && {
      ...(plan === undefined ? {} : { plan: plan.id }),
      complete: state.complete,
      // OME-Zarr says nothing of losses where there are none.
      ...(state.complete ? { losses: state.losses ?? 0 } : {}),
    },
  });
}

/** What is known of a volume beside its array. */
interface Beside {
  readonly displays?: readonly ChannelDisplay[];
  readonly about?: VolumeDescription["about"];
  readonly written?: WrittenBySluice;
}

/** Says what an open array is. */
function describeArray(
  array: VolumeArray,
  { displays, about, written }: Beside = {},
): VolumeDescription {
  const { url, format, kind, axes, scales } = array;
  const [base] = scales;
  const { size, dtype, fill, offset, voxelSize } = base;
  return {
    is: "volume",
    address: format === "hdf5" ? `${url}:${base.name}` : url,
    format,
    formatName: nameFormat(array),
    ...(kind === undefined ? {} : { kind }),
    dtype,
    axes,
    extent: { min: offset, max: mapPoint(offset, (value, axis) => value + size[axis]) },
    ...(voxelSize === undefined ? {} : { voxelSize }),
    fill: typeof fill === "bigint" ? String(fill) : fill,
    ...(displays === undefined ? {} : { contrast: displays.map(({ window }) => window) }),
    scales: scales.map((scale) => describeScale(scale, base)),
    ...(about === undefined ? {} : { about }),
    ...(written === undefined ? {} : { written }),
    readers: readersOf(array),
  };
}

function describeScale(scale: VolumeArrayScale, base: VolumeArrayScale): ScaleDescription {
  const { name, size, chunk, voxelSize, offset, storage } = scale;
  return {
    name,
    size,
    factor: factorOf(scale, base),
    ...(storage?.isWhole ? {} : { chunk }),
    ...(storage?.shard === undefined ? {} : { shard: storage.shard }),
    ...(voxelSize === undefined ? {} : { voxelSize }),
    offset,
    codec: storage?.codec ?? "not known",
  };
}

/** Voxel sizes come before extents, which are rounded. */
function factorOf(scale: VolumeArrayScale, base: VolumeArrayScale): Point {
  const edges = ({ voxelSize }: VolumeArrayScale) => [voxelSize?.x, voxelSize?.y, voxelSize?.z];
  const [mine, finest] = [edges(scale), edges(base)];
  return mapPoint(scale.size, (side, axis) => {
    const [edge, least] = [mine[axis], finest[axis]];
    const ratio = edge === undefined || least === undefined ? base.size[axis] / side : edge / least;
    return axis > 2 ? 1 : Math.max(1, Math.round(ratio));
  });
}

/** The format of a volume, with its version. */
function nameFormat({ format, zarr, scales }: VolumeArray): string {
  switch (format) {
    case "zarr": {
      if (zarr === undefined) return "Zarr";
      const version = `Zarr v${zarr.version}`;
      return zarr.ome === undefined ? version : `OME-Zarr ${zarr.ome} on ${version}`;
    }
    case "precomputed": {
      const isSharded = scales.some(({ storage }) => (storage?.steps[0] ?? "").includes("sharded"));
      return `Neuroglancer precomputed${isSharded ? ", sharded" : ""}`;
    }
    case "n5":
      return "N5";
    case "hdf5":
      return "HDF5";
    case "bossdb":
      return "Channel of a Boss";
    default:
      return format;
  }
}

async function describeDatasets(path: string): Promise<DatasetsDescription> {
  const { openHdf5Datasets } = await import("../plugins/hdf5_array.ts");
  using file = await openHdf5Datasets(path);
  return { is: "datasets", address: path, ...await file.list() };
}

async function describeImages(
  words: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ImagesDescription> {
  const { root, images, info, faults, notes } = await readImageStack(words, { signal });
  const faultCounts: Record<string, number> = {};
  for (const { kind } of faults) faultCounts[kind] = (faultCounts[kind] ?? 0) + 1;
  return {
    is: "images",
    address: words.join(" "),
    root,
    images: images.length,
    formats: [...new Set(images.map(({ format }) => format))].filter((name) => name !== ""),
    extent: info.extent,
    dtype: info.dtype,
    ...(info.voxelSize === undefined ? {} : { voxelSize: info.voxelSize }),
    faultCounts,
    faults: faults.slice(0, MOST_NAMED),
    notes,
  };
}
