/**
 * Buckets of jobs: tiles wait on disk until their chunk is whole, cuboids go into the volume at once.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { cuboidKey, mortonPlace, parseCuboidKey, parseTileKey, tileKey } from "../../boss/keys.ts";
import { MOST_METADATA_BYTES } from "../../boss/messages.ts";
import { ChunkError } from "../../codecs/chunk_error.ts";
import { isNotFound, SluiceError } from "../../core/errors.ts";
import { escapeXml, type Refusal, xml } from "./_answers.ts";
import { type AwsFault, refuse, type Signer } from "./_aws.ts";
import { hasCuboid, tileGoal } from "./_job.ts";
import { BUCKETS, type Job } from "./_jobs.ts";
import type { SignedRequest } from "./_signature.ts";
import type { BossState } from "./_state.ts";
import type { Volumes } from "./_volumes.ts";

const FAULTS = {
  MissingAuthenticationToken: ["AccessDenied", 403],
  UnknownKey: ["InvalidAccessKeyId", 403],
  SignatureDoesNotMatch: ["SignatureDoesNotMatch", 403],
  RequestTimeTooSkewed: ["RequestTimeTooSkewed", 403],
  AccessDenied: ["AccessDenied", 403],
  MetadataTooLarge: ["MetadataTooLarge", 400],
  BadDigest: ["BadDigest", 400],
  InvalidRequest: ["InvalidRequest", 400],
} as const satisfies Record<AwsFault | string, readonly [string, number]>;

type S3Fault = keyof typeof FAULTS;

/** Where objects go. */
export interface ObjectParts {
  /** Folder of the server. */
  readonly root: string;
  readonly state: BossState;
  readonly volumes: Volumes;
}

let temporary = 0;

/** Carries a request to a bucket out for whoever signed it. */
export async function answerS3(
  request: SignedRequest,
  signer: Signer | AwsFault,
  parts: ObjectParts,
): Promise<Response> {
  if (typeof signer === "string") throw s3Fault(signer);
  const { open: job } = signer;
  const { method, query, path, headers } = request;
  const [, bucket, ...rest] = path.split("/");
  const key = decodeURIComponent(rest.join("/"));
  const isPut = method === "PUT" && (query === "" || query === "x-id=PutObject");
  // The policy of a job's keys allows to put objects of this job, and nothing else.
  if (
    !isPut || job === undefined || bucket !== BUCKETS[job.config.job.kind] || !isKeyOf(job, key)
  ) {
    throw s3Fault("AccessDenied");
  }
  const body = plainBody(request);
  const metadata = metadataOf(headers);
  checkSums(headers, body);
  if (job.config.job.kind === "tile") await keepTile(job, key, body, metadata, parts);
  else await placeCuboid(job, key, body, metadata, parts);
  const etag = createHash("md5").update(body).digest("hex");
  return new Response(null, { status: 200, headers: { etag: `"${etag}"` } });
}

/** Where a tile waits. */
export function tilePath(root: string, job: number, key: string): string {
  return join(root, "objects", String(job), key);
}

/** Removes the tiles of a job, or some of them. */
export async function removeTiles(
  root: string,
  job: number,
  keys?: readonly string[],
): Promise<void> {
  const paths = keys?.map((key) => tilePath(root, job, key)) ??
    [join(root, "objects", String(job))];
  for (const path of paths) {
    await Deno.remove(path, { recursive: true }).catch((error) => {
      if (!isNotFound(error)) throw error;
    });
  }
}

/** Keys of a job are those that its messages ask for, letter for letter: a file is named after each. */
function isKeyOf({ config: { job }, ids }: Job, key: string): boolean {
  try {
    if (job.kind === "tile") {
      const tile = parseTileKey(key);
      return tileKey({ ...tile, ...ids }) === key && tileGoal(job, ids, tile) !== undefined;
    }
    const cuboid = parseCuboidKey(key);
    return cuboid.t === 0 && cuboidKey({ ...cuboid, ...ids }) === key &&
      hasCuboid(job, mortonPlace(cuboid.morton));
  } catch (error) {
    if (error instanceof SluiceError || error instanceof RangeError) return false;
    throw error;
  }
}

