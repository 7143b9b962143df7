/**
 * Wide sections at a fraction of the work: one square of tissue and its mirror images, side by side.
 * @module
 */
import type { CellRows } from "./_cells.ts";
import type { Tissue, TissueBand } from "./_tissue.ts";

const BAND_ROWS = 64;

/** One section's square, in bands from the top. */
interface Square<Band> {
  readonly section: number;
  readonly bands: readonly Band[];
}

/** Tissue that repeats, mirrored at every edge of a square; holds the squares of one section. */
export class MirroredTissue {
  readonly #tissue: Tissue;
  readonly #side: number;
  #cells: Square<CellRows> | undefined;
  #bands: Square<TissueBand> | undefined;

  /**
   * @param side Pixels of the square's edge: a multiple of 64.
   * @throws {RangeError} If it is not.
   */
  constructor(tissue: Tissue, side: number) {
    if (!Number.isSafeInteger(side) || side < BAND_ROWS || side % BAND_ROWS !== 0) {
      throw new RangeError(
        `Cannot mirror a square of ${side} pixels: choose a multiple of ${BAND_ROWS}`,
      );
    }
    this.#tissue = tissue;
    this.#side = side;
  }

  /** As `Tissue.cells()`. */
  cells(section: number, firstRow: number, rows: number, width: number): CellRows {
    if (this.#cells?.section !== section) {
      this.#cells = {
        section,
        bands: this.#firstRows().map((row) =>
          this.#tissue.cells(section, row, BAND_ROWS, this.#side)
        ),
      };
    }
    const { bands } = this.#cells;
    const cell = new Uint32Array(rows * width);
    const depth = new Float32Array(rows * width);
    this.#mirror(bands.map((band) => band.cell), cell, firstRow, width);
    this.#mirror(bands.map((band) => band.depth), depth, firstRow, width);
    return { firstRow, rows, width, cell, depth };
  }

  /** As `Tissue.band()`. */
  band(section: number, firstRow: number, rows: number, width: number): TissueBand {
    if (this.#bands?.section !== section) {
      this.#bands = {
        section,
        bands: this.#firstRows().map((row) =>
          this.#tissue.band(section, row, BAND_ROWS, this.#side)
        ),
      };
    }
    const { bands } = this.#bands;
    const cell = new Uint32Array(rows * width);
    const depth = new Float32Array(rows * width);
    const shade = new Float32Array(rows * width);
    this.#mirror(bands.map((band) => band.cell), cell, firstRow, width);
    this.#mirror(bands.map((band) => band.depth), depth, firstRow, width);
    this.#mirror(bands.map((band) => band.shade), shade, firstRow, width);
    return { firstRow, rows, width, cell, depth, shade };
  }

  #firstRows(): number[] {
    return Array.from({ length: this.#side / BAND_ROWS }, (_, i) => i * BAND_ROWS);
  }

  #mirror<Values extends Uint32Array | Float32Array>(
    bands: readonly Values[],
    out: Values,
    firstRow: number,
    width: number,
  ) {
    const side = this.#side;
    for (let y = 0; y < out.length / width; y++) {
      const turn = (firstRow + y) % (2 * side);
      const row = turn < side ? turn : 2 * side - 1 - turn;
      const from = row % BAND_ROWS * side;
      const forward = bands[Math.floor(row / BAND_ROWS)].subarray(from, from + side);
      const backward = forward.slice().reverse();
      for (let x = 0; x < width; x += side) {
        const piece = x / side % 2 === 0 ? forward : backward;
        out.set(piece.subarray(0, width - x), y * width + x);
      }
    }
  }
}
