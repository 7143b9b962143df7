/** One stored chunk: whether it is there, and how its bytes are had. */
import { mostPacked } from "../codecs/_unpack.ts";
import { ChunkError } from "../codecs/chunk_error.ts";
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";
import { type Point, product } from "../core/point.ts";
import { type ArrayDocument, nameIn } from "./_array_documents.ts";
import type { ChunkPlace } from "./chunked_array.ts";
import type { ArrayReader } from "./volume_array.ts";

/** A chunk that is read in one piece may hold this many bytes of voxels. */
const MOST_CHUNK_BYTES = 2 ** 31;

/** Stops at chunks too large to be had in one piece. */
export function checkChunk(document: ArrayDocument, chunk: Point, dtype: Dtype): void {
  const bytes = product(chunk) * VOXEL_BYTES[dtype];
  if (bytes > MOST_CHUNK_BYTES) {
    document.fail(
      `one of its chunks holds ${bytes} bytes, more than 2 GiB`,
      "write it again in smaller ones",
    );
  }
}

/** What one chunk may be. */
export interface StoredChunk {
  readonly key: string;
  /** Where in the blob, if it is a part of one: then it must be there. */
  readonly range?: readonly [first: number, end: number];
  /** Bytes of its voxels: what is stored is hardly more. */
  readonly byteCount: number;
}

/** Where a chunk is, if it is stored at all. */
export function findChunk(
  reader: ArrayReader,
  { key, range, byteCount }: StoredChunk,
): ChunkPlace {
  const name = nameIn(reader, key);
  const most = mostPacked(byteCount) * 2;
  const tooLarge = (length: number) =>
    brokenPlace(
      name,
      new ChunkError(`it has ${length} bytes where at most ${most} make sense`, "size"),
    );
  if (range !== undefined) {
    const length = range[1] - range[0];
    if (length > most) return tooLarge(length);
    if (reader.localPath !== undefined) return { name, range };
    return { name, range, fetch: (signal) => fetchPart(reader, key, range, signal) };
  }
  if (reader.localPath !== undefined) return { name, orNames: [], mostBytes: most };
  return {
    name,
    fetch: async (signal) => {
      const bytes = await reader.get(key, { range: [0, most + 1], signal });
      if (bytes === undefined || bytes.length <= most) return bytes;
      throw new ChunkError(`it has more bytes than the ${most} that make sense`, "size");
    },
  };
}

/** A chunk whose place is known to be broken: it fails when it is read, and costs what a broken chunk costs. */
export function brokenPlace(name: string, error: ChunkError): ChunkPlace {
  return { name, fetch: () => Promise.reject(error) };
}

async function fetchPart(
  reader: ArrayReader,
  key: string,
  range: readonly [number, number],
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = await reader.get(key, { range, signal });
  const [first, end] = range;
  if (bytes?.length === end - first) return bytes;
  throw new ChunkError(
    bytes === undefined
      ? "it is gone, though its index was there"
      : `it is cut short: it ends after ${bytes.length} of ${end - first} bytes`,
    "corrupt",
  );
}
