/**
 * The end of a job: the server is told that all is uploaded, waits until its own queues are empty, looks for what is
 * missing, and either asks for that or is done.
 *
 * To be asked by one coordinator, and only while nobody known holds a message: the server counts only messages that it
 * can see.
 * @module
 */
import type { Clock } from "../stores/blobs/retry.ts";
import { hasEnded } from "./_rest_answers.ts";
import type { BossJobState, BossService } from "./rest.ts";

/** How far the end is. */
export type CompletionStep =
  /** The job is complete. */
  | { readonly kind: "complete" }
  /** There is, or may be, more to upload: look at the queue again, and ask again at `askAt`. */
  | { readonly kind: "open"; readonly askAt: number }
  /** The job has failed or was cancelled. */
  | { readonly kind: "ended"; readonly state: BossJobState };

/** How the end is asked for. */
export interface CompletionOptions {
  /** Is asked. */
  readonly service: BossService;
  /** Number of the job. */
  readonly job: number;
  /** Ends the wait for the server as it looks for what is missing; the job goes on without us. @default Never */
  readonly stopping?: AbortSignal;
  /** Is told what the server does. */
  readonly onState?: (text: string) => void;
}

/** The server waits so long for its own queues, and so do we where something came in between. */
const WAIT_MS = 180_000;
/** Between two questions where the server names no time. */
const PAUSE_MS = 10_000;
/** What the server's clock may differ in its seconds. */
const MARGIN_MS = 1_000;

/** Waits some milliseconds, or until it is asked to stop; throws the reason of `signal`. */
export async function waitOr(
  clock: Clock,
  milliseconds: number,
  signal: AbortSignal,
  stopping: AbortSignal | undefined,
): Promise<void> {
  const either = stopping === undefined ? signal : AbortSignal.any([signal, stopping]);
  try {
    await clock.wait(milliseconds, either);
  } catch (error) {
    if (signal.aborted || !stopping?.aborted) throw error;
  }
}

/** The end of one job, step by step. */
export class Completion {
  readonly #options: CompletionOptions;
  #askAt = 0;
  #isWaiting = false;

  /** Asks nothing yet. */
  constructor(options: CompletionOptions) {
    this.#options = options;
  }

  /** Not to be asked before, milliseconds since 1970. */
  get askAt(): number {
    return this.#askAt;
  }

  /** Something was uploaded meanwhile: what the server waits for begins anew. */
  disturb(): void {
    if (this.#isWaiting) this.#askAt = Math.max(this.#askAt, this.#now() + WAIT_MS);
  }

  /**
   * Asks once, and waits where the server looks for what is missing: queues may vanish then.
   * @throws {BossError} If the server cannot be asked, or refuses.
   */
  async step(signal: AbortSignal): Promise<CompletionStep> {
    const { service, job, onState = () => {} } = this.#options;
    const answer = await service.complete(job, { signal });
    switch (answer.kind) {
      case "done":
        return { kind: "complete" };
      case "wait":
        onState(`the server waits ${Math.ceil(answer.seconds)} s for its own queues`);
        this.#isWaiting = true;
        return this.#open(answer.seconds * 1000 + MARGIN_MS);
      case "uploading":
        this.#isWaiting = false;
        return this.#open(PAUSE_MS);
      case "completing":
        onState("the server looks for what is missing");
        this.#isWaiting = false;
        return await this.#watch(signal);
    }
    return answer satisfies never;
  }

  async #watch(signal: AbortSignal): Promise<CompletionStep> {
    const { service, job, stopping, onState = () => {} } = this.#options;
    while (!stopping?.aborted) {
      const { state } = await service.status(job, { signal });
      if (state === "complete") return { kind: "complete" };
      if (hasEnded(state)) return { kind: "ended", state };
      if (state !== "completing") {
        onState("the server asks for more");
        this.#isWaiting = state === "waiting-on-queues";
        return this.#open(0);
      }
      await waitOr(service.clock, PAUSE_MS, signal, stopping);
    }
    return this.#open(0);
  }

  #open(milliseconds: number): CompletionStep {
    this.#askAt = this.#now() + milliseconds;
    return { kind: "open", askAt: this.#askAt };
  }

  #now(): number {
    return this.#options.service.clock.now();
  }
}
