/** A server that goes wrong: nothing half-written is acknowledged, and what was acknowledged is there. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Blobs } from "../../../stores/blobs/blobs.ts";
import { S3_FAULTS, type S3Fault } from "../../_s3_faults.ts";
import { type S3Behaviour, type S3Server, serveS3 } from "../../_s3_server.ts";
import { openTestBucket, PART_BYTES } from "./_places.ts";
import { each, runStorm, STORM, STORM_RETRY, type StormJob, stormObjects } from "./_storm.ts";
import { someBytes } from "./conformance.ts";

function serve(behaviour: Partial<S3Behaviour> & { readonly seed?: number } = {}): S3Server {
  return serveS3({ leastPart: PART_BYTES, ...behaviour });
}

for (const checksum of ["crc32", "md5"] as const) {
  Deno.test(`2,000 objects with each fault in 1 % of requests end complete and the same, by ${checksum}`, async () => {
    await using server = serve({ faults: STORM, seed: 11 });
    await using blobs = await openTestBucket(server, { checksum, retry: STORM_RETRY });
    const keyOfLarge = "0/c/7/7";
    const job: StormJob = { objects: 2000, largeEvery: 100, large: 200_000 };
    await runStorm(blobs, job);
    await blobs.sweep("");

    // What the server holds, apart from what it says of it.
    const { objects, uploads } = server.buckets.get("bucket")!;
    equal(objects.size, 2000);
    equal(uploads.size, 0);
    for (const { key, bytes } of stormObjects(job)) {
      deepEqual(objects.get(key)?.bytes, bytes(), key);
    }
    for (const fault of S3_FAULTS) ok((server.faults.get(fault) ?? 0) > 10, fault);
    if (checksum === "md5") return;
    // Of parts, too, there is a checksum of the whole.
    for (const fault of ["flip", "longer"] as const) {
      server.next.push(fault);
      deepEqual(await blobs.get(keyOfLarge), someBytes(200_000, 7));
    }
  });
}

/** Every call of the contract on a bucket with one object, and what it must have come to. */
const CALLS: readonly {
  readonly name: string;
  readonly call: (blobs: Blobs) => Promise<unknown>;
  readonly outcome: unknown;
  readonly holds?: Readonly<Record<string, number>>;
}[] = [
  { name: "get()", call: (blobs) => blobs.get("it"), outcome: someBytes(5000) },
  { name: "get() of nothing", call: (blobs) => blobs.get("none"), outcome: undefined },
  {
    name: "get() of a range",
    call: (blobs) => blobs.get("it", { range: [100, 300] }),
    outcome: someBytes(5000).subarray(100, 300),
  },
  {
    name: "get() of the end",
    call: (blobs) => blobs.get("it", { range: [-16] }),
    outcome: someBytes(5000).subarray(-16),
  },
  { name: "head()", call: async (blobs) => (await blobs.head("it"))?.size, outcome: 5000 },
  { name: "head() of nothing", call: (blobs) => blobs.head("none"), outcome: undefined },
  {
    name: "put()",
    call: (blobs) => blobs.put("new", someBytes(700)),
    outcome: undefined,
    holds: { it: 5000, new: 700 },
  },
  {
    name: "put() in parts",
    call: (blobs) => blobs.put("new", someBytes(20_000)),
    outcome: undefined,
    holds: { it: 5000, new: 20_000 },
  },
  {
    name: "putIfAbsent()",
    call: (blobs) => blobs.putIfAbsent("new", someBytes(40)),
    outcome: true,
    holds: { it: 5000, new: 40 },
  },
  {
    name: "putIfAbsent() where something is",
    call: (blobs) => blobs.putIfAbsent("it", someBytes(40)),
    outcome: false,
  },
  {
    name: "open()",
    call: async (blobs) => {
      await using writer = await blobs.open("new", { reserve: 10 });
      await writer.write(someBytes(12_990));
      await writer.commit(someBytes(10));
    },
    outcome: undefined,
    holds: { it: 5000, new: 13_000 },
  },
  {
    name: "list()",
    call: (blobs) => Array.fromAsync(blobs.list("")),
    outcome: [{ key: "it", size: 5000 }],
  },
  { name: "delete()", call: (blobs) => blobs.delete("it"), outcome: undefined, holds: {} },
  { name: "sweep()", call: (blobs) => blobs.sweep(""), outcome: [] },
];

