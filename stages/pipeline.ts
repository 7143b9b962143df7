/**
 * Joins a feed of tasks and stages into one run.
 * @module
 */
import type { Item, Stage, StageContext, TaskFeed } from "./stage.ts";

/** How a run behaves. */
export interface PipelineOptions extends Partial<StageContext> {}

/** A run that is being put together; iterating it starts it. */
export interface Pipeline<T> extends AsyncIterable<Item<T>> {
  /** Adds a stage; what it makes of each task is what the next one gets. */
  through<O>(stage: Stage<T, O>): Pipeline<O>;
}

/**
 * Starts a pipeline; nothing runs before it is iterated, and then only as fast as it is pulled.
 * @param feed Where tasks come from.
 * @param options `signal` ends the run with its reason; `onFailure` decides what a failed task costs.
 * @default `onFailure` throws: the first failure ends the run.
 */
export function pipeline<T>(feed: TaskFeed<T>, options: PipelineOptions = {}): Pipeline<T> {
  const context: StageContext = {
    signal: options.signal ?? new AbortController().signal,
    onFailure: options.onFailure ?? ((error) => {
      throw error;
    }),
  };
  const join = <T>(open: () => AsyncIterable<Item<T>>): Pipeline<T> => ({
    through: (next) => join(() => next(open(), context)),
    [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator](),
  });
  return join(() => feed(context));
}

/** Runs a pipeline to its end and returns what came out: for tests and small scripts. */
export async function collect<T>(run: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of run) items.push(item);
  return items;
}
