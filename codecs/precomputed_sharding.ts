/**
 * Which shard of a Neuroglancer precomputed volume holds which chunk, and how to choose that.
 *
 * Source of the rule: `src/datasource/precomputed/sharded.rst` of Neuroglancer. The file itself is
 * {@linkcode ShardPacker}'s.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import { MortonGrid } from "./_morton.ts";
import { murmurHash } from "./_murmur.ts";
import type { Xyz } from "./_xyz.ts";

/** The member `sharding` of a scale, as it stands in a volume's `info`. */
export interface Sharding {
  /** Tells this sharding from others. */
  readonly "@type": "neuroglancer_uint64_sharded_v1";
  /** Low bits of a chunk's number that do not matter for where it goes. */
  readonly preshift_bits: number;
  /** What is done with the bits that are left. */
  readonly hash: "identity" | "murmurhash3_x86_128";
  /** The low bits of the hash are the number of the minishard, */
  readonly minishard_bits: number;
  /** and those above the number of the shard. */
  readonly shard_bits: number;
  /** What is around the index of a minishard. @default "raw" */
  readonly minishard_index_encoding?: "raw" | "gzip";
  /** What is around each chunk. @default "raw" */
  readonly data_encoding?: "raw" | "gzip";
}

/** Where a chunk lies. */
export interface ChunkAddress {
  readonly shard: bigint;
  readonly minishard: number;
}

/** A box of chunks: `min` is inside, `max` is not. */
export interface ChunkBox {
  readonly min: Xyz;
  readonly max: Xyz;
}

/** A minishard index of this many chunks takes 24 kB at most: one quick read. */
const INDEXED_BITS = 10;
/** A shard index of this many minishards takes 8 kB. */
const MINISHARD_BITS = 9;

/**
 * Reads the member `sharding` of a scale.
 * @throws {SluiceError} If it is none, saying which member is wrong.
 */
export function parseSharding(value: unknown): Sharding {
  const member = (value ?? {}) as Record<string, unknown>;
  const wrong = (name: string, wanted: string) =>
    new SluiceError(
      `Cannot use the sharding of the volume: its "${name}" is ${
        JSON.stringify(member[name])
      } where ${wanted} is needed; mend its info`,
    );
  const bits = (name: string, most: number) => {
    const count = member[name];
    if (Number.isInteger(count) && Number(count) >= 0 && Number(count) <= most) {
      return Number(count);
    }
    throw wrong(name, `an integer from 0 to ${most}`);
  };
  const oneOf = <const T extends string>(
    name: string,
    choices: readonly T[],
    absent?: NoInfer<T>,
  ): T => {
    const choice = member[name] ?? absent;
    if (choices.some((known) => known === choice)) return choice as T;
    throw wrong(name, choices.join(" or "));
  };
  const minishard_bits = bits("minishard_bits", 32);
  return {
    "@type": oneOf("@type", ["neuroglancer_uint64_sharded_v1"]),
    preshift_bits: bits("preshift_bits", 64),
    hash: oneOf("hash", ["identity", "murmurhash3_x86_128"]),
    minishard_bits,
    shard_bits: bits("shard_bits", 64 - minishard_bits),
    minishard_index_encoding: oneOf("minishard_index_encoding", ["raw", "gzip"], "raw"),
    data_encoding: oneOf("data_encoding", ["raw", "gzip"], "raw"),
  };
}

/** Where the chunk with this number lies. */
export function locateChunk(sharding: Sharding, id: bigint): ChunkAddress {
  const { preshift_bits, hash, minishard_bits, shard_bits } = sharding;
  const shifted = BigInt.asUintN(64, id) >> BigInt(preshift_bits);
  const hashed = hash === "identity" ? shifted : murmurHash(shifted);
  return {
    minishard: Number(BigInt.asUintN(minishard_bits, hashed)),
    shard: BigInt.asUintN(shard_bits, hashed >> BigInt(minishard_bits)),
  };
}

/**
 * The name of the file of a shard.
 * @example Nine bits take three digits
 * ```ts
 * import { planSharding, shardName } from "./precomputed_sharding.ts";
 * import { equal } from "node:assert/strict";
 * const sharding = planSharding({ grid: [512, 1, 1], chunks: 1 });
 * equal(shardName(sharding, 26n), "01a.shard");
 * ```
 */
export function shardName({ shard_bits }: Sharding, shard: bigint): string {
  return `${shard.toString(16).padStart(Math.ceil(shard_bits / 4), "0")}.shard`;
}

