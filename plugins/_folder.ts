/**
 * Which files of a folder are its images.
 * @module
 */
import { join } from "node:path";
import { ImageError, UsageError } from "../core/errors.ts";
import type { FileTree } from "./_file_tree.ts";
import { sniffFormat } from "./_headers.ts";
import type { Entry } from "./_walk.ts";
import { listSome } from "./_words.ts";

const FORMATS: Record<string, string> = {
  ".png": "png",
  ".tif": "tiff",
  ".tiff": "tiff",
  ".jpg": "jpeg",
  ".jpeg": "jpeg",
};

/**
 * Picks the images out of all that lies in a folder, and notes by name what it leaves out. An extension of
 * its own that no image format is known by is judged by the first bytes of one of its files.
 * @param pattern What the person asked for, for messages.
 * @throws {UsageError} If there are images of two formats: which are meant is not for this program to say.
 */
export async function selectImages(
  pattern: string,
  tree: FileTree,
  root: string,
  entries: readonly Entry[],
  notes: string[],
): Promise<string[]> {
  const visible = entries.filter(({ path, isFolder }) =>
    !isFolder && !baseOf(path).startsWith(".")
  );
  const byExtension = Map.groupBy(visible, ({ path }) => extensionOf(path));
  const images = new Map<string, string[]>();
  for (const [extension, files] of byExtension) {
    const format = FORMATS[extension] ??
      await formatOf(tree, files.map(({ path }) => join(root, path)));
    if (format === undefined) continue;
    const paths = files.map(({ path }) => path);
    images.set(format, [...images.get(format) ?? [], ...paths]);
  }
  if (images.size > 1) {
    const counts = Array.from(images, ([format, { length }]) => `${length} ${format}`).join(", ");
    const [first] = [...images.values()].sort((a, b) => b.length - a.length)[0];
    throw new UsageError(
      `Cannot read "${pattern}" as one stack: it holds images of several formats (${counts}); ` +
        `name those you mean, such as "*${extensionOf(first)}"`,
    );
  }
  const chosen = [...images.values()].flat();
  const kept = new Set(chosen);
  const left = entries.filter(({ path }) => !kept.has(path))
    .map(({ path, isFolder }) => isFolder ? `${path}/` : path).sort();
  if (left.length > 0) {
    notes.push(`left out of "${pattern}", as no images: ${listSome(left)}`);
  }
  return chosen;
}

async function formatOf(tree: FileTree, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths.slice(0, 3)) {
    try {
      await using bytes = await tree.open(path);
      const first = new Uint8Array(Math.min(16, bytes.size));
      await bytes.read(0, first);
      if (first.length > 0) return (await sniffFormat(first))?.name;
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
    }
  }
}

/** Whether images are known by this extension. */
export function isImageExtension(extension: string): boolean {
  return Object.hasOwn(FORMATS, extension.toLowerCase());
}

/** The last part of a path. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** What a name ends in, from its last dot on and in small letters; empty where it has none. */
export function extensionOf(path: string): string {
  const base = baseOf(path);
  const dot = base.lastIndexOf(".");
  return dot > 0 ? base.slice(dot).toLowerCase() : "";
}
