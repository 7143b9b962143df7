/**
 * Names of tiles, chunks and cuboids in the queues and buckets of the Boss.
 *
 * A key is the MD5 of its base in hexadecimal, `&`, and the base: decimal integers with `&` between them. The ids in
 * it are those of the Boss's database, not names. Nobody checks the hash of a key; it spreads keys over a bucket.
 * Source of the rules: ingest-client 0.12, the ingest lambdas of boss-tools, and the Morton ids of spdb.
 * @module
 */
import { createHash } from "node:crypto";
import { BossError } from "./boss_error.ts";

/** Where a tile, chunk or cuboid belongs: ids of the Boss's database. */
export interface ChannelIds {
  /** Id of the collection. */
  readonly collection: number;
  /** Id of the experiment. */
  readonly experiment: number;
  /** Id of the channel. */
  readonly channel: number;
  /** What the Boss calls resolution, and sluice mip: 0 is the finest. */
  readonly resolution: number;
}

/** One tile: x and y count tiles, z slices and t samples, all from 0 of the coordinate frame. */
export interface TilePlace extends ChannelIds {
  /** Tile along x. */
  readonly x: number;
  /** Tile along y. */
  readonly y: number;
  /** Slice. */
  readonly z: number;
  /** Sample. */
  readonly t: number;
}

/** One chunk: x, y and z count chunks, t samples. */
export interface ChunkPlace extends TilePlace {
  /** Tiles of a tile job in it, at most 16; 1 in a volumetric job. */
  readonly numTiles: number;
}

/** One cuboid of 512 x 512 x 16 voxels. */
export interface CuboidPlace extends ChannelIds {
  /** Sample. */
  readonly t: number;
  /** {@linkcode mortonId} of the cuboid, counted along x, y and z. */
  readonly morton: bigint;
}

/**
 * The key of a tile: hash, collection, experiment, channel, resolution, x, y, z, t.
 * @example The tile in column 5 and row 6 of slice 1
 * ```ts
 * import { tileKey } from "./keys.ts";
 * import { equal } from "node:assert/strict";
 * const ids = { collection: 1, experiment: 2, channel: 3, resolution: 0 };
 * const key = tileKey({ ...ids, x: 5, y: 6, z: 1, t: 0 });
 * equal(key, "03ca58a12ec662954ac12e06517d4269&1&2&3&0&5&6&1&0");
 * ```
 */
export function tileKey(place: TilePlace): string {
  return keyOf(valuesOf(place, TILE));
}

/** The key of a chunk: hash, number of tiles, then as of a tile. */
export function chunkKey(place: ChunkPlace): string {
  return keyOf(valuesOf(place, CHUNK));
}

/** The key of a cuboid: hash, collection, experiment, channel, resolution, t, Morton id. */
export function cuboidKey(place: CuboidPlace): string {
  return keyOf([...valuesOf(place, CUBOID), place.morton]);
}

/** The key under which the Boss stores what came as a cuboid, in a version: `&0` behind it, and one hash. */
export function storedCuboidKey(key: string, version = 0): string {
  return `${key}&${version}`;
}

const IDS = ["collection", "experiment", "channel", "resolution"] as const;
const TILE = [...IDS, "x", "y", "z", "t"] as const;
const CHUNK = ["numTiles", ...TILE] as const;
const CUBOID = [...IDS, "t"] as const;

function valuesOf<K extends string>(place: Readonly<Record<K, number>>, names: readonly K[]) {
  return names.map((name) => {
    const value = place[name];
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new RangeError(`Cannot name a place of the Boss: its ${name} is ${value}, no count`);
  });
}

function keyOf(values: readonly (number | bigint)[]): string {
  const base = values.join("&");
  return `${createHash("md5").update(base).digest("hex")}&${base}`;
}

/** What a key of a tile names. @throws {BossError} If it is none. */
export function parseTileKey(key: string): TilePlace {
  return placeOf(key, TILE, "tile");
}

/** What a key of a chunk names. @throws {BossError} If it is none. */
export function parseChunkKey(key: string): ChunkPlace {
  return placeOf(key, CHUNK, "chunk");
}

/** What a key of a cuboid names. @throws {BossError} If it is none. */
export function parseCuboidKey(key: string): CuboidPlace {
  const at = key.lastIndexOf("&");
  const morton = key.slice(at + 1);
  if (!/^\d{1,19}$/.test(morton)) throw noKey(key, "cuboid");
  return { ...placeOf(key.slice(0, Math.max(0, at)), CUBOID, "cuboid"), morton: BigInt(morton) };
}

function placeOf<K extends string>(
  key: string,
  names: readonly K[],
  what: string,
): Record<K, number> {
  const [, ...values] = key.split("&");
  const isKey = values.length === names.length && values.every((value) => /^\d{1,15}$/.test(value));
  if (!isKey) throw noKey(key, what);
  return Object.fromEntries(names.map((name, i) => [name, Number(values[i])])) as Record<K, number>;
}

function noKey(key: string, what: string): BossError {
  const shown = JSON.stringify(key.slice(0, 200));
  return new BossError(
    `Cannot use ${shown} as the key of a ${what}: it does not have its parts; compare the version of the Boss`,
    "corrupt",
  );
}

/** Bits of each axis in a Morton id. */
const BITS = 21;

/**
 * The Morton id of a cuboid: bit i of x, y and z is bit 3i, 3i+1 and 3i+2.
 * @param x Cuboids along x: floor(voxel / 512).
 * @param y Cuboids along y: floor(voxel / 512).
 * @param z Cuboids along z: floor(voxel / 16).
 * @throws {RangeError} If one is not an integer from 0 to 2^21 - 1.
 * @example
 * ```ts
 * import { mortonId } from "./keys.ts";
 * import { equal } from "node:assert/strict";
 * equal(mortonId(12, 17, 2), 8802n);
 * ```
 */
export function mortonId(x: number, y: number, z: number): bigint {
  const axes = [x, y, z];
  if (axes.some((value) => !Number.isInteger(value) || value < 0 || value >= 2 ** BITS)) {
    throw new RangeError(
      `Cannot number the cuboid at [${axes}]: its places must be integers from 0 to ${
        2 ** BITS - 1
      }`,
    );
  }
  let id = 0n;
  for (let bit = BITS - 1; bit >= 0; bit--) {
    for (let axis = 2; axis >= 0; axis--) id = id << 1n | BigInt(axes[axis] >> bit & 1);
  }
  return id;
}

/** The cuboid of a Morton id, counted along x, y and z. */
export function mortonPlace(id: bigint): [x: number, y: number, z: number] {
  const axes: [number, number, number] = [0, 0, 0];
  for (let bit = 0; bit < 3 * BITS; bit++) {
    if (id >> BigInt(bit) & 1n) axes[bit % 3] |= 1 << Math.floor(bit / 3);
  }
  return axes;
}
