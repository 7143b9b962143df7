/** Resources of the Boss: what is asked, what is made, and what goes wrong on the way. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { inspect } from "node:util";
import { BossError, type BossErrorKind } from "../../boss/boss_error.ts";
import { BossToken } from "../../boss/credentials.ts";
import { type BossResource, BossResources, nameResource, targetOf } from "../../boss/resources.ts";
import type { RawAnswer } from "../_raw_http.ts";
import { type ResourceServer, serveResources } from "./_boss_resources.ts";
import { bossError, detailError, page, TEST_TOKEN, TestClock } from "./_boss_server.ts";

const COLLECTION = { kind: "collection", name: "colA" } as const;
const CHANNEL = { kind: "channel", collection: "colA", experiment: "expA", name: "chA" } as const;

function resourcesOf(boss: ResourceServer, token = TEST_TOKEN): BossResources {
  const server = { host: boss.host, protocol: "http" };
  const retry = { clock: new TestClock(), random: () => 0.5, attempts: 3 };
  return new BossResources(server, new BossToken(token, "the test"), { retry });
}

const places: readonly [BossResource, string, string][] = [
  [COLLECTION, "collection/colA", 'collection "colA"'],
  [{ kind: "coordinate frame", name: "cf-A_1" }, "coord/cf-A_1", 'coordinate frame "cf-A_1"'],
  [
    { kind: "experiment", collection: "colA", name: "expA" },
    "collection/colA/experiment/expA",
    'experiment "colA/expA"',
  ],
  [CHANNEL, "collection/colA/experiment/expA/channel/chA", 'channel "colA/expA/chA"'],
];
for (const [resource, place, name] of places) {
  Deno.test(`find() of a ${resource.kind} asks where the Boss has it`, async () => {
    await using boss = serveResources();
    const resources = resourcesOf(boss);
    equal(await resources.find(resource), undefined);
    boss.there.set(place, { name: resource.name, description: "d" });
    deepEqual(await resources.find(resource), { name: resource.name, description: "d" });
    deepEqual(boss.log, [`GET /v1/${place}`, `GET /v1/${place}`]);
    equal(nameResource(resource), name);
  });
}

Deno.test("create() posts once and gives what the server made of it", async () => {
  await using boss = serveResources();
  const { isNew, fields } = await resourcesOf(boss).create(COLLECTION, {
    name: "colA",
    description: "dä",
  });
  deepEqual([isNew, fields.description, fields.creator], [true, "dä", "me"]);
  deepEqual(boss.posted, [{ name: "colA", description: "dä" }]);
  deepEqual(boss.log, ["POST /v1/collection/colA"]);
});

Deno.test("create() leaves what somebody else made meanwhile as it is, and gives that", async () => {
  await using boss = serveResources();
  boss.there.set("collection/colA", { name: "colA", description: "theirs" });
  const made = await resourcesOf(boss).create(COLLECTION, { name: "colA", description: "mine" });
  deepEqual(made, { isNew: false, fields: { name: "colA", description: "theirs" } });
  equal(boss.there.get("collection/colA")?.description, "theirs");
});

Deno.test("create() whose answer was lost asks again, and knows what it made", async () => {
  await using boss = serveResources();
  boss.next.push("lost");
  const { isNew, fields } = await resourcesOf(boss).create(COLLECTION, { name: "colA" });
  deepEqual([isNew, fields.name], [true, "colA"]);
  deepEqual(boss.log, [
    "POST /v1/collection/colA",
    "POST /v1/collection/colA",
    "GET /v1/collection/colA",
  ]);
});

const json = (status: number, body: unknown, headers = {}): RawAnswer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

const faults: readonly {
  what: string;
  answer: RawAnswer;
  kind: BossErrorKind;
  says: RegExp;
  again?: boolean;
}[] = [
  {
    what: "a token that is not known",
    answer: detailError(401, `Invalid token ${TEST_TOKEN}.`),
    kind: "token",
    says: /answered 401 \("Invalid token …\."\); mend the token, which is from the test/,
  },
  {
    what: "a missing right",
    answer: bossError(403, 3001, "Missing read permissions on the resource colA"),
    kind: "forbidden",
    says: /403 \(3001 MISSING_PERMISSION: "Missing read .*ask the owner/,
  },
  {
    what: "a resource that is marked for deletion",
    answer: bossError(404, 4005, "marked"),
    kind: "refused",
    says: /4005 RESOURCE_MARKED_FOR_DELETION: "marked"\); wait until it is gone/,
  },
  {
    what: "a host that is no Boss",
    answer: page(404),
    kind: "missing",
    says: /404 with a page of HTML; mend the host/,
  },
  {
    what: "a redirection, which the token does not follow",
    answer: { status: 301, headers: { location: `https://me:${TEST_TOKEN}@other.test/x` } },
    kind: "refused",
    says: /mend host and protocol: it points to "https:\/\/other\.test"$/,
  },
  {
    what: "another resource than the one that was asked for",
    answer: json(200, { name: "colB" }),
    kind: "corrupt",
    says: /answered with another resource, after 3 attempts/,
    again: true,
  },
  {
    what: "a page in place of a resource",
    answer: page(200),
    kind: "corrupt",
    says: /answered 200 with a page of HTML in place of a resource, after 3 attempts/,
    again: true,
  },
  {
    what: "a server that is down",
    answer: { status: 502 },
    kind: "unavailable",
    says: /answered 502, after 3 attempts; try again later/,
    again: true,
  },
];
for (const { what, answer, kind, says, again = false } of faults) {
  Deno.test(`find() names ${what}, and no token`, async () => {
    await using boss = serveResources();
    boss.next.push(answer, answer, answer);
    await rejects(resourcesOf(boss).find(COLLECTION), (error) => {
      ok(error instanceof BossError);
      match(error.message, /^Cannot look up collection "colA" at "127\.0\.0\.1:\d+": /);
      match(error.message, says);
      equal(error.kind, kind);
      ok(!inspect(error, { depth: 9 }).includes(TEST_TOKEN));
      return true;
    });
    equal(boss.log.length, again ? 3 : 1);
  });
}

Deno.test("create() says which role is missing, and what the server does not take", async () => {
  await using boss = serveResources();
  boss.mayCreate = false;
  const resources = resourcesOf(boss);
  await rejects(
    resources.create(COLLECTION, { name: "colA" }),
    /Cannot create collection .*3000 MISSING_ROLE.*the role resource-manager$/,
  );
  boss.mayCreate = true;
  await rejects(
    resources.create({ kind: "coordinate frame", name: "cfA" }, { name: "cfA" }),
    /1003 INVALID_POST_ARGUMENT: .*x_start.*mend what the server names in the configuration/,
  );
  await rejects(
    resources.create(CHANNEL, { name: "chA" }),
    /4000 RESOURCE_NOT_FOUND: "collection\/colA\/experiment\/expA does not exist\."/,
  );
  equal(boss.there.size, 0);
});

Deno.test("find() tries again after a passing fault", async () => {
  await using boss = serveResources();
  boss.there.set("collection/colA", { name: "colA" });
  boss.next.push({ status: 503 }, { status: 200, delivery: "reset" });
  deepEqual(await resourcesOf(boss).find(COLLECTION), { name: "colA" });
  equal(boss.log.length, 3);
});

Deno.test("find() leaves out what a server repeats of the token", async () => {
  await using boss = serveResources();
  const fields = { name: "colA", description: `by ${TEST_TOKEN}`, list: [{ a: TEST_TOKEN }] };
  boss.there.set("collection/colA", fields);
  deepEqual(await resourcesOf(boss).find(COLLECTION), {
    name: "colA",
    description: "by …",
    list: [{ a: "…" }],
  });
});

Deno.test("a name that would be another address goes nowhere", async () => {
  await using boss = serveResources();
  for (const name of ["../colB", "a/b", "", "a?b", "ä"]) {
    await rejects(resourcesOf(boss).find({ kind: "collection", name }), /letters, digits, "_"/);
  }
  deepEqual(boss.log, []);
});

Deno.test("targetOf() has the frame where it is told in the channel's own voxels", () => {
  const frame = { x_start: 1, y_start: 2, z_start: 3, x_stop: 40, y_stop: "50", z_stop: 60 };
  const experiment = { num_time_samples: 7 };
  const channel = { datatype: "uint16", base_resolution: 0 };
  deepEqual(targetOf({ frame, experiment, channel }), {
    baseResolution: 0,
    datatype: "uint16",
    frame: { min: [1, 2, 3, 0, 0], max: [40, 50, 60, 1, 7] },
  });
  deepEqual(targetOf({ frame, experiment, channel: { ...channel, base_resolution: 2 } }), {
    baseResolution: 2,
    datatype: "uint16",
  });
});
