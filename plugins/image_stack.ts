/**
 * Stacks of images: from a glob, a template, a folder or files to a list of images with their places.
 * @module
 */
import { box } from "../core/box.ts";
import { UsageError } from "../core/errors.ts";
import { type Axis, mapPoint, type Point, product, ravel, unravel } from "../core/point.ts";
import type { VoxelSize } from "../core/units.ts";
import { gatherSets } from "./_file_set.ts";
import { listSome } from "./_folder.ts";
import { type Described, describeFiles } from "./_headers.ts";
import { findInputs, type Inputs } from "./_inputs.ts";
import { findNorm, type TileVote } from "./_norm.ts";
import { compareNaturally, countedName, readRow } from "./_numbers.ts";
import { type Arrangement, placeImages, type Slot } from "./_place.ts";
import type { Fault, SourceImage, VolumeInfo } from "./source.ts";

/** How a stack is read. */
export interface ReadImageStackOptions {
  /** What an absent image means; `close`: the others move together. @default "error" */
  readonly missing?: "error" | "fill" | "close";
  /** Whether broken images stay in the list as lost. @default "error" */
  readonly onError?: "error" | "fill";
  /** Series of an OME file, by number or name. */
  readonly series?: number | string;
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal;
  /** Told how many files have been looked at. */
  readonly onProgress?: (read: number, total: number) => void;
  /** Files that are asked at once where the file system answers slowly. @default 16 */
  readonly concurrency?: number;
}

/** Images in their places, and what is wrong with them. */
export interface ImageStack {
  /** Folder that all paths start from; absolute. */
  readonly root: string;
  /** In the order t, z, c, y, x. */
  readonly images: readonly SourceImage[];
  /** What they make together. */
  readonly info: VolumeInfo;
  /** What is wrong; a policy may let some of it pass. */
  readonly faults: readonly Fault[];
  /** What to know. */
  readonly notes: readonly string[];
}

/** Cells of a grid that may be without an image, for each that has one, before the names are doubted. */
const SPARSE = 100;

/**
 * Reads the headers of a stack; nothing is decoded.
 * @param patterns A glob or several (natural sort, the order is z), one template (`<z:4>/<y>_<x>.png`), a folder,
 * or files; pages of a file are sections.
 * @throws {UsageError} If nothing is found, no image can be read, or a choice is needed (a series).
 */
export async function readImageStack(
  patterns: readonly string[],
  options: ReadImageStackOptions = {},
): Promise<ImageStack> {
  const { missing = "error", onError = "error", series, concurrency = 16 } = options;
  const { signal = new AbortController().signal, onProgress = () => {} } = options;
  const inputs = await findInputs(patterns, { signal });
  const { root } = inputs;
  const faults: Fault[] = [...inputs.faults];
  const notes: string[] = [...inputs.notes];
  const row = inputs.kind === "ordered" ? orderPaths(inputs.paths, missing, faults, notes) : undefined;
  const grid = inputs.kind === "grid" ? arrangeGrid(inputs, missing, faults, notes) : undefined;
  const places: readonly Place[] = row ?? grid!.places;
  const paths = places.flatMap(({ path, isThere }) => isThere ? [path] : []);
  const described = await describeFiles(root, paths, { concurrency, signal, onProgress });
  const byPath = new Map(described.map((one) => [one.path, one]));
  const sets = await gatherSets(
    described,
    series,
    (more) => describeFiles(root, more, { concurrency, signal, onProgress: () => {} }),
  );
  faults.push(...sets.faults);
  notes.push(...sets.notes);
  const slots: Slot[] = [];
  for (const { path, at } of places) {
    const set = sets.sets.find((set) => set.paths.has(path));
    if (set !== undefined && set.lead.path !== path) continue;
    const one = byPath.get(path);
    slots.push({
      path,
      at: row === undefined ? at : [0, 0, slots.length, 0, 0],
      ...(one === undefined ? {} : { described: one }),
      ...(set === undefined ? {} : { set }),
    });
  }
  const counts: Point = grid?.counts ?? [1, 1, slots.length, 1, 1];
  const norm = findNorm(slots.flatMap(votesOf), counts[0] - 1, counts[1] - 1);
  if (norm === undefined) throw noneReadable(patterns, described);
  const arrangement: Arrangement = { kind: row === undefined ? "grid" : "row", slots, counts, norm };
  const placed = placeImages(arrangement, { missing, onError, ...(series === undefined ? {} : { series }) });
  notes.push(...placed.notes);
  const voxelSize = commonVoxelSize(placed.laidOut.map(({ voxelSize }) => voxelSize), notes);
  return {
    root,
    images: placed.images,
    faults: [...faults, ...placed.faults],
    notes,
    info: {
      extent: box([0, 0, 0, 0, 0], placed.size),
      dtype: norm.tile.dtype,
      ...(voxelSize === undefined ? {} : { voxelSize }),
      hasChannels: placed.size[3] > 1 || grid?.axes.includes("c") === true,
      hasTime: placed.size[4] > 1 || grid?.axes.includes("t") === true,
    },
  };
}

/** Where one file is to lie; one that is not there is missing. */
interface Place {
  readonly path: string;
  readonly at: Point;
  readonly isThere: boolean;
}

function votesOf({ described, set, at }: Slot): TileVote[] {
  const files = set === undefined ? [described] : set.layout.planes.map(({ of }) => of ?? described);
  const headers = set === undefined ? files[0]?.file?.images ?? [] : files.flatMap((of) => of?.file?.images.slice(0, 1) ?? []);
  return headers.map((header) => ({ header, column: at[0], row: at[1] }));
}

