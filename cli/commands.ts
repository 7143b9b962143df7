/**
 * Every command of sluice.
 * @module
 */
import type { Argument, Command, Flag } from "./command.ts";
import { DROP_INS } from "./drop_in/programs.ts";
import type { CommandTree } from "./parse.ts";
import {
  BOSS,
  BOSS_CONFIG,
  BOSS_TOKEN,
  JOB_ID,
  JOIN_BOSS_FLAGS,
  SPOOL,
  withBoss,
  YES,
} from "./_boss_flags.ts";
import { GRANT_FLAGS } from "./_plugin_flags.ts";
import {
  BUCKET_FLAGS,
  CONFIG,
  CREATE_FLAGS,
  JOIN_FLAGS,
  LEDGER,
  MEMORY,
  NO_VERIFY,
  PLAN_FLAGS,
  TRANSFER_FLAGS,
  WORKERS,
} from "./_plan_flags.ts";

const SOURCES: Argument = {
  name: "sources",
  many: true,
  optional: "config",
  help:
    "a glob, a template such as section_<z:4>.tif, a folder, or files in their order; on disk, in a bucket (s3://, gs://) or behind https://",
  completes: "file",
};
const NEW_TARGET: Argument = {
  name: "target",
  optional: "config",
  replacedBy: "to",
  help:
    "where the volume is to be, such as out.ome.zarr, s3://BUCKET/out.ome.zarr, precomputed://out, or bossdb://COLLECTION/EXPERIMENT/CHANNEL of a Boss",
  completes: "folder",
};
const TARGET: Argument = {
  name: "target",
  help: "path or address of the volume",
  completes: "folder",
};
const JOB: Argument = {
  name: "job",
  help: "the number of a job, or the path or address of its volume",
  completes: "job",
};

const COMMAND: Argument = {
  name: "command",
  many: true,
  optional: true,
  help: "the name of a command",
  completes: "command",
};
const LEDGER_URL: Argument = {
  name: "url",
  optional: true,
  help: "address of the ledger; without, that of SLUICE_LEDGER, as for every command",
};

const BOSS_FLAGS: readonly Flag[] = [JOB_ID, BOSS, BOSS_TOKEN];
const OPTIONAL_BOSS_CONFIG: Argument = {
  ...BOSS_CONFIG,
  optional: true,
  help: "the ingest configuration of a job of the Boss, of which the host alone is read",
};

/** Flags that every command has. */
const EVERYWHERE: readonly Flag[] = [
  { name: "json", help: "Print the result as one JSON document, and no progress" },
  { name: "quiet", short: "q", help: "Print results and errors alone" },
  { name: "verbose", short: "v", help: "Print stack traces, and where a token was found" },
  { name: "help", short: "h", help: "Print this help" },
  { name: "version", short: "V", help: "Print the version" },
].map((flag) => ({ ...flag, group: "Everywhere" }));

/** Commands that a volume is named to. */
const WITH_VOLUMES: ReadonlySet<string> = new Set([
  "ingest",
  "transfer",
  "validate",
  "plan",
  "create",
  "join",
  "status",
  "cancel",
  "retry",
  "verify",
  "pull",
  "set",
  "info",
  "doctor",
]);

