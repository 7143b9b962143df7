/** Channels of a Boss as volumes: their levels, and voxels in any box. */
import { Buffer } from "node:buffer";
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { BossError } from "../../boss/boss_error.ts";
import { BossToken } from "../../boss/credentials.ts";
import { type OpenChannelOptions } from "../../boss/cutout_channel.ts";
import { box, boxVolume } from "../../core/box.ts";
import { viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { openBossdbArray } from "../../plugins/bossdb_array.ts";
import { readChunked } from "../../plugins/chunked_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { TEST_TOKEN } from "../boss/_boss_server.ts";
import { type CutoutServer, serveCutouts } from "../boss/_cutouts.ts";

const QUICK = { clock: { now: () => 0, wait: () => Promise.resolve() }, random: () => 0 };
const options: OpenChannelOptions = {
  token: new BossToken(TEST_TOKEN, "the test"),
  retry: QUICK,
  env: { get: () => undefined },
};

const at = (server: CutoutServer, more = "") => `bossdb://${server.host}/col/exp/chan${more}`;

/** Voxels that differ from their neighbours along every axis. */
function paint({ voxels }: CutoutServer): void {
  for (const level of voxels) {
    for (const i of level.keys()) {
      level[i] = level instanceof BigUint64Array
        ? BigInt(i) * 0x1_0000_0001n
        : (i * 40503) % 251 + 1;
    }
  }
}

const BIG = { size: [530, 519, 19], dtype: "uint8", times: 2 } as const;

Deno.test("a channel is a volume of its levels, in the units and the places of its coordinate frame", async () => {
  await using server = serveCutouts({
    size: [530, 519, 19],
    start: [512, 1024, 16],
    dtype: "uint32",
    levels: 3,
    kind: "annotation",
    voxelSize: [4.5, 5, 40],
  });
  const array = await openBossdbArray(at(server), options);
  deepEqual([array.format, array.kind, array.axes.join("")], ["bossdb", "labels", "zyx"]);
  deepEqual(array.scales.map(({ name }) => name), ["0", "1", "2"]);
  deepEqual(array.scales.map(({ size }) => size.slice(0, 3)), [
    [530, 519, 19],
    [265, 260, 19],
    [133, 130, 19],
  ]);
  deepEqual(array.scales.map(({ offset }) => offset.slice(0, 3)), [
    [512, 1024, 16],
    [256, 512, 16],
    [128, 256, 16],
  ]);
  deepEqual(array.scales[2].voxelSize, { x: 18, y: 20, z: 40, unit: "nanometer" });
});

const hierarchies = [
  { name: "anisotropic", query: "", z: [20, 20, 20, 20, 20] },
  {
    name: "anisotropic with iso, from the level on that is nearest to cubes",
    query: "?iso=true",
    z: [20, 20, 20, 20, 10],
  },
] as const;
for (const { name, query, z } of hierarchies) {
  Deno.test(`levels are ${name}`, async () => {
    await using server = serveCutouts({ size: [700, 600, 20], dtype: "uint8", levels: 5 });
    const array = await openBossdbArray(at(server, query), options);
    deepEqual(array.scales.map(({ size }) => size[2]), z);
    deepEqual(array.scales.map(({ voxelSize }) => voxelSize!.z), z.map((depth) => 40 * 20 / depth));
  });
}

Deno.test("levels of an isotropic channel halve z as well", async () => {
  await using server = serveCutouts({
    size: [70, 60, 21],
    dtype: "uint8",
    levels: 3,
    isotropic: true,
  });
  const array = await openBossdbArray(at(server), options);
  deepEqual(array.scales.map(({ size }) => size.slice(0, 3)), [[70, 60, 21], [35, 30, 11], [
    18,
    15,
    6,
  ]]);
});

const boxes = [
  { name: "across cuboids, at time 1", of: box([500, 500, 13, 0, 1], [530, 519, 19, 1, 2]) },
  { name: "both times", of: box([3, 511, 15, 0, 0], [9, 514, 17, 1, 2]) },
  { name: "one voxel", of: box([529, 518, 18, 0, 1], [530, 519, 19, 1, 2]) },
] as const;
for (const { name, of } of boxes) {
  for (const dtype of ["uint8", "uint64"] as const) {
    Deno.test(`${name} of ${dtype} is read as the Boss has it`, async () => {
      await using server = serveCutouts({ ...BIG, dtype });
      paint(server);
      await using pool = new WorkerPool({ size: 0 });
      const array = await openBossdbArray(at(server), options);
      const read = await gatherVoxels(readChunked(array.scales[0], of, { pool }));
      const wanted = viewVoxels(dtype, new Uint8Array(boxVolume(of) * VOXEL_BYTES[dtype]));
      const [[x0, y0, z0, , t0], [x1, y1, z1, , t1]] = [of.min, of.max];
      let i = 0;
      for (let t = t0; t < t1; t++) {
        for (let z = z0; z < z1; z++) {
          for (let y = y0; y < y1; y++) {
            for (let x = x0; x < x1; x++) {
              wanted[i++] = server.voxels[0][((t * 19 + z) * 519 + y) * 530 + x];
            }
          }
        }
      }
      deepEqual(read, wanted);
    });
  }
}

Deno.test("a request holds as many cuboids as the address asks for", async () => {
  await using server = serveCutouts(BIG);
  paint(server);
  await using pool = new WorkerPool({ size: 0 });
  const of = box([0, 0, 0, 0, 0], [530, 519, 19, 1, 1]);
  const one = await openBossdbArray(at(server), options);
  const small = await gatherVoxels(readChunked(one.scales[0], of, { pool }));
  equal(server.log.splice(0).length, 8);
  const many = await openBossdbArray(at(server, "?request=1024x1024x32"), options);
  const large = await gatherVoxels(readChunked(many.scales[0], of, { pool }));
  deepEqual(server.log, ["GET 0 0:530/0:519/0:19/0:1 access-mode=no-cache"]);
  equal(Buffer.compare(small as Uint8Array, large as Uint8Array), 0);
  await rejects(
    openBossdbArray(at(server, "?request=1024x1024x528"), options),
    /at once: they are 553648128 bytes, and a cutout of the Boss has 545259520 at most/,
  );
});

Deno.test("a frame that was cut short on its way is asked for again; one that stays so is named", async () => {
  await using server = serveCutouts({ size: [7, 5, 3], dtype: "uint8" });
  paint(server);
  await using pool = new WorkerPool({ size: 0 });
  const array = await openBossdbArray(at(server), options);
  const of = box([0, 0, 0], [7, 5, 3]);
  server.next.push("short", "short");
  deepEqual(await gatherVoxels(readChunked(array.scales[0], of, { pool })), server.voxels[0]);
  server.next.push("short", "short", "short");
  await rejects(
    gatherVoxels(readChunked(array.scales[0], of, { pool })),
    /Cannot read the chunk "http:.*\/v1\/cutout\/col\/exp\/chan\/0\/0:7\/0:5\/0:3\/0:1": .*blosc/,
  );
});

Deno.test("what people have said comes when it is asked for, and what may not be seen keeps nothing away", async () => {
  await using server = serveCutouts({ size: [7, 5, 3], dtype: "uint8", public: true });
  server.meta.set("sex & age", "female\n12 weeks");
  const array = await openBossdbArray(at(server), options);
  const about = await array.about!();
  deepEqual(about.slice(0, 3), [
    { name: "collection", value: "a collection" },
    { name: "experiment", value: "of one mouse" },
    { name: "channel", value: "its brain" },
  ]);
  deepEqual(about.at(-1), { name: "metadata sex & age", value: "female\n12 weeks" });
  server.hidden.push(/^\/v1\/collection\/col$/, /^\/v1\/meta\//);
  const less = await (await openBossdbArray(at(server), options)).about!();
  deepEqual(less[0], { name: "experiment", value: "of one mouse" });
  match(less.at(-1)!.value, /^Cannot read the metadata of channel "col\/exp\/chan" .* 403 /);
});

Deno.test("public data need no token, and others say that they do", async () => {
  await using open = serveCutouts({ size: [7, 5, 3], dtype: "uint8", public: true });
  const nobody = { retry: QUICK, env: { get: () => undefined } };
  await openBossdbArray(at(open), nobody);
  deepEqual([...open.tokens], ["Token public"]);
  await using closed = serveCutouts({ size: [7, 5, 3], dtype: "uint8" });
  await rejects(
    openBossdbArray(at(closed), nobody),
    (error) =>
      error instanceof BossError && error.kind === "token" &&
      /give a token, as it is not public: set INTERN_TOKEN/.test(error.message),
  );
});

Deno.test("a token that stands beside another host goes to that one alone", async () => {
  await using server = serveCutouts({ size: [7, 5, 3], dtype: "uint8", public: true });
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/.intern`);
  const config = `${folder}/.intern/intern.cfg`;
  const env = new Map([["HOME", folder]]);
  await Deno.writeTextFile(config, `[Default]\nhost = boss.lab\ntoken = ${TEST_TOKEN}\n`);
  await openBossdbArray(at(server), { retry: QUICK, env });
  deepEqual([...server.tokens], ["Token public"]);
  server.tokens.clear();
  await Deno.writeTextFile(config, `[Default]\nhost = ${server.host}\ntoken = ${TEST_TOKEN}\n`);
  await openBossdbArray(at(server), { retry: QUICK, env });
  deepEqual([...server.tokens], [`Token ${TEST_TOKEN}`]);
  server.tokens.clear();
  await Deno.remove(config);
  env.set("INTERN_TOKEN", TEST_TOKEN).set("INTERN_HOST", "boss.lab");
  await openBossdbArray(at(server), { retry: QUICK, env });
  env.set("INTERN_HOST", server.host);
  await openBossdbArray(at(server), { retry: QUICK, env });
  deepEqual([...server.tokens], ["Token public", `Token ${TEST_TOKEN}`]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a channel that is not there is an error that says how to make it", async () => {
  await using server = serveCutouts({ size: [7, 5, 3], dtype: "uint8" });
  const error = await openBossdbArray(at(server).replace("chan", "none"), options).catch((e) => e);
  match(String(error), /there is no channel "col\/exp\/none"; .* create it with `sluice prep`/);
  await rejects(openBossdbArray(at(server, "/1"), options), /it has 0 to 0; ask for one of these/);
});
