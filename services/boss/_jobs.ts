/**
 * The ingest service: jobs made, joined, asked for, completed and cancelled.
 * @module
 */
import { type BossConfig, parseBossConfig } from "../../boss/config.ts";
import { countBossTasks } from "../../boss/ingest_job.ts";
import type { ChannelIds } from "../../boss/keys.ts";
import { delay } from "../../core/abort.ts";
import { messageOf, UsageError } from "../../core/errors.ts";
import { fault, json } from "./_answers.ts";
import {
  COMPLETE,
  COMPLETING,
  DELETED,
  type JobMessage,
  jobMessages,
  PREPARING,
  queueNames,
  queueUrl,
  UPLOADING,
  WAITING,
} from "./_job.ts";
import type { JobKeyRing } from "./_keys.ts";
import type { Queues } from "./_queues.ts";
import { type ChannelPlace, notAllowed, type Resources } from "./_resources.ts";
import type { BossState } from "./_state.ts";

/** Buckets of the server, by the kind of the job that puts into them. */
export const BUCKETS = { tile: "sluice-tiles", volumetric: "sluice-cuboids" } as const;

/** A job as it is kept. */
export interface Job {
  readonly id: number;
  readonly state: number;
  readonly config: BossConfig;
  readonly ids: ChannelIds;
  readonly place: ChannelPlace;
  readonly origin: string;
  readonly isFilled: boolean;
  readonly waitUntil: number;
  readonly createdOn: number;
  readonly completedOn: number;
}

/** A request to the ingest service. */
export interface JobCall {
  readonly method: string;
  readonly words: readonly string[];
  /** The address that the server was reached by. */
  readonly origin: string;
  readonly body: () => unknown;
}

/** What the service works with. */
export interface JobParts {
  readonly state: BossState;
  readonly resources: Resources;
  readonly queues: Queues;
  readonly keys: JobKeyRing;
  readonly now: () => number;
  /** Seconds that queues must have been empty. */
  readonly waitSeconds: number;
  readonly signal: AbortSignal;
  /** Is told that there is something to do for a job. */
  readonly wake: () => void;
  /** Removes what was uploaded to a job and is not in its volume. */
  readonly removeObjects: (job: number) => Promise<void>;
  readonly log: (line: string) => void;
}

interface Row {
  readonly id: number;
  readonly channel: number;
  readonly config: string;
  readonly origin: string;
  readonly state: number;
  readonly filled: number;
  readonly wait_until: number;
  readonly created_on: number;
  readonly completed_on: number;
}

/** Messages that go into a queue at once; a job of no more is ready when it is made. */
const BATCH = 2000;

/** The jobs of one server. */
export class Jobs {
  readonly #parts: JobParts;
  /** Jobs whose queues are being filled. */
  readonly #filling = new Set<Promise<void>>();
  /** What was read of a job; its configuration never changes. */
  readonly #configs = new Map<number, BossConfig>();

  constructor(parts: JobParts) {
    this.#parts = parts;
  }

  /** Goes on with what was left undone. */
  resume(): void {
    const { state } = this.#parts;
    for (const { id } of state.rows<Row>("SELECT * FROM job WHERE filled = 0")) {
      const job = this.findOpen(id);
      state.run("DELETE FROM message WHERE job = ?", id);
      if (job !== undefined) this.#fillLater(job);
    }
  }

