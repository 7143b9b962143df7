/**
 * The nearest spelling of a word that is not known.
 * @module
 */
import { VALUE_NAMES } from "./_value_names.ts";

/**
 * How many letters must be inserted, deleted, replaced or swapped with their neighbour to make one word of the other;
 * no stretch is edited twice (the restricted Damerau-Levenshtein distance).
 * @param replacing What it costs to put one letter in the place of another.
 */
export function editDistance(a: string, b: string, replacing = 1): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (same ? 0 : replacing));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}

/** Other names of a name, such as `zstandard` of `zstd`. */
export type OtherNames = Readonly<Record<string, readonly string[]>>;

/** Of so many letters one may be wrong. */
const LETTERS_A_SLIP = 3;
const MOST_SLIPS = 3;
/** Where more are equally near, none of them is. */
const MOST_NAMED = 3;

/**
 * The known words that may have been meant: those with this other name, else the nearest. At most a third of the
 * letters may be wrong, or one of the two must begin with the other. Case does not matter.
 * @param word As it was written.
 * @param known What could have been written.
 * @param otherNames What else the known words are called. @default Those of codecs, dtypes and other values
 * @returns Those that are equally near, in the order of `known`; none where no word is near, or too many are.
 */
export function nearest(
  word: string,
  known: Iterable<string>,
  otherNames: OtherNames = VALUE_NAMES,
): string[] {
  const wanted = word.toLowerCase();
  const names = [...known];
  const called = names.filter((name) =>
    Object.hasOwn(otherNames, name) && otherNames[name].includes(wanted)
  );
  if (called.length > 0) return called.slice(0, MOST_NAMED);
  let [best, found] = [Infinity, [] as string[]];
  for (const name of names) {
    const slips = countSlips(wanted, name.toLowerCase());
    if (slips > best || slips === Infinity) continue;
    if (slips < best) [best, found] = [slips, []];
    found.push(name);
  }
  return found.length > MOST_NAMED ? [] : found;
}

/** How far a word is from one that is known, or Infinity where it cannot have been meant. */
function countSlips(wanted: string, name: string): number {
  if (wanted.length > 1 && name.startsWith(wanted)) return Math.min(name.length - wanted.length, 1);
  // Another number is another thing: uint7 is no slip of uint8, but uint6 may be one of uint16.
  if (editDistance(digitsOf(wanted), digitsOf(name), 2) > 1) return Infinity;
  if (name.length > 2 && wanted.startsWith(name) && wanted.length <= 2 * name.length) return 1;
  const distance = editDistance(wanted, name);
  const longest = Math.max(wanted.length, name.length);
  return distance <= Math.min(MOST_SLIPS, Math.floor(longest / LETTERS_A_SLIP))
    ? distance
    : Infinity;
}

function digitsOf(word: string): string {
  return word.replace(/\D+/g, "");
}

/** How a suggestion is put. */
export interface SuggestionOptions {
  /** What else the known words are called. @default Those of codecs, dtypes and other values */
  readonly otherNames?: OtherNames;
  /** Writes a word that is suggested. @default In quotes */
  readonly write?: (name: string) => string;
  /** What stands between the error and the suggestion. @default "; " */
  readonly lead?: string;
}

/**
 * The end of an error about a word that is not known: `; did you mean "zstd"?`, or nothing where no word is near.
 * @example Two dtypes that are one letter away
 * ```ts ignore
 * didYouMean("uint6", ["uint8", "uint16", "uint64"]); // ; did you mean "uint16" or "uint64"?
 * ```
 */
export function didYouMean(
  word: string,
  known: Iterable<string>,
  { otherNames, write = (name) => `"${name}"`, lead = "; " }: SuggestionOptions = {},
): string {
  const near = nearest(word, known, otherNames).map(write);
  if (near.length === 0) return "";
  const [last, ...before] = near.toReversed();
  const names = before.length === 0 ? last : `${before.toReversed().join(", ")} or ${last}`;
  return `${lead}did you mean ${names}?`;
}
