/**
 * Chunks in a B-tree of version 1, of files of every age: nodes with two children and more, whose keys hold a chunk's
 * first voxel, its bytes and the filters it skipped. There is no checksum, so all that can be checked is.
 */
import { Hdf5Fault } from "./_hdf5_cursor.ts";
import { checkSignature } from "./_hdf5_file.ts";
import type { FindChunk, IndexOptions } from "./_hdf5_place.ts";

const WHAT = "the B-tree node";
/** Children of a node as most files have them: read at once. */
const USUAL_CHILDREN = 64;

interface Node {
  readonly bytes: Uint8Array;
  readonly children: number;
  readonly level: number;
}

/** Where a child's chunks must lie: from this one on, up to that one. */
interface Bounds {
  readonly level: number;
  readonly first: readonly number[];
  readonly end: readonly number[];
}

/** Opens such a tree. */
export function findInBtree1({ file, address: root, chunk }: IndexOptions): FindChunk {
  const { offsetBytes } = file.superblock;
  const keyBytes = 8 + 8 * (chunk.length + 1);
  const entryBytes = keyBytes + offsetBytes;
  const headBytes = 8 + 2 * offsetBytes;
  const lengthOf = (children: number) => headBytes + children * entryBytes + keyBytes;

  /** Position in the grid of the chunk that a key holds. */
  const keyOf = (bytes: Uint8Array, index: number): readonly number[] => {
    const cursor = file.cursor(bytes, WHAT, headBytes + index * entryBytes + 8);
    const cell = chunk.map((side) => cursor.uint(8) / side);
    if (!cell.every(Number.isInteger)) {
      throw cursor.fault("has a key that is no chunk's first voxel");
    }
    return cell;
  };

  const load = (address: number, bounds?: Bounds): Node => {
    const bytes = file.keep(address, () => {
      const least = file.read(address, lengthOf(USUAL_CHILDREN), WHAT, headBytes);
      checkSignature(least, "TREE", WHAT, address);
      const children = least[6] | least[7] << 8;
      const bytes = lengthOf(children) <= least.length
        ? least
        : file.read(address, lengthOf(children), WHAT);
      if (least[4] !== 1 || children === 0) {
        throw new Hdf5Fault(`${WHAT} at byte ${address} holds no chunks`);
      }
      for (let i = 0; i < children; i++) {
        const order = compare(keyOf(bytes, i), keyOf(bytes, i + 1));
        if (order > 0 || (order === 0 && i + 1 < children)) {
          throw new Hdf5Fault(`the keys of ${WHAT} at byte ${address} are in no order`);
        }
      }
      return bytes.slice(0, lengthOf(children));
    });
    const node = { bytes, level: bytes[5], children: bytes[6] | bytes[7] << 8 };
    if (
      bounds !== undefined &&
      (node.level !== bounds.level - 1 || compare(keyOf(bytes, 0), bounds.first) < 0 ||
        compare(keyOf(bytes, node.children - 1), bounds.end) >= 0)
    ) throw new Hdf5Fault(`${WHAT} at byte ${address} is not the one that was looked for`);
    return node;
  };

  return (cell) => {
    for (let at = root, bounds: Bounds | undefined;;) {
      const { bytes, level, children } = load(at, bounds);
      let [low, high] = [0, children];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compare(keyOf(bytes, middle), cell) <= 0) low = middle + 1;
        else high = middle;
      }
      if (low === 0) return undefined;
      const index = low - 1;
      const first = keyOf(bytes, index);
      const cursor = file.cursor(bytes, WHAT, headBytes + index * entryBytes);
      const [size, skipped] = [cursor.u32(), cursor.u32()];
      cursor.skip(keyBytes - 8);
      const address = cursor.address();
      if (address === undefined) throw cursor.fault("has a child nowhere");
      if (level === 0) {
        return compare(first, cell) === 0 ? { address, bytes: size, skipped } : undefined;
      }
      [at, bounds] = [address, { level, first, end: keyOf(bytes, index + 1) }];
    }
  };
}

/** Which of two positions comes first, the first axis before all others. */
export function compare(a: readonly number[], b: readonly number[]): number {
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return a[axis] - b[axis];
  return 0;
}
