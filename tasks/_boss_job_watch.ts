/**
 * How far a job of a Boss is: what this process did, and what the server says now and then of all others.
 * @module
 */
import type { BossService, IngestJob } from "../boss/rest.ts";
import { delay } from "../core/abort.ts";
import type { BossJobProgress } from "./join_boss_job.ts";

/** Between two looks at the server. */
const LOOK_MS = 10_000;

/** Looks until it is disposed. */
export class BossJobWatch implements AsyncDisposable {
  readonly #service: BossService;
  readonly #job: number;
  readonly #onProgress: (progress: BossJobProgress) => void;
  readonly #over = new AbortController();
  readonly #looking: Promise<void>;
  #total?: number;
  /** As the server said last, and what was uploaded here since. */
  #left?: number;
  #since = 0;
  #uploaded = 0;
  #most = 0;

  /** Begins at once. */
  constructor(
    service: BossService,
    { id, tileCount }: IngestJob,
    onProgress: (progress: BossJobProgress) => void,
  ) {
    this.#service = service;
    this.#job = id;
    this.#total = tileCount;
    this.#onProgress = onProgress;
    this.#looking = this.#look();
  }

  /** A message was done here. */
  count(): void {
    this.#uploaded++;
    this.#since++;
    this.#tell();
  }

  #tell(): void {
    const total = this.#total;
    // Before the server has said what was done before, the job would seem to leap.
    if (total === undefined || this.#left === undefined) return;
    const left = Math.max(0, this.#left - this.#since);
    // What is received again after it was left unfinished would take the bar back.
    this.#most = Math.max(this.#most, this.#uploaded, total - left);
    const done = Math.min(total, this.#most);
    this.#onProgress({ total, done, uploaded: this.#uploaded });
  }

  /** Never fails: whoever works hears of a server that is away. */
  async #look(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const before = this.#since;
      try {
        const { total = this.#total, left } = await this.#service.status(this.#job, { signal });
        this.#total = total;
        if (left !== undefined) {
          this.#left = left;
          this.#since -= before;
        }
        this.#tell();
      } catch {
        // The next look may tell.
      }
      await delay(LOOK_MS, signal).catch(() => {});
    }
  }

  /** Looks no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#looking;
  }
}
