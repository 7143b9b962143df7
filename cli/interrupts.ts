/**
 * Ctrl-C once: finish what is in hand. Twice: stop now.
 * @module
 */
import { EXIT, InterruptedError } from "./command.ts";

/** How long an abort may take before the process just ends: leases expire by themselves. */
const PATIENCE_MS = 10_000;

/** Signals within this time count as one: `deno task` passes on what the terminal has sent already. */
const ONE_PRESS_MS = 250;

/** The signals that end a run. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/** Listens for SIGINT and SIGTERM until it is disposed. */
export class Interrupts implements Disposable {
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  readonly #onSignal = () => this.interrupt();
  readonly #say: (text: string) => void;
  #graceful = false;
  #pressed = -Infinity;

  /** @param say Tells the person what will happen. */
  constructor(say: (text: string) => void) {
    this.#say = say;
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#onSignal);
  }

  /** Ends the work when what is in hand is done. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Ends the work now. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether the first signal lets what is in hand be finished: there is something in hand. */
  set graceful(graceful: boolean) {
    this.#graceful = graceful;
    if (!graceful && this.stop.aborted) this.#end();
  }

  /** What a signal does. */
  interrupt(): void {
    const now = performance.now();
    if (now - this.#pressed < ONE_PRESS_MS) return;
    this.#pressed = now;
    if (this.signal.aborted) Deno.exit(EXIT.interrupted);
    if (!this.#graceful || this.stop.aborted) {
      this.#stop.abort();
      this.#end();
      return;
    }
    this.#say("Finishing what is in hand; press Ctrl-C again to stop at once");
    this.#stop.abort();
  }

  #end(): void {
    this.#abort.abort(new InterruptedError("Stopped by a signal"));
    Deno.unrefTimer(setTimeout(() => Deno.exit(EXIT.interrupted), PATIENCE_MS));
  }

  /** Listens no more. */
  [Symbol.dispose](): void {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, this.#onSignal);
  }
}
