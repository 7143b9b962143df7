/**
 * Files that tiles are made of, wherever they lie: on a disk, in a bucket, on a server.
 * @module
 */
import { resolve } from "node:path";
import { type FileSource, openFileSource } from "../codecs/file_source.ts";
import type { ByteSource } from "../codecs/image.ts";
import { ImageError, isNotFound, SluiceError } from "../core/errors.ts";
import { BlobError, type BlobInfo } from "../stores/blobs/blobs.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";
import type { CopiedObject, FileCopies } from "./file_copies.ts";
import type { TileFile } from "./plugin.ts";

/** How files from far away are held. */
export interface TileFilesOptions {
  /** Of files that are read from a disk alone, and lie elsewhere. */
  readonly copies: FileCopies;
  /** A larger file from far away is copied to a disk rather than held in memory. @default 64 MiB */
  readonly heldBytes?: number;
}

/** A file whose bytes can be had, under a name that changes with them. */
export interface OpenFile extends AsyncDisposable {
  readonly source: ByteSource;
  readonly identity: string;
  /** As messages say it. */
  readonly shown: string;
  /** Of a local file, so that threads can open it. */
  readonly local?: { readonly path: string; readonly size: number; readonly mtime: number };
}

/** What is fetched whole from far away is kept in memory as long as little else is fetched. */
const MOST_FETCHED = 256 << 20;

/** The files of one job. */
export class TileFiles {
  readonly #options: TileFilesOptions;
  readonly #fetched = new Map<string, Promise<Uint8Array | undefined>>();

  /** Opens nothing yet. */
  constructor(options: TileFilesOptions) {
    this.#options = options;
  }

  /** Does something with a file of a disk, or with its copy there; undefined where there is no such file. */
  async onDisk<T>(
    file: TileFile,
    signal: AbortSignal,
    work: (path: string, identity?: string) => Promise<T>,
  ): Promise<T | undefined> {
    if (file.filesystem !== "local") {
      return await this.#options.copies.use(copied(file), signal, work);
    }
    const path = resolve(file.path);
    try {
      if (!(await Deno.stat(path)).isFile) throw noFile(path);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
    return await work(path);
  }

  /** Opens a file for reading; undefined where there is none. */
  async open(file: TileFile, signal: AbortSignal): Promise<OpenFile | undefined> {
    if (file.filesystem === "local") {
      const path = resolve(file.path);
      let source: FileSource;
      try {
        source = await openFileSource(path);
      } catch (error) {
        if (error instanceof ImageError && error.kind === "missing" || isNotFound(error)) {
          return undefined;
        }
        throw error;
      }
      return openedFile(source, path, file.path);
    }
    const { address, key } = placeOf(file);
    const name = `${address}/${key}`;
    await using blobs = await openBlobs(address);
    let info: BlobInfo | undefined;
    try {
      info = await blobs.head(key, { signal });
    } catch (error) {
      const isAbsent = file.filesystem === "http" && file.absentStatus === 403 &&
        error instanceof BlobError && error.kind === "forbidden";
      if (isAbsent) return undefined;
      throw error;
    }
    if (info === undefined) {
      // A server that has another word for what it does not hold means something else by this.
      if (file.filesystem !== "http" || file.absentStatus === 404) return undefined;
      throw new SluiceError(
        `Cannot read "${name}": the server answered 404, and of tiles that it does not hold it says ${file.absentStatus}; mend the address`,
      );
    }
    const { heldBytes = 64 << 20 } = this.#options;
    if (info.size > heldBytes) {
      const copy = await this.#options.copies.open(copied(file), signal);
      if (copy === undefined) return undefined;
      const opened = openedFile(await openFileSource(copy.path), copy.path, name, copy.identity);
      return {
        ...opened,
        async [Symbol.asyncDispose]() {
          await opened[Symbol.asyncDispose]();
          await copy[Symbol.asyncDispose]();
        },
      };
    }
    const identity = JSON.stringify(["blob", name, info.size, info.tag ?? info.modified ?? 0]);
    let fetching = this.#fetched.get(identity);
    if (fetching === undefined) {
      const others = await Promise.all(
        [...this.#fetched.values()].map((one) => one.catch(() => {})),
      );
      const held = others.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0);
      if (held + info.size > MOST_FETCHED) this.#fetched.clear();
      fetching = this.#fetched.get(identity) ?? blobs.get(key, { signal });
      this.#fetched.set(identity, fetching);
      fetching.catch(() => this.#fetched.delete(identity));
    }
    const bytes = await fetching;
    if (bytes === undefined) return undefined;
    return {
      source: {
        size: bytes.length,
        read: (offset, into) => {
          if (offset + into.length > bytes.length) {
            throw new ImageError(`it is truncated and ends at byte ${bytes.length}`, "broken");
          }
          into.set(bytes.subarray(offset, offset + into.length));
          return Promise.resolve();
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      shown: name,
      identity,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
}

/** A file that was there before is not any more. */
export function gone({ path }: TileFile): SluiceError {
  return new SluiceError(`Cannot read "${path}": it is gone; bring it back, and it is tried again`);
}

/** A file is not the one that was opened. */
export function replaced({ path }: TileFile): SluiceError {
  return new SluiceError(
    `Cannot read "${path}": it was replaced by another; it is tried again with that one`,
  );
}

function placeOf(
  file: Exclude<TileFile, { filesystem: "local" }>,
): { address: string; key: string } {
  if (file.filesystem !== "http") return { address: `s3://${file.bucket}`, key: file.path };
  const at = file.path.lastIndexOf("/");
  return { address: file.path.slice(0, at), key: file.path.slice(at + 1) };
}

/** What is to be copied to a disk, and where to. */
function copied(file: Exclude<TileFile, { filesystem: "local" }>): CopiedObject {
  const { tempDir } = file.filesystem === "http" ? { tempDir: undefined } : file;
  return { ...placeOf(file), ...(tempDir === undefined ? {} : { folder: tempDir }) };
}

function openedFile(
  source: FileSource,
  path: string,
  shown = path,
  identity?: string,
): OpenFile {
  const { size, mtime } = source;
  return {
    source,
    shown,
    identity: identity ?? JSON.stringify(["file", path, size, mtime]),
    local: { path, size, mtime },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

function noFile(path: string): SluiceError {
  return new SluiceError(`Cannot read "${path}": it is no file`);
}
