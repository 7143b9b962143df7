/** Chunks and shards of Zarr that are not what was written. */
import { deepEqual, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gunzipSync, gzipSync } from "node:zlib";
import { crc32c } from "../../codecs/crc32c.ts";
import { gatherVoxels } from "../../core/gather_voxels.ts";
import { type Point, unravel } from "../../core/point.ts";
import { readChunked } from "../../plugins/chunked_array.ts";
import { openZarrArray } from "../../plugins/zarr_array.ts";
import { WorkerPool } from "../../pool/worker_pool.ts";
import { withFolder } from "../_stack.ts";
import { diskReader, memoryReader } from "./_reader.ts";
import { changed, EXPECTED, readAll, SHARDED, SHARDS, V2, V3, WRITTEN } from "./_zarr_samples.ts";
import { type Chain, writeZarr3 } from "./_zarr_writer.ts";

function bytesOf(blobs: Readonly<Record<string, unknown>>, key: string): Uint8Array {
  return new Uint8Array(blobs[key] as Uint8Array);
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const broken = new Uint8Array(bytes);
  broken.set([broken.at(at)! ^ 1], at < 0 ? broken.length + at : at);
  return broken;
}

/** A shard with one number of its index changed, and its checksum made to fit. */
function reindexed(place: number, value: bigint, shard = SHARD): Uint8Array {
  const count = 8;
  const index = new Uint8Array(shard.slice(-(count * 16 + 4)));
  new DataView(index.buffer).setBigUint64(place * 8, value, true);
  const closed = writeSum(index.subarray(0, -4));
  return Buffer.concat([shard.subarray(0, -index.length), closed]);
}

function writeSum(bytes: Uint8Array): Uint8Array {
  const sum = new DataView(new ArrayBuffer(4));
  sum.setUint32(0, crc32c(bytes), true);
  return Buffer.concat([bytes, new Uint8Array(sum.buffer)]);
}

const SHARD = bytesOf(SHARDS, "c/0/0/0");
/** Shards in shards, and shards that are packed as a whole. */
const nested = (atStart: boolean): Chain => ({
  ...SHARDED,
  shard: {
    chunk: [4, 6, 8],
    inner: { ...SHARDED, shard: { ...SHARDED.shard!, atStart } },
    atStart: false,
    hasSum: true,
  },
});
const NESTED = writeZarr3(WRITTEN, [8, 12, 16], nested(false));
const EARLY = writeZarr3(WRITTEN, [8, 12, 16], nested(true));
const PACKED = writeZarr3(WRITTEN, [4, 6, 8], { ...SHARDED, gzip: true });
const INNER_BYTES = new DataView(bytesOf(NESTED, "c/0/0/0").buffer)
  .getBigUint64(bytesOf(NESTED, "c/0/0/0").length - 132 + 8, true);

