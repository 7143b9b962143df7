import { ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { MortonGrid } from "../../codecs/_morton.ts";
import { cellsOver, volumeOf, type Xyz } from "../../codecs/_xyz.ts";
import { openPrecomputedCodec } from "../../codecs/precomputed_chunk.ts";
import { packShard, ShardPacker } from "../../codecs/precomputed_shard.ts";
import {
  locateChunk,
  planSharding,
  type Sharding,
  shardName,
  shardShape,
} from "../../codecs/precomputed_sharding.ts";
import { withFolder } from "../_stack.ts";
import {
  bits32,
  chunksOf,
  makeVoxels,
  Manifest,
  random,
  type Range,
} from "./_precomputed_corpus.ts";
import { python } from "./_python.ts";

/** Every way to hash and to encode, each with other bits, and what is stored in it. */
function* volumesToWrite() {
  const bits = [[0, 0, 3], [1, 2, 2], [0, 1, 6], [4, 3, 0]];
  const contents = [
    { encoding: { codec: "raw" }, dtype: "uint16", channels: 2 },
    { encoding: { codec: "raw" }, dtype: "float32", channels: 1 },
    {
      encoding: { codec: "compressed_segmentation", blockSize: [4, 4, 2] },
      dtype: "uint64",
      channels: 1,
    },
    { encoding: { codec: "png", level: 3 }, dtype: "uint8", channels: 1 },
    {
      encoding: { codec: "compressed_segmentation", blockSize: [8, 8, 8] },
      dtype: "uint32",
      channels: 1,
    },
  ] as const;
  for (const content of contents) {
    for (const gzip of [undefined, 1]) yield { ...content, gzip, sharding: undefined };
  }
  let next = 0;
  for (const hash of ["identity", "murmurhash3_x86_128"] as const) {
    for (const minishard_index_encoding of ["raw", "gzip"] as const) {
      for (const data_encoding of ["raw", "gzip"] as const) {
        for (const [preshift_bits, minishard_bits, shard_bits] of bits) {
          const sharding: Sharding = {
            "@type": "neuroglancer_uint64_sharded_v1",
            preshift_bits,
            hash,
            minishard_bits,
            shard_bits,
            minishard_index_encoding,
            data_encoding,
          };
          yield {
            ...contents[next++ % contents.length],
            gzip: data_encoding === "gzip" ? 6 : undefined,
            sharding,
          };
        }
      }
    }
  }
}

Deno.test({
  name:
    "other programs read volumes of files and of shards that precomputed codecs write, however chunks are placed",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const manifest = new Manifest(folder);
      const [size, chunk] = [[19, 13, 10], [8, 5, 4]] as const;
      const grid = new MortonGrid(cellsOver(size, chunk));
      let number = 0;
      for (const { encoding, dtype, channels, gzip, sharding } of volumesToWrite()) {
        const path = `${folder}/volume${number++}`;
        await Deno.mkdir(`${path}/s`, { recursive: true });
        const voxels = makeVoxels(encoding.codec, dtype, volumeOf(size) * channels);
        const codec = await openPrecomputedCodec({ ...encoding, gzip }, { dtype, channels });
        const chunks = [...chunksOf(voxels, { size, chunk, channels, dtype })].map((found) => ({
          ...found,
          id: grid.code(found.position),
          stored: codec.encode(found.voxels, found.size),
        }));
        if (sharding === undefined) {
          for (const { first, size: part, stored } of chunks) {
            const name = first.map((value, axis) => `${value}-${value + part[axis]}`).join("_");
            await Deno.writeFile(`${path}/s/${name}${gzip === undefined ? "" : ".gz"}`, stored);
          }
        } else {
          const shards = Map.groupBy(chunks, ({ id }) => locateChunk(sharding, id).shard);
          for (const [shard, held] of shards) {
            await Deno.writeFile(
              `${path}/s/${shardName(sharding, shard)}`,
              number % 2 === 0
                ? packShard(sharding, shard, held.map(({ id, stored }) => [id, stored]))
                : packAsGiven(sharding, shard, held),
            );
          }
        }
        await Deno.writeTextFile(
          `${path}/info`,
          JSON.stringify({
            "@type": "neuroglancer_multiscale_volume",
            type: "image",
            data_type: dtype,
            num_channels: channels,
            scales: [{
              key: "s",
              size,
              voxel_offset: [0, 0, 0],
              chunk_sizes: [chunk],
              resolution: [4, 4, 40],
              encoding: encoding.codec,
              ...("blockSize" in encoding
                ? { compressed_segmentation_block_size: encoding.blockSize }
                : {}),
              ...(sharding === undefined ? {} : { sharding }),
            }],
          }),
        );
        manifest.volumes.push({
          name: `${JSON.stringify(encoding)} ${dtype}, gzip ${gzip}, ${JSON.stringify(sharding)}`,
          folder: `volume${number - 1}`,
          dtype,
          channels,
          size,
          voxels: manifest.add(voxels),
          // tensorstore looks for files without ".gz".
          tensorstore: sharding !== undefined || gzip === undefined,
        });
      }
      await manifest.check();
    }),
});

