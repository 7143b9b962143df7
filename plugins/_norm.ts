/**
 * What most images of a stack have in common, and how one differs from it.
 * @module
 */
import type { ImageHeader } from "../codecs/image.ts";
import type { Fault } from "./source.ts";

/** Counts values by a key; the one that came first wins a tie. */
export class Votes<T> {
  readonly #counts = new Map<string, { readonly value: T; count: number }>();
  #total = 0;

  add(key: string, value: T): void {
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { value, count: 1 });
    else known.count++;
    this.#total++;
  }

  /** The value that came most often. */
  get winner(): T | undefined {
    return this.#leader?.value;
  }

  /** Whether more than half of all votes agree. */
  get isMajority(): boolean {
    return (this.#leader?.count ?? 0) * 2 > this.#total;
  }

  /** Every value and how often it came, most often first. */
  get counts(): readonly { readonly value: T; readonly count: number }[] {
    return [...this.#counts.values()].sort((a, b) => b.count - a.count);
  }

  get #leader() {
    return this.counts[0];
  }
}

/** An image of a stack, for the vote on tile sizes: its header and its column and row. */
export interface TileVote {
  readonly header: ImageHeader;
  readonly column: number;
  readonly row: number;
}

/** What each image of a grid should be; the last column and row may be smaller than the rest. */
export interface TileNorm {
  readonly tile: ImageHeader;
  readonly lastColumn: number;
  readonly lastRow: number;
  readonly lastWidth: number;
  readonly lastHeight: number;
}

/** Finds what the tiles of a grid have in common; undefined where there is none to ask. */
export function findNorm(
  tiles: readonly TileVote[],
  lastColumn: number,
  lastRow: number,
): TileNorm | undefined {
  const inner = new Votes<ImageHeader>();
  const all = new Votes<ImageHeader>();
  const widths = new Votes<number>();
  const heights = new Votes<number>();
  for (const { header, column, row } of tiles) {
    const { width, height, samples, dtype } = header;
    const key = `${width}/${height}/${samples}/${dtype}`;
    const inColumn = column < lastColumn || lastColumn === 0;
    const inRow = row < lastRow || lastRow === 0;
    all.add(key, header);
    if (inColumn && inRow) inner.add(key, header);
    if (!inColumn) widths.add(String(width), width);
    if (!inRow) heights.add(String(height), height);
  }
  const tile = inner.winner ?? all.winner;
  if (tile === undefined) return undefined;
  return {
    tile,
    lastColumn,
    lastRow,
    lastWidth: Math.min(tile.width, widths.winner ?? tile.width),
    lastHeight: Math.min(tile.height, heights.winner ?? tile.height),
  };
}

/** What the image at a column and a row should be. */
export function expectedAt(norm: TileNorm, column: number, row: number): ImageHeader {
  const { tile, lastColumn, lastRow, lastWidth, lastHeight } = norm;
  const width = column === lastColumn && lastColumn > 0 ? lastWidth : tile.width;
  const height = row === lastRow && lastRow > 0 ? lastHeight : tile.height;
  if (width === tile.width && height === tile.height) return tile;
  return { ...tile, width, height, rowGroup: Math.min(tile.rowGroup, height) };
}

/** How an image differs from what it should be, or undefined where it does not. */
export function compareHeaders(
  found: ImageHeader,
  expected: ImageHeader,
): { readonly kind: Fault["kind"]; readonly reason: string } | undefined {
  const otherSize = found.width !== expected.width || found.height !== expected.height;
  const otherType = found.dtype !== expected.dtype;
  if (otherSize || otherType) {
    const words = (of: ImageHeader) =>
      [...otherSize ? [`${of.width} x ${of.height}`] : [], ...otherType ? [of.dtype] : []].join(
        " ",
      );
    return {
      kind: otherSize ? "size" : "dtype",
      reason: `is ${words(found)} where the others are ${words(expected)}`,
    };
  }
  if (found.samples === expected.samples) return undefined;
  const plural = found.samples === 1 ? "sample" : "samples";
  return {
    kind: "dtype",
    reason: `has ${found.samples} ${plural} a pixel where the others have ${expected.samples}`,
  };
}