const broken: readonly {
  name: string;
  blobs: Record<string, unknown>;
  message: RegExp;
  kind?: "whole";
}[] = [
  {
    name: "a bit of a chunk that changed",
    blobs: { ...V3, "c/0/0/1": flipped(bytesOf(V3, "c/0/0/1"), 3) },
    message:
      /"memory:it\/c\/0\/0\/1": its crc32c is 0x[0-9a-f]{8}, but 0x[0-9a-f]{8} is stored; mend/,
  },
  {
    name: "a chunk cut short",
    blobs: { ...V3, "c/0/0/1": bytesOf(V3, "c/0/0/1").slice(0, 20) },
    message: /its crc32c is/,
  },
  {
    name: "an empty chunk",
    blobs: { ...V3, "c/0/0/1": new Uint8Array(0) },
    message: /it is cut short/,
  },
  {
    name: "a chunk of another size",
    blobs: { ...V2, "0.0.1": bytesOf(V2, "0.0.1").slice(0, 30) },
    message: /as 48 bytes of voxels: it holds 30/,
  },
  {
    name: "a chunk far beyond its size",
    blobs: { ...V2, "0.0.1": new Uint8Array(1 << 20) },
    message: /more bytes than the \d+ that make sense/,
  },
  {
    name: "a bomb",
    blobs: changed({ ...V2, "0.0.1": gzipSync(new Uint8Array(1 << 24)) }, ".zarray", {
      compressor: { id: "gzip" },
    }),
    message: /as 48 bytes of voxels: it holds more/,
    kind: "whole",
  },
  {
    name: "a shard that ends within its index",
    blobs: { ...SHARDS, "c/0/0/0": SHARD.slice(-100) },
    message: /the index of its shard is cut short: 100 bytes are there where 132 are expected/,
    kind: "whole",
  },
  {
    name: "a shard whose end is lost",
    blobs: { ...SHARDS, "c/0/0/0": SHARD.slice(0, -1) },
    message: /the index of its shard is broken: its crc32c is/,
    kind: "whole",
  },
  {
    name: "a bit of an index that changed",
    blobs: { ...SHARDS, "c/0/0/0": flipped(SHARD, -20) },
    message: /the index of its shard is broken: its crc32c is/,
    kind: "whole",
  },
  {
    name: "a chunk that lies beyond its shard",
    blobs: { ...SHARDS, "c/0/0/0": reindexed(2, 1_000_000n) },
    message:
      /at byte 1000000 of "memory:it\/c\/0\/0\/0": it is cut short: it ends after 0 of 52 bytes/,
  },
  {
    name: "a chunk of too many bytes in its shard",
    blobs: { ...SHARDS, "c/0/0/0": reindexed(3, 1n << 40n) },
    message: /it has 1099511627776 bytes where at most \d+ make sense/,
  },
  {
    name: "a chunk at a place that is no number",
    blobs: { ...SHARDS, "c/0/0/0": reindexed(2, 1n << 63n) },
    message: /makes no sense: chunk 1 has 52 bytes at byte 9223372036854775808/,
    kind: "whole",
  },
  {
    name: "a shard in its shard that ends within its index",
    blobs: { ...NESTED, "c/0/0/0": reindexed(1, 10n, bytesOf(NESTED, "c/0/0/0")) },
    message: /the index of its shard is cut short: 10 bytes are there where 132 are expected/,
    kind: "whole",
  },
  {
    name: "a shard in its shard that ends within the index it begins with",
    blobs: { ...EARLY, "c/0/0/0": reindexed(1, 10n, bytesOf(EARLY, "c/0/0/0")) },
    message: /the index of its shard is cut short: 10 bytes are there where 132 are expected/,
    kind: "whole",
  },
  {
    name: "a shard in its shard that ends before its chunks do",
    blobs: {
      ...NESTED,
      // It begins where its index does, and so holds less than that says.
      "c/0/0/0": reindexed(
        0,
        INNER_BYTES - 132n,
        reindexed(1, 132n, bytesOf(NESTED, "c/0/0/0")),
      ),
    },
    // Which of its chunks is read first is left to chance: the other one holds what the index was.
    message: /a shard in its shard has 132 bytes, and a chunk of it ends at byte \d+|its crc32c is/,
    kind: "whole",
  },
  {
    name: "a packed shard whose chunk lies beyond it",
    blobs: {
      ...PACKED,
      "c/0/0/0": gzipSync(
        reindexed(2, 1_000_000n, new Uint8Array(gunzipSync(bytesOf(PACKED, "c/0/0/0")))),
      ),
    },
    message: /a chunk of its shard ends at byte 1000052 of \d+/,
    kind: "whole",
  },
];
for (const { name, blobs, message, kind } of broken) {
  Deno.test(`${name} costs the task, or its own voxels alone`, async () => {
    const volume = await openZarrArray(memoryReader(blobs));
    await rejects(readAll(volume), (error) => {
      ok(error instanceof Error && error.name === "SluiceError", String(error));
      ok(message.test(error.message), error.message);
      return true;
    });
    const { slab, voxels } = await readAll(volume, { onError: "fill" });
    ok(slab.losses.length > 0 && slab.losses.every(({ kind }) => kind === "broken"));
    if (kind === "whole") return;
    const [{ box: { min, max } }] = slab.losses;
    deepEqual([slab.losses.length, min, max], [1, [4, 0, 0, 0, 0], [7, 3, 2, 1, 1]]);
    const lost = ([x, y, z]: Point) => x >= 4 && y < 3 && z < 2;
    deepEqual(voxels, EXPECTED.map((voxel, i) => lost(unravel(i, [7, 5, 3, 1, 1])) ? 9 : voxel));
  });
}

