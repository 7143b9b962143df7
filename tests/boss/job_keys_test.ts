/** Keys of a job: one join for all who need others, before they run out and when they are refused. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { JobBucket } from "../../boss/objects.ts";
import { JobKeys } from "../../boss/job_keys.ts";
import { cuboidObjectMetadata } from "../../boss/messages.ts";
import { bossError, COMPLETE, serveBoss } from "./_boss_server.ts";
import { CHUNK_CONFIG, joinNew, retryOf, TILE_CONFIG, uploadQueue } from "./_wire.ts";
import type { BossTestServer } from "./_boss_server.ts";

const signal = new AbortController().signal;
const MINUTE = 60_000;

function openBucket(boss: BossTestServer, keys: JobKeys) {
  return JobBucket.open(keys.join.access.bucket, {
    credentials: keys.finder(),
    endpoint: boss.s3.url,
    retry: retryOf(boss),
  });
}

const put = (bucket: JobBucket, name: string) =>
  bucket.put(name, new Uint8Array(3), cuboidObjectMetadata("{}"));

Deno.test("the keys of the first join serve its queues and its bucket, until they are 55 minutes old", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  const [queue, bucket] = [uploadQueue(boss, keys), await openBucket(boss, keys)];
  const work = async () => {
    await queue.receive({ waitSeconds: 0 });
    await put(bucket, "it");
  };
  await work();
  boss.clock.ahead += 54 * MINUTE;
  await work();
  deepEqual(boss.issued, ["AKIATEST0"]);
  boss.clock.ahead += 1.1 * MINUTE;
  // One joins for both.
  await Promise.all([work(), work(), work()]);
  deepEqual(boss.issued, ["AKIATEST0", "AKIATEST1"]);
  equal(keys.join.access.keys.accessKeyId, "AKIATEST1");
  boss.clock.ahead += 120 * MINUTE;
  await work();
  equal(boss.issued.length, 3);
});

Deno.test("keys that are taken back early are replaced, by one join for all", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  const joins: number[] = [];
  const told = new JobKeys(
    (await joinNew(boss, CHUNK_CONFIG)).service,
    keys.join,
    { onJoin: ({ job }) => joins.push(job.id) },
  );
  const [queue, bucket] = [uploadQueue(boss, told), await openBucket(boss, told)];
  boss.clock.ahead += 10 * MINUTE;
  boss.revoke(42);
  await Promise.all([queue.receive(), put(bucket, "a"), put(bucket, "b"), put(bucket, "c")]);
  deepEqual(joins, [42]);
  deepEqual([...boss.s3.buckets.values()].map(({ objects }) => objects.size), [0, 3]);
});

Deno.test("keys that run out while a Boss is away are used until then, and the Boss is asked again", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss, CHUNK_CONFIG);
  const queue = uploadQueue(boss, keys);
  await queue.receive();
  boss.clock.ahead += 56 * MINUTE;
  const down = (times: number) => boss.next.push(...Array(times).fill({ status: 503 }));
  down(1000);
  await queue.receive({ waitSeconds: 0 });
  boss.next.length = 0;
  // It is not asked again at once.
  await queue.receive({ waitSeconds: 0 });
  equal(boss.issued.length, 1);
  boss.clock.ahead += MINUTE;
  await queue.receive({ waitSeconds: 0 });
  equal(boss.issued.length, 2);
  boss.clock.ahead += 61 * MINUTE;
  down(1000);
  await rejects(queue.receive(), { name: "BossError", kind: "unavailable", status: 503 });
  boss.next.length = 0;
  await queue.receive({ waitSeconds: 0 });
});

Deno.test("a job that has ended meanwhile gives no keys, and says so to whoever asks", async () => {
  await using boss = serveBoss();
  const { keys, service } = await joinNew(boss, TILE_CONFIG);
  const queue = uploadQueue(boss, keys);
  await queue.receive();
  boss.clock.ahead += 10 * MINUTE;
  await service.cancel(42);
  const ended = {
    name: "BossError",
    kind: "ended",
    message:
      "Cannot renew the keys of ingest job 42: it is deleted; nothing more can be uploaded to it",
  };
  await rejects(queue.receive(), ended);
  await rejects((await openBucket(boss, keys)).put("k", new Uint8Array(1), {}), ended);
  const { keys: others } = await joinNew(boss, TILE_CONFIG);
  boss.jobs.get(43)!.state = COMPLETE;
  boss.revoke(43);
  boss.clock.ahead += 10 * MINUTE;
  await rejects(uploadQueue(boss, others).receive(), { kind: "ended", message: /it is complete/ });
});

Deno.test("T39: a session token that comes with keys goes with every request, and its absence is no fault", async () => {
  for (const sessionToken of ["token/of+a=session", null]) {
    await using boss = serveBoss({ sessionToken });
    const { keys } = await joinNew(boss, CHUNK_CONFIG);
    equal((await keys.finder()())?.sessionToken, sessionToken ?? undefined);
    equal((await uploadQueue(boss, keys).receive()).length, 1);
    await put(await openBucket(boss, keys), "it");
    const [, ingest] = boss.s3.buckets.values();
    equal(ingest.objects.size, 1);
  }
});

Deno.test("each finder hands out what is there first, and asks for others when it is asked again", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss);
  const [one, two] = [keys.finder(), keys.finder()];
  const names = async (...finders: (typeof one)[]) =>
    (await Promise.all(finders.map((find) => find()))).map((found) => found?.accessKeyId);
  deepEqual(await names(one), ["AKIATEST0"]);
  deepEqual(await names(one), ["AKIATEST1"]);
  // It has not seen the first ones.
  deepEqual(await names(two), ["AKIATEST1"]);
  deepEqual(await names(one, two), ["AKIATEST2", "AKIATEST2"]);
  const found = await keys.keeper.keys(signal);
  equal(found?.expires, keys.join.access.issued + 60 * MINUTE);
  equal(found?.issued, keys.join.access.issued);
});

Deno.test("a join that fails for keys fails for those who wait for it, and not for ever", async () => {
  await using boss = serveBoss();
  const { keys } = await joinNew(boss);
  const find = keys.finder();
  await find();
  boss.next.push(bossError(403, 3003, "not yours"));
  const both = await Promise.allSettled([find(), find()]);
  ok(both.every(({ status }) => status === "rejected"));
  equal((await find())?.accessKeyId, "AKIATEST1");
});
