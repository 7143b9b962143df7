/// <reference lib="deno.worker" />
/**
 * One thread of a pool: takes a job, answers it, one after the other.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import { type JobInput, type JobName, runJob } from "./jobs.ts";
import type { Answer } from "./worker_pool.ts";

let last: Promise<void> = Promise.resolve();

self.onmessage = (
  { data }: MessageEvent<{ id: number; name: JobName; input: JobInput<JobName> }>,
) => {
  last = last.then(() => answer(data.id, data.name, data.input));
};

async function answer(id: number, name: JobName, input: JobInput<JobName>): Promise<void> {
  try {
    const { value, times, transfer } = await runJob(name, input);
    self.postMessage({ id, value, times } satisfies Answer, [...transfer]);
  } catch (error) {
    const thrown = error instanceof Error ? error : new Error(String(error));
    self.postMessage(
      {
        id,
        error: {
          name: thrown.name,
          message: thrown.message,
          stack: thrown.stack,
          kind: (thrown as { kind?: string }).kind,
          known: thrown instanceof SluiceError,
        },
      } satisfies Answer,
    );
  }
}
