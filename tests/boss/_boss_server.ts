/**
 * A Boss in memory, for tests: its ingest service, its queues, and keys for the S3 server of tests. It refuses what the
 * policy of a job's keys refuses, keeps account of what a client should not have done, and goes wrong on demand.
 */
import { type RawAnswer, type RawRequest, serveRaw } from "../_raw_http.ts";
import { errorAnswer, type S3Server, serveS3 } from "../_s3_server.ts";
import type { KnownKey } from "../_sigv4.ts";
import type { Clock } from "../../stores/blobs/retry.ts";
import {
  chunkMessages,
  countOf,
  faultOf,
  kindOf,
  type PostedConfig,
  type TestChannel,
  type TestMessage,
  tileMessages,
} from "./_boss_jobs.ts";
import { serveSqs, type SqsServer, type TestQueue } from "./_sqs_server.ts";

export const PREPARING = 0, UPLOADING = 1, COMPLETE = 2, DELETED = 3;
export const FAILED = 4, COMPLETING = 5, WAITING = 6;

/** The token that the server knows unless told otherwise. */
export const TEST_TOKEN = "0123456789abcdef0123456789abcdef01234567";
export const TILE_BUCKET = "tiles.theboss.test";
export const INGEST_BUCKET = "ingest.theboss.test";

/** How the server behaves; a test may change it as it runs. */
export interface BossBehaviour {
  token: string;
  /** Whether `latest` is a version, as it is behind the proxy of the Boss. */
  knowsLatest: boolean;
  /** Joins that find a new job unprepared. */
  preparingJoins: number;
  /** Milliseconds until AWS knows new keys. */
  settling: number;
  /** Milliseconds until it forgets them. */
  lifetime: number;
  /** What goes with keys. */
  sessionToken: string | null;
  /** Seconds that all queues must have been empty. */
  waitSeconds: number;
  /** Looks at the state of a job until the server has found what is missing. */
  completingLooks: number;
  /** Whether tiles are taken off the index queue as they come. */
  indexes: boolean;
}

/** A job. */
export interface TestJob {
  readonly id: number;
  readonly config: PostedConfig;
  /** The body of the request, as it came. */
  readonly posted: string;
  readonly kind: "tile" | "volumetric";
  readonly channel: TestChannel;
  readonly messages: readonly TestMessage[];
  readonly upload: TestQueue;
  readonly index?: TestQueue;
  /** Keys of objects that are there, and that the server was told of. */
  readonly ingested: Set<string>;
  /** How many objects were not there whenever a client had the job completed. */
  readonly missingAtEnd: number[];
  state: number;
  joins: number;
  looks: number;
  waitUntil: number;
}

/** A Boss that runs. */
export interface BossTestServer extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly behaviour: BossBehaviour;
  readonly s3: S3Server;
  readonly sqs: SqsServer;
  readonly jobs: Map<number, TestJob>;
  readonly channels: Map<string, TestChannel>;
  /** Time of all of it; whoever waits by it moves it on. */
  readonly clock: TestClock;
  /** What the service was asked: `GET /latest/ingest/42`, in the order it came. */
  readonly log: string[];
  /** Answers to the next requests to the service, before anything else is looked at. */
  readonly next: (RawAnswer | undefined)[];
  /** Ids of the keys that were handed out. */
  readonly issued: string[];
  /** What no client should have done. */
  readonly oddities: string[];
  /** Takes all keys of a job back, as at the end of their life. */
  revoke(job: number): void;
}

/** Time that passes as the machine's, or faster, and at once when somebody waits for it. */
export class TestClock implements Clock {
  readonly waits: number[] = [];
  readonly #speed: number;
  readonly #begun: number;
  #ahead = 0;

