/**
 * The flags of commands about jobs of a Boss.
 * @module
 */
import type { Argument, BossForm, Command, Flag } from "./command.ts";

const BOSS_GROUP = "Jobs of a Boss";

/** A configuration file. */
export const BOSS_CONFIG: Argument = {
  name: "config",
  help: "an ingest configuration of the Boss",
  completes: "file",
};

/** The token. */
export const BOSS_TOKEN: Flag = {
  name: "token",
  value: "TOKEN",
  secret: true,
  help: "Token of the Boss; others on this machine may see it here, and not in INTERN_TOKEN",
  default: "INTERN_TOKEN, ~/.intern/intern.cfg, token.json",
};

/** Which Boss. */
export const BOSS: Flag = {
  name: "boss",
  value: "HOST",
  help: "Where the Boss answers, or its address, such as http://localhost:8000",
  default: "that of CONFIG",
};

/** Which job. */
export const JOB_ID: Flag = {
  name: "job-id",
  short: "j",
  value: "ID",
  help: "Number of the job, as create printed it",
};

/** No questions. */
export const YES: readonly Flag[] = [
  { name: "yes", short: "y", help: "Ask nothing; nor is anything asked without a terminal" },
  { name: "force", short: "f", help: "As --yes" },
];

/** Where decoded images lie. */
export const SPOOL: Flag = {
  name: "spool",
  value: "DIR",
  help:
    "Folder for decoded images, on a local disk; all processes of a machine share it, and each image is decoded once",
  default: "spool in $XDG_STATE_HOME/sluice",
  completes: "folder",
};

/** How a process works on a job. */
export const JOIN_BOSS_FLAGS: readonly Flag[] = [
  SPOOL,
  { name: "spool-size", value: "SIZE", help: "What it may hold at most", default: "16GiB" },
  {
    name: "in-hand",
    value: "N",
    help: "Tiles or chunks in hand at once",
    default: "8, or twice --workers where that is more",
  },
  {
    name: "attempts",
    value: "N",
    help: "Attempts at a tile or chunk before it is named and left in the queue",
    default: "3",
  },
  {
    name: "manual-complete",
    short: "m",
    help:
      "Do not say to the server that all is uploaded, and end when nothing came for 220 s: on all machines but one, or to run sluice complete by hand",
  },
  {
    name: "job-endpoint",
    value: "URL",
    help: "Server of the job's own bucket alone, where --endpoint is for the images",
    default: "--endpoint, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else AWS",
  },
];

/**
 * Gives a command of jobs of a ledger its second form.
 * @param flags Those that belong to the second form.
 * @param shared Names of flags that belong to both.
 */
export function withBoss(
  command: Command,
  { flags, shared = [], details = [], examples, ...boss }: BossForm & {
    readonly flags: readonly Flag[];
    readonly shared?: readonly string[];
    readonly details?: readonly string[];
    readonly examples: Command["examples"];
  },
): Command {
  return {
    ...command,
    boss,
    arguments: command.arguments.map((argument): Argument =>
      argument.completes === "job" ? { ...argument, completes: "job-or-config" } : argument
    ),
    details: [...command.details ?? [], ...details],
    flags: [
      ...command.flags.map((flag): Flag =>
        shared.includes(flag.name) ? flag : { ...flag, form: "ledger" }
      ),
      ...flags.map((flag): Flag => ({ ...flag, form: "boss", group: BOSS_GROUP })),
    ],
    examples: [...command.examples, ...examples],
  };
}
