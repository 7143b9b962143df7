import { deepEqual, equal, rejects } from "node:assert/strict";
import { encodeIndex } from "../../codecs/shard_index.ts";
import { ShardIndices } from "../../plugins/_shard_indices.ts";
import type { ArrayReader } from "../../plugins/volume_array.ts";

const LAYOUT = { count: 2, location: "end", bigEndian: false, sums: 1 } as const;
const INDEX = encodeIndex([{ offset: 3, length: 4 }, undefined]);

/** Shards of any name; each answer waits until it is let go. */
function slowReader() {
  const asked: { readonly key: string; readonly signal?: AbortSignal; answer(): void }[] = [];
  const reader: ArrayReader = {
    url: "slow:",
    head: () => Promise.resolve(undefined),
    get: (key, { signal } = {}) => {
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
      signal?.addEventListener("abort", () => reject(signal.reason));
      asked.push({ key, signal, answer: () => resolve(INDEX) });
      return promise;
    },
  };
  return { reader, asked };
}

Deno.test("an index that several ask for is read once, and kept", async () => {
  const { reader, asked } = slowReader();
  const indices = new ShardIndices(reader);
  const both = [indices.read({ key: "a" }, LAYOUT), indices.read({ key: "a" }, LAYOUT)];
  asked[0].answer();
  const [first, second] = await Promise.all(both);
  deepEqual([first?.find(0), first?.find(1)], [[3, 7], undefined]);
  equal(first, second);
  equal(await indices.read({ key: "a" }, LAYOUT), first);
  deepEqual(asked.map(({ key }) => key), ["a"]);
});

Deno.test("those used longest ago are dropped once all no longer fit", async () => {
  const { reader, asked } = slowReader();
  // Room for two, with what an entry costs beside its numbers.
  const indices = new ShardIndices(reader, 600);
  const read = async (key: string) => {
    const before = asked.length;
    const index = indices.read({ key }, LAYOUT);
    asked.slice(before).forEach(({ answer }) => answer());
    await index;
    return asked.length - before;
  };
  deepEqual([await read("a"), await read("b"), await read("a")], [1, 1, 0]);
  // c takes the place of b, which was used before a.
  deepEqual([await read("c"), await read("a"), await read("b")], [1, 0, 1]);
});

Deno.test("an index larger than the room is used, and read again the next time but one", async () => {
  const { reader, asked } = slowReader();
  const indices = new ShardIndices(reader, 1);
  for (const key of ["a", "a", "b", "a"]) {
    const before = asked.length;
    const index = indices.read({ key }, LAYOUT);
    asked.slice(before).forEach(({ answer }) => answer());
    deepEqual((await index)?.find(0), [3, 7]);
  }
  deepEqual(asked.map(({ key }) => key), ["a", "b", "a"]);
});

Deno.test("who goes away does not end the reading for others; the last one does", async () => {
  const { reader, asked } = slowReader();
  const indices = new ShardIndices(reader);
  const [one, other] = [new AbortController(), new AbortController()];
  const reasons = [new Error("one"), new Error("other")];
  const reads = [one, other].map(({ signal }) => indices.read({ key: "a" }, LAYOUT, signal));
  one.abort(reasons[0]);
  await rejects(reads[0], (error) => error === reasons[0]);
  equal(asked[0].signal?.aborted, false);
  other.abort(reasons[1]);
  await rejects(reads[1], (error) => error === reasons[1]);
  equal(asked[0].signal?.aborted, true);
  // What was given up is read anew for the next.
  const next = indices.read({ key: "a" }, LAYOUT);
  asked[1].answer();
  deepEqual((await next)?.find(0), [3, 7]);
});

Deno.test("what failed is tried again when it is asked for again", async () => {
  let times = 0;
  const indices = new ShardIndices({
    url: "",
    head: () => Promise.resolve(undefined),
    get: () => times++ === 0 ? Promise.reject(new Error("gone")) : Promise.resolve(INDEX),
  });
  await rejects(indices.read({ key: "a" }, LAYOUT), /gone/);
  deepEqual((await indices.read({ key: "a" }, LAYOUT))?.find(0), [3, 7]);
});
