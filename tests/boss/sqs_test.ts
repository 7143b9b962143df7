/** Queues: what is received, deleted and sent, and that an error is never taken for an empty queue. */
import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { BossError } from "../../boss/boss_error.ts";
import { parseUploadMessage } from "../../boss/messages.ts";
import { type QueueMessage, SqsQueue } from "../../boss/sqs.ts";
import { CredentialKeeper } from "../../stores/blobs/s3_credentials.ts";
import type { RawAnswer } from "../_raw_http.ts";
import { TEST_KEY } from "../_s3_server.ts";
import { page, serveBoss, TestClock } from "./_boss_server.ts";
import { queueError, serveSqs } from "./_sqs_server.ts";
import { CHUNK_CONFIG, joinNew, retryOf, uploadQueue } from "./_wire.ts";

/** A queue that anybody with the test key may use. */
function serveQueue() {
  const clock = new TestClock();
  const server = serveSqs({
    keys: () => new Map([[TEST_KEY.accessKeyId, { secret: TEST_KEY.secretAccessKey }]]),
    now: () => clock.now(),
    isAllowed: () => true,
  });
  const kept = server.create("a-queue", 120);
  const keeper = new CredentialKeeper(() => Promise.resolve(TEST_KEY), clock);
  const open = (retry = {}, url = kept.url) =>
    new SqsQueue(url, keeper, { retry: { clock, random: () => 0.5, ...retry } });
  return { server, kept, clock, open, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

const bodies = (messages: readonly QueueMessage[]) => messages.map(({ body }) => body);

Deno.test("receive() takes as many messages as asked, and hides them for as long as asked", async () => {
  await using queue = serveQueue();
  const { server, kept, clock } = queue;
  for (let i = 0; i < 13; i++) server.put(kept, `message ${i}`);
  const open = queue.open();
  deepEqual(bodies(await open.receive()), ["message 0"]);
  const ten = await open.receive({ count: 10, visibilitySeconds: 600 });
  deepEqual(bodies(ten), Array.from({ length: 10 }, (_, i) => `message ${i + 1}`));
  equal(new Set(ten.map(({ receiptHandle }) => receiptHandle)).size, 10);
  clock.ahead += 121_000;
  deepEqual(bodies(await open.receive({ count: 10 })), ["message 0", "message 11", "message 12"]);
  clock.ahead += 480_000;
  equal((await open.receive({ count: 10 })).length, 10);
});

Deno.test("a body comes as it was sent, whatever XML would make of it", async () => {
  await using queue = serveQueue();
  const open = queue.open();
  const body = `{"a":"<&>\\"'é😀 ]]>","b":"x&amp;y&#10;","key":"0e5e&16&4"}\n\t`;
  const id = await open.send(body);
  deepEqual(
    (await open.receive()).map(({ id, body }) => ({ id, body })),
    [{ id, body }],
  );
});

Deno.test("an empty queue is watched for as long as asked, and no longer than until a message comes", async () => {
  await using queue = serveQueue();
  const open = queue.open();
  const began = performance.now();
  deepEqual(await open.receive({ waitSeconds: 1 }), []);
  const waited = performance.now() - began;
  ok(waited > 900 && waited < 5000, `${waited}`);
  setTimeout(() => queue.server.put(queue.kept, "late"), 100);
  deepEqual(bodies(await open.receive({ waitSeconds: 20 })), ["late"]);
  ok(performance.now() - began < 10_000);
});

Deno.test("a silent server has the time of the long poll before it is given up", async () => {
  await using queue = serveQueue();
  const open = queue.open({ stallSeconds: 0.2, attempts: 1 });
  deepEqual(await open.receive({ waitSeconds: 1 }), []);
  queue.server.next.push({ status: 200, delivery: "silent" });
  const began = performance.now();
  await rejects(open.receive({ waitSeconds: 1 }), { kind: "unavailable", message: /no byte came/ });
  ok(performance.now() - began > 1100);
});

Deno.test("delete() ends a message; again, and by an old handle, is no fault; what is no handle is lost", async () => {
  await using queue = serveQueue();
  const { kept, clock } = queue;
  const open = queue.open();
  queue.server.put(kept, "one");
  const [first] = await open.receive();
  clock.ahead += 121_000;
  const [second] = await open.receive();
  equal(first.id, second.id);
  // Somebody else has it now.
  equal(await open.delete(first.receiptHandle), "deleted");
  equal(kept.messages.length, 1);
  equal(await open.delete(second.receiptHandle), "deleted");
  equal(kept.messages.length, 0);
  equal(await open.delete(second.receiptHandle), "deleted");
  equal(await open.delete("nonsense"), "lost");
});

Deno.test("a message may come twice, and deleting it once is enough", async () => {
  await using queue = serveQueue();
  queue.kept.duplicates = 1;
  queue.server.put(queue.kept, "twice");
  const open = queue.open();
  const messages = [...await open.receive(), ...await open.receive()];
  deepEqual(bodies(messages), ["twice", "twice"]);
  equal(messages[0].id, messages[1].id);
  for (const { receiptHandle } of messages) equal(await open.delete(receiptHandle), "deleted");
  equal(queue.kept.messages.length, 0);
});

const xml = (body: string, status = 200): RawAnswer => ({
  status,
  headers: { "content-type": "text/xml" },
  body,
});
const OTHER_MD5 = "0".repeat(32);

Deno.test("an error is never taken for an empty queue: what is no whole answer is asked again", async () => {
  await using queue = serveQueue();
  const open = queue.open();
  const broken: RawAnswer[] = [
    page(200),
    xml(""),
    xml("<ReceiveMessageResponse>"),
    xml("<ReceiveMessageResponse><ResponseMetadata/></ReceiveMessageResponse>"),
    xml("<SendMessageResponse><ReceiveMessageResult/></SendMessageResponse>"),
    xml(
      `<ReceiveMessageResponse><ReceiveMessageResult><Message><Body>x</Body></Message></ReceiveMessageResult></ReceiveMessageResponse>`,
    ),
    xml(
      `<ReceiveMessageResponse><ReceiveMessageResult><Message><MessageId>1</MessageId><ReceiptHandle>2</ReceiptHandle><MD5OfBody>${OTHER_MD5}</MD5OfBody><Body>x</Body></Message></ReceiveMessageResult></ReceiveMessageResponse>`,
    ),
    page(400),
    page(404),
    page(502),
    queueError(500, "InternalError"),
    queueError(503, "ServiceUnavailable"),
    queueError(400, "RequestThrottled"),
    queueError(403, "OverLimit"),
    { status: 200, delivery: "reset" },
    { ...xml("<ReceiveMessageResponse></ReceiveMessageResponse>"), delivery: "cut" },
  ];
  for (const said of broken) {
    const id = queue.server.put(queue.kept, "it");
    queue.server.next.push(said);
    const [message] = await open.receive({ waitSeconds: 0 });
    equal(message?.id, id, JSON.stringify(said));
    await open.delete(message.receiptHandle);
  }
  deepEqual(await open.receive({ waitSeconds: 0 }), []);
});

Deno.test("a queue that errs for a while is waited for; for too long, that is an error with what came last", async () => {
  await using queue = serveQueue();
  const { server, clock } = queue;
  server.put(queue.kept, "it");
  server.next.push(...Array(15).fill(queueError(500, "InternalError")));
  deepEqual(bodies(await queue.open().receive()), ["it"]);
  equal(clock.waits.length, 15);
  server.next.push(...Array(20).fill(queueError(500, "InternalError", "We are sorry")));
  await rejects(queue.open().receive(), {
    name: "BossError",
    kind: "unavailable",
    status: 500,
    code: "InternalError",
    message:
      `Cannot receive from "${queue.kept.url}": the server answered 500 InternalError (We are sorry), after 20 attempts; try again later, or look at the network and the state of the job`,
  });
});

Deno.test("T21: pauses after errors have a longest one, and an end", async () => {
  await using queue = serveQueue();
  const { server, clock } = queue;
  const messages = Array.from({ length: 3 }, () => queueError(500, "InternalError"));
  server.next.push(...messages);
  equal(await queue.open().delete("nonsense"), "lost");
  server.next.push(...Array(1000).fill(queueError(500, "InternalError")));
  const began = clock.now();
  await rejects(queue.open({ attempts: 1000 }).delete("x"), { kind: "unavailable" });
  ok(Math.max(...clock.waits) <= 20_000);
  ok(clock.now() - began <= 200_000);
  server.next.length = 0;
});

Deno.test("a queue that is not there, and what may not be done to one, are errors at once", async () => {
  await using queue = serveQueue();
  const { server, kept } = queue;
  const absent = kept.url.replace("a-queue", "absent");
  await rejects(queue.open({}, absent).receive(), {
    kind: "missing",
    code: "AWS.SimpleQueueService.NonExistentQueue",
    message: /; ask for the state of the job: its queues are gone once it has ended$/,
  });
  const cases = [
    [queueError(403, "AccessDenied"), "forbidden"],
    [queueError(403, "SignatureDoesNotMatch"), "keys"],
    [queueError(403, "InvalidClientTokenId"), "keys"],
    [queueError(400, "InvalidParameterValue"), "refused"],
    [page(403), "forbidden"],
    [{ status: 301, headers: { location: "http://elsewhere" } }, "refused"],
  ] as const;
  for (const [said, kind] of cases) {
    server.next.push(said);
    await rejects(queue.open().receive(), { name: "BossError", kind });
  }
  equal(server.next.length, 0);
});

Deno.test("T38: keys that are new are given a minute to become valid; then other ones are asked for, once", async () => {
  await using boss = serveBoss({ settling: 12_000 });
  const { keys } = await joinNew(boss);
  boss.clock.waits.length = 0;
  equal((await uploadQueue(boss, keys).receive()).length, 1);
  deepEqual(boss.clock.waits, [5000, 5000, 5000]);
  deepEqual(boss.issued.length, 1);
  // For ever is too long.
  boss.behaviour.settling = Infinity;
  const { keys: bad } = await joinNew(boss);
  const began = boss.clock.now();
  await rejects(uploadQueue(boss, bad).receive(), {
    kind: "keys",
    code: "InvalidClientTokenId",
    message: /; join the job again for new keys$/,
  });
  ok(boss.clock.now() - began <= 181_000);
  // One other pair was asked for, and not one at every attempt.
  equal(boss.issued.length, 3);
});

Deno.test("keys of a job allow what a worker does, and no more", async () => {
  await using boss = serveBoss();
  const { keys, join } = await joinNew(boss);
  const refused = { kind: "forbidden", code: "AccessDenied" };
  const upload = uploadQueue(boss, keys);
  const [{ receiptHandle }] = await upload.receive({ visibilitySeconds: 300 });
  equal(await upload.delete(receiptHandle), "deleted");
  await rejects(upload.send("x"), refused);
  const index = new SqsQueue(join.access.indexQueue!, keys.keeper, { retry: retryOf(boss) });
  await index.send(JSON.stringify({ tile_key: "absent", ingest_job: 42 }));
  await rejects(index.receive(), refused);
  ok(boss.sqs.log.every((line) => !line.startsWith("ChangeMessageVisibility")));
});

Deno.test("messages of a job come as the reference has them, and are read", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss);
  const messages = await uploadQueue(boss, keys).receive({ count: 10 });
  deepEqual(
    messages.map(({ body }) => {
      const message = parseUploadMessage(body, "tile");
      ok(message.kind === "tile");
      const { tile: { x, y, z, t }, chunk } = message;
      return [x, y, z, t, chunk.numTiles, chunk.x, chunk.z];
    }),
    Array.from({ length: 10 }, (_, i) => [1, 0, 16 + i, 0, 11, 1, 1]),
  );
  const { keys: others } = await joinNew(boss, CHUNK_CONFIG);
  const [{ body }] = await uploadQueue(boss, others).receive();
  const message = parseUploadMessage(body, "volumetric");
  ok(message.kind === "volumetric");
  deepEqual(
    message.cuboids.map(({ offset, cuboid }) => [...offset, cuboid.morton]),
    [[0, 0, 0, 2056n], [512, 0, 0, 2057n], [0, 0, 16, 2060n], [512, 0, 16, 2061n]],
  );
});

