/**
 * Threads that decode, encode and downsample.
 * @module
 */
import type { VoxelArray } from "../core/dtype.ts";
import { ImageError, SluiceError } from "../core/errors.ts";
import type { JobInput, JobName, JobOutput, JobTimes } from "./jobs.ts";

/** How many threads. */
export interface WorkerPoolOptions {
  /** Threads; 0 runs every job in the caller's thread. @default The number of processors. */
  readonly size?: number;
}

/** How one job runs. */
export interface RunOptions {
  /** Buffers that move to the worker rather than being copied. */
  readonly transfer?: readonly Transferable[];
  /**
   * Ends the wait with `signal.reason`. A job that already runs goes on unheard; but one that writes into the caller's
   * memory is waited for first, so that the caller may use that memory for something else.
   */
  readonly signal?: AbortSignal;
  /** Jobs of one lane run in one worker, in order: for those that keep a file open between them. */
  readonly lane?: number;
}

interface Pending {
  readonly id: number;
  readonly name: JobName;
  readonly input: unknown;
  readonly transfer: readonly Transferable[];
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
}

interface Thread {
  /** None before its first job, and after it died. */
  worker: Worker | undefined;
  readonly running: Map<number, Pending>;
  readonly lane: Pending[];
}

/** What a worker sends back. */
export type Answer =
  | { readonly id: number; readonly value: unknown; readonly times: JobTimes }
  | { readonly id: number; readonly error: ThrownError };

/** An error on its way between threads. */
export interface ThrownError {
  /** Class of the error. */
  readonly name: string;
  /** What it says. */
  readonly message: string;
  /** Where it was thrown. */
  readonly stack?: string;
  /** What callers branch on, where the class has it. */
  readonly kind?: string;
  /** Whether it is a fault that the person at the keyboard can mend. */
  readonly known: boolean;
}

/** Jobs in flight in one worker: one that runs, one that waits so that the worker never idles. */
const AHEAD = 2;

/** Where each job writes what it makes: memory that threads must share, or the caller would never see it. */
const WRITES: { readonly [K in JobName]?: keyof JobInput<K> } = {
  readImages: "data",
  decodeChunks: "data",
  downsample: "target",
};

/**
 * A pool of workers for the jobs of `jobs.ts`: the least busy worker first.
 *
 * A job that throws rejects with an error of the same name, message and stack; a worker that dies rejects its
 * jobs, and the next job starts another.
 * @example A row of voxels, downsampled by a thread
 * ```ts
 * import { BandBuffers, box, WorkerPool } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * await using pool = new WorkerPool({ size: 1 });
 * const target = new BandBuffers().take("uint8", box([0, 0, 0], [3, 1, 1]));
 * await pool.run("downsample", {
 *   method: "mean",
 *   fill: 0,
 *   source: new Uint8Array([1, 2, 3, 4, 9]),
 *   sourceSize: [5, 1, 1, 1],
 *   factor: [2, 1, 1],
 *   target,
 *   targetSize: [3, 1, 1, 1],
 *   targetRow: 0,
 *   first: 0,
 *   end: 1,
 * });
 * deepEqual(Array.from(target, Number), [2, 4, 9]);
 * ```
 */
export class WorkerPool implements AsyncDisposable {
  /** Threads. */
  readonly size: number;
  /** Milliseconds that jobs spent on each part of the work, over all threads; and the caller, writing. */
  readonly times: JobTimes = { read: 0, decode: 0, downsample: 0, encode: 0, write: 0 };
  readonly #threads: Thread[] = [];
  readonly #queue: Pending[] = [];
  readonly #lanes = new Map<number, Promise<unknown>>();
  #nextId = 0;
  #closed = false;

  /** Starts nothing yet: a thread starts with its first job. */
  constructor({ size = navigator.hardwareConcurrency }: WorkerPoolOptions = {}) {
    if (!Number.isInteger(size) || size < 0) {
      throw new RangeError(`Cannot start a pool of ${size} workers: give an integer >= 0`);
    }
    this.size = size;
  }

  /** Starts every thread now rather than with its first job, while something else is being waited for. */
  start(): void {
    for (let at = 0; at < this.size && !this.#closed; at++) {
      const thread = this.#thread(at);
      if (thread.worker === undefined) this.#start(thread);
    }
  }

