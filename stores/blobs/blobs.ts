/**
 * Blobs: named pieces of bytes on a local disk, in a bucket, or behind HTTP.
 *
 * A key is a path of one or more names with `/` between them: no `..`, no `.`, no empty name, no backslash.
 * @module
 */
import { SluiceError } from "../../core/errors.ts";

/**
 * Which bytes of a blob, as `slice()` takes them: half-open, cut to what is there; a start below 0 counts from the
 * end and has no second number. `[0, 16]` are the first 16 bytes, `[-16]` the last 16.
 */
export type ByteRange = readonly [start: number, end?: number];

/** What every call takes. */
export interface BlobOptions {
  /** Ends the call; it then throws the reason of the signal itself. */
  readonly signal?: AbortSignal;
}

/** How to read a blob. */
export interface GetBlobOptions extends BlobOptions {
  /** Which bytes. @default All */
  readonly range?: ByteRange;
  /** Told what the answer says of the whole blob, before the bytes are given; when it is asked again, told again. */
  readonly onInfo?: (info: BlobInfo) => void;
}

/** How to write a blob. */
export interface PutBlobOptions extends BlobOptions {
  /** What a bucket says to browsers that it is; a disk keeps no such thing. @default "application/octet-stream" */
  readonly contentType?: string;
}

/** How to write a blob piece by piece. */
export interface OpenBlobOptions extends PutBlobOptions {
  /** Bytes at its front that are given last, with `commit()`: for an index known only at the end. @default 0 */
  readonly reserve?: number;
}

/** Where to list. */
export interface ListBlobOptions extends BlobOptions {
  /** Stop at the next `/` after the prefix, and give what begins there as one key that ends with `/`. @default false */
  readonly folders?: boolean;
}

/** What is known of a blob without reading it. */
export interface BlobInfo {
  /** Bytes as they are stored. */
  readonly size: number;
  /** When it was written, milliseconds since 1970. */
  readonly modified?: number;
  /** Changes with the bytes; a bucket calls it ETag. */
  readonly tag?: string;
}

/** One line of a listing. */
export interface BlobEntry {
  /** The whole key; that of a folder ends with `/`. */
  readonly key: string;
  /** Bytes; a folder has none. */
  readonly size?: number;
}

/** What a writer that never ended left behind. */
export interface BlobLeftover {
  /** What it was to become, where that is known. */
  readonly key?: string;
  /** When it was begun, milliseconds since 1970. */
  readonly started?: number;
}

/**
 * Where blobs lie. Keys are relative to {@linkcode Blobs.url}.
 *
 * A write is whole or not there at all, and it has been confirmed when its call ends. What went wrong on the way is
 * tried again for a while; then it is a {@linkcode BlobError}.
 */
export interface Blobs extends AsyncDisposable {
  /** Where it is, without any secret: what messages print. */
  readonly url: string;
  /**
   * The bytes of a blob, or undefined where there is none.
   *
   * A whole blob of a bucket is held against its checksum. For a range there is none, nor for what went to another
   * server than that of AWS in parts: what lies in those should have its own.
   */
  get(key: string, options?: GetBlobOptions): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** What is known of a blob, or undefined where there is none. */
  head(key: string, options?: BlobOptions): Promise<BlobInfo | undefined>;
  /** Writes a blob in the place of what was there. The bytes may lie on shared memory, and stay as they are until then. */
  put(key: string, bytes: Uint8Array, options?: PutBlobOptions): Promise<void>;
  /**
   * Writes a blob where there is none, as a claim. Its bytes should hold something random: where an answer was lost,
   * whoever's bytes lie there made it.
   *
   * A bucket whose server knows no conditional writes is looked at, written and read back instead: two that come at
   * the very same moment may then both be told true.
   * @returns Whether it is there by this call; false: something was there.
   */
  putIfAbsent(key: string, bytes: Uint8Array, options?: PutBlobOptions): Promise<boolean>;
  /** Starts a large blob; nothing is visible before its commit. */
  open(key: string, options?: OpenBlobOptions): Promise<BlobWriter>;
  /** Every key that begins with some letters, in no promised order. */
  list(prefix: string, options?: ListBlobOptions): AsyncIterable<BlobEntry>;
  /** Removes a blob; that there is none is no fault. */
  delete(key: string, options?: BlobOptions): Promise<void>;
  /**
   * Removes what writers under a prefix left unfinished, also that of writers which are still at work: for the end of
   * a job, or its cancelling.
   * @returns What was removed.
   */
  sweep(prefix: string, options?: BlobOptions): Promise<BlobLeftover[]>;
  /** Path of the file, where a blob is one: threads may read it themselves. */
  localPath?(key: string): string;
}

/** Writes one blob from its front to its end. Disposed without commit, nothing of it is left. */
export interface BlobWriter extends AsyncDisposable {
  /** Adds bytes; they are free for other use when the call ends, and may lie on shared memory. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the blob visible, whole and confirmed.
   * @param head The bytes that were reserved at its front: exactly as many.
   */
  commit(head?: Uint8Array): Promise<void>;
}

/**
 * What kept a blob from being read or written:
 * - `forbidden`: the server or the system refuses it;
 * - `credentials`: there are none, or they have run out;
 * - `missing-bucket`: the bucket itself is not there;
 * - `unavailable`: no answer, or none that helps, after all attempts;
 * - `corrupt`: what came is not what was stored, or no answer to the question, after all attempts;
 * - `clock`: the clocks here and there are too far apart to sign a request;
 * - `full`: there is no room;
 * - `unsupported`: this kind of place cannot do that;
 * - `bad-key`: the key is none.
 */
export type BlobErrorKind =
  | "forbidden"
  | "credentials"
  | "missing-bucket"
  | "unavailable"
  | "corrupt"
  | "clock"
  | "full"
  | "unsupported"
  | "bad-key";

/**
 * A blob could not be read or written; `kind` says why.
 * @example A key that would leave the folder
 * ```ts
 * import { BlobError, openBlobs } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * await using blobs = await openBlobs("./data");
 * const bad = (error: unknown) => error instanceof BlobError && error.kind === "bad-key";
 * await rejects(blobs.get("../secret"), bad);
 * ```
 */
export class BlobError extends SluiceError {
  /** Says which class it is. */
  override readonly name = "BlobError";
  /**
   * Says what could not be done, and of what kind the fault is.
   * @param message What could not be done, what was found, and the way out.
   * @param kind What kept it from being done.
   */
  constructor(message: string, readonly kind: BlobErrorKind, options?: ErrorOptions) {
    super(message, options);
  }
}
