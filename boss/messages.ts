/**
 * What the queues of a Boss job say, and what goes with an object into its bucket.
 *
 * The server reads the metadata of objects back as JSON, and S3 takes 2 KB of it in ASCII: it is compact, all else
 * than ASCII is escaped, and its keys stand in the order in which ingest-client 0.12 writes them. What the server
 * handed out for it goes back as it came, to the last digit: `4.0` stays `4.0`.
 * @module
 */
import { BossError } from "./boss_error.ts";
import {
  type ChunkPlace,
  type CuboidPlace,
  parseChunkKey,
  parseCuboidKey,
  parseTileKey,
  type TilePlace,
} from "./keys.ts";

/** A tile that is wanted. */
export interface TileMessage {
  /** Tells it from a chunk. */
  readonly kind: "tile";
  /** Key of the object. */
  readonly tileKey: string;
  /** Key of the chunk that it belongs to. */
  readonly chunkKey: string;
  /** What the key names. */
  readonly tile: TilePlace;
  /** What the key of the chunk names. */
  readonly chunk: ChunkPlace;
}

/** A chunk that is wanted, as cuboids. */
export interface ChunkMessage {
  /** Tells it from a tile. */
  readonly kind: "volumetric";
  /** Key of the chunk. */
  readonly chunkKey: string;
  /** What the key names. */
  readonly chunk: ChunkPlace;
  /** Every cuboid of the chunk, also those beyond the extent. */
  readonly cuboids: readonly ChunkCuboid[];
}

/** One cuboid of a chunk. */
export interface ChunkCuboid {
  /** Key of the object. */
  readonly key: string;
  /** What the key names. */
  readonly cuboid: CuboidPlace;
  /** Where it begins in the chunk, in voxels. */
  readonly offset: readonly [x: number, y: number, z: number];
}

/** What a job of a kind wants next. */
export type UploadMessage = TileMessage | ChunkMessage;

/** Where a message of a kind says what. */
interface RawMessage {
  readonly chunk_key?: unknown;
  readonly tile_key?: unknown;
  readonly cuboids?: unknown;
}

/**
 * Reads a message of the upload queue. Of which kind it is, the job says: messages differ, and none says it itself.
 * @throws {BossError} If it is no message of that kind.
 */
export function parseUploadMessage(body: string, kind: UploadMessage["kind"]): UploadMessage {
  const { chunk_key, tile_key, cuboids } = parseObject(body, kind) as RawMessage;
  if (typeof chunk_key !== "string") throw noMessage(kind, `it has no "chunk_key"`);
  const common = { chunkKey: chunk_key, chunk: parseChunkKey(chunk_key) };
  if (kind === "tile") {
    if (typeof tile_key !== "string") throw noMessage(kind, `it has no "tile_key"`);
    return { kind, ...common, tileKey: tile_key, tile: parseTileKey(tile_key) };
  }
  if (!Array.isArray(cuboids) || cuboids.length === 0) {
    throw noMessage(kind, `it has no "cuboids"`);
  }
  return { kind, ...common, cuboids: cuboids.map(parseCuboid) };
}

function parseObject(body: string, kind: UploadMessage["kind"]): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw noMessage(kind, "it is no JSON");
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw noMessage(kind, "it is no object");
}

