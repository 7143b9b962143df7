/**
 * What a Boss ingest job covers, and how the server cuts it up.
 * @module
 */
import { type Box, boxSize } from "../core/box.ts";

/** A job whose messages are tiles: images of one slice each. */
export interface BossTileJob {
  /** Tells it from a volumetric job. */
  readonly kind: "tile";
  /** Resolution that paths are made for; the server takes the channel's own. */
  readonly resolution: number;
  /** Voxels along x, y and z, samples along t; c runs from 0 to 1. */
  readonly extent: Box;
  /** Voxels of a tile; z and t are 1 for every job that the server can ingest whole. */
  readonly tileSize: {
    readonly x: number;
    readonly y: number;
    readonly z: number;
    readonly t: number;
  };
}

/** A job whose messages are chunks: boxes of whole cuboids of 512 x 512 x 16 voxels. */
export interface BossVolumetricJob {
  /** Tells it from a tile job. */
  readonly kind: "volumetric";
  /** Resolution that paths are made for; the server takes the channel's own. */
  readonly resolution: number;
  /** Voxels along x, y and z, samples along t; c runs from 0 to 1. */
  readonly extent: Box;
  /** Voxels of a chunk: multiples of 512, 512 and 16. */
  readonly chunkSize: { readonly x: number; readonly y: number; readonly z: number };
}

/** What a Boss ingest job covers (`ingest_job` of its configuration). */
export type BossJob = BossTileJob | BossVolumetricJob;

/**
 * Voxels of a cuboid, the Boss's own unit of storage, along x, y and z.
 * @example How many a chunk has
 * ```ts
 * import { CUBOID_SIZE } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const chunk = { x: 1024, y: 1024, z: 64 };
 * const axes = ["x", "y", "z"] as const;
 * equal(axes.reduce((cuboids, axis) => cuboids * chunk[axis] / CUBOID_SIZE[axis], 1), 16);
 * ```
 */
export const CUBOID_SIZE = { x: 512, y: 512, z: 16 } as const;

/** Columns and rows of a tile, or of a chunk. */
export function cellSize(job: BossJob): { readonly x: number; readonly y: number } {
  return job.kind === "tile" ? job.tileSize : job.chunkSize;
}

/**
 * Messages that the server makes of a job, its `tile_count`: tiles, or chunks, each axis rounded up on its own.
 * @example A partial tile at each far edge counts as one
 * ```ts
 * import { box, countBossTasks } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const extent = box([0, 0, 0], [1000, 1000, 20]);
 * const tileSize = { x: 512, y: 512, z: 1, t: 1 };
 * equal(countBossTasks({ kind: "tile", resolution: 0, extent, tileSize }), 80);
 * ```
 */
export function countBossTasks(job: BossJob): number {
  const [x, y, z, , t] = boxSize(job.extent);
  const [cz, ct] = job.kind === "tile" ? [1, job.tileSize.t] : [job.chunkSize.z, 1];
  const cell = cellSize(job);
  return Math.ceil(x / cell.x) * Math.ceil(y / cell.y) * Math.ceil(z / cz) * Math.ceil(t / ct);
}

/**
 * Slices of one chunk of the server, its `z_chunk_size`: 16 in a tile job, whatever its tiles say; the chunks' own in
 * a volumetric one.
 * @example
 * ```ts
 * import { loadBossConfig, zChunkSize } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(zChunkSize((await loadBossConfig("configs/boss/zarr.json")).job), 64);
 * ```
 */
export function zChunkSize(job: BossJob): number {
  return job.kind === "tile" ? CUBOID_SIZE.z : job.chunkSize.z;
}
