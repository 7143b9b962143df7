/** The layout message of an HDF5 dataset: where its voxels are, or the index that knows. */
import { type Hdf5Cursor, Hdf5Fault, REPACK } from "./_hdf5_cursor.ts";
import type { Hdf5File } from "./_hdf5_file.ts";
import type { Hdf5Message } from "./_hdf5_header.ts";

/** How the voxels of a dataset are stored. Axes run from the slowest to the fastest. */
export type Hdf5Layout =
  | {
    /** All in one piece. */
    readonly kind: "contiguous" | "compact";
    /** Where; undefined: nothing is stored. */
    readonly address: number | undefined;
  }
  | {
    /** In chunks of equal size, those at the edges included. */
    readonly kind: "chunked";
    readonly chunk: readonly number[];
    readonly index: Hdf5Index;
    /** Whether chunks that reach beyond the extent went through no filter. */
    readonly plainEdges: boolean;
  };

/** What knows where chunks are. */
export type Hdf5Index =
  & {
    /** Where it is; undefined: nothing is stored. */
    readonly address: number | undefined;
  }
  & (
    | { readonly kind: "B-tree 1" | "implicit" | "fixed array" | "extensible array" | "B-tree 2" }
    | {
      readonly kind: "single";
      /** Bytes and skipped filters of the chunk, where it has filters. */
      readonly filtered?: { readonly bytes: number; readonly skipped: number };
    }
  );

const COMPACT = 0, CONTIGUOUS = 1, CHUNKED = 2, VIRTUAL = 3;
/** Flags of chunks. */
const PLAIN_EDGES = 1, SINGLE_FILTERED = 2;
/** Chunks are decoded whole, and no buffer is larger. */
const MOST_CHUNK_BYTES = 2 ** 31 - 1;

/** Reads a layout message. @throws {Hdf5Fault} If it does not fit the dataset, or its voxels cannot be read. */
export function readLayout(
  file: Hdf5File,
  { bytes, at }: Hdf5Message,
  shape: readonly number[],
  voxelBytes: number,
): Hdf5Layout {
  const cursor = file.cursor(bytes, "the layout");
  const version = cursor.u8();
  if (!(version >= 1 && version <= 5)) {
    throw new Hdf5Fault(`its layout has version ${version}, and 1 to 5 are read`, REPACK);
  }
  const rank = version < 3 ? cursor.u8() : 0;
  const kind = cursor.u8();
  if (version < 3) cursor.skip(5);
  const wanted = shape.reduce((product, length) => product * length, voxelBytes);
  switch (kind) {
    case COMPACT: {
      if (version < 3) cursor.skip(4 * rank);
      const length = version < 3 ? cursor.u32() : cursor.u16();
      if (length !== 0 && length !== wanted) throw wrongSize(cursor, length, wanted);
      return { kind: "compact", address: length === 0 ? undefined : at + cursor.at };
    }
    case CONTIGUOUS: {
      const address = cursor.address();
      if (address === undefined) return { kind: "contiguous", address };
      const length = version < 3 ? wanted : cursor.length();
      if (length !== wanted) throw wrongSize(cursor, length, wanted);
      if (!(address + wanted <= file.end)) {
        throw new Hdf5Fault(
          `its voxels lie at bytes ${address} to ${address + wanted}, and the file ends before`,
          "copy it again",
        );
      }
      return { kind: "contiguous", address };
    }
    case CHUNKED: {
      const { sides, ...rest } = version < 4
        ? readOldChunks(cursor, version < 3 ? rank : undefined)
        : readChunks(cursor);
      checkChunk(cursor, sides, shape, voxelBytes);
      return { kind: "chunked", chunk: sides.slice(0, -1), ...rest };
    }
    case VIRTUAL:
      throw new Hdf5Fault("it is virtual: its voxels lie in other datasets", "name one of those");
    default:
      throw cursor.fault(`has class ${kind}`);
  }
}

/** Chunks of versions 1 to 3: the index is a B-tree of version 1. */
function readOldChunks(cursor: Hdf5Cursor, rank: number | undefined) {
  const axes = rank ?? cursor.u8();
  const address = cursor.address();
  const sides = Array.from({ length: axes }, () => cursor.u32());
  return { sides, index: { kind: "B-tree 1", address } as const, plainEdges: false };
}

function readChunks(cursor: Hdf5Cursor) {
  const flags = cursor.u8();
  const axes = cursor.u8();
  const sideBytes = cursor.u8();
  if (!(sideBytes >= 1 && sideBytes <= 8)) throw cursor.fault(`has numbers of ${sideBytes} bytes`);
  const sides = Array.from({ length: axes }, () => cursor.uint(sideBytes));
  return { sides, index: readIndex(cursor, flags), plainEdges: (flags & PLAIN_EDGES) !== 0 };
}

/** What the index is told here it also says itself, but for the single chunk. */
function readIndex(cursor: Hdf5Cursor, flags: number): Hdf5Index {
  const kind = cursor.u8();
  switch (kind) {
    case 1: {
      if (!(flags & SINGLE_FILTERED)) return { kind: "single", address: cursor.address() };
      const filtered = { bytes: cursor.length(), skipped: cursor.u32() };
      return { kind: "single", filtered, address: cursor.address() };
    }
    case 2:
      return { kind: "implicit", address: cursor.address() };
    case 3:
      cursor.skip(1);
      return { kind: "fixed array", address: cursor.address() };
    case 4:
      cursor.skip(5);
      return { kind: "extensible array", address: cursor.address() };
    case 5:
      cursor.skip(6);
      return { kind: "B-tree 2", address: cursor.address() };
    default:
      throw new Hdf5Fault(`its chunks are found by an index of kind ${kind}`, REPACK);
  }
}

/** The last side of a chunk is the bytes of a voxel. */
function checkChunk(
  cursor: Hdf5Cursor,
  sides: readonly number[],
  shape: readonly number[],
  voxelBytes: number,
): void {
  if (sides.length !== shape.length + 1 || sides.at(-1) !== voxelBytes || sides.includes(0)) {
    throw cursor.fault(`has chunks of ${sides.join(" x ")} that do not fit the dataset`);
  }
  const bytes = sides.reduce((product, side) => product * side);
  if (bytes > MOST_CHUNK_BYTES) {
    throw new Hdf5Fault(
      `its chunks have ${bytes} bytes, and 2 GiB are the most`,
      "rewrite it with smaller ones: `h5repack -l CHUNK=…`",
    );
  }
}

function wrongSize(cursor: Hdf5Cursor, found: number, expected: number): Hdf5Fault {
  return cursor.fault(`has ${found} bytes, and the dataset needs ${expected}`);
}
