/** The ingest service: what it answers, and what goes wrong on the way. */
import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { BossError } from "../../boss/boss_error.ts";
import { BossToken } from "../../boss/credentials.ts";
import { BossService } from "../../boss/rest.ts";
import type { RawAnswer } from "../_raw_http.ts";
import {
  bossError,
  COMPLETE,
  COMPLETING,
  detailError,
  FAILED,
  page,
  serveBoss,
  TEST_TOKEN,
  TILE_BUCKET,
  WAITING,
} from "./_boss_server.ts";
import { CHUNK_CONFIG, joinNew, serviceOf, TILE_CONFIG } from "./_wire.ts";

/** As the server has it in its database. */
const TILE_JOB = {
  id: 42,
  kind: "tile",
  collection: "colA",
  experiment: "expA",
  channel: "chA",
  tileCount: 22,
};

Deno.test("create() posts the configuration and gives the new job", async () => {
  await using boss = serveBoss();
  const service = serviceOf(boss);
  deepEqual(await service.create(TILE_CONFIG), { ...TILE_JOB, state: "preparing" });
  const job = await service.create(CHUNK_CONFIG);
  deepEqual([job.id, job.kind, job.tileCount], [43, "volumetric", 2]);
  deepEqual(boss.log, ["POST /latest/ingest/", "POST /latest/ingest/"]);
});

Deno.test("T10: create() sends the configuration as it is, without copies of the job in params", async () => {
  await using boss = serveBoss();
  const config = { ...TILE_CONFIG, extra: { params: { root: "/dätä" } } };
  const { id } = await serviceOf(boss).create(config);
  equal(boss.jobs.get(id)?.posted, JSON.stringify(config));
});

Deno.test("join() gives keys, queues, the bucket and what the server wants back", async () => {
  await using boss = serveBoss();
  const before = boss.clock.now();
  const { join } = await joinNew(boss);
  const { upload, index } = boss.jobs.get(42)!;
  deepEqual(join.job, { ...TILE_JOB, state: "uploading" });
  const { keys, issued, parameters, ...rest } = join.access;
  deepEqual(rest, {
    uploadQueue: upload.url,
    indexQueue: index!.url,
    bucket: TILE_BUCKET,
    channel: { datatype: "uint8", baseResolution: 0 },
  });
  equal(keys.accessKeyId, boss.issued[0]);
  ok(issued >= before && issued <= boss.clock.now());
  match(
    parameters,
    /^\{"upload_queue":"[^"]+-upload-42","ingest_queue":"[^"]+-ingest-42","KVIO_SETTINGS":\{.*\},"STATEIO_CONFIG":\{.*\},"OBJECTIO_CONFIG":\{.*\},"resource":\{"boss_key":"colA&expA&chA",.*"x_voxel_size":4\.0,/,
  );
});

Deno.test("join() of a volumetric job has the other bucket, and no queue for tiles", async () => {
  await using boss = serveBoss();
  const { join } = await joinNew(boss, CHUNK_CONFIG);
  equal(join.access.indexQueue, undefined);
  match(join.access.bucket, /^ingest\./);
  match(join.access.parameters, /"ingest_queue":null,/);
});

Deno.test("join() waits while the server prepares the job, and says why", async () => {
  await using boss = serveBoss({ preparingJoins: 3 });
  const service = serviceOf(boss);
  await service.create(TILE_CONFIG);
  const told: string[] = [];
  const join = await service.join(42, { onWait: (why) => told.push(why) });
  equal(join.kind, "open");
  deepEqual(told, Array(3).fill("the server prepares the job"));
  deepEqual(boss.clock.waits, [5000, 5000, 5000]);
});

Deno.test("T7: join() that hands out no keys is asked again after a pause, and not for ever", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  const keyless: RawAnswer = {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ingest_job: { id: 42, status: 1, ingest_type: 0 }, credentials: null }),
  };
  boss.next.push(undefined, keyless, undefined, keyless);
  boss.clock.waits.length = 0;
  equal((await service.join(42)).kind, "open");
  deepEqual(boss.clock.waits, [5000, 5000]);
  for (let i = 0; i < 12; i++) boss.next.push(undefined, keyless);
  await rejects(service.join(42), {
    kind: "keys",
    message:
      /^Cannot join ingest job 42 at ".*": it is uploading, and the server hands out no keys/,
  });
});

