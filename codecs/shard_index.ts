/**
 * The index at the end of a shard: where each inner chunk lies.
 *
 * Source of the rule: Zarr v3, `sharding_indexed` with `index_location: "end"` and index codecs `bytes` (little) and
 * `crc32c`: for every inner chunk, in C order, offset and length as uint64; both all ones where the chunk is absent.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import { crc32c } from "./crc32c.ts";

/** Where a chunk lies in its shard; undefined where every voxel is fill value. */
export type ChunkPlace = { readonly offset: number; readonly length: number } | undefined;

const ABSENT = 0xffff_ffff_ffff_ffffn;

/** Bytes of an index of `count` chunks, its checksum included. */
export function indexBytes(count: number): number {
  return count * 16 + 4;
}

/** The bytes of an index. */
export function encodeIndex(places: readonly ChunkPlace[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(indexBytes(places.length));
  const view = new DataView(bytes.buffer);
  places.forEach((place, i) => {
    view.setBigUint64(i * 16, place === undefined ? ABSENT : BigInt(place.offset), true);
    view.setBigUint64(i * 16 + 8, place === undefined ? ABSENT : BigInt(place.length), true);
  });
  view.setUint32(bytes.length - 4, crc32c(bytes.subarray(0, -4)), true);
  return bytes;
}

/**
 * Reads an index from the last bytes of a shard.
 * @param bytes Exactly {@linkcode indexBytes} bytes.
 * @param dataBytes Bytes of the shard before the index: no chunk may reach beyond.
 * @throws {SluiceError} If the checksum does not match, or a chunk lies outside the shard.
 */
export function parseIndex(bytes: Uint8Array, dataBytes: number): ChunkPlace[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [found, expected] = [crc32c(bytes.subarray(0, -4)), view.getUint32(bytes.length - 4, true)];
  if (found !== expected) {
    throw new SluiceError(
      `Cannot read the index of a shard: its crc32c is ${hex(found)} where ${
        hex(expected)
      } is stored`,
    );
  }
  return Array.from({ length: (bytes.length - 4) / 16 }, (_, i) => {
    const [offset, length] = [view.getBigUint64(i * 16, true), view.getBigUint64(i * 16 + 8, true)];
    if (offset === ABSENT && length === ABSENT) return undefined;
    if (offset + length > BigInt(dataBytes)) {
      throw new SluiceError(
        `Cannot read the index of a shard: chunk ${i} lies at ${offset}+${length}, beyond its ${dataBytes} bytes`,
      );
    }
    return { offset: Number(offset), length: Number(length) };
  });
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
