/**
 * Reads what many files say of themselves, and puts into words what is wrong with them.
 * @module
 */
import { join } from "node:path";
import { factsOf, type FileFacts, openFileSource, statFile } from "../codecs/file_source.ts";
import { type ImageFile, type ImageFormat, imageFormats } from "../codecs/image.ts";
import { delay } from "../core/abort.ts";
import { ImageError, isNotFound, messageOf } from "../core/errors.ts";
import type { Fault } from "./source.ts";

/** One file, asked; either `file` or `fault` is there. */
export interface Described extends FileFacts {
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

/**
 * Describes files in the order of their paths. Files at hand are read one after the other on this thread,
 * which is fastest; where the first ones take long, `concurrency` are read side by side.
 */
export async function describeFiles(
  root: string,
  paths: readonly string[],
  { concurrency, signal, onProgress, bare = new Set() }: HeaderOptions,
): Promise<Described[]> {
  const described = new Array<Described>(paths.length);
  const intern = interner(bare);
  let read = 0;
  let begun = performance.now();
  let turn = begun;
  while (read < paths.length) {
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
  let next = read;
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (next < paths.length) {
      signal.throwIfAborted();
      const at = next++;
      described[at] = intern(await describeFile(root, paths[at], false));
      read++;
      if (performance.now() - turn > TURN_MS) {
        turn = performance.now();
        onProgress(read, paths.length);
      }
    }
  }));
  onProgress(read, paths.length);
  return described;
}

/** Describes one file; what is wrong with it comes back as its fault. */
export async function describeFile(
  root: string,
  path: string,
  blocking = true,
): Promise<Described> {
  const whole = join(root, path);
  let facts: FileFacts = { size: 0, mtime: 0 };
  let format = "";
  const faulty = (kind: Fault["kind"], reason: string): Described => ({
    path,
    ...facts,
    format,
    fault: { kind, reason },
  });
  try {
    const info = await statFile(whole, blocking);
    if (info.isDirectory) return faulty("directory", "is a folder");
    facts = factsOf(info);
    if (!info.isFile) return faulty("not an image", "is a device, a pipe or a socket");
    if (info.size === 0) return faulty("empty", "is empty");
    await using bytes = await openFileSource(whole, { blocking, facts });
    const first = new Uint8Array(Math.min(FIRST_BYTES, bytes.size));
    await bytes.read(0, first);
    const found = await sniffFormat(first);
    if (found === undefined) {
      return faulty("not an image", `is not an image: it begins with ${spellBytes(first)}`);
    }
    format = found.name;
    const file = await found.describe(bytes);
    if (file.images.length === 0) return faulty("not an image", "holds no image");
    return { path, ...facts, format, file };
  } catch (error) {
    const { kind, reason } = faultOf(error, path);
    return faulty(kind, reason);
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
