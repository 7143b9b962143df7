/**
 * What is said of the spool before the start.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import type { Spool } from "./spool.ts";
import type { SpoolNeed } from "./uploader.ts";

/**
 * Holds what a job needs against the spool.
 * @returns A line that says need and size, with what follows where it is too small.
 * @throws {UsageError} If not even one entry fits.
 * @example Sixteen sections of a gigabyte, in room for four
 * ```ts
 * import { describeNeed } from "./spool_need.ts";
 * import { equal } from "node:assert/strict";
 * const spool = { folder: "/scratch", mostBytes: 4 * 2 ** 30 };
 * equal(
 *   describeNeed({ entryBytes: 2 ** 30, entries: 16 }, spool),
 *   'Spool "/scratch": up to 4 GiB; 16 GiB are needed by turns (16 of 1 GiB each), so some are decoded more than once',
 * );
 * ```
 */
export function describeNeed(
  need: SpoolNeed | undefined,
  { folder, mostBytes }: Pick<Spool, "folder" | "mostBytes">,
): string {
  const line = `Spool "${folder}": up to ${spell(mostBytes)}`;
  if (need === undefined) return `${line}; the first image is not there, so the need is not known`;
  const { entryBytes, entries } = need;
  if (entries === 0) return `${line}; nothing needs to be kept`;
  if (entryBytes > mostBytes) {
    throw new UsageError(
      `Cannot keep decoded images in the spool "${folder}" of ${spell(mostBytes)}: one takes ${
        spell(entryBytes)
      }, and ${entries} are needed by turns; give it ${spell(entryBytes * entries)}`,
    );
  }
  const all = entryBytes * entries;
  return `${line}; ${spell(all)} are needed by turns (${entries} of ${spell(entryBytes)} each)${
    all > mostBytes ? ", so some are decoded more than once" : ""
  }`;
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

function spell(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${Number(value.toPrecision(3))} ${UNITS[unit]}`;
}
