/** Queues and a bucket of moto, which another client fills: signatures and rights are checked there. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { cuboidMetadata, parametersOf, tileObjectMetadata } from "../../boss/messages.ts";
import { JobBucket } from "../../boss/objects.ts";
import { SqsQueue } from "../../boss/sqs.ts";
import { CredentialKeeper, type S3Credentials } from "../../stores/blobs/s3_credentials.ts";
import { type Program, silent, start } from "./_programs.ts";
import { python } from "./_python.ts";

const PEER = fileURLToPath(new URL("boss_queue.py", import.meta.url));
const CLOCK = {
  now: Date.now,
  wait: (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)),
};

/** What the peer made. */
interface Made {
  readonly upload: string;
  readonly index: string;
  readonly bucket: string;
  readonly root: S3Credentials;
  readonly job: S3Credentials;
}

/** A server with queues, and the peer that has all rights there. */
interface Queues extends AsyncDisposable {
  readonly url: string;
  readonly made: Made;
  peer(act: "send" | "read" | "left" | "object", ...about: string[]): Promise<unknown>;
  open(url: string, keys?: S3Credentials): SqsQueue;
}

const moto = (port: number) =>
  new Deno.Command(python!, {
    args: ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    ...silent,
  });

async function runPeer(args: readonly string[], root?: S3Credentials): Promise<unknown> {
  const env: Record<string, string> = root === undefined
    ? {}
    : { ROOT_ID: root.accessKeyId, ROOT_SECRET: root.secretAccessKey };
  const command = new Deno.Command(python!, { args: [PEER, ...args], env });
  const { success, stdout, stderr } = await command.output();
  ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function openQueues(): Promise<Queues> {
  const program: Program = await start(moto);
  const made = await runPeer(["make", program.url]) as Made;
  // From here on, it believes nobody without a right signature, and holds everybody to their rights.
  const strict = await fetch(`${program.url}/moto-api/reset-auth`, { method: "POST", body: "0" });
  ok(strict.ok, await strict.text());
  return {
    url: program.url,
    made,
    peer: (act, ...more) => runPeer([act, program.url, ...more], made.root),
    open: (url, keys = made.job) =>
      new SqsQueue(url, new CredentialKeeper(() => Promise.resolve(keys), CLOCK), {
        retry: { attempts: 2 },
      }),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function proveReceiving({ made, peer, open }: Queues): Promise<void> {
  await peer("send", made.upload, "12");
  const queue = open(made.upload);
  const first = await queue.receive();
  const rest = [
    ...await queue.receive({ count: 10, visibilitySeconds: 600 }),
    ...await queue.receive({ count: 10, visibilitySeconds: 1 }),
  ];
  const parsed = [...first, ...rest].map(({ body }) => JSON.parse(body));
  deepEqual(parsed.map(({ number }) => number).sort((a, b) => a - b), [...Array(12).keys()]);
  for (const { chunk_key, text } of parsed) {
    equal(chunk_key, `a&b<c>"'`);
    equal(text, "caf\u00e9 \u{1f600} \\ \t|\n|\r|");
  }
  deepEqual(await peer("left", made.upload), [0, 12]);
  deepEqual(await queue.receive({ waitSeconds: 0 }), []);
  // What was asked for a second comes again, and the others do not.
  const again = await queue.receive({ count: 10, waitSeconds: 5, visibilitySeconds: 600 });
  deepEqual(again.map(({ id }) => id), [rest.at(-1)!.id]);
  for (const { receiptHandle } of [...first, ...rest.slice(0, -1), ...again]) {
    equal(await queue.delete(receiptHandle), "deleted");
  }
  deepEqual(await peer("left", made.upload), [0, 0]);
  equal(await queue.delete("nonsense"), "lost");
}

async function proveSending({ made, peer, open }: Queues): Promise<void> {
  const queue = open(made.index);
  const bodies = [
    `{"tile_key":"0e5e&16&4","text":"<&>\\"' é😀"}`,
    "x".repeat(262_144),
    "a b+c%20d",
  ];
  for (const body of bodies) ok((await queue.send(body)).length > 8);
  deepEqual((await peer("read", made.index) as string[]).sort(), bodies.toSorted());
}

async function proveRights({ made, open }: Queues): Promise<void> {
  const denied = { name: "BossError", kind: "forbidden", code: "AccessDenied" };
  await rejects(open(made.upload).send("x"), denied);
  await rejects(open(made.index).receive(), denied);
  const { job } = made;
  const wrong = open(made.upload, { ...job, secretAccessKey: "wrong" });
  await rejects(wrong.receive(), { kind: "keys", code: "SignatureDoesNotMatch" });
  const unknown = open(made.upload, { ...job, accessKeyId: "AKIAUNKNOWN" });
  await rejects(unknown.receive(), { kind: "keys", code: "InvalidClientTokenId" });
  const absent = open(made.upload.replace("upload-42", "upload-43"), made.root);
  await rejects(absent.receive(), {
    kind: "missing",
    code: "AWS.SimpleQueueService.NonExistentQueue",
  });
}

async function provePutting({ url, made, peer }: Queues): Promise<void> {
  const { job, bucket: name } = made;
  const find = (keys: S3Credentials) => () => Promise.resolve(keys);
  const retry = { attempts: 2 };
  const bucket = await JobBucket.open(name, { credentials: find(job), endpoint: url, retry });
  const key = "02e4578abd294eb42c5c625b6340bd59&4&4&30&0&0&8802";
  // Spaces in a row are one in what is signed, and stay two in what is stored.
  const parameters = parametersOf(`{"ingest_job":{"upload_queue":"é  x"},"resource":{"x":4.0}}`);
  const metadata = cuboidMetadata({ job: 42, chunkKey: key, parameters });
  const all = tileObjectMetadata({ id: "a-1", receiptHandle: "AQEB+/==" }, metadata);
  await bucket.put(key, new Uint8Array([1, 2, 255]), all);
  deepEqual(await peer("object", name, key), [all, "0102ff", "STANDARD"]);
  const wrong = { ...job, secretAccessKey: "wrong" };
  const other = await JobBucket.open(name, { credentials: find(wrong), endpoint: url, retry });
  await rejects(other.put(key, new Uint8Array(1), all), { kind: "credentials" });
}

// Else python says what is left out.
if (python !== undefined) {
  const queues = await openQueues();
  Deno.test("moto: what boto3 sends is received whole, hidden as asked, and deleted", () =>
    proveReceiving(queues));
  Deno.test("moto: what is sent, boto3 receives letter for letter", () => proveSending(queues));
  Deno.test("moto: keys of a job are held to its rights, and wrong ones are refused", () =>
    proveRights(queues));
  Deno.test("moto: an object and its metadata are taken by the keys of a job, and boto3 reads them", () =>
    provePutting(queues));
  Deno.test.afterAll(async () => await queues[Symbol.asyncDispose]());
}
