/**
 * Volumes that lie in chunks: which chunks a box touches, where their bytes are, and how they reach the band.
 * @module
 */
import type { ChunkDecoding } from "../codecs/chunk_decoder.ts";
import { ChunkError } from "../codecs/chunk_error.ts";
import { allSettled, eachAtOnce } from "../core/abort.ts";
import { type Box, boxSize, boxVolume, intersect } from "../core/box.ts";
import { type Dtype, dtypeOf, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { SluiceError } from "../core/errors.ts";
import { cellsOf, eachCell } from "../core/layout.ts";
import { leastCommonMultiple } from "../core/integers.ts";
import { mapPoint, type Point, product } from "../core/point.ts";
import type { Loss } from "../core/receipt.ts";
import { BandBuffers, rowBytes, type Slab } from "../core/slab.ts";
import { castWindow, fillBox } from "../core/voxels.ts";
import { brokenMessage } from "../pool/_decode_chunks.ts";
import { fillVoxels } from "../pool/_encode_chunks.ts";
import { readBands } from "../pool/bands.ts";
import { type FoundChunk, knowStored } from "./stored_chunks.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";

/** Where the bytes of one chunk are. */
export interface ChunkPlace {
  /** Path or URL, for messages. */
  readonly name: string;
  /** Where in it; absent: all of it. */
  readonly range?: readonly [first: number, end: number];
  /** The file may not be there: then it is looked for under these names, too, and is fill value where none is. */
  readonly orNames?: readonly string[];
  /** A whole file with more bytes than these is no chunk. @default No limit */
  readonly mostBytes?: number;
  /** A bit for every step of the decoding that it was stored without, the lowest for the first. @default 0 */
  readonly skipped?: number;
  /**
   * Gets the bytes; absent where `name` is a file that threads read themselves. Undefined: it is not stored. What it
   * throws as a {@linkcode ChunkError} is wrong with this chunk, anything else with the way to it.
   */
  readonly fetch?: (signal?: AbortSignal) => Promise<Uint8Array | undefined>;
}

/** One level of a volume in chunks. */
export interface ChunkedScale {
  /** Voxels along each axis. */
  readonly size: Point;
  /** Voxels of a chunk; the grid begins at voxel 0. */
  readonly chunk: Point;
  /** Whether chunks at the far edges are cut off there; else they are whole, whatever lies beyond. @default false */
  readonly isCut?: boolean;
  /** Type of the voxels. */
  readonly dtype: Dtype;
  /** Voxel of chunks that are not stored; a bigint where no number is exact. */
  readonly fill: number | bigint;
  /** How its chunks are stored. */
  readonly decoding: ChunkDecoding;
  /** Whether its chunks lie in files, so that threads read them by themselves. @default false */
  readonly inFiles?: boolean;
  /** Finds a chunk by its position in the grid; undefined where it is not stored: then it is fill value. */
  locate(
    index: Point,
    signal?: AbortSignal,
  ): Promise<ChunkPlace | undefined> | ChunkPlace | undefined;
}

/** How a box is read. */
export interface ReadChunkedOptions {
  /** Decodes. */
  readonly pool: WorkerPool;
  /** Buffers to share with others. @default Its own. */
  readonly buffers?: BandBuffers;
  /** A band grows to this many bytes. @default 32 MiB */
  readonly bandBytes?: number;
  /** Type of the band. @default That of the voxels */
  readonly dtype?: Dtype;
  /** Values from low to high are spread over `dtype`. */
  readonly window?: readonly [low: number, high: number];
  /** What a broken chunk costs: the task (`error`), or its own voxels (`fill`). @default "error" */
  readonly onError?: "error" | "fill";
  /** What to do about a broken chunk, for its error. @default To mend it, or to let it become fill value */
  readonly wayOut?: string;
  /** Scale that the slab says it is. @default 0 */
  readonly scale?: number;
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal;
}

/** Voxels that one job of a thread decodes, or one chunk. */
const BATCH_VOXELS = 1 << 20;
/** Chunks that are fetched at once from far away. */
const FETCHES = 32;
/** What came broken from far away may have been broken on the way: a part of a blob has no checksum there. */
const FETCH_ATTEMPTS = 3;

/** Opens a box of a volume in chunks; nothing is read before its bands are asked for. */
export function readChunked(scale: ChunkedScale, box: Box, options: ReadChunkedOptions): Slab {
  const { buffers = new BandBuffers(), bandBytes = 32 << 20, dtype = scale.dtype } = options;
  const losses: Loss[] = [];
  const [, height] = boxSize(box);
  const slab: Slab = {
    box,
    scale: options.scale ?? 0,
    dtype,
    losses,
    bands: ({ rows = 1, rowsFrom = 0, hold } = {}) => {
      losses.length = 0;
      // Where whole chunks would make a band too large, those at its edges are decoded more than once.
      const most = height + box.min[1] - rowsFrom;
      const whole = Math.min(leastCommonMultiple(rows, scale.chunk[1]), most);
      const isSmall = rowBytes(box, dtype) * Math.min(whole, height) <= bandBytes;
      return readBands({
        box,
        scale: options.scale ?? 0,
        dtype,
        rows: isSmall ? whole : rows,
        rowsFrom,
        bandBytes,
        hold,
        buffers,
        fill: async (band, data) => void losses.push(...await fillBand(scale, band, data, options)),
      });
    },
  };
  if (scale.inFiles && dtype === scale.dtype && options.window === undefined) {
    const { chunk, fill, decoding } = scale;
    knowStored(slab, {
      ...{ chunk, box, dtype, fill, decoding, pool: options.pool },
      find: (min, signal) => findStored(scale, min, signal),
      onFailure: (found, message) => void losses.push(lossOf(found, message, box, options)),
    });
  }
  return slab;
}

/** The chunk of a file with this first voxel; one that is known to be broken fails where it would be read. */
async function findStored(
  scale: ChunkedScale,
  min: Point,
  signal?: AbortSignal,
): Promise<FoundChunk> {
  const index = mapPoint(min, (value, axis) => value / scale.chunk[axis]);
  const place = await scale.locate(index, signal);
  if (place === undefined) return { min, shape: scale.chunk, name: "" };
  const chunk = chunkAt(scale, index, place);
  const broken = await place.fetch?.(signal).then(() => undefined, (error) => brokenMessage(error));
  return broken === undefined ? { ...chunk, path: place.name } : { ...chunk, broken };
}

/** A chunk of a scale, and where it is said to be. */
function chunkAt(scale: ChunkedScale, index: Point, place: ChunkPlace): FoundChunk {
  const min = mapPoint(index, (value, axis) => value * scale.chunk[axis]);
  const shape = scale.isCut
    ? mapPoint(scale.chunk, (side, axis) => Math.min(side, scale.size[axis] - min[axis]))
    : scale.chunk;
  const { name, range, skipped, orNames, mostBytes } = place;
  return { min, shape, name, range, skipped, orPaths: orNames, mostBytes };
}

/** What a broken chunk costs: its voxels within a box, or the task. */
function lossOf(
  chunk: FoundChunk,
  message: string,
  within: Box,
  { onError = "error", wayOut = MEND }: Pick<ReadChunkedOptions, "onError" | "wayOut">,
): Loss {
  const name = nameOf(chunk);
  if (onError === "error") {
    throw new SluiceError(`Cannot read the chunk ${name}: ${message}; ${wayOut}`);
  }
  const lost = intersect(boxOf(chunk), within)!;
  return { image: name, kind: "broken", box: lost, reason: message };
}

const MEND = "mend or copy it again, or give --on-error fill to leave its voxels as fill value";

interface FailedChunk {
  readonly chunk: FoundChunk;
  readonly message: string;
}

async function fillBand(
  scale: ChunkedScale,
  band: Box,
  data: VoxelArray,
  options: ReadChunkedOptions,
): Promise<Loss[]> {
  const { pool, window, signal } = options;
  const fill = window === undefined ? scale.fill : spread(scale, window, data);
  const cells = [...eachCell(cellsOf(band, scale.chunk))];
  const losses: Loss[] = [];
  const lose = (failed: readonly FailedChunk[]) => {
    for (const { chunk, message } of failed) {
      const loss = lossOf(chunk, message, band, options);
      fillBox(data, band, loss.box, fill);
      losses.push(loss);
    }
  };
  // What is not stored is fill value; where all is stored, every voxel is written anyway.
  let covered = 0;
  const found: FoundChunk[] = [];
  const far: { readonly index: Point; readonly chunk: FoundChunk; readonly place: ChunkPlace }[] =
    [];
  await eachAtOnce(cells, FETCHES, async (index) => {
    const place = await scale.locate(index, signal);
    if (place === undefined) return;
    const chunk = chunkAt(scale, index, place);
    covered += boxVolume(intersect(boxOf(chunk), band)!);
    if (place.fetch === undefined) found.push({ ...chunk, path: place.name });
    else far.push({ index, chunk, place });
  });
  if (covered < boxVolume(band)) fillVoxels(data, fill);
  const decode = async (chunks: readonly FoundChunk[]): Promise<FailedChunk[]> => {
    const { dtype, decoding } = scale;
    const failures = await pool.run("decodeChunks", {
      pieces: chunks.map(({ name: _, ...piece }) => piece),
      dtype,
      decoding,
      data,
      box: band,
      window,
    }, {
      signal,
      transfer: chunks.flatMap(({ bytes }) =>
        bytes === undefined ? [] : [bytes.buffer as ArrayBuffer]
      ),
    });
    for (const { piece, message } of failures) {
      if (message === undefined) fillBox(data, band, intersect(boxOf(chunks[piece]), band)!, fill);
    }
    return failures.flatMap(({ piece, message }) =>
      message === undefined ? [] : [{ chunk: chunks[piece], message }]
    );
  };
  const batch = Math.max(1, Math.floor(BATCH_VOXELS / product(scale.chunk)));
  const batches = Array.from(
    { length: Math.ceil(found.length / batch) },
    (_, i) => found.slice(i * batch, (i + 1) * batch),
  );
  await allSettled([
    ...batches.map(async (chunks) => lose(await decode(chunks))),
    eachAtOnce(far, FETCHES, async ({ index, chunk, place: first }) => {
      let place: ChunkPlace | undefined = first;
      for (let attempt = 1;; attempt++) {
        let failed: FailedChunk[];
        try {
          const bytes = await place?.fetch?.(signal);
          if (bytes === undefined) {
            return fillBox(data, band, intersect(boxOf(chunk), band)!, fill);
          }
          failed = await decode([{ ...chunk, range: undefined, bytes: ownBuffer(bytes) }]);
        } catch (error) {
          if (!(error instanceof ChunkError)) throw error;
          failed = [{ chunk, message: error.message }];
        }
        if (failed.length === 0) return;
        if (attempt === FETCH_ATTEMPTS) return lose(failed);
        place = await scale.locate(index, signal);
      }
    }),
  ]);
  return losses;
}

/** The fill value in the dtype of the band. */
function spread(
  { dtype, fill }: ChunkedScale,
  window: readonly [number, number],
  like: VoxelArray,
) {
  const from = viewVoxels(dtype, new Uint8Array(VOXEL_BYTES[dtype]));
  fillVoxels(from, fill);
  const to = viewVoxels(dtypeOf(like), new Uint8Array(like.BYTES_PER_ELEMENT));
  castWindow(from, window[0], window[1], to);
  return Number(to[0]);
}

/** Bytes that fill their buffer, so that it can move to a thread. */
function ownBuffer(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}

function boxOf({ min, shape }: Pick<FoundChunk, "min" | "shape">): Box {
  return { min, max: mapPoint(shape, (size, axis) => min[axis] + size) };
}

function nameOf({ name, range }: FoundChunk): string {
  return range === undefined ? `"${name}"` : `at byte ${range[0]} of "${name}"`;
}
