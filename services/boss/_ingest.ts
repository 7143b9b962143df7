/**
 * What the server does by itself: tiles become cuboids once their chunk is whole, and jobs that are to be completed are
 * looked over.
 * @module
 */
import { CUBOID_SIZE } from "../../boss/ingest_job.ts";
import { parseChunkKey, parseTileKey, tileKey } from "../../boss/keys.ts";
import { delay, Wake } from "../../core/abort.ts";
import { box } from "../../core/box.ts";
import type { Dtype } from "../../core/dtype.ts";
import { viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { ImageError, messageOf } from "../../core/errors.ts";
import { COMPLETE, COMPLETING, tileGoal, UPLOADING, WAITING } from "./_job.ts";
import type { Job, Jobs } from "./_jobs.ts";
import { jobOf, removeTiles, tilePath } from "./_objects.ts";
import type { Queues } from "./_queues.ts";
import type { BossState } from "./_state.ts";
import { openTile, type TileImage } from "./_tile_image.ts";
import type { Volumes } from "./_volumes.ts";

/** What it works with. */
export interface IngestParts {
  readonly root: string;
  readonly state: BossState;
  readonly jobs: Jobs;
  readonly queues: Queues;
  readonly volumes: Volumes;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Until what failed, as on a full disk, is tried again. */
const PAUSE_MS = 5000;
/** Messages that are looked over without a pause for others. */
const BATCH = 500;
/** Names that metadata of a tile must have, or the Boss does not see the tile. */
const WANTED = ["message_id", "receipt_handle", "metadata"];

/** The work of one server behind its queues. */
export class Ingest {
  readonly #parts: IngestParts;
  readonly #wake = new Wake();
  #running: Promise<void> = Promise.resolve();

  constructor(parts: IngestParts) {
    this.#parts = parts;
  }

  /** Works until the signal aborts. */
  start(): void {
    this.#running = this.#run();
  }

  /** There may be something to do. */
  wake(): void {
    this.#wake.call();
  }

  /** Waits for the end. */
  async settle(): Promise<void> {
    await this.#running;
  }

  /** Takes a tile that is said to be in the bucket. */
  takeTile(job: Job, body: string): void {
    const { state, log } = this.#parts;
    const { config: { job: what }, ids } = job;
    const said = parseBody(body);
    const refuse = (why: string) =>
      log(`job ${job.id}: a message of the index is passed over: ${why}`);
    if (said === undefined || what.kind !== "tile") return refuse("it names no tile");
    if (jobOf(body) !== job.id) return refuse("it names another job");
    const { tileKey: key, chunkKey: chunk } = said;
    if (tileGoal(job.config.job as typeof what, ids, parseTileKey(key))?.chunk !== chunk) {
      return refuse(`${key} is no tile of ${chunk}`);
    }
    const object = state.row<{ metadata: string }>(
      "SELECT metadata FROM object WHERE job = ? AND key = ?",
      job.id,
      key,
    );
    if (object === undefined) return refuse(`there is no object ${key}`);
    const names = Object.keys(JSON.parse(object.metadata));
    if (!WANTED.every((name) => names.includes(name))) return refuse(`${key} has not all metadata`);
    const { numTiles } = parseChunkKey(chunk);
    state.write(function* () {
      yield {
        kind: "command",
        sql: "INSERT OR IGNORE INTO part VALUES (?, ?, ?)",
        values: [job.id, chunk, key],
      };
      yield {
        kind: "command",
        sql: `INSERT OR IGNORE INTO chunk (job, chunk) SELECT ?1, ?2
          WHERE (SELECT count(*) FROM part WHERE job = ?1 AND chunk = ?2) >= ?3`,
        values: [job.id, chunk, numTiles],
      };
    });
    this.wake();
  }

  async #run(): Promise<void> {
    const { signal, log } = this.#parts;
    while (!signal.aborted) {
      try {
        if (await this.#step()) await delay(0, signal);
        else await this.#wake.wait(PAUSE_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        log(`the ingest is held up, and tried again: ${messageOf(error)}`);
        await delay(PAUSE_MS, signal).catch(() => {});
      }
    }
  }

  /** @returns Whether there was something to do. */
  async #step(): Promise<boolean> {
    const { state, jobs } = this.#parts;
    const next = state.row<{ job: number; chunk: string }>(
      "SELECT job, chunk FROM chunk WHERE is_done = 0 LIMIT 1",
    );
    if (next !== undefined) {
      const job = jobs.findOpen(next.job);
      if (job === undefined) state.run("DELETE FROM chunk WHERE job = ?", next.job);
      else await this.#ingestChunk(job, next.chunk);
      return true;
    }
    const [job] = jobs.inState(COMPLETING);
    if (job !== undefined) await this.#lookOver(job);
    return job !== undefined;
  }

  /** Writes a chunk of tiles into the volume, one row of cuboids after the other. */
  async #ingestChunk(job: Job, chunk: string): Promise<void> {
    const { root, state, volumes, signal, jobs } = this.#parts;
    const { config: { job: what }, ids, place } = job;
    if (what.kind !== "tile") return;
    const { numTiles, x, y, z, t } = parseChunkKey(chunk);
    const dtype = place.channel.fields.datatype as Dtype;
    const size = what.tileSize;
    const firstZ = z * CUBOID_SIZE.z;
    const keys = Array.from(
      { length: numTiles },
      (_, i) => tileKey({ ...ids, x, y, z: firstZ + i, t }),
    );
    await using tiles = new AsyncDisposableStack();
    const images: (TileImage | undefined)[] = [];
    for (const key of keys) {
      const image = await this.#open(job, key, dtype);
      images.push(image && tiles.use(image));
    }
    const [left, top] = [x * size.x, y * size.y];
    for (let row = 0; row < size.y;) {
      signal.throwIfAborted();
      const end = Math.min(size.y, nextMultiple(top + row, CUBOID_SIZE.y) - top);
      const voxels = viewVoxels(
        dtype,
        new Uint8Array(size.x * (end - row) * numTiles * VOXEL_BYTES[dtype]),
      );
      for (const [slice, image] of images.entries()) {
        const last = Math.min(end, image?.height ?? 0);
        if (image === undefined || last <= row) continue;
        let pixels;
        try {
          pixels = await image.rows(row, last);
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          this.#lose(job, keys[slice], error.message);
          images[slice] = undefined;
          continue;
        }
        for (let line = 0; line < last - row; line++) {
          const from = pixels.subarray(line * image.width, (line + 1) * image.width);
          voxels.set(from as never, (slice * (end - row) + line) * size.x);
        }
      }
      const min = [left, top + row, firstZ, 0, t];
      const max = [left + size.x, top + end, firstZ + numTiles, 1, t + 1];
      await volumes.write(place, ids.resolution, box(min, max), voxels, "replace");
      row = end;
    }
    if (jobs.findOpen(job.id) === undefined) return;
    state.write(function* () {
      const values = [job.id, chunk];
      yield {
        kind: "command",
        sql: "UPDATE chunk SET is_done = 1 WHERE job = ? AND chunk = ?",
        values,
      };
    });
    await removeTiles(root, job.id, keys);
  }

  /** A tile that cannot be read is 0, as in the Boss; here it is also told. */
  async #open(job: Job, key: string, dtype: Dtype): Promise<TileImage | undefined> {
    const { config: { job: what } } = job;
    try {
      return await openTile(
        tilePath(this.#parts.root, job.id, key),
        (what as typeof what & { kind: "tile" }).tileSize,
        dtype,
      );
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      this.#lose(job, key, error.message);
      return undefined;
    }
  }

  #lose(job: Job, key: string, reason: string): void {
    this.#parts.log(`job ${job.id}: the tile ${key} is lost, its voxels are 0: ${reason}`);
    this.#parts.state.run("INSERT OR REPLACE INTO loss VALUES (?, ?, ?)", job.id, key, reason);
  }

  /** Whether all that a job asks for is there; what is not is asked for again. */
  async #lookOver(job: Job): Promise<void> {
    const { jobs, state, queues, root, signal, log } = this.#parts;
    const ingesting = state.row("SELECT 1 FROM chunk WHERE job = ? AND is_done = 0", job.id);
    if (ingesting !== undefined) return jobs.move(job, WAITING);
    const chunkOf = job.config.job.kind === "tile"
      ? (chunk: string) => chunk
      : (_chunk: string) => "";
    const missing: string[] = [];
    let looked = 0;
    for (const { body, chunk, keys } of jobs.messages(job)) {
      if (++looked % BATCH === 0) await delay(0, signal);
      const isThere = keys.every((key) =>
        state.row(
          "SELECT 1 FROM part WHERE job = ? AND chunk = ? AND key = ?",
          job.id,
          chunkOf(chunk),
          key,
        ) !== undefined
      );
      if (!isThere) missing.push(body);
    }
    if (jobs.find(job.id)?.state !== COMPLETING) return;
    if (missing.length > 0) {
      log(`job ${job.id}: ${missing.length} messages were not done, and are asked for again`);
      state.run("DELETE FROM message WHERE job = ?", job.id);
      queues.put(job.id, missing);
      return jobs.move(job, UPLOADING);
    }
    jobs.close(job, COMPLETE);
    await removeTiles(root, job.id);
  }
}

function nextMultiple(from: number, of: number): number {
  return (Math.floor(from / of) + 1) * of;
}

function parseBody(body: string): { tileKey: string; chunkKey: string } | undefined {
  try {
    const { tile_key, chunk_key } = Object(JSON.parse(body));
    parseTileKey(String(tile_key));
    parseChunkKey(String(chunk_key));
    return { tileKey: String(tile_key), chunkKey: String(chunk_key) };
  } catch {
    return undefined;
  }
}
