/** Jobs whose target or source is a channel of a Boss: whole cuboids, confirmed, read back, resumed and replaced. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { BossError } from "../../boss/boss_error.ts";
import { box } from "../../core/box.ts";
import { viewBytes, viewVoxels } from "../../core/dtype.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { parseVoxelSize } from "../../core/units.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { arraySource } from "../../plugins/array_source.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { setBlobDefaults } from "../../stores/blobs/open_blobs.ts";
import { openVolume } from "../../stores/volume.ts";
import { describeVolume } from "../../tasks/describe_volume.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { pullVolume } from "../../tasks/pull.ts";
import { verifyVolume } from "../../tasks/verify.ts";
import { page, TEST_TOKEN } from "../boss/_boss_server.ts";
import { type CutoutChannel, type CutoutServer, serveCutouts } from "../boss/_cutouts.ts";

const QUICK = { clock: { now: () => 0, wait: () => Promise.resolve() }, random: () => 0 };
const SIZE = [530, 519, 19] as const;

/** A Boss, a home of one's own, and a ledger. */
class Lab implements AsyncDisposable {
  static async open(channel: Partial<CutoutChannel> = {}): Promise<Lab> {
    const folder = await Deno.makeTempDir({ prefix: "sluice-test-" });
    const server = serveCutouts({ size: SIZE, dtype: "uint16", ...channel });
    const names = { HOME: folder, SLUICE_HOME: join(folder, "home"), INTERN_TOKEN: TEST_TOKEN };
    const before = Object.keys(names).map((name) => [name, Deno.env.get(name)] as const);
    for (const [name, value] of Object.entries(names)) Deno.env.set(name, value);
    setBlobDefaults({ retry: QUICK });
    const pool = new WorkerPool({ size: 0 });
    return new Lab(folder, server, pool, await openLedger("memory:"), before);
  }

  private constructor(
    readonly folder: string,
    readonly server: CutoutServer,
    readonly pool: WorkerPool,
    readonly ledger: Awaited<ReturnType<typeof openLedger>>,
    readonly before: readonly (readonly [string, string | undefined])[],
  ) {}

  at(more = ""): string {
    return `bossdb://${this.server.host}/col/exp/chan${more}`;
  }

  async ingest(voxels: Uint16Array, options: Partial<IngestOptions> & { more?: string } = {}) {
    const { more, ...rest } = options;
    const source = arraySource(
      {
        name: `test ${Buffer.from(viewBytes(voxels)).toString("latin1").length}`,
        size: SIZE,
        dtype: "uint16",
      },
      (part, into) => {
        let i = 0;
        const [{ min, max }] = [part];
        for (let z = min[2]; z < max[2]; z++) {
          for (let y = min[1]; y < max[1]; y++) {
            const from = (z * SIZE[1] + y) * SIZE[0];
            (into as Uint16Array).set(voxels.subarray(from + min[0], from + max[0]), i);
            i += max[0] - min[0];
          }
        }
      },
    );
    return await ingest(source, this.at(more), {
      ledger: this.ledger,
      pool: this.pool,
      format: "bossdb",
      voxelSize: parseVoxelSize("4x4x40nm"),
      ...rest,
    });
  }