async function keepTile(
  job: Job,
  key: string,
  body: Uint8Array,
  metadata: Readonly<Record<string, string>>,
  { root, state }: ObjectParts,
): Promise<void> {
  const path = tilePath(root, job.id, key);
  const partial = `${path}.${++temporary}.partial`;
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeFile(partial, body);
  await Deno.rename(partial, path);
  state.run(
    "INSERT OR REPLACE INTO object VALUES (?, ?, ?)",
    job.id,
    key,
    JSON.stringify(metadata),
  );
}

async function placeCuboid(
  job: Job,
  key: string,
  body: Uint8Array,
  metadata: Readonly<Record<string, string>>,
  { state, volumes }: ObjectParts,
): Promise<void> {
  if (jobOf(metadata.metadata) !== job.id) {
    throw s3Fault("InvalidRequest", "Its metadata does not name the ingest job of these keys");
  }
  const { morton } = parseCuboidKey(key);
  const [x, y, z] = mortonPlace(morton);
  try {
    await volumes.putCuboid(job.place, job.ids.resolution, [x, y, z, 0, 0], body);
  } catch (error) {
    if (!(error instanceof ChunkError)) throw error;
    throw s3Fault("InvalidRequest", `It is no cuboid of this channel: ${error.message}`);
  }
  state.run("INSERT OR IGNORE INTO part VALUES (?, '', ?)", job.id, key);
}

/** The job that the metadata of an object names. */
export function jobOf(metadata: string | undefined): number | undefined {
  try {
    const { ingest_job } = Object(JSON.parse(metadata ?? ""));
    // Clients that joined by number send it as text.
    return /^\d{1,15}$/.test(String(ingest_job)) ? Number(ingest_job) : undefined;
  } catch {
    return undefined;
  }
}

function metadataOf(headers: Headers): Record<string, string> {
  const prefix = "x-amz-meta-";
  const own = [...headers].filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), value]);
  const { length } = new TextEncoder().encode(own.flat().join(""));
  if (length > MOST_METADATA_BYTES) throw s3Fault("MetadataTooLarge");
  return Object.fromEntries(own);
}

function checkSums(headers: Headers, body: Uint8Array): void {
  const md5 = headers.get("content-md5");
  const sum = headers.get("x-amz-checksum-crc32");
  const crc = new Uint8Array(4);
  new DataView(crc.buffer).setUint32(0, crc32(body));
  const isRight = (md5 === null || md5 === createHash("md5").update(body).digest("base64")) &&
    (sum === null || sum === crc.toBase64());
  if (!isRight) throw s3Fault("BadDigest");
}

/** The body without the pieces that some clients send it in. */
function plainBody({ headers, body }: SignedRequest): Uint8Array {
  const form = headers.get("x-amz-content-sha256") ?? "";
  if (!form.startsWith("STREAMING-")) return body;
  const plain = new Uint8Array(body.length);
  let [from, to] = [0, 0];
  for (;;) {
    const end = body.indexOf(10, from);
    const head = new TextDecoder("latin1").decode(body.subarray(from, Math.max(from, end)));
    const length = parseInt(head.split(";")[0], 16);
    if (end < 0 || !(length >= 0) || end + 1 + length > body.length) {
      throw s3Fault("InvalidRequest", "Its pieces do not fit together");
    }
    if (length === 0) return plain.subarray(0, to);
    plain.set(body.subarray(end + 1, end + 1 + length), to);
    to += length;
    from = end + 1 + length + 2;
  }
}

/** An error as S3 gives it. */
export function s3Fault(name: S3Fault, text: string = name): Refusal {
  const [code, status] = FAULTS[name];
  return refuse(code, () =>
    xml(
      status,
      `<Error><Code>${code}</Code><Message>${
        escapeXml(text)
      }</Message><RequestId>${crypto.randomUUID()}</RequestId></Error>`,
    ));
}
