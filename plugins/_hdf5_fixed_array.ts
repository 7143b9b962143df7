/**
 * Chunks in a fixed array, of datasets that cannot grow without limit: an element for every chunk there may be, in one
 * block, or in pages behind it where there are many.
 */
import type { Hdf5File } from "./_hdf5_file.ts";
import { type FindChunk, type IndexOptions, positionOf, readPlace } from "./_hdf5_place.ts";

const HEAD = "the head of the fixed array", BLOCK = "the fixed array", PAGE = "the page";

/** Opens such an array. */
export function findInFixedArray(options: IndexOptions): FindChunk {
  const { file, address, chunkBytes, mostCells } = options;
  const { offsetBytes } = file.superblock;
  return (cell) => {
    const { elementBytes, pageElements, elements, block } = readHead(file, address);
    const position = positionOf(cell, mostCells);
    if (block === undefined || position >= elements) return undefined;
    const prefixBytes = 6 + offsetBytes;
    const find = (bytes: Uint8Array, at: number) =>
      readPlace(file, bytes, at, elementBytes, chunkBytes);
    if (elements <= pageElements) {
      const bytes = file.block(block, prefixBytes + elements * elementBytes + 4, BLOCK, "FADB");
      return find(bytes, prefixBytes + position * elementBytes);
    }
    const pages = Math.ceil(elements / pageElements);
    const mapBytes = Math.ceil(pages / 8);
    const bytes = file.block(block, prefixBytes + mapBytes + 4, BLOCK, "FADB");
    const page = Math.floor(position / pageElements);
    if (!isSet(bytes.subarray(prefixBytes), page)) return undefined;
    const here = Math.min(pageElements, elements - page * pageElements);
    const pagesAt = block + prefixBytes + mapBytes + 4;
    const pageAt = pagesAt + page * (pageElements * elementBytes + 4);
    return find(
      file.block(pageAt, here * elementBytes + 4, PAGE),
      (position % pageElements) * elementBytes,
    );
  };
}

function readHead(file: Hdf5File, address: number) {
  const { offsetBytes, lengthBytes } = file.superblock;
  const bytes = file.block(address, 12 + lengthBytes + offsetBytes, HEAD, "FAHD");
  const cursor = file.cursor(bytes, HEAD, 4);
  const [version, client, elementBytes, pageBits] = [
    cursor.u8(),
    cursor.u8(),
    cursor.u8(),
    cursor.u8(),
  ];
  const [elements, block] = [cursor.length(), cursor.address()];
  if (version !== 0 || !isElement(client, elementBytes, offsetBytes) || pageBits > 31) {
    throw cursor.fault("makes no sense");
  }
  return { elementBytes, pageElements: 2 ** pageBits, elements, block };
}

/** Whether elements of an array can have this length: an address, or with bytes and skipped filters. */
export function isElement(client: number, elementBytes: number, offsetBytes: number): boolean {
  return client === 0
    ? elementBytes === offsetBytes
    : client === 1 && elementBytes > offsetBytes + 4 && elementBytes <= offsetBytes + 12;
}

/** Whether a bit is set; the first is the highest of the first byte. */
export function isSet(bytes: Uint8Array, bit: number): boolean {
  return (bytes[bit >> 3] & 0x80 >> (bit & 7)) !== 0;
}
