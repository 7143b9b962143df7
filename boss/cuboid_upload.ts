/**
 * Chunks of volumes on their way: from a message to the Boss's cuboids, each an object of its own.
 *
 * A cuboid is a blosc frame of 1 x 16 x 512 x 512 voxels (t, z, y, x), little-endian, of the dtype of the source. Its
 * header gives eight times the true size of a voxel, as all clients of the Boss do: decoders unshuffle by it whatever it
 * is. LZ4 is in it, which every build of blosc knows.
 * @module
 */
import { eachAtOnce } from "../core/abort.ts";
import { type Box, box, boxSize, boxVolume, contains, formatBox, intersect } from "../core/box.ts";
import { type Dtype, dtypeOf, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { SluiceError, UsageError } from "../core/errors.ts";
import { copyBox } from "../core/copy_box.ts";
import { cellsOf } from "../core/layout.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import { openArray } from "../plugins/open_array.ts";
import type { ChunkedScale, ChunkPlace } from "../plugins/chunked_array.ts";
import type { VolumeArray } from "../plugins/volume_array.ts";
import { type EncodeFrameInput, frameBytes } from "../pool/encode_frame.ts";
import { ownBuffer, type WorkerPool } from "../pool/worker_pool.ts";
import type { OpenChannelOptions } from "./cutout_channel.ts";
import { openChunkChannel } from "./cutout_source.ts";
import { type BossVolumetricJob, CUBOID_SIZE } from "./ingest_job.ts";
import type { JobKeys } from "./job_keys.ts";
import {
  type ChunkMessage,
  cuboidMetadata,
  cuboidObjectMetadata,
  parseUploadMessage,
} from "./messages.ts";
import type { JobBucket } from "./objects.ts";
import type {
  BossIndex,
  ChunkProcessor,
  ChunkRecipe,
  ChunkVolume,
  PathProcessor,
} from "./plugin.ts";
import type { Spool } from "./spool.ts";
import { SpooledVolume } from "./spooled_volume.ts";
import type { SpoolNeed, Upload, Uploader } from "./uploader.ts";

/** What cuboids are made of, and where they go. */
export interface CuboidUploadOptions {
  /** What the job hands out. */
  readonly keys: JobKeys;
  /** What the job covers. */
  readonly job: BossVolumetricJob;
  /** Where cuboids are put. */
  readonly bucket: JobBucket;
  /** Says where, for those who need it. */
  readonly paths: PathProcessor;
  /** Says which voxels. */
  readonly chunks: ChunkProcessor;
  /** Where decoded voxels are kept. */
  readonly spool: Spool;
  /** Decodes and encodes. */
  readonly pool: WorkerPool;
  /** How other channels of a Boss are asked for. */
  readonly channels?: OpenChannelOptions;
  /** Cuboids of a chunk that are on their way at once. @default 4 */
  readonly concurrency?: number;
}

/** Makes and puts the cuboids of a job. */
export function cuboidUploader(options: CuboidUploadOptions): Uploader {
  const volumes = new Map<string, Promise<OpenVolume>>();
  return {
    async need(signal): Promise<SpoolNeed> {
      const { extent: { min }, chunkSize: { x, y, z } } = options.job;
      const chunk = {
        x: Math.floor(min[0] / x),
        y: Math.floor(min[1] / y),
        z: Math.floor(min[2] / z),
        t: min[4],
      };
      const { recipe, volume: { voxels, first } } = await openChunk(
        chunk,
        options,
        volumes,
        signal,
      );
      // What a plugin has made is in memory.
      if (!(voxels instanceof SpooledVolume)) return { entryBytes: 0, entries: 0 };
      const cells = cellsOf(shift(recipe.read, first), voxels.cell);
      return { entryBytes: voxels.cellBytes, entries: product(boxSize(cells)) };
    },
    name: (body) => nameOf(parse(body)),
    async make(body, signal): Promise<Upload> {
      const message = parse(body);
      const { recipe, volume } = await openChunk(message.chunk, options, volumes, signal);
      // All of the chunk is decoded before the first cuboid goes: what is broken is known by then.
      await volume.warm(recipe.read, signal);
      return { put: (_received, signal) => putCuboids(message, recipe, volume, options, signal) };
    },
  };
}

function parse(body: string): ChunkMessage {
  const message = parseUploadMessage(body, "volumetric");
  if (message.kind !== "volumetric") throw new TypeError("A chunk was asked for");
  return message;
}

function nameOf({ chunk: { x, y, z } }: ChunkMessage): string {
  return `chunk x ${x}, y ${y}, z ${z}`;
}

async function openChunk(
  chunk: BossIndex,
  options: CuboidUploadOptions,
  volumes: Map<string, Promise<OpenVolume>>,
  signal: AbortSignal,
): Promise<{ recipe: ChunkRecipe; volume: OpenVolume }> {
  const index = { x: chunk.x, y: chunk.y, z: chunk.z, t: chunk.t };
  const [path] = [await options.paths.process(index, signal)].flat();
  const recipe = await options.chunks.process(path, index, signal);
  const source = recipe.volume;
  if (source.kind === "voxels") {
    return { recipe, volume: madeVolume(recipe.read, source.data, options) };
  }
  const key = JSON.stringify(source);
  let opening = volumes.get(key);
  if (opening === undefined) {
    opening = openVolume(source, options, signal);
    volumes.set(key, opening);
    opening.catch(() => volumes.delete(key));
  }
  const volume = await opening;
  if (recipe.before === "error" && recipe.read.min.some((at, axis) => at < volume.first[axis])) {
    throw new SluiceError(
      `Cannot read ${formatBox(recipe.read)} of "${volume.shown}": its first voxel is [${
        volume.first.slice(0, 3)
      }]; mend the extent of the job, or open it unbounded`,
    );
  }
  return { recipe, volume };
}

/** A level of a volume in the coordinates of the job. */
interface OpenVolume {
  readonly shown: string;
  readonly voxels: Pick<SpooledVolume, "dtype" | "read">;
  /** Its first voxel. */
  readonly first: Point;
  warm(of: Box, signal: AbortSignal): Promise<void>;
}

async function openVolume(
  volume: Exclude<ChunkVolume, { kind: "voxels" }>,
  { job, keys, spool, pool, channels }: CuboidUploadOptions,
  signal: AbortSignal,
): Promise<OpenVolume> {
  const found = volume.kind === "bossdb"
    ? await openChunkChannel(volume, { ...channels, signal })
    : await openArray(volume.address, { signal });
  if (found === undefined) {
    const address = volume.kind === "array" ? volume.address : "";
    throw new UsageError(`Cannot open "${address}": there is no volume; mend its address`);
  }
  const at = volume.kind === "bossdb" ? 0 : scaleOf(found, volume.scale, volume.address);
  const scale = found.scales[at];
  if (scale.size[3] !== 1) {
    throw new UsageError(
      `Cannot make cuboids of "${found.url}": it has ${
        scale.size[3]
      } channels, and a channel of the Boss holds one; write them as volumes of their own`,
    );
  }
  const wrong = wrongDtype(scale.dtype, `"${found.url}"`, keys);
  if (wrong !== undefined) throw new UsageError(wrong);
  const { chunkSize } = job;
  const voxels = new SpooledVolume({
    name: `${found.fingerprint} ${found.url} ${scale.name}`,
    scale: volume.kind === "array" && volume.fillMissing === false ? withoutGaps(scale) : scale,
    want: [chunkSize.x, chunkSize.y, CUBOID_SIZE.z],
    spool,
    pool,
  });
  // Only CloudVolume and a Boss count from where the volume places itself.
  const isPlaced = found.format === "precomputed" || found.format === "bossdb";
  const first: Point = isPlaced ? scale.offset : [0, 0, 0, 0, 0];
  return {
    shown: found.url,
    voxels,
    first,
    warm: async (of, signal) => {
      const inside = shift(of, first);
      const { cell, size } = voxels;
      const clip = intersect(inside, { min: [0, 0, 0, 0, 0], max: size });
      if (clip === undefined) return;
      // One voxel of each cell.
      const one = viewVoxels(voxels.dtype, new Uint8Array(VOXEL_BYTES[voxels.dtype]));
      for (let z = clip.min[2]; z < clip.max[2]; z = (Math.floor(z / cell[2]) + 1) * cell[2]) {
        for (let y = clip.min[1]; y < clip.max[1]; y = (Math.floor(y / cell[1]) + 1) * cell[1]) {
          for (let x = clip.min[0]; x < clip.max[0]; x = (Math.floor(x / cell[0]) + 1) * cell[0]) {
            const t = clip.min[4];
            const voxel = box([x, y, z, 0, t], [x + 1, y + 1, z + 1, 1, t + 1]);
            await voxels.read(voxel, one, voxel, signal);
          }
        }
      }
    },
  };
}

/** Says that the channel holds other voxels, if it does. */
function wrongDtype(
  dtype: Dtype,
  shown: string,
  { join: { access } }: JobKeys,
): string | undefined {
  const channel = access.channel?.datatype;
  if (channel === undefined || channel === dtype) return undefined;
  return `Cannot upload ${shown} to a channel of ${channel}: its voxels are ${dtype}, and the Boss would take their bytes for ${channel}; convert the volume, or create a channel of ${dtype}`;
}

/** Voxels in memory, of one chunk alone. */
function madeVolume(made: Box, data: VoxelArray, { keys }: CuboidUploadOptions): OpenVolume {
  const dtype = dtypeOf(data);
  const shown = "what the plugin makes";
  // Other chunks of it may be right.
  const wrong = wrongDtype(dtype, shown, keys);
  if (wrong !== undefined) throw new SluiceError(wrong);
  return {
    shown,
    voxels: {
      dtype,
      read: (of, into, intoBox) => Promise.resolve(copyBox(data, made, into, intoBox, of)),
    },
    first: [0, 0, 0, 0, 0],
    warm: () => Promise.resolve(),
  };
}

function scaleOf(
  { scales, url }: VolumeArray,
  wanted: number | readonly [number, number, number],
  address: string,
): number {
  const at = typeof wanted === "number"
    ? wanted
    : scales.findIndex(({ voxelSize }) =>
      voxelSize?.unit === "nanometer" &&
      [voxelSize.x, voxelSize.y, voxelSize.z].every((edge, axis) => edge === wanted[axis])
    );
  if (scales[at] !== undefined) return at;
  throw new UsageError(
    `Cannot read level ${
      JSON.stringify(wanted)
    } of "${url}": it has ${scales.length}, counted from 0; mend the parameters of the chunk processor for "${address}"`,
  );
}

/** A level where a chunk that is not stored is an error. */
function withoutGaps(scale: ChunkedScale): ChunkedScale {
  const missing = (index: Point) =>
    new SluiceError(
      `Cannot read the chunk [${
        index.slice(0, 3)
      }]: it is not stored; set fill_missing where that is meant`,
    );
  return {
    ...scale,
    async locate(index, signal): Promise<ChunkPlace> {
      const place = await scale.locate(index, signal);
      if (place === undefined) throw missing(index);
      const { fetch, orNames } = place;
      if (fetch !== undefined) {
        return {
          ...place,
          fetch: async (signal) => {
            const bytes = await fetch(signal);
            if (bytes === undefined) throw missing(index);
            return bytes;
          },
        };
      }
      if (orNames !== undefined) {
        const isThere = async (name: string) => {
          try {
            return (await Deno.stat(name)).isFile;
          } catch {
            return false;
          }
        };
        const there = await Promise.all([place.name, ...orNames].map(isThere));
        if (!there.includes(true)) throw missing(index);
      }
      return place;
    },
  };
}

function shift({ min, max }: Box, by: Point): Box {
  return {
    min: mapPoint(min, (at, axis) => at - by[axis]),
    max: mapPoint(max, (at, axis) => at - by[axis]),
  };
}

async function putCuboids(
  message: ChunkMessage,
  recipe: ChunkRecipe,
  { voxels: source, first }: OpenVolume,
  { keys, bucket, pool, concurrency = 4 }: CuboidUploadOptions,
  signal: AbortSignal,
): Promise<void> {
  const { job, access } = keys.join;
  const origin = { job: job.id, chunkKey: message.chunkKey, parameters: access.parameters };
  const metadata = cuboidObjectMetadata(cuboidMetadata(origin));
  await eachAtOnce(message.cuboids, concurrency, async ({ key, offset }) => {
    const cuboid = cuboidBox(recipe.chunk, offset);
    const voxels = viewVoxels(
      source.dtype,
      new Uint8Array(boxVolume(cuboid) * VOXEL_BYTES[source.dtype]),
    );
    const wanted = intersect(cuboid, recipe.read);
    if (wanted !== undefined) {
      await source.read(shift(wanted, first), voxels, shift(cuboid, first), signal);
    }
    const transfer = ownBuffer(voxels);
    const bytes = await pool.run("encodeFrame", frameOf(voxels), { transfer, signal });
    await bucket.put(key, bytes, metadata, { signal });
  });
}

/** Where a cuboid of a chunk lies. @throws {SluiceError} If that is not in the chunk. */
function cuboidBox(chunk: Box, [x, y, z]: readonly [number, number, number]): Box {
  const [cx, cy, cz, , t] = chunk.min;
  const min = [cx + x, cy + y, cz + z];
  const { x: dx, y: dy, z: dz } = CUBOID_SIZE;
  const cuboid = box([...min, 0, t], [min[0] + dx, min[1] + dy, min[2] + dz, 1, t + 1]);
  if (contains(chunk, cuboid)) return cuboid;
  throw new SluiceError(
    `Cannot cut the cuboid at [${x}, ${y}, ${z}] from its chunk: it reaches beyond; join the job with the configuration that it was made with`,
  );
}

/** Level of compression: 9 is smallest. */
const LEVEL = 9;
const BITS = 8;

/**
 * A cuboid as its object holds it.
 * @param voxels In the order z, y, x with x fastest.
 * @example
 * ```ts
 * import { encodeCuboid } from "./cuboid_upload.ts";
 * import { deepEqual } from "node:assert/strict";
 * const frame = encodeCuboid(new Uint16Array(512 * 512 * 16));
 * deepEqual([frame[0], frame[3]], [2, 16]);
 * ```
 */
export function encodeCuboid(voxels: VoxelArray): Uint8Array {
  return frameBytes(frameOf(voxels));
}

function frameOf(voxels: VoxelArray): EncodeFrameInput {
  return { data: voxels, typesize: voxels.BYTES_PER_ELEMENT * BITS, level: LEVEL };
}
