/** What every stage promises, held against any stage that hands its values through. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { box } from "../../core/box.ts";
import type { LeaseId, Task } from "../../core/plan.ts";
import { collect, pipeline } from "../../stages/pipeline.ts";
import type { Item, Stage, StageContext, TaskFeed } from "../../stages/stage.ts";
import { StageError } from "../../stages/stage.ts";

/** A task of no particular kind. */
export function someTask(index: number): Task {
  const lease = { id: "test" as LeaseId, job: 1, fence: 1, first: 0, end: 100 };
  return {
    index,
    phase: 0,
    kind: "source",
    scale: 0,
    box: box([0, 0, index], [7, 5, index + 1]),
    makes: [0],
    lease,
  };
}

/** A feed that tells how far it was pulled and whether it was closed. */
export class Feed<T> {
  made = 0;
  closed = false;
  constructor(readonly values: readonly T[], readonly pause?: (index: number) => Promise<void>) {}

  readonly open: TaskFeed<T> = async function* (this: Feed<T>) {
    try {
      for (const [index, value] of this.values.entries()) {
        await this.pause?.(index);
        this.made++;
        yield { task: someTask(index), value };
      }
    } finally {
      this.closed = true;
    }
  }.bind(this);
}

/** One stage under test. */
export interface StageCase<T> {
  readonly name: string;
  /** A new stage. */
  readonly make: () => Stage<T, unknown>;
  /** Values it takes; at least four. */
  readonly values: readonly T[];
  readonly concurrency: number;
  readonly ordered: boolean;
}

const context = (signal: AbortSignal): StageContext => ({
  signal,
  onFailure: (error) => {
    throw error;
  },
});

/** Registers the tests of one stage. */
export function testStage<T>({ name, make, values, concurrency, ordered }: StageCase<T>): void {
  Deno.test(`${name} hands on one task for each it gets`, async () => {
    const feed = new Feed(values);
    const tasks = (await collect(pipeline(feed.open).through(make()))).map(({ task }) =>
      task.index
    );
    deepEqual(ordered ? tasks : tasks.toSorted((a, b) => a - b), values.map((_, index) => index));
  });

  Deno.test(`${name} pulls only when pulled and holds at most ${concurrency}`, async () => {
    const feed = new Feed(values);
    const run = pipeline(feed.open).through(make())[Symbol.asyncIterator]();
    equal(feed.made, 0);
    await run.next();
    ok(feed.made <= concurrency + 1, `${feed.made} were made for the first`);
    await run.return?.();
  });

  Deno.test(`${name} closes its source when the reader leaves early`, async () => {
    const feed = new Feed(values);
    for await (const _ of pipeline(feed.open).through(make())) break;
    equal(feed.closed, true);
  });

  Deno.test(`${name} ends with the very reason of an abort before the start`, async () => {
    const reason = new Error("stopped");
    const feed = new Feed(values);
    await rejects(
      collect(pipeline(feed.open, { signal: AbortSignal.abort(reason) }).through(make())),
      (error) => error === reason,
    );
  });

  Deno.test(`${name} ends with the very reason of an abort while its source is idle`, async () => {
    const stopping = new AbortController();
    const reason = new Error("stopped");
    const gate = Promise.withResolvers<void>();
    const feed = new Feed(values, (index) => index < 2 ? Promise.resolve() : gate.promise);
    const run = make()(feed.open(context(stopping.signal)), context(stopping.signal))
      [Symbol.asyncIterator]();
    const got: Item<unknown>[] = [];
    const reading = (async () => {
      for (let next = await run.next(); !next.done; next = await run.next()) got.push(next.value);
    })();
    reading.catch(() => {});
    while (got.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    stopping.abort(reason);
    setTimeout(() => gate.resolve(), 5);
    await rejects(reading, (error) => error === reason);
  });
}

/** Registers the tests of a stage whose work can be made to fail: it throws for the value `bad`. */
export function testFailures<T>(
  name: string,
  make: () => Stage<T, unknown>,
  good: T,
  bad: T,
  cause: (error: unknown) => boolean,
): void {
  Deno.test(`${name} wraps a failure once and ends the run by default`, async () => {
    await rejects(collect(pipeline(new Feed([good, bad, good]).open).through(make())), (error) => {
      ok(error instanceof StageError);
      equal(error.task.index, 1);
      ok(!(error.cause instanceof StageError));
      return cause(error.cause);
    });
  });

  Deno.test(`${name} drops a task that failed where onFailure returns`, async () => {
    const failures: StageError[] = [];
    const run = pipeline(new Feed([good, bad, good]).open, {
      onFailure: (error) => void failures.push(error),
    });
    deepEqual((await collect(run.through(make()))).map(({ task }) => task.index), [0, 2]);
    equal(failures.length, 1);
  });
}
