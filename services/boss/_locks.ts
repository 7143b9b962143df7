/**
 * One at a time, for each of many things.
 * @module
 */

/** Locks by name; whoever comes later waits for all that came before. */
export class Locks {
  readonly #last = new Map<string, Promise<void>>();

  /** Does something while nobody else does anything under this name. */
  async hold<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(name, promise);
    await before;
    try {
      return await work();
    } finally {
      if (this.#last.get(name) === promise) this.#last.delete(name);
      resolve();
    }
  }
}
