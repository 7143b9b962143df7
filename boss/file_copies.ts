/**
 * Copies of objects on a local disk, for formats that are read from files alone. One copy serves all who ask for the
 * same object; those that nobody reads go when they are many, and all of them at the end.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { isNotFound, messageOf, SluiceError } from "../core/errors.ts";
import type { Blobs } from "../stores/blobs/blobs.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";
import { SpoolError } from "./spool.ts";

/** An object that is read as a file. */
export interface CopiedObject {
  /** Address of what holds it, such as `s3://bucket`. */
  readonly address: string;
  /** Its name there. */
  readonly key: string;
  /** Folder for its copy. @default One of this process in the temporary folder (TMPDIR) */
  readonly folder?: string;
}

/** How many copies are kept. */
export interface FileCopiesOptions {
  /** Bytes of copies that nobody reads just now. @default 4 GiB */
  readonly idleBytes?: number;
}

/** A copy that is there until it is disposed. */
export interface FileCopy extends AsyncDisposable {
  readonly path: string;
  /** A name that changes with the bytes. */
  readonly identity: string;
}

interface Copy {
  readonly bytes: number;
  readonly fetched: Promise<string>;
  users: number;
}

/** What is fetched at once. */
const PART_BYTES = 8 << 20;
const FULL: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/** The copies of one process. */
export class FileCopies implements AsyncDisposable {
  readonly #idleBytes: number;
  /** By what object it is, and which version of it; the one that was used last stands last. */
  readonly #copies = new Map<string, Copy>();
  #folder?: Promise<string>;

  /** Copies nothing yet. */
  constructor({ idleBytes = 4 * 2 ** 30 }: FileCopiesOptions = {}) {
    this.#idleBytes = idleBytes;
  }

  /**
   * Opens the copy of an object, which is there until it is disposed.
   * @returns Undefined where there is no such object.
   * @throws {SpoolError} If the disk is full.
   */
  async open(object: CopiedObject, signal: AbortSignal): Promise<FileCopy | undefined> {
    const { address, key } = object;
    await using blobs = await openBlobs(address);
    const info = await blobs.head(key, { signal });
    if (info === undefined) return undefined;
    const version = info.tag ?? info.modified ?? 0;
    const identity = JSON.stringify(["blob", `${address}/${key}`, info.size, version]);
    const copy = this.#copies.get(identity) ?? {
      bytes: info.size,
      fetched: this.#fetch(blobs, object, { identity, version, size: info.size }, signal),
      users: 0,
    };
    this.#copies.delete(identity);
    this.#copies.set(identity, copy);
    copy.users++;
    const release = async () => {
      copy.users--;
      await this.#removeIdle();
    };
    try {
      const path = await copy.fetched;
      return { path, identity, [Symbol.asyncDispose]: release };
    } catch (error) {
      if (this.#copies.get(identity) === copy) this.#copies.delete(identity);
      await release();
      throw error;
    }
  }

  /** Does something with the copy of an object; undefined where there is no such object. */
  async use<T>(
    object: CopiedObject,
    signal: AbortSignal,
    work: (path: string, identity: string) => Promise<T>,
  ): Promise<T | undefined> {
    await using copy = await this.open(object, signal);
    return copy === undefined ? undefined : await work(copy.path, copy.identity);
  }

  async #fetch(
    blobs: Blobs,
    { key, folder }: CopiedObject,
    of: { readonly identity: string; readonly version: string | number; readonly size: number },
    signal: AbortSignal,
  ): Promise<string> {
    const name = `${blobs.url}/${key}`;
    let path: string | undefined;
    try {
      const into = folder ??
        await (this.#folder ??= Deno.makeTempDir({ prefix: "sluice-copies-" }));
      const hash = createHash("sha256").update(of.identity).digest("hex");
      path = join(into, `sluice-${Deno.pid}-${hash.slice(0, 32)}`);
      using file = await Deno.open(path, { write: true, create: true, truncate: true });
      for (let first = 0; first < of.size; first += PART_BYTES) {
        const range = [first, Math.min(of.size, first + PART_BYTES)] as const;
        const bytes = await blobs.get(key, { range, signal });
        if (bytes?.length !== range[1] - range[0]) {
          throw new SluiceError(
            bytes === undefined
              ? "it is gone"
              : `it ends after ${first + bytes.length} of ${of.size} bytes`,
          );
        }
        for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      }
      const after = await blobs.head(key, { signal });
      if ((after?.tag ?? after?.modified ?? 0) !== of.version || after?.size !== of.size) {
        throw new SluiceError("it was replaced meanwhile");
      }
      return path;
    } catch (error) {
      if (path !== undefined) await removeIfThere(path);
      signal.throwIfAborted();
      if (FULL.has((error as { code?: unknown }).code)) {
        throw new SpoolError(
          `Cannot copy "${name}" to "${path}": the disk is full; make room there, or name another folder with TMPDIR`,
          { cause: error },
        );
      }
      if (error instanceof SluiceError && error.message.startsWith("Cannot")) throw error;
      throw new SluiceError(
        `Cannot copy "${name}": ${messageOf(error)}; it is copied again when it is asked for next`,
        { cause: error },
      );
    }
  }

  async #removeIdle(): Promise<void> {
    const idle = [...this.#copies].filter(([, { users }]) => users === 0);
    let bytes = idle.reduce((sum, [, copy]) => sum + copy.bytes, 0);
    for (const [identity, copy] of idle) {
      if (bytes <= this.#idleBytes) return;
      bytes -= copy.bytes;
      this.#copies.delete(identity);
      await removeIfThere(await copy.fetched);
    }
  }

  /** Removes all copies. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { fetched } of this.#copies.values()) {
      const path = await fetched.catch(() => undefined);
      if (path !== undefined) await removeIfThere(path);
    }
    this.#copies.clear();
    const folder = await this.#folder;
    this.#folder = undefined;
    if (folder !== undefined) await Deno.remove(folder, { recursive: true });
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
