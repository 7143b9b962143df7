/** The cutout service of the Boss: what is asked for, what comes back, and what goes wrong on the way. */
import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { BossError } from "../../boss/boss_error.ts";
import { BossToken } from "../../boss/credentials.ts";
import { BossCutouts, type BossCutoutsOptions } from "../../boss/cutout.ts";
import { CUBOID, parseBossAddress, serverOf } from "../../boss/cutout_address.ts";
import { ChunkError } from "../../codecs/chunk_error.ts";
import { box } from "../../core/box.ts";
import { viewBytes, viewVoxels } from "../../core/dtype.ts";
import { bossError, page, TEST_TOKEN } from "./_boss_server.ts";
import { type CutoutServer, serveCutouts } from "./_cutouts.ts";

const QUICK = { clock: { now: () => 0, wait: () => Promise.resolve() }, random: () => 0 };

function cutoutsOf(server: CutoutServer, options: Partial<BossCutoutsOptions> = {}): BossCutouts {
  return new BossCutouts(
    { host: server.host, protocol: "http" },
    new BossToken(TEST_TOKEN, "the test"),
    {
      collection: "col",
      experiment: "exp",
      channel: "chan",
      dtype: "uint16",
      retry: QUICK,
      ...options,
    },
  );
}

const SMALL = { size: [7, 5, 3], dtype: "uint16", times: 2 } as const;
const PART = box([1, 1, 1, 0, 1], [6, 4, 3, 1, 2]);

Deno.test("write() and read() move unequal bytes at odd places, and at one time sample alone", async () => {
  await using server = serveCutouts(SMALL);
  const cutouts = cutoutsOf(server);
  const voxels = Uint16Array.from({ length: 5 * 3 * 2 }, (_, i) => 0x0102 + 257 * i);
  await cutouts.write(0, PART, viewBytes(voxels));
  deepEqual(server.log, ["POST 0 1:6/1:4/1:3/1:2"]);
  // The voxel at x 1, y 1, z 1 of time 1, and the one that follows it.
  const at = ((1 * 3 + 1) * 5 + 1) * 7 + 1;
  deepEqual([...server.voxels[0].subarray(at - 1, at + 2)], [0, 0x0102, 0x0203]);
  equal(server.voxels[0].slice(0, 7 * 5 * 3).some((value) => value !== 0), false);
  const frame = await cutouts.read(0, PART);
  deepEqual(viewVoxels("uint16", cutouts.decode(frame, PART)), voxels);
  equal(server.log[1], "GET 0 1:6/1:4/1:3/1:2 access-mode=no-cache");
  deepEqual([...server.tokens], [`Token ${TEST_TOKEN}`]);
});

Deno.test("read() asks as the options say: access mode and isotropic levels", async () => {
  await using server = serveCutouts(SMALL);
  await cutoutsOf(server, { accessMode: "raw", iso: true }).read(0, PART);
  await cutoutsOf(server, { accessMode: "cache" }).read(0, PART);
  deepEqual(server.log.map((line) => line.split(" ").at(-1)), [
    "access-mode=raw&iso=true",
    "access-mode=cache",
  ]);
});

Deno.test("T32: a voxel of 0 changes nothing, and blacken() takes what is there away", async () => {
  await using server = serveCutouts(SMALL);
  const cutouts = cutoutsOf(server);
  const whole = box([0, 0, 0], [7, 5, 3]);
  await cutouts.write(0, whole, viewBytes(new Uint16Array(105).fill(7)));
  await cutouts.write(0, whole, viewBytes(new Uint16Array(105)));
  equal(server.voxels[0][0], 7);
  await cutouts.blacken(0, box([0, 0, 0], [7, 5, 2]));
  deepEqual([server.voxels[0][0], server.voxels[0][69], server.voxels[0][70]], [0, 0, 7]);
  match(server.log.at(-1)!, /^PUT to_black\/0 0:7\/0:5\/0:2\/0:1$/);
});

const passing = [
  { name: "a server that is told too much", fault: { status: 429, body: "{}" } },
  { name: "a server that fails", fault: page(500) },
  { name: "a line that breaks off within a frame", fault: "truncated" },
  { name: "a gateway without its server", fault: page(502) },
  {
    name: "a server that falls silent within a frame",
    fault: { status: 200, body: "x".repeat(99), delivery: "silent" },
  },
] as const;
for (const { name, fault } of passing) {
  Deno.test(`read() asks again after ${name}`, async () => {
    await using server = serveCutouts(SMALL);
    viewBytes(server.voxels[0]).fill(9);
    server.next.push(fault, fault);
    const cutouts = cutoutsOf(server, { retry: { ...QUICK, stallSeconds: 0.3 } });
    const frame = await cutouts.read(0, PART);
    ok(viewVoxels("uint16", cutouts.decode(frame, PART)).every((value) => value === 0x0909));
    equal(server.log.length, 3);
  });
}

