/**
 * What a job file may say. The only file that knows zod; loaded only where there is a job file.
 * @module
 */
import { z } from "npm:zod@4.6.7";
import { didYouMean } from "../core/nearest.ts";
import { UsageError } from "../core/errors.ts";

const sides = /^\d+([x×,]\d+[x×,]\d+)?$/;
const span = z.string().regex(/^(\d+:\d*|:\d+)$/, "write FIRST:END, such as 0:512");

/** Keys are the flags of `sluice ingest`, and so are their values. */
const JOB = z.strictObject({
  $schema: z.string().optional().describe("Where this schema lies, for editors"),
  source: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional().describe(
    "A glob, a template such as section_<z:4>.tif, a folder, or files in their order; relative to the folder of this file",
  ),
  target: z.string().min(1).optional().describe(
    "Path of the volume, such as out.ome.zarr; relative to the folder of this file",
  ),
  to: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional().describe(
    "Instead of target: several, which are cut alike and written in one pass; relative to the folder of this file",
  ),
  voxelSize: z.string().optional().describe(
    "Edges of a voxel along x, y and z with their unit, such as 4x4x40nm; default: what the images say",
  ),
  kind: z.enum(["image", "labels"]).optional().describe(
    "Labels are never averaged; must be said for uint32 and uint64; default: image",
  ),
  chunk: z.union([z.int().positive(), z.string().regex(sides, "write 64x64x64 or 64")]).optional()
    .describe("Voxels of a chunk along x, y and z, such as 64x64x64; one number for a cube"),
  shard: z.union([
    z.int().positive(),
    z.literal("none"),
    z.string().regex(sides, "write 512x512x64, 512 or none"),
  ]).optional().describe(
    "Voxels of a file of many chunks, such as 512x512x64; none for a file a chunk",
  ),
  sharded: z.boolean().optional().describe(
    "Many chunks a file, as without it where the format can: OME-Zarr 0.4 is refused",
  ),
  codec: z.string().optional().describe(
    "zstd[:LEVEL], gzip[:LEVEL], blosc[:zstd|:lz4[:LEVEL]] or none; precomputed: raw, png[:LEVEL], jpeg[:QUALITY] or compressed_segmentation",
  ),
  levels: z.int().positive().optional().describe(
    "Scales of the pyramid, the finest included; default: until the longest side is at most 256",
  ),
  format: z.enum(["ome-zarr", "precomputed"]).optional().describe(
    "What the volume is to be; default: ome-zarr, or what target says",
  ),
  zarr: z.enum(["0.5", "0.4"]).optional().describe("OME-Zarr version; default: 0.5"),
  cast: z.enum(["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64"]).optional()
    .describe("Spread the values of window over this dtype"),
  window: z.string().regex(/^[^:]+:[^:]+$/, "write LOW:HIGH, such as 0:4095").optional().describe(
    "LOW:HIGH, the values that become the least and the greatest of cast; what lies outside is cut off",
  ),
  x: span.optional().describe("FIRST:END, a crop in voxels from 0; END itself is left out"),
  y: span.optional().describe("As x"),
  z: span.optional().describe("As x, in sections"),
  missing: z.enum(["error", "fill", "close"]).optional().describe(
    "An absent section: stops the plan, becomes fill value and counts as lost, or is closed up; default: error",
  ),
  onError: z.enum(["error", "fill"]).optional().describe(
    "A broken image: stops the plan or its task, or becomes fill value and counts as lost; default: error",
  ),
  scale: z.int().nonnegative().optional().describe(
    "Scale of a volume that is read, 0 for the finest; default: 0",
  ),
  series: z.union([z.int().nonnegative(), z.string()]).optional().describe(
    "Which series of an OME file, by number or name; default: the first",
  ),
  labelName: z.string().min(1).optional().describe(
    "Name below TARGET/labels, with kind labels; default: segmentation",
  ),
  overwrite: z.boolean().optional().describe("Remove the volume that lies at target, if one does"),
  endpoint: z.string().optional().describe("Server of s3://, where it is not that of AWS"),
  region: z.string().optional().describe("Region of the bucket"),
  profile: z.string().optional().describe("Profile of the AWS command line"),
  anonymous: z.boolean().optional().describe("Sign no request: for what is public"),
  requesterPays: z.boolean().optional().describe(
    "Pay for what is read, where the owner does not",
  ),
  ledger: z.string().optional().describe(
    "Who counts what is done: sqlite:PATH, relative to the folder of this file, or postgres://HOST/DATABASE",
  ),
  workers: z.int().nonnegative().optional().describe("Threads; default: all processors"),
  memory: z.string().optional().describe(
    "What one process may take beside the program itself, such as 4GiB; default: half of what is free",
  ),
  leaseSeconds: z.int().positive().optional().describe(
    "A task goes to others when its worker was not heard of for so long; default: 60",
  ),
  anyVersion: z.boolean().optional().describe(
    "Work on although the plan was made by another version, whose bytes may differ",
  ),
  verify: z.boolean().optional().describe("Read the finished volume back; default: true"),
}).describe("A job of sluice, for sluice ingest --config FILE");

/** What a job file says: keys are flags of `sluice ingest`, values are spelled as theirs. */
export type JobFile = z.infer<typeof JOB>;

/** Keys that a job file may have. */
export const JOB_KEYS: readonly string[] = Object.keys(JOB.shape);

/** The JSON Schema of a job file (draft 2020-12), as it lies in `job.schema.json`. */
export function jobJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(JOB);
  return { $schema, title: "sluice job", ...rest };
}

/**
 * Parses what a job file says.
 * @param name Of the file, for messages.
 * @throws {UsageError} If a key is unknown, or a value is not what its key wants; every fault is named.
 */
export function parseJob(value: unknown, name: string): JobFile {
  const parsed = JOB.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") return issue.keys.map(unknownKey);
    const [key] = issue.path;
    return [key === undefined ? lower(issue.message) : `"${String(key)}": ${explain(issue)}`];
  });
  throw new UsageError(`Cannot read "${name}" as a job: ${faults.join("; ")}`);
}

function unknownKey(key: string): string {
  return `there is no key "${key}"${didYouMean(key, JOB_KEYS, { lead: ", " })}`;
}

function explain(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value") {
    return `it is one of ${issue.values.join(", ")}${
      typeof issue.input === "string"
        ? didYouMean(issue.input, issue.values.map(String), { lead: ", " })
        : ""
    }`;
  }
  if (issue.code === "invalid_union") {
    const ways = issue.errors.flat().map(({ message }) => lower(message));
    return [...new Set(ways)].join(", or ");
  }
  return lower(issue.message);
}

function lower(message: string): string {
  const text = message.replace(/^Invalid input: /, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}
