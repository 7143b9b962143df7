/**
 * The command line of prep_ingest 0.12.
 * @module
 */
import type { Grammar } from "./args.ts";

export const PREP_INGEST: Grammar = {
  program: "prep_ingest",
  description:
    "Create the collection, coordinate frame, experiment and channel of an ingest job. What is there is never changed. @FILE stands for arguments in a file, one a line.",
  options: [
    {
      long: "intern_cfg",
      short: "i",
      kind: "text",
      help: "File with protocol, host and token, as for intern; boss.cfg if it is not given",
    },
    {
      long: "writecfg",
      kind: "flag",
      help: "Write the names of collection, experiment and channel into the ingest configuration",
    },
    { long: "govteam", kind: "flag", help: "Let the group gov_team read all of it" },
  ],
  positional: {
    name: "config_file",
    help: "What there is to be, as JSON",
    optional: false,
  },
  readsFiles: true,
};