for (const { name, call, outcome, holds = { it: 5000 } } of CALLS) {
  Deno.test(`${name} comes through every fault, whichever request it hits`, async () => {
    for (const fault of S3_FAULTS) {
      // The first, the second … and once two in a row.
      for (
        const next of [[fault], [undefined, fault], [undefined, undefined, fault], [fault, fault]]
      ) {
        await using server = serve({ leastPart: 4096 });
        const retry = { stallSeconds: 0.05, random: () => 0 };
        const sizes = { partBytes: 4096, multipartBytes: 8192, conditionalPuts: true };
        await using blobs = await openTestBucket(server, { retry, ...sizes });
        await blobs.put("it", someBytes(5000));
        server.next.push(...next);
        deepEqual(await call(blobs), outcome, `${fault} ${next.length}`);
        server.next.length = 0;
        await blobs.sweep("");
        const { objects, uploads } = server.buckets.get("bucket")!;
        const held = Object.fromEntries(
          Array.from(objects, ([key, { bytes }]) => [key, bytes.length]),
        );
        deepEqual(held, holds, `${fault} ${next.length}`);
        equal(uploads.size, 0);
      }
    }
  });
}

Deno.test("a fault that stays ends in an error that names it, after as many attempts as were allowed", async () => {
  const cases: readonly [S3Fault, string, RegExp][] = [
    [
      "error",
      "unavailable",
      /answered 500 InternalError \(It is InternalError\), after 3 attempts; try again later/,
    ],
    ["reset-before", "unavailable", /^Cannot read "s3:\/\/bucket\/it": .*, after 3 attempts/],
    ["reset-after", "unavailable", /after 3 attempts/],
    ["stall", "unavailable", /no byte came for 0\.1 s, after 3 attempts/],
    ["cut", "unavailable", /after 3 attempts/],
    ["longer", "corrupt", /its bytes do not have its MD5, after 3 attempts; compare it/],
    ["page", "corrupt", /an answer without ETag came, so not from the bucket, after 3 attempts/],
    ["flip", "corrupt", /its bytes do not have its MD5, after 3 attempts/],
  ];
  for (const [fault, kind, message] of cases) {
    await using server = serve();
    const retry = { attempts: 3, stallSeconds: 0.1, random: () => 0 };
    await using blobs = await openTestBucket(server, { retry });
    await blobs.put("it", someBytes(5000));
    server.log.length = 0;
    server.behaviour.faults = { [fault]: 1 };
    await rejects(blobs.get("it"), { name: "BlobError", kind, message }, fault);
    // Where the line is dead before an answer begins, fetch itself asks once more.
    if (!fault.startsWith("reset")) equal(server.log.length, 3, fault);
  }
});

Deno.test("a write that is never confirmed is never acknowledged", async () => {
  for (const fault of ["reset-after", "stall", "page", "error", "flip"] as const) {
    await using server = serve();
    const retry = { attempts: 2, stallSeconds: 0.1, random: () => 0 };
    await using blobs = await openTestBucket(server, { retry });
    server.behaviour.faults = { [fault]: 1 };
    const writes = [
      () => blobs.put("a", someBytes(10)),
      () => blobs.put("b", someBytes(300_000)),
      () => blobs.putIfAbsent("c", someBytes(10)),
      () => blobs.delete("d"),
      async () => {
        await using writer = await blobs.open("e");
        await writer.write(someBytes(200_000));
        await writer.commit();
      },
    ];
    for (const [i, write] of writes.entries()) {
      // A bit can be flipped only where there are bytes.
      if (fault === "flip" && i > 1) continue;
      await rejects(write(), { name: "BlobError" }, `${fault} ${i}`);
    }
  }
});

Deno.test("a server that is told too much by many clients is asked less, and more again", async () => {
  await using server = serve({ capacity: 100 });
  // Each with a rate of its own, as processes are.
  const clients = await Promise.all([1, 2, 3].map(() => openTestBucket(server)));
  const began = performance.now();
  await each(Array(300).keys(), (i) => clients[i % 3].put(`${i}`, someBytes(10, i)));
  equal(server.buckets.get("bucket")!.objects.size, 300);
  // Without a pause, the refused requests would be many times the others.
  ok(server.log.length < 900, `${server.log.length} requests for 300 objects`);
  ok(performance.now() - began < 60_000);
});

