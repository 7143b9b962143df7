import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { ChunkError } from "../../codecs/chunk_error.ts";
import {
  packShard,
  parseMinishardIndex,
  parseShardIndexEntry,
  shardIndexBytes,
  shardIndexEntry,
  shardOrder,
  ShardPacker,
} from "../../codecs/precomputed_shard.ts";
import { locateChunk, type Sharding } from "../../codecs/precomputed_sharding.ts";
import { fc } from "../_fast_check.ts";
import { fromMemory, readChunk, unpackShard } from "./_shard_reading.ts";

const sharding: Sharding = {
  "@type": "neuroglancer_uint64_sharded_v1",
  preshift_bits: 1,
  hash: "identity",
  minishard_bits: 1,
  shard_bits: 2,
};

function longs(...values: (bigint | number)[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(BigUint64Array.from(values.map(BigInt)).buffer);
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("packShard() writes what the description says, byte for byte, in any order", () => {
  const chunks = [
    [4n, Uint8Array.of(1, 1, 1)],
    [7n, Uint8Array.of(2)],
    [5n, Uint8Array.of(3, 3)],
    [21n, Uint8Array.of(4)],
  ] as const;
  // Chunks 4, 5 and 21 are minishard 0 of shard 1, and chunk 7 is minishard 1.
  const file = join(
    longs(7, 7 + 72, 7 + 72, 7 + 72 + 24),
    Uint8Array.of(1, 1, 1, 3, 3, 4, 2),
    longs(4, 1, 16, 0, 0, 0, 3, 2, 1),
    longs(7, 6, 1),
  );
  deepEqual(packShard(sharding, 1n, chunks), file);
  deepEqual(packShard(sharding, 1n, chunks.toReversed()), file);
  deepEqual(shardOrder(sharding, [7n, 21n, 4n, 5n]), [4n, 5n, 21n, 7n]);
  deepEqual(unpackShard(sharding, file), new Map(chunks));
  for (const [id, bytes] of chunks) deepEqual(readChunk(sharding, id, fromMemory(file)), bytes);
  equal(readChunk(sharding, 6n, fromMemory(file)), undefined);
});

Deno.test("packShard() writes an empty shard as an index of nothing", () => {
  deepEqual(packShard(sharding, 3n, []), new Uint8Array(32));
  equal(unpackShard(sharding, new Uint8Array(32)).size, 0);
  equal(readChunk(sharding, 12n, fromMemory(new Uint8Array(32))), undefined);
});

const shardings = fc.record({
  "@type": fc.constant("neuroglancer_uint64_sharded_v1" as const),
  preshift_bits: fc.integer({ min: 0, max: 12 }),
  hash: fc.constantFrom("identity" as const, "murmurhash3_x86_128" as const),
  minishard_bits: fc.integer({ min: 0, max: 6 }),
  shard_bits: fc.integer({ min: 0, max: 2 }),
  minishard_index_encoding: fc.constantFrom("raw" as const, "gzip" as const),
});
const ids = fc.uniqueArray(
  fc.oneof(fc.bigInt({ min: 0n, max: 500n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  { maxLength: 60 },
);

Deno.test("ShardPacker makes files from which every chunk is read, placed in any order", () => {
  fc.assert(
    fc.property(
      shardings,
      ids,
      fc.array(fc.nat(40), { minLength: 60, maxLength: 60 }),
      (spec, all, lengths) => {
        const byShard = Map.groupBy(all, (id) => locateChunk(spec, id).shard);
        for (const [shard, ids] of byShard) {
          const chunks = ids.map((id, i) => [id, new Uint8Array(lengths[i]).fill(i)] as const);
          const packer = new ShardPacker(spec, shard);
          const placed = chunks.map(([id, bytes]) => packer.place(id, bytes.length));
          const { index, tail, tailOffset } = packer.finish();
          const file = new Uint8Array(tailOffset + tail.length);
          file.set(index);
          file.set(tail, tailOffset);
          chunks.forEach(([, bytes], i) => file.set(bytes, placed[i]));
          equal(index.length, shardIndexBytes(spec));
          for (const [id, bytes] of chunks) deepEqual(readChunk(spec, id, fromMemory(file)), bytes);
          equal(unpackShard(spec, file).size, chunks.length);

          const packed = packShard(spec, shard, chunks);
          deepEqual(packShard(spec, shard, chunks.toReversed()), packed);
          deepEqual(
            unpackShard(spec, packed),
            new Map(
              shardOrder(spec, ids).map((id) => [
                id,
                chunks.find(([other]) => other === id)![1],
              ]),
            ),
          );
        }
      },
    ),
    { seed: 20260204, numRuns: 300 },
  );
});

Deno.test("ShardPacker counts offsets beyond 2^32 and chunks up to 2^64 - 1", () => {
  const one: Sharding = { ...sharding, minishard_bits: 0, shard_bits: 0 };
  const packer = new ShardPacker(one, 0n);
  const last = 2n ** 64n - 1n;
  equal(packer.place(last, 5e9), 16);
  equal(packer.place(2n ** 63n, 7), 5_000_000_016);
  equal(packer.place(1n, 9e12), 5_000_000_023);
  const { index, tail, tailOffset } = packer.finish();
  equal(tailOffset, 9_005_000_000_023);
  const range = parseShardIndexEntry(one, index, tailOffset + tail.length);
  deepEqual(range, { offset: tailOffset, length: tail.length });
  deepEqual(
    parseMinishardIndex(one, tail, tailOffset),
    new Map([
      [1n, { offset: 5_000_000_023, length: 9e12 }],
      [2n ** 63n, { offset: 5_000_000_016, length: 7 }],
      [last, { offset: 16, length: 5e9 }],
    ]),
  );
});

Deno.test("ShardPacker refuses a chunk of another shard, and one that is there", () => {
  const packer = new ShardPacker(sharding, 1n);
  packer.place(4n, 1);
  throws(() => packer.place(4n, 1), /chunk 4 in 1.shard twice/);
  throws(() => packer.place(8n, 1), /chunk 8 in 1.shard: it belongs to 2.shard/);
  throws(() => packShard(sharding, 0n, [[4n, new Uint8Array(1)]]), RangeError);
  throws(
    () => packShard(sharding, 1n, [[4n, new Uint8Array(1)], [4n, new Uint8Array(2)]]),
    /twice/,
  );
});

Deno.test("ShardPacker zips the index of a minishard where the specification says so", () => {
  const zipped: Sharding = { ...sharding, minishard_index_encoding: "gzip" };
  const packer = new ShardPacker(zipped, 1n);
  packer.place(4n, 3);
  const { tail } = packer.finish();
  deepEqual(new Uint8Array(gunzipSync(tail)), longs(4, 0, 3));
});

const zipped: Sharding = { ...sharding, minishard_index_encoding: "gzip" };
const faults = [
  {
    name: "a short entry",
    read: () => parseShardIndexEntry(sharding, new Uint8Array(15)),
    says: /has 15 bytes, not 16/,
  },
  {
    name: "an index that ends before it starts",
    read: () => parseShardIndexEntry(sharding, longs(9, 8)),
    says: /ends at 8, before it starts at 9/,
  },
  {
    name: "an index beyond the file",
    read: () => parseShardIndexEntry(sharding, longs(0, 69), 100),
    says: /lies at 32\+69, beyond byte 100/,
  },
  {
    name: "an index beyond 2^53",
    read: () => parseShardIndexEntry(sharding, longs(0, 2n ** 53n)),
    says: /beyond byte 9007199254740991/,
  },
  {
    name: "an index of 23 bytes",
    read: () => parseMinishardIndex(sharding, new Uint8Array(23)),
    says: /has 23 bytes, not a multiple of 24/,
  },
  {
    name: "an index that is not zipped",
    read: () => parseMinishardIndex(zipped, longs(1, 0, 1)),
    says: /cannot be unzipped/,
  },
  {
    name: "a zipped index cut short",
    read: () => parseMinishardIndex(zipped, gzipSync(longs(1, 0, 1)).subarray(0, -4)),
    says: /cannot be unzipped/,
  },
  {
    name: "a chunk twice",
    read: () => parseMinishardIndex(sharding, longs(4, 0, 0, 0, 1, 1)),
    says: /lists chunk 4 twice/,
  },
  {
    name: "a chunk beyond the file",
    read: () => parseMinishardIndex(sharding, longs(4, 5, 64), 100),
    says: /chunk 4 lies at 37\+64, beyond byte 100/,
  },
  {
    name: "a chunk before the file",
    read: () => parseMinishardIndex(sharding, longs(4, -40n, 5)),
    says: /chunk 4 lies at 18446744073709551608\+5/,
  },
];
for (const { name, read, says } of faults) {
  Deno.test(`reading a shard refuses ${name}`, () => {
    throws(read, (error) => {
      ok(
        error instanceof ChunkError && error.kind === "corrupt" && says.test(error.message),
        String(error),
      );
      ok(error.message.startsWith("Cannot read a shard: "));
      return true;
    });
  });
}

Deno.test("shardIndexEntry() lies within the index, which takes 16 bytes a minishard", () => {
  equal(shardIndexBytes({ ...sharding, minishard_bits: 0 }), 16);
  equal(shardIndexBytes({ ...sharding, minishard_bits: 9 }), 8192);
  deepEqual(shardIndexEntry(511), { offset: 8176, length: 16 });
});