  /** Seconds to one of the machine's, from a moment on. */
  constructor(speed = 1, begun: number = Date.now()) {
    [this.#speed, this.#begun] = [speed, begun];
  }

  /** Milliseconds that it is ahead of the machine's. */
  get ahead(): number {
    return this.#ahead + (Date.now() - this.#begun) * (this.#speed - 1);
  }
  set ahead(milliseconds: number) {
    this.#ahead += milliseconds - this.ahead;
  }

  now(): number {
    return Date.now() + this.ahead;
  }
  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.waits.push(milliseconds);
    this.ahead += milliseconds;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

interface IssuedKey extends KnownKey {
  readonly id: string;
  readonly job: number;
  readonly from: number;
  until: number;
}

/** Serves a Boss until it is disposed. */
export function serveBoss(
  options: Partial<BossBehaviour> = {},
  clock: TestClock = new TestClock(),
): BossTestServer {
  const behaviour: BossBehaviour = {
    token: TEST_TOKEN,
    knowsLatest: true,
    preparingJoins: 0,
    settling: 0,
    lifetime: 3_600_000,
    sessionToken: null,
    waitSeconds: 180,
    completingLooks: 1,
    indexes: true,
    ...options,
  };
  const boss = new Boss(behaviour, clock);
  const raw = serveRaw((request) => boss.answer(request));
  return {
    url: raw.url,
    host: new URL(raw.url).host,
    behaviour,
    clock,
    s3: boss.s3,
    sqs: boss.sqs,
    jobs: boss.jobs,
    channels: boss.channels,
    log: boss.log,
    next: boss.next,
    issued: boss.issued,
    oddities: boss.oddities,
    revoke: (job) => boss.revoke(job),
    async [Symbol.asyncDispose]() {
      await Promise.all([raw, boss.s3, boss.sqs].map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

/** An error as the Boss gives it. */
export function bossError(status: number, code: number, message: string): RawAnswer {
  return json(status, { status, code, message });
}

/** An error as its framework gives it. */
export function detailError(status: number, detail: string): RawAnswer {
  return json(status, { detail });
}

/** A page of something in between. */
export function page(status: number): RawAnswer {
  return { status, headers: { "content-type": "text/html" }, body: "<!DOCTYPE html><p>Sorry" };
}

function json(status: number, body: unknown): RawAnswer {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

class Boss {
  readonly jobs = new Map<number, TestJob>();
  readonly channels = new Map<string, TestChannel>([[
    "colA/expA/chA",
    { collection: 4, experiment: 5, channel: 6, datatype: "uint8", baseResolution: 0 },
  ]]);
  readonly log: string[] = [];
  readonly next: (RawAnswer | undefined)[] = [];
  readonly issued: string[] = [];
  readonly oddities: string[] = [];
  readonly s3: S3Server;
  readonly sqs: SqsServer;
  readonly #behaviour: BossBehaviour;
  readonly #clock: TestClock;
  readonly #keys: IssuedKey[] = [];

  constructor(behaviour: BossBehaviour, clock: TestClock) {
    this.#behaviour = behaviour;
    this.#clock = clock;
    this.s3 = serveS3({ buckets: [TILE_BUCKET, INGEST_BUCKET], keys: new Map() });
    this.s3.intercept = (request) => this.#guardBucket(request);
    this.sqs = serveSqs({
      keys: () => this.#known(),
      now: () => clock.now(),
      isAllowed: (keyId, queue, action) => this.#mayUse(keyId, queue, action),
    });
  }

  /** The keys that AWS knows now. */
  #known(): Map<string, KnownKey> {
    const now = this.#clock.now();
    return new Map(
      this.#keys.filter(({ from, until }) => from <= now && now < until).map((key) => [
        key.id,
        key,
      ]),
    );
  }

  #jobOf(keyId: string): TestJob | undefined {
    const key = this.#keys.find(({ id }) => id === keyId);
    return key && this.jobs.get(key.job);
  }

  #mayUse(keyId: string, queue: string, action: string): boolean {
    const job = this.#jobOf(keyId);
    if (queue === job?.upload.name) {
      return ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"].includes(action);
    }
    return queue === job?.index?.name && action === "SendMessage";
  }

  /** Keys of a job may put objects into its bucket, and nothing else. */
  #guardBucket(request: RawRequest): RawAnswer | undefined {
    const { behaviour } = this.s3;
    behaviour.ahead = this.#clock.ahead;
    behaviour.keys.clear();
    for (const [id, key] of this.#known()) behaviour.keys.set(id, key);
    const keyId = /Credential=([^/]+)/.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
    const job = this.#jobOf(keyId);
    if (job === undefined || !behaviour.keys.has(keyId)) return undefined;
    const bucket = job.kind === "tile" ? TILE_BUCKET : INGEST_BUCKET;
    const isPut = request.method === "PUT" && request.query === "";
    if (!isPut || !request.path.startsWith(`/${bucket}/`)) {
      this.oddities.push(`${request.method} ${request.path}`);
      return errorAnswer(403, "AccessDenied", behaviour);
    }
    this.#inspectObject(request, job);
    return undefined;
  }

  #inspectObject({ path, headers }: RawRequest, { kind }: TestJob): void {
    const own = [...headers.keys()].filter((name) => name.startsWith("x-amz-meta-"));
    const wanted = kind === "tile" ? ["message_id", "metadata", "receipt_handle"] : ["metadata"];
    const isRight = headers.get("x-amz-acl") === "private" &&
      headers.get("x-amz-storage-class") === "STANDARD" && !headers.has("content-type") &&
      own.sort().join() === wanted.map((name) => `x-amz-meta-${name}`).join();
    if (!isRight) this.oddities.push(`headers of ${path}`);
  }

  revoke(job: number): void {
    for (const key of this.#keys) if (key.job === job) key.until = 0;
  }

  answer(request: RawRequest): RawAnswer {
    const { method, path, headers } = request;
    this.log.push(`${method} ${path}`);
    const own = this.next.shift();
    if (own !== undefined) return own;
    const [, version, service, id, action] = path.split("/");
    const isVersion = version === "v1" || version === "latest" && this.#behaviour.knowsLatest;
    const isKnown = service === "ingest" || service === "collection" || service === "coord";
    if (!isVersion || !isKnown) return page(404);
    if (headers.get("authorization") !== `Token ${this.#behaviour.token}`) {
      return detailError(401, "Invalid token.");
    }
    if (service !== "ingest") return this.#resource(path.split("/").slice(2));
    if (headers.get("accept") !== "application/json") return page(406);
    if (id === undefined) return page(301);
    if (id === "") {
      if (method === "POST") return this.#create(new TextDecoder().decode(request.body));
      return method === "GET" ? this.#list() : detailError(405, "Method not allowed.");
    }
    const job = this.jobs.get(Number(id));
    if (job === undefined) return bossError(404, 4004, `The ingest job with id ${id} not found.`);
    switch (`${method} ${action ?? ""}`) {
      case "GET ":
        return this.#join(job);
      case "GET status":
        return this.#status(job);
      case "POST complete":
        return this.#complete(job);
      case "DELETE ":
        return this.#cancel(job);
      default:
        return detailError(405, "Method not allowed.");
    }
  }

  /** What its channels lie in: a coordinate frame `cfA` of 100,000 voxels along each axis for all. */
  #resource([service, name, , experiment, , channel]: readonly string[]): RawAnswer {
    const missing = (name: string) => bossError(404, 4000, `${name} does not exist.`);
    if (service === "coord") {
      const edges = ["x", "y", "z"].flatMap((axis) => [
        [`${axis}_start`, 0],
        [`${axis}_stop`, 100_000],
      ]);
      return name === "cfA" ? json(200, { name, ...Object.fromEntries(edges) }) : missing(name);
    }
    const wanted = [name, experiment, channel].filter((part) => part !== undefined);
    const known = [...this.channels].find(([key]) => `${key}/`.startsWith(`${wanted.join("/")}/`))
      ?.[1];
    if (known === undefined) return missing(wanted.at(-1)!);
    const { datatype, baseResolution } = known;
    return json(200, {
      name: wanted.at(-1),
      ...(wanted.length === 2 ? { coord_frame: "cfA", num_time_samples: 100 } : {}),
      ...(wanted.length === 3 ? { datatype, base_resolution: baseResolution } : {}),
    });
  }

  #create(posted: string): RawAnswer {
    let config: PostedConfig;
    try {
      config = JSON.parse(posted);
    } catch {
      return detailError(400, "JSON parse error.");
    }
    const fault = faultOf(config);
    if (fault !== undefined) return bossError(400, 1004, fault);
    const { collection, experiment, channel: name } = config.database;
    const channel = this.channels.get(`${collection}/${experiment}/${name}`);
    if (channel === undefined) return bossError(404, 4000, "None does not exist.");
    const id = 42 + this.jobs.size;
    const kind = kindOf(config);
    const upload = this.sqs.create(`theboss-test-upload-${id}`, 120);
    const index = kind === "tile" ? this.sqs.create(`theboss-test-${id}-index`, 300) : undefined;
    const queues = { upload: upload.url, ingest: ingestQueue(upload)! };
    const messages = [
      ...kind === "tile"
        ? tileMessages(config, channel, id, queues)
        : chunkMessages(config, channel),
    ];
    const job: TestJob = {
      id,
      config,
      posted,
      kind,
      channel,
      messages,
      upload,
      index,
      ingested: new Set(),
      missingAtEnd: [],
      state: PREPARING,
      joins: 0,
      looks: 0,
      waitUntil: 0,
    };
    if (index !== undefined) index.onMessage = (body) => this.#takeTile(job, index, body);
    upload.onDelete = (body) => this.#lookAfter(job, body);
    this.jobs.set(id, job);
    return json(201, jobJson(job));
  }

