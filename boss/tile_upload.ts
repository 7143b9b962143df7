/**
 * Tiles on their way: from a message to pixels, an image, an object, and a word to the queue of the index.
 * @module
 */
import { box } from "../core/box.ts";
import { copyBox } from "../core/copy_box.ts";
import { type Dtype, isDtype, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { ImageError, SluiceError } from "../core/errors.ts";
import { ownBuffer, type WorkerPool } from "../pool/worker_pool.ts";
import { type BossTileJob, CUBOID_SIZE } from "./ingest_job.ts";
import type { JobKeys } from "./job_keys.ts";
import {
  parseUploadMessage,
  type TileMessage,
  tileMetadata,
  tileObjectMetadata,
} from "./messages.ts";
import type { JobBucket } from "./objects.ts";
import { placeTile } from "./place_tile.ts";
import type { Planes } from "./planes.ts";
import type { PathProcessor, TileProcessor, TileRecipe } from "./plugin.ts";
import type { QueueMessage, SqsQueue } from "./sqs.ts";
import { applyRule, dtypeOfRule, prepareTile } from "./tile_values.ts";
import type { SpoolNeed, Upload, Uploader } from "./uploader.ts";

/** What tiles are made of, and where they go. */
export interface TileUploadOptions {
  /** What the job hands out. */
  readonly keys: JobKeys;
  /** Where tiles are put. */
  readonly bucket: JobBucket;
  /** Is told of each tile that is there. */
  readonly index: SqsQueue;
  /** Says which file. */
  readonly paths: PathProcessor;
  /** Says which pixels. */
  readonly tiles: TileProcessor;
  /** Reads them. */
  readonly planes: Planes;
  /** What the job covers. */
  readonly job: BossTileJob;
  /** Encodes. */
  readonly pool: WorkerPool;
}

/** Makes and puts the tiles of a job. */
export function tileUploader(options: TileUploadOptions): Uploader {
  const { keys, bucket, index, pool } = options;
  return {
    need: (signal) => needOf(options, signal),
    name: (body) => nameOf(parse(body)),
    async make(body, signal): Promise<Upload> {
      const message = parse(body);
      const { job, access } = keys.join;
      const { recipe, voxels } = await renderTile(message, options, signal);
      const prepared = prepareTile(voxels, recipe.size, recipe.body, access.channel?.datatype);
      const bytes = prepared instanceof Uint8Array
        ? prepared
        : await pool.run("encodeImage", prepared, { transfer: ownBuffer(prepared.data), signal });
      const { width, height } = recipe.size;
      const metadata = tileMetadata({
        job: job.id,
        chunkKey: message.chunkKey,
        tileKey: message.tileKey,
        parameters: access.parameters,
        size: [width, height],
      });
      return {
        async put(received: QueueMessage, signal: AbortSignal) {
          const own = tileObjectMetadata(received, metadata);
          await bucket.put(message.tileKey, bytes, own, { signal });
          await index.send(metadata, { signal });
        },
      };
    },
  };
}

/** The server hands out the slices of a chunk for one tile, then for the next: their images are needed by turns. */
async function needOf(
  { job, paths, tiles, planes }: TileUploadOptions,
  signal: AbortSignal,
): Promise<SpoolNeed | undefined> {
  const { extent: { min, max }, tileSize } = job;
  const first = [Math.floor(min[0] / tileSize.x), Math.floor(min[1] / tileSize.y)];
  const index = { x: first[0], y: first[1], z: min[2], t: min[4] };
  for (const path of [await paths.process(index, signal)].flat()) {
    const { plane, size } = await tiles.process(path, index, signal);
    if (plane.kind === "zeros" || plane.kind === "pixels") return { entryBytes: 0, entries: 0 };
    const open = await planes.open(plane, size, signal);
    if (open === undefined) continue;
    const entries = Math.min(CUBOID_SIZE.z, max[2] - min[2]);
    return { entryBytes: open.keptBytes, entries: open.keptBytes === 0 ? 0 : entries };
  }
}

function parse(body: string): TileMessage {
  const message = parseUploadMessage(body, "tile");
  if (message.kind !== "tile") throw new TypeError("A tile was asked for");
  return message;
}

function nameOf({ tile: { x, y, z, t } }: TileMessage): string {
  return `tile x ${x}, y ${y}, z ${z}, t ${t}`;
}

/** The pixels of a tile, and the recipe that they were made by. */
async function renderTile(
  { tile }: TileMessage,
  { paths, tiles, planes, keys }: TileUploadOptions,
  signal: AbortSignal,
): Promise<{ recipe: TileRecipe; voxels: VoxelArray }> {
  const index = { x: tile.x, y: tile.y, z: tile.z, t: tile.t };
  const candidates = [await paths.process(index, signal)].flat();
  let recipe: TileRecipe | undefined;
  for (const path of candidates) {
    recipe = await tiles.process(path, index, signal);
    const voxels = await readTile(recipe, planes, signal, keys.join.access.channel?.datatype);
    if (voxels !== undefined) return { recipe, voxels };
  }
  if (recipe === undefined) {
    throw new SluiceError(`Cannot make ${JSON.stringify(index)}: the path processor named no file`);
  }
  if (recipe.absent === "zeros") {
    return { recipe, voxels: zeros(recipe, keys.join.access.channel?.datatype) };
  }
  throw new ImageError(
    `Cannot find ${
      candidates.map((path) => `"${path}"`).join(" or ")
    }: there is no such file; put it there, or mend the path processor`,
    "missing",
  );
}

/** Pixels of a full tile; undefined where their file is not there. */
async function readTile(
  recipe: TileRecipe,
  planes: Planes,
  signal: AbortSignal,
  channel?: string,
): Promise<VoxelArray | undefined> {
  const { plane, placement, size, values } = recipe;
  if (plane.kind === "zeros") return zeros(recipe, channel);
  const open = plane.kind === "pixels"
    ? openPixels(plane.size, plane.data)
    : await planes.open(plane, size, signal);
  if (open === undefined) return undefined;
  const frame = placement.frame === undefined || !("file" in plane)
    ? undefined
    : await planes.readFrame(plane.file, placement.frame, signal);
  const copy = placeTile(placement, size, open.size, frame);
  if (copy === undefined) return zeros(recipe, channel);
  const pixels = applyRule(values, await open.read(copy.from, copy.size));
  if (copy.size.width === size.width && copy.size.height === size.height) return pixels;
  const dtype = pixels.constructor as new (length: number) => VoxelArray;
  const tile = new dtype(size.width * size.height);
  const { x, y } = copy.to;
  const of = box([x, y, 0], [x + copy.size.width, y + copy.size.height, 1]);
  copyBox(pixels, of, tile, box([0, 0, 0], [size.width, size.height, 1]), of);
  return tile;
}

function openPixels(size: { width: number; height: number }, data: VoxelArray) {
  return {
    size,
    read: (from: { x: number; y: number }, part: { width: number; height: number }) => {
      const of = box([from.x, from.y, 0], [from.x + part.width, from.y + part.height, 1]);
      const dtype = data.constructor as new (length: number) => VoxelArray;
      const to = new dtype(part.width * part.height);
      copyBox(data, box([0, 0, 0], [size.width, size.height, 1]), to, of, of);
      return Promise.resolve(to);
    },
  };
}

function zeros({ size, values }: TileRecipe, channel: string | undefined): VoxelArray {
  const fallback: Dtype = channel !== undefined && isDtype(channel) ? channel : "uint8";
  const dtype = dtypeOfRule(values) ?? fallback;
  return viewVoxels(dtype, new Uint8Array(size.width * size.height * VOXEL_BYTES[dtype]));
}
