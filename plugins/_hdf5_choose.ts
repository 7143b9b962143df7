/** Which dataset of an HDF5 file is meant. */
import { UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import { Hdf5Fault } from "./_hdf5_cursor.ts";
import { readOutline } from "./_hdf5_dataset.ts";
import type { Hdf5File } from "./_hdf5_file.ts";
import type { Hdf5Entry, Hdf5Tree } from "./_hdf5_tree.ts";
import { countOf } from "./_words.ts";

/** A dataset of a file, as its header says it. */
export interface Hdf5Outline {
  /** Its path in the file. */
  readonly path: string;
  /** Lengths along its axes, slowest first; empty for one value; absent where its header is broken. */
  readonly shape?: readonly number[];
  /** What its values are, such as `uint16`; absent where its header is broken. */
  readonly type?: string;
  /** Whether it can be a volume: 2 to 5 axes, and voxels of a known type. */
  readonly isVolume: boolean;
  /** What is wrong with its header. */
  readonly fault?: string;
}

/** Datasets that a message names. */
const MOST_NAMED = 20;

/**
 * The dataset of a name, or the only one that can be a volume: of 2 to 5 dimensions, and with voxels of a known type.
 * @throws {UsageError} If there is none, or several and no name. @throws {Hdf5Fault} If it cannot be reached.
 */
export async function chooseDataset(
  file: Hdf5File,
  tree: Hdf5Tree,
  wanted: string | undefined,
): Promise<Hdf5Entry> {
  return await (wanted === undefined ? onlyOne(file, tree) : named(file, tree, wanted));
}

async function onlyOne(file: Hdf5File, tree: Hdf5Tree): Promise<Hdf5Entry> {
  const { entries, isWhole } = await tree.list();
  if (!isWhole) {
    throw new UsageError(
      `Cannot choose a dataset of "${file.path}": it holds too many to look at; name one`,
    );
  }
  const outlines = entries.map((entry) => ({ entry, ...outlineOf(file, entry) }));
  const volumes = outlines.filter(({ isVolume }) => isVolume);
  if (volumes.length === 1) return volumes[0].entry;
  const shown = volumes.length === 0 ? outlines : volumes;
  const lines = shown.slice(0, MOST_NAMED).map((one) => `  "${one.path}" ${spellOutline(one)}`);
  if (shown.length > MOST_NAMED) lines.push(`  and ${shown.length - MOST_NAMED} more`);
  const what = volumes.length === 0
    ? `none of its ${countOf(entries.length, "dataset")} has voxels in 2 to 5 dimensions`
    : `it holds ${volumes.length}; name one`;
  throw new UsageError([`Cannot choose a dataset of "${file.path}": ${what}`, ...lines].join("\n"));
}

/** Every dataset of a file. */
export async function listDatasets(
  file: Hdf5File,
  tree: Hdf5Tree,
): Promise<{ readonly datasets: readonly Hdf5Outline[]; readonly isWhole: boolean }> {
  const { entries, isWhole } = await tree.list();
  return { datasets: entries.map((entry) => outlineOf(file, entry)), isWhole };
}

function outlineOf(file: Hdf5File, { path, address }: Hdf5Entry): Hdf5Outline {
  try {
    const { shape, type } = readOutline(file, address);
    const isVolume = type.dtype !== undefined && shape.length >= 2 && shape.length <= 5;
    return { path, shape, type: type.name, isVolume };
  } catch (error) {
    if (!(error instanceof Hdf5Fault)) throw error;
    // One that is broken may be the one that was meant.
    return { path, isVolume: true, fault: error.message };
  }
}

/** A dataset in words, such as `3 x 5 x 7, uint16`. */
function spellOutline({ shape = [], type, fault }: Hdf5Outline): string {
  return fault ?? `${shape.length === 0 ? "one value" : shape.join(" x ")}, ${type}`;
}

async function named(file: Hdf5File, tree: Hdf5Tree, wanted: string): Promise<Hdf5Entry> {
  const path = `/${wanted.replace(/^\/+|\/+$/g, "")}`;
  const found = await tree.find(path);
  switch (found.kind) {
    case "dataset":
      return found.entry;
    case "elsewhere":
      throw new Hdf5Fault(`it is a link into "${found.file}"`, "name that file");
    case "group": {
      const below = path === "/" ? path : `${path}/`;
      const inside = (await tree.list()).entries.filter((entry) => entry.path.startsWith(below));
      throw new UsageError(
        `Cannot read "${path}" of "${file.path}" as a dataset: it is a group${
          inside.length === 0
            ? " without any"
            : `; name one of its ${countOf(inside.length, "dataset")}, such as "${inside[0].path}"`
        }`,
      );
    }
    case "nothing": {
      const paths = (await tree.list()).entries.map(({ path }) => path);
      const ending = paths.filter((known) => known.endsWith(path));
      const hint = ending.length === 1
        ? `; did you mean "${ending[0]}"?`
        : didYouMean(path, paths) ||
          (paths.length === 0
            ? "; it holds none"
            : `; it holds ${paths.slice(0, MOST_NAMED).map((known) => `"${known}"`).join(", ")}`);
      throw new UsageError(`Cannot find the dataset "${path}" in "${file.path}"${hint}`);
    }
    default:
      return found satisfies never;
  }
}
