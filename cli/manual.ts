/**
 * What manual pages say that is not in the command tree: exit codes, variables and files.
 * @module
 */
import type { EXIT } from "./command.ts";

/** What the exit codes mean. */
export const EXIT_STATUS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "What was asked is done.",
  failed: "It failed, or tasks were left dead.",
  usage: "The command line or the job file asks for something that cannot be.",
  losses:
    "Done, with named losses: voxels that are fill value as their image was absent or broken.",
  interrupted: "Stopped by a signal; the same command goes on.",
};

/** Something with a name, and what it is. */
export interface Entry {
  readonly name: string;
  readonly help: string;
}

/** Variables that are read. */
export const ENVIRONMENT: readonly Entry[] = [
  { name: "SLUICE_LEDGER", help: "The ledger where --ledger is not given." },
  {
    name: "SLUICE_HOME",
    help: "Folder of what belongs to no volume, such as the ledger where none is named.",
  },
  {
    name: "XDG_STATE_HOME",
    help: "Where SLUICE_HOME is not set, that folder is sluice in this one.",
  },
  {
    name: "HOME",
    help: "Where neither is set, that folder is .local/state/sluice in this one.",
  },
  { name: "NO_COLOR", help: "Where it is set, no colours are written to a terminal." },
];

/** Files that are read or written beside those on the command line. */
export const FILES: readonly Entry[] = [
  {
    name: "~/.local/state/sluice/jobs.db",
    help: "The ledger where none is named: an SQLite database. See SLUICE_HOME.",
  },
  {
    name: "TARGET/.sluice/",
    help:
      "Plan, list of sources and receipts of the volume: what proves it, wherever it is copied to.",
  },
];
