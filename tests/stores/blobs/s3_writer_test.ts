import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { serveS3 } from "../../_s3_server.ts";
import { openTestBucket, PART_BYTES } from "./_places.ts";
import { someBytes } from "./conformance.ts";

Deno.test("a writer has one part on its way at a time, and write() waits for it", async () => {
  await using server = serveS3({ leastPart: PART_BYTES });
  await using blobs = await openTestBucket(server);
  let [now, most] = [0, 0];
  server.intercept = async ({ method }) => {
    if (method !== "PUT") return undefined;
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 20));
    now--;
    return undefined;
  };
  await using writer = await blobs.open("it");
  const bytes = someBytes(8 * PART_BYTES);
  let parts = 0;
  for (let at = 0; at < bytes.length; at += 1000) {
    await writer.write(bytes.subarray(at, at + 1000));
    parts = server.log.filter((line) => line.startsWith("PUT")).length;
    // What was written and is not on its way is at most one part, and the one that fills.
    ok(at - parts * PART_BYTES <= 2 * PART_BYTES, `${at} bytes, ${parts} parts`);
  }
  await writer.commit();
  equal(most, 1);
  deepEqual(await blobs.get("it"), bytes);
});

Deno.test("a part that fails is heard of by the next write, or the commit, and nothing is left", async () => {
  await using server = serveS3({ leastPart: PART_BYTES });
  await using blobs = await openTestBucket(server);
  const { objects, uploads } = server.buckets.get("bucket")!;
  server.intercept = ({ method }) => method === "PUT" ? { status: 507 } : undefined;
  const full = { name: "BlobError", kind: "full" };
  {
    await using writer = await blobs.open("it");
    await writer.write(someBytes(PART_BYTES + 1));
    await rejects(writer.commit(), full);
  }
  {
    await using writer = await blobs.open("it");
    await rejects(async () => {
      for (let i = 0; i < 5; i++) await writer.write(someBytes(PART_BYTES));
    }, full);
  }
  deepEqual([objects.size, uploads.size], [0, 0]);
});
