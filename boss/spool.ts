/**
 * Decoded images and pieces of volumes on a local disk, shared by the processes of a machine.
 *
 * The queue of a job hands out tiles and chunks in no useful order, and an image larger than a tile would be decoded
 * once for each. So whoever needs it first writes it here, decoded, and all others read their part of it. An entry that
 * is being written is a file `.part`, as large as it will be and locked by its writer; where the writer was killed, the
 * lock is free and the next one writes it anew. A whole entry is a file `.data`, which those who read hold by a shared
 * lock. What was not used for longest goes where there would be more bytes than the bound.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { delay } from "../core/abort.ts";
import { isNotFound, messageOf, SluiceError, UsageError } from "../core/errors.ts";

/** How much a spool keeps. */
export interface SpoolOptions {
  /** Bytes at most, of all processes. @default 16 GiB */
  readonly mostBytes?: number;
}

/** What is kept once for all who need it. */
export interface SpoolEntry {
  /** Says which bytes these are: others need another name. */
  readonly name: string;
  /** How many. */
  readonly bytes: number;
  /** Makes them, where no process has. */
  readonly make: (file: SpoolWriter) => Promise<void>;
  /** Ends the wait for another process that makes them. */
  readonly signal: AbortSignal;
}

/** An entry that is written. */
export interface SpoolWriter {
  /** Writes bytes from `offset` on. */
  write(offset: number, bytes: Uint8Array): void;
}

/** An entry that is read. */
export interface SpoolReader {
  /** Fills `into` from `offset` on. */
  read(offset: number, into: Uint8Array): void;
}

/**
 * Decoded voxels cannot be kept on this machine; it is so for all images.
 * @example One by its class
 * ```ts
 * import { SluiceError, SpoolError } from "@sluice/sluice";
 * import { ok } from "node:assert/strict";
 * ok(new SpoolError("Cannot write the spool: the disk is full") instanceof SluiceError);
 * ```
 */
export class SpoolError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "SpoolError";
}

const DEFAULT_BYTES = 16 * 2 ** 30;
/** Between two looks at what another process does. */
const LOOK_MS = 50;
const LOCK = "spool.lock";
const DATA = ".data", PART = ".part";

/** A folder of entries, of which the oldest go. */
export class Spool {
  /** Where it is. */
  readonly folder: string;
  /** Bytes at most. */
  readonly mostBytes: number;
  /** Entries that were made here, and such as were there already when they were asked for. */
  readonly counts: { made: number; found: number } = { made: 0, found: 0 };
  readonly #making = new Map<string, Promise<void>>();

  private constructor(folder: string, mostBytes: number) {
    this.folder = folder;
    this.mostBytes = mostBytes;
  }

  /**
   * Opens a folder, and makes it where it is not there.
   * @throws {UsageError} If the bound is no count of bytes.
   * @throws {SpoolError} If nothing can be written there, or its file system knows no locks.
   * @example Bytes that are made once
   * ```ts
   * import { Spool, type SpoolEntry } from "./spool.ts";
   * import { deepEqual, equal } from "node:assert/strict";
   * const spool = await Spool.open(await Deno.makeTempDir());
   * const { signal } = new AbortController();
   * const entry: SpoolEntry = {
   *   name: "it",
   *   bytes: 3,
   *   signal,
   *   make: (file) => Promise.resolve(file.write(1, new Uint8Array([7]))),
   * };
   * for (let i = 0; i < 2; i++) {
   *   const bytes = new Uint8Array(3);
   *   await spool.use(entry, (file) => file.read(0, bytes));
   *   deepEqual(bytes, new Uint8Array([0, 7, 0]));
   * }
   * equal(spool.counts.made, 1);
   * await Deno.remove(spool.folder, { recursive: true });
   * ```
   */
  static async open(folder: string, options: SpoolOptions = {}): Promise<Spool> {
    const { mostBytes = DEFAULT_BYTES } = options;
    if (!Number.isSafeInteger(mostBytes) || mostBytes < 1) {
      throw new UsageError(
        `Cannot keep ${mostBytes} bytes in the spool "${folder}": it must be a whole number from 1 up`,
      );
    }
    const spool = new Spool(folder, mostBytes);
    try {
      await Deno.mkdir(folder, { recursive: true });
      await spool.#locked(() => Promise.resolve());
    } catch (error) {
      throw spool.#error("open", error);
    }
    return spool;
  }

  /**
   * Reads an entry; it is made before, where it is not there. The file must not be used after `read` ends.
   * @throws {SpoolError} If there is no room for it; what `make` throws, as it is.
   */
  async use<T>(entry: SpoolEntry, read: (file: SpoolReader) => T | Promise<T>): Promise<T> {
    if (entry.bytes > this.mostBytes) {
      throw new SpoolError(
        `Cannot keep ${entry.bytes} decoded bytes in the spool "${this.folder}": it takes ${this.mostBytes} in all; give it more room`,
      );
    }
    const path = join(this.folder, createHash("sha256").update(entry.name).digest("hex"));
    for (let isNew = false;; isNew = true) {
      entry.signal.throwIfAborted();
      using file = await this.#openWhole(path + DATA, entry.bytes);
      if (file !== undefined) {
        if (!isNew) this.counts.found++;
        return await read({ read: (offset, into) => readAt(file, offset, into) });
      }
      const making = this.#making.get(path) ?? this.#make(path, entry);
      this.#making.set(path, making);
      try {
        await making;
      } finally {
        if (this.#making.get(path) === making) this.#making.delete(path);
      }
    }
  }

  /** Opens an entry that is whole; nobody removes it before it is closed. */
  async #openWhole(path: string, bytes: number): Promise<Deno.FsFile | undefined> {
    const file = await openIfThere(path);
    if (file === undefined) return undefined;
    try {
      await file.lock(false);
      if (await isAt(path, file) && (await file.stat()).size === bytes) {
        const now = new Date();
        await Deno.utime(path, now, now);
        return file;
      }
    } catch (error) {
      file.close();
      if (isNotFound(error)) return undefined;
      throw error;
    }
    file.close();
    return undefined;
  }

