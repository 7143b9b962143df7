/**
 * Files in a grid: each lies where the numbers in its name say.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import { AXES, type Axis, type Point } from "../core/point.ts";
import type { Described } from "./_headers.ts";
import type { PlacedFile } from "./_inputs.ts";
import { findNorm, type TileVote } from "./_norm.ts";
import type { Slot } from "./_place.ts";
import type { Arranged } from "./_row.ts";
import type { Indexes, Template } from "./_template.ts";
import { countOf } from "./_words.ts";
import type { Fault } from "./source.ts";

/** What a grid needs of the outside. */
export interface GridOptions {
  readonly missing: "error" | "fill" | "close";
  readonly describe: (paths: readonly string[]) => Promise<Described[]>;
}

/** A grid may be this many times as large as the files that are there; sparser, its numbers are no indexes. */
const SPARSEST = 20;
const SMALL_GRID = 1000;

/** Puts files in the grid that a template spans: the smallest index along each axis becomes 0. */
export async function arrangeGrid(
  template: Template,
  wanted: readonly PlacedFile[],
  strays: readonly PlacedFile[],
  { missing, describe }: GridOptions,
): Promise<Arranged> {
  const asked = await describe(wanted.map(({ path }) => path));
  // Where nothing could be listed, only now it is seen what is there.
  const isUsed = missing === "close"
    ? (at: number) => asked[at].fault?.kind !== "missing"
    : () => true;
  const files = wanted.filter((_, at) => isUsed(at));
  const described = asked.filter((_, at) => isUsed(at));
  const faults: Fault[] = [];
  const notes: string[] = [];
  const lines = linesOf(template, [...files, ...strays]);
  const tiles = files.map(({ indexes }, at) => ({ indexes, described: described[at] }));
  const voted = findNorm(
    votesOf(tiles, lines),
    lines.x.last - lines.x.first,
    lines.y.last - lines.y.first,
  );
  if (voted === undefined) return { faults, notes, described: asked };
  stepByTile(lines.x, voted.tile.width, "x", notes);
  stepByTile(lines.y, voted.tile.height, "y", notes);
  if (missing === "close") closeUp(lines.z, notes);
  const counts = AXES.map((axis) => lines[axis].count) as unknown as Point;
  checkSize(template, lines, counts, files.length);
  noteOrigins(template, lines, notes);
  const norm = { ...voted, lastColumn: counts[0] - 1, lastRow: counts[1] - 1 };

  const place = (indexes: Indexes) =>
    AXES.map((axis) => lines[axis].placeOf(indexes[axis] ?? 0)) as unknown as Point;
  const cells = new Map<number, Slot>();
  for (const [at, { path, indexes }] of files.entries()) {
    const cell = place(indexes);
    cells.set(cellNumber(cell, counts), { path, at: cell, described: described[at] });
  }
  const unpadded = new Map<number, string>();
  for (const { path, indexes } of strays) {
    const number = cellNumber(place(indexes), counts);
    const owner = cells.get(number);
    if (owner === undefined) unpadded.set(number, path);
    else faults.push({ kind: "duplicate", path, reason: `has the same number as "${owner.path}"` });
  }
  const total = counts.reduce((product, count) => product * count);
  for (let number = 0; number < total && cells.size < total; number++) {
    if (cells.has(number)) continue;
    const at = cellAt(number, counts);
    const path = template.format(
      Object.fromEntries(AXES.map((axis, i) => [axis, lines[axis].indexOf(at[i])])),
    );
    const stray = unpadded.get(number);
    const reason = stray === undefined
      ? "is not there"
      : `is not there, but "${stray}" is, which pads its number otherwise than the template`;
    cells.set(number, { path, at, reason });
  }
  const slots = [...cells].sort(([a], [b]) => a - b).map(([, slot]) => slot);
  return { arrangement: { kind: "grid", slots, counts, norm }, faults, notes, described };
}

/** The indexes that occur along one axis, and the places they take. */
class Line {
  readonly values: readonly number[];
  #step = 1;
  #closed: Map<number, number> | undefined;