  /** Waits for what still runs. */
  async settle(): Promise<void> {
    await Promise.all(this.#filling);
  }

  /** Answers a request below `ingest`. */
  async answer({ method, words, origin, body }: JobCall): Promise<Response> {
    const [, id, action, ...rest] = words;
    if (id === undefined) {
      if (method === "POST") return await this.#create(body(), origin);
      if (method === "GET") return this.#list();
      throw notAllowed(method);
    }
    const job = /^\d{1,15}$/.test(id) && rest.length === 0 ? this.find(Number(id)) : undefined;
    if (job === undefined) {
      throw fault("OBJECT_NOT_FOUND", `The ingest job with id ${id.slice(0, 20)} does not exist.`);
    }
    switch (`${method} ${action ?? ""}`) {
      case "GET ":
        return this.#join(job, origin);
      case "GET status":
        return this.#status(job);
      case "POST complete":
        return this.#complete(job);
      case "DELETE ":
        return await this.#cancel(job);
      default:
        throw notAllowed(method);
    }
  }

  /** A job; undefined where there is none, or its channel is gone. */
  find(id: number): Job | undefined {
    const row = this.#parts.state.row<Row>("SELECT * FROM job WHERE id = ?", id);
    return row && this.#jobOf(row);
  }

  /** The job that a key of a queue or a bucket belongs to, while it takes anything. */
  findOpen(id: number): Job | undefined {
    const job = this.find(id);
    return job === undefined || job.state === COMPLETE || job.state === DELETED ? undefined : job;
  }

  /** Jobs in a state. */
  inState(state: number): Job[] {
    return this.#parts.state.rows<Row>("SELECT * FROM job WHERE state = ? ORDER BY id", state)
      .map((row) => this.#jobOf(row)).filter((job) => job !== undefined);
  }

  /** The messages of a job. */
  messages({ config, ids, id, origin }: Job): Generator<JobMessage> {
    return jobMessages(config.job, ids, { id, origin });
  }

  /** Moves a job into another state, unless somebody else did. */
  move({ id, state }: Job, to: number): void {
    this.#parts.state.run("UPDATE job SET state = ? WHERE id = ? AND state = ?", to, id, state);
  }

  /** Ends a job. Its keys live on to their end: whoever still has one is told that the queue is gone. */
  close(job: Job, state: typeof COMPLETE | typeof DELETED): void {
    const { state: database, now } = this.#parts;
    const { id } = job;
    database.write(function* () {
      for (const table of ["message", "object", "part", "chunk"]) {
        yield { kind: "command", sql: `DELETE FROM ${table} WHERE job = ?`, values: [id] };
      }
      yield {
        kind: "command",
        sql: "UPDATE job SET state = ?, completed_on = ? WHERE id = ?",
        values: [state, state === COMPLETE ? now() : 0, id],
      };
    });
  }

  #jobOf(row: Row): Job | undefined {
    const place = this.#parts.resources.channelById(row.channel);
    if (place === undefined) return undefined;
    let config = this.#configs.get(row.id);
    if (config === undefined) {
      config = parseBossConfig(JSON.parse(row.config), `job ${row.id}`);
      this.#configs.set(row.id, config);
    }
    return {
      id: row.id,
      state: row.state,
      config,
      place,
      ids: {
        collection: place.collection.id,
        experiment: place.experiment.id,
        channel: place.channel.id,
        resolution: place.channel.fields.base_resolution as number,
      },
      origin: row.origin,
      isFilled: row.filled === 1,
      waitUntil: row.wait_until,
      createdOn: row.created_on,
      completedOn: row.completed_on,
    };
  }

  async #create(body: unknown, origin: string): Promise<Response> {
    let config: BossConfig;
    try {
      config = parseBossConfig(body, "the configuration");
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw fault("UNABLE_TO_VALIDATE", error.message);
    }
    const { collection, experiment, channel } = config.database;
    const place = this.#parts.resources.channel(collection, experiment, channel, "user");
    checkFrame(config, place);
    const { id } = this.#parts.state.row<{ id: number }>(
      "INSERT INTO job (channel, config, origin, state, created_on) VALUES (?, ?, ?, ?, ?) RETURNING id",
      place.channel.id,
      JSON.stringify(body),
      origin,
      PREPARING,
      this.#parts.now(),
    )!;
    const job = this.find(id)!;
    const filled = this.#fillLater(job);
    if (countBossTasks(config.job) <= BATCH) await filled;
    return json(201, describe(job, origin));
  }

  #fillLater(job: Job): Promise<void> {
    const filling = this.#fill(job).catch((error) => {
      if (!this.#parts.signal.aborted) {
        this.#parts.log(`job ${job.id}: its queue cannot be filled: ${messageOf(error)}`);
      }
    });
    this.#filling.add(filling);
    return filling.finally(() => this.#filling.delete(filling));
  }

  async #fill(job: Job): Promise<void> {
    const { queues, state, signal } = this.#parts;
    let bodies: string[] = [];
    for (const { body } of this.messages(job)) {
      if (bodies.push(body) < BATCH) continue;
      queues.put(job.id, bodies);
      bodies = [];
      await delay(0, signal);
      if (this.find(job.id)?.state === DELETED) return;
    }
    queues.put(job.id, bodies);
    state.run("UPDATE job SET filled = 1 WHERE id = ?", job.id);
  }

  #list(): Response {
    const rows = this.#parts.state.rows<Row>(
      "SELECT * FROM job WHERE state != ? ORDER BY id",
      DELETED,
    );
    return json(200, {
      ingest_jobs: rows.map((row) => this.#jobOf(row)).filter((job) => job !== undefined).map(
        (job) => ({
          id: job.id,
          ...job.config.database,
          created_on: new Date(job.createdOn).toISOString(),
          completed_on: job.completedOn === 0 ? null : new Date(job.completedOn).toISOString(),
          status: job.state,
          ingest_type: typeOf(job),
        }),
      ),
    });
  }

  #join(job: Job, origin: string): Response {
    let { state } = job;
    if (state === DELETED) throw deleted(job);
    if (state === COMPLETE) return json(200, { ingest_job: describe(job, origin) });
    if (state === PREPARING && job.isFilled) {
      this.move(job, UPLOADING);
      state = UPLOADING;
    }
    const isTile = job.config.job.kind === "tile";
    const { collection, experiment, channel, frame } = job.place;
    const names = queueNames(job.id);
    return json(200, {
      ingest_job: {
        ...describe({ ...job, state }, origin),
        tile_index_queue: isTile ? queueUrl(origin, names.index) : null,
      },
      credentials: state === PREPARING ? null : this.#parts.keys.issue(job.id),
      tile_bucket_name: BUCKETS.tile,
      ingest_bucket_name: BUCKETS.volumetric,
      // Clients hand these back with every object. There is nothing behind this server that needs them.
      KVIO_SETTINGS: {},
      STATEIO_CONFIG: {},
      OBJECTIO_CONFIG: {},
      resource: {
        boss_key: `${collection.name}&${experiment.name}&${channel.name}`,
        lookup_key: `${collection.id}&${experiment.id}&${channel.id}`,
        channel: {
          type: channel.fields.type,
          datatype: channel.fields.datatype,
          base_resolution: channel.fields.base_resolution,
        },
        experiment: {
          num_hierarchy_levels: experiment.fields.num_hierarchy_levels,
          hierarchy_method: experiment.fields.hierarchy_method,
        },
        coord_frame: {
          x_voxel_size: frame.fields.x_voxel_size,
          y_voxel_size: frame.fields.y_voxel_size,
          z_voxel_size: frame.fields.z_voxel_size,
        },
      },
      ingest_lambda: "deprecated",
    });
  }

  #status(job: Job): Response {
    if (job.state === DELETED) throw deleted(job);
    const { queues, state } = this.#parts;
    const losses = state.rows<{ key: string; reason: string }>(
      "SELECT key, reason FROM loss WHERE job = ? ORDER BY key LIMIT 20",
      job.id,
    );
    return json(200, {
      id: job.id,
      status: job.state,
      total_message_count: countBossTasks(job.config.job),
      current_message_count: job.state === COMPLETE ? 0 : queues.visible(job.id),
      ...(losses.length === 0 ? {} : { losses }),
    });
  }

  #complete(job: Job): Response {
    const { queues, state, now, waitSeconds, wake } = this.#parts;
    switch (job.state) {
      case COMPLETE:
        return new Response(null, { status: 204 });
      case COMPLETING:
        return json(202, { job_status: COMPLETING });
      case UPLOADING:
      case WAITING:
        break;
      default:
        throw fault("BAD_REQUEST", `The ingest job ${job.id} cannot be completed in its state.`);
    }
    if (queues.visible(job.id) > 0) {
      if (job.state === WAITING) this.move(job, UPLOADING);
      throw fault("BAD_REQUEST", "Upload queue is not empty");
    }
    const ingesting = state.row("SELECT 1 FROM chunk WHERE job = ? AND is_done = 0", job.id);
    if (ingesting !== undefined) {
      return json(400, { wait_secs: waitSeconds, info: "Internal queues not empty yet" });
    }
    if (job.state === UPLOADING) {
      state.run(
        "UPDATE job SET state = ?, wait_until = ? WHERE id = ? AND state = ?",
        WAITING,
        now() + waitSeconds * 1000,
        job.id,
        UPLOADING,
      );
      return json(202, { job_status: WAITING, wait_secs: waitSeconds });
    }
    const left = (job.waitUntil - now()) / 1000;
    if (left > 0) return json(400, { job_status: WAITING, wait_secs: left });
    this.move(job, COMPLETING);
    wake();
    return json(202, { job_status: COMPLETING, wait_secs: 0 });
  }

  async #cancel(job: Job): Promise<Response> {
    if (job.state === DELETED) {
      throw fault(
        "BOSS_SYSTEM_ERROR",
        `Unable to complete cleanup ${job.id}: it was deleted before`,
      );
    }
    this.close(job, DELETED);
    await this.#parts.removeObjects(job.id);
    return new Response(null, { status: 204 });
  }
}

