/** Tiles and cuboids in the bucket of a job, as the server wants them. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { JobKeys } from "../../boss/job_keys.ts";
import {
  cuboidMetadata,
  cuboidObjectMetadata,
  metadataBytes,
  type ObjectMetadata,
  parseUploadMessage,
  tileMetadata,
  tileObjectMetadata,
} from "../../boss/messages.ts";
import { JobBucket } from "../../boss/objects.ts";
import { SqsQueue } from "../../boss/sqs.ts";
import { S3Blobs } from "../../stores/blobs/s3_blobs.ts";
import { settleBucket } from "../../stores/blobs/_s3_settings.ts";
import { NO_ENV } from "../stores/blobs/_places.ts";
import { errorAnswer } from "../_s3_server.ts";
import { type BossTestServer, INGEST_BUCKET, serveBoss, TILE_BUCKET } from "./_boss_server.ts";
import { CHUNK_CONFIG, joinNew, retryOf, TILE_CONFIG, uploadQueue } from "./_wire.ts";

function openBucket(boss: BossTestServer, keys: JobKeys): Promise<JobBucket> {
  return JobBucket.open(keys.join.access.bucket, {
    credentials: keys.finder(),
    endpoint: boss.s3.url,
    retry: retryOf(boss),
  });
}

/** Uploads all that a tile job asks for now. @returns How many tiles. */
async function uploadTiles(boss: BossTestServer, keys: JobKeys): Promise<number> {
  const { job, access } = keys.join;
  const queue = uploadQueue(boss, keys);
  const index = new SqsQueue(access.indexQueue!, keys.keeper, { retry: retryOf(boss) });
  const bucket = await openBucket(boss, keys);
  for (let count = 0;;) {
    const messages = await queue.receive({ count: 10, waitSeconds: 0 });
    if (messages.length === 0) return count;
    for (const message of messages) {
      const { tileKey, chunkKey, kind } = parseTile(message.body);
      equal(kind, "tile");
      const origin = { job: job.id, chunkKey, tileKey, parameters: access.parameters };
      const metadata = tileMetadata({ ...origin, size: [512, 512] });
      const bytes = new TextEncoder().encode(tileKey);
      await bucket.put(tileKey, bytes, tileObjectMetadata(message, metadata));
      await index.send(metadata);
      equal(await queue.delete(message.receiptHandle), "deleted");
      count++;
    }
  }
}

function parseTile(body: string) {
  const message = parseUploadMessage(body, "tile");
  ok(message.kind === "tile");
  return message;
}

Deno.test("a tile job goes from create to complete, and every object says what the server needs", async () => {
  await using boss = serveBoss();
  const { keys, service } = await joinNew(boss);
  equal(await uploadTiles(boss, keys), 22);
  deepEqual(boss.oddities, []);
  const { objects } = boss.s3.buckets.get(TILE_BUCKET)!;
  equal(objects.size, 22);
  const [[key, { bytes, headers }]] = objects;
  match(key, /^[0-9a-f]{32}&4&5&6&0&1&0&16&0$/);
  equal(new TextDecoder().decode(bytes), key);
  deepEqual(Object.keys(JSON.parse(headers["x-amz-meta-metadata"])), [
    "chunk_key",
    "tile_key",
    "ingest_job",
    "parameters",
    "x_size",
    "y_size",
  ]);
  match(headers["x-amz-meta-message_id"], /^[0-9a-f-]{36}$/);
  match(headers["x-amz-meta-receipt_handle"], /^[0-9a-f-]{36}$/);
  const wait = await service.complete(42);
  ok(wait.kind === "wait");
  boss.clock.ahead += wait.seconds * 1000 + 1000;
  equal((await service.complete(42)).kind, "completing");
  await service.status(42);
  equal((await service.status(42)).state, "complete");
});

Deno.test("a tile that never came is asked for again at the end", async () => {
  await using boss = serveBoss();
  const { keys, service } = await joinNew(boss);
  await uploadTiles(boss, keys);
  const job = boss.jobs.get(42)!;
  job.ingested.delete(job.messages[7].keys[0]);
  const wait = await service.complete(42);
  ok(wait.kind === "wait");
  boss.clock.ahead += 181_000;
  await service.complete(42);
  await service.status(42);
  deepEqual(await service.status(42), { id: 42, state: "uploading", total: 22, left: 1 });
  equal(await uploadTiles(boss, keys), 1);
});

Deno.test("T4: a cuboid that was not taken is an error, so that its chunk's message stays", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  const { access } = keys.join;
  const bucket = await openBucket(boss, keys);
  const [{ body }] = await uploadQueue(boss, keys).receive();
  const message = parseUploadMessage(body, "volumetric");
  ok(message.kind === "volumetric");
  const metadata = cuboidMetadata({
    job: 42,
    chunkKey: message.chunkKey,
    parameters: access.parameters,
  });
  const bytes = new Uint8Array(1000).fill(7);
  for (const { key } of message.cuboids) {
    await bucket.put(key, bytes, cuboidObjectMetadata(metadata));
  }
  const { objects } = boss.s3.buckets.get(INGEST_BUCKET)!;
  deepEqual([...objects.keys()], message.cuboids.map(({ key }) => key));
  for (const { headers } of objects.values()) equal(headers["x-amz-meta-metadata"], metadata);
  deepEqual(boss.oddities, []);
  const denied = () => errorAnswer(403, "AccessDenied", boss.s3.behaviour);
  boss.s3.intercept = denied;
  await rejects(bucket.put("x", bytes, cuboidObjectMetadata(metadata)), {
    name: "BlobError",
    kind: "forbidden",
    message:
      /^Cannot write "s3:\/\/ingest\.theboss\.test\/x": the server answered 403 AccessDenied/,
  });
});

