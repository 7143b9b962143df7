/**
 * Copies of images that lie in a bucket or behind HTTP, on this machine for as long as their task is in hand.
 *
 * Threads then read them as any other file. Of a file that holds much more than the task needs, such as one of a
 * thousand pages, only the bytes of the rows in question are fetched, into a file with holes.
 * @module
 */
import { join } from "node:path";
import { joinStretches } from "../codecs/byte_stretches.ts";
import { type ByteStretch, imageFormats } from "../codecs/image.ts";
import { eachAtOnce } from "../core/abort.ts";
import type { Box } from "../core/box.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";
import { ImageError, messageOf, SluiceError } from "../core/errors.ts";
import { Room } from "../core/room.ts";
import { type BlobFacts, blobFacts, BlobSource, isSameVersion } from "../plugins/blob_source.ts";
import { changedSincePlan, type ImageFailure, type ImagePart } from "../pool/_read_images.ts";
import { BlobError, type Blobs } from "../stores/blobs/blobs.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";
import { SpoolFolder } from "./_spool_folder.ts";

/** A task fetches so many of its images at once. */
const FETCHED_AT_ONCE = 16;
/** Bytes of all tasks that are on their way at once: they lie in memory until they are written. */
const BYTES_AT_ONCE = 64 << 20;
/** What is larger comes in parts of this size, a whole blob below it with its checksum. */
const PART_BYTES = 8 << 20;
const PARTS_AT_ONCE = 4;
/** A file this many times as large as the decoded rows that are wanted of it is not fetched whole. */
const MUCH_MORE = 2;
/** Stretches that lie this near come together, as asking twice takes longer. */
const GAP_BYTES = 64 << 10;

/** What became of fetching an image. */
export type Fetched =
  /** The image, with the path of its copy. */
  | { readonly kind: "copy"; readonly image: ImagePart }
  /** It is not there, not what was planned, or its bytes cannot be had undamaged. */
  | { readonly kind: "failure"; readonly failure: Omit<ImageFailure, "image"> };

/** A file, and the images of the task that lie in it. */
interface Wanted {
  readonly key: string;
  readonly facts: BlobFacts;
  readonly images: readonly ImagePart[];
  readonly fetched: PromiseWithResolvers<FetchedFile>;
}

type FetchedFile =
  | { readonly path: string; readonly mtime: number; readonly held?: readonly ByteStretch[] }
  | Omit<ImageFailure, "image">;

/** Copies of the images of all tasks of one run. */
export class ImageSpool {
  readonly #room: Room;
  readonly #bytesAtOnce = new Room(BYTES_AT_ONCE);
  readonly #folder = new SpoolFolder();
  readonly #places = new Map<string, Promise<Blobs>>();

  /** @param mostBytes Copies of further tasks wait when there would be more; one task alone may take more. */
  constructor(mostBytes: number) {
    this.#room = new Room(mostBytes);
  }

  /**
   * Begins to fetch the images of a task, those first whose rows come first.
   * @param root Where they lie; their paths begin with it.
   * @param box Voxels that are wanted of them.
   */
  async open(
    root: string,
    images: readonly ImagePart[],
    box: Box,
    signal: AbortSignal,
  ): Promise<TaskSpool> {
    const byPath = Map.groupBy(
      images.toSorted((a, b) => a.y - b.y),
      ({ path }) => path,
    );
    const wanted = Array.from(byPath, ([path, images]): Wanted => ({
      key: path.slice(root.length + 1),
      facts: factsOf(images[0]),
      images,
      fetched: Promise.withResolvers(),
    }));
    const bytes = wanted.reduce((sum, one) => sum + mostBytesOf(one, box), 0);
    const leave = await this.#room.take(bytes, signal);
    try {
      const blobs = await this.#placeAt(root);
      const folder = await this.#enter(images[0]?.path ?? root, signal);
      const close = async () => {
        try {
          await folder.leave();
        } finally {
          leave();
        }
      };
      return new TaskSpool({ blobs, root, folder: folder.path, wanted, box, signal, close }, {
        bytesAtOnce: this.#bytesAtOnce,
      });
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #enter(address: string, signal: AbortSignal) {
    try {
      return await this.#folder.enter(signal);
    } catch (error) {
      throw SpoolError.of(error, address) ?? error;
    }
  }

  #placeAt(root: string): Promise<Blobs> {
    const known = this.#places.get(root) ?? openBlobs(root);
    this.#places.set(root, known);
    return known;
  }
}

interface TaskSpoolInput {
  readonly blobs: Blobs;
  readonly root: string;
  readonly folder: string;
  readonly wanted: readonly Wanted[];
  readonly box: Box;
  readonly signal: AbortSignal;
  readonly close: () => Promise<void>;
}

