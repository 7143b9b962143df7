/** Ingest jobs of a served Boss: what comes of tiles and cuboids, and what becomes of those that never came. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { encodePng } from "../../../codecs/png_encode.ts";
import { parseUploadMessage } from "../../../boss/messages.ts";
import { box } from "../../../core/box.ts";
import { readChunked } from "../../../plugins/chunked_array.ts";
import { openArray } from "../../../plugins/open_array.ts";
import { WorkerPool } from "../../../pool/worker_pool.ts";
import { codec, configOf, FRAME, JobClient, Served } from "./_served.ts";

const SIZE = 512;

/** A voxel of the volume that is ingested. */
const voxelAt = (x: number, y: number, z: number) => (x * 7 + y * 13 + z * 29 + (x >> 8)) & 0xff;

/** Some voxels of a box, x fastest. */
function expected(
  [x0, x1]: readonly [number, number],
  [y0, y1]: readonly [number, number],
  [z0, z1]: readonly [number, number],
): Uint8Array {
  const voxels = new Uint8Array((x1 - x0) * (y1 - y0) * (z1 - z0));
  let at = 0;
  for (let z = z0; z < z1; z++) {
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) voxels[at++] = voxelAt(x, y, z);
    }
  }
  return voxels;
}

/** A tile as an image; what lies beyond the frame is 0, or is not there at all. */
function tileOf(body: string, { isPadded = true } = {}): Uint8Array {
  const message = parseUploadMessage(body, "tile");
  ok(message.kind === "tile");
  const { x, y, z } = message.tile;
  const width = isPadded ? SIZE : Math.min(SIZE, FRAME.x - x * SIZE);
  const height = isPadded ? SIZE : Math.min(SIZE, FRAME.y - y * SIZE);
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [vx, vy] = [x * SIZE + column, y * SIZE + row];
      if (vx < FRAME.x && vy < FRAME.y) data[row * width + column] = voxelAt(vx, vy, z);
    }
  }
  return encodePng({ width, height, samples: 1, dtype: "uint8", data });
}

const TILES = configOf("tile", { x: [0, FRAME.x], y: [0, FRAME.y], z: [16, 35] });
const CHUNKS = configOf("volumetric", {
  x: [512, FRAME.x],
  y: [0, FRAME.y],
  z: [0, FRAME.z],
  size: [512, 1024, 32],
});

Deno.test("T8: tiles become the volume, whether edges are padded or not; one that was lost is asked for again", async () => {
  await using served = await Served.open();
  const job = await JobClient.create(served, TILES);
  const messages = await job.messages();
  equal(messages.length, 3 * 2 * 19);
  equal(job.join.job.tileCount, messages.length);
  const lost = messages[40];
  for (const message of messages) {
    if (message !== lost) await job.putTile(message, tileOf(message.body, { isPadded: false }));
    await job.delete(message);
  }
  const status = await served.complete(job.id);
  deepEqual([status.status, status.current_message_count], [1, 1]);
  const [again, ...rest] = await job.messages();
  deepEqual([again.body, rest], [lost.body, []]);
  await job.putTile(again, tileOf(again.body));
  await job.delete(again);
  deepEqual(await served.complete(job.id), {
    id: job.id,
    status: 2,
    total_message_count: messages.length,
    current_message_count: 0,
  });
  const voxels = await served.voxels(`0:${FRAME.x}/0:${FRAME.y}/16:35`);
  equal(Buffer.compare(voxels, expected([0, FRAME.x], [0, FRAME.y], [16, 35])), 0);
  ok((await served.voxels("0:600/0:600/0:16")).every((voxel) => voxel === 0));
  const path = join(served.root, "volumes", "lab", "exp", "em.ome.zarr");
  const volume = await openArray(path);
  await using pool = new WorkerPool({ size: 0 });
  const part = box([500, 500, 17], [530, 530, 33]);
  for await (const { data } of readChunked(volume!.scales[0], part, { pool }).bands()) {
    deepEqual(data, expected([500, 530], [500, 530], [17, 33]));
  }
  deepEqual([...Deno.readDirSync(join(served.root, "objects"))], []);
});

