/**
 * Waiting: until an abort ends it, or until all is over.
 * @module
 */

/**
 * Waits for a promise, or throws `signal.reason` itself as soon as the signal aborts.
 * The work behind the promise goes on unless it watches the signal, too.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Once the signal won, nobody listens to what the promise still has to say.
  promise.catch(() => {});
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Waits some milliseconds, or throws `signal.reason` as soon as the signal aborts. */
export function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Wake().wait(milliseconds, signal);
}

/**
 * Lets the one who waits go on sooner, as what it waits for may have come.
 * @example A call that came before the wait
 * ```ts
 * import { Wake } from "@sluice/sluice";
 * import { ok } from "node:assert/strict";
 * const wake = new Wake();
 * const began = performance.now();
 * wake.call();
 * await wake.wait(60_000, new AbortController().signal);
 * ok(performance.now() - began < 30_000);
 * ```
 */
export class Wake {
  #isCalled = false;
  #goOn = () => {};

  /** Ends the wait that goes on now, else the next one. */
  call(): void {
    this.#isCalled = true;
    this.#goOn();
  }

  /** Waits for a call, at most some milliseconds, or throws `signal.reason` as soon as the signal aborts. */
  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#goOn = resolve;
    if (this.#isCalled) resolve();
    try {
      await abortable(promise, signal);
    } finally {
      this.#isCalled = false;
      clearTimeout(timer);
    }
  }
}

/** Waits for all, whatever some do, then throws what the first of them threw: nobody writes into a buffer any more. */
export async function allSettled(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected") throw result.reason;
  }
}

/** Works on each, some at once; after the first failure no more are begun, and it is thrown when all have ended. */
export async function eachAtOnce<T>(
  items: Iterable<T> | AsyncIterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = Symbol.asyncIterator in items
    ? items[Symbol.asyncIterator]()
    : items[Symbol.iterator]();
  let failed = false;
  await allSettled(Array.from({ length: most }, async () => {
    while (!failed) {
      try {
        const { done, value } = await queue.next();
        if (done) return;
        await work(value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  }));
}
