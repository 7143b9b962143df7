/**
 * What the threads of a pool can do: functions of plain data, so that the same code runs with no pool.
 *
 * Voxels lie on shared memory and are read and written in place; only compressed bytes move between threads.
 * @module
 */
import { downsampleRows } from "../core/downsample.ts";
import { checkUnit } from "./_check_unit.ts";
import { encodeChunks } from "./_encode_chunks.ts";
import { readChunks } from "./_read_chunks.ts";
import { closeImages, readImages } from "./_read_images.ts";

/** Milliseconds spent in each kind of work. */
export interface JobTimes {
  read: number;
  decode: number;
  downsample: number;
  encode: number;
}

/** What a job is told and tells beside its input. */
export interface JobContext {
  readonly times: JobTimes;
  /** Buffers of the result that may move rather than be copied. */
  readonly transfer: Transferable[];
}

const JOBS = {
  readImages,
  closeImages,
  readChunks,
  encodeChunks,
  checkUnit,
  downsample(
    input: Parameters<typeof downsampleRows>[0] & { first: number; end: number },
    { times }: JobContext,
  ) {
    const start = performance.now();
    downsampleRows(input, input.first, input.end);
    times.downsample += performance.now() - start;
  },
};

/** The name of a job. */
export type JobName = keyof typeof JOBS;
/** What a job takes. */
export type JobInput<K extends JobName> = Parameters<(typeof JOBS)[K]>[0];
/** What a job gives. */
export type JobOutput<K extends JobName> = Awaited<ReturnType<(typeof JOBS)[K]>>;

/** Runs one job in this thread. */
export async function runJob<K extends JobName>(
  name: K,
  input: JobInput<K>,
): Promise<{ value: JobOutput<K>; times: JobTimes; transfer: readonly Transferable[] }> {
  const context: JobContext = {
    times: { read: 0, decode: 0, downsample: 0, encode: 0 },
    transfer: [],
  };
  const job = JOBS[name] as (input: JobInput<K>, context: JobContext) => JobOutput<K>;
  const value = await job(input, context);
  return { value, times: context.times, transfer: context.transfer };
}