/** Voxels beyond the coordinate frame could never be read. */
function checkFrame({ job: { extent } }: BossConfig, { frame, experiment }: ChannelPlace): void {
  const limits = [
    ...(["x", "y", "z"] as const).map((axis, at) =>
      [axis, at, frame.fields[`${axis}_start`], frame.fields[`${axis}_stop`]] as const
    ),
    ["t", 4, 0, experiment.fields.num_time_samples] as const,
  ];
  for (const [axis, at, low, high] of limits) {
    const [first, end] = [extent.min[at], extent.max[at]];
    if (first >= (low as number) && end <= (high as number)) continue;
    throw fault(
      "UNABLE_TO_VALIDATE",
      `ingest_job.extent.${axis}: it is ${first} to ${end}, and the experiment has ${low} to ${high}: ` +
        `what lies beyond could never be read; mend the extent, or the coordinate frame`,
    );
  }
}

function typeOf({ config }: Job): 0 | 1 {
  return config.job.kind === "tile" ? 0 : 1;
}

function deleted({ id }: Job) {
  return fault("INVALID_REQUEST", `The ingest job ${id} has been deleted.`);
}

function describe(job: Job, origin: string) {
  const names = queueNames(job.id);
  return {
    id: job.id,
    ...job.config.database,
    status: job.state,
    ingest_queue: typeOf(job) === 0 ? queueUrl(origin, names.ingest) : null,
    upload_queue: queueUrl(origin, names.upload),
    tile_count: countBossTasks(job.config.job),
    ingest_type: typeOf(job),
  };
}
