/**
 * The stage contract: async generators that move tasks, one in, one out.
 * @module
 */
import { abortable } from "../core/abort.ts";
import type { Task } from "../core/plan.ts";

/** One task on its way, with what has been made of it so far. */
export type Item<T> = { readonly task: Task; readonly value: T };

/** What every step of one run shares. */
export interface StageContext {
  /** Ends the run; work that can last watches it. */
  readonly signal: AbortSignal;
  /** What a failed task costs: return to drop it and go on, throw to stop the run. */
  readonly onFailure: (error: StageError) => void | Promise<void>;
}

/**
 * Where tasks come from.
 * @example Every second task
 * ```ts
 * import { box, collect, enumerate, pipeline, type TaskFeed } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const all = enumerate([0, 1, 2].map((z) => box([0, 0, z], [7, 5, z + 1])));
 * const even: TaskFeed<undefined> = async function* (context) {
 *   for await (const item of all(context)) if (item.task.index % 2 === 0) yield item;
 * };
 * deepEqual((await collect(pipeline(even))).map(({ task }) => task.index), [0, 2]);
 * ```
 */
export type TaskFeed<T> = (context: StageContext) => AsyncIterable<Item<T>>;

/** One step of a pipeline. Made by {@linkcode stage}. */
export type Stage<I, O> = (
  source: AsyncIterable<Item<I>>,
  context: StageContext,
) => AsyncIterable<Item<O>>;

/**
 * A task could not pass a stage; `cause` says why.
 * @example Which stage could not do what to which task
 * ```ts
 * import { box, collect, enumerate, pipeline, stage, StageError } from "@sluice/sluice";
 * import { rejects } from "node:assert/strict";
 * const focus = stage("focus", (): number => {
 *   throw new Error("too dark");
 * });
 * const run = pipeline(enumerate([box([0, 0, 0], [7, 5, 3])])).through(focus);
 * await rejects(collect(run), (error) =>
 *   error instanceof StageError && error.message === "Cannot focus task 0: too dark");
 * ```
 */
export class StageError extends Error {
  /** Says which class it is. */
  override readonly name = "StageError";
  /** Says which stage could not do what to which task. */
  constructor(readonly stage: string, readonly task: Task, cause: unknown) {
    super(
      `Cannot ${stage} task ${task.index}: ${
        cause instanceof Error ? cause.message : String(cause)
      }`,
      { cause },
    );
  }
}

/** What the work of a stage is told beside its value. */
export interface StageWork {
  /** The task in hand. */
  readonly task: Task;
  /** Ends the run; work that can last watches it. */
  readonly signal: AbortSignal;
}

/** How a stage works. */
export interface StageOptions {
  /** Tasks that are worked on at once. @default 1 */
  readonly concurrency?: number;
  /** Whether tasks leave in the order they came. @default true */
  readonly ordered?: boolean;
}

/**
 * Makes a stage from a plain function of one task's value.
 *
 * It pulls only when pulled, holds at most `concurrency` tasks, and hands out a finished one even while its
 * source is idle. What the work throws becomes a {@linkcode StageError} and goes to `onFailure`; an abort passes
 * through as `signal.reason` itself.
 * @example A stage of one's own
 * ```ts
 * import { box, boxVolume, collect, enumerate, pipeline, stage } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const measure = stage("measure", (_: unknown, { task }) => boxVolume(task.box));
 * const double = stage("double", (voxels: number) => voxels * 2, { concurrency: 4 });
 * const run = pipeline(enumerate([box([0, 0, 0], [7, 5, 3])])).through(measure).through(double);
 * deepEqual((await collect(run)).map(({ value }) => value), [210]);
 * ```
 */
export function stage<I, O>(
  name: string,
  work: (value: I, on: StageWork) => O | Promise<O>,
  { concurrency = 1, ordered = true }: StageOptions = {},
): Stage<I, O> {
  type Outcome = { readonly item: Item<O> } | { readonly failure: StageError };
  return async function* (source, context) {
    const { signal, onFailure } = context;
    const input = source[Symbol.asyncIterator]();
    const attempt = async ({ task, value }: Item<I>): Promise<Outcome> => {
      try {
        return { item: { task, value: await work(value, { task, signal }) } };
      } catch (error) {
        signal.throwIfAborted();
        return { failure: error instanceof StageError ? error : new StageError(name, task, error) };
      }
    };
    type Event =
      | { readonly kind: "pulled"; readonly result: IteratorResult<Item<I>> }
      | { readonly kind: "finished"; readonly slot: Slot };
    interface Slot {
      readonly done: Promise<Event>;
      outcome?: Outcome;
    }
    const slots: Slot[] = [];
    let pull: Promise<Event> | undefined;
    let ended = false;
    try {
      while (true) {
        if (!ended && pull === undefined && slots.length < concurrency) {
          pull = input.next().then((result) => ({ kind: "pulled", result }));
          pull.catch(() => {});
        }
        const ready = ordered ? slots.slice(0, 1) : slots;
        const waiting = [...ready.map((slot) => slot.done), ...(pull === undefined ? [] : [pull])];
        if (waiting.length === 0) return;
        const event = await abortable(Promise.race(waiting), signal);
        if (event.kind === "pulled") {
          pull = undefined;
          if (event.result.done) {
            ended = true;
            continue;
          }
          const slot: Slot = {
            done: attempt(event.result.value).then((outcome) => {
              slot.outcome = outcome;
              return { kind: "finished", slot };
            }),
          };
          slot.done.catch(() => {});
          slots.push(slot);
          continue;
        }
        const { slot } = event;
        slots.splice(slots.indexOf(slot), 1);
        const outcome = slot.outcome!;
        if ("failure" in outcome) await onFailure(outcome.failure);
        else yield outcome.item;
      }
    } finally {
      if (!ended) await input.return?.();
      await Promise.allSettled(slots.map((slot) => slot.done));
    }
  };
}
