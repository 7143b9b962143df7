/** Rows of images, decoded straight into a band. */
import { onlyWithin } from "../codecs/byte_stretches.ts";
import { openFileSource } from "../codecs/file_source.ts";
import {
  type ByteSource,
  type ByteStretch,
  type ImageAt,
  imageFormats,
  type ImageReader,
} from "../codecs/image.ts";
import { type Box, boxSize, intersect } from "../core/box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { ImageError, isNotFound, messageOf } from "../core/errors.ts";
import { castWindow, deinterleave } from "../core/voxels.ts";
import type { JobContext } from "./jobs.ts";

/** One image and where it lands. */
export interface ImagePart {
  /** Path that can be opened as it is, or the address of what is fetched first. */
  readonly path: string;
  /** Name of its format. */
  readonly format: string;
  /** Where in the file it lies. */
  readonly at: ImageAt;
  /** What the plan saw: a file that differs is not read. */
  readonly size: number;
  /** When it was last changed, in milliseconds since 1970. */
  readonly mtime: number;
  /** What its server tells it by from others that were there, if it lies behind one that does. */
  readonly tag?: string;
  /** Of a copy that holds a part of the file: which. @default All of it */
  readonly held?: readonly ByteStretch[];
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Interleaved samples a pixel. */
  readonly samples: number;
  /** Type of one sample. */
  readonly dtype: Dtype;
  /** Place of its first pixel and sample, in voxels of the volume: negative where a crop cuts it. */
  readonly x: number;
  /** Of its first row. */
  readonly y: number;
  /** Of its section. */
  readonly z: number;
  /** Of its first sample. */
  readonly c: number;
  /** Of its time. */
  readonly t: number;
}

/** Which images, and the band they fill. */
export interface ReadImagesInput {
  /** Readers stay open under this name until `closeImages`. */
  readonly session: string;
  /** The images; only the rows that the band holds are decoded. */
  readonly images: readonly ImagePart[];
  /** Voxels of the band, t c z y x with x fastest. */
  readonly data: VoxelArray;
  /** Which voxels the band holds. */
  readonly box: Box;
  /** Values from low to high are spread over the dtype of the band. */
  readonly window?: readonly [low: number, high: number];
  /** Decoded bytes one reader may hold. */
  readonly wholeBytes: number;
}

/** Which images are done with. */
export interface CloseImagesInput {
  /** The name that `readImages` opened them under. */
  readonly session: string;
}

/** One image that could not be decoded. */
export interface ImageFailure {
  /** Position in the list that was asked for. */
  readonly image: number;
  /** As in the error. */
  readonly kind: ImageError["kind"];
  /** What is wrong, without the path. */
  readonly message: string;
}

interface OpenImage {
  readonly file: ByteSource;
  readonly reader: ImageReader;
  scratch: Uint8Array;
}

let readMilliseconds = 0;
const sessions = new Map<string, Map<string, Promise<OpenImage>>>();

/** Decodes the rows of each image that the band holds; tells which images failed rather than throwing. */
export async function readImages(
  input: ReadImagesInput,
  { times }: JobContext,
): Promise<ImageFailure[]> {
  const failures: ImageFailure[] = [];
  const start = performance.now();
  const readBefore = readMilliseconds;
  for (const [at, image] of input.images.entries()) {
    try {
      await readImage(image, input);
    } catch (error) {
      failures.push({
        image: at,
        kind: error instanceof ImageError ? error.kind : isNotFound(error) ? "missing" : "broken",
        message: messageOf(error),
      });
    }
  }
  const read = readMilliseconds - readBefore;
  times.read += read;
  times.decode += performance.now() - start - read;
  return failures;
}

/** Closes what a session left open. */
export async function closeImages({ session }: CloseImagesInput): Promise<void> {
  const open = sessions.get(session);
  sessions.delete(session);
  for (const image of open?.values() ?? []) {
    const { file, reader } = await image.catch(() => ({ file: undefined, reader: undefined }));
    await reader?.[Symbol.asyncDispose]();
    await file?.[Symbol.asyncDispose]();
  }
}

