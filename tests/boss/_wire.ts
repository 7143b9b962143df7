/** A client of the Boss of tests, and small jobs for it. */
import { ok } from "node:assert/strict";
import { BossToken } from "../../boss/credentials.ts";
import { JobKeys, type OpenJoin } from "../../boss/job_keys.ts";
import { BossService } from "../../boss/rest.ts";
import { SqsQueue } from "../../boss/sqs.ts";
import type { RetryOptions } from "../../stores/blobs/retry.ts";
import type { PostedConfig } from "./_boss_jobs.ts";
import { type BossTestServer, TEST_TOKEN } from "./_boss_server.ts";

const common = {
  client: { backend: { name: "boss", class: "BossBackend", host: "unused", protocol: "http" } },
  database: { collection: "colA", experiment: "expA", channel: "chA" },
};

/** Eleven slices, which begin in the middle of a chunk's numbering, of 2 x 1 tiles: one chunk along each row. */
export const TILE_CONFIG: PostedConfig & object = {
  schema: { name: "boss-v0.1-schema", validator: "BossValidatorV01" },
  ...common,
  ingest_job: {
    resolution: 0,
    extent: { x: [512, 1500], y: [0, 512], z: [16, 27], t: [0, 1] },
    tile_size: { x: 512, y: 512, z: 1, t: 1 },
  },
};

/** Two chunks of 1024 x 512 x 32 voxels: four cuboids each. */
export const CHUNK_CONFIG: PostedConfig & object = {
  schema: { name: "boss-v0.2-schema", validator: "BossValidatorV02" },
  ...common,
  ingest_job: {
    ingest_type: "volumetric",
    resolution: 0,
    extent: { x: [1024, 2048], y: [0, 512], z: [128, 180], t: [0, 1] },
    chunk_size: { x: 1024, y: 512, z: 32 },
  },
};

/** The service, by the clock of its server: pauses take no time. */
export function serviceOf(boss: BossTestServer, retry: RetryOptions = {}): BossService {
  return new BossService(
    { host: boss.host, protocol: "http" },
    new BossToken(TEST_TOKEN, "the test"),
    { retry: retryOf(boss, retry) },
  );
}

/** How to try by the clock of a server. */
export function retryOf(boss: BossTestServer, retry: RetryOptions = {}): RetryOptions {
  return { clock: boss.clock, random: () => 0.5, ...retry };
}

/** Joins a new job. */
export async function joinNew(
  boss: BossTestServer,
  config: object = TILE_CONFIG,
): Promise<{ service: BossService; join: OpenJoin; keys: JobKeys }> {
  const service = serviceOf(boss);
  const { id } = await service.create(config);
  const join = await service.join(id);
  ok(join.kind === "open");
  return { service, join, keys: new JobKeys(service, join) };
}

/** The upload queue of a job. */
export function uploadQueue(boss: BossTestServer, keys: JobKeys, retry: RetryOptions = {}) {
  return new SqsQueue(keys.join.access.uploadQueue, keys.keeper, { retry: retryOf(boss, retry) });
}
