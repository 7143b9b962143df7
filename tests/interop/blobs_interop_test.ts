/** Buckets of servers that others wrote: moto (Python) and fauxqs (npm). */
import { type BlobsKind, conform, someBytes } from "../stores/blobs/conformance.ts";
import { NO_ENV } from "../stores/blobs/_places.ts";
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
  name = `bucket-${buckets++}`,
): Promise<() => Promise<S3Blobs>> {
  const response = await fetch(`${url}/${name}`, { method: "PUT" });
  await response.body?.cancel();
  ok(response.ok);
  return () =>
    S3Blobs.open(`s3://${name}/a prefix`, {
      endpoint: url,
      credentials: CREDENTIALS,
      env: NO_ENV,
      partBytes: PART_BYTES,
      multipartBytes: 2 * PART_BYTES,
    });
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

async function proveLarge({ url }: Program): Promise<void> {
  const open = await openBucket(url);
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

/** Registers the tests of a server, which runs until they are over. */
function prove(name: string, program: Program, traits: Pick<BlobsKind, "loose" | "uploads">): void {
  conform(bucketsOf(name, program, traits));
  Deno.test(`${name}: large objects go in parts`, () => proveLarge(program));
  Deno.test.afterAll(async () => await program[Symbol.asyncDispose]());
}

// moto says the same date of every upload.
if (python !== undefined) prove("moto", await start(moto), { uploads: "undated" });
// fauxqs passes conditions over, and lists no uploads.
if (await isInstalled(FAUXQS)) {
  prove("fauxqs", await start(fauxqs), { loose: true, uploads: "unlisted" });
}
