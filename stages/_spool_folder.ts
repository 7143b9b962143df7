/**
 * A folder for temporary files that goes with the last of those who use it, and after a crash with the next run.
 * @module
 */
import { dirname, join } from "node:path";
import { isNotFound } from "../core/errors.ts";

const PREFIX = "sluice-images-";
/** Its lock is held by the process that lives in the folder. */
const LOCK = "lock";

/** A folder below that of TMPDIR. */
export class SpoolFolder {
  #users = 0;
  #opening: Promise<OpenFolder> | undefined;
  #entered = 0;
  static #swept = false;

  /** Makes a folder of one's own in it. */
  async enter(signal: AbortSignal): Promise<{ path: string; leave: () => Promise<void> }> {
    signal.throwIfAborted();
    this.#users++;
    try {
      this.#opening ??= openFolder();
      const opening = this.#opening;
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
      const { path: folder } = await opening;
      if (!SpoolFolder.#swept) {
        SpoolFolder.#swept = true;
        await sweep(folder);
      }
      const path = join(folder, `${this.#entered++}`);
      await Deno.mkdir(path);
      return {
        path,
        leave: async () => {
          try {
            await Deno.remove(path, { recursive: true });
          } finally {
            await this.#leave();
          }
        },
      };
    } catch (error) {
      await this.#leave();
      throw error;
    }
  }

  async #leave(): Promise<void> {
    if (--this.#users > 0) return;
    const opening = this.#opening;
    this.#opening = undefined;
    const open = await opening?.catch(() => undefined);
    if (open === undefined) return;
    try {
      await Deno.remove(open.path, { recursive: true });
    } finally {
      open.lock?.close();
    }
  }
}

interface OpenFolder {
  readonly path: string;
  /** Absent where the file system knows no locks. */
  readonly lock?: Deno.FsFile;
}

async function openFolder(): Promise<OpenFolder> {
  const path = await Deno.makeTempDir({ prefix: PREFIX });
  const early = join(path, "unlocked");
  const lock = await Deno.open(early, { write: true, createNew: true });
  try {
    await lock.lock(true);
    // Under its own name it is never seen unlocked while we live.
    await Deno.rename(early, join(path, LOCK));
    return { path, lock };
  } catch {
    lock.close();
    return { path };
  }
}

/** Removes the folders of processes that were killed: nobody holds their lock any more. */
async function sweep(own: string): Promise<void> {
  const parent = dirname(own);
  try {
    for await (const { name } of Deno.readDir(parent)) {
      const path = join(parent, name);
      if (name.startsWith(PREFIX) && path !== own) await removeAbandoned(path);
    }
  } catch {
    // Who may not look around in there leaves it as it is.
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  try {
    using lock = await Deno.open(join(folder, LOCK), { write: true });
    if (await lock.tryLock(true)) await Deno.remove(folder, { recursive: true });
  } catch (error) {
    // Another user's, or just gone.
    const isOthers = error instanceof Deno.errors.PermissionDenied ||
      error instanceof Deno.errors.NotCapable;
    if (!isOthers && !isNotFound(error)) throw error;
  }
}