  /**
   * Runs one job.
   * @throws {TypeError} If the job writes into memory that threads cannot share, and the pool has threads.
   * @throws {SluiceError} If the pool is closed, or the worker of the job died.
   */
  async run<K extends JobName>(
    name: K,
    input: JobInput<K>,
    { transfer = [], signal, lane }: RunOptions = {},
  ): Promise<JobOutput<K>> {
    signal?.throwIfAborted();
    if (this.#closed) throw new SluiceError(`Cannot run "${name}" as the worker pool is closed`);
    if (this.size === 0) return await this.#runHere(name, input, lane, signal);
    checkShared(name, input);
    const { promise, resolve, reject } = Promise.withResolvers<JobOutput<K>>();
    const pending: Pending = { id: this.#nextId++, name, input, transfer, resolve, reject };
    const queue = lane === undefined ? this.#queue : this.#thread(lane % this.size).lane;
    queue.push(pending);
    const onAbort = () => {
      const at = queue.indexOf(pending);
      if (at >= 0) queue.splice(at, 1);
      if (at >= 0 || !(name in WRITES)) reject(signal!.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#dispatch();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      signal?.throwIfAborted();
    }
  }

  async #runHere<K extends JobName>(
    name: K,
    input: JobInput<K>,
    lane: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<JobOutput<K>> {
    const work = async () => {
      signal?.throwIfAborted();
      const { runJob } = await import("./jobs.ts");
      return await runJob(name, input);
    };
    const before = lane === undefined ? undefined : this.#lanes.get(lane);
    const job = before === undefined ? work() : before.then(work);
    if (lane !== undefined) this.#keepLane(lane, job);
    try {
      const { value, times } = await job;
      this.#count(times);
      return value;
    } finally {
      signal?.throwIfAborted();
    }
  }

  #keepLane(lane: number, job: Promise<unknown>): void {
    const over = job.catch(() => {}).then(() => {
      if (this.#lanes.get(lane) === over) this.#lanes.delete(lane);
    });
    this.#lanes.set(lane, over);
  }

  #count(times: JobTimes): void {
    for (const part of ["read", "decode", "downsample", "encode"] as const) {
      this.times[part] += times[part];
    }
  }

  #thread(at: number): Thread {
    while (this.#threads.length <= at) {
      this.#threads.push({ worker: undefined, running: new Map(), lane: [] });
    }
    return this.#threads[at];
  }

  #start(thread: Thread): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    thread.worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const pending = thread.running.get(data.id);
      thread.running.delete(data.id);
      if ("error" in data) pending?.reject(revive(data.error));
      else {
        this.#count(data.times);
        pending?.resolve(data.value as never);
      }
      this.#dispatch();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      if (thread.worker !== worker) return;
      thread.worker = undefined;
      const lost = [...thread.running.values()];
      thread.running.clear();
      for (const { name, reject } of lost) {
        reject(new SluiceError(`Cannot finish "${name}" as its worker died: ${event.message}`));
      }
      this.#dispatch();
    };
    return worker;
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      while (thread.running.size < AHEAD && thread.lane.length > 0) {
        this.#post(thread, thread.lane.shift()!);
      }
    }
    while (this.#queue.length > 0) {
      const idle = this.#threads.find((thread) => thread.running.size === 0);
      const thread = idle ??
        (this.#threads.length < this.size ? this.#thread(this.#threads.length) : undefined) ??
        this.#threads.reduce((a, b) => b.running.size < a.running.size ? b : a);
      if (thread.running.size >= AHEAD) return;
      this.#post(thread, this.#queue.shift()!);
    }
  }

  #post(thread: Thread, pending: Pending): void {
    thread.running.set(pending.id, pending);
    try {
      (thread.worker ?? this.#start(thread)).postMessage({
        id: pending.id,
        name: pending.name,
        input: pending.input,
      }, [
        ...pending.transfer,
      ]);
    } catch (error) {
      thread.running.delete(pending.id);
      pending.reject(error);
    }
  }

  /** Ends every worker; jobs that still run reject. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const gone = new SluiceError("Cannot finish the job as the worker pool is closed");
    for (const thread of this.#threads) {
      thread.worker?.terminate();
      for (const { reject } of [...thread.running.values(), ...thread.lane]) reject(gone);
    }
    for (const { reject } of this.#queue.splice(0)) reject(gone);
    this.#threads.length = 0;
    return Promise.resolve();
  }
}

/** The buffer of voxels, to be given away with a job: nothing else lies in it, and they are used no more. */
export function ownBuffer({ buffer, byteLength }: VoxelArray): Transferable[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}

function checkShared<K extends JobName>(name: K, input: JobInput<K>): void {
  const target = WRITES[name];
  if (target === undefined) return;
  const { buffer } = input[target] as VoxelArray;
  if (buffer instanceof SharedArrayBuffer) return;
  throw new TypeError(
    `Cannot run "${name}" in a worker as its "${
      String(target)
    }" is not on shared memory: a copy would be filled and lost; take it from BandBuffers, or use a pool of size 0`,
  );
}

function revive({ name, message, stack, kind, known }: ThrownError): Error {
  const error = name === "ImageError"
    ? new ImageError(message, kind as ImageError["kind"])
    : known
    ? new SluiceError(message)
    : new Error(message);
  if (error.name !== name) {
    Object.defineProperty(error, "name", { value: name, configurable: true });
  }
  if (kind !== undefined && !("kind" in error)) {
    Object.defineProperty(error, "kind", { value: kind, enumerable: true });
  }
  if (stack !== undefined) error.stack = stack;
  return error;
}