/** Natural order; gaps in the numbers of the names are missing files, unless they are to be closed. */
function orderPaths(
  paths: readonly string[],
  missing: "error" | "fill" | "close",
  faults: Fault[],
  notes: string[],
): Place[] {
  const names = new Map<string, string>();
  for (const path of paths.toSorted(compareNaturally)) {
    const counted = countedName(path);
    const first = names.get(counted);
    if (first === undefined) names.set(counted, path);
    else faults.push({ kind: "duplicate", path, reason: `has the number of "${first}"` });
  }
  const ordered = [...names.values()];
  const there = (path: string, z: number): Place => ({ path, at: [0, 0, z, 0, 0], isThere: true });
  const row = readRow(ordered);
  if (row.kind === "ordered") {
    if (row.why !== undefined) notes.push(`the order of the names is z: ${row.why}`);
    return ordered.map(there);
  }
  if (missing === "close") {
    const gaps = row.places.at(-1)! + 1 - ordered.length;
    if (gaps > 0) notes.push(`${gaps} missing ${gaps === 1 ? "section is" : "sections are"} closed up: the order of the names is z`);
    return ordered.map(there);
  }
  const places: Place[] = [];
  for (const [i, place] of row.places.entries()) {
    while (places.length < place) {
      places.push({ path: row.pathAt(places.length), at: [0, 0, places.length, 0, 0], isThere: false });
    }
    places.push(there(ordered[i], place));
  }
  if (row.first !== 0 || row.step !== 1) {
    notes.push(`z 0 is "${ordered[0]}"${row.step === 1 ? "" : `, and numbers rise by ${row.step}`}`);
  }
  return places;
}

/** The cells of a template, with those where no file lies. */
function arrangeGrid(
  { template, files, strays }: Extract<Inputs, { kind: "grid" }>,
  missing: "error" | "fill" | "close",
  faults: Fault[],
  notes: string[],
): { places: Place[]; counts: Point; axes: readonly Axis[] } {
  const names = ["x", "y", "z", "c", "t"] as const;
  const indexOf = (indexes: Partial<Record<Axis, number>>): Point => mapPoint([0, 0, 0, 0, 0], (_, axis) => indexes[names[axis]] ?? 0);
  const found = new Map<string, string>();
  const cells: { path: string; index: Point }[] = [];
  for (const { path, indexes } of [...files, ...strays]) {
    const index = indexOf(indexes);
    const first = found.get(index.join());
    if (first === undefined) {
      found.set(index.join(), path);
      cells.push({ path, index });
    } else faults.push({ kind: "duplicate", path, reason: `has the numbers of "${first}"`, z: index[2] });
  }
  const padded = strays.filter(({ path }) => cells.some((cell) => cell.path === path));
  if (padded.length > 0) notes.push(`padded otherwise than the template says: ${listSome(padded.map(({ path }) => path))}`);
  const values = mapPoint([0, 0, 0, 0, 0], (_, axis) => axis).map((axis) =>
    [...new Set(cells.map(({ index }) => index[axis]))].sort((a, b) => a - b)
  );
  const closed = (axis: number) => missing === "close" && axis === 2;
  const low = mapPoint([0, 0, 0, 0, 0], (_, axis) => values[axis][0]);
  const counts = mapPoint([0, 0, 0, 0, 0], (_, axis) => closed(axis) ? values[axis].length : values[axis].at(-1)! - low[axis] + 1);
  const placeOf = (index: Point): Point =>
    mapPoint(index, (value, axis) => closed(axis) ? values[axis].indexOf(value) : value - low[axis]);
  for (const [axis, name] of names.entries()) {
    if (!template.axes.includes(name) || low[axis] === 0) continue;
    notes.push(`${name} 0 is number ${low[axis] + template.offsetOf(name)} of the names`);
  }
  if (product(counts) > SPARSE * cells.length + 10_000) {
    throw new UsageError(
      `Cannot read "${template.text}" as a template: its ${cells.length} files would lie in a grid of ${
        counts.join(" x ")
      } (x, y, z, c, t), nearly all of it empty; check which number is which axis`,
    );
  }
  const byPlace = new Map(cells.map(({ path, index }) => [ravel(placeOf(index), counts), path]));
  const places = Array.from({ length: product(counts) }, (_, i): Place => {
    const at = unravel(i, counts);
    const path = byPlace.get(i);
    if (path !== undefined) return { path, at, isThere: true };
    const indexes = Object.fromEntries(
      names.map((name, axis) => [name, closed(axis) ? values[axis][at[axis]] : at[axis] + low[axis]]),
    );
    return { path: template.format(indexes), at, isThere: false };
  });
  return { places, counts, axes: template.axes };
}

function noneReadable(patterns: readonly string[], described: readonly Described[]): UsageError {
  const reasons = described.slice(0, 5).map(({ path, fault }) => `"${path}" ${fault?.reason ?? "holds no image"}`);
  return new UsageError(
    `Cannot read "${patterns.slice(0, 3).join(" ")}" as images: none of ${described.length} ${
      described.length === 1 ? "file" : "files"
    } can be used (${reasons.join("; ")}); PNG, TIFF and JPEG are read`,
  );
}

/** What all files that say anything agree on. */
function commonVoxelSize(sizes: readonly (VoxelSize | undefined)[], notes: string[]): VoxelSize | undefined {
  const said = sizes.filter((size) => size !== undefined);
  const different = new Set(said.map(({ x, y, z, unit }) => `${x}/${y}/${z}/${unit}`));
  if (different.size > 1) {
    notes.push(`the files name ${different.size} different voxel sizes: none is used; give --voxel-size`);
    return undefined;
  }
  return said[0];
}
