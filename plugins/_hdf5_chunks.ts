/** The chunks of an HDF5 dataset, as every volume in chunks has them. */
import { AXES, type Axis, mapPoint, type Point } from "../core/point.ts";
import type { Hdf5Dataset } from "./_hdf5_dataset.ts";
import type { Hdf5File } from "./_hdf5_file.ts";
import { checkPlace, openIndex } from "./_hdf5_index.ts";
import { packingsOf } from "./_hdf5_packings.ts";
import type { ChunkedScale, ChunkPlace } from "./chunked_array.ts";

/** Position of a chunk along the axes of the dataset, and where its bytes are. */
type Find = (cell: readonly number[]) => ChunkPlace | undefined;

/** A dataset whose voxels lie in one piece is read in parts of about so many bytes. */
const PART_BYTES = 1 << 20;
/** And of so many rows at most: bands are as high, or higher by whole numbers. */
const PART_ROWS = 64;

/**
 * Opens the chunks of a dataset.
 * @param axes What its axes are, slowest first.
 * @param name Gives an error the name of the file.
 * @throws {Hdf5Fault} If its chunks went through a filter that is not read.
 */
export function openChunks(
  file: Hdf5File,
  dataset: Hdf5Dataset,
  axes: readonly Axis[],
  name: (error: unknown) => unknown,
): ChunkedScale {
  const { shape, type, fill, layout } = dataset;
  const toPoint = (numbers: readonly number[]) =>
    mapPoint([0, 0, 0, 0, 0], (_, axis) => numbers[axes.indexOf(AXES[axis])] ?? 1);
  const { chunk, find, ...rest } = layout.kind === "chunked"
    ? storedChunks(file, dataset, layout)
    : partsOf(file, dataset, layout.address, axes);
  const order = axes.toReversed().map((axis) => AXES.indexOf(axis));
  const { dtype, bigEndian } = type;
  return {
    size: toPoint(shape),
    chunk: toPoint(chunk),
    dtype,
    fill,
    ...("packings" in rest
      ? { decoding: { format: "hdf5", order, bigEndian, packings: rest.packings } }
      : { decoding: { format: "raw", order, bigEndian }, isCut: true }),
    locate: (index: Point) => {
      try {
        return find(axes.map((axis) => index[AXES.indexOf(axis)]));
      } catch (error) {
        throw name(error);
      }
    },
  };
}

function placeOf(file: Hdf5File, address: number, bytes: number): ChunkPlace {
  const first = file.superblock.base + address;
  return { name: file.path, range: [first, first + bytes] };
}

/** Chunks that an index finds. */
function storedChunks(
  file: Hdf5File,
  dataset: Hdf5Dataset,
  layout: Hdf5Dataset["layout"] & { readonly kind: "chunked" },
) {
  const { type, filters } = dataset;
  const packings = packingsOf(filters, type.size);
  const chunkBytes = layout.chunk.reduce((product, side) => product * side, type.size);
  const findStored = openIndex(file, dataset, layout);
  const find: Find = (cell) => {
    const found = findStored(cell);
    if (found === undefined) return undefined;
    checkPlace(file, found, chunkBytes, filters.length);
    const { address, bytes, skipped } = found;
    const place = placeOf(file, address, bytes);
    return skipped === 0 ? place : { ...place, skipped };
  };
  return { chunk: layout.chunk, packings, find };
}

/** Parts of a dataset that lies in one piece: some rows, or whatever is next to each other. */
function partsOf(
  file: Hdf5File,
  { shape, type }: Hdf5Dataset,
  address: number | undefined,
  axes: readonly Axis[],
) {
  const chunk = shape.map(() => 1);
  for (let axis = shape.length - 1, left = PART_BYTES / type.size; axis >= 0; axis--) {
    const most = axes[axis] === "y" ? Math.min(left, PART_ROWS) : left;
    chunk[axis] = shape[axis] <= most ? shape[axis] : 2 ** Math.floor(Math.log2(most));
    if (chunk[axis] < shape[axis]) break;
    left = Math.max(1, Math.floor(left / shape[axis]));
  }
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, type.size));
  const find: Find = (cell) => {
    if (address === undefined) return undefined;
    const first = cell.map((index, axis) => index * chunk[axis]);
    const at = first.reduce((sum, value, axis) => sum + value * steps[axis], address);
    const bytes = first.reduce(
      (product, value, axis) => product * Math.min(chunk[axis], shape[axis] - value),
      type.size,
    );
    return placeOf(file, at, bytes);
  };
  return { chunk, find };
}
