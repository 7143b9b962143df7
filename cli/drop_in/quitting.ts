/**
 * Ctrl-C as people of boss-ingest know it: it asks whether to quit, and goes on working meanwhile.
 * @module
 */
import { SluiceError } from "../../core/errors.ts";
import { EXIT, InterruptedError } from "../command.ts";
import type { Prompts } from "./prompts.ts";

const QUESTION = "Are you sure you want to quit uploading? (y/n)";
/** How long an abort may take before the process just ends: messages come again by themselves. */
const PATIENCE_MS = 10_000;
/** Signals within this time count as one. */
const ONE_PRESS_MS = 250;

/** What Ctrl-C needs. */
export interface QuittingOptions {
  readonly prompts: Prompts;
  /** Tells the person, and the log. */
  readonly say: (text: string) => void;
}

/** Listens for SIGINT and SIGTERM until it is disposed. */
export class Quitting implements Disposable {
  readonly #options: QuittingOptions;
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  readonly #over = new AbortController();
  readonly #onInterrupt = () => this.#press(() => this.#ask());
  readonly #onTerminate = () => this.#press(() => this.#quit());
  #pressedAt = -Infinity;
  #isAsking = false;
  /** Whether there is something to finish: else a signal just ends it. */
  isUploading = false;

  /** Listens at once. */
  constructor(options: QuittingOptions) {
    this.#options = options;
    Deno.addSignalListener("SIGINT", this.#onInterrupt);
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", this.#onTerminate);
  }

  /** Nothing new is begun, and what is in hand is finished. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /** All ends now. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  #press(act: () => void): void {
    const now = performance.now();
    if (now - this.#pressedAt < ONE_PRESS_MS) return;
    this.#pressedAt = now;
    if (this.signal.aborted) Deno.exit(EXIT.interrupted);
    if (this.isUploading && !this.#isAsking && !this.stopping.aborted) return act();
    this.#stop.abort();
    this.#abort.abort(new InterruptedError("Stopped by a signal"));
    Deno.unrefTimer(setTimeout(() => Deno.exit(EXIT.interrupted), PATIENCE_MS));
  }

  async #ask(): Promise<void> {
    const { prompts, say } = this.#options;
    this.#isAsking = true;
    try {
      const signal = AbortSignal.any([this.signal, this.#over.signal]);
      if (await prompts.ask(QUESTION, signal)) this.#quit();
      else say("Continuing...");
    } catch (error) {
      // Where nobody can answer, the signal is the answer.
      if (error instanceof SluiceError && !this.signal.aborted) this.#quit();
    } finally {
      this.#isAsking = false;
    }
  }

  #quit(): void {
    this.#options.say("Stopping upload engine.");
    this.#stop.abort();
  }

  /** Listens no more, and asks no more. */
  [Symbol.dispose](): void {
    this.#over.abort();
    Deno.removeSignalListener("SIGINT", this.#onInterrupt);
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGTERM", this.#onTerminate);
  }
}
