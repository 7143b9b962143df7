/**
 * What is shown while this process works on a job of a Boss, and what came of it.
 * @module
 */
import type { WorkerEvent } from "../boss/worker.ts";
import type { BossJobProgress, BossJobReport, BossJobStart } from "../tasks/join_boss_job.ts";
import { describeFaults } from "./boss_report.ts";
import { EXIT, InterruptedError } from "./command.ts";
import type { Interrupts } from "./interrupts.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import { formatCount, formatDuration, plural } from "./text.ts";

/** Events of one kind that are told of while the work goes on. */
const TOLD = 5;
/** Dead letters that are named at the end; the rest is counted. */
const NAMED = 20;

/** Shows what goes on, and counts it. */
export class BossMonitor {
  readonly #output: Output;
  readonly #interrupts: Interrupts;
  readonly #progress: Progress;
  /** The end of the command line that goes on with the job. */
  readonly #same: string;
  readonly #began = Date.now();
  readonly #told = new Map<WorkerEvent["kind"], number>();
  #start?: BossJobStart;
  #latest?: BossJobProgress;
  #server = "";

  constructor(
    output: Output,
    interrupts: Interrupts,
    { same, progress = Progress.of(output) }: {
      readonly same: string;
      readonly progress?: Progress;
    },
  ) {
    [this.#output, this.#interrupts, this.#progress] = [output, interrupts, progress];
    this.#same = same;
  }

  /** The server is not ready. */
  readonly onWait = (why: string): void => {
    if (why !== this.#server) this.#output.note(`Waiting: ${why}`);
    this.#server = why;
  };

  /** Work begins: from here on, a signal lets what is in hand be finished. */
  readonly onStart = (start: BossJobStart): void => {
    this.#start = start;
    const { server, job, kind, total, needs, warnings } = start;
    const size = total === undefined ? `a ${kind} job` : plural(total, unitOf(kind));
    for (
      const line of [
        ...(warnings.length === 0 ? [] : ["Warnings", ...describeFaults(warnings)]),
        `Joined ingest job ${job} at "${new URL(server).host}": ${size}`,
        needs,
      ]
    ) this.#output.note(line);
    this.#interrupts.graceful = true;
    this.#progress.begin("uploading");
  };

  /** Messages are done, here or elsewhere. */
  readonly onProgress = (progress: BossJobProgress): void => {
    const { total, done } = progress;
    const isOver = done === total && this.#latest?.done === total;
    this.#latest = progress;
    // What is left then is the server's.
    if (isOver) return;
    const unit = `${unitOf(this.#start?.kind ?? "tile")}s`;
    this.#progress.update({ done, total, unit, perMinute: true });
  };

  /** Something happened to a message, or on the way. */
  readonly onEvent = (event: WorkerEvent): void => {
    if (event.kind === "uploaded") return;
    if (event.kind === "server") {
      if (event.text !== this.#server) this.say(`Waiting for the Boss: ${event.text}`);
      this.#server = event.text;
      return;
    }
    const told = (this.#told.get(event.kind) ?? 0) + 1;
    this.#told.set(event.kind, told);
    if (told > TOLD + 1) return;
    this.say(told > TOLD ? MORE[event.kind] : describeEvent(event));
  };

  /** Words between the lines of progress. */
  say(text: string): void {
    if (!this.#output.quiet && !this.#output.json) this.#progress.say(text);
  }

  /** Says what came of it. @returns The exit code. */
  conclude(report: BossJobReport, more: object = {}): number {
    this.#progress.end();
    const code = exitCode(report);
    const seconds = (Date.now() - this.#began) / 1000;
    const { total, done } = this.#latest ?? {};
    this.#output.report(
      {
        ...report,
        ...more,
        ...(total === undefined ? {} : { total, done }),
        seconds,
        exitCode: code,
      },
      () => this.#describe(report),
    );
    return code;
  }

  /** What is thrown where the work ended early: with what to do next, if a signal ended it. */
  explain(error: unknown): unknown {
    this.#progress.end();
    if (!this.#interrupts.signal.aborted) return error;
    return new InterruptedError(
      this.#start === undefined
        ? "Stopped; nothing was uploaded"
        : `Stopped at once; nothing is lost, what was in hand comes again within three minutes. To go on: ${this.#goOn}`,
    );
  }

  get #goOn(): string {
    return `sluice join ${this.#same}`;
  }

  #describe(report: BossJobReport): string {
    const { job, end, state, dead, uploaded, foundEnded, decoded } = report;
    const unit = unitOf(this.#start?.kind ?? "tile");
    const own = `${plural(uploaded, unit)} by this process`;
    switch (end) {
      case "complete":
        return foundEnded ? `Nothing to do, ingest job ${job} is complete` : [
          `Ingest job ${job} is complete; ${own}`,
          `  ${formatDuration(Date.now() - this.#began)}, decoded ${
            formatCount(decoded.made)
          } and found decoded ${formatCount(decoded.found)}`,
        ].join("\n");
      case "stopped":
        return `Stopped; ${own}, nothing is lost. To go on: ${this.#goOn}`;
      case "stuck":
        return [
          `Ingest job ${job} is not complete; ${own}, ${plural(dead.length, "message")} given up:`,
          ...dead.slice(0, NAMED).map(({ what, attempts, reason }) =>
            `  ${what}, ${plural(attempts, "attempt")}: ${reason.split("\n")[0]}`
          ),
          ...(dead.length > NAMED ? [`  and ${formatCount(dead.length - NAMED)} more`] : []),
          `They stay in the queue, and come again to whoever joins. Mend the cause, then: ${this.#goOn}`,
        ].join("\n");
      case "ended":
        return `Ingest job ${job} ${
          state === "deleted" ? "was cancelled" : "has failed at the server"
        }; ${own}. Nothing more can be uploaded to it: create another`;
      case "idle":
        return [
          `Nothing more came; ${own}`,
          `When all machines have ended: sluice complete ${this.#same}`,
        ].join("\n");
      default:
        return end satisfies never;
    }
  }
}

/** What a message asks for. */
export function unitOf(kind: "tile" | "volumetric"): string {
  return kind === "tile" ? "tile" : "chunk";
}

const MORE = {
  failed: "More attempts failed",
  dead: "More were given up; all are named at the end",
  trouble: "More trouble on the way; it is tried on",
} as const;

function describeEvent(
  event: Exclude<WorkerEvent, { readonly kind: "uploaded" | "server" }>,
): string {
  switch (event.kind) {
    case "failed":
      return `Attempt ${event.attempt} at ${event.what} failed: ${event.reason}`;
    case "dead":
      return `Given up: ${event.what}: ${event.reason}`;
    case "trouble":
      return `Trouble on the way: ${event.reason}`;
    default:
      return event satisfies never;
  }
}

/** 0 complete, or left to others; 1 messages left dead, or the job is no more; 130 stopped before the end. */
function exitCode({ end }: BossJobReport): number {
  if (end === "complete" || end === "idle") return EXIT.done;
  return end === "stopped" ? EXIT.interrupted : EXIT.failed;
}
