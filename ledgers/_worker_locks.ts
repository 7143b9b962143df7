/**
 * Which processes on this machine live: each holds the lock of a file of its own, and the kernel lets go of it
 * however the process ends.
 * @module
 */
import { join } from "node:path";
import { isNotFound } from "../core/errors.ts";

const SUFFIX = ".lock";

/** The lock of this process, and a look at those of others. */
export class WorkerLocks implements Disposable {
  /** Names this process among those that share the folder. */
  readonly id: string;
  readonly #folder: string;
  readonly #file: Deno.FsFile;

  private constructor(folder: string, id: string, file: Deno.FsFile) {
    this.#folder = folder;
    this.id = id;
    this.#file = file;
  }

  /** Takes a lock in a folder, which is made if need be, and sweeps out those of dead processes. */
  static open(folder: string): WorkerLocks {
    Deno.mkdirSync(folder, { recursive: true });
    for (;;) {
      const id = crypto.randomUUID();
      const path = lockPath(folder, id);
      const file = Deno.openSync(path, { createNew: true, read: true, write: true });
      // Between creation and lock, another process may have swept the file as that of a dead one.
      if (file.tryLockSync(true) && isThere(path)) {
        const locks = new WorkerLocks(folder, id, file);
        locks.#sweep();
        return locks;
      }
      file.close();
    }
  }

  /** Whether the process of that name has ended; then its file is removed. */
  isGone(id: string): boolean {
    if (id === this.id) return false;
    const path = lockPath(this.#folder, id);
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path, { read: true, write: true });
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
    try {
      if (!file.tryLockSync(true)) return false;
      removeFile(path);
      return true;
    } finally {
      file.close();
    }
  }

  /** Lets go of the lock: this process counts as dead from now on. */
  close(): void {
    removeFile(lockPath(this.#folder, this.id));
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sweep(): void {
    for (const { name } of Deno.readDirSync(this.#folder)) {
      if (name.endsWith(SUFFIX)) this.isGone(name.slice(0, -SUFFIX.length));
    }
  }
}

function lockPath(folder: string, id: string): string {
  return join(folder, id + SUFFIX);
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
