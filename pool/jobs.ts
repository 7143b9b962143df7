/**
 * What the threads of a pool can do: functions of plain data, so that the same code runs with no pool.
 *
 * Voxels lie on shared memory and are read and written in place; only compressed bytes move between threads.
 * @module
 */
import { downsampleRows, type DownsampleSpec } from "../core/downsample.ts";
import { checkUnit, type CheckUnitInput, type UnitCheck } from "./_check_unit.ts";
import { decodeChunks, type DecodeChunksInput, type PieceFailure } from "./_decode_chunks.ts";
import { encodeChunks, type EncodeChunksInput, type EncodedChunk } from "./_encode_chunks.ts";
import { encodeFrame, type EncodeFrameInput } from "./encode_frame.ts";
import { encodeImage, type EncodeImageInput } from "./encode_image.ts";
import { recodeChunks, type RecodeChunksInput, type RecodedChunks } from "./_recode_chunks.ts";
import { type EncodedStrip, encodeStrips, type EncodeStripsInput } from "./_encode_strips.ts";
import {
  closeImages,
  type CloseImagesInput,
  type ImageFailure,
  readImages,
  type ReadImagesInput,
} from "./_read_images.ts";

/** Milliseconds spent in each kind of work. */
export interface JobTimes {
  /** Waiting for files. */
  read: number;
  /** From stored bytes to voxels. */
  decode: number;
  /** From one scale to the next. */
  downsample: number;
  /** From voxels to stored bytes. */
  encode: number;
  /** Putting stored bytes into the store, until it confirmed. */
  write: number;
}

/** What a job is told and tells beside its input. */
export interface JobContext {
  /** Adds up what the job spent. */
  readonly times: JobTimes;
  /** Buffers of the result that may move rather than be copied. */
  readonly transfer: Transferable[];
}

/** Some rows of a coarser scale. */
export interface DownsampleInput extends DownsampleSpec {
  /** First row that is made, counted over planes and rows. */
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

/** Every job: what it takes and what it gives. */
export interface Jobs {
  /** Decodes rows of images into a band on shared memory. */
  readImages: { input: ReadImagesInput; output: ImageFailure[] };
  /** Closes the images that a session left open. */
  closeImages: { input: CloseImagesInput; output: void };
  /** Decodes stored chunks into a band on shared memory. */
  decodeChunks: { input: DecodeChunksInput; output: PieceFailure[] };
  /** Cuts chunks from a band and encodes them. */
  encodeChunks: { input: EncodeChunksInput; output: EncodedChunk[] };
  /** Takes chunks from stored bytes to stored bytes of another format. */
  recodeChunks: { input: RecodeChunksInput; output: RecodedChunks };
  /** Encodes rows of a band as strips of an image file. */
  encodeStrips: { input: EncodeStripsInput; output: EncodedStrip[] };
  /** Encodes an image that lies in memory as a whole. */
  encodeImage: { input: EncodeImageInput; output: Uint8Array };
  /** Encodes voxels as one frame of blosc. */
  encodeFrame: { input: EncodeFrameInput; output: Uint8Array };
  /** Reads a stored unit back. */
  checkUnit: { input: CheckUnitInput; output: UnitCheck };
  /** Makes rows of a coarser scale in a band on shared memory. */
  downsample: { input: DownsampleInput; output: void };
}

/** The name of a job. */
export type JobName = keyof Jobs;
/** What a job takes. */
export type JobInput<K extends JobName> = Jobs[K]["input"];
/** What a job gives. */
export type JobOutput<K extends JobName> = Jobs[K]["output"];

type Job<K extends JobName> = (
  input: JobInput<K>,
  context: JobContext,
) => JobOutput<K> | Promise<JobOutput<K>>;

const JOBS: { readonly [K in JobName]: Job<K> } = {
  readImages,
  closeImages,
  decodeChunks,
  encodeChunks,
  recodeChunks,
  encodeStrips,
  encodeImage,
  encodeFrame,
  checkUnit,
  downsample(input, { times }) {
    const start = performance.now();
    downsampleRows(input, input.first, input.end);
    times.downsample += performance.now() - start;
  },
};

/** Runs one job in this thread. */
export async function runJob<K extends JobName>(
  name: K,
  input: JobInput<K>,
): Promise<{ value: JobOutput<K>; times: JobTimes; transfer: readonly Transferable[] }> {
  const context: JobContext = {
    times: { read: 0, decode: 0, downsample: 0, encode: 0, write: 0 },
    transfer: [],
  };
  const value = await JOBS[name](input, context);
  return { value, times: context.times, transfer: context.transfer };
}