Deno.test("T6: join() asks for the state first, and needs no answer of a job that has ended", async () => {
  await using boss = serveBoss();
  for (const [state, name] of [[COMPLETE, "complete"], [FAILED, "failed"]] as const) {
    for (const config of [TILE_CONFIG, CHUNK_CONFIG]) {
      const service = serviceOf(boss);
      const { id } = await service.create(config);
      boss.jobs.get(id)!.state = state;
      deepEqual(await service.join(id), { kind: "ended", id, state: name });
    }
  }
  const { service, join } = await joinNew(boss);
  await service.cancel(join.job.id);
  deepEqual(await service.join(join.job.id), {
    kind: "ended",
    id: join.job.id,
    state: "deleted",
  });
  ok(!boss.log.includes("GET /latest/ingest/42"));
});

Deno.test("T6: join() is not asked for days where it is refused; a job that ends meanwhile is no fault", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  const refused = bossError(400, 9001, "Delete the ingest job and try again");
  const push = (times: number) => {
    for (let i = 0; i < times; i++) boss.next.push(undefined, refused);
  };
  push(3);
  equal((await service.join(42)).kind, "open");
  push(4);
  await rejects(service.join(42), {
    name: "BossError",
    kind: "refused",
    status: 400,
    code: 9001,
    message:
      `Cannot join ingest job 42 at "${boss.host}": the server answered 400 (9001 BOSS_SYSTEM_ERROR: "Delete the ingest job and try again"); look at the job; if it cannot go on, cancel it and create another`,
  });
  // Between the look at its state and the join, all of it was torn down.
  const job = boss.jobs.get(42)!;
  boss.next.push({
    status: 200,
    headers: { "content-type": "application/json" },
    body: `{"id":42,"status":1,"total_message_count":22,"current_message_count":0}`,
  });
  job.state = COMPLETE;
  deepEqual(await service.join(42), { kind: "ended", id: 42, state: "complete" });
});

Deno.test("status() tells how much is left; a job that was cancelled is told, one that never was is an error", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  deepEqual(await service.status(42), { id: 42, state: "uploading", total: 22, left: 22 });
  await service.cancel(42);
  deepEqual(await service.status(42), { id: 42, state: "deleted" });
  await rejects(service.status(7), {
    kind: "missing",
    status: 404,
    code: 4004,
    message:
      `Cannot ask for ingest job 7 at "${boss.host}": the server answered 404 (4004 OBJECT_NOT_FOUND: "The ingest job with id 7 not found."); mend its name or number, or create it first`,
  });
  for (const bad of [-1, 1.5, NaN, "42" as unknown as number]) {
    throws(() => service.status(bad), { name: "UsageError" });
  }
});

Deno.test("T31: that no message waits does not mean done: complete() tells", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  const job = boss.jobs.get(42)!;
  for (const message of job.upload.messages) message.visibleAt = Infinity;
  equal((await service.status(42)).left, 0);
  equal((await service.complete(42)).kind, "wait");
  equal((await service.status(42)).state, "waiting-on-queues");
});

Deno.test("complete() goes through all states of a job, also back to uploading", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  const job = boss.jobs.get(42)!;
  deepEqual(await service.complete(42), { kind: "uploading" });
  job.upload.messages = [];
  deepEqual(await service.complete(42), { kind: "wait", seconds: 179.9 });
  const again = await service.complete(42);
  ok(again.kind === "wait" && again.seconds > 100 && again.seconds <= 180);
  boss.clock.ahead += 181_000;
  deepEqual(await service.complete(42), { kind: "completing" });
  deepEqual(await service.complete(42), { kind: "completing" });
  equal((await service.status(42)).state, "completing");
  // No tile is there: all are wanted once more.
  deepEqual(await service.status(42), { id: 42, state: "uploading", total: 22, left: 22 });
  for (const { keys: [key] } of job.messages) job.ingested.add(key);
  job.upload.messages = [];
  await service.complete(42);
  boss.clock.ahead += 181_000;
  await service.complete(42);
  await service.status(42);
  deepEqual(await service.status(42), { id: 42, state: "complete", total: 22, left: 0 });
  deepEqual(await service.complete(42), { kind: "done" });
});

const answer = (status: number, body: unknown): RawAnswer => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

