/** What the ingest service answers, as it is read. */
import { Transient } from "../stores/blobs/retry.ts";
import { type JobParameters, parametersOf } from "./messages.ts";

/**
 * How far a job is. `preparing`: its queues are being filled. `waiting-on-queues`: all is uploaded, and the server
 * waits until its own queues are empty. `completing`: it looks for what is missing. `deleted`: it was cancelled.
 */
export type BossJobState =
  | "preparing"
  | "uploading"
  | "complete"
  | "deleted"
  | "failed"
  | "completing"
  | "waiting-on-queues";

/** In the order of the numbers that the server has for them. */
const STATES: readonly BossJobState[] = [
  "preparing",
  "uploading",
  "complete",
  "deleted",
  "failed",
  "completing",
  "waiting-on-queues",
];

/** Whether nothing can be uploaded to a job any more. */
export function hasEnded(state: BossJobState): boolean {
  return state === "complete" || state === "deleted" || state === "failed";
}

/** A job, as the server tells it. */
export interface IngestJob {
  /** Its number. */
  readonly id: number;
  /** How far it is. */
  readonly state: BossJobState;
  /** What its messages ask for. */
  readonly kind: "tile" | "volumetric";
  /** Name of the collection. */
  readonly collection?: string;
  /** Name of the experiment. */
  readonly experiment?: string;
  /** Name of the channel. */
  readonly channel?: string;
  /** Tiles, or chunks, of the whole job. */
  readonly tileCount?: number;
}

/** A job in a list. */
export interface ListedJob extends IngestJob {
  /** When it was created, as the server writes it. */
  readonly created?: string;
  /** When it was complete, as the server writes it. */
  readonly completed?: string;
}

/** How much of a job is left. */
export interface BossProgress {
  /** Its number. */
  readonly id: number;
  /** How far it is. */
  readonly state: BossJobState;
  /** Messages of the whole job. */
  readonly total?: number;
  /** Messages that wait for a worker: those in the hands of one are not among them, so 0 does not mean done. */
  readonly left?: number;
}

/** What a worker of a job needs. */
export interface JobAccess {
  /** Keys of AWS for its queues and its bucket. */
  readonly keys: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** When they were asked for, milliseconds since 1970. */
  readonly issued: number;
  /** Address of the queue that says what to upload. */
  readonly uploadQueue: string;
  /** Address of the queue that is told of tiles; a volumetric job has none. */
  readonly indexQueue?: string;
  /** Name of the bucket for tiles, or for cuboids. */
  readonly bucket: string;
  /** What the server wants back with every object. */
  readonly parameters: JobParameters;
  /** What the server says of the channel. */
  readonly channel?: {
    /** Of its voxels. */
    readonly datatype?: string;
    /** Where the voxels go, whatever the configuration says. */
    readonly baseResolution?: number;
  };
}

/** A job that was joined, unless it has ended. */
export type BossJoin =
  | { readonly kind: "open"; readonly job: IngestJob; readonly access: JobAccess }
  | { readonly kind: "ended"; readonly id: number; readonly state: BossJobState };

/**
 * What became of a call that a job is complete. `done`: it is. `completing`: the server looks for what is missing; its
 * state tells when it is over. `wait`: call again after so many seconds. `uploading`: there are messages yet.
 */
export type BossCompletion =
  | { readonly kind: "done" }
  | { readonly kind: "completing" }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "uploading" };

/** An answer with its body. */
export interface BossAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Its body, where that is an object of JSON. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** What the Boss calls the error. */
  readonly code?: number;
  /** What it says of the error, in words. */
  readonly said?: string;
}

