/**
 * Trying again: with growing pauses, within a number of attempts and a time, at a rate that falls when a server asks
 * for it and recovers by itself.
 * @module
 */
import { delay } from "../../core/abort.ts";
import { BlobError, type BlobErrorKind } from "./blobs.ts";

/** Time, as far as waiting and signing need it. A test moves one of its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Waits some milliseconds, or throws `signal.reason` as soon as the signal aborts. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** How long to try. */
export interface RetryOptions {
  /** Times that a request is sent at most; being told to slow down is not counted. @default 8 */
  readonly attempts?: number;
  /** Nothing is begun again later than this after the first attempt, but for a second one. @default 120 */
  readonly seconds?: number;
  /** A request is given up when no byte of its answer comes for so long. @default 30 */
  readonly stallSeconds?: number;
  /** Time, for pauses and signatures. @default The clock of the machine */
  readonly clock?: Clock;
  /** From 0 to 1: how much of the longest pause is waited. @default Math.random */
  readonly random?: () => number;
}

const SYSTEM_CLOCK: Clock = { now: Date.now, wait: delay };
/** Pauses grow from the first, twofold, to the longest. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 20_000;

/** A fault that may be gone when the same is asked again. Its message holds no secret. */
export class Transient extends Error {
  /** The server asks for fewer requests. */
  readonly slowDown: boolean;
  /** What the server wants waited before the next attempt, in milliseconds. */
  readonly pause: number;

  constructor(
    message: string,
    readonly kind: BlobErrorKind & ("unavailable" | "corrupt"),
    { slowDown = false, pause = 0 } = {},
  ) {
    super(message);
    this.slowDown = slowDown;
    this.pause = pause;
  }
}

/** What one call asks of {@linkcode Retry.run}. */
export interface RunOptions {
  /** What is done with what, as an error begins: `read "s3://bucket/key"`. */
  readonly act: string;
  readonly signal?: AbortSignal;
  /** @default As for every call */
  readonly attempts?: number;
  /** What can be done once attempts or time are used up. @default As for blobs */
  readonly wayOut?: string;
}

/** Tries for all calls to one server, so that they share its rate. */
export class Retry {
  readonly clock: Clock;
  /** Milliseconds without a byte after which a request is given up. */
  readonly stall: number;
  readonly #attempts: number;
  readonly #time: number;
  readonly #random: () => number;
  readonly #pace: Pace;

  constructor(options: RetryOptions = {}) {
    const { attempts = 8, seconds = 120, stallSeconds = 30 } = options;
    const { clock = SYSTEM_CLOCK, random = Math.random } = options;
    this.clock = clock;
    this.stall = stallSeconds * 1000;
    this.#attempts = attempts;
    this.#time = seconds * 1000;
    this.#random = random;
    this.#pace = new Pace(clock);
  }

  /**
   * Works until it succeeds, or throws anything but a {@linkcode Transient}.
   * @throws {BlobError} With the last fault, when attempts or time are used up.
   */
  async run<T>(work: () => Promise<T>, options: RunOptions): Promise<T> {
    const { act, signal = new AbortController().signal, attempts = this.#attempts } = options;
    const until = this.clock.now() + this.#time;
    let counted = 0;
    for (let attempt = 1;; attempt++) {
      await this.#pace.turn(signal);
      const began = this.clock.now();
      try {
        const result = await work();
        this.#pace.succeed();
        return result;
      } catch (fault) {
        if (!(fault instanceof Transient)) throw fault;
        if (fault.slowDown) this.#pace.slowDown(began);
        else counted++;
        const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempt, 30));
        const pause = Math.max(fault.pause, this.#random() * longest);
        const isLate = this.clock.now() + pause > until;
        // One silent answer to a large body may take all the time there is.
        const isFirst = attempt === 1 && pause <= LONGEST_PAUSE;
        if (counted >= attempts || isLate && !isFirst) {
          throw exhausted(act, fault, attempt, options.wayOut);
        }
        await this.clock.wait(pause, signal);
      }
    }
  }
}

function exhausted(
  act: string,
  { kind, message }: Transient,
  attempts: number,
  wayOut = kind === "corrupt"
    ? "compare it with what another program reads from there"
    : "try again later, or look at the server and the network",
): BlobError {
  const tried = attempts === 1 ? "one attempt" : `${attempts} attempts`;
  return new BlobError(`Cannot ${act}: ${message}, after ${tried}; ${wayOut}`, kind);
}

/** A fall leaves so much of the rate; a success adds so much: where one in twenty is refused, both are even. */
const [FALL, RISE] = [0.7, 1.02];
/** Without any answer, the rate doubles in this time. */
const RECOVERY = 10_000;
/** Milliseconds between two requests: the least that counts, what a first fall leads to at least, and the most. */
const [NO_GAP, FIRST_GAP, LONGEST_GAP] = [1, 2, 5_000];

/** Spreads requests in time once a server asked for fewer, and less so as it takes them again. */
export class Pace {
  readonly #clock: Clock;
  /** What it was when it was changed last. */
  #gap = 0;
  #changed = -Infinity;
  #fell = -Infinity;
  #next = -Infinity;
  #last?: number;
  /** Mean time between requests of late. */
  #mean = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds between two requests as of now; 0: no limit. */
  get gap(): number {
    const gap = this.#gap * 2 ** -((this.#clock.now() - this.#changed) / RECOVERY);
    return gap < NO_GAP ? 0 : gap;
  }

  #change(gap: number): void {
    this.#gap = Math.min(LONGEST_GAP, gap);
    this.#changed = this.#clock.now();
  }

  /** Waits until the next request may go out. */
  async turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const now = this.#clock.now();
    const at = Math.max(now, this.#next);
    this.#next = at + this.gap;
    this.#mean += (Math.min(at - (this.#last ?? at), LONGEST_GAP) - this.#mean) / 16;
    this.#last = at;
    if (at > now) await this.#clock.wait(at - now, signal);
  }

  /** The server took a request. */
  succeed(): void {
    if (this.#gap > 0) this.#change(this.gap / RISE);
  }

  /** The server asked for fewer requests. @param began When the request began that was told so. */
  slowDown(began: number): void {
    // What was sent at the rate before says nothing about this one.
    if (began <= this.#fell) return;
    this.#change(Math.max(FIRST_GAP, this.gap || this.#mean) / FALL);
    this.#fell = this.#clock.now();
  }
}
