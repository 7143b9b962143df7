/**
 * Volumes by their address, or by what lies there.
 * @module
 */
import { resolve } from "node:path";
import { isNotFound, UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import { openBlobs, type OpenBlobsOptions } from "../stores/blobs/open_blobs.ts";
import { isRemote, namesPlace, resolvePlace, shownPlace } from "../stores/place.ts";
import { extensionOf, isImageExtension } from "./_folder.ts";
import { isGlob } from "./_glob.ts";
import { isTemplate } from "./_template.ts";
import type { ArrayReader, VolumeArray } from "./volume_array.ts";

/** A format whose volumes are folders. */
interface FolderFormat {
  /** Files one of which lies in the folder of a volume. */
  readonly markers: readonly string[];
  readonly open: (reader: ArrayReader, options: OpenArrayOptions) => Promise<VolumeArray>;
}

/** A format whose volumes are files. */
interface FileFormat {
  /** How an address of one looks. */
  readonly looks: RegExp;
  readonly openFile: (path: string) => Promise<VolumeArray>;
}

/** A format whose volumes a service has, so that their addresses alone tell them. */
interface ServedFormat {
  readonly openAddress: (address: string, options: OpenArrayOptions) => Promise<VolumeArray>;
}

/** How a volume is opened. */
export interface OpenArrayOptions {
  /** How the place is opened that holds it. */
  readonly blobs?: OpenBlobsOptions;
  /** Ends the opening with its reason. */
  readonly signal?: AbortSignal;
}

/** A file of HDF5, and a dataset in it: `FILE.h5:/volumes/raw`. */
const HDF5 = /^(.+\.(?:h5|hdf5|hdf|he5))(?::(\/.+))?$/i;

/** The HDF5 file that an address names, with a dataset in it or not; undefined where it names none. */
export function parseHdf5(
  address: string,
): { readonly path: string; readonly dataset?: string } | undefined {
  const [scheme] = /^hdf5:\/\//.exec(address) ?? [""];
  const place = address.slice(scheme.length);
  const found = HDF5.exec(place);
  if (found === null) return scheme === "" ? undefined : { path: place };
  const [, path, dataset] = found;
  return { path, ...(dataset === undefined ? {} : { dataset }) };
}

async function openHdf5(address: string): Promise<VolumeArray> {
  const { path, dataset } = parseHdf5(address) ?? { path: address };
  const { openHdf5Array } = await import("./hdf5_array.ts");
  const { dataset: name, axes, voxelSize, fingerprint, ...scale } = await openHdf5Array(
    path,
    dataset === undefined ? {} : { dataset },
  );
  return {
    format: "hdf5",
    url: resolve(path),
    axes,
    scales: [{
      ...scale,
      name,
      ...(voxelSize === undefined ? {} : { voxelSize }),
      offset: [0, 0, 0, 0, 0],
    }],
    fingerprint,
  };
}

/** Every format by the scheme of its addresses. Nothing loads before it is used. */
const FORMATS: ReadonlyMap<string, FolderFormat | FileFormat | ServedFormat> = new Map<
  string,
  FolderFormat | FileFormat | ServedFormat
>([
  ["zarr", {
    markers: ["zarr.json", ".zarray", ".zattrs", ".zgroup"],
    open: async (reader, options) =>
      await (await import("./zarr_array.ts")).openZarrArray(reader, options),
  }],
  ["precomputed", {
    markers: ["info"],
    open: async (reader) =>
      await (await import("./precomputed_array.ts")).openPrecomputedArray(reader),
  }],
  ["n5", {
    markers: ["attributes.json"],
    open: async (reader, options) =>
      await (await import("./n5_array.ts")).openN5Array(reader, options),
  }],
  ["hdf5", { looks: HDF5, openFile: openHdf5 }],
  ["bossdb", {
    openAddress: async (address, { blobs: { retry } = {}, signal }) =>
      await (await import("./bossdb_array.ts")).openBossdbArray(address, {
        ...(retry === undefined ? {} : { retry }),
        ...(signal === undefined ? {} : { signal }),
      }),
  }],
]);

/**
 * Opens the volume at an address: `FORMAT://PLACE`, or a place alone, which is looked at. A place is a path, or begins
 * with `s3://`, `gs://`, `http://` or `https://`; a channel of a Boss is `bossdb://COLLECTION/EXPERIMENT/CHANNEL`.
 * @returns Undefined where the address names no format and nothing there tells one.
 * @throws {SluiceError} If there is no volume of that format, or it uses something that is not read (named).
 */
export async function openArray(
  address: string,
  options: OpenArrayOptions = {},
): Promise<VolumeArray | undefined> {
  // The address stands in the job's folder and in messages.
  if (/:\/\/[^/?#]*@/.test(address)) {
    throw new UsageError(
      `Cannot open "${
        shownPlace(address)
      }" with a name or password in its address: leave them away`,
    );
  }
  const scheme = namesPlace(address) ? undefined : /^([a-z][a-z0-9+.-]+):\/\//.exec(address)?.[1];
  if (scheme !== undefined) {
    // Without a format, what has a query is taken for images, and refused as such.
    if (shownPlace(address) !== address) {
      throw new UsageError(
        `Cannot open "${
          shownPlace(address)
        }" with a query or a fragment behind it, which would be kept beside the plan: leave it away`,
      );
    }
    const format = FORMATS.get(scheme);
    if (format === undefined) {
      throw new UsageError(
        `Cannot open "${address}": "${scheme}" is neither a format nor a place${
          didYouMean(scheme, [...FORMATS.keys(), "s3", "gs", "https"])
        }`,
      );
    }
    if ("openAddress" in format) return await format.openAddress(address, options);
    return await open(format, address.slice(scheme.length + 3), options);
  }
  if (isRemote(address) && namesImages(address)) return undefined;
  for (const format of FORMATS.values()) {
    if ("openAddress" in format) continue;
    const isOne = "looks" in format
      ? format.looks.test(address)
      : await isOf(format, address, options);
    if (isOne) return await open(format, address, options);
  }
  return undefined;
}

/** Whether an address can only mean images: then no server is asked for a volume there. */
function namesImages(address: string): boolean {
  const path = address.replace(/^[^:]+:\/\/[^/]*/, "");
  return isTemplate(path) || isGlob(path) || isImageExtension(extensionOf(path));
}

async function open(
  format: FolderFormat | FileFormat,
  place: string,
  options: OpenArrayOptions,
): Promise<VolumeArray> {
  if ("openFile" in format) return await format.openFile(place);
  return await format.open(await openBlobs(resolvePlace(place), options.blobs), options);
}

async function isOf(
  { markers }: FolderFormat,
  place: string,
  options: OpenArrayOptions,
): Promise<boolean> {
  if (!isRemote(place) && !(await isFolder(resolvePlace(place)))) return false;
  await using blobs = await openBlobs(resolvePlace(place), options.blobs);
  for (const marker of markers) {
    if (await blobs.head(marker) !== undefined) return true;
  }
  return false;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (isNotFound(error) || (error as { code?: string }).code === "ENOTDIR") return false;
    throw error;
  }
}
