/**
 * Looks at some images again, after a file came back or was mended.
 * @module
 */
import { join } from "node:path";
import { type Described, describeFile } from "./_headers.ts";
import { compareHeaders } from "./_norm.ts";
import type { SourceImage } from "./source.ts";

/** How images are looked at again. */
export interface RescanOptions {
  /** Ends it with its reason. */
  readonly signal?: AbortSignal;
}

/** One place that was looked at again; either `image` or `reason` is there. */
export interface Rescanned {
  /** The image as it is now; absent where it cannot be used. */
  readonly image?: SourceImage;
  /** Where the file lies, root included. */
  readonly path: string;
  /** Why it cannot be used, in words that follow the path. */
  readonly reason?: string;
}

/**
 * Reads the headers of some images again. One can be used if it has the size, samples and dtype of its place.
 * @param root Folder that the paths start from.
 * @param images As the list has them, lost or not.
 * @returns One answer for each, in their order.
 */
export async function rescanImages(
  root: string,
  images: readonly SourceImage[],
  { signal }: RescanOptions = {},
): Promise<Rescanned[]> {
  const files = new Map<string, Described>();
  const rescanned: Rescanned[] = [];
  for (const image of images) {
    signal?.throwIfAborted();
    const described = files.get(image.path) ?? await describeFile(root, image.path);
    files.set(image.path, described);
    rescanned.push({ path: join(root, image.path), ...compare(image, described) });
  }
  return rescanned;
}

function compare(
  planned: SourceImage,
  { file, fault, format, size, mtime }: Described,
): { image: SourceImage } | { reason: string } {
  if (file === undefined) return { reason: fault?.reason ?? "cannot be read" };
  const { length } = file.images;
  if (planned.page === undefined && length > 1) {
    return { reason: `holds ${length} images where one was planned` };
  }
  const found = file.images[planned.page ?? 0];
  if (found === undefined) {
    return { reason: `holds ${length} images, and none is page ${planned.page! + 1}` };
  }
  const odd = compareHeaders(found, planned);
  if (odd !== undefined) return { reason: odd.reason };
  const { lost: _, ...kept } = planned;
  return { image: { ...kept, format, at: found.at, size, mtime, rowGroup: found.rowGroup } };
}