async function readImage(image: ImagePart, input: ReadImagesInput): Promise<void> {
  const { x, y, z, c, t, width, height, samples } = image;
  const clip = intersect(input.box, {
    min: [x, y, z, c, t],
    max: [x + width, y + height, z + 1, c + samples, t + 1],
  });
  if (clip === undefined) return;
  const open = await reopen(image, input);
  const [first, end] = [clip.min[1] - y, clip.max[1] - y];
  const [bandX, bandY, bandZ, bandC] = boxSize(input.box);
  const voxelBytes = VOXEL_BYTES[image.dtype];
  const rowBytes = width * samples * voxelBytes;
  const cast = input.window !== undefined;
  if (!cast && samples === 1 && width === bandX && x === input.box.min[0]) {
    const [, y0, z0, c0, t0] = input.box.min;
    const row = (((t - t0) * bandC + (c - c0)) * bandZ + (z - z0)) * bandY + (clip.min[1] - y0);
    const rows = viewBytes(input.data).subarray(row * rowBytes, (row + end - first) * rowBytes);
    await open.reader.readRows(first, end, rows);
    return;
  }
  const rowsAtOnce = Math.max(1, Math.floor((8 << 20) / rowBytes));
  for (let row = first; row < end; row += rowsAtOnce) {
    const stop = Math.min(end, row + rowsAtOnce);
    const bytes = (stop - row) * rowBytes;
    if (open.scratch.byteLength < bytes) open.scratch = new Uint8Array(bytes);
    const part = open.scratch.subarray(0, bytes);
    await open.reader.readRows(row, stop, part);
    let voxels = viewVoxels(image.dtype, part);
    if (cast) {
      const [low, high] = input.window!;
      const target = new (input.data.constructor as new (length: number) => VoxelArray)(
        voxels.length,
      );
      castWindow(voxels, low, high, target);
      voxels = target;
    }
    deinterleave(
      voxels,
      samples,
      input.data,
      input.box,
      { x, y: y + row, z, c, t, width, rows: stop - row },
      clip,
    );
  }
}

function reopen(image: ImagePart, input: ReadImagesInput): Promise<OpenImage> {
  let session = sessions.get(input.session);
  if (session === undefined) sessions.set(input.session, session = new Map());
  const key = `${image.path}#${image.at.ifd ?? ""}#${image.at.plane ?? ""}`;
  let open = session.get(key);
  if (open === undefined) {
    open = openImage(image, input.wholeBytes);
    open.catch(() => {});
    session.set(key, open);
  }
  return open;
}

async function openImage(image: ImagePart, wholeBytes: number): Promise<OpenImage> {
  const file = await openFileSource(image.path);
  try {
    if (file.size !== image.size || Math.abs(file.mtime - image.mtime) > 1) {
      throw changedSincePlan(file.size, image.size);
    }
    const format = await imageFormats.get(image.format)!();
    const bytes = image.held === undefined ? file : onlyWithin(file, image.held);
    const reader = await format.open(timeReads(bytes), image.at, { wholeBytes });
    return { file, reader, scratch: new Uint8Array(0) };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

/** The error for a file that is not the one that was planned. */
export function changedSincePlan(found: number, planned: number): ImageError {
  const state = found === planned
    ? "it was written again"
    : `${found} bytes where ${planned} were planned`;
  return new ImageError(
    `it changed since the plan: ${state}; plan again, or \`sluice retry --section\` if it was mended`,
    "changed",
  );
}

function timeReads(file: ByteSource): ByteSource {
  return {
    size: file.size,
    async read(offset, into) {
      const start = performance.now();
      await file.read(offset, into);
      readMilliseconds += performance.now() - start;
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}
