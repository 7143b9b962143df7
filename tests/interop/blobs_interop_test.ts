/** Buckets of servers that others wrote: moto (Python) and fauxqs (npm). */
import { type BlobsKind, conform, someBytes } from "../stores/blobs/conformance.ts";
import { runStorm, STORM, type StormJob, stormObjects } from "../stores/blobs/_storm.ts";
import type { BucketOptions } from "../../stores/blobs/_s3_settings.ts";
import { type RawHandler, type RawServer, serveRaw } from "../_raw_http.ts";
import { S3_FAULTS, S3Faults } from "../_s3_faults.ts";
import { S3Blobs } from "../../stores/blobs/s3_blobs.ts";
import { deepEqual, equal, ok } from "node:assert/strict";
import { bucketOptions, bucketServers, makeBucket, PART_BYTES } from "./_buckets.ts";
import type { Program } from "./_programs.ts";

let buckets = 0;

/** Makes a bucket, and opens it. */
async function openBucket(
  program: Program,
  options: BucketOptions = {},
  name = `bucket-${buckets++}`,
): Promise<() => Promise<S3Blobs>> {
  await makeBucket(program, name);
  return () => S3Blobs.open(`s3://${name}/a prefix`, bucketOptions(program, options));
}

/** Every test has a bucket of its own. */
function bucketsOf(
  name: string,
  program: Program,
  traits: Pick<BlobsKind, "loose" | "uploads">,
): BlobsKind {
  return {
    name,
    partBytes: PART_BYTES,
    ...traits,
    async create() {
      const open = await openBucket(program);
      return { blobs: await open(), again: open, [Symbol.asyncDispose]: () => Promise.resolve() };
    },
  };
}

async function proveLarge(program: Program, checksum: "crc32" | "md5"): Promise<void> {
  const open = await openBucket(program, { checksum });
  await using blobs = await open();
  const bytes = someBytes(12 * 2 ** 20 + 7);
  await blobs.put("parts", bytes);
  {
    await using writer = await blobs.open("pieces", { reserve: 1000 });
    for (let at = 1000; at < bytes.length; at += 3_000_000) {
      await writer.write(bytes.subarray(at, Math.min(bytes.length, at + 3_000_000)));
    }
    await writer.commit(bytes.subarray(0, 1000));
  }
  for (const key of ["parts", "pieces"]) {
    equal((await blobs.head(key))?.size, bytes.length);
    deepEqual(await blobs.get(key, { range: [-1000] }), bytes.slice(-1000));
    const found = await blobs.get(key);
    ok(found?.length === bytes.length && found.every((byte, i) => byte === bytes[i]));
  }
}

/** A server in between, where requests go wrong. */
function passOn(upstream: string, faults: S3Faults): RawServer {
  const pass: RawHandler = async ({ method, path, query, headers, body }) => {
    const url = `${upstream}${path}${query && `?${query}`}`;
    const kept = new Headers(headers);
    kept.delete("host");
    const init = { method, headers: kept, body: body.length > 0 ? body : undefined };
    const response = await fetch(url, init);
    const answered = Object.fromEntries(response.headers);
    delete answered["transfer-encoding"];
    delete answered.connection;
    // That of an answer to HEAD is not that of its body.
    if (method !== "HEAD") delete answered["content-length"];
    return { status: response.status, headers: answered, body: await response.bytes() };
  };
  const answer: RawHandler = async (request) => {
    const { delivery, ...answered } = await faults.answer(request, pass);
    // For a body that may go out slowly one waits by the minute.
    const isLong = delivery === "silent" && request.body.length > 2 ** 20;
    return { ...answered, delivery: isLong ? "reset" : delivery };
  };
  return serveRaw(answer, faults.gate);
}

async function proveStorm(program: Program): Promise<void> {
  const name = "storm-bucket";
  const calm = await openBucket(program, {}, name);
  const faults = new S3Faults(() => STORM, 5);
  await using line = passOn(program.url, faults);
  // They are slower than a server of our own, and no slower answer is a fault.
  const options = bucketOptions(line, { retry: { stallSeconds: 3 } });
  await using blobs = await S3Blobs.open(`s3://${name}/a prefix`, options);
  const job: StormJob = { objects: 600, largeEvery: 300, large: 2 * PART_BYTES + 9 };
  await runStorm(blobs, job);
  for (const fault of S3_FAULTS) ok((faults.counts.get(fault) ?? 0) > 2, fault);
  // As it is seen without the line that goes wrong.
  await using seen = await calm();
  for (const { key, bytes } of stormObjects(job).slice(0, 100)) {
    deepEqual(await seen.get(key), bytes(), key);
  }
  equal((await Array.fromAsync(seen.list(""))).length, job.objects);
}

/** Registers the tests of a server, which runs until they are over. */
function prove(name: string, program: Program, traits: Pick<BlobsKind, "loose" | "uploads">): void {
  conform(bucketsOf(name, program, traits));
  for (const checksum of ["crc32", "md5"] as const) {
    Deno.test(`${name}: large objects go in parts, by ${checksum}`, () =>
      proveLarge(program, checksum));
  }
  Deno.test(`${name}: 600 objects with each fault in 1 % of requests end complete and the same`, () =>
    proveStorm(program));
  Deno.test.afterAll(async () => await program[Symbol.asyncDispose]());
}

const TRAITS = {
  // moto says the same date of every upload.
  moto: { uploads: "undated" },
  // fauxqs passes conditions over, and lists no uploads.
  fauxqs: { loose: true, uploads: "unlisted" },
} as const;
for (const server of bucketServers) prove(server.name, await server.start(), TRAITS[server.name]);