Deno.test("T2: every answer to complete() has its meaning, and none ends a worker that can go on", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  const cases = [
    [{ status: 204 }, { kind: "done" }],
    [answer(202, { job_status: COMPLETING }), { kind: "completing" }],
    [answer(202, { job_status: COMPLETING, wait_secs: 0 }), { kind: "completing" }],
    [bossError(400, 1006, "Upload queue is not empty"), { kind: "uploading" }],
  ] as const;
  for (const [said, meant] of cases) {
    boss.next.push(said);
    deepEqual(await service.complete(42), meant);
  }
  // Unlike create, it may be asked again.
  boss.next.push({ status: 503 }, { status: 500 }, { status: 502 }, page(504));
  deepEqual(await service.complete(42), { kind: "uploading" });
});

Deno.test("T30: the wait that complete() is told may have a fraction, and come with 400 or 202", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  const cases = [
    [answer(202, { job_status: WAITING, wait_secs: 179.93 }), 179.93],
    [answer(400, { job_status: WAITING, wait_secs: 57.3 }), 57.3],
    [answer(400, { wait_secs: 180, info: "Internal queues not empty yet" }), 180],
    [answer(202, { job_status: WAITING, wait_secs: -0.2 }), 0],
    [answer(202, { job_status: WAITING }), 30],
  ] as const;
  for (const [said, seconds] of cases) {
    boss.next.push(said);
    deepEqual(await service.complete(42), { kind: "wait", seconds });
  }
});

Deno.test("T2: a job that cannot be completed any more is told from one that has messages yet", async () => {
  await using boss = serveBoss({ preparingJoins: 99 });
  const service = serviceOf(boss);
  await service.create(TILE_CONFIG);
  await rejects(service.complete(42), {
    kind: "refused",
    code: 1006,
    message: /in its state"\), and the job is preparing; /,
  });
  const job = boss.jobs.get(42)!;
  for (const [state, name] of [[FAILED, "failed"], [3, "deleted"]] as const) {
    job.state = state;
    await rejects(service.complete(42), {
      kind: "ended",
      message: `Cannot complete ingest job 42 at "${boss.host}": it is ${name}; create another job`,
    });
  }
  // It was completed by another worker, and its queues were gone before the answer.
  job.state = COMPLETE;
  boss.next.push(bossError(400, 9001, "The specified queue does not exist"));
  deepEqual(await service.complete(42), { kind: "done" });
});

Deno.test("cancel() ends a job, and again is no fault; also when the first answer was lost", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  await service.cancel(42);
  await service.cancel(42);
  await rejects(service.cancel(7), { kind: "missing", message: /^Cannot cancel ingest job 7 at / });
  const { join } = await joinNew(boss);
  boss.jobs.get(join.job.id)!.state = COMPLETE;
  boss.next.push(bossError(400, 9001, "Unable to complete cleanup"));
  await rejects(service.cancel(join.job.id), { kind: "refused", code: 9001 });
  // It is done, and something in between answers.
  boss.jobs.get(join.job.id)!.state = 3;
  boss.next.push(page(502));
  await service.cancel(join.job.id);
});

Deno.test("list() names the jobs of the user", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  await service.create(CHUNK_CONFIG);
  await service.create(CHUNK_CONFIG);
  await service.cancel(44);
  boss.jobs.get(43)!.state = COMPLETE;
  const names = { collection: "colA", experiment: "expA", channel: "chA" };
  const created = "2020-01-02T03:04:05Z";
  deepEqual(await service.list(), [
    { id: 42, state: "uploading", kind: "tile", ...names, created },
    {
      id: 43,
      state: "complete",
      kind: "volumetric",
      ...names,
      created,
      completed: "2020-01-03T03:04:05Z",
    },
  ]);
});

Deno.test("T28: where `latest` is no version, /v1/ is asked, and asked first from then on", async () => {
  await using boss = serveBoss({ knowsLatest: false });
  const { service } = await joinNew(boss);
  await service.status(42);
  deepEqual(boss.log, [
    "POST /latest/ingest/",
    "POST /v1/ingest/",
    "GET /v1/ingest/42/status",
    "GET /v1/ingest/42",
    "GET /v1/ingest/42/status",
  ]);
  // What the Boss itself does not find is no matter of versions.
  await using other = serveBoss();
  await rejects(serviceOf(other).status(1), { code: 4004 });
  deepEqual(other.log, ["GET /latest/ingest/1/status"]);
  other.next.push(page(404), page(404));
  await rejects(serviceOf(other).list(), {
    kind: "missing",
    message:
      `Cannot list ingest jobs at "${other.host}": the server answered 404 with a page of HTML; mend the host: no ingest service of a Boss has this address there`,
  });
});

