/**
 * Chunks in a B-tree of version 2, of datasets that may grow along several axes: records in every node, sorted by the
 * chunks' positions; a checksum closes each block.
 */
import { compare } from "./_hdf5_btree1.ts";
import { Hdf5Fault } from "./_hdf5_cursor.ts";
import type { Hdf5File } from "./_hdf5_file.ts";
import { type FindChunk, type IndexOptions, readPlace } from "./_hdf5_place.ts";

const HEAD = "the head of the B-tree", NODE = "the B-tree node";
/** Kinds of trees: chunks without filters, and with. */
const PLAIN = 10, FILTERED = 11;
/** Before the records: signature, version, kind. With the checksum behind them it is the frame. */
const PREFIX_BYTES = 6, FRAME_BYTES = 10;
/** Far more than fit in a file. */
const MOST_DEPTH = 32;

interface Tree {
  readonly recordBytes: number;
  /** Of a record, those before the position of the chunk. */
  readonly placeBytes: number;
  /** Records that a node of each level can hold, the leaves first. */
  readonly mostRecords: readonly number[];
  /** How children are written in nodes of each level. */
  readonly pointers: readonly { readonly countBytes: number; readonly bytes: number }[];
  readonly depth: number;
  readonly root: number | undefined;
  /** Records of the root. */
  readonly records: number;
}

/** Opens such a tree. */
export function findInBtree2({ file, address, chunk, chunkBytes }: IndexOptions): FindChunk {
  return (cell) => {
    const tree = readHead(file, address, chunk.length);
    const { recordBytes, placeBytes } = tree;
    let [at, count, level] = [tree.root, tree.records, tree.depth];
    while (at !== undefined && count > 0) {
      if (count > tree.mostRecords[level]) {
        throw new Hdf5Fault(`${NODE} at byte ${at} cannot hold ${count} records`);
      }
      const pointer = tree.pointers[level];
      const recordsEnd = PREFIX_BYTES + count * recordBytes;
      const pointersBytes = level === 0 ? 0 : (count + 1) * pointer.bytes;
      const length = recordsEnd + pointersBytes + 4;
      const bytes = file.block(at, length, NODE, level === 0 ? "BTLF" : "BTIN");
      let [low, high] = [0, count];
      while (low < high) {
        const middle = (low + high) >> 1;
        const place = PREFIX_BYTES + middle * recordBytes;
        const cursor = file.cursor(bytes, NODE, place + placeBytes);
        const order = compare(chunk.map(() => cursor.uint(8)), cell);
        if (order === 0) return readPlace(file, bytes, place, placeBytes, chunkBytes);
        if (order < 0) low = middle + 1;
        else high = middle;
      }
      if (level === 0) return undefined;
      const cursor = file.cursor(bytes, NODE, recordsEnd + low * pointer.bytes);
      [at, count, level] = [cursor.address(), cursor.uint(pointer.countBytes), level - 1];
    }
    return undefined;
  };
}

function readHead(file: Hdf5File, address: number, rank: number): Tree {
  const { offsetBytes, lengthBytes } = file.superblock;
  const bytes = file.block(address, 22 + offsetBytes + lengthBytes, HEAD, "BTHD");
  const cursor = file.cursor(bytes, HEAD, 4);
  const [version, kind] = [cursor.u8(), cursor.u8()];
  const [nodeBytes, recordBytes, depth] = [cursor.u32(), cursor.u16(), cursor.u16()];
  cursor.skip(2);
  const [root, records] = [cursor.address(), cursor.u16()];
  const placeBytes = recordBytes - 8 * rank;
  const isPlain = kind === PLAIN && placeBytes === offsetBytes;
  const isFiltered = kind === FILTERED && placeBytes > offsetBytes + 4;
  if (version !== 0 || !(isPlain || isFiltered) || depth > MOST_DEPTH) {
    throw cursor.fault("makes no sense");
  }
  const mostRecords = [Math.floor((nodeBytes - FRAME_BYTES) / recordBytes)];
  const pointers = [{ countBytes: 0, bytes: 0 }];
  const countBytes = bytesFor(mostRecords[0]);
  for (let level = 1, below = mostRecords[0]; level <= depth; level++) {
    // All records below a child are counted, too, but where its own are all there are.
    const bytes = offsetBytes + countBytes + (level > 1 ? bytesFor(below) : 0);
    const most = Math.floor((nodeBytes - FRAME_BYTES - bytes) / (recordBytes + bytes));
    pointers.push({ countBytes, bytes });
    mostRecords.push(most);
    below = (most + 1) * below + most;
  }
  return { recordBytes, placeBytes, mostRecords, pointers, depth, root, records };
}

/** Bytes that a number needs. */
function bytesFor(most: number): number {
  let bytes = 1;
  while (most >= 256 ** bytes && bytes < 8) bytes++;
  return bytes;
}
