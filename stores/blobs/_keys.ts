/** Keys of blobs: what may be one, and how an address writes it. */
import { BlobError } from "./blobs.ts";

/** S3 has no longer ones; paths may. */
const MOST_BYTES = 1024;

/** Throws unless it is a key that stays below the root of every kind of place. */
export function checkKey(key: string): void {
  const fault = faultOf(key) ?? (key.split("/").includes("") ? "a name in it is empty" : undefined);
  if (fault !== undefined) refuse(key, "a key", fault);
}

/** Throws unless some key may begin so. */
export function checkPrefix(prefix: string): void {
  const names = prefix.split("/").slice(0, -1);
  const fault = faultOf(prefix) ?? (names.includes("") ? "a name in it is empty" : undefined);
  if (fault !== undefined) refuse(prefix, "the beginning of keys", fault);
}

function faultOf(text: string): string | undefined {
  if (text.split("/").some((name) => name === "." || name === "..")) {
    return `it goes by "." or ".."`;
  }
  if (/[\\\0]/.test(text)) return "it has a backslash or a zero byte";
  if (!text.isWellFormed()) return "it is no Unicode text";
  const { length } = new TextEncoder().encode(text);
  return length > MOST_BYTES ? `it has ${length} bytes, more than ${MOST_BYTES}` : undefined;
}

function refuse(text: string, as: string, fault: string): never {
  throw new BlobError(
    `Cannot use ${
      JSON.stringify(text)
    } as ${as} of a blob: ${fault}; write names with "/" between them`,
    "bad-key",
  );
}

/** A path of an address, in which only what RFC 3986 leaves alone is left alone: what is signed is then what is sent. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeName).join("/");
}

function encodeName(name: string): string {
  return encodeURIComponent(name).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
