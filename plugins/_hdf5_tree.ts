/**
 * Names, links and attributes of an HDF5 file, looked up by a thread of its own.
 *
 * h5wasm looks them up. It does not tell where chunks are, and its reads of voxels pass through 32-bit memory on one
 * thread; so it is asked for the address of a dataset, and all from there on is read without it. A broken file can lead
 * the library round in circles, or break it: then its thread is ended, with no harm to anything else. Starting thread
 * and library takes 0.3 s and 50 MiB.
 */
import { Hdf5Fault } from "./_hdf5_cursor.ts";

/** One dataset of a file. */
export interface Hdf5Entry {
  /** Such as `/volumes/raw`. */
  readonly path: string;
  /** Of its object header. */
  readonly address: number;
}

/** The datasets of a file. */
export interface Hdf5List {
  readonly entries: readonly Hdf5Entry[];
  /** Whether these are all. */
  readonly isWhole: boolean;
}

/** What a name stands for. */
export type Hdf5Named =
  | { readonly kind: "dataset"; readonly entry: Hdf5Entry }
  | { readonly kind: "group" | "nothing" }
  | { readonly kind: "elsewhere"; readonly file: string };

/** What a dataset says of itself in words and numbers. */
export interface Hdf5Words {
  /** What its axes are called, the slowest first; empty where they have no name. */
  readonly labels: readonly string[];
  /** Numbers or words of small attributes; none where it has no such one. */
  readonly attributes: Readonly<Record<string, readonly (number | string)[]>>;
}

/** What the thread can be asked. */
export type Question =
  | { readonly kind: "open"; readonly path: string }
  | { readonly kind: "list" }
  | { readonly kind: "find"; readonly path: string }
  | { readonly kind: "describe"; readonly path: string; readonly names: readonly string[] };

/** What it answers. */
export type Answer = { readonly value: unknown } | { readonly fault: string };

/** The names of a file; to be closed. */
export class Hdf5Tree implements Disposable {
  readonly #worker = new Worker(new URL("./_hdf5_worker.ts", import.meta.url), { type: "module" });

  private constructor(readonly seconds: number) {}

  /**
   * Opens the names of a file.
   * @param seconds Longest that one question may take.
   * @throws {Hdf5Fault} If the library cannot open it.
   */
  static async open(path: string, seconds: number): Promise<Hdf5Tree> {
    const tree = new Hdf5Tree(seconds);
    try {
      await tree.#ask({ kind: "open", path });
      return tree;
    } catch (error) {
      tree[Symbol.dispose]();
      throw error;
    }
  }

  /** Every dataset once, whatever links lead to it, in the order of their paths. */
  async list(): Promise<Hdf5List> {
    return await this.#ask({ kind: "list" }) as Hdf5List;
  }

  /** Looks a path up, links followed. */
  async find(path: string): Promise<Hdf5Named> {
    return await this.#ask({ kind: "find", path }) as Hdf5Named;
  }

  /** What a dataset says of itself, by the names of attributes that are asked for. */
  async describe(path: string, names: readonly string[]): Promise<Hdf5Words> {
    return await this.#ask({ kind: "describe", path, names }) as Hdf5Words;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  async #ask(question: Question): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      if ("value" in data) resolve(data.value);
      else reject(new Hdf5Fault(data.fault));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Cannot run the HDF5 library: ${event.message}`));
    };
    const timer = setTimeout(() => {
      this.#worker.terminate();
      reject(new Hdf5Fault(`the HDF5 library found no end in ${this.seconds} s`));
    }, this.seconds * 1000);
    this.#worker.postMessage(question);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
