import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { collect, pipeline } from "../../stages/pipeline.ts";
import { type Stage, stage, StageError } from "../../stages/stage.ts";
import { Feed, testFailures, testStage } from "./conformance.ts";

const values = [0, 1, 2, 3, 4, 5, 6, 7];
const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

for (const concurrency of [1, 3]) {
  for (const ordered of [true, false]) {
    const options = { concurrency, ordered };
    const name = `stage(concurrency ${concurrency}, ordered ${ordered})`;
    const shaky = () =>
      stage("shake", async (value: number) => {
        await sleep(value * 7 % 5);
        if (value === 99) throw new RangeError("99 is too much");
        return value * 2;
      }, options);
    testStage({ name, make: shaky, values, concurrency, ordered });
    testFailures(name, shaky, 1, 99, (cause) => cause instanceof RangeError);
  }
}

Deno.test("stage() works on as many tasks at once as it is told", async () => {
  let [now, most] = [0, 0];
  const count = stage("count", async (value: number) => {
    most = Math.max(most, ++now);
    await sleep(2);
    now--;
    return value;
  }, { concurrency: 3 });
  await collect(pipeline(new Feed(values).open).through(count));
  equal(most, 3);
});

Deno.test("stage() lets a finished task out while its source is idle", async () => {
  const gate = Promise.withResolvers<void>();
  const feed = new Feed([1, 2], (index) => index === 0 ? Promise.resolve() : gate.promise);
  const run = pipeline(feed.open).through(
    stage("pass", (value: number) => value, { concurrency: 2 }),
  );
  const reader = run[Symbol.asyncIterator]();
  equal((await reader.next()).value.value, 1);
  gate.resolve();
  equal((await reader.next()).value.value, 2);
  await reader.return?.();
});

Deno.test("stage() gives the work the signal of the run, and its reason comes back unwrapped", async () => {
  const stopping = new AbortController();
  const reason = new Error("stopped");
  const wait: Stage<number, never> = stage(
    "wait",
    (_: number, { signal }) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("the work noticed")));
        setTimeout(() => stopping.abort(reason), 1);
      }),
  );
  await rejects(
    collect(pipeline(new Feed(values).open, { signal: stopping.signal }).through(wait)),
    (error) => error === reason,
  );
});

Deno.test("a StageError passes later stages as it is", async () => {
  const first = stage("first", (value: number) => {
    throw new TypeError(`no ${value}`);
  });
  const outer = stage("outer", (value: number) => value);
  await rejects(collect(pipeline(new Feed([1]).open).through(first).through(outer)), (error) => {
    ok(error instanceof StageError);
    deepEqual([error.stage, error.message], ["first", "Cannot first task 0: no 1"]);
    return true;
  });
});
