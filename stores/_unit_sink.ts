/** Where the bytes of one unit go: a file, or an object of a bucket. */
import { dirname } from "node:path";
import { isNotFound, SluiceError } from "../core/errors.ts";
import { type Unit, unitName } from "../core/layout.ts";
import type { Blobs, BlobWriter } from "./blobs/blobs.ts";

/** Takes bytes from the first to the last; disposed without commit, nothing is visible. */
export interface UnitSink extends AsyncDisposable {
  /** Adds bytes, which stay as they are. What comes back is waited for before more is encoded. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** Makes it visible. @param head What was reserved at its front. @param guard Called last before that. */
  commit(head: Uint8Array | undefined, guard: () => void | Promise<void>): Promise<void>;
  /** Nothing is to be there. */
  remove(guard: () => void | Promise<void>): Promise<void>;
}

/** Where a unit is written on a disk. */
export interface UnitFiles {
  /** Name of the unit once it is whole. */
  readonly path: string;
  /** A name no other writer uses, on the same file system. It vanishes when the volume is replaced: that is the fence. */
  readonly temporary: string;
}

/** A file under a temporary name. */
export class FileSink implements UnitSink {
  readonly #unit: Unit;
  readonly #files: UnitFiles;
  readonly #headBytes: number;
  #file: Deno.FsFile | undefined;
  /** Whether a file lies under the temporary name. */
  #isTemporary = false;

  constructor(unit: Unit, files: UnitFiles, headBytes: number) {
    this.#unit = unit;
    this.#files = files;
    this.#headBytes = headBytes;
  }

  write(bytes: Uint8Array): void {
    writeAll(this.#file ??= this.#start(), bytes);
  }

  #start(): Deno.FsFile {
    const file = this.#whileCurrent(() =>
      Deno.openSync(this.#files.temporary, { write: true, createNew: true })
    );
    this.#isTemporary = true;
    if (this.#headBytes > 0) writeAll(file, new Uint8Array(this.#headBytes));
    return file;
  }

  async commit(
    head: Uint8Array | undefined,
    guard: () => void | Promise<void>,
  ): Promise<void> {
    const { path, temporary } = this.#files;
    const file = this.#file ??= this.#start();
    if (head !== undefined) {
      file.seekSync(0, Deno.SeekMode.Start);
      writeAll(file, head);
    }
    await file.syncData();
    file.close();
    this.#file = undefined;
    await guard();
    this.#whileCurrent(() => {
      try {
        Deno.renameSync(temporary, path);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        Deno.statSync(temporary);
        Deno.mkdirSync(dirname(path), { recursive: true });
        Deno.renameSync(temporary, path);
      }
    });
    this.#isTemporary = false;
  }

  async remove(guard: () => void | Promise<void>): Promise<void> {
    await guard();
    this.#whileCurrent(() => Deno.statSync(dirname(this.#files.temporary)));
    removeIfThere(this.#files.path);
  }

  /** The temporary folder goes when the volume is replaced: then nothing may be written any more. */
  #whileCurrent<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw replaced(this.#unit, this.#files.path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file?.close();
    this.#file = undefined;
    if (!this.#isTemporary) return;
    this.#isTemporary = false;
    await Deno.remove(this.#files.temporary).catch(() => {});
  }
}

/** Up to so many bytes a unit is written at once, so that small ones need one request. */
const WHOLE_BYTES = 8 << 20;

/** What a unit needs to become an object. */
export interface UnitBlob {
  readonly blobs: Blobs;
  readonly key: string;
  readonly signal?: AbortSignal;
  /** Whether the job that writes still has the volume. */
  readonly isCurrent: () => Promise<boolean>;
}

/** An object of a bucket: a small one is put at once, a large one in parts while it grows. */
export class BlobSink implements UnitSink {
  readonly #unit: Unit;
  readonly #blob: UnitBlob;
  readonly #headBytes: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #writer: BlobWriter | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(unit: Unit, blob: UnitBlob, headBytes: number) {
    this.#unit = unit;
    this.#blob = blob;
    this.#headBytes = headBytes;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#writer === undefined && this.#heldBytes <= WHOLE_BYTES) return;
    this.#sending = this.#sending.then(() => this.#send());
    // It is heard of by who waits for it, or by the commit.
    this.#sending.catch(() => {});
    return this.#sending;
  }

  async #send(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    const { blobs, key, signal } = this.#blob;
    this.#writer ??= await blobs.open(key, { signal, reserve: this.#headBytes });
    for (const bytes of held) await this.#writer.write(bytes);
  }

  async commit(
    head: Uint8Array | undefined,
    guard: () => void | Promise<void>,
  ): Promise<void> {
    await this.#sending;
    if (this.#writer !== undefined) {
      await this.#send();
      await this.#check(guard);
      await this.#writer.commit(head);
      return;
    }
    const bytes = new Uint8Array(this.#headBytes + this.#heldBytes);
    if (head !== undefined) bytes.set(head);
    this.#held.reduce((at, part) => (bytes.set(part, at), at + part.length), this.#headBytes);
    await this.#check(guard);
    const { blobs, key, signal } = this.#blob;
    await blobs.put(key, bytes, { signal });
    this.#held = [];
  }

  async remove(guard: () => void | Promise<void>): Promise<void> {
    await this.#check(guard);
    await this.#blob.blobs.delete(this.#blob.key, { signal: this.#blob.signal });
  }

  async #check(guard: () => void | Promise<void>): Promise<void> {
    await guard();
    if (await this.#blob.isCurrent()) return;
    throw replaced(this.#unit, `${this.#blob.blobs.url}/${this.#blob.key}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#held = [];
    await this.#sending.catch(() => {});
    await this.#writer?.[Symbol.asyncDispose]();
  }
}

function replaced(unit: Unit, place: string, cause?: unknown): SluiceError {
  return new SluiceError(
    `Cannot write unit ${
      unitName(unit)
    } as "${place}": the volume was removed or replaced meanwhile`,
    { cause },
  );
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
