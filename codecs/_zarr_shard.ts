/**
 * The index of a shard of Zarr v3, wherever in it that lies.
 *
 * Source of the rule: Zarr v3, `sharding_indexed`: for every inner chunk, in the order of the grid, offset and length
 * as uint64; both all ones where the chunk is absent.
 */
import { ChunkError } from "./chunk_error.ts";
import { checkCrc32c } from "./_unpack.ts";

/** How the index of a shard is stored. */
export interface ShardIndexLayout {
  /** Inner chunks of a shard. */
  readonly count: number;
  /** Where in the shard it lies. */
  readonly location: "start" | "end";
  /** Whether the high byte of a number comes first. */
  readonly bigEndian: boolean;
  /** Checksums behind it, each of all that is before. */
  readonly sums: number;
}

/** Where inner chunks lie in their shard. */
export interface ShardIndex {
  /** Bytes that it takes in memory. */
  readonly byteLength: number;
  /** The half-open range of one of them, or undefined where it is absent: all fill value. */
  find(chunk: number): readonly [first: number, end: number] | undefined;
}

/** Bytes of a stored index. */
export function indexByteCount({ count, sums }: ShardIndexLayout): number {
  return count * 16 + sums * 4;
}

const ABSENT = 0xffff_ffff_ffff_ffffn;

/**
 * Reads an index.
 * @param stored All of its bytes.
 * @throws {ChunkError} If it is cut short, a checksum does not fit, or a chunk lies where none can.
 */
export function readShardIndex(stored: Uint8Array, layout: ShardIndexLayout): ShardIndex {
  const expected = indexByteCount(layout);
  if (stored.length < expected) {
    throw new ChunkError(
      `the index of its shard is cut short: ${stored.length} bytes are there where ${expected} are expected`,
      "corrupt",
    );
  }
  let bytes = stored;
  for (let sum = 0; sum < layout.sums; sum++) bytes = checkedIndex(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places = new Float64Array(layout.count * 2);
  for (let i = 0; i < layout.count; i++) {
    const offset = view.getBigUint64(i * 16, !layout.bigEndian);
    const length = view.getBigUint64(i * 16 + 8, !layout.bigEndian);
    const isAbsent = offset === ABSENT && length === ABSENT;
    if (!isAbsent && offset + length > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new ChunkError(
        `the index of its shard makes no sense: chunk ${i} has ${length} bytes at byte ${offset}`,
        "corrupt",
      );
    }
    places[2 * i] = isAbsent ? -1 : Number(offset);
    places[2 * i + 1] = isAbsent ? -1 : Number(offset + length);
  }
  return {
    byteLength: places.byteLength,
    find: (chunk) => places[2 * chunk] < 0 ? undefined : [places[2 * chunk], places[2 * chunk + 1]],
  };
}

function checkedIndex(bytes: Uint8Array): Uint8Array {
  try {
    return checkCrc32c(bytes);
  } catch (error) {
    if (!(error instanceof ChunkError)) throw error;
    throw new ChunkError(`the index of its shard is broken: ${error.message}`, error.kind, {
      cause: error,
    });
  }
}