  /** Makes an entry, or waits until another process has. */
  async #make(path: string, { bytes, make, signal }: SpoolEntry): Promise<void> {
    const part = path + PART;
    for (;;) {
      if (await isWhole(path + DATA, bytes)) return;
      const file = await this.#lockPart(part);
      if (file === undefined) {
        await delay(LOOK_MS, signal);
        continue;
      }
      let isMade = false;
      try {
        if (await isWhole(path + DATA, bytes)) return;
        await this.#reserve(file, part, bytes, signal);
        await make({ write: (offset, data) => this.#writeAt(file, offset, data) });
        await file.syncData();
        await Deno.rename(part, path + DATA);
        isMade = true;
        this.counts.made++;
        return;
      } catch (error) {
        throw diskState(error) === undefined ? error : this.#error("write", error);
      } finally {
        if (!isMade) await removeIfThere(part);
        file.close();
      }
    }
  }

  /** The file of an entry that is written, in our hands; undefined where it is in others'. */
  async #lockPart(part: string): Promise<Deno.FsFile | undefined> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(part, { read: true, write: true, create: true });
    } catch (error) {
      throw this.#error("write", error);
    }
    // It may have been removed, or have become whole, between the two.
    if (await file.tryLock(true) && await isAt(part, file)) return file;
    file.close();
    return undefined;
  }

  /** Makes room: what was not used for longest goes. Waits while all of it is being written. */
  async #reserve(file: Deno.FsFile, part: string, bytes: number, signal: AbortSignal) {
    const tryNow = () =>
      this.#locked(async () => {
        await file.truncate(0);
        const entries = await this.#list(part);
        let used = entries.reduce((sum, { size }) => sum + size, 0);
        const old = entries.toSorted((a, b) => a.used - b.used);
        for (const { path, size } of old) {
          if (path.endsWith(DATA) && used + bytes <= this.mostBytes) continue;
          // Of those that are written only such as nobody writes any more can be had.
          if (await removeIfFree(path)) used -= size;
        }
        if (used + bytes > this.mostBytes) return false;
        await file.truncate(bytes);
        return true;
      });
    while (!await tryNow()) await delay(LOOK_MS, signal);
  }

  async #list(own: string): Promise<{ path: string; size: number; used: number }[]> {
    const entries = [];
    for await (const { name } of Deno.readDir(this.folder)) {
      const path = join(this.folder, name);
      if (path === own || !name.endsWith(DATA) && !name.endsWith(PART)) continue;
      try {
        const { size, mtime } = await Deno.stat(path);
        entries.push({ path, size, used: mtime?.getTime() ?? 0 });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return entries;
  }

  /** What only one process does at a time. */
  async #locked<T>(work: () => Promise<T>): Promise<T> {
    using lock = await Deno.open(join(this.folder, LOCK), { write: true, create: true });
    await lock.lock(true);
    return await work();
  }

  #writeAt(file: Deno.FsFile, offset: number, data: Uint8Array): void {
    file.seekSync(offset, Deno.SeekMode.Start);
    for (let done = 0; done < data.length;) done += file.writeSync(data.subarray(done));
  }

  #error(act: string, error: unknown): SpoolError {
    const state = diskState(error) ?? messageOf(error);
    return new SpoolError(
      `Cannot ${act} the spool "${this.folder}": ${state}; make room there, or name another folder on a local disk`,
      { cause: error },
    );
  }
}

const STATES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  EFBIG: "its file system takes no file of this size",
  EROFS: "its file system is read-only",
  EACCES: "it may not be written to",
  ENOTDIR: "it is no folder",
  ENOLCK: "its file system knows no locks",
  ENOTSUP: "its file system knows no locks",
  PermissionDenied: "it may not be written to",
  NotCapable: "sluice may not write to it",
};

/** What a disk says; undefined where it is something else. */
function diskState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return STATES[(error as { code?: string }).code ?? ""] ?? STATES[error.name];
}

function readAt(file: Deno.FsFile, offset: number, into: Uint8Array): void {
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let done = 0; done < into.length;) {
    const got = file.readSync(into.subarray(done));
    if (got === null) throw new SpoolError("Cannot read the spool: a file in it was cut short");
    done += got;
  }
}

async function openIfThere(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether an open file is the one that lies at its path now. */
async function isAt(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    return (await Deno.stat(path)).ino === (await file.stat()).ino;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Whether an entry is there; one of another length is removed, as it is broken. */
async function isWhole(path: string, bytes: number): Promise<boolean> {
  try {
    if ((await Deno.stat(path)).size === bytes) return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
  await removeIfThere(path);
  return false;
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Removes a file that nobody reads or writes. */
async function removeIfFree(path: string): Promise<boolean> {
  using file = await openIfThere(path);
  if (file === undefined) return true;
  if (!await file.tryLock(true)) return false;
  if (await isAt(path, file)) await removeIfThere(path);
  return true;
}
