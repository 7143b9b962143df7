/**
 * Processes that work on a job, to be killed and frozen.
 * @module
 */
import { equal, ok } from "node:assert/strict";
import { join } from "node:path";

const WORKER = new URL("./_worker.ts", import.meta.url).pathname;

/** A process, and what it says. */
export interface Worker {
  readonly child: Deno.ChildProcess;
  readonly output: ReadableStreamDefaultReader<string>;
}

/** How a process is started. */
export interface ProcessOptions {
  /** How long its leases last. @default 3600 */
  readonly leaseSeconds?: number;
  readonly env?: Record<string, string>;
}

/** Starts one; see `_worker.ts` for what it does. */
export function startProcess(
  url: string,
  job: number,
  mode: "work" | "hold" | "late",
  { leaseSeconds = 3600, env = {} }: ProcessOptions = {},
): Worker {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", WORKER, url, String(job), mode, String(leaseSeconds)],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  return { child, output: child.stdout.pipeThrough(new TextDecoderStream()).getReader() };
}

/** Lets workers begin together when all are ready; returns how many tasks each did. */
export function runTogether(workers: readonly Worker[]): Promise<number[]> {
  const ready = Promise.all(workers.map(({ output }) => output.read()));
  return Promise.all(workers.map(async (worker) => {
    await ready;
    await worker.child.stdin.close();
    return await resultOf(worker);
  }));
}

/** How many tasks one did, once it ends. */
export async function resultOf({ child, output }: Worker): Promise<number> {
  const { value } = await output.read();
  ok((await output.read()).done);
  equal((await child.status).code, 0);
  return Number(value);
}

/** Ends one with `kill -9`. */
export async function kill({ child, output }: Worker): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It had done all there was.
    if (!(error instanceof TypeError)) throw error;
  }
  await output.cancel();
  await child.stdin.close().catch(() => {});
  await child.status;
}

/** The tasks of all lines in a folder of receipts, in ascending order. */
export async function linesIn(folder: string): Promise<number[]> {
  const tasks: number[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const lines = (await Deno.readTextFile(join(folder, name))).trimEnd().split("\n");
    tasks.push(...lines.map((line) => JSON.parse(line).t));
  }
  return tasks.sort((a, b) => a - b);
}