Deno.test("a slow answer is waited for as long as bytes come", async () => {
  await using server = serve();
  await using blobs = await openTestBucket(server, { retry: { attempts: 1, stallSeconds: 0.3 } });
  await blobs.put("it", someBytes(60));
  server.intercept = async ({ method }) => {
    if (method !== "GET") return undefined;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { bytes, tag } = server.buckets.get("bucket")!.objects.get("it")!;
    return { status: 200, headers: { etag: tag }, body: bytes, delivery: "drip" };
  };
  deepEqual(await blobs.get("it"), someBytes(60));
});

Deno.test("an abort ends a call in the middle, and nothing of it is there", async () => {
  const reason = new Error("stopped");
  const calls: readonly {
    healthy: number;
    call: (blobs: Blobs, signal: AbortSignal) => Promise<unknown>;
  }[] = [
    { healthy: 0, call: (blobs, signal) => blobs.get("it", { signal }) },
    { healthy: 0, call: (blobs, signal) => blobs.head("it", { signal }) },
    { healthy: 0, call: (blobs, signal) => blobs.putIfAbsent("claim", someBytes(5), { signal }) },
    { healthy: 0, call: (blobs, signal) => Array.fromAsync(blobs.list("", { signal })) },
    // An upload is begun, and its parts do not get through.
    { healthy: 1, call: (blobs, signal) => blobs.put("large", someBytes(500_000), { signal }) },
    {
      healthy: 1,
      call: async (blobs, signal) => {
        await using writer = await blobs.open("piecewise", { signal });
        await writer.write(someBytes(500_000));
        await writer.commit();
      },
    },
  ];
  for (const fault of ["stall", "slow-down", "error"] as const) {
    await using server = serve();
    await using blobs = await openTestBucket(server);
    const { objects, uploads } = server.buckets.get("bucket")!;
    for (const { healthy, call } of calls) {
      const before = server.log.length;
      server.next.push(...Array.from({ length: healthy }, () => undefined));
      server.behaviour.faults = { [fault]: 1 };
      const stopping = new AbortController();
      const settled = rejects(call(blobs, stopping.signal), (error) => error === reason);
      while (server.log.length <= before + healthy) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      server.behaviour.faults = {};
      stopping.abort(reason);
      await settled;
      deepEqual([...objects.keys()].filter((key) => key !== "claim"), []);
      equal(uploads.size, 0);
    }
  }
});

Deno.test("a claim whose answer was lost is told by what lies there", async () => {
  await using server = serve();
  const retry = { random: () => 0 };
  await using blobs = await openTestBucket(server, { retry, conditionalPuts: true });
  server.next.push("reset-after");
  equal(await blobs.putIfAbsent("mine", someBytes(40, 1)), true);
  // Another one claims it while this one is not heard.
  server.intercept = ({ method }) => {
    if (method !== "PUT") return undefined;
    server.intercept = undefined;
    server.buckets.get("bucket")!.objects.set("theirs", {
      bytes: someBytes(40, 2),
      tag: '"0"',
      modified: 0,
      headers: {},
    });
    return { status: 500 };
  };
  equal(await blobs.putIfAbsent("theirs", someBytes(40, 1)), false);
  deepEqual(server.buckets.get("bucket")!.objects.get("theirs")!.bytes, someBytes(40, 2));
});

Deno.test("parts that are joined with a late error are sent again; parts that are gone are not taken for joined", async () => {
  await using server = serve();
  await using blobs = await openTestBucket(server, { retry: { random: () => 0 } });
  const isJoin = (method: string, query: string) =>
    method === "POST" && query.startsWith("uploadId");
  let late = 2;
  server.intercept = ({ method, query }) => {
    if (!isJoin(method, query) || late-- <= 0) return undefined;
    const body = `<?xml version="1.0"?>\n\n\n<Error><Code>InternalError</Code></Error>`;
    return { status: 200, headers: { "content-type": "application/xml" }, body };
  };
  await blobs.put("it", someBytes(300_000));
  deepEqual(server.buckets.get("bucket")!.objects.get("it")!.bytes, someBytes(300_000));
  server.intercept = ({ method, query }) => {
    if (isJoin(method, query)) server.buckets.get("bucket")!.uploads.clear();
    return undefined;
  };
  const gone = {
    name: "BlobError",
    kind: "unavailable",
    message: /its parts were removed before they were joined/,
  };
  await rejects(blobs.put("it", someBytes(400_000)), gone);
  equal(server.buckets.get("bucket")!.objects.get("it")!.bytes.length, 300_000);
});
