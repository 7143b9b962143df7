/** A Boss that is served for a test, what lies in it, and clients that sign as they should or should not. */
import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { JobBucket } from "../../../boss/objects.ts";
import { BossToken } from "../../../boss/credentials.ts";
import { JobKeys, type OpenJoin } from "../../../boss/job_keys.ts";
import {
  type ChunkCuboid,
  cuboidMetadata,
  cuboidObjectMetadata,
  parseUploadMessage,
  tileMetadata,
  tileObjectMetadata,
} from "../../../boss/messages.ts";
import { BossService } from "../../../boss/rest.ts";
import { type QueueMessage, SqsQueue } from "../../../boss/sqs.ts";
import { openChunkCodec } from "../../../codecs/chunk_codec.ts";
import {
  openBossServer,
  type ServeBossOptions,
  type ServedBoss,
} from "../../../services/boss/server.ts";
import { Signer } from "../../../stores/blobs/sign.ts";
import { chunkFile, type Cover, type Json, tileFile } from "../../boss/_configs.ts";

/** Frame of the experiment: nothing of it is a multiple of a cuboid. */
export const FRAME = { x: 1100, y: 600, z: 40 } as const;

/** A Boss in a folder of its own, with a channel `lab/exp/em` of uint8. */
export class Served implements AsyncDisposable {
  /** Milliseconds that its clock is ahead. */
  ahead = 0;
  readonly log: string[] = [];
  readonly root: string;
  readonly #options: Partial<ServeBossOptions>;
  #boss: ServedBoss | undefined;

  private constructor(root: string, options: Partial<ServeBossOptions>) {
    [this.root, this.#options] = [root, options];
  }

  static async open(options: Partial<ServeBossOptions> = {}): Promise<Served> {
    const served = new Served(await Deno.makeTempDir(), options);
    await served.start();
    await served.make("collection/lab", {});
    await served.make("coord/frame", {
      ...Object.fromEntries(
        Object.entries(FRAME).flatMap(([axis, stop]) => [
          [`${axis}_start`, 0],
          [`${axis}_stop`, stop],
          [`${axis}_voxel_size`, axis === "z" ? 40 : 4],
        ]),
      ),
      voxel_unit: "nanometers",
    });
    await served.make("collection/lab/experiment/exp", {
      coord_frame: "frame",
      num_hierarchy_levels: 2,
      hierarchy_method: "anisotropic",
    });
    await served.make("collection/lab/experiment/exp/channel/em", {
      type: "image",
      datatype: "uint8",
    });
    return served;
  }

  async start(): Promise<void> {
    this.#boss = await openBossServer({
      root: this.root,
      port: 0,
      waitSeconds: 60,
      now: () => Date.now() + this.ahead,
      log: (line) => this.log.push(line),
      ...this.#options,
    });
  }

  async stop(): Promise<void> {
    await this.#boss?.[Symbol.asyncDispose]();
    this.#boss = undefined;
  }

  get url(): string {
    return this.#boss!.url;
  }

  get token(): string {
    return Deno.readTextFileSync(join(this.root, "token")).trim();
  }

  /** Asks with the token, unless others are named. */
  async ask(
    method: string,
    path: string,
    { body, headers = {} }: {
      readonly body?: BodyInit;
      readonly headers?: Record<string, string>;
    } = {},
  ): Promise<{ status: number; bytes: Uint8Array<ArrayBuffer>; json: Json }> {
    const answer = await fetch(`${this.url}/${path}`, {
      method,
      body,
      headers: { authorization: `Token ${this.token}`, ...headers },
    });
    const bytes = await answer.bytes();
    const isJson = answer.headers.get("content-type") === "application/json";
    const json = isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined;
    return { status: answer.status, bytes, json };
  }

  async make(path: string, body: Json): Promise<void> {
    const { status, json } = await this.ask("POST", `v1/${path}`, { body: JSON.stringify(body) });
    equal(status, 201, JSON.stringify(json));
  }

  /** The status of a job, once it is one of those. */
  async waitFor(job: number, ...states: number[]): Promise<Json> {
    for (let tries = 0; tries < 400; tries++) {
      const { json } = await this.ask("GET", `v1/ingest/${job}/status`);
      if (states.includes(json.status)) return json;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`The job never came to ${states}: ${this.log.slice(-5).join("\n")}`);
  }

  /** Completes a job, by its clock. @returns Its last state. */
  async complete(job: number): Promise<Json> {
    const path = `v1/ingest/${job}/complete`;
    for (let tries = 0; tries < 400; tries++) {
      const { status, json } = await this.ask("POST", path);
      if (status === 204) return await this.waitFor(job, 2);
      if (json.job_status === 5) return await this.waitFor(job, 1, 2, 6);
      ok(json.wait_secs !== undefined, JSON.stringify(json));
      if (json.job_status === 6) this.ahead += json.wait_secs * 1000;
      else await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error("The job was never completed");
  }

  /** Voxels of a box of level 0. */
  async voxels(box: string, channel = "em"): Promise<Uint8Array> {
    const { status, bytes } = await this.ask("GET", `v1/cutout/lab/exp/${channel}/0/${box}/`);
    equal(status, 200);
    const count = box.split("/").map((range) => {
      const [first, end] = range.split(":").map(Number);
      return end - first;
    }).reduce((product, size) => product * size, 1);
    return (await codec()).decode(bytes, count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.root, { recursive: true });
  }
}