Deno.test("a clock that is wrong is set by that of the queue", async () => {
  await using queue = serveQueue();
  for (const ahead of [3_600_000, -86_400_000]) {
    queue.clock.ahead = ahead;
    const clock = new TestClock();
    const keeper = new CredentialKeeper(() => Promise.resolve(TEST_KEY), clock);
    queue.server.put(queue.kept, "it");
    const open = new SqsQueue(queue.kept.url, keeper, { retry: { clock } });
    deepEqual(bodies(await open.receive()), ["it"]);
    deepEqual(clock.waits, []);
    queue.kept.messages = [];
  }
});

Deno.test("no secret is in an error, also where the server repeats it", async () => {
  await using queue = serveQueue();
  const { accessKeyId, secretAccessKey } = TEST_KEY;
  queue.server.next.push(
    queueError(403, "SignatureDoesNotMatch", `${accessKeyId} with ${secretAccessKey} is wrong`),
  );
  await rejects(queue.open().receive(), (error) => {
    ok(error instanceof BossError);
    match(error.message, /\(… with … is wrong\)/);
    ok(!inspect(error).includes(secretAccessKey));
    return true;
  });
});

Deno.test("what no queue takes is refused before it is asked", async () => {
  await using queue = serveQueue();
  const open = queue.open();
  await rejects(open.receive({ count: 11 }), { name: "RangeError", message: /count 11/ });
  await rejects(open.receive({ count: 0.5 }), RangeError);
  await rejects(open.receive({ waitSeconds: 21 }), RangeError);
  await rejects(open.receive({ visibilitySeconds: -1 }), RangeError);
  await rejects(open.send(""), RangeError);
  await rejects(open.send("é".repeat(131_073)), RangeError);
  await open.send("é".repeat(131_072));
  const { keeper } = {
    keeper: new CredentialKeeper(() => Promise.resolve(undefined), queue.clock),
  };
  for (const url of ["", "queue", "ftp://host/queue", "https://user:pw@host/queue"]) {
    throws(
      () => new SqsQueue(url, keeper),
      (error: Error) => error.name === "UsageError" && !error.message.includes("pw"),
    );
  }
  const keyless = new SqsQueue(queue.kept.url, keeper);
  await rejects(keyless.receive(), { kind: "keys", message: /there are no keys/ });
});

Deno.test("T42: the region of a queue is the one its host names", async () => {
  await using queue = serveQueue();
  const regions = {
    "https://sqs.eu-west-2.amazonaws.com/1/q": "eu-west-2",
    "https://queue.amazonaws.com/1/q": "us-east-1",
    "https://us-gov-west-1.queue.amazonaws.com/1/q": "us-gov-west-1",
    "https://sqs.cn-north-1.amazonaws.com.cn/1/q": "cn-north-1",
    "https://queue.example/1/q": "us-east-1",
  };
  const keeper = new CredentialKeeper(() => Promise.resolve(TEST_KEY), queue.clock);
  const fetched: string[] = [];
  const real = globalThis.fetch;
  globalThis.fetch = (_url, init) => {
    fetched.push(new Headers(init!.headers).get("authorization")!.split("/")[2]);
    return Promise.resolve(new Response("", { status: 401 }));
  };
  try {
    for (const url of Object.keys(regions)) {
      await rejects(new SqsQueue(url, keeper).receive(), { kind: "forbidden" });
    }
  } finally {
    globalThis.fetch = real;
  }
  deepEqual(fetched, Object.values(regions));
});
