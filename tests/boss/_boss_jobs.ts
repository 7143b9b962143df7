/** What the server of the Boss makes of a configuration: its messages, in its order. */
import { createHash } from "node:crypto";

/** Ids of a channel in the database of the Boss, and what it says of it. */
export interface TestChannel {
  readonly collection: number;
  readonly experiment: number;
  readonly channel: number;
  readonly datatype: string;
  readonly baseResolution: number;
}

type Range = readonly [number, number];

/** A configuration, as far as the server reads it. */
export interface PostedConfig {
  readonly schema: { readonly name: string; readonly validator: string };
  readonly database: {
    readonly collection: string;
    readonly experiment: string;
    readonly channel: string;
  };
  readonly ingest_job: {
    readonly ingest_type?: "tile" | "volumetric";
    readonly resolution: number;
    readonly extent: { readonly x: Range; readonly y: Range; readonly z: Range; readonly t: Range };
    readonly tile_size?: {
      readonly x: number;
      readonly y: number;
      readonly z: number;
      readonly t: number;
    };
    readonly chunk_size?: { readonly x: number; readonly y: number; readonly z: number };
  };
}

/** A message, and the keys of the objects that it asks for. */
export interface TestMessage {
  readonly body: string;
  readonly keys: readonly string[];
}

/** Why the server takes no job of a configuration; undefined where it does. */
export function faultOf(config: PostedConfig): string | undefined {
  const { schema, database, ingest_job } = config;
  if (!/^boss-v0\.[12]-schema$/.test(schema?.name)) return "Unknown schema";
  if (!database?.collection || !database.experiment || !database.channel) return "No database";
  const { extent, tile_size, chunk_size } = ingest_job ?? {};
  const axes = [extent?.x, extent?.y, extent?.z, extent?.t];
  if (!axes.every((axis) => axis?.length === 2 && axis.every(Number.isInteger))) return "No extent";
  const size = kindOf(config) === "tile" ? tile_size : chunk_size;
  return size && size.x > 0 && size.y > 0 && size.z > 0 ? undefined : "No size";
}

/** Of which kind a job is. */
export function kindOf({ ingest_job }: PostedConfig): "tile" | "volumetric" {
  return ingest_job.ingest_type ?? "tile";
}

/** Messages that the server counts, each axis rounded up. */
export function countOf(config: PostedConfig): number {
  const { extent, tile_size, chunk_size } = config.ingest_job;
  const parts = ([start, stop]: Range, step: number) => Math.ceil((stop - start) / step);
  const size = chunk_size ?? tile_size!;
  const isTile = kindOf(config) === "tile";
  return parts(extent.x, size.x) * parts(extent.y, size.y) *
    parts(extent.z, isTile ? 1 : size.z) * parts(extent.t, isTile ? tile_size!.t : 1);
}

function* steps([start, stop]: Range, step: number): Generator<number> {
  for (let at = start; at < stop; at += step) yield at;
}

function keyOf(...parts: (number | bigint)[]): string {
  const base = parts.join("&");
  return `${createHash("md5").update(base).digest("hex")}&${base}`;
}

/** The messages of a tile job: 16 slices of a tile, then the next tile. */
export function* tileMessages(
  config: PostedConfig,
  { collection, experiment, channel, baseResolution }: TestChannel,
  job: number,
  queues: { readonly upload: string; readonly ingest: string },
): Generator<TestMessage> {
  const { extent, tile_size } = config.ingest_job;
  const ids = [collection, experiment, channel, baseResolution];
  for (const t of steps(extent.t, 1)) {
    for (const z of steps(extent.z, 16)) {
      for (const y of steps(extent.y, tile_size!.y)) {
        for (const x of steps(extent.x, tile_size!.x)) {
          const place = [Math.floor(x / tile_size!.x), Math.floor(y / tile_size!.y)];
          const count = Math.min(16, extent.z[1] - z);
          const chunk_key = keyOf(count, ...ids, ...place, Math.floor(z / 16), t);
          for (let slice = z; slice < z + count; slice++) {
            const tile_key = keyOf(...ids, ...place, slice, t);
            const body = JSON.stringify({
              job_id: job,
              upload_queue_arn: queues.upload,
              ingest_queue_arn: queues.ingest,
              chunk_key,
              tile_key,
            });
            yield { body, keys: [tile_key] };
          }
        }
      }
    }
  }
}

/** The messages of a volumetric job: a chunk each, with all of its cuboids. */
export function* chunkMessages(
  config: PostedConfig,
  { collection, experiment, channel, baseResolution }: TestChannel,
): Generator<TestMessage> {
  const { extent, chunk_size } = config.ingest_job;
  const size = chunk_size!;
  const ids = [collection, experiment, channel, baseResolution];
  for (const z of steps(extent.z, size.z)) {
    for (const y of steps(extent.y, size.y)) {
      for (const x of steps(extent.x, size.x)) {
        const place = [[x, size.x], [y, size.y], [z, size.z]].map(([at, step]) =>
          Math.floor(at / step)
        );
        const cuboids = [...cuboidsIn(size)].map(([cx, cy, cz]) => {
          const morton = interleave(
            place[0] * size.x / 512 + cx / 512,
            place[1] * size.y / 512 + cy / 512,
            place[2] * size.z / 16 + cz / 16,
          );
          return { x: cx, y: cy, z: cz, key: keyOf(...ids, 0, morton) };
        });
        const chunk_key = keyOf(1, ...ids, ...place, 0);
        yield { body: JSON.stringify({ chunk_key, cuboids }), keys: cuboids.map(({ key }) => key) };
      }
    }
  }
}

function* cuboidsIn(size: { x: number; y: number; z: number }) {
  for (const z of steps([0, size.z], 16)) {
    for (const y of steps([0, size.y], 512)) {
      for (const x of steps([0, size.x], 512)) yield [x, y, z] as const;
    }
  }
}

/** Bits of three numbers in turns, those of the last one highest. */
function interleave(...axes: [number, number, number]): bigint {
  const [x, y, z] = axes.map((value) => value.toString(2).padStart(21, "0"));
  return BigInt(`0b${Array.from(x, (_, i) => z[i] + y[i] + x[i]).join("")}`);
}
