/**
 * Volumes by their address, or by what lies there.
 * @module
 */
import { resolve } from "node:path";
import { isNotFound, UsageError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";
import type { ArrayReader, VolumeArray } from "./volume_array.ts";

/** How a format is told, and opened. */
interface ArrayFormat {
  /** Files one of which lies in the folder of a volume; absent: the volume is a file itself. */
  readonly markers?: readonly string[];
  /** How the name of such a file ends. */
  readonly ending?: RegExp;
  readonly open: (reader: ArrayReader, options: OpenArrayOptions) => Promise<VolumeArray>;
}

/** How a volume is opened. */
export interface OpenArrayOptions {
  /** Ends the opening with its reason. */
  readonly signal?: AbortSignal;
}

/** Every format by the scheme of its addresses. Nothing loads before it is used. */
const FORMATS: ReadonlyMap<string, ArrayFormat> = new Map<string, ArrayFormat>([
  ["precomputed", {
    markers: ["info"],
    open: async (reader) =>
      await (await import("./precomputed_array.ts")).openPrecomputedArray(reader),
  }],
]);

/** Schemes of places, as opposed to formats. */
const PLACES = /^(?:s3|gs|https?|file):\/\//;

/**
 * Opens the volume at an address: `FORMAT://PLACE`, or a place alone, which is looked at. A place is a path, or begins
 * with `s3://`, `gs://`, `http://` or `https://`.
 * @returns Undefined where the address names no format and nothing there tells one.
 * @throws {SluiceError} If there is no volume of that format, or it uses something that is not read (named).
 */
export async function openArray(
  address: string,
  options: OpenArrayOptions = {},
): Promise<VolumeArray | undefined> {
  const scheme = PLACES.test(address) ? undefined : /^([a-z][a-z0-9+.-]+):\/\//.exec(address)?.[1];
  if (scheme !== undefined) {
    const format = FORMATS.get(scheme);
    if (format === undefined) {
      throw new UsageError(
        `Cannot open "${address}": "${scheme}" is neither a format nor a place${
          didYouMean(scheme, [...FORMATS.keys(), "s3", "gs", "https"])
        }`,
      );
    }
    return await open(format, address.slice(scheme.length + 3), options);
  }
  for (const format of FORMATS.values()) {
    if (await isOf(format, address)) return await open(format, address, options);
  }
  return undefined;
}

async function open(
  format: ArrayFormat,
  place: string,
  options: OpenArrayOptions,
): Promise<VolumeArray> {
  return await format.open(await openBlobs(PLACES.test(place) ? place : resolve(place)), options);
}

async function isOf({ markers = [], ending }: ArrayFormat, place: string): Promise<boolean> {
  if (ending !== undefined) return ending.test(place);
  if (!PLACES.test(place) && !(await isFolder(place))) return false;
  await using blobs = await openBlobs(PLACES.test(place) ? place : resolve(place));
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