Deno.test("T29: the Boss's own number tells what an error is, not its HTTP status", async () => {
  await using boss = serveBoss();
  const service = serviceOf(boss, { attempts: 2 });
  const cases = [
    [
      bossError(404, 6002, "exists"),
      "refused",
      /404 \(6002 RESOURCE_EXISTS: "exists"\); it is there/,
    ],
    [bossError(400, 9001, "no"), "refused", /9001 BOSS_SYSTEM_ERROR/],
    [bossError(404, 5000, "io"), "unavailable", /5000 IO_ERROR.*, after 2 attempts/],
    [bossError(404, 4000, "None does not exist."), "missing", /"None does not exist\."/],
    [bossError(404, 4005, "gone"), "missing", /4005 RESOURCE_MARKED_FOR_DELETION/],
    [bossError(403, 3003, "not yours"), "forbidden", /use the token of the user who created/],
    [bossError(403, 3001, "no"), "forbidden", /ask the owner/],
    [bossError(409, 2006, "state"), "refused", /409 \(2006 INVALID_STATE/],
    [bossError(413, 2000, "large"), "refused", /ask for less/],
    [bossError(500, 7001, "kc"), "unavailable", /7001 KEYCLOAK_EXCEPTION/],
    [bossError(418, 1234, "new"), "refused", /418 \(1234: "new"\)/],
  ] as const;
  for (const [said, kind, message] of cases) {
    boss.next.push(said, said);
    await rejects(service.list(), { name: "BossError", kind, message });
    boss.next.length = 0;
  }
});

Deno.test("a token that is refused is named by its source, never shown, also where the server repeats it", async () => {
  await using boss = serveBoss({ token: "another" });
  const service = serviceOf(boss, { attempts: 2 });
  const answers = [
    undefined,
    detailError(403, "Authentication credentials were not provided."),
    detailError(401, `Token ${TEST_TOKEN} is unknown`),
    page(401),
  ];
  for (const said of answers) {
    boss.next.push(said);
    await rejects(service.list(), (error) => {
      ok(error instanceof BossError && error.kind === "token", String(error));
      match(error.message, /; mend the token, which is from the test, or ask/);
      ok(!inspect(error).includes(TEST_TOKEN.slice(0, 8)), inspect(error));
      return true;
    });
  }
  boss.next.push(page(403));
  await rejects(service.list(), { kind: "forbidden", message: /403 with a page of HTML; ask who/ });
  const echo = bossError(500, 9002, `Headers were Authorization: Token ${TEST_TOKEN}`);
  boss.next.push(echo, echo);
  await rejects(service.list(), (error) => {
    ok(!inspect(error).includes(TEST_TOKEN.slice(0, 8)), inspect(error));
    return error instanceof BossError && error.kind === "unavailable";
  });
  ok(boss.log.every((line) => !line.includes(TEST_TOKEN)));
  ok(!inspect(service, { depth: 9 }).includes(TEST_TOKEN.slice(0, 8)));
});

Deno.test("a fault that passes is waited out: 429, 5xx, a dead line, half an answer, a page in place of JSON", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  const throttled = {
    ...bossError(429, 3004, "Request was throttled"),
    headers: { "retry-after": "7" },
  };
  boss.clock.waits.length = 0;
  boss.next.push(
    throttled,
    { status: 500 },
    { status: 200, delivery: "reset" },
    { status: 200, body: `{"id":42,"status":1}`, delivery: "cut" },
    page(200),
    answer(200, []),
    answer(200, { id: 42, status: 77 }),
  );
  deepEqual(await service.status(42), { id: 42, state: "uploading", total: 22, left: 22 });
  equal(boss.next.length, 0);
  ok(boss.clock.waits[0] >= 7000);
  // A line that breaks before any answer may be mended by fetch itself, without a pause.
  ok(boss.clock.waits.length >= 6);
});