  constructor(readonly isNamed: boolean, values: Iterable<number>) {
    this.values = [...new Set(values)].sort((a, b) => a - b);
  }

  get first(): number {
    return this.values[0];
  }

  get last(): number {
    return this.values[this.values.length - 1];
  }

  get count(): number {
    return this.placeOf(this.last) + 1;
  }

  placeOf(index: number): number {
    return this.#closed?.get(index) ?? (index - this.first) / this.#step;
  }

  indexOf(place: number): number {
    return this.#closed === undefined ? this.first + place * this.#step : this.values[place];
  }

  /** Counts in steps, if every index is a whole number of them away from the first. */
  stepBy(step: number): boolean {
    if (step < 2 || this.values.length < 2) return false;
    if (this.values.some((value) => (value - this.first) % step !== 0)) return false;
    this.#step = step;
    return true;
  }

  /** Counts only the indexes that occur; returns how many do not. */
  close(): number {
    const gaps = this.count - this.values.length;
    this.#closed = new Map(this.values.map((value, place) => [value, place]));
    return gaps;
  }
}

type Lines = Readonly<Record<Axis, Line>>;

function linesOf(template: Template, files: readonly PlacedFile[]): Lines {
  const line = (axis: Axis) => {
    const isNamed = template.axes.includes(axis);
    return new Line(isNamed, isNamed ? files.map(({ indexes }) => indexes[axis] ?? 0) : [0]);
  };
  return { x: line("x"), y: line("y"), z: line("z"), c: line("c"), t: line("t") };
}

function votesOf(
  tiles: readonly { readonly indexes: Indexes; readonly described: Described }[],
  { x, y }: Lines,
): TileVote[] {
  return tiles.flatMap(({ indexes, described }) => {
    const column = (indexes.x ?? 0) - x.first;
    const row = (indexes.y ?? 0) - y.first;
    return described.file?.images.map((header) => ({ header, column, row })) ?? [];
  });
}

/** Some names count pixels instead of tiles. */
function stepByTile(line: Line, edge: number, axis: Axis, notes: string[]): void {
  if (line.stepBy(edge)) {
    notes.push(`the numbers of ${axis} count pixels: a tile is ${edge} of them`);
  }
}

function closeUp(line: Line, notes: string[]): void {
  const gaps = line.close();
  if (gaps > 0) notes.push(`closed up: ${countOf(gaps, "number")} without a section`);
}

function checkSize(template: Template, lines: Lines, counts: Point, files: number): void {
  const total = counts.reduce((product, count) => product * count);
  if (total <= SPARSEST * files + SMALL_GRID) return;
  const spans = AXES.flatMap((axis) => {
    const { isNamed, first, last } = lines[axis];
    return isNamed ? [`${axis} from ${first} to ${last}`] : [];
  });
  throw new UsageError(
    `Cannot read "${template.text}" as a grid of images: ${files} files lie in a grid of ${total} (` +
      `${spans.join(", ")}), so the numbers are no indexes; use a glob, where the order counts` +
      (template.axes.includes("z") ? ", or --missing close" : ""),
  );
}

function noteOrigins(template: Template, lines: Lines, notes: string[]): void {
  for (const axis of AXES) {
    const { isNamed, first } = lines[axis];
    const number = first + template.offsetOf(axis);
    if (!isNamed || number === 0) continue;
    const what = { x: "column", y: "row", z: "section", c: "channel", t: "time" }[axis];
    notes.push(`${axis} 0 is ${what} ${number}`);
  }
}

/** Cells in the order of t, z, c, y, x, so that neighbours in a file system are neighbours here. */
function cellNumber([x, y, z, c, t]: Point, [nx, ny, nz, nc]: Point): number {
  return (((t * nz + z) * nc + c) * ny + y) * nx + x;
}

function cellAt(number: number, [nx, ny, nz, nc]: Point): Point {
  let rest = number;
  const next = (count: number) => {
    const place = rest % count;
    rest = Math.floor(rest / count);
    return place;
  };
  const [x, y, c, z] = [next(nx), next(ny), next(nc), next(nz)];
  return [x, y, z, c, rest];
}
