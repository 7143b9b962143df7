import { equal, rejects } from "node:assert/strict";
import { delay, Wake } from "../../core/abort.ts";

const never = new AbortController().signal;
const HOUR = 3_600_000;

Deno.test("a call ends the wait that goes on", async () => {
  const wake = new Wake();
  const waiting = wake.wait(HOUR, never);
  wake.call();
  await waiting;
});

Deno.test("a call that comes before the wait ends that wait, and no later one", async () => {
  const wake = new Wake();
  wake.call();
  await wake.wait(HOUR, never);
  let isOver = false;
  const second = wake.wait(HOUR, never).then(() => isOver = true);
  await delay(20, never);
  equal(isOver, false);
  wake.call();
  await second;
});

Deno.test("without a call, a wait ends by itself", async () => {
  await new Wake().wait(1, never);
});

Deno.test("an abort ends a wait with its reason", async () => {
  const controller = new AbortController();
  const waiting = new Wake().wait(HOUR, controller.signal);
  controller.abort(new Error("enough"));
  await rejects(waiting, { message: "enough" });
  await rejects(new Wake().wait(HOUR, controller.signal), { message: "enough" });
});
