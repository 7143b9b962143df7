import { equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { MortonGrid } from "../../codecs/_morton.ts";
import { cellsOver, volumeOf, type Xyz } from "../../codecs/_xyz.ts";
import { openPrecomputedCodec, type PrecomputedEncoding } from "../../codecs/precomputed_chunk.ts";
import { locateChunk, parseSharding, shardName } from "../../codecs/precomputed_sharding.ts";
import { type Dtype, isDtype, VOXEL_BYTES } from "../../core/dtype.ts";
import { fromMemory, readChunk, unpackShard } from "../codecs/_shard_reading.ts";
import { withFolder } from "../_stack.ts";
import { chunksOf, makeVoxels, Manifest, withCorpus } from "./_precomputed_corpus.ts";
import { python } from "./_python.ts";

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

Deno.test({
  name:
    "precomputed codecs decode every chunk and shard that other programs write, and write labels as they do",
  ignore: python === undefined,
  fn: () =>
    withCorpus(async ({ chunks, volumes }, bytes) => {
      ok(chunks.length > 600 && volumes.length > 60, `${chunks.length}, ${volumes.length}`);
      for (const { name, encoding, dtype, channels, size, stored, voxels, canonical } of chunks) {
        const codec = await openPrecomputedCodec(encoding, { dtype, channels });
        const expected = bytes.subarray(...voxels);
        ok(isEqual(await codec.decode(bytes.subarray(...stored), size), expected), name);
        if (canonical) ok(isEqual(codec.encode(expected, size), bytes.subarray(...stored)), name);
      }
      for (const volume of volumes) {
        const { name, encoding, dtype, channels, size, chunk, voxels, shards } = volume;
        const sharding = parseSharding(volume.sharding);
        const codec = await openPrecomputedCodec(encoding, { dtype, channels });
        const morton = new MortonGrid(cellsOver(size, chunk));
        for (
          const { position, size, voxels: expected } of chunksOf(bytes.subarray(...voxels), volume)
        ) {
          const id = morton.code(position);
          const shard = shards[shardName(sharding, locateChunk(sharding, id).shard)];
          const stored = readChunk(sharding, id, fromMemory(bytes.subarray(...shard)));
          ok(isEqual(await codec.decode(stored!, size), expected), `${name}, chunk ${position}`);
        }
        const all = Object.values(shards).map((shard) =>
          unpackShard(sharding, bytes.subarray(...shard)).size
        );
        equal(all.reduce((sum, count) => sum + count), volumeOf(morton.size), name);
      }
    }),
});

const SIZES: readonly Xyz[] = [[7, 5, 3], [1, 1, 1], [65, 33, 18]];
const DTYPES = Object.keys(VOXEL_BYTES).filter(isDtype);
const KINDS: readonly {
  encoding: PrecomputedEncoding;
  dtypes: readonly Dtype[];
  channels: readonly number[];
}[] = [
  { encoding: { codec: "raw" }, dtypes: DTYPES, channels: [1, 2] },
  { encoding: { codec: "png", level: 6 }, dtypes: ["uint8", "uint16"], channels: [1, 2, 3, 4] },
  ...[1, 40, 85, 100].map((quality) =>
    ({ encoding: { codec: "jpeg", quality }, dtypes: ["uint8"], channels: [1, 3] }) as const
  ),
  ...([[8, 8, 8], [16, 4, 1], [5, 3, 7]] as const).map((blockSize) =>
    ({
      encoding: { codec: "compressed_segmentation", blockSize },
      dtypes: ["uint32", "uint64"],
      channels: [1, 3],
    }) as const
  ),
];

Deno.test({
  name:
    "other programs decode every chunk that precomputed codecs write; labels and JPEG are the bytes they write",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const manifest = new Manifest(folder);
      for (const { encoding, dtypes, channels: counts } of KINDS) {
        for (const dtype of dtypes) {
          for (const channels of counts) {
            for (const gzip of [undefined, 6]) {
              const wrapped = { ...encoding, gzip };
              const codec = await openPrecomputedCodec(wrapped, { dtype, channels });
              for (const size of SIZES) {
                const voxels = makeVoxels(encoding.codec, dtype, volumeOf(size) * channels);
                manifest.chunks.push({
                  name: `${JSON.stringify(wrapped)} ${channels} x ${dtype}, ${size}`,
                  encoding: wrapped,
                  dtype,
                  channels,
                  size,
                  stored: manifest.add(codec.encode(voxels, size)),
                  voxels: manifest.add(voxels),
                });
              }
            }
          }
        }
      }
      await manifest.check();
    }),
});