/** What is wanted of shards. */
export type PlanShardingOptions =
  & {
    /** Chunks of the volume along x, y and z. */
    readonly grid: Xyz;
    /** @default "gzip" */
    readonly minishardIndexEncoding?: "raw" | "gzip";
    /** Chunks that are images cannot be made smaller: they are best left raw. @default "raw" */
    readonly dataEncoding?: "raw" | "gzip";
  }
  & (
    | {
      /** Most chunks of a shard, from 1 on. */
      readonly chunks: number;
    }
    | {
      /** Most bytes of a shard, */
      readonly bytes: number;
      /** where a chunk has so many. */
      readonly chunkBytes: number;
    }
  );

/**
 * Chooses how many bits say what, so that a shard holds a box of chunks whose sides are powers of two: as
 * many chunks as are wanted, or fewer, but at least one.
 *
 * Up to 1024 chunks share a minishard, whose index is read whole; shards of more than 2^19 chunks have larger
 * minishards, as the index of the shard is to stay at 8 kB.
 * @throws {RangeError} If the grid, or what is wanted, is not made of numbers from 1 on.
 * @example Shards of up to 4096 chunks
 * ```ts
 * import { planSharding, shardShape } from "./precomputed_sharding.ts";
 * import { deepEqual } from "node:assert/strict";
 * const grid = [100, 80, 12] as const;
 * const sharding = planSharding({ grid, chunks: 4096 });
 * deepEqual([sharding.preshift_bits, sharding.minishard_bits, sharding.shard_bits], [10, 2, 6]);
 * deepEqual(shardShape(sharding, grid), [16, 16, 16]);
 * ```
 */
export function planSharding(options: PlanShardingOptions): Sharding {
  const { grid, minishardIndexEncoding = "gzip", dataEncoding = "raw" } = options;
  const wanted = "chunks" in options ? options.chunks : options.bytes / options.chunkBytes;
  const isWhole = "chunks" in options
    ? wanted >= 1
    : options.bytes >= 1 && options.chunkBytes >= 1 && Number.isFinite(wanted);
  if (!isWhole) {
    throw new RangeError(
      `Cannot plan shards of ${wanted} chunks: what is wanted must be numbers from 1 on`,
    );
  }
  const all = new MortonGrid(grid).axes.length;
  const held = Math.min(all, Math.max(0, Math.floor(Math.log2(wanted))));
  const minishard_bits = Math.min(MINISHARD_BITS, Math.max(0, held - INDEXED_BITS));
  return {
    "@type": "neuroglancer_uint64_sharded_v1",
    preshift_bits: held - minishard_bits,
    hash: "identity",
    minishard_bits,
    shard_bits: all - held,
    minishard_index_encoding: minishardIndexEncoding,
    data_encoding: dataEncoding,
  };
}

/**
 * Chunks of the box that a shard holds, along each axis: powers of two. The boxes of all shards are a grid.
 * @returns Undefined where a shard holds no box: its chunks are hashed, or are all over the volume.
 */
export function shardShape(sharding: Sharding, grid: Xyz): Xyz | undefined {
  const { axes } = new MortonGrid(grid);
  const { preshift_bits, minishard_bits, shard_bits, hash } = sharding;
  const held = preshift_bits + minishard_bits;
  if (held + shard_bits < axes.length) return undefined;
  if (hash !== "identity" && shard_bits > 0) return undefined;
  const shape: [number, number, number] = [1, 1, 1];
  for (const axis of shard_bits === 0 ? axes : axes.slice(0, held)) shape[axis] *= 2;
  return shape;
}

/**
 * The box of chunks that a shard holds: what must be written at once.
 * @returns Undefined where a shard holds no box, or this one holds nothing, as its box lies outside the grid.
 * @example Two of the shards of a volume of 7 x 5 x 3 chunks
 * ```ts
 * import { planSharding, shardBox } from "./precomputed_sharding.ts";
 * import { deepEqual } from "node:assert/strict";
 * const grid = [7, 5, 3] as const;
 * const sharding = planSharding({ grid, chunks: 8 });
 * deepEqual(shardBox(sharding, grid, 0n), { min: [0, 0, 0], max: [2, 2, 2] });
 * deepEqual(shardBox(sharding, grid, 0b00110n), { min: [0, 2, 2], max: [2, 4, 3] });
 * deepEqual(shardBox(sharding, grid, 0b11111n), undefined);
 * ```
 */
export function shardBox(sharding: Sharding, grid: Xyz, shard: bigint): ChunkBox | undefined {
  const shape = shardShape(sharding, grid);
  if (shape === undefined) return undefined;
  const morton = new MortonGrid(grid);
  const code = shard << BigInt(sharding.preshift_bits + sharding.minishard_bits);
  if (code >> BigInt(morton.axes.length) !== 0n) return undefined;
  const min = morton.position(code);
  if (min.some((value, axis) => value >= grid[axis])) return undefined;
  return {
    min,
    max: [
      Math.min(min[0] + shape[0], grid[0]),
      Math.min(min[1] + shape[1], grid[1]),
      Math.min(min[2] + shape[2], grid[2]),
    ],
  };
}