Deno.test("a fault that stays ends with what came last, and numbers to branch on", async () => {
  await using boss = serveBoss();
  const { service } = await joinNew(boss);
  boss.next.push(...Array(8).fill(bossError(500, 9002, "Unhandled")));
  await rejects(service.status(42), {
    name: "BossError",
    kind: "unavailable",
    status: 500,
    code: 9002,
    message:
      `Cannot ask for ingest job 42 at "${boss.host}": the server answered 500 (9002 UNHANDLED_EXCEPTION: "Unhandled"), after 8 attempts; try again later, or look at the host, the network and what lies in between`,
  });
  boss.next.push(...Array(8).fill(page(200)));
  await rejects(service.status(42), {
    kind: "corrupt",
    message: /answered 200 with a page of HTML in place of the state of a job, after 8 attempts/,
  });
  boss.next.push(
    ...Array(8).fill({ status: 200, body: "{", headers: { "content-type": "application/json" } }),
  );
  await rejects(service.list(), {
    kind: "corrupt",
    message: /with broken JSON in place of a list/,
  });
  boss.next.push(...Array(8).fill({ status: 200 }));
  await rejects(service.list(), { kind: "corrupt", message: /answered 200 with nothing in place/ });
});

Deno.test("T45: create() is not repeated where it may have been done, and the error says so", async () => {
  await using boss = serveBoss();
  const service = serviceOf(boss);
  const lost: RawAnswer[] = [
    { status: 500 },
    { status: 503 },
    page(502),
    page(200),
    { status: 201, delivery: "reset" },
    answer(201, { status: 0 }),
  ];
  for (const said of lost) {
    // On a line that was used, fetch would send it twice by itself.
    await service.list();
    boss.next.push(said);
    await rejects(service.create(TILE_CONFIG), {
      kind: "uncertain",
      message:
        /^Cannot create an ingest job at .*, so it may have been done all the same; list the jobs, and join or cancel a new one/,
    });
  }
  equal(boss.log.filter((line) => line.startsWith("POST")).length, lost.length);
  equal(boss.jobs.size, 0);
  // Who was told to slow down was not listened to.
  boss.next.push(detailError(429, "Request was throttled."));
  equal((await service.create(TILE_CONFIG)).id, 42);
  await rejects(service.create({ ...TILE_CONFIG, schema: { name: "boss-v9-schema" } }), {
    kind: "refused",
    code: 1004,
    message: /1004 UNABLE_TO_VALIDATE: "Unknown schema"\); mend what was asked/,
  });
});

Deno.test("the token goes to no other host that the server points to", async () => {
  await using other = serveBoss();
  await using boss = serveBoss();
  for (const status of [301, 302, 307, 308]) {
    boss.next.push({ status, headers: { location: `${other.url}/latest/ingest/?next=x` } });
    await rejects(serviceOf(boss).list(), {
      kind: "refused",
      status,
      message:
        `Cannot list ingest jobs at "${boss.host}": the server answered ${status}; mend host and protocol: it points to "${other.url}"`,
    });
  }
  deepEqual(other.log, []);
});

Deno.test("a server that says nothing is given up after its time, and an abort ends any call at once", async () => {
  await using boss = serveBoss();
  const service = serviceOf(boss, { attempts: 2, stallSeconds: 0.1 });
  boss.next.push({ status: 200, delivery: "silent" }, { status: 200, delivery: "silent" });
  await rejects(service.list(), {
    kind: "unavailable",
    message: /no byte came for 0\.1 s, after 2 attempts/,
  });
  const reason = new Error("Stopped");
  const calls: ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal) => service.create(TILE_CONFIG, { signal }),
    (signal) => service.join(42, { signal }),
    (signal) => service.status(42, { signal }),
    (signal) => service.complete(42, { signal }),
    (signal) => service.cancel(42, { signal }),
    (signal) => service.list({ signal }),
  ];
  for (const call of calls) {
    const stopping = new AbortController();
    boss.next.push({ status: 200, delivery: "silent" });
    setTimeout(() => stopping.abort(reason), 10);
    await rejects(call(stopping.signal), (error) => error === reason);
    boss.next.length = 0;
  }
  equal(boss.jobs.size, 0);
});

Deno.test("a host that is no host is refused before anything is asked", () => {
  const token = new BossToken(TEST_TOKEN, "the test");
  for (
    const host of ["", "https://api.bossdb.io", "api.bossdb.io/x", "a b", "user:pw@host", "h:x"]
  ) {
    throws(() => new BossService({ host }, token), (error: Error) => {
      match(error.message, /^Cannot reach the Boss at host ".*": it is no name of a host; /);
      return error.name === "UsageError" && !error.message.includes("pw");
    });
  }
  throws(() => new BossService({ host: "h", protocol: "ftp" }, token), /by protocol "ftp"/);
  equal(new BossService({ host: "api.bossdb.io" }, token).url, "https://api.bossdb.io");
  const local = { host: "[::1]:8000", protocol: "http" };
  equal(new BossService(local, token).url, "http://[::1]:8000");
});