/** Reads a body, whatever it is. */
export function answerOf(status: number, headers: Headers, bytes: Uint8Array): BossAnswer {
  const text = new TextDecoder().decode(bytes);
  const answer = { status, headers, text };
  const json = parseObject(text);
  if (json === undefined) return answer;
  const { code, detail, message } = json;
  const said = detail ?? message;
  return {
    ...answer,
    json,
    code: Number.isInteger(code) ? code as number : undefined,
    said: said === undefined || typeof said === "string" ? said : JSON.stringify(said),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return record(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}

/** What an answer is, where it is not the one that was asked for. */
export function describeBody({ text, json, headers }: BossAnswer): string {
  if (json !== undefined) return "JSON that does not say it";
  if (text.trim() === "") return "nothing";
  const type = headers.get("content-type")?.split(";")[0].trim();
  if (type === "text/html" || /^\s*<(!doctype|html)/i.test(text)) return "a page of HTML";
  return type === "application/json" ? "broken JSON" : `${type ?? "something"}, no JSON`;
}

/** Fails as an answer is not to the question; asked again, it may be. */
export function garbled(answer: BossAnswer, wanted: string): Transient {
  return new Transient(
    `the server answered ${answer.status} with ${describeBody(answer)} in place of ${wanted}`,
    "corrupt",
  );
}

/** A new job, or a line of a list. @throws {Transient} If it is none. */
export function readJob(value: unknown, answer: BossAnswer): IngestJob {
  const job = record(value);
  const state = STATES[job?.status as number];
  if (job === undefined || !isCount(job.id) || state === undefined) {
    throw garbled(answer, "a job");
  }
  return {
    id: job.id,
    state,
    kind: job.ingest_type === 1 ? "volumetric" : "tile",
    ...texts(job, ["collection", "experiment", "channel"]),
    ...(isCount(job.tile_count) ? { tileCount: job.tile_count } : {}),
  };
}

function texts<K extends string>(
  job: Record<string, unknown>,
  names: readonly K[],
): { [name in K]?: string } {
  const said = names.filter((name) => typeof job[name] === "string");
  return Object.fromEntries(said.map((name) => [name, job[name]])) as { [name in K]?: string };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** The jobs of a list. @throws {Transient} If it is none. */
export function readList(answer: BossAnswer): ListedJob[] {
  const jobs = answer.json?.ingest_jobs;
  if (!Array.isArray(jobs)) throw garbled(answer, "a list of jobs");
  return jobs.map((value) => {
    const { created_on: created, completed_on: completed } = Object(value);
    return {
      ...readJob(value, answer),
      ...(isText(created) ? { created } : {}),
      ...(isText(completed) ? { completed } : {}),
    };
  });
}

/** How far a job is. @throws {Transient} If that is not said. */
export function readProgress(answer: BossAnswer): BossProgress {
  const { id, status, total_message_count: total, current_message_count: left } = answer.json ?? {};
  const state = STATES[status as number];
  if (!isCount(id) || state === undefined) throw garbled(answer, "the state of a job");
  return {
    id,
    state,
    ...(isCount(total) ? { total } : {}),
    ...(isCount(left) ? { left } : {}),
  };
}

/** What an answer to join says; without keys as long as the server has none. @throws {Transient} If it says less. */
export function readJoin(
  answer: BossAnswer,
  issued: number,
): { readonly job: IngestJob; readonly access?: JobAccess } {
  const { json, text } = answer;
  const job = readJob(json?.ingest_job, answer);
  const said = record(json?.ingest_job)!;
  const credentials = record(json?.credentials);
  if (json === undefined || credentials === undefined) return { job };
  const { access_key, secret_key, security_token } = credentials;
  const { upload_queue, tile_index_queue } = said;
  const bucket = job.kind === "tile" ? json.tile_bucket_name : json.ingest_bucket_name;
  const isWhole = isText(access_key) && isText(secret_key) && isText(upload_queue) &&
    isText(bucket) && (job.kind === "volumetric" || isText(tile_index_queue));
  if (!isWhole) throw garbled(answer, "keys, queues and the bucket of a job");
  const channel = record(record(json.resource)?.channel);
  return {
    job,
    access: {
      keys: {
        accessKeyId: access_key,
        secretAccessKey: secret_key,
        ...(isText(security_token) ? { sessionToken: security_token } : {}),
      },
      issued,
      uploadQueue: upload_queue,
      ...(job.kind === "tile" ? { indexQueue: tile_index_queue as string } : {}),
      bucket,
      parameters: parametersOf(text),
      ...(channel === undefined ? {} : {
        channel: {
          ...texts(channel, ["datatype"]),
          ...(isCount(channel.base_resolution) ? { baseResolution: channel.base_resolution } : {}),
        },
      }),
    },
  };
}

/** Where the server wants a wait and does not say how long. */
const WAIT_SECONDS = 30;

/** What became of a call to complete; undefined where only the state of the job tells. */
export function readCompletion(answer: BossAnswer): BossCompletion | undefined {
  const { status, json } = answer;
  if (status === 204) return { kind: "done" };
  const wanted = json?.wait_secs;
  const isWait = typeof wanted === "number" && Number.isFinite(wanted);
  const seconds = isWait ? Math.max(0, wanted) : WAIT_SECONDS;
  if (status === 400) return isWait ? { kind: "wait", seconds } : undefined;
  switch (STATES[json?.job_status as number]) {
    case "waiting-on-queues":
      return { kind: "wait", seconds };
    case "completing":
      return { kind: "completing" };
    case "complete":
      return { kind: "done" };
    default:
      throw garbled(answer, "what became of the job");
  }
}
