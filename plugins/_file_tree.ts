/**
 * Where files are looked for: folders of this machine; `_blob_tree.ts` has those of a bucket.
 * @module
 */
import { openFileSource } from "../codecs/file_source.ts";
import type { ByteSource } from "../codecs/image.ts";
import { isNotFound } from "../core/errors.ts";

/** One line of a listing. */
export interface TreeEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  /** Whether it may lead to a folder. */
  readonly isSymlink: boolean;
}

/** How a folder is listed. */
export interface TreeListOptions {
  /** What the names that matter begin with; others may come, too. */
  readonly beginning?: string;
  readonly signal?: AbortSignal;
}

/** Folders and files below one root; every path is absolute, with `/` between names. */
export interface FileTree {
  /** Folders that are listed at once. */
  readonly listedAtOnce: number;
  /** What lies at a path, links not followed: where one leads is not asked. */
  lookUp(path: string): Promise<"folder" | "file" | undefined>;
  /** What a path leads to; a link that leads nowhere is a file that is missing. At hand, the answer comes at once. */
  kindOf(path: string): "folder" | "file" | undefined | Promise<"folder" | "file" | undefined>;
  /** What a folder holds. A folder that is not there holds nothing. */
  list(folder: string, options?: TreeListOptions): AsyncIterable<TreeEntry>;
  /** @throws {ImageError} If it cannot be read. */
  open(path: string): Promise<ByteSource>;
  /** How messages and lists name a path. */
  nameOf(path: string): string;
}

/** Folders of this machine. */
export const localTree: FileTree = {
  listedAtOnce: 1,
  async lookUp(path) {
    try {
      return (await Deno.lstat(path)).isDirectory ? "folder" : "file";
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  },
  kindOf(path) {
    try {
      return Deno.statSync(path).isDirectory ? "folder" : "file";
    } catch {
      try {
        return Deno.lstatSync(path) && "file";
      } catch {
        return undefined;
      }
    }
  },
  async *list(folder) {
    try {
      yield* Deno.readDir(folder);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  },
  open: (path) => openFileSource(path),
  nameOf: (path) => path,
};

function isAbsent(error: unknown): boolean {
  return isNotFound(error) || error instanceof Deno.errors.NotADirectory;
}