Deno.test("T4: cuboids become the volume as they came; a chunk of which one was lost is asked for again", async () => {
  await using served = await Served.open();
  const job = await JobClient.create(served, CHUNKS);
  const messages = await job.messages();
  equal(messages.length, 2 * 1 * 2);
  const blosc = await codec();
  const frameOf = (body: string) => {
    const { chunk } = parseUploadMessage(body, "volumetric");
    return ({ offset: [x, y, z] }: { offset: readonly [number, number, number] }) => {
      const [x0, y0, z0] = [chunk.x * 512 + x, chunk.y * 1024 + y, chunk.z * 32 + z];
      return blosc.encode(expected([x0, x0 + 512], [y0, y0 + 512], [z0, z0 + 16]));
    };
  };
  for (const [at, message] of messages.entries()) {
    const make = frameOf(message.body);
    await job.putChunk(message, (cuboid, i) => at === 2 && i === 1 ? undefined : make(cuboid));
    await job.delete(message);
  }
  const status = await served.complete(job.id);
  deepEqual([status.status, status.current_message_count], [1, 1]);
  const again = await job.messages();
  deepEqual(again.map(({ body }) => body), [messages[2].body]);
  await job.putChunk(again[0], frameOf(again[0].body));
  await job.delete(again[0]);
  equal((await served.complete(job.id)).status, 2);
  const voxels = await served.voxels(`512:${FRAME.x}/0:${FRAME.y}/0:${FRAME.z}`);
  equal(Buffer.compare(voxels, expected([512, FRAME.x], [0, FRAME.y], [0, FRAME.z])), 0);
});

Deno.test("a frame that is no cuboid is refused, and nothing is written", async () => {
  await using served = await Served.open();
  const job = await JobClient.create(served, CHUNKS);
  const [message] = await job.messages();
  const short = (await codec()).encode(new Uint8Array(512 * 512));
  for (const frame of [short, new TextEncoder().encode("no frame, but as long as a header")]) {
    const error = await job.putChunk(message, () => frame).then(() => undefined, (error) => error);
    match(String(error), /400|InvalidRequest/);
  }
  equal((await served.voxels("512:600/0:10/0:10")).every((voxel) => voxel === 0), true);
});

Deno.test("a tile that cannot be read is 0, and the job says so", async () => {
  await using served = await Served.open();
  const config = configOf("tile", { x: [0, 512], y: [0, 512], z: [0, 3] });
  const job = await JobClient.create(served, config);
  const messages = await job.messages();
  const large = new Uint8Array(600 * 600).fill(9);
  const images = [
    new TextEncoder().encode("This is no image"),
    tileOf(messages[1].body),
    encodePng({ width: 600, height: 600, samples: 1, dtype: "uint8", data: large }),
  ];
  for (const [at, message] of messages.entries()) {
    await job.putTile(message, images[at]);
    await job.delete(message);
  }
  const { status, losses } = await served.complete(job.id);
  equal(status, 2);
  const reasons = losses.map(({ reason }: { reason: string }) => reason).sort();
  match(reasons[0], /600 x 600 pixels, and the tiles of the job have 512 x 512/);
  match(reasons[1], /none of png,tiff,jpeg/);
  const voxels = await served.voxels("0:512/0:512/0:3");
  const plane = SIZE * SIZE;
  ok(voxels.subarray(0, plane).every((voxel) => voxel === 0));
  deepEqual(voxels.subarray(plane, 2 * plane), expected([0, 512], [0, 512], [1, 2]));
  ok(voxels.subarray(2 * plane).every((voxel) => voxel === 0));
});