Deno.test("T38: a bucket is given a minute to learn of new keys", async () => {
  await using boss = serveBoss({ settling: 17_000 });
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  boss.clock.waits.length = 0;
  await (await openBucket(boss, keys)).put("it", new Uint8Array(1), cuboidObjectMetadata("{}"));
  deepEqual(boss.clock.waits, [5000, 5000, 5000, 5000]);
  equal(boss.issued.length, 1);
});

Deno.test("T26: metadata that S3 does not take is refused before it is sent", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, TILE_CONFIG);
  const bucket = await openBucket(boss, keys);
  const base = { message_id: "m", receipt_handle: "r" };
  const fill = 2048 - metadataBytes({ ...base, metadata: "" });
  const metadata: ObjectMetadata = { ...base, metadata: "x".repeat(fill) };
  await bucket.put("most", new Uint8Array(1), metadata);
  await rejects(
    bucket.put("more", new Uint8Array(1), { ...metadata, metadata: "x".repeat(fill + 1) }),
    {
      name: "BossError",
      kind: "refused",
      message: /^Cannot write "s3:.*\/more": its metadata has 2049 bytes, and S3 takes 2048; /,
    },
  );
  const long = { ...metadata, receipt_handle: "x".repeat(400) };
  const { length } = boss.s3.log;
  await rejects(bucket.put("more", new Uint8Array(1), long), { kind: "refused" });
  equal(boss.s3.log.length, length);
});

Deno.test("T27: the ampersands of a key are encoded once, in the address as in the signature", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  const key = "02e4578abd294eb42c5c625b6340bd59&4&4&30&0&0&8802";
  const paths: string[] = [];
  const guard = boss.s3.intercept!;
  boss.s3.intercept = (request) => {
    paths.push(request.path);
    return guard(request);
  };
  const bucket = await openBucket(boss, keys);
  await bucket.put(key, new Uint8Array(2), cuboidObjectMetadata("{}"));
  deepEqual(paths, [`/${INGEST_BUCKET}/${key.replaceAll("&", "%26")}`]);
  deepEqual([...boss.s3.buckets.get(INGEST_BUCKET)!.objects.keys()], [key]);
});

Deno.test("a put again is the same, and faults on the way are waited out", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  const bucket = await openBucket(boss, keys);
  boss.s3.next.push("error", "slow-down", "reset-before", "reset-after", "cut", "page", "flip");
  for (let i = 0; i < 3; i++) {
    await bucket.put("it", new Uint8Array([1, 2, i]), cuboidObjectMetadata("{}"));
  }
  equal(boss.s3.next.length, 0);
  deepEqual(
    boss.s3.buckets.get(INGEST_BUCKET)!.objects.get("it")?.bytes,
    new Uint8Array([1, 2, 2]),
  );
  // Bytes on shared memory, too.
  const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(9);
  await bucket.put("shared", shared, cuboidObjectMetadata("{}"));
  equal(boss.s3.buckets.get(INGEST_BUCKET)!.objects.get("shared")?.bytes[2], 9);
});

Deno.test("the keys of a job open its bucket for objects, and for nothing else", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  for (const name of [INGEST_BUCKET, TILE_BUCKET]) {
    await using blobs = await S3Blobs.open(`s3://${name}`, {
      credentials: keys.finder(),
      endpoint: boss.s3.url,
      env: NO_ENV,
      retry: retryOf(boss, { attempts: 2 }),
    });
    await rejects(blobs.get("it"));
    await rejects(Array.fromAsync(blobs.list("")));
    await rejects(blobs.delete("it"));
    if (name === TILE_BUCKET) await rejects(blobs.put("it", new Uint8Array(1)));
  }
  equal(boss.s3.buckets.get(TILE_BUCKET)!.objects.size, 0);
});

Deno.test("variables and profiles of the user's own AWS do not move the bucket of a job", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  const names = ["AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"];
  const before = names.map((name) => Deno.env.get(name));
  try {
    for (const name of names) Deno.env.set(name, "http://127.0.0.1:9");
    const bucket = await openBucket(boss, keys);
    await bucket.put("it", new Uint8Array(1), cuboidObjectMetadata("{}"));
  } finally {
    for (const [i, name] of names.entries()) {
      if (before[i] === undefined) Deno.env.delete(name);
      else Deno.env.set(name, before[i]);
    }
  }
  equal(boss.s3.buckets.get(INGEST_BUCKET)!.objects.size, 1);
});

Deno.test("T43: a bucket with dots in its name is a part of the path, as no certificate is for such a host", async () => {
  const own = { region: "us-east-1", env: NO_ENV };
  equal((await settleBucket("s3://cuboids.boss.lab", own)).pathStyle, true);
  equal((await settleBucket("s3://cuboids", own)).pathStyle, false);
});
