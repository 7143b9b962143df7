/**
 * What the workers of a machine have in their hands, told among their processes by locks in one folder: that a job is
 * complete is said by one of them, and never while another holds a message.
 * @module
 */
import { join } from "node:path";
import { delay } from "../core/abort.ts";
import { isNotFound } from "../core/errors.ts";

/** Between two looks at a lock. */
const LOOK_MS = 50;
/** What a process left so long ago has been received again. */
const FORGET_MS = 3_600_000;

/** The workers of one job on one machine. */
export class Hands implements Disposable {
  readonly #busyPath: string;
  readonly #gatePath: string;
  readonly #folder: string;
  readonly #leftPrefix: string;
  readonly #leftPath: string;
  readonly #leader: Deno.FsFile;
  #busy?: Deno.FsFile;
  #isLeader = false;

  #left = 0;

  private constructor(folder: string, base: string, leader: Deno.FsFile) {
    this.#folder = folder;
    this.#busyPath = join(folder, `${base}.busy`);
    this.#gatePath = join(folder, `${base}.gate`);
    this.#leftPrefix = `${base}.left-`;
    this.#leftPath = join(folder, `${this.#leftPrefix}${crypto.randomUUID()}`);
    this.#leader = leader;
  }

  /**
   * Joins the workers of a job.
   * @param folder Of the machine: the one that the spool is in.
   * @param job Its server and number.
   */
  static async open(folder: string, job: string): Promise<Hands> {
    const base = `job-${job.replace(/[^\w.-]+/g, "_")}`;
    const leader = await Deno.open(join(folder, `${base}.leader`), { write: true, create: true });
    return new Hands(folder, base, leader);
  }

  /** Says that messages are, or are about to be, in this process's hands. */
  async take(signal: AbortSignal): Promise<void> {
    if (this.#busy !== undefined) return;
    using _ = await lock(this.#gatePath, { exclusive: false, signal });
    this.#busy = await lock(this.#busyPath, { exclusive: false, signal });
  }

  /** Says that there are none any more. */
  release(): void {
    this.#busy?.close();
    this.#busy = undefined;
  }

  /** Says that a message was not finished: until it can be received again, the queue looks emptier than it is. */
  leave(until: number): void {
    if (until <= this.#left) return;
    this.#left = Math.ceil(until);
    // Whole or not there: a file of each process's own, so that none overwrites another's.
    Deno.writeTextFileSync(`${this.#leftPath}~`, `${this.#left}`);
    Deno.renameSync(`${this.#leftPath}~`, this.#leftPath);
  }

  /**
   * When the last message that was not finished can be received again, milliseconds since 1970.
   * @param now What was before is forgotten.
   */
  async leftUntil(now: number): Promise<number> {
    let until = 0;
    for await (const { name } of Deno.readDir(this.#folder)) {
      if (!name.startsWith(this.#leftPrefix) || name.endsWith("~")) continue;
      const path = join(this.#folder, name);
      try {
        const one = Number(await Deno.readTextFile(path));
        if (one + FORGET_MS < now) await Deno.remove(path);
        until = Math.max(until, one);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return until;
  }

  /** Whether this is the one process that asks for the end of the job; it stays so until it ends. */
  async leads(): Promise<boolean> {
    this.#isLeader ||= await this.#leader.tryLock(true);
    return this.#isLeader;
  }

  /**
   * Does something while no process holds a message, and none takes one. Those that only look for one are waited for:
   * among many there is always one that looks.
   * @returns Undefined where one still holds one after `patienceMs`.
   */
  async whileEmpty<T>(
    work: () => Promise<T>,
    { patienceMs, signal }: { readonly patienceMs: number; readonly signal: AbortSignal },
  ): Promise<{ value: T } | undefined> {
    if (this.#busy !== undefined) return undefined;
    const late = AbortSignal.timeout(patienceMs);
    const either = AbortSignal.any([signal, late]);
    try {
      // Whoever looks next waits behind it.
      using _gate = await lock(this.#gatePath, { exclusive: true, signal: either });
      using _busy = await lock(this.#busyPath, { exclusive: true, signal: either });
      return { value: await work() };
    } catch (error) {
      if (error !== late.reason || signal.aborted) throw error;
      return undefined;
    }
  }

  /** Leaves the workers of the job. */
  [Symbol.dispose](): void {
    this.release();
    this.#leader.close();
  }
}

/** Locks a file, however long that takes; @throws The reason of `signal`. */
async function lock(
  path: string,
  { exclusive, signal }: { readonly exclusive: boolean; readonly signal: AbortSignal },
): Promise<Deno.FsFile> {
  const file = await Deno.open(path, { read: true, write: true, create: true });
  try {
    for (;;) {
      const isMine = await file.tryLock(exclusive);
      signal.throwIfAborted();
      if (isMine) return file;
      await delay(LOOK_MS, signal);
    }
  } catch (error) {
    file.close();
    throw error;
  }
}
