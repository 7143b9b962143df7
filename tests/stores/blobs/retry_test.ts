import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { BlobError } from "../../../stores/blobs/blobs.ts";
import { type Clock, Pace, Retry, Transient } from "../../../stores/blobs/retry.ts";

/** Time that passes when somebody waits. */
class TestClock implements Clock {
  time = 1_000_000;
  readonly waits: number[] = [];

  now(): number {
    return this.time;
  }
  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.waits.push(milliseconds);
    this.time += milliseconds;
    return Promise.resolve();
  }
}

const act = `read "s3://bucket/key"`;
const signal = new AbortController().signal;

function failing(fault: () => Error): { work: () => Promise<never>; times: () => number } {
  let times = 0;
  return {
    work: () => {
      times++;
      return Promise.reject(fault());
    },
    times: () => times,
  };
}

Deno.test("run() tries again with pauses that grow to a longest one, as many times as allowed", async () => {
  const clock = new TestClock();
  const retry = new Retry({ clock, random: () => 1, attempts: 12, seconds: 1000 });
  const { work, times } = failing(() => new Transient("the line is dead", "unavailable"));
  await rejects(retry.run(work, { act }), {
    name: "BlobError",
    kind: "unavailable",
    message:
      'Cannot read "s3://bucket/key": the line is dead, after 12 attempts; try again later, or look at the server and the network',
  });
  equal(times(), 12);
  deepEqual(clock.waits, [200, 400, 800, 1600, 3200, 6400, 12_800, 20_000, 20_000, 20_000, 20_000]);
});

Deno.test("run() spreads its pauses at random", async () => {
  const clock = new TestClock();
  const chances = [0, 0.25, 0.5];
  const retry = new Retry({ clock, random: () => chances.shift()!, attempts: 4 });
  await rejects(retry.run(failing(() => new Transient("no", "corrupt")).work, { act }), {
    kind: "corrupt",
  });
  deepEqual(clock.waits, [0, 100, 400]);
});

Deno.test("run() begins nothing again after its time, however many attempts are left", async () => {
  const clock = new TestClock();
  const retry = new Retry({ clock, random: () => 1, attempts: 1000, seconds: 60 });
  const began = clock.now();
  await rejects(
    retry.run(failing(() => new Transient("no", "unavailable")).work, { act }),
    BlobError,
  );
  ok(clock.now() - began <= 60_000);
  // Also when every attempt takes long.
  const slow = () => {
    clock.time += 50_000;
    return Promise.reject(new Transient("silent", "unavailable"));
  };
  const again = clock.now();
  await rejects(retry.run(slow, { act }), BlobError);
  equal(clock.now() - again, 100_200);
});

Deno.test("run() tries twice, also where the first attempt takes all the time", async () => {
  const clock = new TestClock();
  const retry = new Retry({ clock, random: () => 1, seconds: 60 });
  let times = 0;
  const slow = () => {
    times++;
    clock.time += 300_000;
    return times % 2 === 1
      ? Promise.reject(new Transient("silent", "unavailable"))
      : Promise.resolve("done");
  };
  deepEqual([await retry.run(slow, { act }), times], ["done", 2]);
  const never = failing(() => {
    clock.time += 300_000;
    return new Transient("silent", "unavailable");
  });
  await rejects(retry.run(never.work, { act }), BlobError);
  equal(never.times(), 2);
});

Deno.test("run() waits as long as the server wants, unless that is too long", async () => {
  const clock = new TestClock();
  const retry = new Retry({ clock, random: () => 0, seconds: 60 });
  let times = 0;
  const result = await retry.run(() => {
    if (times++ > 0) return Promise.resolve("done");
    return Promise.reject(new Transient("busy", "unavailable", { pause: 7000 }));
  }, { act });
  deepEqual([result, clock.waits], ["done", [7000]]);
  const forever = failing(() => new Transient("busy", "unavailable", { pause: 1e9 }));
  await rejects(retry.run(forever.work, { act }), BlobError);
  equal(forever.times(), 1);
});

Deno.test("run() tries nothing again that will not pass, and nothing after an abort", async () => {
  const retry = new Retry({ clock: new TestClock() });
  const lasting = new BlobError("Cannot", "forbidden");
  const { work, times } = failing(() => lasting);
  await rejects(retry.run(work, { act }), (error) => error === lasting);
  equal(times(), 1);
  const reason = new Error("stopped");
  const stopping = new AbortController();
  const aborting = failing(() => {
    stopping.abort(reason);
    return new Transient("no", "unavailable");
  });
  await rejects(
    retry.run(aborting.work, { act, signal: stopping.signal }),
    (error) => error === reason,
  );
  equal(aborting.times(), 1);
});

Deno.test("run() does not count being told to slow down, yet ends in time", async () => {
  const clock = new TestClock();
  const retry = new Retry({ clock, random: () => 0.5, attempts: 3, seconds: 100 });
  const { work, times } = failing(() =>
    new Transient("SlowDown", "unavailable", { slowDown: true })
  );
  const began = clock.now();
  await rejects(retry.run(work, { act }), BlobError);
  ok(times() > 3 && times() < 100, `${times()}`);
  ok(clock.now() - began < 130_000);
});

Deno.test("Pace has no limit before a server asks for one, then asks less, and more as it is answered", async () => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  for (let i = 0; i < 100; i++) await pace.turn(signal);
  deepEqual([clock.waits, pace.gap], [[], 0]);
  clock.time++;
  pace.slowDown(clock.now());
  const first = pace.gap;
  ok(first >= 2 && first < 5, `${first}`);
  // Requests that were on their way at that time are told the same: that is one fall.
  for (let i = 0; i < 50; i++) pace.slowDown(clock.now() - 1);
  equal(pace.gap, first);
  clock.time++;
  pace.slowDown(clock.now());
  ok(pace.gap > 1.3 * first);
  const before = clock.now();
  for (let i = 0; i < 10; i++) await pace.turn(signal);
  ok(clock.now() - before > 9 * first);
  for (let i = 0; i < 200; i++) pace.succeed();
  equal(pace.gap, 0);
});

Deno.test("Pace never stands still, and recovers in time alone", async () => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  for (let i = 0; i < 1000; i++) {
    clock.time++;
    pace.slowDown(clock.now());
  }
  ok(pace.gap > 4000 && pace.gap <= 5000);
  clock.time += 60_000;
  ok(pace.gap < 5000 / 50);
  clock.time += 100_000;
  equal(pace.gap, 0);
  await pace.turn(signal);
  await pace.turn(signal);
});

Deno.test("Pace keeps the rate of a server that refuses what is above it", async () => {
  const clock = new TestClock();
  const pace = new Pace(clock);
  const CAPACITY = 50;
  let [room, since, taken, refused] = [10, clock.now(), 0, 0];
  const end = clock.now() + 60_000;
  while (clock.now() < end) {
    await pace.turn(signal);
    clock.time += 1;
    room = Math.min(10, room + (clock.now() - since) * CAPACITY / 1000);
    since = clock.now();
    if (room >= 1) {
      room--;
      taken++;
      pace.succeed();
    } else {
      refused++;
      pace.slowDown(clock.now());
    }
  }
  ok(taken > 0.6 * CAPACITY * 60, `${taken}`);
  ok(refused < 0.15 * taken, `${refused}`);
});
