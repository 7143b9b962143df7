/**
 * Whether the images or the volume of a Boss job are there: those of its first and of its last tile or chunk.
 * @module
 */
import { choosePage, placeTile } from "../boss/place_tile.ts";
import { type BossJob, cellSize } from "../boss/ingest_job.ts";
import type { BossIndex, ChunkRecipe, TileFile, TilePlane, TileRecipe } from "../boss/plugin.ts";
import type { BossPlugins } from "../boss/plugins.ts";
import { openFileSource } from "../codecs/file_source.ts";
import { type ByteSource, imageFormats } from "../codecs/image.ts";
import { box, boxSize, formatBox, intersect } from "../core/box.ts";
import { dtypeOf, type VoxelArray } from "../core/dtype.ts";
import { ImageError, isNotFound, messageOf, SluiceError } from "../core/errors.ts";
import { mapPoint } from "../core/point.ts";
import { BlobSource } from "../plugins/blob_source.ts";
import { openHdf5Datasets } from "../plugins/hdf5_array.ts";
import { openArray } from "../plugins/open_array.ts";
import { BlobError } from "../stores/blobs/blobs.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";

/**
 * What was found: `there`; `missing`: no such file or volume; `zeros`: nothing is there, or needed, and the job makes
 * zeros of it; `faulty`: it cannot be used; `unseen`: it was not looked at.
 */
export type LookState = "there" | "missing" | "zeros" | "faulty" | "unseen";

/** One tile or chunk, and what it is made of. */
export interface BossLook {
  /** Which of the job. */
  readonly which: "first" | "last";
  /** Its column, row and layer, and its time. */
  readonly index: BossIndex;
  /** What was looked at; empty where a tile is made of nothing. */
  readonly place: string;
  /** What was found. */
  readonly state: LookState;
  /** The same in words. */
  readonly said: string;
}

/** What was found at one place. */
export type Found = Pick<BossLook, "place" | "state" | "said">;

/** Looks at the first and the last tile or chunk. Of images, headers alone are read. */
export async function lookAtBoss(
  job: BossJob,
  plugins: BossPlugins,
  signal?: AbortSignal,
): Promise<BossLook[]> {
  const looks: BossLook[] = [];
  for (const [which, index] of Object.entries(endsOf(job)) as ["first" | "last", BossIndex][]) {
    signal?.throwIfAborted();
    looks.push({ which, index, ...await lookAtIndex(plugins, index, signal) });
  }
  return looks;
}

/** The tiles or chunks that the server names first and last. */
export function endsOf(job: BossJob): { readonly first: BossIndex; readonly last: BossIndex } {
  const { min, max } = job.extent;
  const cell = cellSize(job);
  const size = {
    x: cell.x,
    y: cell.y,
    z: job.kind === "tile" ? 1 : job.chunkSize.z,
  };
  const ends = (axis: "x" | "y" | "z", at: 0 | 1 | 2) => {
    const first = Math.floor(min[at] / size[axis]);
    return [first, first + Math.ceil((max[at] - min[at]) / size[axis]) - 1];
  };
  const [x, y, z] = [ends("x", 0), ends("y", 1), ends("z", 2)];
  return {
    first: { x: x[0], y: y[0], z: z[0], t: min[4] },
    last: { x: x[1], y: y[1], z: z[1], t: max[4] - 1 },
  };
}

/** Looks at one tile or chunk. */
export async function lookAtIndex(
  plugins: BossPlugins,
  index: BossIndex,
  signal?: AbortSignal,
): Promise<Found> {
  let place = "";
  try {
    const paths = [await plugins.paths.process(index, signal)].flat();
    if (plugins.kind === "volumetric") {
      const recipe = await plugins.chunks.process(paths[0] ?? "", index, signal);
      place = placeOf(recipe.volume);
      return { place, ...await lookAtVolume(recipe, signal) };
    }
    let last: Found | undefined;
    for (const path of paths) {
      const recipe = await plugins.tiles.process(path, index, signal);
      place = "file" in recipe.plane ? nameFile(recipe.plane.file) : "";
      const found = { place, ...await lookAtTile(recipe, signal) };
      if (found.state !== "missing" && found.state !== "zeros") return found;
      last ??= found;
    }
    return last ?? { place, state: "faulty", said: "the path processor names no file" };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof SluiceError)) throw error;
    return { place, state: "faulty", said: messageOf(error) };
  }
}

function placeOf(volume: ChunkRecipe["volume"]): string {
  if (volume.kind === "voxels") return "";
  return volume.kind === "array"
    ? volume.address
    : `bossdb://${volume.collection}/${volume.experiment}/${volume.channel}`;
}

async function lookAtVolume(
  { volume, read, before }: ChunkRecipe,
  signal?: AbortSignal,
): Promise<Omit<Found, "place">> {
  if (volume.kind === "bossdb") {
    return { state: "unseen", said: "it lies in a Boss, which is not asked" };
  }
  if (volume.kind === "voxels") {
    return { state: "there", said: sayMade(boxSize(read).slice(0, 3), "voxels", volume.data) };
  }
  const array = await openArray(volume.address, { signal });
  if (array === undefined) return { state: "missing", said: "there is no volume" };
  const at = typeof volume.scale === "number" ? volume.scale : 0;
  const scale = array.scales[at];
  if (scale === undefined) {
    const said = `it has no scale ${at}: its scales are 0 to ${array.scales.length - 1}`;
    return { state: "faulty", said };
  }
  const all = box(scale.offset, mapPoint(scale.offset, (from, axis) => from + scale.size[axis]));
  const said = `${array.format} of ${scale.dtype}, ${formatBox(all)}`;
  const outside = read.min.findIndex((from, axis) => axis !== 3 && from < all.min[axis]);
  if (before === "error" && outside >= 0) {
    return { state: "faulty", said: `${said}: the chunk begins before it, at ${formatBox(read)}` };
  }
  return intersect(read, all) === undefined
    ? { state: "zeros", said: `${said}: no voxel of the chunk lies in it` }
    : { state: "there", said };
}

