/**
 * The flags of all commands that plan: what becomes of the images.
 * @module
 */
import type { Flag } from "./command.ts";

const WRITTEN = "What is written";
const READ = "Which images";
const RUN = "How it runs";

/** Dtypes that `--cast` may name; a test compares them with those of the core. */
export const CASTS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64"] as const;

/** What a shell offers for `--codec`; a test parses each. */
export const CODECS = [
  "zstd",
  "gzip",
  "blosc",
  "blosc:zstd",
  "blosc:lz4",
  "none",
  "raw",
  "png",
  "jpeg",
  "compressed_segmentation",
] as const;

/** The job file. */
export const CONFIG: Flag = {
  name: "config",
  value: "FILE",
  help: "Job file in JSON: keys as these flags; what the command line says counts more",
  completes: "file",
};

/** What is planned. */
export const PLAN_FLAGS: readonly Flag[] = [
  {
    name: "voxel-size",
    value: "4x4x40nm",
    help: "Edges of a voxel along x, y and z with their unit",
    default: "what the images say",
    group: WRITTEN,
  },
  {
    name: "kind",
    value: "KIND",
    choices: ["image", "labels"],
    help: "Labels are never averaged; must be said for uint32 and uint64",
    default: "image",
    group: WRITTEN,
  },
  {
    name: "chunk",
    value: "64x64x64",
    help: "Voxels of a chunk, the smallest box that is read; one number for a cube",
    default: "2^18 voxels, as near to a cube as the voxel size allows",
    group: WRITTEN,
  },
  {
    name: "shard",
    value: "512x512x64",
    help: "Voxels of a file of many chunks, or none for a file a chunk",
    offers: ["none"],
    default: "8 chunks along x and y, one deep",
    group: WRITTEN,
  },
  {
    name: "sharded",
    help: "Many chunks a file, as without it where the format can: OME-Zarr 0.4 is refused",
    group: WRITTEN,
  },
  {
    name: "codec",
    value: "CODEC",
    offers: CODECS,
    help:
      "zstd[:LEVEL], gzip[:LEVEL], blosc[:zstd|:lz4[:LEVEL]] or none; levels 1 to 22, blosc and gzip 0 to 9. Precomputed: raw, png[:LEVEL], jpeg[:QUALITY] or compressed_segmentation",
    default: "zstd:3; precomputed: raw, labels compressed_segmentation",
    group: WRITTEN,
  },
  {
    name: "levels",
    value: "N",
    help: "Scales of the pyramid, the finest included; 1 for none",
    default: "until the longest side is at most 256",
    group: WRITTEN,
  },
  {
    name: "format",
    value: "FORMAT",
    choices: ["ome-zarr", "precomputed"],
    help: "What the volume is to be; precomputed://PATH as TARGET says it, too",
    default: "ome-zarr",
    group: WRITTEN,
  },
  {
    name: "zarr",
    value: "VERSION",
    choices: ["0.5", "0.4"],
    help: "OME-Zarr version: 0.5 is Zarr v3 with shards, 0.4 is Zarr v2 without",
    default: "0.5",
    group: WRITTEN,
  },
  {
    name: "cast",
    value: "DTYPE",
    choices: CASTS,
    help: "Spread the values of --window over this dtype",
    group: WRITTEN,
  },
  {
    name: "window",
    value: "LOW:HIGH",
    help: "Values that become the least and the greatest of --cast; what lies outside is cut off",
    group: WRITTEN,
  },
  {
    name: "x",
    value: "FIRST:END",
    help: "Crop, in voxels from 0; END itself is left out",
    group: READ,
  },
  { name: "y", value: "FIRST:END", help: "As --x", group: READ },
  { name: "z", value: "FIRST:END", help: "As --x, in sections", group: READ },
  {
    name: "missing",
    value: "POLICY",
    choices: ["error", "fill", "close"],
    help:
      "An absent section: stops the plan, becomes fill value and counts as lost, or is closed up",
    default: "error",
    group: READ,
  },
  {
    name: "on-error",
    value: "POLICY",
    choices: ["error", "fill"],
    help: "A broken image: stops the plan or its task, or becomes fill value and counts as lost",
    default: "error",
    group: READ,
  },
  {
    name: "scale",
    value: "N",
    help: "Scale of a volume that is read, 0 for the finest",
    default: "0",
    group: READ,
  },
  {
    name: "series",
    value: "N|NAME",
    help: "Which series of an OME file",
    default: "the first",
    group: READ,
  },
];

/** What is planned where the source is a volume. */
export const TRANSFER_FLAGS: readonly Flag[] = PLAN_FLAGS.filter(({ name }) =>
  name !== "missing" && name !== "series"
);

/** Where the volume goes, and who counts. */
export const CREATE_FLAGS: readonly Flag[] = [
  {
    name: "to",
    value: "TARGET",
    many: true,
    help:
      "Instead of TARGET, as often as there are targets: all are cut alike and written in one pass, the first is read for the pyramid",
    completes: "folder",
    group: WRITTEN,
  },
  {
    name: "label-name",
    value: "NAME",
    help: "Name below TARGET/labels, with --kind labels",
    default: "segmentation",
    group: WRITTEN,
  },
  {
    name: "overwrite",
    help: "Remove the volume that lies at TARGET, if one does",
    group: WRITTEN,
  },
];

/** The ledger. */
export const LEDGER: Flag = {
  name: "ledger",
  value: "URL",
  help: "Who counts what is done: sqlite:PATH, or postgres://HOST/DATABASE for many machines",
  offers: ["sqlite:", "postgres://"],
  completes: "file",
  default: "SLUICE_LEDGER, else sqlite:$XDG_STATE_HOME/sluice/jobs.db",
  group: RUN,
};

const BUCKET = "Buckets";

/** How buckets are spoken to: of every command that a volume is named to. */
export const BUCKET_FLAGS: readonly Flag[] = [
  {
    name: "endpoint",
    value: "URL",
    help: "Server of s3://, where it is not that of AWS",
    default: "AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's",
    group: BUCKET,
  },
  {
    name: "region",
    value: "NAME",
    help: "Region of the bucket",
    default: "AWS_REGION, AWS_DEFAULT_REGION, the profile's, else what the server says",
    group: BUCKET,
  },
  {
    name: "profile",
    value: "NAME",
    help: "Profile of the AWS command line; keys come from it, the environment, or the machine",
    default: "AWS_PROFILE, else default",
    group: BUCKET,
  },
  { name: "anonymous", help: "Sign no request: for what is public", group: BUCKET },
  { name: "requester-pays", help: "Pay for what is read, where the owner does not", group: BUCKET },
];

/** How much of the machine is used. */
export const WORKERS: Flag = {
  name: "workers",
  value: "N",
  help: "Threads of this process",
  default: "all processors",
  group: RUN,
};

/** As {@linkcode WORKERS}. */
export const MEMORY: Flag = {
  name: "memory",
  value: "4GiB",
  help: "What this process may take beside the program itself",
  default: "half of what is free",
  group: RUN,
};

/** How a process works on a job. */
export const JOIN_FLAGS: readonly Flag[] = [
  WORKERS,
  MEMORY,
  {
    name: "lease-seconds",
    value: "N",
    help: "A task goes to others when its worker was not heard of for so long",
    default: "60",
    group: RUN,
  },
  {
    name: "any-version",
    help: "Work on although the plan was made by another version, whose bytes may differ",
    group: RUN,
  },
];

/** What follows the writing. */
export const NO_VERIFY: Flag = {
  name: "no-verify",
  help: "Do not read the finished volume back",
  group: RUN,
};
