/**
 * Reads what many files say of themselves, and puts into words what is wrong with them.
 * @module
 */
import { join } from "node:path";
import { factsOf, openFileSource, statFile } from "../codecs/file_source.ts";
import {
  type ByteSource,
  type ImageFile,
  type ImageFormat,
  imageFormats,
} from "../codecs/image.ts";
import { delay, eachAtOnce } from "../core/abort.ts";
import { ImageError, isNotFound, messageOf } from "../core/errors.ts";
import { BlobError, type Blobs } from "../stores/blobs/blobs.ts";
import { openBlobs } from "../stores/blobs/open_blobs.ts";
import { isRemote } from "../stores/place.ts";
import { type BlobFacts, BlobSource } from "./blob_source.ts";
import type { Fault } from "./source.ts";

/** One file, asked; either `file` or `fault` is there. */
export interface Described extends BlobFacts {
  /** Relative to the root. */
  readonly path: string;
  /** Empty where the bytes are of no image format. */
  readonly format: string;
  readonly file?: ImageFile;
  readonly fault?: { readonly kind: Fault["kind"]; readonly reason: string };
}

/** How headers are read. */
export interface HeaderOptions {
  /** Files that are asked at once where they do not answer at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly onProgress: (read: number, total: number) => void;
  /** Files of which only the images matter: each file of a set repeats what all of them hold. */
  readonly bare?: ReadonlySet<string>;
}

const FIRST_BYTES = 16;
/** A disk or a page cache answers faster than this, a network does not. */
const SLOW_MS = 1;
const TRIED_FILES = 64;
const TURN_MS = 40;
/** A server that many ask at once answers each nearly as fast. */
const FAR_FILES = 2;

/**
 * Describes files in the order of their paths. Files at hand are read one after the other on this thread,
 * which is fastest; where the first ones take long, `concurrency` are read side by side. Of those in a bucket or
 * behind HTTP, twice as many are from the first on.
 * @param root Folder or address that the paths start from.
 * @throws {BlobError} If a server cannot be asked: it says nothing of any file, then.
 */
export async function describeFiles(
  root: string,
  paths: readonly string[],
  { concurrency, signal, onProgress, bare = new Set() }: HeaderOptions,
): Promise<Described[]> {
  const described = new Array<Described>(paths.length);
  const intern = interner(bare);
  const isFar = isRemote(root);
  let read = 0;
  let begun = performance.now();
  let turn = begun;
  while (!isFar && read < paths.length) {
    signal.throwIfAborted();
    described[read] = intern(await describeFile(root, paths[read]));
    read++;
    const now = performance.now();
    if (now - turn > TURN_MS) {
      onProgress(read, paths.length);
      await delay(0, signal);
      turn = performance.now();
    }
    // The first file also waits for its format to load.
    if (read === 1) begun = now;
    if (read >= TRIED_FILES && now - begun > SLOW_MS * read) break;
  }
  // Where one ends the whole, the others are not waited for.
  const stopping = new AbortController();
  const either = AbortSignal.any([signal, stopping.signal]);
  const describe = isFar
    ? describeBlobs(await openBlobs(root), either)
    : (path: string) => describeFile(root, path, false);
  const rest = paths.slice(read).entries();
  const before = read;
  await eachAtOnce(rest, isFar ? concurrency * FAR_FILES : concurrency, async ([at, path]) => {
    signal.throwIfAborted();
    try {
      described[before + at] = intern(await describe(path));
    } catch (error) {
      stopping.abort(error);
      throw error;
    }
    read++;
    if (performance.now() - turn > TURN_MS) {
      turn = performance.now();
      onProgress(read, paths.length);
    }
  });
  onProgress(read, paths.length);
  return described;
}

/** Describes one file; what is wrong with it comes back as its fault. */
async function describeFile(
  root: string,
  path: string,
  blocking = true,
): Promise<Described> {
  const whole = join(root, path);
  let facts: BlobFacts = NOTHING;
  try {
    const info = await statFile(whole, blocking);
    if (info.isDirectory) return faulty(path, facts, "directory", "is a folder");
    facts = factsOf(info);
    if (!info.isFile) {
      return faulty(path, facts, "not an image", "is a device, a pipe or a socket");
    }
    if (info.size === 0) return faulty(path, facts, "empty", "is empty");
    await using bytes = await openFileSource(whole, { blocking, facts });
    return await describeBytes(path, facts, bytes);
  } catch (error) {
    const { kind, reason } = faultOf(error, path);
    return faulty(path, facts, kind, reason);
  }
}

