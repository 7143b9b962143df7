/**
 * Volumes in HDF5 files, larger than memory: what a dataset is comes from its header, and voxels are read by position.
 *
 * h5wasm finds the dataset and reads its attributes (see `_hdf5_tree.ts`). It does not tell where chunks are; so the
 * header of the dataset and the index of its chunks are read here, after the HDF5 File Format Specification 3.0: B-trees
 * of version 1, as most files have them, and the five indices of newer ones. No index is held whole: its blocks are read
 * when a chunk is looked for, and 16 MiB of them are kept. From there on threads read and decode chunks on their own.
 * @module
 */
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { isNotFound, messageOf, SluiceError, UsageError } from "../core/errors.ts";
import { type Axis } from "../core/point.ts";
import type { VoxelSize } from "../core/units.ts";
import { ATTRIBUTES, parseAxes, readAxes, readVoxelSize } from "./_hdf5_attributes.ts";
import { chooseDataset, type Hdf5Outline, listDatasets } from "./_hdf5_choose.ts";
import { openChunks } from "./_hdf5_chunks.ts";
import { Hdf5Fault } from "./_hdf5_cursor.ts";
import { type Hdf5Dataset, readDataset } from "./_hdf5_dataset.ts";
import { Hdf5File } from "./_hdf5_file.ts";
import { hdf5Storage } from "./_hdf5_storage.ts";
import { Hdf5Tree } from "./_hdf5_tree.ts";
import type { ChunkedScale } from "./chunked_array.ts";
import type { ScaleStorage } from "./volume_array.ts";

export type { Hdf5Outline };

/** Which dataset, and what its axes are. */
export interface Hdf5Options {
  /** Its path in the file, such as `/volumes/raw`. @default The only one that can be a volume */
  readonly dataset?: string;
  /** Its axes, slowest first, such as `zyxc`. @default What it says, or `yx`, `zyx`, `czyx`, `tczyx` */
  readonly axes?: string;
}

/** One dataset of an HDF5 file. */
export interface Hdf5Array extends ChunkedScale {
  /** Its path in the file. */
  readonly dataset: string;
  /** Its axes, slowest first. */
  readonly axes: readonly Axis[];
  /** Edge lengths of a voxel, if it says. */
  readonly voxelSize?: VoxelSize;
  /** What its chunks went through. */
  readonly storage: ScaleStorage;
  /** SHA-256 over what it is, with size and time of its file, wherever that lies. */
  readonly fingerprint: string;
}

/** An HDF5 file whose datasets are looked up; to be closed. What was opened of it stays. */
export interface Hdf5Datasets extends Disposable {
  /** Every dataset of the file, and whether these are all: a file may hold more than anybody looks at. */
  list(): Promise<{ readonly datasets: readonly Hdf5Outline[]; readonly isWhole: boolean }>;
  /**
   * Opens a dataset.
   * @throws {UsageError} If there is no such dataset, or none or several where no one is named.
   * @throws {SluiceError} If it is broken, or uses what is not read (named).
   */
  open(options?: Hdf5Options): Promise<Hdf5Array>;
}

/**
 * Opens a dataset of a file; nothing has to be closed.
 * @throws {UsageError} If there is no such dataset, or none or several where no one is named.
 * @throws {SluiceError} If the file is none, is cut short or being written, or uses what is not read (named).
 * @example A volume of another program
 * ```ts ignore
 * const raw = await openHdf5Array("sample_A.hdf", { dataset: "/volumes/raw" });
 * const slab = readChunked(raw, box([0, 0, 0], [1250, 1250, 16]), { pool });
 * ```
 */
export async function openHdf5Array(path: string, options: Hdf5Options = {}): Promise<Hdf5Array> {
  using datasets = await openHdf5Datasets(path);
  return await datasets.open(options);
}

/**
 * Opens a file of several datasets.
 * @param seconds Longest that looking something up may take. @default 60
 */
export async function openHdf5Datasets(path: string, seconds = 60): Promise<Hdf5Datasets> {
  const place = resolve(path);
  try {
    const file = Hdf5File.open(place);
    const tree = await Hdf5Tree.open(place, seconds);
    return {
      list: async () => {
        try {
          return await listDatasets(file, tree);
        } catch (error) {
          throw named(error, path, undefined);
        }
      },
      open: async (options = {}) => {
        try {
          return await open(file, tree, options);
        } catch (error) {
          throw named(error, path, options.dataset);
        }
      },
      [Symbol.dispose]: () => tree[Symbol.dispose](),
    };
  } catch (error) {
    throw named(error, path, undefined);
  }
}

async function open(
  file: Hdf5File,
  tree: Hdf5Tree,
  { dataset: wanted, axes: letters }: Hdf5Options,
): Promise<Hdf5Array> {
  const { path: name, address } = await chooseDataset(file, tree, wanted);
  try {
    const dataset = readDataset(file, address);
    const rank = dataset.shape.length;
    const { labels, attributes } = await tree.describe(name, ATTRIBUTES);
    const axes = letters === undefined
      ? readAxes(rank, labels, attributes)
      : parseAxes(letters, rank);
    if (axes === undefined) {
      throw new UsageError(
        `Cannot use "${letters}" as the axes of "${name}", which has ${rank}: ` +
          `give so many letters of t, c, z, y and x, each once, slowest first, such as zyx`,
      );
    }
    const voxelSize = readVoxelSize(axes, attributes);
    return {
      dataset: name,
      axes,
      ...(voxelSize === undefined ? {} : { voxelSize }),
      storage: hdf5Storage(dataset),
      fingerprint: fingerprint(file, name, address, dataset, axes),
      ...openChunks(file, dataset, axes, (error) => named(error, file.path, name)),
    };
  } catch (error) {
    throw named(error, file.path, name);
  }
}

/** The error of a file, with its name and that of the dataset. */
function named(error: unknown, path: string, dataset: string | undefined): unknown {
  const what = `${dataset === undefined ? "" : `"${dataset}" of `}"${path}" as HDF5`;
  if (error instanceof Hdf5Fault) {
    return new SluiceError(`Cannot read ${what}: ${error.message}; ${error.wayOut}`, {
      cause: error,
    });
  }
  if (isNotFound(error)) {
    return new SluiceError(`Cannot open "${path}" as HDF5: there is no such file; mend its name`, {
      cause: error,
    });
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new SluiceError(`Cannot open ${what}: ${messageOf(error)}; let it be read`, {
      cause: error,
    });
  }
  return error;
}

function fingerprint(
  { size, mtime }: Hdf5File,
  name: string,
  address: number,
  { shape, type, fill, filters, layout }: Hdf5Dataset,
  axes: readonly Axis[],
): string {
  const facts = {
    name,
    address,
    shape,
    axes,
    dtype: type.dtype,
    bigEndian: type.bigEndian,
    fill: String(fill),
    filters,
    layout,
    size,
    mtime,
  };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}