  get posts(): string[] {
    return this.server.log.filter((line) => line.startsWith("POST"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    setBlobDefaults({});
    for (const [name, value] of this.before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    await this.ledger[Symbol.asyncDispose]();
    await this.pool[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function paint(factor = 40503): Uint16Array {
  return Uint16Array.from({ length: SIZE[0] * SIZE[1] * SIZE[2] }, (_, i) => (i * factor) | 1);
}

const same = (a: ArrayBufferView, b: ArrayBufferView) =>
  equal(Buffer.compare(viewBytes(a as Uint16Array), viewBytes(b as Uint16Array)), 0);

Deno.test("a volume becomes whole cuboids of a channel, each posted once, and is verified", async () => {
  await using lab = await Lab.open();
  const voxels = paint();
  const { status, verified } = await lab.ingest(voxels);
  equal(status.state, "done");
  deepEqual(verified?.faults, []);
  same(lab.server.voxels[0], voxels);
  deepEqual(lab.posts.sort(), [
    "POST 0 0:512/0:512/0:16/0:1",
    "POST 0 0:512/0:512/16:19/0:1",
    "POST 0 0:512/512:519/0:16/0:1",
    "POST 0 0:512/512:519/16:19/0:1",
    "POST 0 512:530/0:512/0:16/0:1",
    "POST 0 512:530/0:512/16:19/0:1",
    "POST 0 512:530/512:519/0:16/0:1",
    "POST 0 512:530/512:519/16:19/0:1",
  ]);
  // Once more: it is there, nothing goes out, and what proves it lies on this machine.
  lab.server.log.length = 0;
  const again = await lab.ingest(voxels);
  deepEqual([again.created.found, lab.posts.length], [true, 0]);
  const host = lab.server.host.replace(":", "_");
  ok((await Deno.stat(`${lab.folder}/home/boss/${host}/col/exp/chan/.sluice/plan.json`)).isFile);
});

Deno.test("every cuboid is there at the end, whatever fails on the way", async () => {
  await using lab = await Lab.open();
  const slow = { status: 429, headers: { "retry-after": "1" }, body: "{}" };
  lab.server.next.push("lost", slow, page(500), slow, "lost", page(502), slow, "lost");
  const voxels = paint();
  const { status, verified } = await lab.ingest(voxels);
  deepEqual([status.state, verified?.faults], ["done", []]);
  same(lab.server.voxels[0], voxels);
  ok(lab.posts.length > 8);
});

Deno.test("verify names a cuboid that is not what was written, and one that cannot be had is an error", async () => {
  await using lab = await Lab.open();
  await lab.ingest(paint());
  viewBytes(lab.server.voxels[0])[7] ^= 1;
  const { faults } = await verifyVolume(lab.at(), { pool: lab.pool });
  deepEqual(faults.map(({ path, reason }) => [path, reason]), [[
    `${lab.at()}/cutout/0/0:512/0:512/0:16/0:1`,
    "its 8388608 bytes are not those that were written",
  ]]);
  lab.server.next.push(...Array(80).fill(page(500)));
  await rejects(verifyVolume(lab.at(), { pool: lab.pool }), BossError);
});

Deno.test("T32: verify finds old voxels under new ones of 0; replace=true and --overwrite take them away", async () => {
  await using lab = await Lab.open();
  const sparse = paint();
  for (let i = 0; i < sparse.length; i += 3) sparse[i] = 0;
  viewBytes(lab.server.voxels[0]).fill(9);
  const first = await lab.ingest(sparse);
  ok(first.verified!.faults.length > 0);
  const { verified } = await lab.ingest(sparse, { more: "?replace=true", overwrite: true });
  deepEqual(verified?.faults, []);
  same(lab.server.voxels[0], sparse);
  const other = sparse.map((value, i) => i % 2 === 0 ? value : 0);
  const { verified: last } = await lab.ingest(other, { overwrite: true });
  deepEqual(last?.faults, []);
  same(lab.server.voxels[0], other);
});

Deno.test("cuboids of 0 alone are not sent", async () => {
  await using lab = await Lab.open();
  const voxels = paint();
  voxels.fill(0, 16 * SIZE[0] * SIZE[1]);
  const { verified } = await lab.ingest(voxels);
  deepEqual([lab.posts.length, verified?.faults], [4, []]);
});

Deno.test("a part is written where it is told to go; pull and info see all of the channel", async () => {
  await using lab = await Lab.open({ size: [1100, 600, 40], levels: 2 });
  const voxels = paint();
  const { verified } = await lab.ingest(voxels, { more: "?at=512x0x16" });
  deepEqual(verified?.faults, []);
  const at = (x: number, y: number, z: number) => lab.server.voxels[0][(z * 600 + y) * 1100 + x];
  deepEqual([at(512, 0, 16), at(513, 1, 17)], [voxels[0], voxels[(519 + 1) * 530 + 1]]);
  const all = await describeVolume(lab.at());
  if (all.is !== "volume") throw new TypeError(all.is);
  deepEqual([all.extent.max.slice(0, 3), all.scales.length], [[1100, 600, 40], 2]);
  deepEqual(all.written?.complete, true);
  // It is one place, whatever stands behind its address; and it is not begun at another.
  deepEqual((await verifyVolume(lab.at(), { pool: lab.pool })).faults, []);
  equal(
    (await lab.ingest(voxels, { more: "?at=512x0x16&request=1024x512x16" })).created.found,
    true,
  );
  await rejects(lab.ingest(voxels), /begun with its first voxel at 512x0x16; give \?at=512x0x16/);
  const moved = await lab.ingest(voxels, { overwrite: true });
  deepEqual([moved.verified?.faults, at(0, 0, 0), at(1041, 518, 34)], [[], voxels[0], 0]);
  await lab.ingest(voxels, { more: "?at=512x0x16", overwrite: true });
  await pullVolume(lab.at(), `${lab.folder}/out.tif`, {
    pool: lab.pool,
    x: [510, 514],
    y: [0, 2],
    z: [16, 17],
    compression: "none",
  });
  const bytes = await Deno.readFile(`${lab.folder}/out.tif`);
  const row = Buffer.from(viewBytes(Uint16Array.of(0, 0, voxels[0], voxels[1])));
  ok(Buffer.from(bytes).includes(row));
});

const refused = [
  {
    name: "another dtype",
    channel: { dtype: "uint8" },
    says: /the channel holds uint8, and the voxels are uint16; create another/,
  },
  {
    name: "voxels outside the coordinate frame",
    channel: { size: [530, 519, 18] },
    says:
      /the channel has x 0:530 y 0:519 z 0:18 .*are to lie at x 0:530 y 0:519 z 0:19; say where/,
  },
  {
    name: "a crop that begins inside a cuboid",
    options: { x: [5, 9] },
    says:
      /its first voxel is to lie at 5x0x0, inside a cuboid of 512x512x16, .*; say where it goes/,
  },
  { name: "shards", options: { shard: [1024, 512, 16] }, says: /in shards: leave --shard away/ },
  { name: "a pyramid", options: { levels: 3 }, says: /let the Boss downsample/ },
  { name: "chunks of one's own", options: { chunk: [64, 64, 64] }, says: /cuboids are 512x512x16/ },
] as const;
for (const { name, says, ...rest } of refused) {
  Deno.test(`${name} are refused before anything is written or claimed`, async () => {
    const { channel = {}, options = {} } = rest as {
      channel?: Partial<CutoutChannel>;
      options?: Partial<IngestOptions>;
    };
    await using lab = await Lab.open(channel);
    await rejects(lab.ingest(paint(), options), says);
    deepEqual(lab.server.log, []);
    await rejects(Deno.stat(`${lab.folder}/home/boss`), Deno.errors.NotFound);
  });
}

Deno.test("a channel that is not there is an error that says how to make it", async () => {
  await using lab = await Lab.open();
  lab.server.there.delete("collection/col/experiment/exp/channel/chan");
  const error = await lab.ingest(paint()).catch((error) => error);
  match(String(error), /there is no channel "col\/exp\/chan"; .*create it with `sluice prep`/);
});

Deno.test("a channel becomes a volume with all its times, and coarser levels are read by --scale", async () => {
  await using lab = await Lab.open({ size: [70, 60, 19], times: 2, levels: 2 });
  for (const level of lab.server.voxels) {
    viewVoxels("uint16", viewBytes(level)).forEach((_, i, all) =>
      (all as Uint16Array)[i] = i * 257 + 1
    );
  }
  const [fine, coarse] = [`${lab.folder}/0.ome.zarr`, `${lab.folder}/1.ome.zarr`];
  const { ledger, pool } = lab;
  const { verified } = await ingest([lab.at()], fine, { ledger, pool });
  deepEqual(verified?.faults, []);
  await ingest([lab.at("?access-mode=cache")], coarse, { ledger, pool, scale: 1 });
  await using first = await openVolume(fine, { pool });
  deepEqual(first.voxelSize, { x: 4, y: 4, z: 40, unit: "nanometer" });
  deepEqual(first.layout.scales[0].size, [70, 60, 19, 1, 2]);
  const all = await gatherVoxels(await first.read(box([0, 0, 0, 0, 0], [70, 60, 19, 1, 2])));
  same(all, lab.server.voxels[0]);
  await using second = await openVolume(coarse, { pool });
  deepEqual(second.voxelSize, { x: 8, y: 8, z: 40, unit: "nanometer" });
  ok(lab.server.log.some((line) => /^GET 1 .* access-mode=cache$/.test(line)));
});

Deno.test("names of 64 bits become a whole cuboid, beyond what one number holds", async () => {
  await using lab = await Lab.open({ size: [512, 512, 17], dtype: "uint64", kind: "annotation" });
  const name = (i: number) => (BigInt(i) << 33n) + 2n ** 53n + 1n;
  const source = arraySource(
    { name: "names", size: [512, 512, 17], dtype: "uint64" },
    ({ min: [x0, y0, z0], max: [x1, y1, z1] }, into) => {
      let at = 0;
      for (let z = z0; z < z1; z++) {
        for (let y = y0; y < y1; y++) {
          for (let x = x0; x < x1; x++) into[at++] = name((z * 512 + y) * 512 + x);
        }
      }
    },
  );
  const { ledger, pool } = lab;
  const { verified } = await ingest(source, lab.at(), {
    ledger,
    pool,
    format: "bossdb",
    kind: "labels",
  });
  deepEqual(verified?.faults, []);
  deepEqual(lab.posts.length, 2);
  const there = lab.server.voxels[0];
  ok([0, 511, 512, 262_144, 4_456_447].every((i) => there[i] === name(i)));
});
