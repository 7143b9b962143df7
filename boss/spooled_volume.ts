/**
 * A level of a volume, read box by box in any order: each of its stored chunks is decoded once a machine.
 * @module
 */
import { type Box, boxSize, boxVolume, intersect } from "../core/box.ts";
import { type Dtype, viewBytes, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { cellBox, cellsOf, eachCell } from "../core/layout.ts";
import { mapPoint, type Point } from "../core/point.ts";
import { type ChunkedScale, readChunked } from "../plugins/chunked_array.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { Spool, SpoolReader, SpoolWriter } from "./spool.ts";

/** How a volume is read. */
export interface SpooledVolumeOptions {
  /** Says which voxels these are, with size and time of their file or as much as is known. */
  readonly name: string;
  /** What is read. */
  readonly scale: ChunkedScale;
  /** Voxels along x, y and z that are asked for at once, more or less. */
  readonly want: readonly [x: number, y: number, z: number];
  /** Where decoded voxels are kept. */
  readonly spool: Spool;
  /** Decodes. */
  readonly pool: WorkerPool;
  /** What to do about a broken chunk, for its error. */
  readonly wayOut?: string;
}

/** Bytes that are read at most for one that is wanted, so as to read the rows of a plane at once. */
const MOST_SPAN = 8;

/** One level of a volume. */
export class SpooledVolume {
  /** Type of its voxels. */
  readonly dtype: Dtype;
  /** Voxels along each axis. */
  readonly size: Point;
  /** Voxels that are decoded at once: whole stored chunks. */
  readonly cell: Point;
  readonly #options: SpooledVolumeOptions;

  /** Reads nothing yet. */
  constructor(options: SpooledVolumeOptions) {
    const { scale, want } = options;
    this.#options = options;
    this.dtype = scale.dtype;
    this.size = scale.size;
    this.cell = mapPoint(
      scale.chunk,
      (side, axis) => Math.ceil(([...want, 1, 1][axis]) / side) * side,
    );
  }

  /** Bytes of one cell: as much as a box needs of the spool at least. */
  get cellBytes(): number {
    const sides = mapPoint(this.cell, (side, axis) => Math.min(side, this.size[axis]));
    return sides.reduce((bytes, side) => bytes * side, VOXEL_BYTES[this.dtype]);
  }

  /**
   * Copies the voxels of a box; what lies beyond the volume stays as it is.
   * @param of In voxels of this level, whose first is 0.
   * @param into Covers `intoBox`, which holds `of`; order t, c, z, y, x with x fastest.
   * @throws {SluiceError} If a stored chunk is broken.
   */
  async read(of: Box, into: VoxelArray, intoBox: Box, signal: AbortSignal): Promise<void> {
    const inside = intersect(of, { min: [0, 0, 0, 0, 0], max: this.size });
    if (inside === undefined) return;
    const { name, spool } = this.#options;
    for (const index of eachCell(cellsOf(inside, this.cell))) {
      const cell = cellBox(index, this.cell, this.size);
      const wanted = intersect(cell, inside)!;
      const entry = {
        name: JSON.stringify(["volume", name, cell, this.dtype]),
        bytes: boxVolume(cell) * VOXEL_BYTES[this.dtype],
        signal,
        make: (file: SpoolWriter) => this.#decode(cell, file, signal),
      };
      await spool.use(entry, (file) => copyRows(file, cell, wanted, into, intoBox));
    }
  }

  async #decode(cell: Box, file: SpoolWriter, signal: AbortSignal): Promise<void> {
    const { scale, pool, wayOut = "mend or copy it again" } = this.#options;
    const slab = readChunked(scale, cell, { pool, signal, wayOut });
    for await (const { data, box } of slab.bands()) {
      const bytes = viewBytes(data);
      let at = 0;
      for (const run of runsOf(box, cell, VOXEL_BYTES[this.dtype])) {
        file.write(run.offset, bytes.subarray(at, at + run.length));
        at += run.length;
      }
    }
  }
}

/** Copies a box out of a cell. */
function copyRows(file: SpoolReader, cell: Box, of: Box, into: VoxelArray, intoBox: Box): void {
  const bytes = viewBytes(into);
  const from = [...rowsOf(of, cell, into.BYTES_PER_ELEMENT)];
  const to = [...rowsOf(of, intoBox, into.BYTES_PER_ELEMENT)];
  // The rows of a plane follow each other: a read costs as much as some thousand bytes more.
  const rows = of.max[1] - of.min[1];
  const { length } = to[0];
  const span = from[rows - 1].offset + length - from[0].offset;
  if (span > MOST_SPAN * rows * length) {
    for (const [i, { offset }] of to.entries()) {
      file.read(from[i].offset, bytes.subarray(offset, offset + length));
    }
    return;
  }
  const plane = new Uint8Array(span);
  for (let first = 0; first < to.length; first += rows) {
    file.read(from[first].offset, plane);
    for (let i = first; i < first + rows; i++) {
      const at = from[i].offset - from[first].offset;
      bytes.set(plane.subarray(at, at + length), to[i].offset);
    }
  }
}

/** Bytes that follow each other in an array. */
interface Run {
  readonly offset: number;
  readonly length: number;
}

/** The rows of a box in the array of another one that holds it. */
function* rowsOf(of: Box, outer: Box, voxelBytes: number): Generator<Run> {
  const [width, height, depth, channels] = boxSize(outer);
  const length = (of.max[0] - of.min[0]) * voxelBytes;
  for (let t = of.min[4]; t < of.max[4]; t++) {
    for (let c = of.min[3]; c < of.max[3]; c++) {
      for (let z = of.min[2]; z < of.max[2]; z++) {
        const plane = ((t - outer.min[4]) * channels + c - outer.min[3]) * depth + z - outer.min[2];
        for (let y = of.min[1]; y < of.max[1]; y++) {
          const row = plane * height + y - outer.min[1];
          yield { offset: (row * width + of.min[0] - outer.min[0]) * voxelBytes, length };
        }
      }
    }
  }
}

/** The rows of a band of whole rows, those of a plane together. */
function* runsOf(band: Box, cell: Box, voxelBytes: number): Generator<Run> {
  const rows = band.max[1] - band.min[1];
  let at = 0;
  for (const { offset, length } of rowsOf(band, cell, voxelBytes)) {
    if (at++ % rows === 0) yield { offset, length: length * rows };
  }
}
