/**
 * Joins a feed of tasks and stages into one run.
 * @module
 */
import type { Item, Stage, StageContext, TaskFeed } from "./stage.ts";

/** How a run behaves. */
export interface PipelineOptions extends Partial<StageContext> {}

/** Names what a pipeline carries, in types only. */
export declare const carried: unique symbol;
/** What a pipeline carries, told to the compiler as a guess: it decides nothing where a stage says otherwise. */
export interface Carries<_T> {
  /** In types only. */
  readonly [carried]?: never;
}

/** Nothing more where a stage takes what it gets; else what the compiler says of it. */
export type Fits<T, I> = [T] extends [I] ? unknown
  : { "This stage takes": I; "but the one before it hands on": T };

/** A run that is being put together; iterating it starts it. */
export interface Pipeline<T> extends AsyncIterable<Item<T>> {
  /** In types only. */
  readonly [carried]?: Carries<T>;
  /**
   * Adds a stage; what it makes of each task is what the next one gets. Types need no annotation; a stage in the
   * wrong place does not compile, and the error says what it takes and what the one before it hands on.
   */
  through<O, I>(
    this: { readonly [carried]?: Carries<I> },
    stage: Stage<I, O> & Fits<T, I>,
  ): Pipeline<O>;
}

/**
 * Starts a pipeline; nothing runs before it is iterated, and then only as fast as it is pulled.
 * @param feed Where tasks come from.
 * @param options `signal` ends the run with its reason; `onFailure` decides what a failed task costs.
 * @default `onFailure` throws: the first failure ends the run.
 * @example A task that fails is dropped, and the run goes on
 * ```ts
 * import { box, collect, enumerate, pipeline, stage } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const boxes = [box([0, 0, 0], [7, 5, 1]), box([0, 0, 1], [7, 5, 2])];
 * const failed: number[] = [];
 * const run = pipeline(enumerate(boxes), { onFailure: ({ task }) => void failed.push(task.index) })
 *   .through(stage("look at", (_: unknown, { task }) => {
 *     if (task.box.min[2] === 0) throw new Error("too dark");
 *     return task.box.min[2];
 *   }));
 * deepEqual((await collect(run)).map(({ value }) => value), [1]);
 * deepEqual(failed, [0]);
 * ```
 */
export function pipeline<T>(feed: TaskFeed<T>, options: PipelineOptions = {}): Pipeline<T> {
  const context: StageContext = {
    signal: options.signal ?? new AbortController().signal,
    onFailure: options.onFailure ?? ((error) => {
      throw error;
    }),
  };
  const join = <T>(open: () => AsyncIterable<Item<T>>): Pipeline<T> => ({
    through: <O, I>(next: Stage<I, O>) =>
      // That it takes what is handed on was checked where it was added.
      join(() => next(open() as AsyncIterable<unknown> as AsyncIterable<Item<I>>, context)),
    [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator](),
  });
  return join(() => feed(context));
}

/**
 * Runs a pipeline to its end and returns what came out: for tests and small scripts.
 * @example The tasks of two boxes
 * ```ts
 * import { box, collect, enumerate, pipeline } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const items = await collect(pipeline(enumerate([box([0, 0, 0], [7, 5, 1]), box([0, 0, 1], [7, 5, 2])])));
 * deepEqual(items.map(({ task }) => task.index), [0, 1]);
 * ```
 */
export async function collect<T>(run: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of run) items.push(item);
  return items;
}
