/**
 * Finds the paths that a row of segments stands for, by listing the folders that can match and no others.
 * @module
 */
import { join } from "node:path";
import { type FileTree, localTree, type TreeEntry } from "./_file_tree.ts";
import type { Segment } from "./_glob.ts";

/** Something a walk found. */
export interface Entry {
  /** Relative to where the walk began, with `/` between folders. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** What a walk needs beside its segments. */
export interface WalkOptions {
  /** Where it walks. @default Folders of this machine */
  readonly tree?: FileTree;
  readonly signal?: AbortSignal;
  /** Told of a folder that may not be listed. */
  readonly onUnreadable: (path: string, error: Error) => void;
}

/**
 * Walks from a folder along segments. Links are followed, except to folders below `**`, where they could lead
 * round in a circle.
 */
export async function* walk(
  from: string,
  segments: readonly Segment[],
  options: WalkOptions,
  path = "",
): AsyncGenerator<Entry> {
  const { tree = localTree, signal } = options;
  signal?.throwIfAborted();
  const [segment, ...rest] = segments;
  const here = join(from, path);
  const below = (name: string) => path === "" ? name : `${path}/${name}`;
  if (segment.kind === "literal") {
    if (rest.length > 0) yield* walk(from, rest, options, below(segment.name));
    else {
      const found = await tree.lookUp(join(here, segment.name));
      if (found !== undefined) yield { path: below(segment.name), isFolder: found === "folder" };
    }
    return;
  }
  if (segment.kind === "folders" && rest.length > 0) yield* walk(from, rest, options, path);
  const folders: string[] = [];
  for await (const entry of list(tree, here, path, segment, options)) {
    if (segment.kind === "folders") {
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory) folders.push(entry.name);
      else if (rest.length === 0) yield { path: below(entry.name), isFolder: false };
    } else if (segment.pattern.test(entry.name)) {
      if (rest.length === 0) {
        yield { path: below(entry.name), isFolder: entry.isDirectory };
      } else if (entry.isDirectory || entry.isSymlink) folders.push(entry.name);
    }
  }
  const after = segment.kind === "folders" ? segments : rest;
  const walks = folders.map((name) => () => walk(from, after, options, below(name)));
  if (tree.listedAtOnce === 1) { for (const next of walks) yield* next(); }
  else yield* ahead(walks, tree.listedAtOnce);
}

/** What several walks find, in their order, while those that follow are under way. */
async function* ahead(
  walks: readonly (() => AsyncGenerator<Entry>)[],
  most: number,
): AsyncGenerator<Entry> {
  const running: Promise<Entry[]>[] = [];
  try {
    for (let next = 0; next < walks.length || running.length > 0;) {
      while (next < walks.length && running.length < most) {
        const found = Array.fromAsync(walks[next++]());
        found.catch(() => {});
        running.push(found);
      }
      yield* await running[0];
      running.shift();
    }
  } finally {
    await Promise.allSettled(running);
  }
}

async function* list(
  tree: FileTree,
  folder: string,
  path: string,
  segment: Segment,
  { onUnreadable, signal }: WalkOptions,
): AsyncGenerator<TreeEntry> {
  // Up to the first letter that a glob or a template may mean something by.
  const beginning = segment.kind === "match" ? /^[^*?[\\<]*/.exec(segment.text)![0] : "";
  try {
    for await (const entry of tree.list(folder, { beginning, signal })) {
      signal?.throwIfAborted();
      yield entry;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    onUnreadable(path, error);
  }
}
