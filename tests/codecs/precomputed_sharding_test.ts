import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { MortonGrid } from "../../codecs/_morton.ts";
import { volumeOf, type Xyz } from "../../codecs/_xyz.ts";
import {
  locateChunk,
  parseSharding,
  planSharding,
  shardBox,
  type Sharding,
  shardName,
  shardShape,
} from "../../codecs/precomputed_sharding.ts";
import { SluiceError } from "../../core/errors.ts";
import { fc } from "../_fast_check.ts";

const spec: Sharding = {
  "@type": "neuroglancer_uint64_sharded_v1",
  preshift_bits: 9,
  hash: "identity",
  minishard_bits: 6,
  shard_bits: 16,
  minishard_index_encoding: "gzip",
  data_encoding: "raw",
};

Deno.test("parseSharding() reads a specification, and what it leaves out is raw", () => {
  deepEqual(parseSharding(JSON.parse(JSON.stringify({ ...spec, surplus: 1 }))), spec);
  const { minishard_index_encoding: _, data_encoding: __, ...rest } = spec;
  const parsed = parseSharding(rest);
  equal(parsed.minishard_index_encoding, "raw");
  equal(parsed.data_encoding, "raw");
});

const faults = [
  { name: "nothing", value: undefined, says: /"minishard_bits" is undefined/ },
  {
    name: "another type",
    value: { ...spec, "@type": "other" },
    says: /"@type" is "other" where neuro/,
  },
  {
    name: "another hash",
    value: { ...spec, hash: "md5" },
    says: /"hash" is "md5" where identity or/,
  },
  {
    name: "no preshift_bits",
    value: { ...spec, preshift_bits: undefined },
    says: /"preshift_bits"/,
  },
  { name: "negative bits", value: { ...spec, shard_bits: -1 }, says: /from 0 to 58 is needed/ },
  { name: "half a bit", value: { ...spec, minishard_bits: 1.5 }, says: /"minishard_bits" is 1.5/ },
  { name: "more than 64 bits", value: { ...spec, shard_bits: 59 }, says: /"shard_bits" is 59/ },
  { name: "zstd", value: { ...spec, data_encoding: "zstd" }, says: /"data_encoding" is "zstd"/ },
];
for (const { name, value, says } of faults) {
  Deno.test(`parseSharding() refuses ${name}`, () => {
    throws(() => parseSharding(value), (error) => {
      ok(error instanceof SluiceError && says.test(error.message), String(error));
      return true;
    });
  });
}

Deno.test("locateChunk() and shardName() take the bits that the specification says", () => {
  // 42943 x 56068 x 82276 voxels in chunks of 64: the chunk of grid position [335, 438, 1024].
  deepEqual(locateChunk(spec, 0x434522d9n), { shard: 0x868an, minishard: 0x11 });
  equal(shardName(spec, 0x868an), "868a.shard");
  equal(shardName(spec, 0xan), "000a.shard");
  equal(shardName({ ...spec, shard_bits: 0 }, 0n), "0.shard");
  equal(shardName({ ...spec, shard_bits: 1 }, 1n), "1.shard");
  equal(shardName({ ...spec, shard_bits: 5 }, 26n), "1a.shard");
  const hashed: Sharding = { ...spec, preshift_bits: 1, hash: "murmurhash3_x86_128" };
  // murmurhash3 of 1 is 0xe8bd67d616d4ce9a.
  deepEqual(locateChunk(hashed, 3n), { minishard: 0x9a & 63, shard: 0xd4ce9an >> 6n & 0xffffn });
  const whole: Sharding = { ...spec, preshift_bits: 64, shard_bits: 58 };
  deepEqual(locateChunk(whole, 2n ** 64n - 1n), { shard: 0n, minishard: 0 });
  const none: Sharding = { ...spec, preshift_bits: 0, minishard_bits: 0, shard_bits: 64 };
  deepEqual(locateChunk(none, 2n ** 63n + 5n), { shard: 2n ** 63n + 5n, minishard: 0 });
});

