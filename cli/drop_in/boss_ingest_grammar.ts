/**
 * The command line of boss-ingest 0.12.
 * @module
 */
import type { Grammar } from "./args.ts";

export const BOSS_INGEST: Grammar = {
  program: "boss-ingest",
  description: "Create, join or cancel an ingest job of a Boss",
  epilog:
    'It runs from the same configuration files as boss-ingest, and answers with the same exit codes. See "sluice help" for all else that sluice does.',
  options: [
    {
      long: "api-token",
      short: "a",
      kind: "text",
      help:
        "Token of the Boss; others on this machine may see it here. Without it that of INTERN_TOKEN, ~/.intern/intern.cfg or token.json is used",
    },
    {
      long: "job-id",
      short: "j",
      kind: "text",
      help: "ID of the ingest job to resume, or to cancel",
    },
    {
      long: "log-file",
      short: "l",
      kind: "text",
      help:
        "Path of the log file, which is added to; without it a new one in ~/.boss-ingest is written",
    },
    {
      long: "log-level",
      short: "v",
      kind: "text",
      help: "What is logged: critical, error, warning (if it is not given), info or debug",
    },
    { long: "version", kind: "flag", help: "Print which sluice this is" },
    {
      long: "cancel",
      short: "c",
      kind: "flag",
      help:
        "Cancel the ingest job. What was ingested stays, but the job cannot be continued. A configuration is needed only for its host",
    },
    { long: "force", short: "f", kind: "flag", help: "Take every question for answered with yes" },
    {
      long: "manual-complete",
      short: "m",
      kind: "flag",
      help: "Do not complete the job: end when its upload queue has been empty for some minutes",
    },
    {
      long: "processes_nb",
      short: "p",
      kind: "integer",
      help:
        "How many workers upload; here they are threads of this one process. 1 if it is not given",
    },
    {
      long: "ramp_seconds",
      short: "r",
      kind: "integer",
      help: "Taken as before, and not needed: threads start as there is work for them",
    },
  ],
  ownOptions: [
    {
      long: "host",
      kind: "text",
      help:
        "With --cancel and no configuration: where the job is, such as api.bossdb.io; api.theboss.io if it is not given",
    },
    {
      long: "grant-net",
      kind: "text",
      many: true,
      help: "A host that plugins of your own may reach, and import modules from; repeatable",
    },
    {
      long: "grant-read",
      kind: "text",
      many: true,
      help: "A folder that plugins of your own may read below, beside their root_dir; repeatable",
    },
    {
      long: "spool",
      kind: "text",
      help: "Folder on a local disk for decoded images, which all processes of a machine share",
    },
    {
      long: "endpoint",
      kind: "text",
      help:
        "Address of a server of buckets other than that of AWS; AWS_ENDPOINT_URL if it is not given",
    },
  ],
  positional: {
    name: "config_file",
    help: "Path of the ingest job configuration file",
    optional: true,
  },
};