/** Copies of the images of one task. Disposed, they are gone. */
export class TaskSpool implements AsyncDisposable {
  readonly #input: TaskSpoolInput;
  readonly #bytesAtOnce: Room;
  readonly #byPath: ReadonlyMap<string, Wanted>;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly #fetching: Promise<void>;

  constructor(input: TaskSpoolInput, { bytesAtOnce }: { readonly bytesAtOnce: Room }) {
    this.#input = input;
    this.#bytesAtOnce = bytesAtOnce;
    this.#byPath = new Map(input.wanted.map((one) => [one.images[0].path, one]));
    this.#signal = AbortSignal.any([input.signal, this.#stopping.signal]);
    for (const { fetched } of input.wanted) fetched.promise.catch(() => {});
    // What was not begun when one fails fails with it.
    this.#fetching = eachAtOnce(
      input.wanted.entries(),
      FETCHED_AT_ONCE,
      ([at, one]) => this.#fetch(one, join(input.folder, `${at}`)),
    ).catch((error) => {
      for (const { fetched } of input.wanted) fetched.reject(error);
    });
  }

  /**
   * Waits for the copy of an image.
   * @throws {BlobError} If its server cannot be asked.
   * @throws {SpoolError} If there is no room for it on this machine.
   */
  async copyOf(image: ImagePart): Promise<Fetched> {
    const found = await this.#byPath.get(image.path)!.fetched.promise;
    if ("kind" in found) return { kind: "failure", failure: found };
    const { path, mtime, held } = found;
    return {
      kind: "copy",
      image: { ...image, path, mtime, ...held === undefined ? {} : { held } },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error("its task is over"));
    await this.#fetching;
    await this.#input.close();
  }

  async #fetch(one: Wanted, path: string): Promise<void> {
    const { images: [{ path: address }], fetched } = one;
    try {
      const held = await this.#copy(one, path);
      const { mtime } = await Deno.stat(path);
      const copy = { path, mtime: mtime?.getTime() ?? 0 };
      fetched.resolve(held === undefined ? copy : { ...copy, held });
    } catch (error) {
      this.#signal.throwIfAborted();
      // What an image is to blame for costs its own voxels; anything else is not known of it alone.
      if (error instanceof ImageError) {
        fetched.resolve({ kind: error.kind, message: messageOf(error) });
      } else if (error instanceof BlobError && error.kind === "corrupt") {
        fetched.resolve({ kind: "broken", message: messageOf(error) });
      } else {
        const fatal = SpoolError.of(error, address) ?? error;
        this.#stopping.abort(fatal);
        throw fatal;
      }
    }
  }

  /** Makes the copy; @returns Which bytes of it are there, if not all are. */
  async #copy(one: Wanted, path: string): Promise<ByteStretch[] | undefined> {
    const { key, facts, images } = one;
    const locate = isMuchMore(one, this.#input.box)
      ? (await imageFormats.get(images[0].format)!()).locate
      : undefined;
    if (locate === undefined && facts.size <= PART_BYTES) {
      await this.#get(key, facts, undefined, (bytes) => Deno.writeFile(path, bytes));
      return undefined;
    }
    await using file = await SparseFile.create(path, facts.size);
    if (locate === undefined) {
      await this.#fill(file, key, facts, [[0, facts.size]]);
      return undefined;
    }
    const read: ByteStretch[] = [];
    await using source = await BlobSource.open(this.#input.blobs, key, {
      signal: this.#signal,
      onBlock: async (start, bytes) => {
        read.push([start, start + bytes.length]);
        await file.write(start, bytes);
      },
    });
    if (source === undefined) throw gone();
    if (!isSameVersion(source.facts, facts)) throw changedSincePlan(source.size, facts.size);
    const rows: ByteStretch[] = [];
    for (const { at, y, height } of images) {
      const [first, end] = rowsWithin(this.#input.box, y, height);
      rows.push(...await locate(source, at, first, end));
    }
    const missing = without(joinStretches(rows, GAP_BYTES), joinStretches(read, 0));
    await this.#fill(file, key, facts, missing);
    return joinStretches([...read, ...missing], 0);
  }

  /** Fetches stretches of a file in parts. */
  async #fill(
    file: SparseFile,
    key: string,
    facts: BlobFacts,
    stretches: readonly ByteStretch[],
  ): Promise<void> {
    await eachAtOnce(
      partsOf(stretches),
      PARTS_AT_ONCE,
      ([start, end]) => this.#get(key, facts, [start, end], (bytes) => file.write(start, bytes)),
    );
  }

  /** Fetches bytes of the file that was planned, and of no other. */
  async #get(
    key: string,
    facts: BlobFacts,
    range: ByteStretch | undefined,
    keep: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    const [start, end] = range ?? [0, facts.size];
    const leave = await this.#bytesAtOnce.take(end - start, this.#signal);
    try {
      let found = facts;
      const bytes = await this.#input.blobs.get(key, {
        range,
        signal: this.#signal,
        onInfo: (info) => found = blobFacts(info),
      });
      if (bytes === undefined) throw gone();
      if (!isSameVersion(found, facts)) throw changedSincePlan(found.size, facts.size);
      if (bytes.length !== end - start) throw changedSincePlan(bytes.length, end - start);
      await keep(bytes);
    } finally {
      leave();
    }
  }
}

