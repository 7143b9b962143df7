/**
 * The bytes of a local file, read by position.
 * @module
 */
import { ImageError } from "../core/errors.ts";
import type { ByteSource } from "./image.ts";

/** What the file system says of a file. */
export interface FileFacts {
  /** Bytes. */
  readonly size: number;
  /** When it was last changed, in milliseconds since 1970. */
  readonly mtime: number;
}

/** A local file, open for reading. */
export interface FileSource extends ByteSource, FileFacts {}

/** How a file is opened. */
export interface FileSourceOptions {
  /**
   * Whether a read holds up the thread until it is done: five times as fast where the bytes are at hand, as on
   * a local disk. Otherwise other work goes on meanwhile, which pays where every read crosses a network.
   * @default true
   */
  readonly blocking?: boolean;
  /** What is already known of the file, so that the file system is not asked again. */
  readonly facts?: FileFacts;
}

/** A header and what follows it fit in so many bytes, mostly: one read for all the small ones. */
const HEAD_BYTES = 4096;
const MOST_SPARE_HEADS = 64;
const spareHeads: Uint8Array[] = [];

/**
 * Opens a local file for reading by position.
 *
 * Reads go straight into the caller's memory, which may be shared between threads; small ones near the start
 * of the file are served from one read of its first 4096 bytes. Errors of reading do not name the file: the
 * caller does.
 * @throws {ImageError} Of kind `missing` if there is no such file; of kind `broken` if it is a folder or a
 * device, or may not be read; `cause` is then what the system said.
 * @example Bytes from the middle of a file
 * ```ts
 * import { openFileSource } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const path = await Deno.makeTempFile();
 * await Deno.writeFile(path, new Uint8Array([1, 2, 3, 4, 5]));
 * await using file = await openFileSource(path);
 * const middle = new Uint8Array(3);
 * await file.read(1, middle);
 * deepEqual(middle, new Uint8Array([2, 3, 4]));
 * await Deno.remove(path);
 * ```
 */
export async function openFileSource(
  path: string,
  { blocking = true, facts }: FileSourceOptions = {},
): Promise<FileSource> {
  try {
    // A pipe would wait for its writer when opened, so what it is gets asked before.
    const { size, mtime } = facts ?? regularFile(path, await statFile(path, blocking));
    const file = blocking ? Deno.openSync(path) : await Deno.open(path);
    return new LocalFile(file, size, mtime, blocking);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new ImageError(
        `Cannot open "${path}" as an image: there is no such file; put it there, or mend its name`,
        "missing",
        { cause: error },
      );
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new ImageError(
        `Cannot open "${path}" as an image: its permissions forbid reading; allow it with chmod`,
        "broken",
        { cause: error },
      );
    }
    throw error;
  }
}

/** Asks the file system for what lies at a path, links followed. */
export async function statFile(path: string, blocking = true): Promise<Deno.FileInfo> {
  return blocking ? Deno.statSync(path) : await Deno.stat(path);
}

/** What matters of a file's entry. */
export function factsOf({ size, mtime }: Deno.FileInfo): FileFacts {
  return { size, mtime: mtime?.getTime() ?? 0 };
}

function regularFile(path: string, info: Deno.FileInfo): FileFacts {
  if (info.isFile) return factsOf(info);
  throw new ImageError(
    `Cannot open "${path}" as an image: it is a ${
      info.isDirectory ? "folder" : "device, pipe or socket"
    }; name a file`,
    "broken",
  );
}

class LocalFile implements FileSource {
  #head: Uint8Array | undefined;
  #position = 0;
  /** Reads of one file take turns, as they share its position. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    readonly file: Deno.FsFile,
    readonly size: number,
    readonly mtime: number,
    readonly blocking: boolean,
  ) {}

  async read(offset: number, into: Uint8Array): Promise<void> {
    if (this.blocking) {
      const head = this.#headFor(offset, into);
      if (head !== undefined && this.#head === undefined) {
        this.#fillSync(0, head);
        this.#head = head;
      }
      if (head === undefined) this.#fillSync(offset, into);
      else into.set(head.subarray(offset, offset + into.length));
      return;
    }
    const reading = this.#turn.then(async () => {
      const head = this.#headFor(offset, into);
      if (head !== undefined && this.#head === undefined) {
        await this.#fill(0, head);
        this.#head = head;
      }
      if (head === undefined) await this.#fill(offset, into);
      else into.set(head.subarray(offset, offset + into.length));
    });
    this.#turn = reading.catch(() => {});
    await reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    if (this.#closed) return;
    this.#closed = true;
    this.file.close();
    const head = this.#head?.buffer as ArrayBuffer | undefined;
    this.#head = undefined;
    if (head !== undefined && spareHeads.length < MOST_SPARE_HEADS) {
      spareHeads.push(new Uint8Array(head));
    }
  }

  /** The first bytes of the file, read or yet to be read, if they hold all that is wanted. */
  #headFor(offset: number, { length }: Uint8Array): Uint8Array | undefined {
    const headBytes = Math.min(HEAD_BYTES, this.size);
    if (length === 0 || offset + length > headBytes) return undefined;
    return this.#head ??
      (spareHeads.pop() ?? new Uint8Array(HEAD_BYTES)).subarray(0, headBytes);
  }

  #fillSync(offset: number, into: Uint8Array): void {
    this.#inside(offset, into.length);
    if (this.#position !== offset) this.file.seekSync(offset, Deno.SeekMode.Start);
    this.#position = offset;
    for (let done = 0; done < into.length;) {
      done = this.#advance(offset, done, into, this.file.readSync(into.subarray(done)));
    }
  }

  async #fill(offset: number, into: Uint8Array): Promise<void> {
    this.#inside(offset, into.length);
    if (this.#position !== offset) await this.file.seek(offset, Deno.SeekMode.Start);
    this.#position = offset;
    for (let done = 0; done < into.length;) {
      done = this.#advance(offset, done, into, await this.file.read(into.subarray(done)));
    }
  }

  #advance(offset: number, done: number, into: Uint8Array, got: number | null): number {
    if (got === null) throw endsEarly(offset, into.length, offset + done);
    this.#position += got;
    return done + got;
  }

  #inside(offset: number, length: number): void {
    if (offset + length > this.size) throw endsEarly(offset, length, this.size);
  }
}

/** The error for a read behind the end of a file. */
export function endsEarly(offset: number, length: number, size: number): ImageError {
  return new ImageError(
    `Cannot read bytes ${offset} to ${offset + length} of the file: ` +
      `it is truncated and ends at byte ${size}; copy or export the file again`,
    "broken",
  );
}
