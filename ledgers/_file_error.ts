/**
 * Errors of files, by what is the matter with the ledger.
 * @module
 */
import { messageOf } from "../core/errors.ts";
import { LedgerError } from "./ledger.ts";

/**
 * The error of a file as a {@linkcode LedgerError}.
 * @param act What could not be done to which file: `append receipts to "/x"`.
 * @returns Errors that are not of files, and permissions that Deno was not given, as they are.
 */
export function fileError(act: string, error: unknown): unknown {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new LedgerError(
      `Cannot ${act}: the disk is full; free some space, then run the same command again`,
      "disk-full",
      { cause: error },
    );
  }
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return new LedgerError(
      `Cannot ${act}: it may not be written there (${messageOf(error)}); mend its permissions`,
      "read-only",
      { cause: error },
    );
  }
  if (typeof code !== "string" || !/^E[A-Z]/.test(code)) return error;
  return new LedgerError(`Cannot ${act}: ${messageOf(error)}`, "unavailable", { cause: error });
}
