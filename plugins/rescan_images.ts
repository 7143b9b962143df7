/**
 * Looks at some images again, after a file came back or was mended.
 * @module
 */
import { joinPlace } from "../stores/place.ts";
import { type Described, describeFiles } from "./_headers.ts";
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
 * @param root Folder or address that the paths start from.
 * @param images As the list has them, lost or not.
 * @returns One answer for each, in their order.
 */
export async function rescanImages(
  root: string,
  images: readonly SourceImage[],
  { signal = new AbortController().signal }: RescanOptions = {},
): Promise<Rescanned[]> {
  const paths = [...new Set(images.map(({ path }) => path))];
  const options = { concurrency: AT_ONCE, signal, onProgress: () => {} };
  const described = await describeFiles(root, paths, options);
  const files = new Map(described.map((one) => [one.path, one]));
  return images.map((image) => ({
    path: joinPlace(root, image.path),
    ...compare(image, files.get(image.path)!),
  }));
}

const AT_ONCE = 16;

function compare(
  planned: SourceImage,
  { file, fault, format, size, mtime, tag }: Described,
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
  const { lost: _lost, tag: _tag, ...kept } = planned;
  const version = { size, mtime, ...tag === undefined ? {} : { tag } };
  return { image: { ...kept, format, at: found.at, ...version, rowGroup: found.rowGroup } };
}
