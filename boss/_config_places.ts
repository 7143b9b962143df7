/**
 * Where the server puts what is uploaded, and whether that is where it belongs.
 *
 * The server walks an axis in steps of a tile (or a chunk) from the start of the extent, and numbers each step by
 * where it stands, cut to a whole tile counted from 0. A client uploads the whole tile of that number. The cuboids
 * that come of it are placed by the number too, so that an extent or a size that does not fit loses voxels or moves
 * them, and nothing says so (boss-tools: the lambdas that fill the upload queue and that ingest tiles).
 * @module
 */
import { AXES } from "../core/point.ts";
import type { ConfigFault, Faults } from "./_config_fields.ts";
import { type BossJob, cellSize, CUBOID_SIZE } from "./ingest_job.ts";

/** Bytes of a message in a queue hold about so many keys of cuboids, ten messages at a time. */
const MOST_CUBOIDS = 280;

/**
 * Checks a job against the server.
 * @param faults Gets what would lose or move voxels.
 * @returns What writes more than the extent, or means nothing.
 */
export function checkPlaces(job: BossJob, faults: Faults): ConfigFault[] {
  const doubts = [...checkWalk(job, "x", faults), ...checkWalk(job, "y", faults)];
  if (job.kind === "volumetric") {
    return [...doubts, ...checkWalk(job, "z", faults), ...checkChunks(job, faults)];
  }
  return [...doubts, ...checkTiles(job, faults)];
}

/** Steps of the server along an axis. */
function checkWalk(job: BossJob, axis: "x" | "y" | "z", faults: Faults): ConfigFault[] {
  const { start, stop } = spanOf(job, axis);
  const path = `ingest_job.extent.${axis}`;
  const cell = job.kind === "tile" ? "tile" : "chunk";
  const size = axis === "z" ? (job.kind === "tile" ? 1 : job.chunkSize.z) : cellSize(job)[axis];
  const steps = Math.ceil((stop - start) / size);
  const first = Math.floor(start / size);
  const reached = (first + steps) * size;
  const remedy = `start it at a multiple of ${size}, such as ${first * size}`;
  const cuboid = CUBOID_SIZE[axis];
  if (job.kind === "tile" && size % cuboid !== 0 && first + steps > 1) {
    faults.add(
      `ingest_job.tile_size.${axis}`,
      `it must be a multiple of ${cuboid} where an axis has more than one tile, and is ${size}: the server would ` +
        `put all but the first in a wrong place`,
    );
  }
  if (job.kind === "volumetric" && start - first * size >= cuboid) {
    faults.add(path, `the server would move what begins within a chunk of ${size}; ${remedy}`);
  } else if (reached < stop) {
    faults.add(
      path,
      `the server asks for ${steps} of the ${
        steps + 1
      } ${cell}s of ${size} that it touches: voxels ${reached} to ` +
        `${stop} would never be uploaded; ${remedy}`,
    );
  } else if (start !== first * size) {
    const reason = `it begins within a ${cell} of ${size}, which is uploaded whole: also voxels ` +
      `${first * size} to ${start}`;
    return [{ path, reason }];
  }
  return [];
}

/** Slices and samples of a tile job. */
function checkTiles(job: BossJob & { kind: "tile" }, faults: Faults): ConfigFault[] {
  const { tileSize } = job;
  const z = spanOf(job, "z");
  if (z.start % CUBOID_SIZE.z !== 0) {
    const below = Math.floor(z.start / CUBOID_SIZE.z) * CUBOID_SIZE.z;
    faults.add(
      "ingest_job.extent.z",
      `it must start at a multiple of ${CUBOID_SIZE.z}, and starts at ${z.start}: the server would move its ` +
        `slices by ${z.start - below}; start it at ${below}`,
    );
  }
  const t = spanOf(job, "t");
  if (tileSize.t > 1 && t.stop - t.start > 1) {
    faults.add(
      "ingest_job.tile_size.t",
      `it must be 1, and is ${tileSize.t}: the server would ask for one sample of each ${tileSize.t}`,
    );
  }
  return tileSize.z === 1 ? [] : [{
    path: "ingest_job.tile_size.z",
    reason: `the server takes 1 for it, and not ${tileSize.z}`,
  }];
}

/** Samples and cuboids of a volumetric job. */
function checkChunks(job: BossJob & { kind: "volumetric" }, faults: Faults): ConfigFault[] {
  const t = spanOf(job, "t");
  if (t.start !== 0 || t.stop !== 1) {
    faults.add(
      "ingest_job.extent.t",
      `it must be [0, 1] in a volumetric job, and is [${t.start}, ${t.stop}]: the server asks for sample 0 alone`,
    );
  }
  const { x, y, z } = job.chunkSize;
  const cuboids = x / CUBOID_SIZE.x * (y / CUBOID_SIZE.y) * (z / CUBOID_SIZE.z);
  return cuboids <= MOST_CUBOIDS ? [] : [{
    path: "ingest_job.chunk_size",
    reason:
      `a chunk has ${cuboids} cuboids, and the messages of the server hold about ${MOST_CUBOIDS}; ` +
      `1024 x 1024 x 64 voxels have 16`,
  }];
}

function spanOf({ extent }: BossJob, axis: "x" | "y" | "z" | "t"): { start: number; stop: number } {
  const at = AXES.indexOf(axis);
  return { start: extent.min[at], stop: extent.max[at] };
}
