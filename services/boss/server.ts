/**
 * A small Boss over local volumes: its resources, cutouts and ingest service, with the queues and buckets of its jobs.
 *
 * Who asks is told by a token, or by the keys of a job. All of it answers on one port: REST below `/v1` and `/latest`,
 * queues and buckets by whose signature a request has.
 * @module
 */
import { join } from "node:path";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { Access } from "./_access.ts";
import { detail, fault, json, Refusal } from "./_answers.ts";
import { serviceOf, signerOf } from "./_aws.ts";
import { Cutouts } from "./_cutouts.ts";
import { Ingest } from "./_ingest.ts";
import { Jobs } from "./_jobs.ts";
import { JobKeyRing } from "./_keys.ts";
import { answerS3, removeTiles } from "./_objects.ts";
import { Queues } from "./_queues.ts";
import { type Asker, Resources, unauthorized } from "./_resources.ts";
import type { SignedRequest } from "./_signature.ts";
import { answerSqs, readSqsCall } from "./_sqs.ts";
import { BossState } from "./_state.ts";
import { Volumes } from "./_volumes.ts";

/** How a Boss is served. */
export interface ServeBossOptions {
  /** Folder of its volumes, its state and its token; made where there is none. */
  readonly root: string;
  /** Address to listen at. @default "127.0.0.1" */
  readonly host?: string;
  /** Port to listen at; 0 for one that is free. @default 8090 */
  readonly port?: number;
  /** File of the token; made where there is none. @default `token` below `root` */
  readonly tokenFile?: string;
  /** Seconds that the queues of a job must have been empty before it is completed. @default 180 */
  readonly waitSeconds?: number;
  /** Seconds that the keys of a job are good for. @default 3600 */
  readonly keySeconds?: number;
  /** The clock, in milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
  /** Is told a line for each request, and what goes wrong; neither tokens nor keys are in it. @default Nobody */
  readonly log?: (line: string) => void;
}

/** A Boss that is served until it is disposed. */
export interface ServedBoss extends AsyncDisposable {
  /** Where it answers: `http://127.0.0.1:8090`. */
  readonly url: string;
  /** File of the token. */
  readonly tokenFile: string;
  /** Whether the token was made now. */
  readonly isTokenNew: boolean;
}

/** What a request may have, all in all. */
const MOST_BYTES = 550 * 1024 * 1024;
const DEFAULT_PORT = 8090;

/**
 * Serves a Boss: what it knows is on disk, and it goes on from there whenever it is started again.
 *
 * Clients speak to it by HTTP with the token of `tokenFile`. Their queues and buckets are at the same address, which
 * programs that use an SDK of AWS are told as `AWS_ENDPOINT_URL`.
 * @throws {SluiceError} If the folder is served already, or the port is taken.
 * @example A collection
 * ```ts
 * import { openBossServer } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const root = await Deno.makeTempDir();
 * {
 *   await using boss = await openBossServer({ root, port: 0 });
 *   const token = (await Deno.readTextFile(boss.tokenFile)).trim();
 *   const headers = { authorization: `Token ${token}`, "content-type": "application/json" };
 *   const body = JSON.stringify({ description: "" });
 *   await (await fetch(`${boss.url}/v1/collection/lab`, { method: "POST", headers, body })).body?.cancel();
 *   const all = await (await fetch(`${boss.url}/v1/collection/`, { headers })).json();
 *   deepEqual(all, { collections: ["lab"] });
 * }
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export async function openBossServer(options: ServeBossOptions): Promise<ServedBoss> {
  const { root, host = "127.0.0.1", port = DEFAULT_PORT, now = Date.now } = options;
  await using opened = new AsyncDisposableStack();
  await Deno.mkdir(root, { recursive: true });
  opened.use(await lockFolder(root));
  const access = await Access.open(options.tokenFile ?? join(root, "token"));
  const state = opened.use(await BossState.open(join(root, "state.db")));
  const stopping = new AbortController();
  const boss = new Boss({ ...options, now }, { state, access, signal: stopping.signal });
  boss.start();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname: host,
      port,
      onListen: () => {},
      onError: () => json(500, { status: 500, code: 9002, message: "The server failed" }),
    }, (request) => boss.handle(request));
  } catch (error) {
    stopping.abort(new SluiceError("The server stops"));
    await boss.settle();
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new SluiceError(
      `Cannot serve a Boss at ${host}:${port}: another program listens there; give another --port`,
      { cause: error },
    );
  }
  const rest = opened.move();
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${server.addr.port}`,
    tokenFile: access.path,
    isTokenNew: access.isNew,
    async [Symbol.asyncDispose]() {
      stopping.abort(new SluiceError("The server stops"));
      await server.shutdown();
      await boss.settle();
      await rest[Symbol.asyncDispose]();
    },
  };
}

/** Two servers of one folder would not know of each other's locks. */
async function lockFolder(root: string): Promise<Disposable> {
  const file = await Deno.open(join(root, ".lock"), { write: true, create: true });
  if (file.tryLockSync(true)) return file;
  file.close();
  throw new SluiceError(
    `Cannot serve a Boss from "${root}": another process does; end that one, or give another --root`,
  );
}

class Boss {
  readonly #options: ServeBossOptions & { readonly now: () => number };
  readonly #access: Access;
  readonly #signal: AbortSignal;
  readonly #log: (line: string) => void;
  readonly #resources: Resources;
  readonly #cutouts: Cutouts;
  readonly #volumes: Volumes;
  readonly #state: BossState;
  readonly #queues: Queues;
  readonly #keys: JobKeyRing;
  readonly #jobs: Jobs;
  readonly #ingest: Ingest;

