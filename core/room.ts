/**
 * Room for so much at once: bytes on their way, requests, files on a disk.
 * @module
 */
import { abortable } from "./abort.ts";

interface Waiting {
  readonly amount: number;
  readonly enter: () => void;
}

/** Room that is taken in turn. What is larger than all of it gets in when there is nothing else. */
export class Room {
  readonly #size: number;
  #used = 0;
  #queue: Waiting[] = [];

  /** @param size How much fits in. */
  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Waits until there is room, behind all who wait already.
   * @returns Gives it back; to be called once.
   * @throws The reason of the signal as soon as it aborts.
   */
  async take(amount: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine: Waiting = { amount, enter: resolve };
    this.#queue.push(mine);
    this.#admit();
    try {
      await abortable(promise, signal);
    } catch (error) {
      const at = this.#queue.indexOf(mine);
      // It may have been let in just before.
      if (at < 0) this.#leave(amount);
      else this.#queue.splice(at, 1);
      this.#admit();
      throw error;
    }
    return () => this.#leave(amount);
  }

  #leave(amount: number): void {
    this.#used -= amount;
    this.#admit();
  }

  #admit(): void {
    while (this.#queue.length > 0) {
      const [{ amount, enter }] = this.#queue;
      if (this.#used > 0 && this.#used + amount > this.#size) return;
      this.#queue.shift();
      this.#used += amount;
      enter();
    }
  }
}
