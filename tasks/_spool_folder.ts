/**
 * Where decoded images are kept, where nobody says it.
 * @module
 */
import { join } from "node:path";
import { type Environment, sluiceHome } from "../ledgers/open_ledger.ts";

/** `spool` in the folder for what belongs to no volume: the same for all processes of a user on a machine. */
export function defaultSpoolFolder(env?: Environment): string {
  return join(sluiceHome(env), "spool");
}
