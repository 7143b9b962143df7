/**
 * Stacks of images: from a glob, a template, a folder or files to a list of images with their places.
 * @module
 */
import { box } from "../core/box.ts";
import { ImageError } from "../core/errors.ts";
import type { Axis } from "../core/point.ts";
import { convertVoxelSize, formatVoxelSize, type VoxelSize } from "../core/units.ts";
import { isRemote, joinPlace } from "../stores/place.ts";
import type { LaidOut } from "./_file_layout.ts";
import { arrangeGrid } from "./_grid.ts";
import { describeFiles } from "./_headers.ts";
import { findInputs } from "./_inputs.ts";
import { Votes } from "./_norm.ts";
import { compareNaturally } from "./_numbers.ts";
import { placeImages } from "./_place.ts";
import { arrangeRow } from "./_row.ts";
import type { Fault, SourceImage, VolumeInfo } from "./source.ts";

/** How a stack is read. */
export interface ReadImageStackOptions {
  /**
   * What an absent image means. `error`: a fault, and nothing takes its place in the list. `fill`: a fault, and it
   * stays in the list as lost. `close`: numbers that name no section mean nothing, the order of the others is z.
   * @default "error"
   */
  readonly missing?: "error" | "fill" | "close";
  /** Whether images that are there and cannot be used stay in the list, as lost. @default "error" */
  readonly onError?: "error" | "fill";
  /** Series of an OME file, by number from 0 or by name. @default The only one. */
  readonly series?: number | string;
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal;
  /** Told now and then how many files have been looked at, of how many. */
  readonly onProgress?: (read: number, total: number) => void;
  /** Files that are asked at once where the file system answers slowly; over a network twice as many. @default 16 */
  readonly concurrency?: number;
  /**
   * Where nothing can be listed, as over HTTP: the numbers along x, y and z, half-open, that a template stands for,
   * as its tokens count. Elsewhere what is there says it.
   */
  readonly spans?: Readonly<
    Partial<Record<"x" | "y" | "z", readonly [first: number, end: number]>>
  >;
}

/** Images in their places, and what is wrong with them. */
export interface ImageStack {
  /** Folder that all paths start from: an absolute path, or an address such as `s3://bucket/raw`. */
  readonly root: string;
  /** In the order t, z, c, y, x. */
  readonly images: readonly SourceImage[];
  /** What they make together. */
  readonly info: VolumeInfo;
  /** What is wrong, in the order of z; a policy may let some of it pass. */
  readonly faults: readonly Fault[];
  /** What was understood that a person may want to know, as sentences without capital and full stop. */
  readonly notes: readonly string[];
  /** Axes along which `spans` said which images there are. @default None */
  readonly spanned?: readonly Axis[];
}

