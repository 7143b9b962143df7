/** Jobs whose tiles and chunks come from another channel of a Boss. */
import { Buffer } from "node:buffer";
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mortonPlace, parseCuboidKey } from "../../boss/keys.ts";
import { decompressBlosc } from "../../codecs/blosc.ts";
import { openFileSource } from "../../codecs/file_source.ts";
import { viewBytes } from "../../core/dtype.ts";
import { sniffFormat } from "../../plugins/_headers.ts";
import { withFolder } from "../_stack.ts";
import { COMPLETE, INGEST_BUCKET, serveBoss, TEST_TOKEN, TILE_BUCKET } from "./_boss_server.ts";
import { chunkFile, tileFile } from "./_configs.ts";
import { type CutoutServer, serveCutouts } from "./_cutouts.ts";
import { createJob, workOn } from "./_work.ts";

const [WIDTH, HEIGHT, DEPTH] = [1000, 500, 37];

function paint({ voxels: [level] }: CutoutServer): Uint16Array {
  const bytes = viewBytes(level);
  const voxels = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  voxels.forEach((_, i) => voxels[i] = i % 65521 + 1);
  return voxels;
}

Deno.test("chunks of another channel become cuboids, in its own places, each fetched once", async () => {
  await withFolder(async (folder) => {
    await using other = serveCutouts({ size: [WIDTH, HEIGHT, DEPTH], dtype: "uint16" });
    const voxels = paint(other);
    await using boss = serveBoss();
    boss.channels.set("colA/expA/chA", {
      ...boss.channels.get("colA/expA/chA")!,
      datatype: "uint16",
    });
    // The extent begins inside the channel, and ends with it.
    const file = chunkFile({
      x: [512, WIDTH],
      y: [0, HEIGHT],
      z: [16, DEPTH],
      size: [512, 512, 16],
    }, [
      "intern.InternChunkProcessor",
      { uri: "bossdb://col/exp/chan/0", host: other.host, protocol: "http", token: TEST_TOKEN },
    ]);
    const id = await createJob(boss, file);
    const report = await workOn(boss, id, file, folder);
    deepEqual([report.end, report.dead], ["complete", []]);
    equal(boss.jobs.get(id)!.state, COMPLETE);
    const { objects } = boss.s3.buckets.get(INGEST_BUCKET)!;
    let there = 0;
    for (const [key, { bytes }] of objects) {
      const [cx, cy, cz] = mortonPlace(parseCuboidKey(key).morton);
      const wanted = new Uint16Array(512 * 512 * 16);
      for (let z = cz * 16; z < Math.min((cz + 1) * 16, DEPTH); z++) {
        for (let y = cy * 512; y < Math.min((cy + 1) * 512, HEIGHT); y++) {
          for (let x = cx * 512; x < Math.min((cx + 1) * 512, WIDTH); x++) {
            if (x < 512 || z < 16) continue;
            const at = ((z - cz * 16) * 512 + y - cy * 512) * 512 + x - cx * 512;
            wanted[at] = voxels[(z * HEIGHT + y) * WIDTH + x];
          }
        }
      }
      equal(Buffer.compare(decompressBlosc(bytes, wanted.byteLength), viewBytes(wanted)), 0, key);
      if (wanted.some((value) => value !== 0)) there++;
    }
    equal(there, 2);
    const reads = other.log.filter((line) => line.startsWith("GET"));
    equal(new Set(reads).size, reads.length, "a cuboid was fetched twice");
    deepEqual([...other.tokens], [`Token ${TEST_TOKEN}`]);
  });
});

Deno.test("tiles of another channel hold its pixels as 32 bits, by the settings of the intern SDK", async () => {
  await withFolder(async (folder) => {
    await using other = serveCutouts({ size: [WIDTH, HEIGHT, DEPTH], dtype: "uint16" });
    const voxels = paint(other);
    await using boss = serveBoss();
    boss.channels.set("colA/expA/chA", {
      ...boss.channels.get("colA/expA/chA")!,
      datatype: "uint32",
    });
    const file = tileFile(
      { x: [0, 512], y: [0, 512], z: [0, 3], size: [512, 512] },
      ["intern.InternPathProcessor", {}] as never,
      ["intern.InternTileProcessor", {
        collection: "col",
        experiment: "exp",
        channel: "chan",
        resolution: 0,
        x_tile: 512,
        y_tile: 512,
        x_offset: 500,
        y_offset: 0,
        z_offset: 5,
      }] as never,
    );
    using _ = settings({
      INTERN_HOST: other.host,
      INTERN_PROTOCOL: "http",
      INTERN_TOKEN: TEST_TOKEN,
      HOME: folder,
    });
    const id = await createJob(boss, file);
    const report = await workOn(boss, id, file, folder);
    deepEqual([report.end, report.dead], ["complete", []]);
    const tiles = [...boss.s3.buckets.get(TILE_BUCKET)!.objects];
    equal(tiles.length, 3);
    for (const [key, { bytes }] of tiles) {
      const z = Number(key.split("&").at(-2));
      const pixels = await decode(bytes, `${folder}/tile`);
      const wanted = new Uint32Array(512 * 512);
      for (let y = 0; y < HEIGHT; y++) {
        for (let x = 0; x < 500; x++) {
          wanted[y * 512 + x] = voxels[((z + 5) * HEIGHT + y) * WIDTH + x + 500];
        }
      }
      equal(Buffer.compare(pixels, viewBytes(wanted)), 0, key);
    }
    const reads = other.log.filter((line) => line.startsWith("GET"));
    equal(new Set(reads).size, reads.length, "a cuboid was fetched twice");
  });
});

Deno.test("a channel that is not there is an error that says so, and asks for nothing but public data", async () => {
  await withFolder(async (folder) => {
    await using other = serveCutouts({ size: [WIDTH, HEIGHT, 2], dtype: "uint8", public: true });
    await using boss = serveBoss();
    const file = chunkFile({ x: [0, 512], y: [0, 512], z: [0, 16], size: [512, 512, 16] }, [
      "intern.InternChunkProcessor",
      { uri: "bossdb://col/exp/none" },
    ]);
    using _ = settings({ INTERN_HOST: other.host, INTERN_PROTOCOL: "http", HOME: folder });
    const id = await createJob(boss, file);
    const error = await workOn(boss, id, file, folder).catch((error) => error);
    match(
      error instanceof Error ? error.message : JSON.stringify(error),
      /there is no channel \\?"col\/exp\/none\\?"; mend its name/,
    );
    ok([...other.tokens].every((token) => token === "Token public"));
  });
});

/** The pixels of a tile. */
async function decode(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  await Deno.writeFile(path, bytes);
  await using source = await openFileSource(path);
  const format = (await sniffFormat(bytes.subarray(0, 16)))!;
  const { images: [{ at, width, height, dtype }] } = await format.describe(source);
  deepEqual([width, height, dtype], [512, 512, "uint32"]);
  await using image = await format.open(source, at);
  const found = new Uint8Array(width * height * 4);
  await image.readRows(0, height, found);
  return found;
}

/** Variables for a while. */
function settings(values: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(values).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(values)) Deno.env.set(name, value);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    },
  };
}
