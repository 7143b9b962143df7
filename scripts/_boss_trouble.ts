/** All that goes wrong between workers of a Boss job and its servers, as the job goes on. */
import { delay } from "../core/abort.ts";
import type { BossTestServer, TestJob } from "../tests/boss/_boss_server.ts";
import { queueError } from "../tests/boss/_sqs_server.ts";
import type { Running } from "./_process.ts";

/** What is to go wrong. */
export interface TroubleOptions {
  readonly boss: BossTestServer;
  readonly job: TestJob;
  /** Objects of the job that are there. */
  readonly count: () => number;
  readonly total: number;
  /** The processes; those that are killed are replaced in place. */
  readonly running: Running[];
  readonly startOne: () => Running;
  /** Milliseconds that each put takes. */
  readonly putMs: number;
  /** Seconds, by the clock of the server, in which the queues answer nothing but errors. */
  readonly outageSeconds: number;
  readonly random: () => number;
}

/** How often what went wrong. */
export interface TroubleReport {
  /** Requests to the bucket that went wrong, of so many. */
  failedPuts: number;
  puts: number;
  queueErrors: number;
  /** Times that all keys were taken back. */
  revoked: number;
  /** Messages that somebody else could receive while they were in hand. */
  early: number;
  /** Messages that came again after they were deleted. */
  late: number;
  killed: number;
  /** Messages that were hidden as somebody was killed. */
  heldThen: number;
}

/** Parts of a job that are done when half of the processes are killed. */
const KILLS = [0.25, 0.5];
/** When keys are taken back. */
const REVOKES = [0.15, 0.4, 0.65];
/** When the queues fail. */
const OUTAGE = 0.3;
const LATE = 20;
const TWICE = 10;

const sleep = (milliseconds: number) => delay(milliseconds, new AbortController().signal);

/** Makes trouble until most of the job is done, or all processes have ended. */
export async function makeTrouble(options: TroubleOptions): Promise<TroubleReport> {
  const { boss, job, running, count, total, random } = options;
  const report: TroubleReport = {
    failedPuts: 0,
    puts: 0,
    queueErrors: 0,
    revoked: 0,
    early: 0,
    late: 0,
    killed: 0,
    heldThen: 0,
  };
  troublePuts(options);
  job.upload.duplicates = TWICE;
  const deleted: string[] = [];
  const look = job.upload.onDelete!;
  job.upload.onDelete = (body) => {
    deleted.push(body);
    look(body);
  };
  const [kills, revokes] = [[...KILLS], [...REVOKES]];
  let outageUntil: number | undefined;
  while (count() < total * 0.75 && !await haveEnded(running)) {
    const done = count() / total;
    const now = boss.clock.now();
    if (done >= revokes[0]) {
      revokes.shift();
      boss.revoke(job.id);
      report.revoked++;
    }
    if (outageUntil === undefined && done >= OUTAGE) {
      outageUntil = now + options.outageSeconds * 1000;
      boss.sqs.intercept = () => {
        report.queueErrors++;
        return queueError(500, "InternalFailure");
      };
    }
    if (outageUntil !== undefined && now > outageUntil) boss.sqs.intercept = undefined;
    if (done >= kills[0]) {
      kills.shift();
      report.heldThen += hidden(options).length;
      report.killed += await killHalf(options);
    }
    const held = hidden(options);
    if (held.length > 0 && random() < 0.1) {
      held[Math.floor(random() * held.length)].visibleAt = 0;
      report.early++;
    }
    if (report.late < LATE && deleted.length > 0 && random() < 0.3) {
      boss.sqs.put(job.upload, deleted[Math.floor(random() * deleted.length)]);
      report.late++;
    }
  }
  boss.sqs.intercept = undefined;
  report.puts = boss.s3.log.length;
  report.failedPuts = [...boss.s3.faults.values()].reduce((sum, count) => sum + count, 0);
  return report;
}

async function haveEnded(running: readonly Running[]): Promise<boolean> {
  const ends = Promise.all(running.map(({ output }) => output));
  return await Promise.race([ends.then(() => true), sleep(50).then(() => false)]);
}

function hidden({ boss, job }: TroubleOptions) {
  return job.upload.messages.filter(({ visibleAt }) => visibleAt > boss.clock.now());
}

/** @returns How many. */
async function killHalf({ running, startOne }: TroubleOptions): Promise<number> {
  const half = running.length >> 1;
  const victims = running.splice(0, half);
  for (const { child } of victims) child.kill("SIGKILL");
  for (const { output } of victims) await output;
  for (let i = 0; i < half; i++) running.push(startOne());
  return half;
}

/** Puts take their time, and 5 % of them fail in one way or another. */
function troublePuts({ boss, putMs, random }: TroubleOptions): void {
  const guard = boss.s3.intercept!;
  boss.s3.intercept = async (request) => {
    await sleep(putMs * (0.5 + random()));
    return await guard(request);
  };
  boss.s3.behaviour.faults = {
    error: 0.02,
    "slow-down": 0.005,
    "reset-before": 0.01,
    "reset-after": 0.01,
    flip: 0.005,
  };
}
