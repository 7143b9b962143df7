/**
 * Sends each task through the stage its phase needs.
 * @module
 */
import type { Task } from "../core/plan.ts";
import type { Item, Stage } from "./stage.ts";

/** Joins stages of the same ends: each task takes the one that is chosen for it, one task after the other. */
export function route<I, O>(choose: (task: Task) => Stage<I, O>): Stage<I, O> {
  return async function* (source, context) {
    for await (const item of source) yield* choose(item.task)(only(item), context);
  };
}

/** Puts two stages behind each other. */
export function compose<A, B, C>(first: Stage<A, B>, second: Stage<B, C>): Stage<A, C> {
  return (source, context) => second(first(source, context), context);
}

async function* only<T>(item: Item<T>): AsyncGenerator<Item<T>> {
  yield await Promise.resolve(item);
}
