/** Stored chunks, decoded into a band. */
import {
  type ChunkDecoder,
  type ChunkDecoding,
  type DecodedChunk,
  openChunkDecoder,
} from "../codecs/chunk_decoder.ts";
import { ChunkError } from "../codecs/chunk_error.ts";
import { type Box, intersect } from "../core/box.ts";
import { copyBox } from "../core/copy_box.ts";
import { copyStrided, plainStrides } from "../core/copy_strided.ts";
import { type Dtype, dtypeOf, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { isNotFound, messageOf } from "../core/errors.ts";
import { mapPoint, type Point } from "../core/point.ts";
import { castWindow } from "../core/voxels.ts";
import type { JobContext } from "./jobs.ts";

/** One stored chunk, and where its bytes are. */
export interface StoredPiece {
  /** Its first voxel. */
  readonly min: Point;
  /** Its voxels, those beyond the extent included. */
  readonly shape: Point;
  /** Its bytes, where they were fetched; else they are read from `path`. */
  readonly bytes?: Uint8Array;
  /** The file that holds it; absent where there are no bytes, either: it is not stored. */
  readonly path?: string;
  /** It cannot be read: why. */
  readonly broken?: string;
  /** Other names that the file may have; where they are given, it may also not be there. */
  readonly orPaths?: readonly string[];
  /** A whole file with more bytes than these is no chunk. @default No limit */
  readonly mostBytes?: number;
  /** Where in the file. @default The whole file */
  readonly range?: readonly [first: number, end: number];
  /** A bit for every step of the decoding that it was stored without, the lowest for the first. @default 0 */
  readonly skipped?: number;
}

/** Which chunks, and the band they fill. What no chunk covers is the caller's to fill. */
export interface DecodeChunksInput {
  /** The chunks. */
  readonly pieces: readonly StoredPiece[];
  /** Type of the stored voxels. */
  readonly dtype: Dtype;
  /** How they were stored. */
  readonly decoding: ChunkDecoding;
  /** Where they go: t c z y x with x fastest. */
  readonly data: VoxelArray;
  /** Which voxels these are. */
  readonly box: Box;
  /** Values from low to high are spread over the dtype of the band. */
  readonly window?: readonly [low: number, high: number];
}

/** One chunk that could not be decoded, or is not there. */
export interface PieceFailure {
  /** Position in the list that was asked for. */
  readonly piece: number;
  /** What is wrong, without the name of the file; undefined: it is not there, and its voxels are the caller's to fill. */
  readonly message: string | undefined;
}

/** Reads, decodes and places chunks; tells which failed rather than throwing. */
export async function decodeChunks(
  input: DecodeChunksInput,
  { times }: JobContext,
): Promise<PieceFailure[]> {
  const { pieces, dtype, decoding } = input;
  const decoder = await openChunkDecoder(decoding, dtype);
  const failures: PieceFailure[] = [];
  using files = new PieceReader();
  for (const [at, piece] of pieces.entries()) {
    const start = performance.now();
    let read = start;
    try {
      const bytes = files.read(piece);
      read = performance.now();
      if (bytes === undefined) failures.push({ piece: at, message: undefined });
      else await place(bytes, piece, decoder, input);
    } catch (error) {
      failures.push({ piece: at, message: brokenMessage(error) });
    }
    times.read += read - start;
    times.decode += performance.now() - read;
  }
  return failures;
}

/** What is wrong with a chunk, of an error that is its own; any other error is thrown on. */
export function brokenMessage(error: unknown): string {
  if (error instanceof ChunkError || error instanceof RangeError || isNotFound(error)) {
    return messageOf(error);
  }
  throw error;
}

/** Memory that goes round from job to job: new memory would be cleared, and swept up, for each piece. */
const spares: Uint8Array[] = [];

/** Reads pieces of one job from files. */
export class PieceReader implements Disposable {
  /** The file that was read last: chunks of one job mostly lie in one. */
  #path?: string;
  #file?: Deno.FsFile;
  #spare = spares.pop() ?? new Uint8Array(0);

  /** The bytes of a piece, until the next one is read; undefined where it is not stored. */
  read(piece: StoredPiece): Uint8Array | undefined {
    const { bytes: fetched, path, range, broken } = piece;
    if (broken !== undefined) throw new ChunkError(broken, "corrupt");
    if (fetched !== undefined || path === undefined) return fetched;
    if (range === undefined) return this.#readWhole(piece);
    const bytes = this.#take(range[1] - range[0]);
    readFully(this.#open(path), path, range[0], bytes);
    return bytes;
  }

  #readWhole({ path, orPaths, mostBytes = Infinity }: StoredPiece): Uint8Array | undefined {
    for (const name of [path!, ...(orPaths ?? [])]) {
      try {
        using file = Deno.openSync(name);
        const { size } = file.statSync();
        if (size > mostBytes) {
          throw new ChunkError(
            `it has ${size} bytes where at most ${mostBytes} make sense`,
            "size",
          );
        }
        const bytes = this.#take(size);
        readFully(file, name, 0, bytes);
        return bytes;
      } catch (error) {
        if (orPaths === undefined || !isNotFound(error)) throw error;
      }
    }
    return undefined;
  }

  #open(path: string): Deno.FsFile {
    if (this.#file !== undefined && this.#path === path) return this.#file;
    this.#file?.close();
    this.#file = undefined;
    this.#file = Deno.openSync(path);
    this.#path = path;
    return this.#file;
  }

  #take(length: number): Uint8Array {
    if (length > this.#spare.length) this.#spare = new Uint8Array(length);
    return this.#spare.subarray(0, length);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
    spares.push(this.#spare);
  }
}

/** Fills `into` from `offset` on, or throws naming the file. */
function readFully(file: Deno.FsFile, path: string, offset: number, into: Uint8Array): void {
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let done = 0; done < into.length;) {
    const count = file.readSync(into.subarray(done));
    if (count === null) {
      throw new RangeError(
        `Cannot read ${into.length} bytes at ${offset} of "${path}": it ends after ${
          offset + done
        }`,
      );
    }
    done += count;
  }
}

async function place(
  bytes: Uint8Array,
  { min, shape, skipped }: StoredPiece,
  decoder: ChunkDecoder,
  { data, box, window }: DecodeChunksInput,
): Promise<void> {
  const decoded = await decoder.decode(bytes, shape, skipped);
  const chunkBox = { min, max: mapPoint(decoded.shape, (size, axis) => min[axis] + size) };
  const inside = intersect(chunkBox, box);
  if (inside === undefined) return;
  const placed = window === undefined ? decoded : spread(decoded.voxels, window, data, decoded);
  // Most chunks lie in the order of the band: then rows are copied by words.
  if (isPlain(decoded)) copyBox(placed.voxels, chunkBox, data, box, inside);
  else copyStrided(placed, min, data, box, inside);
}

/** Whether voxels lie as in a band: x fastest, then y, z, c, t. */
export function isPlain({ strides, shape }: DecodedChunk): boolean {
  const plain = plainStrides(shape);
  return strides.every((stride, axis) => shape[axis] === 1 || stride === plain[axis]);
}

/** The voxels of a chunk in the dtype of the band, in the order they have. */
function spread(
  voxels: VoxelArray,
  window: readonly [number, number],
  like: VoxelArray,
  { strides }: { readonly strides: Point },
) {
  const dtype = dtypeOf(like);
  const cast = viewVoxels(dtype, new Uint8Array(voxels.length * VOXEL_BYTES[dtype]));
  castWindow(voxels, window[0], window[1], cast);
  return { voxels: cast, strides };
}
