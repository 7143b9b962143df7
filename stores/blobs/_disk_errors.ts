/** What files fail with, as errors of blobs. */
import { isNotFound, messageOf, SluiceError } from "../../core/errors.ts";
import { BlobError, type BlobErrorKind } from "./blobs.ts";

/** What a call gives, or undefined where there is no such file. */
export async function absentAsUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether there is no such file, also where a file lies in the place of a folder on the way. */
export function isAbsent(error: unknown): boolean {
  return isNotFound(error) || codeOf(error) === "ENOTDIR";
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? (error as Error).name);
}

const KINDS: Readonly<Record<string, [BlobErrorKind, string]>> = {
  EACCES: ["forbidden", "change who may"],
  PermissionDenied: ["forbidden", "change who may"],
  EROFS: ["forbidden", "choose a place that can be written to"],
  NotCapable: ["forbidden", "run sluice with the permission for it"],
  ENOSPC: ["full", "make room"],
  EDQUOT: ["full", "make room"],
  EFBIG: ["full", "choose another file system"],
  ENOTDIR: ["bad-key", "a file lies in the place of a folder: choose another name"],
  EISDIR: ["bad-key", "a folder lies there: choose another name"],
  ENAMETOOLONG: ["bad-key", "choose a shorter name"],
  EPERM: ["unsupported", "choose a file system that allows it"],
  ENOTSUP: ["unsupported", "choose a file system that allows it"],
  EOPNOTSUPP: ["unsupported", "choose a file system that allows it"],
};

/** Works with a file; what fails names the act, the file and the way out. */
export async function doing<T>(
  act: string,
  path: string,
  work: () => T | Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BlobError || signal?.aborted && error === signal.reason) throw error;
    const source = error instanceof SluiceError && error.cause ? error.cause : error;
    const [kind, wayOut] = KINDS[codeOf(source)] ?? ["unavailable", "look at the disk"];
    throw new BlobError(`Cannot ${act} "${path}": ${plainMessage(source)}; ${wayOut}`, kind, {
      cause: error,
    });
  }
}

/** Without the call and the paths that the runtime adds. */
function plainMessage(error: unknown): string {
  return messageOf(error).replace(/(\(os error \d+\)): .*$/s, "$1");
}
