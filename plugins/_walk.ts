/**
 * Finds the paths that a row of segments stands for, by listing the folders that can match and no others.
 * @module
 */
import { join } from "node:path";
import { isNotFound } from "../core/errors.ts";
import type { Segment } from "./_glob.ts";

/** Something a walk found. */
export interface Entry {
  /** Relative to where the walk began, with `/` between folders. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** What a walk needs beside its segments. */
export interface WalkOptions {
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
  options.signal?.throwIfAborted();
  const [segment, ...rest] = segments;
  const here = join(from, path);
  const below = (name: string) => path === "" ? name : `${path}/${name}`;
  if (segment.kind === "literal") {
    if (rest.length > 0) yield* walk(from, rest, options, below(segment.name));
    else {
      const found = await lookUp(join(here, segment.name));
      if (found !== undefined) yield { path: below(segment.name), isFolder: found.isDirectory };
    }
    return;
  }
  if (segment.kind === "folders" && rest.length > 0) yield* walk(from, rest, options, path);
  const folders: string[] = [];
  for await (const entry of list(here, path, options)) {
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
  for (const name of folders) yield* walk(from, after, options, below(name));
}

/** What lies at a path, links not followed; undefined where there is nothing. */
export async function lookUp(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (isNotFound(error) || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

async function* list(
  folder: string,
  path: string,
  { onUnreadable, signal }: WalkOptions,
): AsyncGenerator<Deno.DirEntry> {
  try {
    for await (const entry of Deno.readDir(folder)) {
      signal?.throwIfAborted();
      yield entry;
    }
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) onUnreadable(path, error);
    else if (!isNotFound(error) && !(error instanceof Deno.errors.NotADirectory)) throw error;
  }
}
