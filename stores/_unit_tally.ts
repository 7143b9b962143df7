/** What the chunks of a unit add up to: whether it is whole, and its receipt. */
import { crc32 } from "node:zlib";
import { viewBytes } from "../core/dtype.ts";
import { SluiceError } from "../core/errors.ts";
import { cellsOf, eachCell, type Layout, type Unit, unitBox, unitName } from "../core/layout.ts";
import { mapPoint, type Point, ravel } from "../core/point.ts";
import type { UnitReceipt } from "../core/receipt.ts";
import type { EncodedChunk } from "./store.ts";

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

/** Counts the chunks of one unit. */
export class UnitTally {
  /** How its chunks lie. */
  readonly shape: UnitShape;
  readonly #unit: Unit;
  readonly #crcs: Uint32Array;
  readonly #rank: Map<number, number>;
  readonly #counted = new Set<number>();
  #min: number | string | undefined;
  #max: number | string | undefined;
  #isOpen = true;

  constructor(layout: Layout, unit: Unit) {
    this.#unit = unit;
    this.shape = unitShape(layout, unit);
    this.#crcs = new Uint32Array(this.chunks);
    this.#rank = new Map(this.shape.present.map((position, i) => [position, i]));
  }

  /** Chunks that hold voxels of the volume. */
  get chunks(): number {
    return this.shape.present.length;
  }

  /** Position in the grid of the unit of a chunk. @throws {RangeError} If it is no chunk of this unit. */
  positionOf(index: Point): number {
    const { first, grid } = this.shape;
    const cell = mapPoint(index, (value, axis) => value - first[axis]);
    const position = ravel(cell, grid);
    if (
      cell.some((value, axis) => value < 0 || value >= grid[axis]) || !this.#rank.has(position)
    ) {
      throw new RangeError(
        `Cannot put chunk [${index}] into unit ${unitName(this.#unit)}: it lies outside`,
      );
    }
    return position;
  }

  /** Adds the chunk at a position. */
  count(position: number, { crc, min, max }: EncodedChunk): void {
    this.#counted.add(position);
    this.#crcs[this.#rank.get(position)!] = crc;
    // A chunk of nothing but NaN has NaN for both, which any number outdoes.
    this.#min = isUnknown(this.#min) || isLess(min, this.#min) ? min : this.#min;
    this.#max = isUnknown(this.#max) || isLess(this.#max, max) ? max : this.#max;
  }

  /** Ends the counting. @throws {SluiceError} If a chunk was not counted, or it ended before. */
  close(): void {
    if (!this.#isOpen) {
      throw new SluiceError(
        `Cannot commit unit ${unitName(this.#unit)}: it was committed or disposed before`,
      );
    }
    const missing = this.chunks - this.#counted.size;
    if (missing > 0) {
      throw new SluiceError(
        `Cannot commit unit ${
          unitName(this.#unit)
        }: ${missing} of its ${this.chunks} chunks were not put`,
      );
    }
    this.#isOpen = false;
  }

  /** Ends the counting, whatever was counted. */
  abandon(): void {
    this.#isOpen = false;
  }

  /** What was written. @param bytes Stored bytes. @param crc Their CRC-32. */
  receipt(bytes: number, crc: number): UnitReceipt {
    return {
      unit: unitName(this.#unit),
      bytes,
      crc,
      voxels: crc32(viewBytes(this.#crcs)),
      min: asJson(this.#min ?? 0),
      max: asJson(this.#max ?? 0),
    };
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
