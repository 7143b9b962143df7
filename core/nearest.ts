/**
 * The nearest spelling of a word that is not known.
 * @module
 */

/**
 * How many letters must be inserted, deleted, replaced or swapped with their neighbour to make one word of the other;
 * no stretch is edited twice (the restricted Damerau-Levenshtein distance).
 */
export function editDistance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}

/**
 * The known word that was most likely meant, or undefined where none is near: at most a third of the letters may be
 * wrong, or one of the two must begin with the other. Case does not matter.
 * @param word As it was written.
 * @param known In order of preference: of two that are equally near the first is taken.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let [best, found] = [Infinity, undefined as string | undefined];
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const begins = wanted.length > 1 && lower.startsWith(wanted) ||
      lower.length > 2 && wanted.startsWith(lower);
    const distance = editDistance(wanted, lower);
    const most = Math.max(1, Math.floor(Math.max(wanted.length, lower.length) / 3));
    const score = begins ? Math.min(distance, 1) : distance;
    if (score < best && (begins || distance <= most)) [best, found] = [score, candidate];
  }
  return found;
}
