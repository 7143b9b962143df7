/**
 * Blobs as files below a folder.
 * @module
 */
import { dirname, join, resolve } from "node:path";
import { isNotFound } from "../../core/errors.ts";
import { WholeFile } from "../_whole_file.ts";
import { absentAsUndefined, doing, isAbsent } from "./_disk_errors.ts";
import { checkKey, checkPrefix } from "./_keys.ts";
import { checkRange, checkReserve, placeRange } from "./_ranges.ts";
import {
  type BlobEntry,
  BlobError,
  type BlobInfo,
  type BlobLeftover,
  type BlobOptions,
  type Blobs,
  type BlobWriter,
  type GetBlobOptions,
  type ListBlobOptions,
  type OpenBlobOptions,
} from "./blobs.ts";

/** How a file is called before it is whole. */
const TEMPORARY = /^\..+\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;
/** A claim gets its name by a link; until then it has this one. */
const CLAIM = "claim";

/** Files below a folder; the folder is made by the first write. */
export class DiskBlobs implements Blobs {
  readonly url: string;

  /** @param root Path of the folder. */
  constructor(root: string) {
    this.url = resolve(root);
  }

  localPath(key: string): string {
    checkKey(key);
    return join(this.url, key);
  }

  async get(key: string, { range, signal, onInfo }: GetBlobOptions = {}) {
    const path = this.localPath(key);
    if (range !== undefined) checkRange(range);
    signal?.throwIfAborted();
    return await doing("read", path, async () => {
      using file = await openFile(path);
      if (file === undefined) return undefined;
      const found = await file.stat();
      const { size } = found;
      onInfo?.(infoOf(found));
      const [from, to] = range === undefined ? [0, size] : placeRange(range, size);
      if (from > 0) await file.seek(from, Deno.SeekMode.Start);
      const bytes = new Uint8Array(to - from);
      for (let done = 0; done < bytes.length;) {
        signal?.throwIfAborted();
        const read = await file.read(bytes.subarray(done));
        if (read === null) {
          throw new BlobError(
            `Cannot read "${path}" as a file of ${size} bytes: it ends after ${
              from + done
            }; read it when nobody writes it`,
            "corrupt",
          );
        }
        done += read;
      }
      return bytes;
    }, signal);
  }

  async head(key: string, { signal }: BlobOptions = {}): Promise<BlobInfo | undefined> {
    const path = this.localPath(key);
    signal?.throwIfAborted();
    return await doing("look at", path, async () => {
      const found = await absentAsUndefined(Deno.stat(path));
      if (!found?.isFile) return undefined;
      return infoOf(found);
    });
  }

  async put(key: string, bytes: Uint8Array, { signal }: BlobOptions = {}): Promise<void> {
    await using writer = await this.open(key, { signal });
    await writer.write(bytes);
    await writer.commit();
  }