  /** What becomes of a message to the index queue: a tile counts where its object says all that it must. */
  #takeTile(job: TestJob, index: TestQueue, body: string): void {
    if (!this.#behaviour.indexes) return;
    index.messages.pop();
    const { tile_key, ingest_job } = JSON.parse(body) as { tile_key: string; ingest_job: unknown };
    const object = this.s3.buckets.get(TILE_BUCKET)!.objects.get(tile_key);
    const isTile = ingest_job === job.id && object?.headers["x-amz-meta-metadata"] === body;
    if (isTile) job.ingested.add(tile_key);
    else this.oddities.push(`index message of ${tile_key}`);
  }

  /** A message may be deleted once all that it asks for is there, and was told of. */
  #lookAfter({ kind, messages, ingested }: TestJob, body: string): void {
    const { objects } = this.s3.buckets.get(kind === "tile" ? TILE_BUCKET : INGEST_BUCKET)!;
    const keys = messages.find((message) => message.body === body)?.keys ?? [];
    const isTold = (key: string) =>
      kind === "volumetric" || !this.#behaviour.indexes || ingested.has(key);
    const early = keys.filter((key) => !objects.has(key) || !isTold(key));
    if (early.length > 0) this.oddities.push(`early delete of ${early[0]}`);
  }

  #list(): RawAnswer {
    const jobs = [...this.jobs.values()].filter(({ state }) => state !== DELETED);
    return json(200, {
      ingest_jobs: jobs.map((job) => {
        const { id, collection, experiment, channel, status, ingest_type } = jobJson(job);
        return {
          id,
          collection,
          experiment,
          channel,
          created_on: "2020-01-02T03:04:05Z",
          completed_on: job.state === COMPLETE ? "2020-01-03T03:04:05Z" : null,
          status,
          ingest_type,
        };
      }),
    });
  }

  #join(job: TestJob): RawAnswer {
    if (job.state === DELETED) return bossError(404, 2004, "The ingest job has been deleted.");
    if (job.state === COMPLETE || job.state === FAILED) {
      return job.kind === "tile"
        ? bossError(400, 9001, "The specified queue does not exist")
        : json(200, { ingest_job: jobJson(job) });
    }
    if (job.state === PREPARING && ++job.joins > this.#behaviour.preparingJoins) {
      job.state = UPLOADING;
      for (const { body } of job.messages) this.sqs.put(job.upload, body);
    }
    const { datatype, baseResolution, collection, experiment, channel } = job.channel;
    const names = job.config.database;
    const text = JSON.stringify({
      ingest_job: { ...jobJson(job), tile_index_queue: job.index?.url ?? null },
      credentials: job.state === PREPARING ? null : this.#issue(job),
      tile_bucket_name: TILE_BUCKET,
      ingest_bucket_name: INGEST_BUCKET,
      KVIO_SETTINGS: { cache_host: "cache.test", cache_db: 0, read_timeout: 1209600 },
      STATEIO_CONFIG: { cache_state_host: "cache-state.test", cache_state_db: 0 },
      OBJECTIO_CONFIG: { s3_flush_queue: "https://queue.test/flush", cuboid_bucket: "cuboids" },
      resource: {
        boss_key: `${names.collection}&${names.experiment}&${names.channel}`,
        lookup_key: `${collection}&${experiment}&${channel}`,
        channel: { type: "image", datatype, base_resolution: baseResolution },
        experiment: { num_hierarchy_levels: 3, hierarchy_method: "anisotropic" },
        coord_frame: { x_voxel_size: "4.0", y_voxel_size: "4.0", z_voxel_size: "40.0" },
      },
      ingest_lambda: "deprecated",
    });
    // Python writes a float with its point.
    const body = text.replace(/"(\d+\.\d)"/g, "$1");
    return { status: 200, headers: { "content-type": "application/json" }, body };
  }

  #issue(job: TestJob) {
    const { settling, lifetime, sessionToken } = this.#behaviour;
    const now = this.#clock.now();
    const id = `AKIATEST${this.#keys.length}`;
    const secret = `secret/${crypto.randomUUID()}+=`;
    const token = sessionToken ?? undefined;
    const [from, until] = [now + settling, now + lifetime];
    this.#keys.push({ id, job: job.id, secret, token, from, until });
    this.issued.push(id);
    return { access_key: id, secret_key: secret, security_token: sessionToken };
  }

  #status(job: TestJob): RawAnswer {
    if (job.state === DELETED) return bossError(404, 2004, "The ingest job has been deleted.");
    if (job.state === COMPLETING && ++job.looks > this.#behaviour.completingLooks) {
      this.#finish(job);
    }
    const left = job.state === COMPLETE ? 0 : this.sqs.visible(job.upload);
    return json(200, {
      id: job.id,
      status: job.state,
      total_message_count: countOf(job.config),
      current_message_count: left,
    });
  }

  /** Looks for missing tiles, and asks for them again; a volumetric job is taken at its word. */
  #finish(job: TestJob): void {
    const missing = job.kind === "tile"
      ? job.messages.filter(({ keys }) => keys.some((key) => !job.ingested.has(key)))
      : [];
    job.looks = 0;
    job.state = missing.length > 0 ? UPLOADING : COMPLETE;
    for (const { body } of missing) this.sqs.put(job.upload, body);
    if (missing.length === 0) this.#tearDown(job);
  }

  #complete(job: TestJob): RawAnswer {
    const { waitSeconds } = this.#behaviour;
    const now = this.#clock.now();
    switch (job.state) {
      case COMPLETE:
        return { status: 204 };
      case COMPLETING:
        return json(202, { job_status: COMPLETING });
      case UPLOADING:
      case WAITING: {
        if (this.sqs.visible(job.upload) > 0) {
          job.state = UPLOADING;
          return bossError(400, 1006, "Upload queue is not empty");
        }
        if (job.index !== undefined && job.index.messages.length > 0) {
          return json(400, { wait_secs: waitSeconds, info: "Internal queues not empty yet" });
        }
        if (job.state === UPLOADING) {
          job.state = WAITING;
          job.waitUntil = now + waitSeconds * 1000;
          return json(202, { job_status: WAITING, wait_secs: waitSeconds - 0.1 });
        }
        if (now < job.waitUntil) {
          return json(400, { job_status: WAITING, wait_secs: (job.waitUntil - now) / 1000 });
        }
        job.state = COMPLETING;
        job.missingAtEnd.push(this.#absent(job).length);
        return json(202, { job_status: COMPLETING, wait_secs: 0 });
      }
      default:
        return bossError(400, 1006, "Ingest job cannot be completed in its state");
    }
  }

  #cancel(job: TestJob): RawAnswer {
    if (job.state === DELETED) {
      return bossError(400, 9001, `Unable to complete cleanup ${job.id}`);
    }
    job.state = DELETED;
    this.#tearDown(job);
    return { status: 204 };
  }

  #absent({ kind, messages }: TestJob): string[] {
    const { objects } = this.s3.buckets.get(kind === "tile" ? TILE_BUCKET : INGEST_BUCKET)!;
    return messages.flatMap(({ keys }) => keys.filter((key) => !objects.has(key)));
  }

  #tearDown(job: TestJob): void {
    this.sqs.queues.delete(job.upload.name);
    if (job.index !== undefined) this.sqs.queues.delete(job.index.name);
    this.revoke(job.id);
  }
}

function ingestQueue({ url }: TestQueue): string {
  return url.replace("-upload-", "-ingest-");
}

function jobJson(job: TestJob) {
  const { id, kind, config, state, upload } = job;
  const isTile = kind === "tile";
  return {
    id,
    ...config.database,
    status: state,
    ingest_queue: isTile ? ingestQueue(upload) : null,
    upload_queue: upload.url,
    tile_count: countOf(config),
    ingest_type: isTile ? 0 : 1,
  };
}