function parseCuboid(value: unknown): ChunkCuboid {
  const { x, y, z, key } = Object(value) as Record<string, unknown>;
  const offset = [x, y, z];
  if (typeof key !== "string" || !offset.every(isOffset)) {
    throw noMessage("volumetric", "a cuboid has no key or no place in it");
  }
  const [ox, oy, oz] = offset;
  return { key, cuboid: parseCuboidKey(key), offset: [ox, oy, oz] };
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

function noMessage(kind: UploadMessage["kind"], state: string): BossError {
  return new BossError(
    `Cannot use a message of the upload queue as one of a ${kind} job: ${state}; compare the job's ingest_type and the version of the Boss`,
    "corrupt",
  );
}

/** What the language has for JSON, and its types not yet. */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** JSON with numbers as they were written: {@linkcode asciiJson} writes them so again. */
export function parseExactly(text: string): unknown {
  const keep = (_key: string, value: unknown, { source }: { source?: string }) =>
    typeof value === "number" && source !== undefined ? rawJSON(source) : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

/** Compact JSON in ASCII alone. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What the server wants back with every object, as JSON: {@linkcode parametersOf} makes it. */
export type JobParameters = string & { readonly __brand: "JobParameters" };

const QUEUES = ["upload_queue", "ingest_queue"] as const;
const SETTINGS = ["KVIO_SETTINGS", "STATEIO_CONFIG", "OBJECTIO_CONFIG", "resource"] as const;

/** Takes from an answer to join what the server wants back with every object; what it did not say is left out. */
export function parametersOf(join: string): JobParameters {
  const answer = parseExactly(join) as Record<string, unknown>;
  const job = Object(answer.ingest_job) as Record<string, unknown>;
  const entries = [
    ...QUEUES.map((name) => [name, job[name]] as const),
    ...SETTINGS.map((name) => [name, answer[name]] as const),
  ];
  const said = entries.filter(([, value]) => value !== undefined);
  return asciiJson(Object.fromEntries(said)) as JobParameters;
}

/** What every object of a job says of it. */
export interface ObjectOrigin {
  /** Number of the job. */
  readonly job: number;
  /** Key of the chunk that it belongs to. */
  readonly chunkKey: string;
  /** What the server wants back. */
  readonly parameters: JobParameters;
}

/** What a tile says of itself. */
export interface TileOrigin extends ObjectOrigin {
  /** Key of the tile. */
  readonly tileKey: string;
  /** Columns and rows of the tile, in voxels. */
  readonly size: readonly [x: number, y: number];
}

/** The `metadata` of a tile, which is also its message to the index queue, letter for letter. */
export function tileMetadata({ chunkKey, tileKey, job, parameters, size }: TileOrigin): string {
  const [x_size, y_size] = size;
  return joinJson(
    { chunk_key: chunkKey, tile_key: tileKey, ingest_job: integer(job) },
    parameters,
    { x_size: integer(x_size), y_size: integer(y_size) },
  );
}

/** The `metadata` of a cuboid. */
export function cuboidMetadata({ job, chunkKey, parameters }: ObjectOrigin): string {
  return joinJson({ ingest_job: integer(job), chunk_key: chunkKey }, parameters);
}

function joinJson(before: object, parameters: JobParameters, after: object = {}): string {
  const inside = (part: object) => asciiJson(part).slice(1, -1);
  const parts = [inside(before), `"parameters":${parameters}`, inside(after)];
  return `{${parts.filter(Boolean).join(",")}}`;
}

function integer(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`Cannot write ${value} into the metadata of an object: it is no count`);
}

/** What S3 takes of an object's own metadata, names and values. */
export const MOST_METADATA_BYTES = 2048;

/** Metadata of an object by its names; headers put `x-amz-meta-` before them. */
export type ObjectMetadata = Readonly<Record<string, string>>;

/**
 * The metadata of a tile's object. Without all three names the server does not see it.
 * @param message The message by which the tile was asked for.
 * @param metadata From {@linkcode tileMetadata}.
 */
export function tileObjectMetadata(
  message: { readonly id: string; readonly receiptHandle: string },
  metadata: string,
): ObjectMetadata {
  return { message_id: message.id, receipt_handle: message.receiptHandle, metadata };
}

/** The metadata of a cuboid's object. @param metadata From {@linkcode cuboidMetadata}. */
export function cuboidObjectMetadata(metadata: string): ObjectMetadata {
  return { metadata };
}

/** Bytes of metadata as S3 counts them. */
export function metadataBytes(metadata: ObjectMetadata): number {
  const { length } = new TextEncoder().encode(Object.entries(metadata).flat().join(""));
  return length;
}
