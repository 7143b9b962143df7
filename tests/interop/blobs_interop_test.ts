/** Buckets of servers that others wrote: moto (Python) and fauxqs (npm). */
import { type BlobsKind, conform, someBytes } from "../stores/blobs/conformance.ts";
import { NO_ENV } from "../stores/blobs/_places.ts";
import { runStorm, STORM, type StormJob, stormObjects } from "../stores/blobs/_storm.ts";
import type { BucketOptions } from "../../stores/blobs/_s3_settings.ts";
import { type RawHandler, type RawServer, serveRaw } from "../_raw_http.ts";
import { S3_FAULTS, S3Faults } from "../_s3_faults.ts";
import { S3Blobs } from "../../stores/blobs/s3_blobs.ts";
import { deepEqual, equal, ok } from "node:assert/strict";
import { python } from "./_python.ts";

/** Parts of real servers are not smaller. */
const PART_BYTES = 5 * 2 ** 20;
const FAUXQS = "npm:fauxqs@2.4.1";
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" } as const;

/** A program that serves buckets until it is disposed. */
interface Program extends AsyncDisposable {
  readonly url: string;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Starts a program, and waits until it answers. */
async function start(command: (port: number) => Deno.Command): Promise<Program> {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = command(port).spawn();
  let hasEnded = false;
  const ended = child.status.then(() => {
    hasEnded = true;
  });
  const stop = async () => {
    if (!hasEnded) child.kill();
    await ended;
  };
  for (let tries = 0; tries < 240 && !hasEnded; tries++) {
    try {
      await (await fetch(url)).body?.cancel();
      return { url, [Symbol.asyncDispose]: stop };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  await stop();
  throw new Error(
    `Cannot reach "${url}" as the server that was started: it ended, or never answered`,
  );
}

const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;

const moto = (port: number) =>
  new Deno.Command(python!, {
    args: ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    ...silent,
  });
const fauxqs = (port: number) =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-lock", "--no-config", FAUXQS],
    env: { FAUXQS_PORT: String(port) },
    ...silent,
  });

/** Whether a package of npm is here, or can be fetched; else it says what is left out. */
async function isInstalled(specifier: string): Promise<boolean> {
  const args = ["cache", "--no-lock", "--no-config", specifier];
  const { success } = await new Deno.Command(Deno.execPath(), { args, ...silent }).output();
  if (!success) console.warn(`Left out what needs it: ${specifier} cannot be had`);
  return success;
}

let buckets = 0;

/** Makes a bucket, and opens it. */
async function openBucket(
  url: string,
  options: BucketOptions = {},
  name = `bucket-${buckets++}`,
): Promise<() => Promise<S3Blobs>> {
  const response = await fetch(`${url}/${name}`, { method: "PUT" });
  await response.body?.cancel();
  ok(response.ok);
  return () => S3Blobs.open(`s3://${name}/a prefix`, bucketOptions(url, options));
}

function bucketOptions(endpoint: string, options: BucketOptions = {}): BucketOptions {
  return {
    endpoint,
    credentials: CREDENTIALS,
    env: NO_ENV,
    partBytes: PART_BYTES,
    multipartBytes: 2 * PART_BYTES,
    ...options,
  };
}

/** Every test has a bucket of its own. */
function bucketsOf(
  name: string,
  { url }: Program,
  traits: Pick<BlobsKind, "loose" | "uploads">,
): BlobsKind {
  return {
    name,
    partBytes: PART_BYTES,
    ...traits,
    async create() {
      const open = await openBucket(url);
      return { blobs: await open(), again: open, [Symbol.asyncDispose]: () => Promise.resolve() };
    },
  };
}

async function proveLarge({ url }: Program, checksum: "crc32" | "md5"): Promise<void> {
  const open = await openBucket(url, { checksum });
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
  return serveRaw((request) => faults.answer(request, pass), faults.gate);
}

async function proveStorm(program: Program): Promise<void> {
  const name = "storm-bucket";
  const calm = await openBucket(program.url, {}, name);
  const faults = new S3Faults(() => STORM, 5);
  await using line = passOn(program.url, faults);
  // They are slower than a server of our own, and no slower answer is a fault.
  const options = bucketOptions(line.url, { retry: { stallSeconds: 3 } });
  await using blobs = await S3Blobs.open(`s3://${name}/a prefix`, options);
  const job: StormJob = { objects: 2000, largeEvery: 500, large: 2 * PART_BYTES + 9 };
  await runStorm(blobs, job);
  for (const fault of S3_FAULTS) ok((faults.counts.get(fault) ?? 0) > 10, fault);
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
  Deno.test(`${name}: 2,000 objects with each fault in 1 % of requests end complete and the same`, () =>
    proveStorm(program));
  Deno.test.afterAll(async () => await program[Symbol.asyncDispose]());
}

// moto says the same date of every upload.
if (python !== undefined) prove("moto", await start(moto), { uploads: "undated" });
// fauxqs passes conditions over, and lists no uploads.
if (await isInstalled(FAUXQS)) {
  prove("fauxqs", await start(fauxqs), { loose: true, uploads: "unlisted" });
}
