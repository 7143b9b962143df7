/**
 * A Boss that costs almost nothing, to time clients with: one process that drains what it is sent and answers constants.
 * Signatures are not looked at, nothing is kept, and every message is handed out once.
 *
 * Prints its address. `GET /report` answers with {@linkcode SinkReport}.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import {
  chunkMessages,
  countOf,
  kindOf,
  type PostedConfig,
  tileMessages,
} from "../tests/boss/_boss_jobs.ts";
import { readWire, type SqsResult } from "../tests/boss/_sqs_wire.ts";

/** What a sink has seen. */
export interface SinkReport {
  readonly messages: number;
  readonly deleted: number;
  readonly puts: number;
  /** Bytes of all objects. */
  readonly bytes: number;
  /** From the first message that was handed out to the last one that was deleted. */
  readonly seconds: number;
  /** Of processors, in which this process worked. */
  readonly cpuSeconds: number;
}

const JOB = 42;
const CHANNEL = { collection: 4, experiment: 5, channel: 6, datatype: "uint8", baseResolution: 0 };
const DONE = new Uint8Array();

let config: PostedConfig | undefined;
let bodies: string[] = [];
let next = 0;
let deleted = 0;
let puts = 0;
let bytes = 0;
let begun = 0;
let ended = 0;
const cpuBefore = process.cpuUsage();

const isOver = () => deleted === bodies.length && bodies.length > 0;

async function answer(request: Request, url: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method === "PUT") {
    let length = 0;
    if (request.body !== null) { for await (const part of request.body) length += part.length; }
    puts++;
    bytes += length;
    return new Response(DONE, { headers: { etag: '"0"' } });
  }
  if (pathname === "/report") return Response.json(report());
  if (pathname.startsWith("/latest/ingest/")) return await serve(request, pathname, url);
  return queue(request, pathname, new Uint8Array(await request.arrayBuffer()));
}

function report(): SinkReport {
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    messages: bodies.length,
    deleted,
    puts,
    bytes,
    seconds: (ended - begun) / 1000,
    cpuSeconds: (user + system) / 1e6,
  };
}

async function serve(request: Request, path: string, url: string): Promise<Response> {
  const queues = { upload: `${url}/1/upload-${JOB}`, ingest: `${url}/1/ingest-${JOB}` };
  if (request.method === "POST" && path === "/latest/ingest/") {
    const posted: PostedConfig = await request.json();
    config = posted;
    const messages = kindOf(posted) === "tile"
      ? tileMessages(posted, CHANNEL, JOB, queues)
      : chunkMessages(posted, CHANNEL);
    bodies = Array.from(messages, ({ body }) => body);
    return Response.json(jobOf(posted, queues), { status: 201 });
  }
  if (config === undefined) return Response.json({ ingest_jobs: [] });
  if (path.endsWith("/complete")) return new Response(null, { status: isOver() ? 204 : 400 });
  if (path.endsWith("/status")) {
    return Response.json({
      id: JOB,
      status: isOver() ? 2 : 1,
      total_message_count: bodies.length,
      current_message_count: bodies.length - next,
    });
  }
  return Response.json({
    ingest_job: { ...jobOf(config, queues), tile_index_queue: `${url}/1/${JOB}-index` },
    credentials: { access_key: "AKIASINK", secret_key: "secret", security_token: null },
    tile_bucket_name: "tiles.sink.test",
    ingest_bucket_name: "ingest.sink.test",
    KVIO_SETTINGS: { cache_host: "cache.sink.test", cache_db: 0, read_timeout: 1209600 },
    STATEIO_CONFIG: {},
    OBJECTIO_CONFIG: {},
    resource: { channel: { type: "image", datatype: "uint8", base_resolution: 0 } },
  });
}

function jobOf(posted: PostedConfig, queues: { upload: string; ingest: string }) {
  const isTile = kindOf(posted) === "tile";
  return {
    id: JOB,
    ...posted.database,
    status: 1,
    ingest_queue: isTile ? queues.ingest : null,
    upload_queue: queues.upload,
    tile_count: countOf(posted),
    ingest_type: isTile ? 0 : 1,
  };
}

function queue(request: Request, path: string, body: Uint8Array<ArrayBuffer>): Response {
  const { method, headers } = request;
  const { action, value, entries, wire } = readWire({ method, path, query: "", headers, body });
  const { status, headers: out, body: text } = isOver() && action === "ReceiveMessage"
    ? wire.refuse({ status: 400, code: "AWS.SimpleQueueService.NonExistentQueue" })
    : wire.answer(action, act(action, value, entries));
  return new Response(text as string, { status, headers: out });
}

function act(
  action: string,
  value: (name: string) => string | undefined,
  entries: () => readonly { readonly id: string }[],
): SqsResult {
  if (action === "ReceiveMessage") {
    if (begun === 0) begun = performance.now();
    const from = next;
    next = Math.min(bodies.length, next + Number(value("MaxNumberOfMessages") ?? 1));
    return {
      messages: bodies.slice(from, next).map((body, i) => ({
        id: `message-${from + i}`,
        handle: `handle-${from + i}`,
        md5: md5(body),
        body,
      })),
    };
  }
  if (action === "SendMessage") {
    return { sent: { id: "index", md5: md5(value("MessageBody") ?? "") } };
  }
  if (action === "GetQueueAttributes") {
    return { attributes: { ApproximateNumberOfMessages: String(bodies.length - next) } };
  }
  const successful = entries().map(({ id }) => id);
  deleted += Math.max(1, successful.length);
  ended = performance.now();
  return action === "DeleteMessage" ? {} : { successful };
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

if (import.meta.main) {
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(request, `http://127.0.0.1:${server.addr.port}`),
  );
  console.log(`http://127.0.0.1:${server.addr.port}`);
}
