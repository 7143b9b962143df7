/**
 * What other programs call the commands and flags of sluice.
 * @module
 */
import type { OtherNames } from "../core/nearest.ts";

/** By the name of a command. */
export const COMMAND_NAMES: OtherNames = {
  ingest: ["convert", "import"],
  plan: ["dry-run", "dryrun", "preview"],
  create: ["new", "submit"],
  join: ["work", "worker", "resume", "upload"],
  status: ["show", "state"],
  jobs: ["list", "ls"],
  cancel: ["abort", "stop", "kill"],
  retry: ["redo", "requeue"],
  verify: ["check"],
  validate: ["lint"],
  prep: ["prepare"],
  pull: ["export", "download", "extract"],
  info: ["describe", "inspect", "stat"],
  doctor: ["diagnose", "test"],
  complete: ["finish"],
  completions: ["completion"],
  "boss-ingest": ["boss_ingest", "bossingest"],
  prep_ingest: ["prep-ingest"],
  man: ["manual", "manpage", "manpages"],
};

/** By the name of a flag. */
export const FLAG_NAMES: OtherNames = {
  "voxel-size": ["resolution", "spacing", "pixel-size", "scale-nm"],
  codec: ["compression", "compressor"],
  compression: ["codec", "compressor"],
  levels: ["pyramid", "mips", "scales"],
  scale: ["level", "mip"],
  cast: ["dtype", "data-type"],
  window: ["contrast", "range"],
  kind: ["type"],
  workers: ["threads", "jobs", "cpus", "processes", "concurrency"],
  memory: ["ram"],
  overwrite: ["force", "clobber"],
  boss: ["host", "server"],
  host: ["boss", "server"],
  token: ["api-token"],
  "manual-complete": ["no-complete"],
  quiet: ["silent"],
  verbose: ["debug"],
};