Deno.test("write() is there once its answer was lost, and is asked for again", async () => {
  await using server = serveCutouts(SMALL);
  server.next.push("lost", { status: 429, headers: { "retry-after": "1" }, body: "{}" });
  await cutoutsOf(server).write(0, PART, viewBytes(new Uint16Array(30).fill(5)));
  equal(server.log.length, 3);
  equal(server.voxels[0].filter((value) => value === 5).length, 30);
});

Deno.test("a frame that is cut short and does not say so is no voxels", async () => {
  await using server = serveCutouts(SMALL);
  server.voxels[0].forEach((_, i) => server.voxels[0][i] = i * 40503);
  server.next.push("short");
  const cutouts = cutoutsOf(server);
  const frame = await cutouts.read(0, PART);
  throws(() => cutouts.decode(frame, PART), ChunkError);
});

Deno.test("read() gives up after so many attempts, and repeats the Boss's words without the token", async () => {
  await using server = serveCutouts(SMALL);
  server.next.push(...Array(3).fill(bossError(404, 5001, `S3 said no to ${TEST_TOKEN}`)));
  await rejects(
    cutoutsOf(server, { retry: { ...QUICK, attempts: 3 } }).read(0, PART),
    (error) =>
      error instanceof BossError && error.kind === "unavailable" &&
      /5001 TRANSPORT_ERROR: "S3 said no to …"\), after 3 attempts; /.test(error.message),
  );
});

