/**
 * What is found of a Boss and of its configurations, in words.
 * @module
 */
import type { ConfigFault } from "../boss/config.ts";
import type { TokenFound } from "../tasks/_ask_boss.ts";
import type { Output } from "./output.ts";

/** Faults or warnings, each with its path. */
export function describeFaults(faults: readonly ConfigFault[]): string[] {
  return faults.map(({ path, reason }) => `  ${path}: ${reason}`);
}

/** Says where a token was found, if that is asked, and what is odd about it; never what it is. */
export function tellToken({ source, notes }: TokenFound, output: Output): void {
  if (output.verbose) output.warn(`The token is from ${source}`);
  for (const note of notes) output.note(note);
}
