/** Who of many processes may say that a job is complete, and when. */
import { equal } from "node:assert/strict";
import { Hands } from "../../boss/hands.ts";
import { delay } from "../../core/abort.ts";
import { withFolder } from "../_stack.ts";

const { signal } = new AbortController();
const PATIENT = { patienceMs: 60_000, signal };

Deno.test("Hands.whileEmpty() has its turn though several others look all the time", async () => {
  await withFolder(async (folder) => {
    const over = new AbortController();
    let looking = 0;
    const others = Array.from({ length: 4 }, async (_, i) => {
      using hands = await Hands.open(folder, "boss-42");
      // One begins before the other ends: some hand is always full.
      await delay(i * 20, signal);
      while (!over.signal.aborted) {
        await hands.take(signal);
        looking++;
        await delay(80, signal);
        looking--;
        hands.release();
      }
    });
    using leader = await Hands.open(folder, "boss-42");
    while (looking < 2) await delay(5, signal);
    const seen = await leader.whileEmpty(() => Promise.resolve(looking), PATIENT);
    over.abort();
    await Promise.all(others);
    equal(seen?.value, 0);
  });
});

Deno.test("Hands.whileEmpty() gives way to who holds a message for long, and to those behind", async () => {
  await withFolder(async (folder) => {
    using holder = await Hands.open(folder, "boss-42");
    using leader = await Hands.open(folder, "boss-42");
    using third = await Hands.open(folder, "boss-42");
    await holder.take(signal);
    const hasty = { patienceMs: 100, signal };
    equal(await leader.whileEmpty(() => Promise.resolve(1), hasty), undefined);
    await third.take(signal);
    third.release();
    holder.release();
    equal((await leader.whileEmpty(() => Promise.resolve(1), PATIENT))?.value, 1);
  });
});

Deno.test("Hands.whileEmpty() and take() end with the reason of their signal", async () => {
  await withFolder(async (folder) => {
    using holder = await Hands.open(folder, "boss-42");
    using leader = await Hands.open(folder, "boss-42");
    await holder.take(signal);
    const stopped = new AbortController();
    const asked = leader.whileEmpty(() => Promise.resolve(1), {
      patienceMs: 60_000,
      signal: stopped.signal,
    });
    using late = await Hands.open(folder, "boss-42");
    const reason = new Error("stop");
    await delay(60, signal);
    const taken = late.take(stopped.signal);
    stopped.abort(reason);
    equal(await asked.catch((error) => error), reason);
    equal(await taken.catch((error) => error), reason);
  });
});
