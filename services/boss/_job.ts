/**
 * An ingest job: what its configuration says, and which tiles or chunks it asks for.
 * @module
 */
import type { BossJob } from "../../boss/ingest_job.ts";
import { CUBOID_SIZE } from "../../boss/ingest_job.ts";
import { type ChannelIds, chunkKey, cuboidKey, mortonId, tileKey } from "../../boss/keys.ts";

/** Numbers of the states of a job, as clients know them. */
export const PREPARING = 0, UPLOADING = 1, COMPLETE = 2, DELETED = 3;
/** A job that is being completed, and one that waits for its queues to stay empty. */
export const COMPLETING = 5, WAITING = 6;

/** A message of the upload queue. */
export interface JobMessage {
  readonly body: string;
  readonly chunk: string;
  /** Keys of the objects that it asks for. */
  readonly keys: readonly string[];
}

/** Where a tile goes. */
export interface TileGoal {
  readonly chunk: string;
  /** Tile along x and y, slice, sample. */
  readonly at: readonly [x: number, y: number, z: number, t: number];
}

/** Names of the queues of a job. */
export function queueNames(job: number): { upload: string; index: string; ingest: string } {
  return {
    upload: `sluice-upload-${job}`,
    index: `sluice-${job}-index`,
    ingest: `sluice-ingest-${job}`,
  };
}

/** Account that queues belong to: one that nobody has. */
export const ACCOUNT = "000000000000";

/** Address of a queue. */
export function queueUrl(origin: string, name: string): string {
  return `${origin}/${ACCOUNT}/${name}`;
}

/** The messages of a job, in the order of the Boss. */
export function jobMessages(
  job: BossJob,
  ids: ChannelIds,
  about: { readonly id: number; readonly origin: string },
): Generator<JobMessage> {
  return job.kind === "tile" ? tileMessages(job, ids, about) : chunkMessages(job, ids);
}

function* tileMessages(
  job: BossJob & { kind: "tile" },
  ids: ChannelIds,
  { id, origin }: { readonly id: number; readonly origin: string },
): Generator<JobMessage> {
  const { min, max } = job.extent;
  const { upload, ingest } = queueNames(id);
  for (let t = min[4]; t < max[4]; t++) {
    for (let z = min[2]; z < max[2]; z += CUBOID_SIZE.z) {
      for (let y = min[1]; y < max[1]; y += job.tileSize.y) {
        for (let x = min[0]; x < max[0]; x += job.tileSize.x) {
          const place = { x: Math.floor(x / job.tileSize.x), y: Math.floor(y / job.tileSize.y), t };
          const numTiles = Math.min(CUBOID_SIZE.z, max[2] - z);
          const chunk = chunkKey({ ...ids, ...place, numTiles, z: Math.floor(z / CUBOID_SIZE.z) });
          for (let slice = z; slice < z + numTiles; slice++) {
            const key = tileKey({ ...ids, ...place, z: slice });
            const body = JSON.stringify({
              job_id: id,
              upload_queue_arn: queueUrl(origin, upload),
              ingest_queue_arn: queueUrl(origin, ingest),
              chunk_key: chunk,
              tile_key: key,
            });
            yield { body, chunk, keys: [key] };
          }
        }
      }
    }
  }
}

function* chunkMessages(
  job: BossJob & { kind: "volumetric" },
  ids: ChannelIds,
): Generator<JobMessage> {
  const { extent: { min, max }, chunkSize } = job;
  for (let z = min[2]; z < max[2]; z += chunkSize.z) {
    for (let y = min[1]; y < max[1]; y += chunkSize.y) {
      for (let x = min[0]; x < max[0]; x += chunkSize.x) {
        const place = {
          x: Math.floor(x / chunkSize.x),
          y: Math.floor(y / chunkSize.y),
          z: Math.floor(z / chunkSize.z),
        };
        const chunk = chunkKey({ ...ids, ...place, numTiles: 1, t: 0 });
        const cuboids = [...cuboidsOf(chunkSize)].map((offset) => {
          const morton = mortonId(
            (place.x * chunkSize.x + offset.x) / CUBOID_SIZE.x,
            (place.y * chunkSize.y + offset.y) / CUBOID_SIZE.y,
            (place.z * chunkSize.z + offset.z) / CUBOID_SIZE.z,
          );
          return { ...offset, key: cuboidKey({ ...ids, t: 0, morton }) };
        });
        const body = JSON.stringify({ chunk_key: chunk, cuboids });
        yield { body, chunk, keys: cuboids.map(({ key }) => key) };
      }
    }
  }
}

function* cuboidsOf(size: { readonly x: number; readonly y: number; readonly z: number }) {
  for (let z = 0; z < size.z; z += CUBOID_SIZE.z) {
    for (let y = 0; y < size.y; y += CUBOID_SIZE.y) {
      for (let x = 0; x < size.x; x += CUBOID_SIZE.x) yield { x, y, z };
    }
  }
}

/** Whether an index along an axis is one of a job's tiles or chunks. */
function isWithin(index: number, start: number, stop: number, step: number): boolean {
  const first = Math.floor(start / step);
  return index >= first && index < first + Math.ceil((stop - start) / step);
}

/** Where a tile of a job goes, by its key; undefined where the key is none of this job's. */
export function tileGoal(
  job: BossJob & { kind: "tile" },
  ids: ChannelIds,
  tile: { readonly x: number; readonly y: number; readonly z: number; readonly t: number },
): TileGoal | undefined {
  const { min, max } = job.extent;
  const { x, y, z, t } = tile;
  const isInside = isWithin(x, min[0], max[0], job.tileSize.x) &&
    isWithin(y, min[1], max[1], job.tileSize.y) && z >= min[2] && z < max[2] && t >= min[4] &&
    t < max[4];
  if (!isInside) return undefined;
  const first = min[2] + Math.floor((z - min[2]) / CUBOID_SIZE.z) * CUBOID_SIZE.z;
  const numTiles = Math.min(CUBOID_SIZE.z, max[2] - first);
  const chunk = chunkKey({ ...ids, numTiles, x, y, z: Math.floor(first / CUBOID_SIZE.z), t });
  return { chunk, at: [x, y, z, t] };
}

/** Whether a cuboid is one of a job's, by its place along x, y and z. */
export function hasCuboid(
  job: BossJob & { kind: "volumetric" },
  cuboid: readonly [x: number, y: number, z: number],
): boolean {
  const { extent: { min, max }, chunkSize } = job;
  return (["x", "y", "z"] as const).every((axis, i) =>
    isWithin(
      Math.floor(cuboid[i] * CUBOID_SIZE[axis] / chunkSize[axis]),
      min[i],
      max[i],
      chunkSize[axis],
    )
  );
}