/** Describes blobs, one a call; what is wrong with one comes back as its fault. */
function describeBlobs(blobs: Blobs, signal: AbortSignal): (key: string) => Promise<Described> {
  return async (key) => {
    let facts: BlobFacts = NOTHING;
    try {
      await using bytes = await BlobSource.open(blobs, key, { signal });
      if (bytes === undefined) return faulty(key, facts, "missing", "is not there");
      facts = bytes.facts;
      if (bytes.size === 0) return faulty(key, facts, "empty", "is empty");
      return await describeBytes(key, facts, bytes);
    } catch (error) {
      const { kind, reason } = faultOf(error, key);
      return faulty(key, facts, kind, reason);
    }
  };
}

const NOTHING: BlobFacts = { size: 0, mtime: 0 };

function faulty(
  path: string,
  facts: BlobFacts,
  kind: Fault["kind"],
  reason: string,
  format = "",
): Described {
  return { path, ...facts, format, fault: { kind, reason } };
}

async function describeBytes(
  path: string,
  facts: BlobFacts,
  bytes: ByteSource,
): Promise<Described> {
  let format = "";
  try {
    const first = new Uint8Array(Math.min(FIRST_BYTES, bytes.size));
    await bytes.read(0, first);
    const found = await sniffFormat(first);
    if (found === undefined) {
      const reason = `is not an image: it begins with ${spellBytes(first)}`;
      return faulty(path, facts, "not an image", reason);
    }
    format = found.name;
    const file = await found.describe(bytes);
    if (file.images.length > 0) return { path, ...facts, format, file };
    return faulty(path, facts, "not an image", "holds no image", format);
  } catch (error) {
    const { kind, reason } = faultOf(error, path);
    return faulty(path, facts, kind, reason, format);
  }
}

function faultOf(error: unknown, path: string): { kind: Fault["kind"]; reason: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (isNotFound(cause) || cause instanceof Deno.errors.NotADirectory) {
    return path.includes("\ufffd")
      ? { kind: "unreadable", reason: "has a name that is not UTF-8, and cannot be opened" }
      : { kind: "missing", reason: "is not there" };
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return { kind: "unreadable", reason: "may not be read: permission denied" };
  }
  // What the server says of this one; of any other fault it would say it of all.
  if (error instanceof BlobError && (error.kind === "forbidden" || error.kind === "corrupt")) {
    return { kind: "unreadable", reason: `cannot be read: ${stateOf(error)}` };
  }
  if (error instanceof ImageError) {
    const isShort = /truncat|cut short|ends (?:at|before|early|in|with)|the file (?:has|ends)/i;
    const state = stateOf(error);
    return isShort.test(error.message)
      ? {
        kind: "truncated",
        reason: state.replace(/^(?:it is truncated)?/, (said) =>
          said === "" ? "is truncated: " : "is truncated"),
      }
      : { kind: "broken", reason: `cannot be decoded: ${state}` };
  }
  // What the system says of a disk or a mount that fails; anything else is a fault of this program.
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") {
    return { kind: "unreadable", reason: `cannot be read: ${messageOf(cause)}` };
  }
  throw error;
}

/** The state that an error of this program tells of, without the act before it and the way out behind it. */
export function stateOf(error: unknown): string {
  const message = messageOf(error);
  return /^Cannot (?:"[^"]*"|[^":])*: (.*?)(?:; [^;]*)?$/s.exec(message)?.[1] ?? message;
}

let lastFormat: string | undefined;

/** The format that a file's first bytes are of; formats that are not asked stay unloaded. */
export async function sniffFormat(first: Uint8Array): Promise<ImageFormat | undefined> {
  const names = [...imageFormats.keys()];
  if (lastFormat !== undefined) names.unshift(lastFormat);
  for (const name of names) {
    const format = await imageFormats.get(name)?.();
    if (format?.matches(first)) {
      lastFormat = name;
      return format;
    }
  }
}

function spellBytes(first: Uint8Array): string {
  const text = String.fromCharCode(...first);
  if (/^[\x20-\x7e\s]+$/.test(text)) return JSON.stringify(text);
  return Array.from(first.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** A million files of one kind share what they say of themselves. */
function interner(bare: ReadonlySet<string>): (described: Described) => Described {
  const known = new Map<string, ImageFile>();
  return (described) => {
    if (described.file === undefined) return described;
    const { series, ...rest } = described.file;
    const file = series === undefined || !bare.has(described.path) ? described.file : rest;
    if (file.images.length > 1) return { ...described, file };
    const key = JSON.stringify(file);
    const same = known.get(key);
    if (same === undefined && known.size < 10_000) known.set(key, file);
    return { ...described, file: same ?? file };
  };
}