  async putIfAbsent(key: string, bytes: Uint8Array, { signal }: BlobOptions = {}) {
    const path = this.localPath(key);
    // A link is made whole or not at all, and never in the place of a file.
    const temporary = join(dirname(path), `.${CLAIM}.${crypto.randomUUID()}.tmp`);
    await using file = await create(temporary, signal);
    return await doing("claim", path, async () => {
      file.write(0, bytes);
      await file.commit();
      try {
        signal?.throwIfAborted();
        await Deno.link(temporary, path);
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) return false;
        throw error;
      } finally {
        await Deno.remove(temporary);
      }
    }, signal);
  }

  async open(key: string, options: OpenBlobOptions = {}): Promise<BlobWriter> {
    const { reserve = 0, signal } = options;
    const path = this.localPath(key);
    return new DiskWriter(await create(path, signal), reserve, signal);
  }

  async *list(prefix: string, options: ListBlobOptions = {}): AsyncGenerator<BlobEntry> {
    const { folders = false, signal } = options;
    checkPrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    for await (const entry of this.#walk(folder, { prefix, folders, signal })) {
      if (!TEMPORARY.test(nameOf(entry.key))) yield entry;
    }
  }

  async delete(key: string, { signal }: BlobOptions = {}): Promise<void> {
    const path = this.localPath(key);
    signal?.throwIfAborted();
    await doing("remove", path, async () => {
      const found = await absentAsUndefined(Deno.lstat(path));
      if (found && !found.isDirectory) await absentAsUndefined(Deno.remove(path));
    });
  }

  async sweep(prefix: string, { signal }: BlobOptions = {}): Promise<BlobLeftover[]> {
    checkPrefix(prefix);
    const swept: BlobLeftover[] = [];
    const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    for await (const { key } of this.#walk(folder, { prefix: folder, folders: false, signal })) {
      const name = nameOf(key);
      if (!TEMPORARY.test(name)) continue;
      const meant = key.slice(0, -name.length) +
        name.slice(1, -".00000000-0000-0000-0000-000000000000.tmp".length);
      const isClaim = nameOf(meant) === CLAIM;
      if (!isClaim && !meant.startsWith(prefix)) continue;
      const path = join(this.url, key);
      const found = await absentAsUndefined(Deno.stat(path));
      await doing("remove", path, () => absentAsUndefined(Deno.remove(path)));
      if (found) {
        swept.push({ key: isClaim ? undefined : meant, started: found.birthtime?.getTime() });
      }
    }
    return swept;
  }

  async *#walk(
    folder: string,
    options: ListBlobOptions & { prefix: string },
  ): AsyncGenerator<BlobEntry> {
    const { prefix, folders, signal } = options;
    const path = join(this.url, folder);
    const names: string[] = [];
    await doing("list", path, async () => {
      try {
        for await (const { name, isDirectory } of Deno.readDir(path)) {
          names.push(isDirectory ? `${name}/` : name);
        }
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    });
    for (const name of names.sort()) {
      signal?.throwIfAborted();
      const key = folder + name;
      // A folder is on the way to keys that begin so, or begins so itself.
      if (!key.startsWith(prefix) && !(name.endsWith("/") && prefix.startsWith(key))) continue;
      if (!name.endsWith("/")) {
        const found = await absentAsUndefined(Deno.stat(join(this.url, key)));
        if (found?.isFile) yield { key, size: found.size };
      } else if (!folders) {
        yield* this.#walk(key, options);
      } else if (await this.#holdsAny(key, signal)) {
        yield { key };
      }
    }
  }

  /** A bucket has no empty folders. */
  async #holdsAny(folder: string, signal?: AbortSignal): Promise<boolean> {
    for await (const _ of this.list(folder, { signal })) return true;
    return false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

class DiskWriter implements BlobWriter {
  readonly #file: WholeFile;
  readonly #reserve: number;
  readonly #signal?: AbortSignal;

  constructor(file: WholeFile, reserve: number, signal?: AbortSignal) {
    this.#file = file;
    this.#reserve = reserve;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#signal?.throwIfAborted();
    await doing(
      "write",
      this.#file.path,
      () => this.#file.write(Math.max(this.#file.end, this.#reserve), bytes),
    );
  }

  async commit(head: Uint8Array = new Uint8Array()): Promise<void> {
    checkReserve(this.#file.path, head.length, this.#reserve);
    this.#signal?.throwIfAborted();
    await doing("write", this.#file.path, async () => {
      this.#file.write(0, head);
      this.#signal?.throwIfAborted();
      await this.#file.commit();
    }, this.#signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}

function infoOf({ size, mtime, ino }: Deno.FileInfo): BlobInfo {
  const modified = mtime?.getTime();
  return { size, modified, tag: `${size}-${modified}-${ino}` };
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf("/", key.length - 2) + 1);
}

async function create(path: string, signal?: AbortSignal): Promise<WholeFile> {
  signal?.throwIfAborted();
  return await doing("write", path, async () => {
    try {
      return await WholeFile.create(path);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await Deno.mkdir(dirname(path), { recursive: true });
      return await WholeFile.create(path);
    }
  });
}

async function openFile(path: string): Promise<Deno.FsFile | undefined> {
  const found = await absentAsUndefined(Deno.stat(path));
  return found?.isFile ? await absentAsUndefined(Deno.open(path)) : undefined;
}