const plans = [
  { name: "one chunk a shard", grid: [4, 4, 4], chunks: 1, bits: [0, 0, 6], shape: [1, 1, 1] },
  {
    name: "less than one",
    grid: [4, 4, 4],
    bytes: 10,
    chunkBytes: 99,
    bits: [0, 0, 6],
    shape: [1, 1, 1],
  },
  { name: "just not 64", grid: [8, 8, 8], chunks: 63, bits: [5, 0, 4], shape: [4, 4, 2] },
  {
    name: "by bytes",
    grid: [8, 8, 8],
    bytes: 64 * 99,
    chunkBytes: 99,
    bits: [6, 0, 3],
    shape: [4, 4, 4],
  },
  { name: "all of a volume", grid: [7, 5, 3], chunks: 1e9, bits: [8, 0, 0], shape: [8, 8, 4] },
  { name: "a thin volume", grid: [100, 90, 2], chunks: 128, bits: [7, 0, 8], shape: [8, 8, 2] },
  {
    name: "several minishards",
    grid: [512, 512, 512],
    chunks: 2 ** 15,
    bits: [10, 5, 12],
    shape: [32, 32, 32],
  },
  {
    name: "huge shards",
    grid: [512, 512, 512],
    chunks: 2 ** 21,
    bits: [12, 9, 6],
    shape: [128, 128, 128],
  },
  { name: "one chunk in all", grid: [1, 1, 1], chunks: 5, bits: [0, 0, 0], shape: [1, 1, 1] },
] as const;
for (const { name, grid, bits, shape, ...wanted } of plans) {
  Deno.test(`planSharding() for ${name}`, () => {
    const sharding = planSharding({ grid, ...wanted });
    const { preshift_bits, minishard_bits, shard_bits } = sharding;
    deepEqual([preshift_bits, minishard_bits, shard_bits], bits);
    deepEqual(shardShape(sharding, grid), shape);
    deepEqual(parseSharding(sharding), sharding);
  });
}

Deno.test("planSharding() refuses what cannot be", () => {
  throws(() => planSharding({ grid: [4, 4, 4], chunks: 0 }), /shards of 0 chunks/);
  throws(() => planSharding({ grid: [4, 4, 4], chunks: NaN }), /shards of NaN chunks/);
  throws(() => planSharding({ grid: [4, 4, 4], bytes: 5, chunkBytes: 0 }), RangeError);
  throws(() => planSharding({ grid: [4, 0, 4], chunks: 8 }), /sides must be integers/);
});

const side = fc.integer({ min: 1, max: 9 });

Deno.test("shardBox() is exactly the chunks of a shard, and the boxes of all shards are a grid over the volume", () => {
  fc.assert(
    fc.property(
      fc.tuple(side, side, side),
      fc.integer({ min: 1, max: 700 }),
      fc.nat(2),
      (grid, chunks, spare) => {
        const sharding = { ...planSharding({ grid, chunks }) };
        const wider = { ...sharding, shard_bits: sharding.shard_bits + spare };
        const shape = shardShape(wider, grid)!;
        ok(volumeOf(shape) <= chunks);
        const morton = new MortonGrid(grid);
        const seen = new Map<bigint, number>();
        for (let z = 0; z < grid[2]; z++) {
          for (let y = 0; y < grid[1]; y++) {
            for (let x = 0; x < grid[0]; x++) {
              const { shard } = locateChunk(wider, morton.code([x, y, z]));
              const { min, max } = shardBox(wider, grid, shard)!;
              [x, y, z].forEach((value, axis) => {
                equal(min[axis], Math.floor(value / shape[axis]) * shape[axis]);
                equal(max[axis], Math.min(grid[axis], min[axis] + shape[axis]));
              });
              seen.set(shard, (seen.get(shard) ?? 0) + 1);
            }
          }
        }
        for (let shard = 0n; shard < 1n << BigInt(wider.shard_bits); shard++) {
          const box = shardBox(wider, grid, shard);
          const held = box === undefined
            ? 0
            : volumeOf(box.max.map((value, axis) => value - box.min[axis]) as unknown as Xyz);
          equal(held, seen.get(shard) ?? 0);
        }
      },
    ),
    { seed: 20260203, numRuns: 100 },
  );
});

Deno.test("shardShape() is undefined where shards are no boxes", () => {
  const grid = [8, 8, 8] as const;
  const hashed: Sharding = { ...spec, hash: "murmurhash3_x86_128", shard_bits: 1 };
  equal(shardShape(hashed, grid), undefined);
  equal(shardBox(hashed, grid, 0n), undefined);
  deepEqual(shardShape({ ...hashed, shard_bits: 0 }, grid), [8, 8, 8]);
  const wrapped: Sharding = { ...spec, preshift_bits: 2, minishard_bits: 2, shard_bits: 4 };
  equal(shardShape(wrapped, grid), undefined);
  deepEqual(shardShape({ ...wrapped, shard_bits: 5 }, grid), [4, 2, 2]);
});
