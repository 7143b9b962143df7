/**
 * Chunks in an extensible array, of datasets that may grow along one axis: the first elements in the index block, the
 * next in data blocks it names, those after them in data blocks that super blocks name, twice as many in each.
 */
import type { Hdf5Cursor } from "./_hdf5_cursor.ts";
import { isElement, isSet } from "./_hdf5_fixed_array.ts";
import type { Hdf5File } from "./_hdf5_file.ts";
import { type FindChunk, type IndexOptions, positionOf, readPlace } from "./_hdf5_place.ts";

const HEAD = "the head of the extensible array", INDEX = "the index block";
const SUPER = "the super block", DATA = "the data block", PAGE = "the page";

/** What the head of an array says. */
interface Head {
  readonly elementBytes: number;
  /** Bytes of a position in the array. */
  readonly positionBytes: number;
  /** Elements in the index block. */
  readonly first: number;
  /** Elements of the smallest data block. */
  readonly least: number;
  /** Super blocks whose data blocks the index block names itself; and those it names. */
  readonly own: number;
  readonly named: number;
  /** Data blocks that the index block names. */
  readonly dataBlocks: number;
  /** Elements of a page; data blocks with more have pages. */
  readonly pageElements: number;
  readonly index: number | undefined;
}

/** Where an element is: so many elements into this data block. */
interface Found {
  readonly block: number;
  /** Elements of the block. */
  readonly elements: number;
  readonly offset: number;
  /** Whether a page of it was ever written. */
  readonly hasPage: (page: number) => boolean;
}

/** Opens such an array. */
export function findInExtensibleArray(options: IndexOptions): FindChunk {
  const { file, address, chunkBytes, mostCells } = options;
  // The axis without limit is taken for the slowest.
  const grows = Math.max(0, mostCells.indexOf(Infinity));
  const turn = (of: readonly number[]) => [of[grows], ...of.filter((_, axis) => axis !== grows)];
  const counts = turn(mostCells);
  return (cell) => {
    const head = readHead(file, address);
    if (head.index === undefined) return undefined;
    const { elementBytes, first, pageElements, positionBytes } = head;
    const position = positionOf(turn(cell), counts);
    const index = readIndex(file, head, head.index);
    if (position < first) {
      return readPlace(
        file,
        index.bytes,
        index.at + position * elementBytes,
        elementBytes,
        chunkBytes,
      );
    }
    const found = findBlock(file, head, index, position - first);
    if (found === undefined) return undefined;
    const { block, elements, offset } = found;
    const prefixBytes = 6 + file.superblock.offsetBytes + positionBytes;
    if (elements <= pageElements) {
      const bytes = file.block(block, prefixBytes + elements * elementBytes + 4, DATA, "EADB");
      return readPlace(file, bytes, prefixBytes + offset * elementBytes, elementBytes, chunkBytes);
    }
    const page = Math.floor(offset / pageElements);
    if (!found.hasPage(page)) return undefined;
    const pageBytes = pageElements * elementBytes + 4;
    const bytes = file.block(block + prefixBytes + 4 + page * pageBytes, pageBytes, PAGE);
    return readPlace(file, bytes, (offset % pageElements) * elementBytes, elementBytes, chunkBytes);
  };
}

function readHead(file: Hdf5File, address: number): Head {
  const { offsetBytes, lengthBytes } = file.superblock;
  const bytes = file.block(address, 16 + 6 * lengthBytes + offsetBytes, HEAD, "EAHD");
  const cursor = file.cursor(bytes, HEAD, 4);
  const [version, client, elementBytes, bits] = [
    cursor.u8(),
    cursor.u8(),
    cursor.u8(),
    cursor.u8(),
  ];
  const [first, least, leastPointers, pageBits] = [
    cursor.u8(),
    cursor.u8(),
    cursor.u8(),
    cursor.u8(),
  ];
  cursor.skip(6 * lengthBytes);
  const index = cursor.address();
  const supers = 1 + bits - Math.log2(least);
  const own = 2 * Math.log2(leastPointers);
  if (
    version !== 0 || !isElement(client, elementBytes, offsetBytes) || bits > 64 || pageBits > 31 ||
    !Number.isInteger(supers) || !Number.isInteger(own) || own > supers
  ) throw cursor.fault("makes no sense");
  return {
    elementBytes,
    positionBytes: Math.ceil(bits / 8),
    first,
    least,
    own,
    named: supers - own,
    dataBlocks: 2 * (leastPointers - 1),
    pageElements: 2 ** pageBits,
    index,
  };
}

/** The index block, at its elements. */
function readIndex(file: Hdf5File, head: Head, address: number): Hdf5Cursor {
  const { offsetBytes } = file.superblock;
  const pointers = head.dataBlocks + head.named;
  const length = 6 + offsetBytes + head.first * head.elementBytes + pointers * offsetBytes + 4;
  return file.cursor(file.block(address, length, INDEX, "EAIB"), INDEX, 6 + offsetBytes);
}

/** @param rest Elements before it, those of the index block not counted. */
function findBlock(file: Hdf5File, head: Head, index: Hdf5Cursor, rest: number): Found | undefined {
  const { offsetBytes } = file.superblock;
  const { least, own, pageElements } = head;
  let level = 0;
  while (least * (2 ** (level + 1) - 1) <= rest) level++;
  if (level >= own + head.named) return undefined;
  const elements = least * 2 ** Math.ceil(level / 2);
  const blocks = 2 ** Math.floor(level / 2);
  const inLevel = rest - least * (2 ** level - 1);
  const [number, offset] = [Math.floor(inLevel / elements), inLevel % elements];
  index.skip(head.first * head.elementBytes);
  if (level < own) {
    let before = 0;
    for (let i = 0; i < level; i++) before += 2 ** Math.floor(i / 2);
    index.skip((before + number) * offsetBytes);
    const block = index.address();
    // These are never so large that they have pages.
    return block === undefined ? undefined : { block, elements, offset, hasPage: () => true };
  }
  index.skip((head.dataBlocks + level - own) * offsetBytes);
  const address = index.address();
  if (address === undefined) return undefined;
  const pages = elements > pageElements ? elements / pageElements : 0;
  const mapAt = 6 + offsetBytes + head.positionBytes;
  const mapBytes = blocks * Math.ceil(pages / 8);
  const length = mapAt + mapBytes + blocks * offsetBytes + 4;
  const bytes = file.block(address, length, SUPER, "EASB");
  const block = file.cursor(bytes, SUPER, mapAt + mapBytes + number * offsetBytes).address();
  if (block === undefined) return undefined;
  const map = bytes.subarray(mapAt, mapAt + mapBytes);
  return { block, elements, offset, hasPage: (page) => isSet(map, number * pages + page) };
}
