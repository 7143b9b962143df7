/** Where the chunks of an HDF5 dataset are. */
import { Hdf5Fault } from "./_hdf5_cursor.ts";
import type { Hdf5Dataset } from "./_hdf5_dataset.ts";
import type { Hdf5File } from "./_hdf5_file.ts";
import { findInBtree1 } from "./_hdf5_btree1.ts";
import { findInBtree2 } from "./_hdf5_btree2.ts";
import { findInExtensibleArray } from "./_hdf5_extensible_array.ts";
import { findInFixedArray } from "./_hdf5_fixed_array.ts";
import type { Hdf5Index, Hdf5Layout } from "./_hdf5_layout.ts";
import { type FindChunk, type IndexOptions, positionOf } from "./_hdf5_place.ts";

/**
 * Opens the index of a dataset in chunks. Its blocks are read when they are needed and some of them kept, so it takes
 * the same memory however many chunks there are.
 */
export function openIndex(
  file: Hdf5File,
  dataset: Hdf5Dataset,
  { index, chunk, plainEdges }: Hdf5Layout & { readonly kind: "chunked" },
): FindChunk {
  const { shape, maxShape, type, filters } = dataset;
  const { address } = index;
  if (address === undefined) return () => undefined;
  const find = open(index, {
    file,
    address,
    chunk,
    chunkBytes: chunk.reduce((product, side) => product * side, type.size),
    mostCells: maxShape.map((length, axis) => Math.ceil(length / chunk[axis])),
  });
  const all = 2 ** filters.length - 1;
  return (cell) => {
    const found = find(cell);
    if (found === undefined || !plainEdges) return found;
    const isWhole = cell.every((index, axis) => (index + 1) * chunk[axis] <= shape[axis]);
    return isWhole ? found : { ...found, skipped: all };
  };
}

function open(index: Hdf5Index, options: IndexOptions): FindChunk {
  const { address, chunkBytes, mostCells } = options;
  switch (index.kind) {
    case "single": {
      const { filtered = { bytes: chunkBytes, skipped: 0 } } = index;
      return () => ({ address, ...filtered });
    }
    case "implicit":
      return (cell) => ({
        address: address + positionOf(cell, mostCells) * chunkBytes,
        bytes: chunkBytes,
        skipped: 0,
      });
    case "B-tree 1":
      return findInBtree1(options);
    case "B-tree 2":
      return findInBtree2(options);
    case "fixed array":
      return findInFixedArray(options);
    case "extensible array":
      return findInExtensibleArray(options);
    default:
      return index satisfies never;
  }
}

/**
 * Refuses places that cannot be: outside the file, or longer than what filters make of a chunk.
 * @throws {Hdf5Fault} If it cannot be.
 */
export function checkPlace(
  file: Hdf5File,
  { address, bytes, skipped }: NonNullable<ReturnType<FindChunk>>,
  chunkBytes: number,
  filters: number,
): void {
  const isPlain = (skipped & 2 ** filters - 1) === 2 ** filters - 1;
  // No filter makes noise longer than by an eighth.
  const fits = isPlain ? bytes === chunkBytes : bytes > 0 && bytes <= chunkBytes * 1.125 + 4096;
  if (!fits || !(address + bytes <= file.end)) {
    throw new Hdf5Fault(
      `its index says that a chunk of ${chunkBytes} bytes lies in bytes ${address} to ${
        address + bytes
      }, which cannot be`,
    );
  }
}