Deno.test("a broken shard on disk is named by its path, and its chunks are read by threads", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/c/0/0`, { recursive: true });
    await Deno.writeTextFile(`${folder}/zarr.json`, JSON.stringify(SHARDS["zarr.json"]));
    await Deno.writeFile(`${folder}/c/0/0/0`, SHARD);
    const volume = await openZarrArray(diskReader(folder));
    const place = await volume.scales[0].locate([1, 0, 0, 0, 0]);
    deepEqual([place?.name, place?.fetch], [`${folder}/c/0/0/0`, undefined]);
    deepEqual((await readAll(volume)).voxels, EXPECTED);
    // It shrinks after its index was read.
    await Deno.writeFile(`${folder}/c/0/0/0`, SHARD.slice(0, 10));
    await rejects(readAll(volume), {
      name: "SluiceError",
      message: new RegExp(`at byte \\d+ of "${folder}/c/0/0/0": .*it ends after 10`),
    });
    await Deno.writeFile(`${folder}/c/0/0/0`, new Uint8Array(3));
    await rejects(readAll(await openZarrArray(diskReader(folder))), {
      message: new RegExp(`"${folder}/c/0/0/0": the index of its shard is cut short: 3 bytes`),
    });
  }));

Deno.test("a file far too large for a chunk is not loaded", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/.zarray`, JSON.stringify(V2[".zarray"]));
    await Deno.writeFile(`${folder}/0.0.1`, new Uint8Array(1 << 20));
    await rejects(readAll(await openZarrArray(diskReader(folder))), {
      message: /0.0.1": it has 1048576 bytes where at most \d+ make sense/,
    });
  }));

Deno.test("an index is read once, a chunk where it is needed, and nothing more", async () => {
  const asked: string[] = [];
  const volume = await openZarrArray(memoryReader(SHARDS, (key) => asked.push(key)));
  deepEqual(asked, ["zarr.json"]);
  await using pool = new WorkerPool({ size: 0 });
  const of = { min: [5, 1, 0, 0, 0], max: [7, 2, 1, 1, 1] } as const;
  await gatherVoxels(readChunked(volume.scales[0], of, { pool }));
  // The index, and one chunk.
  deepEqual(asked.splice(0), ["zarr.json", "c/0/0/0", "c/0/0/0"]);
  await gatherVoxels(readChunked(volume.scales[0], of, { pool }));
  deepEqual(asked, ["c/0/0/0"]);
});

Deno.test("a chunk that vanishes after its index was read is broken, not fill value", async () => {
  const blobs = { ...SHARDS };
  const volume = await openZarrArray(memoryReader(blobs));
  deepEqual((await readAll(volume)).voxels, EXPECTED);
  delete blobs["c/0/0/0"];
  await rejects(readAll(volume), { message: /it is gone, though its index was there/ });
});

Deno.test("an abort ends opening and reading with its reason", async () => {
  const stopping = new AbortController();
  const reason = new Error("stopped");
  const volume = await openZarrArray(memoryReader(SHARDS));
  const reading = memoryReader(SHARDS, (key) => key !== "zarr.json" && stopping.abort(reason));
  const other = await openZarrArray(reading);
  const isReason = (error: unknown) => error === reason;
  await rejects(readAll(other, { signal: stopping.signal }), isReason);
  await rejects(readAll(volume, { signal: stopping.signal }), isReason);
  await rejects(openZarrArray(memoryReader(SHARDS), { signal: stopping.signal }), isReason);
  // Who did not abort is not ended by who did.
  deepEqual((await readAll(other)).voxels, EXPECTED);
});
