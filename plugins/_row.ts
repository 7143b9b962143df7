/**
 * Files in a row: z in natural order, with the gaps that their numbers show.
 * @module
 */
import { filesNamedBy, gatherSets } from "./_file_set.ts";
import type { Described } from "./_headers.ts";
import { findNorm, type TileVote } from "./_norm.ts";
import { compareNaturally, countedName, readRow } from "./_numbers.ts";
import type { Arrangement, Slot } from "./_place.ts";
import { countOf } from "./_words.ts";
import type { Fault } from "./source.ts";

/** What a row needs of the outside. */
export interface RowOptions {
  readonly missing: "error" | "fill" | "close";
  readonly series?: number | string;
  /** Reads headers; of files that are `bare`, what they say of their series is dropped. */
  readonly describe: (
    paths: readonly string[],
    bare?: ReadonlySet<string>,
  ) => Promise<Described[]>;
}

/** A row or a grid of files; no arrangement where no file can be read. */
export interface Arranged {
  readonly arrangement?: Arrangement;
  readonly faults: readonly Fault[];
  readonly notes: readonly string[];
  /** Every file that was asked. */
  readonly described: readonly Described[];
}

/** Puts files in a row along z. */
export async function arrangeRow(
  found: readonly string[],
  { missing, series, describe }: RowOptions,
): Promise<Arranged> {
  const faults: Fault[] = [];
  const paths = dropDoubles(found.toSorted(compareNaturally), faults);
  const [first] = await describe(paths.slice(0, 1));
  const rest = await describe(paths.slice(1), first && filesNamedBy(first, series));
  const described = first === undefined ? [] : [first, ...rest];
  const sets = await gatherSets(described, series, describe);
  faults.push(...sets.faults);
  const slots: Omit<Slot, "at">[] = [];
  const notes = [...sets.notes];
  if (sets.sets.length > 0) {
    const inSets = new Set(sets.sets.flatMap(({ paths }) => [...paths]));
    const leads = new Map(sets.sets.map((set) => [set.lead.path, set]));
    for (const one of described) {
      const set = leads.get(one.path);
      if (set !== undefined || !inSets.has(one.path)) {
        slots.push({ path: one.path, described: one, ...set === undefined ? {} : { set } });
      }
    }
  } else {
    const row = readRow(paths);
    if (row.kind === "ordered") {
      if (row.why !== undefined) notes.push(`z counts the files in natural order: ${row.why}`);
      for (const one of described) slots.push({ path: one.path, described: one });
    } else {
      const gaps = row.places[paths.length - 1] + 1 - paths.length;
      if (row.first !== 0) notes.push(`z 0 is section ${row.first} ("${paths[0]}")`);
      if (row.step > 1) notes.push(`the numbers of sections rise by ${row.step}`);
      if (gaps > 0 && missing === "close") {
        notes.push(`closed up: ${countOf(gaps, "number")} without a file`);
      }
      for (const [at, one] of described.entries()) {
        const before = at === 0 ? -1 : row.places[at - 1];
        for (let gap = before + 1; gap < row.places[at] && missing !== "close"; gap++) {
          slots.push({
            path: row.pathAt(gap),
            reason: `is not there, and the numbers go on to ${
              row.first + row.step * row.places.at(-1)!
            }`,
          });
        }
        slots.push({ path: one.path, described: one });
      }
    }
  }
  const votes: TileVote[] = [];
  for (const { described, set } of slots) {
    const members = set?.layout.planes.map(({ of, image }) => of?.file?.images[image]) ??
      described?.file?.images ?? [];
    for (const header of members) {
      if (header !== undefined) votes.push({ header, column: 0, row: 0 });
    }
  }
  const norm = findNorm(votes, 0, 0);
  if (norm === undefined) return { faults, notes, described };
  return {
    arrangement: {
      kind: "row",
      slots: slots.map((slot, z) => ({ ...slot, at: [0, 0, z, 0, 0] })),
      counts: [1, 1, slots.length, 1, 1],
      norm,
    },
    faults,
    notes,
    described,
  };
}

/** Keeps the first of names that count the same: `s_7.tif` of `s_7.tif`, `s_007.tif` and `s_7.png`. */
function dropDoubles(sorted: readonly string[], faults: Fault[]): string[] {
  const first = new Map<string, string>();
  return sorted.filter((path) => {
    const counted = countedName(path);
    const other = first.get(counted);
    if (other === undefined) {
      first.set(counted, path);
      return true;
    }
    faults.push({ kind: "duplicate", path, reason: `has the same number as "${other}"` });
    return false;
  });
}
