/**
 * How far a job is, on stderr: one line that is drawn again on a terminal, a line now and then elsewhere.
 * @module
 */
import { mebibytes } from "../tasks/memory.ts";
import { type Output, terminalColumns, write } from "./output.ts";
import { formatCount, formatDuration } from "./text.ts";

/** How far one phase is. */
export interface Step {
  readonly done: number;
  readonly total: number;
  /** What is counted. */
  readonly unit: string;
  /** Part that is done, finer than `done` of `total`. */
  readonly part?: number;
  /** Bytes of voxels that went through, and bytes that were written. */
  readonly voxelBytes?: number;
  readonly writtenBytes?: number;
  readonly losses?: number;
  /** Whether units a minute are said. @default false */
  readonly perMinute?: boolean;
}

/** Where progress goes. */
export interface ProgressOptions {
  /** Columns of the terminal now; 0 for none. @default Those of stderr */
  readonly columns?: () => number;
  /** @default To stderr */
  readonly write?: (text: string) => void;
  /** Milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** A line is drawn again after this many milliseconds at the earliest. */
const REDRAW = 100;
/** Lines of their own come this far apart, or after {@linkcode STRETCH} of the work. */
const PAUSE = 10_000;
const STRETCH = 0.1;
const LEAST_PAUSE = 1000;
/** Seconds over which the rate is smoothed. */
const SMOOTH = 15;

/** Shows one phase after the other. */
export class Progress {
  readonly #columns: () => number;
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  #phase = "";
  #began = 0;
  #last?: { readonly at: number; readonly part: number; readonly bytes: number };
  /** Sums over the time that counts, the older the less. */
  #sums?: { readonly seconds: number; readonly part: number; readonly bytes: number };
  #shown?: { readonly at: number; readonly part: number };
  #step?: Step;
  #isDrawn = false;

  constructor(options: ProgressOptions = {}) {
    this.#columns = options.columns ?? terminalColumns;
    this.#write = options.write ?? ((text) => write(Deno.stderr, text));
    this.#now = options.now ?? Date.now;
  }

  /** Progress as the flags of a command want it: none with `--json` or `--quiet`. */
  static of(output: Output): Progress {
    return new Progress(output.json || output.quiet ? { write: () => {} } : {});
  }

  /** Begins a phase, such as `planning`. */
  begin(phase: string): void {
    this.end();
    this.#phase = phase;
    this.#began = this.#now();
    this.#last =
      this.#sums =
      this.#shown =
      this.#step =
        undefined;
  }

  /** Says how far it is; shown when it is time. */
  update(step: Step): void {
    const now = this.#now();
    this.#step = step;
    this.#measure(now, step);
    const part = partOf(step);
    const since = this.#shown === undefined ? Infinity : now - this.#shown.at;
    if (this.#columns() > 0) {
      if (since < REDRAW && step.done < step.total) return;
      this.#draw(step);
    } else {
      // A phase that ends at once needs no line of its own.
      const first = now - this.#began < LEAST_PAUSE;
      const moved = part - (this.#shown?.part ?? 0);
      if (first || since < LEAST_PAUSE || (since < PAUSE && moved < STRETCH)) return;
      this.#write(`${this.#describe(step)}\n`);
    }
    this.#shown = { at: now, part };
  }

  /** Words between the lines of progress. */
  say(text: string): void {
    this.#clear();
    this.#write(`${text}\n`);
    if (this.#step !== undefined && this.#columns() > 0) this.#draw(this.#step);
  }

  /** Ends the phase: the line is taken away. */
  end(): void {
    this.#clear();
    this.#step = undefined;
  }

  #measure(now: number, step: Step): void {
    const [part, bytes] = [partOf(step), step.voxelBytes ?? 0];
    if (this.#last === undefined) {
      this.#last = { at: now, part, bytes };
      return;
    }
    const seconds = (now - this.#last.at) / 1000;
    if (seconds < 0.5) return;
    const kept = Math.exp(-seconds / SMOOTH);
    const before = this.#sums ?? { seconds: 0, part: 0, bytes: 0 };
    this.#sums = {
      seconds: before.seconds * kept + seconds,
      part: before.part * kept + part - this.#last.part,
      bytes: before.bytes * kept + bytes - this.#last.bytes,
    };
    this.#last = { at: now, part, bytes };
  }

  #draw(step: Step): void {
    const columns = this.#columns();
    const text = this.#describe(step, Math.min(24, Math.floor(columns / 4)));
    this.#write(`\r\x1b[2K${text.slice(0, columns - 1)}`);
    this.#isDrawn = true;
  }

  #clear(): void {
    if (this.#isDrawn) this.#write("\r\x1b[2K");
    this.#isDrawn = false;
  }

  #describe(step: Step, barColumns = 0): string {
    const part = partOf(step);
    const sums = this.#sums;
    const rate = sums && sums.bytes / sums.seconds;
    const left = sums && sums.part > 0 ? (1 - part) / sums.part * sums.seconds * 1000 : undefined;
    return [
      `${this.#phase}${barColumns > 0 ? ` ${bar(part, barColumns)}` : ""} ${
        String(Math.floor(part * 100)).padStart(3)
      } %`,
      `${step.done}/${step.total} ${step.unit}`,
      ...(rate === undefined || step.voxelBytes === undefined
        ? []
        : [`${(rate / 1e6).toFixed(rate < 1e7 ? 1 : 0)} MB/s`]),
      ...(sums === undefined || !step.perMinute ? [] : [
        `${formatCount(sums.part / sums.seconds * 60 * step.total)} ${step.unit}/min`,
      ]),
      ...(step.writtenBytes === undefined ? [] : [`${mebibytes(step.writtenBytes)} written`]),
      ...(step.losses ? [`${step.losses} lost`] : []),
      ...(left === undefined || part >= 1 ? [] : [`${formatDuration(left)} left`]),
    ].join("  ");
  }
}

function partOf({ done, total, part }: Step): number {
  const whole = total === 0 ? 1 : done / total;
  return Math.min(1, Math.max(0, done < total ? Math.min(0.999, part ?? whole) : 1));
}

/** A bar of half blocks. */
export function bar(part: number, columns: number): string {
  const full = Math.floor(part * columns);
  const half = part * columns - full >= 0.5;
  return ("█".repeat(full) + (half ? "▌" : "")).padEnd(columns, "░");
}
