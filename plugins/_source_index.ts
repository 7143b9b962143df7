/**
 * Where the images of a list lie, in few bytes an image, so that those of a box are found at once.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Point } from "../core/point.ts";
import type { SourceImage } from "./source.ts";

/** Columns of the place and size of each image, in the order t, z, c, y, x. */
export class SourceIndex {
  readonly #columns: Readonly<Record<"x" | "y" | "z" | "c" | "t", Int32Array>>;
  readonly #width: Int32Array;
  readonly #height: Int32Array;
  readonly #samples: Int32Array;
  readonly #count: number;
  #tallest = 1;
  #deepest = 1;

  /** @param count Images there will be. */
  constructor(count: number) {
    const column = () => new Int32Array(count);
    this.#count = count;
    this.#columns = { x: column(), y: column(), z: column(), c: column(), t: column() };
    [this.#width, this.#height, this.#samples] = [column(), column(), column()];
  }

  /** Notes an image; returns whether it lies behind the one before it. */
  set(row: number, { x, y, z, c, t, width, height, samples }: SourceImage): boolean {
    const columns = this.#columns;
    columns.x[row] = x;
    columns.y[row] = y;
    columns.z[row] = z;
    columns.c[row] = c;
    columns.t[row] = t;
    this.#width[row] = width;
    this.#height[row] = height;
    this.#samples[row] = samples;
    this.#tallest = Math.max(this.#tallest, height);
    this.#deepest = Math.max(this.#deepest, samples);
    return row === 0 || this.#compare(row - 1, [x, y, z, c, t]) <= 0;
  }

  /** The row of the image at a place, or -1. */
  find(place: Point): number {
    const row = this.#firstFrom(place);
    return row < this.#count && this.#compare(row, place) === 0 ? row : -1;
  }

  /** Rows of the images that hold voxels of a box, in order. */
  *locate({ min, max }: Box): Generator<number> {
    if (max.some((value, axis) => value <= min[axis])) return;
    const { x, y, z, c, t } = this.#columns;
    const lowest: Point = [
      -1,
      min[1] - this.#tallest + 1,
      min[2],
      min[3] - this.#deepest + 1,
      min[4],
    ];
    let row = this.#firstFrom(lowest);
    while (row < this.#count && t[row] < max[4]) {
      // Whatever lies outside along one axis is left by one search, not image by image.
      if (z[row] < min[2]) {
        row = this.#firstFrom([...lowest.slice(0, 4), t[row]] as unknown as Point);
      } else if (z[row] >= max[2]) row = this.#firstFrom(startOf(lowest, t[row] + 1, min[2]));
      else if (c[row] < lowest[3]) {
        row = this.#firstFrom([-1, lowest[1], z[row], lowest[3], t[row]]);
      } else if (c[row] >= max[3]) row = this.#firstFrom(startOf(lowest, t[row], z[row] + 1));
      else if (y[row] < lowest[1]) row = this.#firstFrom([-1, lowest[1], z[row], c[row], t[row]]);
      else if (y[row] >= max[1]) row = this.#firstFrom([-1, lowest[1], z[row], c[row] + 1, t[row]]);
      else {
        if (
          c[row] + this.#samples[row] > min[3] && y[row] + this.#height[row] > min[1] &&
          x[row] < max[0] && x[row] + this.#width[row] > min[0]
        ) yield row;
        row++;
      }
    }
  }

  /** The first row that does not lie before a place. */
  #firstFrom(place: Point): number {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compare(row: number, place: Point): number {
    const { x, y, z, c, t } = this.#columns;
    return t[row] - place[4] || z[row] - place[2] || c[row] - place[3] || y[row] - place[1] ||
      x[row] - place[0];
  }
}

function startOf(lowest: Point, t: number, z: number): Point {
  return [-1, lowest[1], z, lowest[3], t];
}