/** A shard whose chunks lie in the order in which they come. */
function packAsGiven(
  sharding: Sharding,
  shard: bigint,
  chunks: readonly { id: bigint; stored: Uint8Array }[],
): Uint8Array {
  const packer = new ShardPacker(sharding, shard);
  const body = Buffer.concat(chunks.map(({ id, stored }) => {
    packer.place(id, stored.length);
    return stored;
  }));
  const { index, tail } = packer.finish();
  return Buffer.concat([index, body, tail]);
}

Deno.test({
  name:
    "other programs find chunks of any number in shards, also beyond 4 GiB and placed in any order",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const manifest = new Manifest(folder);
      for (const hash of ["identity", "murmurhash3_x86_128"] as const) {
        const sharding: Sharding = {
          "@type": "neuroglancer_uint64_sharded_v1",
          preshift_bits: 3,
          hash,
          minishard_bits: 2,
          shard_bits: 1,
          minishard_index_encoding: "gzip",
          data_encoding: "raw",
        };
        const ids = [
          ...[0n, 1n, 8n, 9n, 77n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 62n + 12345n, 2n ** 63n - 1n],
          ...Array.from({ length: 60 }, () => bits32() << 31n | bits32() >> 1n),
        ];
        const keys: Record<string, Range> = {};
        await Deno.mkdir(`${folder}/${hash}`);
        const shards = Map.groupBy(new Set(ids), (id) => locateChunk(sharding, id).shard);
        for (const [shard, held] of shards) {
          using file = await Deno.open(`${folder}/${hash}/${shardName(sharding, shard)}`, {
            write: true,
            create: true,
          });
          const packer = new ShardPacker(sharding, shard);
          for (const [i, id] of held.entries()) {
            const bytes = Uint8Array.from({ length: 1 + i }, () => random() * 256);
            // Between the chunks lie holes of the file: places that no number has.
            await writeAt(file, packer.place(id, bytes.length), bytes);
            if (i % 7 === 3) {
              packer.place(unusedId(sharding, shard, ids, i), 2 ** 31);
            }
            keys[`${id}`] = manifest.add(bytes);
          }
          const { index, tail, tailOffset } = packer.finish();
          ok(tailOffset > 2 ** 32);
          await writeAt(file, tailOffset, tail);
          await writeAt(file, 0, index);
        }
        manifest.shards.push({ name: hash, folder: hash, sharding, keys });
      }
      await manifest.check();
    }),
});

async function writeAt(file: Deno.FsFile, offset: number, bytes: Uint8Array): Promise<void> {
  await file.seek(offset, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

function unusedId(sharding: Sharding, shard: bigint, ids: readonly bigint[], from: number): bigint {
  for (let id = 1000n * BigInt(from + 1);; id++) {
    if (locateChunk(sharding, id).shard === shard && !ids.includes(id)) return id;
  }
}

Deno.test({
  name: "other programs find the same box of voxels in a shard that planSharding() plans",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const manifest = new Manifest(folder);
      const sizes: readonly Xyz[] = [
        [1000, 900, 500],
        [100, 100, 3],
        [5000, 300, 64],
        [64, 64, 64],
        [7, 5000, 333],
      ];
      for (const size of sizes) {
        for (const chunk of [[64, 64, 64], [128, 128, 16], [7, 5, 3]] as const) {
          for (const chunks of [1, 8, 100, 5000]) {
            const grid = cellsOver(size, chunk);
            const sharding = planSharding({ grid, chunks });
            const box = shardShape(sharding, grid)!.map((count, axis) => count * chunk[axis]);
            manifest.plans.push({
              name: `${size} in ${chunk}, ${chunks}`,
              size,
              chunk,
              sharding,
              box,
            });
          }
        }
      }
      await manifest.check();
    }),
});
