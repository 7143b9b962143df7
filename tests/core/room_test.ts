import { deepEqual, rejects } from "node:assert/strict";
import { Room } from "../../core/room.ts";

const never = new AbortController().signal;

/** Takes room, and notes it when it got it. */
function taking(room: Room, got: string[], name: string, amount: number, signal = never) {
  return room.take(amount, signal).then((leave) => {
    got.push(name);
    return leave;
  });
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 1));

Deno.test("Room lets in what fits, in the order it came", async () => {
  const room = new Room(10);
  const got: string[] = [];
  const leaves = ["a 6", "b 4", "c 7", "d 1"].map((name) =>
    taking(room, got, name, Number(name.slice(2)))
  );
  await settle();
  // The last would fit, but for the one before it that waits.
  deepEqual(got, ["a 6", "b 4"]);
  (await leaves[1])();
  await settle();
  deepEqual(got, ["a 6", "b 4"]);
  (await leaves[0])();
  await settle();
  deepEqual(got, ["a 6", "b 4", "c 7", "d 1"]);
});

Deno.test("Room lets in what is larger than all of it once it is alone", async () => {
  const room = new Room(10);
  const got: string[] = [];
  const small = taking(room, got, "small", 1);
  const large = taking(room, got, "large", 100);
  const after = taking(room, got, "after", 1);
  await settle();
  deepEqual(got, ["small"]);
  (await small)();
  await settle();
  deepEqual(got, ["small", "large"]);
  (await large)();
  await after;
  deepEqual(got, ["small", "large", "after"]);
});

Deno.test("Room forgets who no longer waits", async () => {
  const room = new Room(10);
  const got: string[] = [];
  const first = taking(room, got, "first", 10);
  const reason = new Error("stopped");
  const stopping = new AbortController();
  const stopped = taking(room, got, "stopped", 10, stopping.signal);
  const last = taking(room, got, "last", 10);
  stopping.abort(reason);
  await rejects(stopped, (error) => error === reason);
  await rejects(room.take(1, stopping.signal), (error) => error === reason);
  (await first)();
  (await last)();
  deepEqual(got, ["first", "last"]);
});

Deno.test("Room takes back what was let in at the moment of the abort", async () => {
  const room = new Room(1);
  const stopping = new AbortController();
  const leave = await room.take(1, never);
  const stopped = room.take(1, stopping.signal);
  leave();
  stopping.abort(new Error("stopped"));
  const outcome = await stopped.then((give) => give, () => undefined);
  outcome?.();
  (await room.take(1, never))();
});