/** Copies of images cannot be kept on this machine; every other image would fail, too. */
export class SpoolError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "SpoolError";

  /** As such an error, what the disk says; undefined where it is something else. */
  static of(error: unknown, address: string): SpoolError | undefined {
    const code = error instanceof Error ? (error as { code?: string }).code ?? error.name : "";
    const state = STATES[code];
    return state === undefined ? undefined : new SpoolError(
      `Cannot keep a copy of "${address}" in the temporary folder while it is decoded: ${state}; make room there, ` +
        "or name another folder by TMPDIR, and run the same command again",
      { cause: error },
    );
  }
}

const STATES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  NotFound: "there is no such folder",
  ENOTDIR: "it is a file",
  ENOSPC: "its disk is full",
  EDQUOT: "the quota is used up",
  EFBIG: "its file system takes no file of this size",
  EROFS: "its file system is read-only",
  EACCES: "it may not be written to",
  PermissionDenied: "it may not be written to",
  NotCapable: "sluice may not write to it",
};

function gone(): ImageError {
  return new ImageError("it is not there any more; put it back, or plan again", "missing");
}

function factsOf({ size, mtime, tag }: ImagePart): BlobFacts {
  return { size, mtime, ...tag === undefined ? {} : { tag } };
}

/** Rows of an image that lie in a box: the first, and the one behind the last. */
function rowsWithin({ min, max }: Box, y: number, height: number): [number, number] {
  return [Math.max(0, min[1] - y), Math.min(height, max[1] - y)];
}

/** Bytes of the rows that a task wants of a file, decoded. */
function decodedBytes({ images }: Pick<Wanted, "images">, box: Box): number {
  return images.reduce((sum, { y, height, width, samples, dtype }) => {
    const [first, end] = rowsWithin(box, y, height);
    return sum + Math.max(0, end - first) * width * samples * VOXEL_BYTES[dtype];
  }, 0);
}

function isMuchMore(wanted: Wanted, box: Box): boolean {
  return wanted.facts.size > MUCH_MORE * decodedBytes(wanted, box);
}

/** What the copy of a file takes at most, but for formats whose files hold one image, however small. */
function mostBytesOf(wanted: Wanted, box: Box): number {
  return Math.min(wanted.facts.size, MUCH_MORE * decodedBytes(wanted, box));
}

function* partsOf(stretches: readonly ByteStretch[]): Generator<ByteStretch> {
  for (const [start, end] of stretches) {
    for (let at = start; at < end; at += PART_BYTES) yield [at, Math.min(end, at + PART_BYTES)];
  }
}

/** What of some stretches does not lie in others; both in order and joined. */
function without(
  stretches: readonly ByteStretch[],
  others: readonly ByteStretch[],
): ByteStretch[] {
  return stretches.flatMap(([start, end]) => {
    const left: ByteStretch[] = [];
    let at = start;
    for (const [from, to] of others) {
      if (to <= at || from >= end) continue;
      if (from > at) left.push([at, from]);
      at = Math.max(at, to);
    }
    if (at < end) left.push([at, end]);
    return left;
  });
}

/** A file that is written here and there; what was never written takes no room. */
class SparseFile implements AsyncDisposable {
  /** Writes take turns, as they share its position. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(readonly file: Deno.FsFile) {}

  static async create(path: string, size: number): Promise<SparseFile> {
    const file = await Deno.open(path, { write: true, createNew: true });
    await file.truncate(size);
    return new SparseFile(file);
  }

  write(start: number, bytes: Uint8Array): Promise<void> {
    const written = this.#turn.then(async () => {
      await this.file.seek(start, Deno.SeekMode.Start);
      for (let done = 0; done < bytes.length;) done += await this.file.write(bytes.subarray(done));
    });
    this.#turn = written.catch(() => {});
    return written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    this.file.close();
  }
}