/**
 * Finds the images of a stack, reads their headers, gives each its place, and names every fault. Nothing is decoded.
 *
 * - Globs (`raw/*.tif`, also several, also expanded by a shell), folders and files are put in natural order, which is
 *   z; where their names share one number that rises by a constant step, the numbers in its gaps are missing sections.
 * - A template (`<z:4>/<y>_<x>.png`) says which number is which axis; the smallest of each becomes 0. Tiles have one
 *   size, except that the last column and row may be smaller.
 * - The images of a file are sections, unless ImageJ's or OME's metadata place them along z, c and t. Samples of a
 *   pixel are channels.
 *
 * Most images set the norm of size and dtype; the others are faults.
 * Images may also lie in a bucket, named by `s3://` or `gs://` addresses of any of these kinds, or behind HTTP, where
 * nothing can be listed: there a template needs `spans`, or every image is named. Headers come as ranges of bytes.
 * @param patterns A glob, a template, a folder, or files; relative to the current folder.
 * @throws {UsageError} If nothing is found, or there is a choice to make: a series, a format.
 * @throws {ImageError} If none of the files can be read as an image.
 * @throws {BlobError} If a server does not answer, or there is no such bucket.
 * @example A gap in the numbers is a missing section
 * ```ts
 * import { encodePng, readImageStack } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [8, 9, 11]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * const { images, info, faults } = await readImageStack([`${folder}/s_*.png`]);
 * deepEqual(images.map(({ path, z }) => [path, z]), [["s_8.png", 0], ["s_9.png", 1], ["s_11.png", 3]]);
 * deepEqual(info.extent.max, [7, 5, 4, 1, 1]);
 * deepEqual(faults.map(({ kind, path, z }) => [kind, path, z]), [["missing", "s_10.png", 2]]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readImageStack(
  patterns: readonly string[],
  {
    missing = "error",
    onError = "error",
    series,
    signal = new AbortController().signal,
    onProgress = () => {},
    concurrency = 16,
    spans,
  }: ReadImageStackOptions = {},
): Promise<ImageStack> {
  const inputs = await findInputs(patterns, { signal, spans });
  const { root } = inputs;
  // What lies elsewhere is named so that it can be fetched by hand.
  const named = (fault: Fault): Fault =>
    isRemote(root) ? { ...fault, path: joinPlace(root, fault.path) } : fault;
  const found = inputs.kind === "grid" ? inputs.files.length : inputs.paths.length;
  let asked = 0;
  const describe = async (paths: readonly string[], bare?: ReadonlySet<string>) => {
    const before = asked;
    asked += paths.length;
    const report = (read: number) => onProgress(before + read, Math.max(found, asked));
    return await describeFiles(root, paths, { concurrency, signal, onProgress: report, bare });
  };
  const arranged = inputs.kind === "grid"
    ? await arrangeGrid(inputs.template, inputs.files, inputs.strays, { missing, describe })
    : await arrangeRow(inputs.paths, { missing, series, describe });
  const earlier = [...inputs.faults, ...arranged.faults];
  const { arrangement } = arranged;
  if (arrangement === undefined) {
    const faults = [
      ...earlier,
      ...arranged.described.flatMap(({ path, fault }) =>
        fault === undefined ? [] : [{ ...fault, path }]
      ),
    ];
    throw noneReadable(patterns, faults.map(named));
  }
  const placed = placeImages(arrangement, { missing, onError, series });
  const notes = [...inputs.notes, ...arranged.notes, ...placed.notes];
  const voxelSize = agreeOnVoxelSize(placed.laidOut, notes);
  if (isRemote(root) && placed.images.some(({ lost, ...image }) => !lost && isUndated(image))) {
    notes.push(
      "the server says neither when images were written nor what tells them apart: only another size shows " +
        "that one was replaced",
    );
  }
  const axes = inputs.kind === "grid" ? inputs.template.axes : [];
  return {
    root,
    images: placed.images,
    info: {
      extent: box([0, 0, 0, 0, 0], placed.size),
      dtype: arrangement.norm.tile.dtype,
      ...voxelSize === undefined ? {} : { voxelSize },
      hasChannels: placed.size[3] > 1 || axes.includes("c"),
      hasTime: placed.size[4] > 1 || axes.includes("t"),
    },
    faults: [...earlier, ...placed.faults].sort((a, b) =>
      (a.z ?? -1) - (b.z ?? -1) || compareNaturally(a.path, b.path)
    ).map(named),
    notes,
    ...inputs.kind === "grid" && inputs.spanned !== undefined ? { spanned: inputs.spanned } : {},
  };
}

function isUndated({ mtime, tag }: Pick<SourceImage, "mtime" | "tag">): boolean {
  return mtime === 0 && tag === undefined;
}

function noneReadable(patterns: readonly string[], faults: readonly Fault[]): ImageError {
  const shown = faults.slice(0, 3).map(({ path, reason }) => `"${path}" ${reason}`);
  const more = faults.length > 3 ? `, and ${faults.length - 3} more` : "";
  return new ImageError(
    `Cannot read "${
      patterns.slice(0, 3).join(" ")
    }" as a stack of images: none of its files can be read, as ` +
      `${shown.join(", ")}${more}; name PNG, TIFF or JPEG files that are whole`,
    "broken",
  );
}

/** What all files that say anything of it agree on; files whose sizes differ are not believed. */
function agreeOnVoxelSize(laidOut: readonly LaidOut[], notes: string[]): VoxelSize | undefined {
  const votes = new Votes<VoxelSize>();
  for (const { voxelSize } of laidOut) {
    if (voxelSize === undefined) continue;
    const { x, y, z } = convertVoxelSize(voxelSize, "nanometer");
    // Formats that count pixels per inch or per metre round differently.
    votes.add([x, y, z].map((edge) => edge?.toPrecision(5)).join(), voxelSize);
  }
  const { counts } = votes;
  if (counts.length > 1) {
    const said = counts.slice(0, 3).map(({ value, count }) =>
      `${count} say ${formatVoxelSize(value)}`
    );
    notes.push(
      `files differ in their voxel size (${said.join(", ")}), so none of them is believed`,
    );
    return undefined;
  }
  return votes.winner;
}