Deno.test("a job goes on where it was when the server is started again", async () => {
  await using served = await Served.open();
  const config = configOf("tile", { x: [0, 1024], y: [0, 512], z: [0, 4] });
  const first = await JobClient.create(served, config);
  const messages = await first.messages();
  for (const message of messages.slice(0, 5)) {
    await first.putTile(message, tileOf(message.body));
    await first.delete(message);
  }
  await served.stop();
  await served.start();
  served.ahead += 121_000;
  const second = await JobClient.join(served, first.id);
  const rest = await second.messages();
  deepEqual(rest.map(({ body }) => body).sort(), messages.slice(5).map(({ body }) => body).sort());
  for (const message of rest) {
    await second.putTile(message, tileOf(message.body));
    await second.delete(message);
  }
  equal((await served.complete(first.id)).status, 2);
  deepEqual(await served.voxels("0:1024/0:512/0:4"), expected([0, 1024], [0, 512], [0, 4]));
});

const refusedConfigs = [
  { name: "T44: beyond the frame", cover: { x: [0, 1101] }, says: /extent\.x.*0 to 1100/ },
  { name: "T8: within a cuboid along z", cover: { z: [1, 17] }, says: /extent\.z.*multiple of 16/ },
  { name: "T36: without samples", cover: { t: [0, 0] }, says: /extent\.t/ },
  {
    name: "T8: of tiles that are no cuboids",
    cover: { size: [100, 100] },
    says: /tile_size\.x.*multiple of 512/,
  },
] as const;

for (const { name, cover, says } of refusedConfigs) {
  Deno.test(`a job is refused ${name}`, async () => {
    await using served = await Served.open();
    const config = configOf("tile", { x: [0, 1024], y: [0, 512], z: [0, 16], ...cover });
    const { status, json } = await served.ask("POST", "v1/ingest/", {
      body: JSON.stringify(config),
    });
    deepEqual([status, json.code], [400, 1004]);
    match(json.message, says);
    deepEqual((await served.ask("GET", "v1/ingest/")).json, { ingest_jobs: [] });
  });
}

Deno.test("a job that was cancelled is gone for whoever asks, and its queue and bucket take nothing", async () => {
  await using served = await Served.open();
  const job = await JobClient.create(served, TILES);
  const [message] = await job.messages();
  await job.putTile(message, tileOf(message.body));
  equal((await served.ask("DELETE", `latest/ingest/${job.id}`)).status, 204);
  const again = await served.ask("DELETE", `latest/ingest/${job.id}`);
  deepEqual([again.status, again.json.code], [400, 9001]);
  const status = await served.ask("GET", `latest/ingest/${job.id}/status`);
  deepEqual([status.status, status.json.code], [404, 2004]);
  const error = await job.upload.receive({ waitSeconds: 0 }).catch((error) => error);
  equal(error.code, "AWS.SimpleQueueService.NonExistentQueue");
  match(
    String(await job.putTile(message, tileOf(message.body)).catch((error) => error)),
    /403|denied/i,
  );
  deepEqual([...Deno.readDirSync(join(served.root, "objects"))], []);
  await served.stop();
  await served.start();
  deepEqual((await served.ask("GET", "v1/ingest/")).json, { ingest_jobs: [] });
});

Deno.test("a channel that was deleted takes its jobs along", async () => {
  await using served = await Served.open();
  const job = await JobClient.create(served, TILES);
  const channel = "v1/collection/lab/experiment/exp/channel/em";
  equal((await served.ask("DELETE", channel)).status, 204);
  equal((await served.ask("GET", `v1/ingest/${job.id}`)).status, 404);
  const error = await job.upload.receive({ waitSeconds: 0 }).catch((error) => error);
  equal(error.code, "AWS.SimpleQueueService.NonExistentQueue");
  await served.stop();
  await served.start();
  deepEqual((await served.ask("GET", "v1/ingest/")).json, { ingest_jobs: [] });
});
