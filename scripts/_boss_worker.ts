/**
 * A process that works on a job of a Boss whose time runs faster, as `sluice join` does in the time of the machine.
 *
 * Its only argument is JSON: {@linkcode FastWorker}. Prints what came of it; exit code 1 where not all could be done.
 */
import { delay } from "../core/abort.ts";
import type { Clock } from "../stores/blobs/retry.ts";
import { joinBossJob } from "../tasks/join_boss_job.ts";

/** What it works on, and how fast its time runs. */
export interface FastWorker {
  readonly config: string;
  readonly job: number;
  readonly token: string;
  readonly spool: string;
  readonly endpoint: string;
  /** Seconds to one of the machine's, since `begun`. */
  readonly speed: number;
  /** Milliseconds since 1970. */
  readonly begun: number;
}

function fastClock({ speed, begun }: FastWorker): Clock {
  return {
    now: () => begun + (Date.now() - begun) * speed,
    wait: (milliseconds, signal) => delay(milliseconds / speed, signal),
  };
}

if (import.meta.main) {
  const worker = JSON.parse(Deno.args[0]) as FastWorker;
  const { config, job, token, spool, endpoint } = worker;
  try {
    const report = await joinBossJob(config, job, {
      token,
      spool,
      endpoint,
      waitSeconds: 1,
      retry: { clock: fastClock(worker) },
    });
    console.log(JSON.stringify(report));
    if (report.end !== "complete") Deno.exitCode = 1;
  } catch (error) {
    console.error(error);
    Deno.exit(1);
  }
}