const refused = [
  {
    name: "what lies outside the coordinate frame",
    of: box([0, 0, 0], [8, 5, 3]),
    kind: "refused",
    says: /400 \(1001 INVALID_CUTOUT_ARGS: .*; ask for voxels inside the coordinate frame/,
  },
  {
    name: "a level that is not there",
    of: PART,
    resolution: 3,
    kind: "refused",
    says: /400 \(1002 TYPE_ERROR.*; ask for a resolution that the experiment has/,
  },
  {
    name: "a channel that is not there",
    of: PART,
    options: { channel: "none" },
    kind: "missing",
    says: /404 \(4000 RESOURCE_NOT_FOUND.*; mend its name, or create it with `sluice prep`/,
  },
] as const;
for (const { name, of, kind, says, ...rest } of refused) {
  Deno.test(`read() names ${name}, with the way out, at once`, async () => {
    await using server = serveCutouts(SMALL);
    const { resolution = 0, options = {} } = { ...rest } as {
      resolution?: number;
      options?: Partial<BossCutoutsOptions>;
    };
    await rejects(
      cutoutsOf(server, options).read(resolution, of),
      (error) => error instanceof BossError && error.kind === kind && says.test(error.message),
    );
    equal(server.log.length, 1);
  });
}

Deno.test("who may not write is told, and where the token is from", async () => {
  await using server = serveCutouts({ ...SMALL, public: true });
  const options = {
    collection: "col",
    experiment: "exp",
    channel: "chan",
    dtype: "uint16",
  } as const;
  const at = { host: server.host, protocol: "http" };
  const nobody = new BossCutouts(at, BossToken.forPublic(), { ...options, retry: QUICK });
  await nobody.read(0, PART);
  await rejects(
    nobody.write(0, PART, viewBytes(new Uint16Array(30))),
    (error) =>
      error instanceof BossError && error.kind === "token" && /INTERN_TOKEN/.test(error.message),
  );
  const other = new BossCutouts(at, new BossToken("f00", "the safe"), { ...options, retry: QUICK });
  await rejects(
    other.read(0, PART),
    (error) =>
      error instanceof BossError && error.kind === "token" &&
      /mend the token, which is from the safe/.test(error.message),
  );
});

const sizes = [
  { dtype: "uint8", fits: [1024, 1024, 520], not: [1024, 1024, 528] },
  { dtype: "uint16", fits: [1024, 1024, 256], not: [1024, 1024, 272] },
  // A quarter of 8 bytes counts, but a frame has 31 bits for its size.
  { dtype: "uint64", fits: [1024, 1024, 240], not: [1024, 1024, 256] },
] as const;
for (const { dtype, fits, not } of sizes) {
  Deno.test(`a request of ${dtype} is as large as the service takes, and no larger`, async () => {
    await using server = serveCutouts(SMALL);
    const cutouts = cutoutsOf(server, { dtype });
    cutouts.checkSize(box([0, 0, 0], fits));
    throws(() => cutouts.checkSize(box([0, 0, 0], not)), /at once: they are \d+ bytes/);
    await rejects(cutouts.read(0, box([0, 0, 0], not)));
    equal(server.log.length, 0);
  });
}

Deno.test("abort ends a read with its reason", async () => {
  await using server = serveCutouts(SMALL);
  server.next.push({ status: 200, body: "x".repeat(50), delivery: "silent" });
  const stopping = new AbortController();
  const reading = cutoutsOf(server).read(0, PART, { signal: stopping.signal });
  stopping.abort(new Error("Stopped"));
  await rejects(reading, /^Error: Stopped$/);
});

const addresses = [
  { text: "bossdb://c/e/h", is: { collection: "c", experiment: "e", channel: "h" } },
  { text: "bossdb://c/e/h/", is: { channel: "h" } },
  { text: "bossdb://c/e/h/2", is: { channel: "h", resolution: 2 } },
  {
    text: "bossdb://boss.lab/c/e/h",
    is: { server: { host: "boss.lab", protocol: "https" }, collection: "c" },
  },
  {
    text: "bossdb://127.0.0.1:8000/c/e/h/1",
    is: { server: { host: "127.0.0.1:8000", protocol: "http" }, resolution: 1 },
  },
  {
    text: "bossdb://http://boss/c/e/h",
    is: { server: { host: "boss", protocol: "http" }, channel: "h" },
  },
  { text: "bossdb://c/e/h?iso=true&access-mode=raw", is: { iso: true, accessMode: "raw" } },
  {
    text: "bossdb://c/e/h?request=1024x512x64&at=512x0x16&replace=True",
    is: { request: [1024, 512, 64], at: [512, 0, 16], replace: true },
  },
  { text: "bossdb://c/e/h", is: { iso: false, accessMode: "no-cache", request: CUBOID } },
] as const;
for (const { text, is } of addresses) {
  Deno.test(`parseBossAddress() reads ${text} as ${Object.keys(is).join(", ")}`, () => {
    const read = parseBossAddress(text) as unknown as Record<string, unknown>;
    deepEqual(Object.fromEntries(Object.keys(is).map((key) => [key, read[key]])), is);
  });
}

const wrong = [
  { text: "bossdb://c/e", says: /does not name a collection, an experiment and a channel/ },
  { text: "bossdb://c/e/h/12", says: /no more than a resolution/ },
  { text: "bossdb://c/e/h%2f..", says: /does not name/ },
  { text: "bossdb://me:hush@boss.lab/c/e/h", says: /"bossdb:\/\/boss.lab\/c\/e\/h" .* password/ },
  { text: "bossdb://c/e/h?acess-mode=raw", says: /"acess-mode" is nothing .* "access-mode"/ },
  { text: "bossdb://c/e/h?token=hush", says: /^(?!.*hush)/ },
  { text: "bossdb://c/e/h?access-mode=fast", says: /none of cache, no-cache, raw/ },
  { text: "bossdb://c/e/h?request=100x512x16", says: /request=100x512x16 is not whole cuboids/ },
  { text: "bossdb://c/e/h?iso=maybe", says: /iso is neither true nor false/ },
] as const;
for (const { text, says } of wrong) {
  Deno.test(`parseBossAddress() refuses ${text}`, () => {
    throws(() => parseBossAddress(text), says);
  });
}

Deno.test("an address without a host means that of INTERN_HOST, of intern.cfg, or the public one", async () => {
  const folder = await Deno.makeTempDir();
  const address = parseBossAddress("bossdb://c/e/h");
  const env = new Map([["HOME", folder]]);
  deepEqual(await serverOf(address, { env }), { host: "api.bossdb.io", protocol: "https" });
  await Deno.mkdir(`${folder}/.intern`);
  await Deno.writeTextFile(
    `${folder}/.intern/intern.cfg`,
    "[Default]\nhost = boss.lab\nprotocol = http\n",
  );
  deepEqual(await serverOf(address, { env }), { host: "boss.lab", protocol: "http" });
  env.set("INTERN_HOST", "boss.other");
  deepEqual(await serverOf(address, { env }), { host: "boss.other", protocol: "https" });
  deepEqual(
    await serverOf(parseBossAddress("bossdb://localhost:80/c/e/h"), { env }),
    { host: "localhost:80", protocol: "http" },
  );
  await Deno.remove(folder, { recursive: true });
});
