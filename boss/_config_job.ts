/**
 * `ingest_job` of a configuration.
 * @module
 */
import { type Box, box } from "../core/box.ts";
import type { Fields } from "./_config_fields.ts";
import { type BossJob, CUBOID_SIZE } from "./ingest_job.ts";

/** Schemas of configurations that the Boss knows. */
export type BossSchema = "boss-v0.1-schema" | "boss-v0.2-schema";

/**
 * Kind of a job. Version 0.1 knew tiles alone, and does not ask; clients read the key there too.
 */
export function readKind(job: Fields, schema: BossSchema): BossJob["kind"] {
  const kinds = ["tile", "volumetric"] as const;
  return job.choice("ingest_type", kinds, schema === "boss-v0.1-schema" ? "tile" : undefined);
}

/** Reads a job; what it says is checked on its own, and not yet against what the server makes of it. */
export function readJob(fields: Fields, kind: BossJob["kind"], schema: BossSchema): BossJob {
  const resolution = fields.integer("resolution", { min: 0 });
  const extent = readExtent(fields.object("extent"));
  const wantsTiles = kind === "tile" || schema === "boss-v0.1-schema";
  const tiles = wantsTiles || fields.has("tile_size") ? fields.object("tile_size") : undefined;
  const side = (axis: string) => tiles?.integer(axis, kind === "tile" ? { min: 1 } : {}) ?? 0;
  const tileSize = { x: side("x"), y: side("y"), z: side("z"), t: side("t") };
  const chunks = kind === "volumetric" || fields.has("chunk_size")
    ? fields.object("chunk_size")
    : undefined;
  const edge = (axis: "x" | "y" | "z") => {
    if (chunks === undefined) return 0;
    if (kind === "tile") return chunks.integer(axis);
    const cuboid = CUBOID_SIZE[axis];
    // What is no size at all was refused as such, and has become a cuboid.
    const size = chunks.integer(axis, { min: 1, neutral: cuboid });
    if (size % cuboid !== 0) {
      chunks.fault(axis, `it must be a multiple of ${cuboid}, and is ${size}`);
    }
    return size;
  };
  const chunkSize = { x: edge("x"), y: edge("y"), z: edge("z") };
  return kind === "tile"
    ? { kind, resolution, extent, tileSize }
    : { kind, resolution, extent, chunkSize };
}

/** Reads four pairs `[start, stop]`, half-open. */
function readExtent(fields: Fields): Box {
  const [x, y, z, t] = ["x", "y", "z", "t"].map((axis) => readSpan(fields, axis));
  return box([x[0], y[0], z[0], 0, t[0]], [x[1], y[1], z[1], 1, t[1]]);
}

function readSpan(fields: Fields, axis: string): readonly [number, number] {
  const numbers = fields.integers(axis);
  if (numbers === undefined) return [0, 1];
  if (numbers.length !== 2) {
    fields.fault(axis, `it must be [start, stop], and has ${numbers.length} numbers`);
    return [0, 1];
  }
  const [start, stop] = numbers;
  if (start < 0) fields.fault(axis, `it must start at 0 or later, and starts at ${start}`);
  if (stop <= start) {
    fields.fault(axis, `its stop must be greater than its start, and it is [${start}, ${stop}]`);
    return [0, 1];
  }
  return [start, stop];
}