async function lookAtTile(
  recipe: TileRecipe,
  signal?: AbortSignal,
): Promise<Omit<Found, "place">> {
  const { plane } = recipe;
  switch (plane.kind) {
    case "zeros":
      return { state: "zeros", said: "it needs no image" };
    case "pixels":
      return {
        state: "there",
        said: sayMade([plane.size.width, plane.size.height], "pixels", plane.data),
      };
    case "cutout":
      return { state: "unseen", said: "it lies in a Boss, which is not asked" };
    case "image":
    case "dataset": {
      const said = plane.kind === "image"
        ? await lookAtImage(plane, recipe, signal)
        : await lookAtDataset(plane, signal);
      if (said !== undefined) return { state: "there", said };
      return recipe.absent === "zeros"
        ? { state: "zeros", said: "there is no such file: the tile is zeros" }
        : { state: "missing", said: "there is no such file" };
    }
    default:
      return plane satisfies never;
  }
}

/** What a plugin has made. */
function sayMade(sides: readonly number[], unit: string, data: VoxelArray): string {
  let [least, most] = [data[0], data[0]];
  for (const value of data) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return `the plugin makes it: ${sides.join(" x ")} ${unit} of ${
    dtypeOf(data)
  }, ${least} to ${most}`;
}

/** What an image is; undefined where there is none. */
async function lookAtImage(
  { file, page }: TilePlane & { kind: "image" },
  { placement, size }: TileRecipe,
  signal?: AbortSignal,
): Promise<string | undefined> {
  await using bytes = await openBytes(file, signal);
  if (bytes === undefined) return undefined;
  const first = new Uint8Array(Math.min(16, bytes.size));
  await bytes.read(0, first);
  for (const load of imageFormats.values()) {
    const format = await load();
    if (!format.matches(first)) continue;
    const { images } = await format.describe(bytes);
    const { width, height, dtype, samples } = images[choosePage(page, images.length)];
    if (samples !== 1) {
      throw new SluiceError(`it has ${samples} samples a pixel, and a tile has one`);
    }
    if (placement.frame === undefined) placeTile(placement, size, { width, height });
    return `${format.name}, ${width} x ${height} pixels of ${dtype}`;
  }
  throw new SluiceError(`it is none of ${[...imageFormats.keys()].join(", ")}`);
}

/** The bytes of a file; undefined where there is none. */
async function openBytes(file: TileFile, signal?: AbortSignal): Promise<ByteSource | undefined> {
  if (file.filesystem === "local") {
    try {
      return await openFileSource(file.path);
    } catch (error) {
      if (error instanceof ImageError && error.kind === "missing") return undefined;
      throw error;
    }
  }
  const at = file.path.lastIndexOf("/") + 1;
  const [place, key] = file.filesystem === "http"
    ? [file.path.slice(0, at), file.path.slice(at)]
    : [`s3://${file.bucket}`, file.path];
  const blobs = await openBlobs(place);
  try {
    return await BlobSource.open(blobs, key, { signal });
  } catch (error) {
    const isAbsent = file.filesystem === "http" && file.absentStatus === 403 &&
      error instanceof BlobError && error.kind === "forbidden" && /\b403\b/.test(error.message);
    if (isAbsent) return undefined;
    throw error;
  }
}

/** What a dataset is; undefined where its file is not there. */
async function lookAtDataset(
  { file, dataset, axes }: TilePlane & { kind: "dataset" },
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (file.filesystem !== "local") {
    await using bytes = await openBytes(file, signal);
    return bytes && `${bytes.size} bytes; what it holds is not looked at where it lies`;
  }
  try {
    await Deno.stat(file.path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw new SluiceError(messageOf(error), { cause: error });
  }
  using datasets = await openHdf5Datasets(file.path);
  const list = await datasets.list();
  const name = `/${dataset.replace(/^\/+/, "")}`;
  const found = list.datasets.find(({ path }) => `/${path.replace(/^\/+/, "")}` === name);
  if (found === undefined) {
    throw new SluiceError(
      `it has no dataset "${dataset}"${list.isWhole ? "" : " among its first"}`,
    );
  }
  const { shape = [], type, fault } = found;
  if (fault !== undefined) throw new SluiceError(`dataset "${dataset}" is broken: ${fault}`);
  const isIn = shape.length === axes.length &&
    axes.every((axis, i) => typeof axis === "string" || axis < shape[i]);
  const said = `HDF5, "${dataset}" of ${shape.join(" x ")} ${type}`;
  if (isIn) return said;
  throw new SluiceError(`${said} has no plane at ${axes.join(", ")}`);
}

function nameFile(file: TileFile): string {
  return file.filesystem === "local" || file.filesystem === "http"
    ? file.path
    : `s3://${file.bucket}/${file.path}`;
}
