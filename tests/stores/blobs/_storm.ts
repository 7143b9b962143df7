/** A job of many objects, written and read back while requests go wrong. */
import { deepEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Blobs } from "../../../stores/blobs/blobs.ts";
import type { RetryOptions } from "../../../stores/blobs/retry.ts";
import { S3_FAULTS, type S3FaultRates } from "../../_s3_faults.ts";
import { someBytes } from "./conformance.ts";

/** Each fault in one of a hundred requests. */
export const STORM: S3FaultRates = Object.fromEntries(S3_FAULTS.map((fault) => [fault, 0.01]));
/** What stays silent is given up soon. */
export const STORM_RETRY: RetryOptions = { stallSeconds: 0.3 };

/** A job. */
export interface StormJob {
  readonly objects: number;
  /** One of so many is large. */
  readonly largeEvery: number;
  /** Bytes of a large one. */
  readonly large: number;
}

/** Works side by side, as the workers of a job do. */
export async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** What each key of a job holds. */
export function stormObjects({ objects, largeEvery, large }: StormJob) {
  return Array.from({ length: objects }, (_, i) => {
    const length = i % largeEvery === 7 ? large : (i * 37) % 900;
    return { key: `0/c/${i % 10}/${i}`, length, bytes: () => someBytes(length, i) };
  });
}

/** Writes all objects, reads each back, and lists them. */
export async function runStorm(blobs: Blobs, job: StormJob): Promise<void> {
  const objects = stormObjects(job);
  await each(objects, async ({ key, length, bytes }) => {
    if (length < 1000) return await blobs.put(key, bytes());
    await using writer = await blobs.open(key, { reserve: 16 });
    await writer.write(bytes().subarray(16));
    await writer.commit(bytes().subarray(0, 16));
  });
  await each(objects, async ({ key, bytes }) => {
    const found = await blobs.get(key);
    // Faster than deepEqual() for large ones.
    if (found === undefined || Buffer.compare(found, bytes()) !== 0) deepEqual(found, bytes(), key);
  });
  const listed = await Array.fromAsync(blobs.list("0/"), ({ key, size }) => `${key} ${size}`);
  deepEqual(listed.sort(), objects.map(({ key, length }) => `${key} ${length}`).sort());
}
