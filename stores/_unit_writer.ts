/** One shard on local disk: written under a temporary name, visible when whole. */
import { crc32 } from "node:zlib";
import { dirname } from "node:path";
import { type ChunkPlace, encodeIndex } from "../codecs/shard_index.ts";
import { viewBytes } from "../core/dtype.ts";
import { isNotFound, SluiceError } from "../core/errors.ts";
import { cellsOf, eachCell, type Layout, type Unit, unitBox, unitName } from "../core/layout.ts";
import { mapPoint, type Point, product, ravel } from "../core/point.ts";
import type { UnitReceipt } from "../core/receipt.ts";
import type { EncodedChunk, UnitWriter } from "./store.ts";

/** Where a unit is written. */
export interface UnitFiles {
  /** Name of the shard once it is whole. */
  readonly path: string;
  /** A name no other writer uses, on the same file system. It vanishes when the volume is replaced: that is the fence. */
  readonly temporary: string;
}

/** How the chunks of a unit lie in its file. */
export interface UnitShape {
  /** Chunks along each axis of a whole shard. */
  readonly grid: Point;
  /** Positions in that grid of the chunks that hold voxels of the volume, x fastest. */
  readonly present: readonly number[];
  /** The same in the order they are stored: y, z, x with x fastest, as bands bring them. */
  readonly stored: readonly number[];
  /** First chunk of the unit in the grid of its scale. */
  readonly first: Point;
}

/** How the chunks of a unit lie in its file. */
export function unitShape(layout: Layout, unit: Unit): UnitShape {
  const { chunk, shard } = layout.scales[unit.scale];
  const grid = mapPoint(shard, (size, axis) => size / chunk[axis]);
  const first = mapPoint(unit.index, (value, axis) => value * grid[axis]);
  const cells = [...eachCell(cellsOf(unitBox(layout, unit), chunk))]
    .map((cell) => mapPoint(cell, (value, axis) => value - first[axis]));
  const position = (cell: Point) => ravel(cell, grid);
  const stored = [...cells].sort((a, b) =>
    a[4] - b[4] || a[3] - b[3] || a[1] - b[1] || a[2] - b[2] || a[0] - b[0]
  );
  return { grid, first, present: cells.map(position), stored: stored.map(position) };
}

/** Writes a shard, or a file of one chunk, chunk by chunk. */
export class FileUnitWriter implements UnitWriter {
  readonly chunks: number;
  readonly #unit: Unit;
  readonly #files: UnitFiles;
  readonly #shape: UnitShape;
  readonly #withIndex: boolean;
  readonly #places: ChunkPlace[];
  readonly #crcs: Uint32Array;
  readonly #rank: Map<number, number>;
  readonly #waiting = new Map<number, EncodedChunk>();
  #next = 0;
  #file: Deno.FsFile | undefined;
  #isOpen = true;
  /** Whether a file lies under the temporary name. */
  #isTemporary = false;
  #bytes = 0;
  #crc = 0;
  #min: number | string | undefined;
  #max: number | string | undefined;

  constructor(layout: Layout, unit: Unit, files: UnitFiles, withIndex: boolean) {
    this.#unit = unit;
    this.#files = files;
    this.#shape = unitShape(layout, unit);
    this.#withIndex = withIndex;
    this.chunks = this.#shape.present.length;
    this.#places = new Array(product(this.#shape.grid)).fill(undefined);
    this.#crcs = new Uint32Array(this.chunks);
    this.#rank = new Map(this.#shape.present.map((position, i) => [position, i]));
  }

  put(index: Point, chunk: EncodedChunk): void {
    const { first, grid } = this.#shape;
    const cell = mapPoint(index, (value, axis) => value - first[axis]);
    const position = ravel(cell, grid);
    if (
      cell.some((value, axis) => value < 0 || value >= grid[axis]) || !this.#rank.has(position)
    ) {
      throw new RangeError(
        `Cannot put chunk [${index}] into unit ${unitName(this.#unit)}: it lies outside`,
      );
    }
    this.#waiting.set(position, chunk);
    const { stored } = this.#shape;
    for (let ready; (ready = this.#waiting.get(stored[this.#next])) !== undefined; this.#next++) {
      this.#waiting.delete(stored[this.#next]);
      this.#append(stored[this.#next], ready);
    }
  }

  #append(position: number, { bytes, crc, min, max }: EncodedChunk): void {
    this.#crcs[this.#rank.get(position)!] = crc;
    // A chunk of nothing but NaN has NaN for both, which any number outdoes.
    this.#min = isUnknown(this.#min) || isLess(min, this.#min) ? min : this.#min;
    this.#max = isUnknown(this.#max) || isLess(this.#max, max) ? max : this.#max;
    if (bytes === undefined) return;
    this.#places[position] = { offset: this.#bytes, length: bytes.length };
    this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    this.#file ??= this.#whileCurrent(() =>
      Deno.openSync(this.#files.temporary, { write: true, createNew: true })
    );
    this.#isTemporary = true;
    for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
    this.#crc = crc32(bytes, this.#crc);
    this.#bytes += bytes.length;
  }

  async commit(guard: () => void | Promise<void> = () => {}): Promise<UnitReceipt> {
    if (!this.#isOpen) {
      throw new SluiceError(
        `Cannot commit unit ${unitName(this.#unit)}: it was committed or disposed before`,
      );
    }
    if (this.#next < this.chunks) {
      throw new SluiceError(
        `Cannot commit unit ${unitName(this.#unit)}: ${
          this.chunks - this.#next
        } of its ${this.chunks} chunks were not put`,
      );
    }
    this.#isOpen = false;
    const { path, temporary } = this.#files;
    if (this.#file !== undefined) {
      if (this.#withIndex) this.#write(encodeIndex(this.#places));
      await this.#file.syncData();
      this.#file.close();
      this.#file = undefined;
      await guard();
      this.#whileCurrent(() => {
        try {
          Deno.renameSync(temporary, path);
        } catch (error) {
          if (!isNotFound(error)) throw error;
          Deno.statSync(temporary);
          Deno.mkdirSync(dirname(path), { recursive: true });
          Deno.renameSync(temporary, path);
        }
      });
      this.#isTemporary = false;
    } else {
      await guard();
      this.#whileCurrent(() => Deno.statSync(dirname(temporary)));
      removeIfThere(path);
    }
    return {
      unit: unitName(this.#unit),
      bytes: this.#bytes,
      crc: this.#crc,
      voxels: crc32(viewBytes(this.#crcs)),
      min: asJson(this.#min ?? 0),
      max: asJson(this.#max ?? 0),
    };
  }

  /** The temporary folder goes when the volume is replaced: then nothing may be written any more. */
  #whileCurrent<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new SluiceError(
        `Cannot write unit ${
          unitName(this.#unit)
        } as "${this.#files.path}": the volume was removed or replaced meanwhile`,
        { cause: error },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    this.#file?.close();
    this.#file = undefined;
    if (!this.#isTemporary) return;
    this.#isTemporary = false;
    await Deno.remove(this.#files.temporary).catch(() => {});
  }
}

/** JSON has no infinite numbers. */
function asJson(value: number | string): number | string {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function isUnknown(value: number | string | undefined): value is undefined {
  return value === undefined || Number.isNaN(value);
}

function isLess(a: number | string, b: number | string): boolean {
  return typeof a === "string" || typeof b === "string" ? BigInt(a) < BigInt(b) : a < b;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