/** Blosc, as cutouts and cuboids have it. */
export function codec() {
  return openChunkCodec(
    { codec: "blosc", cname: "lz4", level: 5, shuffle: true, crc32c: false },
    1,
  );
}

/** A configuration for the channel of a served Boss. */
export function configOf(kind: "tile" | "volumetric", cover: Cover): Json {
  const file = kind === "tile" ? tileFile(cover) : chunkFile(cover);
  Object.assign(file.database, { collection: "lab", experiment: "exp", channel: "em" });
  return file;
}

/** A client of one job, by the means of sluice. */
export class JobClient {
  private constructor(
    readonly served: Served,
    readonly join: OpenJoin,
    readonly upload: SqsQueue,
    readonly index: SqsQueue | undefined,
    readonly bucket: JobBucket,
  ) {}

  static async create(served: Served, config: Json): Promise<JobClient> {
    const { status, json } = await served.ask("POST", "latest/ingest/", {
      body: JSON.stringify(config),
    });
    equal(status, 201, JSON.stringify(json));
    return await JobClient.join(served, json.id);
  }

  static async join(served: Served, id: number): Promise<JobClient> {
    const server = { host: new URL(served.url).host, protocol: "http" };
    const service = new BossService(server, new BossToken(served.token, "the test"));
    const joined = await service.join(id);
    ok(joined.kind === "open");
    const keys = new JobKeys(service, joined);
    const retry = { attempts: 1 };
    const { uploadQueue, indexQueue, bucket } = joined.access;
    return new JobClient(
      served,
      joined,
      new SqsQueue(uploadQueue, keys.keeper, { retry }),
      indexQueue === undefined ? undefined : new SqsQueue(indexQueue, keys.keeper, { retry }),
      await JobBucket.open(bucket, { credentials: keys.finder(), endpoint: served.url, retry }),
    );
  }

  get id(): number {
    return this.join.job.id;
  }

  /** All messages that are there, hidden from then on. */
  async messages(): Promise<QueueMessage[]> {
    const all: QueueMessage[] = [];
    for (;;) {
      const some = await this.upload.receive({ count: 10, waitSeconds: 0, visibilitySeconds: 120 });
      if (some.length === 0) return all;
      all.push(...some);
    }
  }

  /** Uploads a tile, as an image, and tells of it. */
  async putTile(message: QueueMessage, image: Uint8Array, size = 512): Promise<void> {
    const parsed = parseUploadMessage(message.body, "tile");
    ok(parsed.kind === "tile");
    const { tileKey, chunkKey } = parsed;
    const { parameters } = this.join.access;
    const metadata = tileMetadata({
      job: this.id,
      tileKey,
      chunkKey,
      parameters,
      size: [size, size],
    });
    await this.bucket.put(tileKey, image, tileObjectMetadata(message, metadata));
    await this.index!.send(metadata);
  }

  /** Uploads the cuboids of a message. @param frameOf Says what is in one, and for which there is none. */
  async putChunk(
    message: QueueMessage,
    frameOf: (place: ChunkCuboid, at: number) => Uint8Array | undefined,
  ): Promise<void> {
    const parsed = parseUploadMessage(message.body, "volumetric");
    ok(parsed.kind === "volumetric");
    const { parameters } = this.join.access;
    const metadata = cuboidMetadata({ job: this.id, chunkKey: parsed.chunkKey, parameters });
    for (const [at, cuboid] of parsed.cuboids.entries()) {
      const frame = frameOf(cuboid, at);
      if (frame !== undefined) {
        await this.bucket.put(cuboid.key, frame, cuboidObjectMetadata(metadata));
      }
    }
  }

  async delete(message: QueueMessage): Promise<void> {
    equal(await this.upload.delete(message.receiptHandle), "deleted");
  }

  /** A request signed by a key of the job, or by another. */
  async signed(
    service: "sqs" | "s3",
    { method = "POST", path, body = "", headers = {}, secret }: {
      readonly method?: string;
      readonly path: string;
      readonly body?: string;
      readonly headers?: Record<string, string>;
      readonly secret?: string;
    },
  ): Promise<{ status: number; text: string }> {
    const { keys } = this.join.access;
    const url = new URL(path, this.served.url);
    const bytes = new TextEncoder().encode(body);
    const sums: Record<string, string> = service === "s3"
      ? { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }
      : {};
    const signed = await new Signer(service).sign(
      { method, url, headers: new Headers({ ...sums, ...headers }), body: bytes },
      { ...keys, ...(secret === undefined ? {} : { secretAccessKey: secret }) },
      { region: "us-east-1", now: Date.now() },
    );
    const answer = await fetch(url, {
      method,
      headers: signed,
      ...(body === "" ? {} : { body: bytes }),
    });
    return { status: answer.status, text: await answer.text() };
  }
}