  constructor(
    options: ServeBossOptions & { readonly now: () => number },
    { state, access, signal }: {
      readonly state: BossState;
      readonly access: Access;
      readonly signal: AbortSignal;
    },
  ) {
    const { root, now, waitSeconds = 180, keySeconds = 3600, log = () => {} } = options;
    this.#options = options;
    this.#access = access;
    this.#signal = signal;
    this.#log = log;
    this.#state = state;
    const volumes = this.#volumes = new Volumes(root);
    this.#resources = new Resources(state, {
      onRemove: (place) => volumes.remove(place),
      hasVoxels: (place) => volumes.isThere(place),
    });
    this.#cutouts = new Cutouts(this.#resources, volumes);
    this.#queues = new Queues(state, now);
    this.#keys = new JobKeyRing(state, now, keySeconds);
    this.#jobs = new Jobs({
      state,
      resources: this.#resources,
      queues: this.#queues,
      keys: this.#keys,
      now,
      waitSeconds,
      signal,
      wake: () => this.#ingest.wake(),
      removeObjects: (job) => removeTiles(root, job),
      log,
    });
    this.#ingest = new Ingest({
      root,
      state,
      jobs: this.#jobs,
      queues: this.#queues,
      volumes,
      log,
      signal,
    });
  }

  start(): void {
    this.#jobs.resume();
    this.#ingest.start();
  }

  async settle(): Promise<void> {
    await this.#ingest.settle();
    await this.#jobs.settle();
  }

  /** Answers a request, whatever it is. */
  async handle(request: Request): Promise<Response> {
    const began = performance.now();
    const { pathname: path, search } = new URL(request.url);
    let response: Response;
    let what = `${request.method} ${path}`;
    try {
      const signed = {
        method: request.method,
        path,
        query: search.slice(1),
        headers: request.headers,
        body: await readBody(request),
      };
      response = await this.#answer(request, signed, (action) => what = action);
    } catch (error) {
      if (error instanceof Refusal) response = error.response();
      else if (error instanceof URIError) response = detail(400, "Bad address.").response();
      else if (this.#signal.aborted) response = detail(503, "The server stops").response();
      else {
        this.#log(`${what}: ${messageOf(error)}`);
        response = fault("UNHANDLED_EXCEPTION", "The server failed; its log says why").response();
      }
    }
    this.#log(`${what} ${response.status} ${Math.round(performance.now() - began)} ms`);
    return response;
  }

  async #answer(
    request: Request,
    signed: SignedRequest,
    name: (action: string) => void,
  ): Promise<Response> {
    const service = serviceOf(request.headers);
    const parts = { keys: this.#keys, jobs: this.#jobs, now: this.#options.now };
    if (service === "s3") {
      return await answerS3(signed, signerOf(signed, "s3", parts), {
        root: this.#options.root,
        state: this.#state,
        volumes: this.#volumes,
      });
    }
    // The proxy of the Boss makes one of several slashes, and clients rely on it.
    const [version = "", ...words] = signed.path.split("/").filter(Boolean).map(decodeURIComponent);
    if (service === "sqs" || request.headers.has("x-amz-target")) {
      const call = readSqsCall(signed);
      name(`${call.action} ${call.queue}`);
      return await answerSqs(call, signerOf(signed, "sqs", parts), {
        queues: this.#queues,
        stopping: this.#signal,
        onIndex: (job, body) => this.#ingest.takeTile(job, body),
      });
    }
    if (/^v0\.\d+$/.test(version)) {
      throw fault("UNSUPPORTED_VERSION", `${version} is no longer supported: this is v1`);
    }
    if (version !== "v1" && version !== "latest") throw detail(404, "Not found.");
    return await this.#rest(signed, words);
  }

  async #rest(signed: SignedRequest, words: readonly string[]): Promise<Response> {
    const { method, headers, body } = signed;
    const asker: Asker = this.#access.askerOf(headers);
    const query = new URLSearchParams(signed.query);
    const call = { method, words, query, asker, body: () => readJson(body) };
    switch (words[0]) {
      case "collection":
      case "coord":
        return await this.#resources.answer(call);
      case "meta":
        return this.#resources.meta(call);
      case "cutout":
        if (asker === "anybody" && method !== "GET") throw unauthorized();
        return await this.#cutouts.answer({ ...call, headers, body, signal: this.#signal });
      case "downsample":
        return await this.#cutouts.levels(call);
      case "ingest":
        if (asker === "anybody") throw unauthorized();
        return await this.#jobs.answer({
          method,
          words,
          origin: originOf(headers),
          body: call.body,
        });
      default:
        throw fault("INVALID_URL", `This server has no service ${JSON.stringify(words[0] ?? "")}`);
    }
  }
}

/** The address that a client reached the server by: queues have it, too. */
function originOf(headers: Headers): string {
  const host = headers.get("host") ?? "";
  if (/^[A-Za-z0-9.:[\]_-]{1,255}$/.test(host)) return `http://${host}`;
  throw detail(400, "Bad host.");
}

function readJson(body: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw detail(400, "JSON parse error");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw detail(400, "JSON parse error: it is no object");
}

/** All of a body, which is no longer than any may be. */
async function readBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  if (request.body === null) return new Uint8Array();
  const tooLarge = () => fault("REQUEST_TOO_LARGE", `A request has at most ${MOST_BYTES} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > MOST_BYTES) {
    await request.body.cancel();
    throw tooLarge();
  }
  if (request.headers.has("content-length")) return await request.bytes();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request.body) {
    length += piece.length;
    if (length > MOST_BYTES) throw tooLarge();
    pieces.push(piece);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
