/**
 * The line that says how an upload goes, as scripts of the Boss look for it.
 * @module
 */

/** How much is left. */
export interface UploadState {
  readonly left: number;
  readonly total: number;
}

const SAMPLE_MS = 10_000;
const SAMPLES = 6;
const PRINT_MS = 30_000;

/** Makes the lines of one upload, at most one every 30 seconds. */
export class ProgressLine {
  readonly #units: string;
  readonly #began: number;
  readonly #now: () => number;
  /** What was done in each of the last steps. */
  readonly #steps: { readonly done: number; readonly milliseconds: number }[] = [];
  #last?: { readonly left: number; readonly at: number };
  #printedAt: number;

  /** @param now Milliseconds. @default Those of the machine */
  constructor(kind: "tile" | "volumetric", now: () => number = () => performance.now()) {
    this.#units = kind === "tile" ? "tile" : "chunks";
    [this.#now, this.#began] = [now, now()];
    this.#printedAt = this.#began;
  }

  /** Minutes since the upload began. */
  get minutes(): number {
    return (this.#now() - this.#began) / 60_000;
  }

  /** Looks at how much is left. @returns A line, if it is time for one. */
  look({ left, total }: UploadState): string | undefined {
    const now = this.#now();
    if (this.#last === undefined) this.#last = { left, at: now };
    else if (now - this.#last.at >= SAMPLE_MS) {
      this.#steps.push({ done: this.#last.left - left, milliseconds: now - this.#last.at });
      if (this.#steps.length > SAMPLES) this.#steps.shift();
      this.#last = { left, at: now };
    }
    if (now - this.#printedAt < PRINT_MS) return undefined;
    this.#printedAt = now;
    if (left === 0) {
      return "Waiting to ensure all upload tasks have been processed. Just a few minutes longer...";
    }
    const rate = this.#perMinute();
    return `Uploading ~${
      rate.toFixed(2)
    } ${this.#units}/min - Approx ${left} of ${total} ${this.#units} remaining, ${
      spellEta(rate > 0 ? left / rate : undefined)
    } - Elapsed time ${this.minutes.toFixed(2)} minutes`;
  }

  #perMinute(): number {
    const sum = (key: "done" | "milliseconds") =>
      this.#steps.reduce((all, step) => all + step[key], 0);
    const milliseconds = sum("milliseconds");
    return milliseconds === 0 ? 0 : sum("done") / milliseconds * 60_000;
  }
}

function spellEta(minutes: number | undefined): string {
  if (minutes === undefined) return "calculating ETA...";
  if (minutes > 1440) return `ETA: ${(minutes / 1440).toFixed(2)} days`;
  return minutes > 60
    ? `ETA: ${(minutes / 60).toFixed(2)} hours`
    : `ETA: ${minutes.toFixed(2)} minutes`;
}
