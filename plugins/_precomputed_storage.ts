/** How a scale of a precomputed volume is stored, in words. */
import { shardShape } from "../codecs/precomputed_sharding.ts";
import { storageOf } from "./_storage_words.ts";
import type { PrecomputedScale } from "./precomputed_info.ts";
import type { ScaleStorage } from "./volume_array.ts";

/** Says how the chunks of a scale became bytes, and what lies in one file. */
export function precomputedStorage(scale: PrecomputedScale, channels: number): ScaleStorage {
  const { encoding, block_size: block, sharding, size, chunk_size: chunk } = scale;
  const words = block === undefined ? encoding : `${encoding} (blocks of ${block.join("x")})`;
  const encoded = { name: encoding, words };
  if (sharding === undefined) return storageOf([encoded]);
  const cells = (axis: 0 | 1 | 2) => Math.ceil(size[axis] / chunk[axis]);
  const shape = shardShape(sharding, [cells(0), cells(1), cells(2)]);
  const steps = [
    { name: sharding["@type"], ...(shape === undefined ? { words: "in shards of no box" } : {}) },
    encoded,
    ...(sharding.data_encoding === "gzip" ? [{ name: "gzip", words: "gzip" }] : []),
  ];
  if (shape === undefined) return storageOf(steps);
  const [x, y, z] = shape.map((side, axis) => side * chunk[axis]);
  return storageOf(steps, { shard: [x, y, z, channels, 1] });
}