const BARE_COMMANDS: readonly Command[] = [
  {
    name: "ingest",
    summary: "Turn images into a volume: plan, create, join and verify in one",
    details: [
      "The same command resumes a job that was interrupted, joins one that runs, and finds one that is done. Press Ctrl-C once to finish what is in hand, twice to stop at once; nothing is lost.",
      "Over HTTP nothing can be listed: name every image, or give a template and the numbers that its tokens stand for, as --z FIRST:END, and --x and --y for tiles. Each image is fetched once, by the task that needs it, and kept in the temporary folder (TMPDIR) meanwhile.",
    ],
    arguments: [SOURCES, NEW_TARGET],
    flags: [CONFIG, ...PLAN_FLAGS, ...CREATE_FLAGS, LEDGER, ...JOIN_FLAGS, NO_VERIFY],
    examples: [
      { line: "sluice ingest 'raw/*.tif' out.ome.zarr", what: "A folder of sections" },
      {
        line: "sluice ingest 'raw/section_<z:4>.png' out.ome.zarr --voxel-size 4x4x40nm",
        what: "The number in the name says where a section lies",
      },
      {
        line: "sluice ingest 'tiles/<z>/<y>_<x>.png' out.ome.zarr --missing fill",
        what: "Tiles; absent ones become fill value and are named",
      },
      {
        line: "sluice ingest 'cells/*.tif' out.ome.zarr --kind labels --label-name cells",
        what: "Labels, into the image they belong to",
      },
      {
        line: "sluice ingest 'raw/*.tif' s3://lab/em.ome.zarr --endpoint https://minio.lab",
        what: "Into a bucket",
      },
      {
        line: "sluice ingest 's3://lab/raw/*.tif' out.ome.zarr --region eu-west-1",
        what: "Out of a bucket",
      },
      {
        line: "sluice ingest 'https://data.lab/em/<z:4>.png' out.ome.zarr --z 0:500",
        what: "From a web server: sections 0 to 499 by the numbers in their names",
      },
      { line: "sluice ingest --config job.json", what: "All of it from a file" },
    ],
    run: () => import("./commands/ingest.ts"),
  },
  {
    name: "transfer",
    summary: "Turn a volume of another format, or one scale of it, into a volume",
    details: [
      "Everything that ingest does, for a source that is a volume: chunks, shards and codec are chosen anew, a pyramid is added, a box may be cut out. What SOURCE is is seen by what lies there, or said: precomputed://PLACE, where a place is a path or begins with s3://, gs://, http:// or https://; or bossdb://COLLECTION/EXPERIMENT/CHANNEL, a channel of a Boss. A host may stand before the collection, and behind it ?iso=true or ?access-mode=cache; for a target ?at=512x512x16 says where it goes, and ?replace=true that 0 is written, too.",
    ],
    arguments: [
      { name: "sources", help: "path or address of a volume", completes: "folder" },
      { ...NEW_TARGET, optional: undefined },
    ],
    flags: [...TRANSFER_FLAGS, ...CREATE_FLAGS, LEDGER, ...JOIN_FLAGS, NO_VERIFY],
    examples: [
      {
        line: "sluice transfer precomputed://em/ out.ome.zarr",
        what: "A precomputed volume, with a pyramid",
      },
      {
        line: "sluice transfer em/ out.ome.zarr --scale 1 --z 100:200 --codec blosc:lz4",
        what: "A part of its second scale",
      },
      {
        line: "sluice transfer em/ bossdb://api.bossdb.io/lab/em/raw",
        what: "Into a channel of a Boss, which prep has made",
      },
    ],
    run: () => import("./commands/ingest.ts"),
  },
  {
    name: "plan",
    summary: "Say what an ingest would do, from headers alone; nothing is written",
    arguments: [SOURCES],
    flags: [CONFIG, ...PLAN_FLAGS, WORKERS, MEMORY],
    examples: [
      { line: "sluice plan 'raw/*.tif'", what: "Extent, scales, tasks, faults and warnings" },
      {
        line: "sluice plan 'raw/*.tif' --chunk 128x128x16 --codec blosc:lz4",
        what: "What another layout would make of it",
      },
    ],
    run: () => import("./commands/plan.ts"),
  },
  withBoss({
    name: "create",
    summary: "Plan and create a job that processes then join",
    arguments: [SOURCES, NEW_TARGET],
    flags: [CONFIG, ...PLAN_FLAGS, ...CREATE_FLAGS, LEDGER],
    examples: [
      { line: "sluice create 'raw/*.tif' out.ome.zarr", what: "Prints the number of the job" },
    ],
    run: () => import("./commands/create.ts"),
  }, {
    arguments: [{
      ...BOSS_CONFIG,
      help: "an ingest configuration of the Boss: its name ends with .json",
    }],
    flags: [BOSS, BOSS_TOKEN, ...YES, ...GRANT_FLAGS],
    details: [
      'With CONFIG alone the job is one of the Boss: its channel is looked up, summary and number of tiles or chunks are shown as the server counts them, and it is asked whether the job is wanted. The flags under "Jobs of a Boss" go with it, none of those under "What is written", "Which images" and "How it runs".',
    ],
    examples: [{
      line: "sluice create ingest.json",
      what: "A job of the Boss that the file names",
    }],
    run: () => import("./commands/create_boss.ts"),
  }),
  withBoss({
    name: "join",
    summary: "Work on a job until it is done, beside any other process that does",
    arguments: [JOB],
    flags: [
      LEDGER,
      ...JOIN_FLAGS.map((flag) => flag === WORKERS ? { ...flag, short: "p" } : flag),
    ],
    examples: [
      { line: "sluice join 3", what: "Work on job 3 with all processors" },
      { line: "sluice join out.ome.zarr --workers 8", what: "On the job of a volume" },
    ],
    run: () => import("./commands/join.ts"),
  }, {
    arguments: [{
      ...BOSS_CONFIG,
      help:
        "the ingest configuration that a job of the Boss was made with: its name ends with .json",
    }],
    flags: [...BOSS_FLAGS, ...JOIN_BOSS_FLAGS, ...GRANT_FLAGS],
    shared: ["workers"],
    details: [
      "With CONFIG and -j the job is one of the Boss: tiles or chunks come from its queue, and a message is deleted only when all of it is stored. What the spool needs is said before the start. One machine asks for the end of the job and waits for it; all others need --manual-complete. What cannot be made is named, left in the queue, and comes again to whoever joins next; the exit code is then 1.",
    ],
    examples: [
      {
        line: "sluice join ingest.json -j 42 -p 8",
        what: "Upload a job of the Boss with 8 threads",
      },
    ],
    run: () => import("./commands/join_boss.ts"),
  }),
  withBoss({
    name: "status",
    summary: "Say how a job stands: what is done, by whom, and what was lost",
    details: [
      "Where the ledger is gone, the receipts in the volume tell what is done.",
    ],
    arguments: [JOB],
    flags: [LEDGER],
    examples: [
      { line: "sluice status out.ome.zarr", what: "The job of a volume" },
      { line: "sluice status 3 --json", what: "For a script" },
    ],
    run: () => import("./commands/status.ts"),
  }, {
    arguments: [OPTIONAL_BOSS_CONFIG],
    flags: BOSS_FLAGS,
    details: [
      "With -j the job is one of the Boss: its state, and how many messages wait for a worker.",
    ],
    examples: [{ line: "sluice status -j 42 --boss api.bossdb.io", what: "A job of the Boss" }],
    run: () => import("./commands/status_boss.ts"),
  }),
  withBoss({
    name: "jobs",
    summary: "List the jobs of a ledger, newest first",
    arguments: [],
    flags: [LEDGER],
    examples: [{ line: "sluice jobs", what: "All jobs of this machine" }],
    run: () => import("./commands/jobs.ts"),
  }, {
    arguments: [OPTIONAL_BOSS_CONFIG],
    flags: [BOSS, BOSS_TOKEN],
    details: [
      "With --boss or CONFIG: the jobs of the user at that Boss; those that were cancelled are not among them.",
    ],
    examples: [{ line: "sluice jobs --boss api.bossdb.io", what: "Jobs of a Boss" }],
    run: () => import("./commands/jobs_boss.ts"),
  }),
  {
    name: "ledger init",
    summary: "Make a ledger in PostgreSQL that many machines share, or bring it up to date",
    details: [
      "Needs the right to create a schema in the database; whoever works with the ledger does not. What the address leaves out comes from the variables that psql reads (PGHOST, PGUSER, PGSSLMODE and so on), the password best from the file that PGPASSFILE names.",
    ],
    arguments: [{
      ...LEDGER_URL,
      help: "postgres://USER@HOST/DATABASE; ?schema=NAME for another than sluice",
    }],
    flags: [],
    examples: [
      { line: "sluice ledger init postgres://me@db.lab/jobs", what: "Once, before the first job" },
    ],
    run: () => import("./commands/ledger_init.ts"),
  },
  {
    name: "ledger check",
    summary: "Open a ledger as a worker does, and say what is wrong if it cannot be",
    arguments: [LEDGER_URL],
    flags: [],
    examples: [{ line: "sluice ledger check", what: "That of SLUICE_LEDGER" }],
    run: () => import("./commands/ledger_check.ts"),
  },
  withBoss({
    name: "cancel",
    summary: "End a job; what it wrote stays, and retry reopens it",
    arguments: [JOB],
    flags: [LEDGER],
    examples: [{ line: "sluice cancel 3", what: "Whoever works on it stops at the next commit" }],
    run: () => import("./commands/cancel.ts"),
  }, {
    arguments: [OPTIONAL_BOSS_CONFIG],
    flags: [...BOSS_FLAGS, ...YES],
    details: [
      "With -j the job is one of the Boss: its queues go, and it cannot be reopened; what was ingested stays.",
    ],
    examples: [{ line: "sluice cancel -j 42 ingest.json", what: "A job of the Boss" }],
    run: () => import("./commands/cancel_boss.ts"),
  }),
  {
    name: "retry",
    summary: "Put dead letters or sections back, and finish the job",
    details: [
      "Dead letters are tasks that were given up. With --section, after the files of those sections were mended: their headers are read again, and every task that holds one of them is done anew, with the coarser scales above.",
    ],
    arguments: [JOB],
    flags: [
      {
        name: "section",
        value: "N[,N…]",
        help:
          "Sections to do anew: z of the volume from 0, as status names them; 3-7 for a stretch",
      },
      { name: "dead", help: "Dead letters, too, where --section is given" },
      { name: "no-join", help: "Only put them back: others work on the job" },
      LEDGER,
      ...JOIN_FLAGS,
      NO_VERIFY,
    ],
    examples: [
      { line: "sluice retry out.ome.zarr", what: "Try every dead letter again" },
      {
        line: "sluice retry out.ome.zarr --section 37",
        what: "The image of section 37 was mended",
      },
    ],
    run: () => import("./commands/retry.ts"),
  },
  {
    name: "verify",
    summary: "Prove a volume from its receipts: all is there, and as it was written",
    arguments: [TARGET],
    flags: [
      { name: "source", help: "Decode the source images again, too, and compare every voxel" },
      {
        name: "sample",
        value: "5%",
        help: "Look at a part, always the same one",
        default: "100%",
      },
      WORKERS,
      MEMORY,
    ],
    examples: [
      { line: "sluice verify out.ome.zarr", what: "Needs neither the images nor the ledger" },
      {
        line: "sluice verify out.ome.zarr --source --sample 5%",
        what: "Against the images, a twentieth of the tasks",
      },
    ],
    run: () => import("./commands/verify.ts"),
  },
  {
    name: "pull",
    summary: "Read a box of a volume out into images",
    details: [
      "Every channel is a grey image. A box is given in voxels of the scale that is pulled, and may be left open: 100: or :612.",
    ],
    arguments: [
      { name: "volume", help: "path or address of a volume of any format", completes: "folder" },
      {
        name: "target",
        help:
          "a folder for one image a section, or a file that ends with .tif for one TIFF of many pages",
        completes: "folder",
      },
    ],
    flags: [
      ...(["x", "y", "z", "c", "t"] as const).map((axis): Flag => ({
        name: axis,
        value: "FIRST:END",
        help: axis === "x"
          ? "Box, half-open; END itself is left out"
          : axis === "z"
          ? "As --x, in sections"
          : axis === "c"
          ? "As --x, in channels"
          : axis === "t"
          ? "As --x, in times"
          : "As --x",
        default: "all",
        group: "Which voxels",
      })),
      {
        name: "scale",
        value: "N",
        help: "Scale of the pyramid, 0 for the finest",
        default: "0",
        group: "Which voxels",
      },
      {
        name: "format",
        value: "FORMAT",
        choices: ["tiff", "tiff-stack", "png"],
        help: "One TIFF, a folder of TIFFs, or a folder of PNGs",
        default: "tiff where TARGET ends with .tif, else tiff-stack",
      },
      {
        name: "compression",
        value: "NAME",
        choices: ["none", "deflate", "zstd"],
        help: "Of a TIFF; ImageJ reads none and deflate",
        default: "deflate",
      },
      {
        name: "overwrite",
        help: "Replace the file, or the sections in the folder, that are there",
      },
      WORKERS,
    ],
    examples: [
      { line: "sluice pull out.ome.zarr sections/", what: "A folder of TIFF sections" },
      {
        line: "sluice pull out.ome.zarr box.tif --x 0:512 --y 100:612 --z 37:45",
        what: "A box, as one TIFF of many pages",
      },
      {
        line: "sluice pull out.ome.zarr small/ --scale 3 --format png",
        what: "A coarse scale as PNGs",
      },
    ],
    run: () => import("./commands/pull.ts"),
  },
  {
    name: "set",
    summary: "Change what the metadata of a volume says; no voxel is touched",
    arguments: [TARGET],
    flags: [
      {
        name: "voxel-size",
        value: "4x4x40nm",
        help: "Edges of a voxel along x, y and z with their unit",
      },
    ],
    examples: [{ line: "sluice set out.ome.zarr --voxel-size 4x4x40nm", what: "Mend the scale" }],
    run: () => import("./commands/set.ts"),
  },
  {
    name: "info",
    summary: "Say what a volume is, how it is stored, and which programs read it",
    details: [
      "Of whatever format: OME-Zarr, Zarr, precomputed, N5, HDF5; on disk, in a bucket, or behind HTTP; or a channel of a Boss, with its metadata. Of an HDF5 file without dataset, what it holds; of images, what they make together. Only metadata and headers are read.",
    ],
    arguments: [{
      name: "address",
      many: true,
      help:
        "a volume, an HDF5 file as FILE.h5 or FILE.h5:/DATASET, or a glob, folder or files of images",
      completes: "file",
    }],
    flags: [],
    examples: [
      { line: "sluice info out.ome.zarr", what: "Scales, chunks, codec, and who reads it" },
      { line: "sluice info s3://lab/em.ome.zarr --anonymous", what: "One in a public bucket" },
      { line: "sluice info sample.h5:/volumes/raw --json", what: "A dataset, for a script" },
      { line: "sluice info bossdb://lab/em/raw", what: "A channel of a Boss" },
    ],
    run: () => import("./commands/info.ts"),
  },
  {
    name: "doctor",
    summary: "Test a served volume as a viewer in a browser would, and say what mends it",
    details: [
      "Asks the server as a browser does, without any key: CORS, ranges of bytes, chunks that are not there, encodings, metadata, and a chunk at the edge that is really decoded. Every fault comes with the lines that mend it. The exit code is 1 where there is a fault; warnings leave it 0.",
    ],
    arguments: [{
      name: "address",
      help:
        "https:// or http:// of a volume, precomputed:// or zarr:// before it, or s3:// and gs://",
    }],
    flags: [{
      name: "origin",
      value: "URL",
      help: "The page that the viewer is on",
      default: "https://neuroglancer-demo.appspot.com",
    }],
    examples: [
      { line: "sluice doctor https://data.lab/em.ome.zarr", what: "Everything a viewer needs" },
      {
        line: "sluice doctor s3://lab/em.ome.zarr --endpoint https://minio.lab",
        what: "By the address that viewers would use",
      },
      {
        line: "sluice doctor http://localhost:8000/em --origin http://localhost:5000",
        what: "For a viewer of one's own",
      },
    ],
    run: () => import("./commands/doctor.ts"),
  },
  {
    name: "validate",
    summary: "Say all that is wrong with a configuration of the Boss, and what it would make",
    details: [
      "Every fault is named with its path in the file, also those of the plugins' parameters, and what the server would take and then lose or move voxels of. Of a sound file it prints what boss-ingest prints before it makes a job. The exit code is 2 where there are faults, and 1 where --look or --ask-server finds that something is not there.",
    ],
    arguments: [BOSS_CONFIG],
    flags: [
      { name: "look", help: "Open the images or the volume of the first and last tile or chunk" },
      {
        name: "ask-server",
        help: "Ask the Boss for the channel, its experiment and its coordinate frame",
      },
      BOSS_TOKEN,
      ...GRANT_FLAGS,
    ],
    examples: [
      { line: "sluice validate ingest.json", what: "Reads nothing but the file" },
      { line: "sluice validate ingest.json --look", what: "Are the images where it says?" },
    ],
    run: () => import("./commands/validate.ts"),
  },
  {
    name: "plugins",
    summary: "List the classes that a configuration of the Boss may name, with their parameters",
    details: [
      "A plugin of your own is a class in a module of TypeScript or JavaScript, which a configuration names as ./my_plugin.ts#MyPlugin; sluice plugins new writes one.",
    ],
    arguments: [],
    flags: [],
    examples: [{ line: "sluice plugins", what: "Path, tile and chunk processors" }],
    run: () => import("./commands/plugins.ts"),
  },
  {
    name: "plugins new",
    summary: "Write a plugin of your own for configurations of the Boss, and its test",
    arguments: [{ name: "name", help: "of the class, such as MyPaths" }],
    flags: [
      {
        name: "kind",
        value: "KIND",
        choices: ["path", "tile", "chunk"],
        help: "What it does: name the file of a tile, or make tiles, or chunks",
        default: "path",
      },
      {
        name: "output",
        value: "DIR",
        help: "Folder for it; a configuration names modules relative to its own folder",
        default: "the working folder",
        completes: "folder",
      },
    ],
    examples: [
      { line: "sluice plugins new MyPaths", what: "my_paths.ts and my_paths_test.ts" },
      {
        line: "sluice plugins new OurTiles --kind tile",
        what: "Pixels from files of the lab's own",
      },
    ],
    run: () => import("./commands/plugins_new.ts"),
  },
  {
    name: "plugins test",
    summary: "Run plugins for sample tiles or chunks, and show what they give",
    details: [
      "Of a configuration the first and the last tile or chunk are asked for, of a class the first. A plugin of your own runs as it would in a job: it may read below root_dir of its parameters and of the path processor's, and nothing else. The exit code is 1 where something is missing or goes wrong.",
    ],
    arguments: [{
      name: "plugin",
      help: "an ingest configuration of the Boss, or a class as ./my_plugin.ts#MyPlugin",
      completes: "file",
    }],
    flags: [
      ...(["x", "y", "z", "t"] as const).map((axis): Flag => ({
        name: axis,
        value: "N",
        help: {
          x: "Column of the tile or chunk, counted in tiles or chunks",
          y: "Its row",
          z: "Its slice; of a chunk its layer, counted in chunks",
          t: "Its time",
        }[axis],
        default: "0, where any of the four is given",
      })),
      {
        name: "kind",
        value: "KIND",
        choices: ["path", "tile", "chunk"],
        help: "Of a class: what it does",
        default: "as its name ends: MyPaths, OurTiles, ItsChunks, or …Processor",
      },
      { name: "params", value: "JSON", help: "Of a class: its parameters", default: "{}" },
      { name: "path", value: "PATH", help: "Of a class that makes tiles or chunks: what it reads" },
      {
        name: "size",
        value: "512x512x16",
        help: "Of a class: columns, rows and layers of a tile or chunk; a tile has one layer",
        default: "512x512x16",
      },
      { name: "seconds", value: "N", help: "Longest that a plugin may take", default: "120" },
      ...GRANT_FLAGS,
    ],
    examples: [
      { line: "sluice plugins test ingest.json", what: "The first and the last tile" },
      {
        line: `sluice plugins test ./my_paths.ts#MyPaths --params '{"root_dir": "raw"}' --z 7`,
        what: "One class, before there is a configuration",
      },
    ],
    run: () => import("./commands/plugins_try.ts"),
  },
  {
    name: "prep",
    summary: "Create collection, coordinate frame, experiment and channel in a Boss",
    details: [
      "Takes the file of prep_ingest. What is absent is created; what is there is never changed, and where it differs every field is named. The exit code is 1 where more than a description differs. Unlike prep_ingest it does not print export INTERN_TOKEN=…: that would leave the token on the screen and in logs.",
    ],
    arguments: [{ ...BOSS_CONFIG, help: "a file such as prep_ingest takes" }],
    flags: [
      {
        name: "host",
        value: "HOST",
        help: "Where the Boss answers, or its address, such as https://api.bossdb.io",
        default: "that of the ingest configuration which the file names",
      },
      {
        name: "protocol",
        value: "NAME",
        choices: ["https", "http"],
        help: "How it is spoken to",
        default: "that of the ingest configuration, else https",
      },
      BOSS_TOKEN,
      { name: "dry-run", help: "Say what would be created; nothing is" },
    ],
    examples: [
      {
        line: "sluice prep prep.json --host api.bossdb.io",
        what: "With the token of INTERN_TOKEN",
      },
      { line: "sluice prep prep.json --dry-run", what: "What is there, and how it differs" },
    ],
    run: () => import("./commands/prep.ts"),
  },
  {
    name: "complete",
    summary: "Say to the Boss that all of a job is uploaded, and wait until it agrees",
    details: [
      "A worker does so by itself, unless it has --manual-complete. The server counts only messages that nobody holds: first let the workers of all machines end; nothing is asked while one of this machine holds a message. The exit code is 0 where the job is complete, else 1.",
    ],
    arguments: [OPTIONAL_BOSS_CONFIG],
    flags: [
      ...BOSS_FLAGS,
      { name: "no-wait", help: "Ask once; do not wait for what the server does then: minutes" },
      { ...SPOOL, help: "The spool of this machine's workers" },
    ],
    examples: [{
      line: "sluice complete ingest.json -j 42",
      what: "With the token of INTERN_TOKEN",
    }],
    run: () => import("./commands/complete.ts"),
  },
  {
    name: "serve boss",
    summary: "Serve a small Boss over local volumes: resources, cutouts and the ingest service",
    details: [
      "What clients of the Boss ask for over HTTP: collections, coordinate frames, experiments, channels and their metadata; cutouts; and ingest jobs of tiles and of volumes, with their queues and buckets at the same address. What is ingested lies in an OME-Zarr volume for each channel, below DIR/volumes. What it knows is on disk: it may be stopped, or killed, and goes on when it is started again.",
      "Clients need the token of its file, and AWS_ENDPOINT_URL for queues and buckets. It speaks HTTP without encryption, and listens on this machine alone unless --host says otherwise. So in another window: INTERN_TOKEN=$(cat DIR/token) sluice prep prep.json --host http://localhost:8090",
    ],
    arguments: [],
    flags: [
      {
        name: "root",
        value: "DIR",
        help: "Folder of volumes, state and token; made where there is none",
        default: "none, must be given",
        completes: "folder",
      },
      { name: "host", value: "ADDRESS", help: "Address to listen at", default: "127.0.0.1" },
      {
        name: "port",
        value: "N",
        help: "Port to listen at, 0 for one that is free",
        default: "8090",
      },
      {
        name: "token-file",
        value: "FILE",
        help: "File of the token; made where there is none",
        default: "token, in DIR",
        completes: "file",
      },
      {
        name: "wait-seconds",
        value: "N",
        help: "Seconds that the queues of a job must have been empty before it is completed",
        default: "180",
      },
    ],
    examples: [
      { line: "sluice serve boss --root boss", what: "On this machine, at port 8090" },
    ],
    run: () => import("./commands/serve_boss.ts"),
  },
  {
    name: "completions",
    summary: "Print the script that completes commands, flags and values in a shell",
    details: [
      "Its first lines say how to install it. It holds all that it offers, but for the numbers of jobs: where one is typed it asks the ledger, if that lies on this machine.",
    ],
    arguments: [
      {
        name: "shell",
        optional: true,
        choices: ["bash", "zsh", "fish"],
        help: "whose script; must be given without --jobs",
      },
    ],
    flags: [
      { name: "jobs", help: "Print jobs as the scripts want them: number, tab, what it is" },
      LEDGER,
    ],
    examples: [
      {
        line: "sluice completions bash > ~/.local/share/bash-completion/completions/sluice",
        what: "Where bash-completion looks",
      },
      { line: "sluice completions zsh > ~/.zfunc/_sluice", what: "Into a folder of zsh's fpath" },
      {
        line: "sluice completions fish > ~/.config/fish/completions/sluice.fish",
        what: "Where fish looks",
      },
    ],
    run: () => import("./commands/completions.ts"),
  },
  {
    name: "man",
    summary: "Print a manual page, or write all of them for a package",
    arguments: [COMMAND],
    flags: [
      {
        name: "output",
        value: "DIR",
        help: "Write sluice.1, sluice-ingest.1 and so on into this folder",
        completes: "folder",
      },
    ],
    examples: [
      { line: "sluice man ingest | man -l -", what: "Read one" },
      { line: "sluice man --output man/man1", what: "Write all" },
    ],
    run: () => import("./commands/man.ts"),
  },
  {
    name: "help",
    summary: "Print the help of a command",
    arguments: [COMMAND],
    flags: [],
    examples: [{ line: "sluice help ingest", what: "As sluice ingest --help" }],
    run: () => import("./commands/help.ts"),
  },
];

const COMMANDS: readonly Command[] = BARE_COMMANDS.map((command) =>
  WITH_VOLUMES.has(command.name)
    ? { ...command, flags: [...command.flags, ...BUCKET_FLAGS] }
    : command
);

/** The command line of sluice. */
export const TREE: CommandTree = {
  commands: COMMANDS,
  everywhere: EVERYWHERE,
  programs: DROP_INS,
};
