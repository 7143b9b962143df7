/**
 * Numbers in the names of files: natural order, and the gaps in a numbered row.
 * @module
 */

const ZERO = 48;
const NINE = 57;
const SLASH = 47;

/**
 * Orders paths as people count: `section_2` before `section_10`, a folder before the names it begins.
 * Numbers of equal value are ordered by their spelling, so that no two paths compare as equal.
 */
export function compareNaturally(a: string, b: string): number {
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    const p = a.charCodeAt(i), q = b.charCodeAt(j);
    if (isDigit(p) && isDigit(q)) {
      while (a.charCodeAt(i) === ZERO) i++;
      while (b.charCodeAt(j) === ZERO) j++;
      const [endA, endB] = [endOfDigits(a, i), endOfDigits(b, j)];
      const longer = (endA - i) - (endB - j);
      if (longer !== 0) return longer;
      for (; i < endA; i++, j++) {
        const higher = a.charCodeAt(i) - b.charCodeAt(j);
        if (higher !== 0) return higher;
      }
    } else if (p !== q) {
      return (p === SLASH ? -1 : p) - (q === SLASH ? -1 : q);
    } else {
      i++;
      j++;
    }
  }
  return (a.length - i) - (b.length - j) || (a < b ? -1 : a > b ? 1 : 0);
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function endOfDigits(text: string, from: number): number {
  let end = from;
  while (isDigit(text.charCodeAt(end))) end++;
  return end;
}

/** A path without its extension, which begins with a letter: the `0001` of `section.0001` belongs to the name. */
export function stemOf(path: string): string {
  return path.replace(/(?:\.ome)?\.[A-Za-z][A-Za-z0-9]{0,4}$/i, "");
}

/**
 * A path as its numbers count, whatever their padding and the extension: equal for `s_7.tif` and `s_007.png`.
 * Zeros behind a decimal point count.
 */
export function countedName(path: string): string {
  return stemOf(path).replace(/(?<!\d|\d\.)0+(?=\d)/g, "");
}

/** A row of names whose numbers rise by a constant step, apart from gaps. */
export interface NumberedRow {
  readonly kind: "numbered";
  /** Number in the first name. */
  readonly first: number;
  readonly step: number;
  /** For each name, in the order given, its place in the row; strictly rising. */
  readonly places: readonly number[];
  /** The path that would be at a place where there is none. */
  pathAt(place: number): string;
}

/** Names whose numbers are no indexes, so that only their order counts. */
export interface OrderedRow {
  readonly kind: "ordered";
  /** Why, as the second half of a sentence; absent where there is nothing to say. */
  readonly why?: string;
}

/**
 * Finds the number that counts the names: the last one that varies and rises by a constant step, apart from
 * at most as many gaps as there are names.
 * @param paths In natural order, no two with the same {@linkcode countedName}.
 */
export function readRow(paths: readonly string[]): NumberedRow | OrderedRow {
  if (paths.length < 2) return { kind: "ordered" };
  const whole = splitAll(paths);
  const { names, stray } = whole.stray === undefined ? whole : splitAll(paths, true);
  if (stray !== undefined) {
    return { kind: "ordered", why: `"${paths[0]}" and "${paths[stray]}" follow no common pattern` };
  }
  const fields = names[0].numbers.map((_, field) => field)
    .filter((field) => names.some(({ numbers }) => numbers[field] !== names[0].numbers[field]));
  let why: string | undefined;
  for (const field of fields.toReversed()) {
    const values = names.map(({ numbers }) => Number(numbers[field]));
    const steps = values.slice(1).map((value, index) => value - values[index]);
    if (!values.every(Number.isSafeInteger) || steps.some((step) => step <= 0)) continue;
    const step = steps.reduce(divisor);
    const gaps = (values[values.length - 1] - values[0]) / step + 1 - values.length;
    if (gaps > values.length || !steps.includes(step)) {
      why ??= `as indexes the numbers from ${names[0].numbers[field]} to ${
        names[names.length - 1].numbers[field]
      } would leave ${gaps} gaps between ${values.length} files`;
      continue;
    }
    return {
      kind: "numbered",
      first: values[0],
      step,
      places: values.map((value) => (value - values[0]) / step),
      pathAt: namer(paths, names, values, field, step),
    };
  }
  return {
    kind: "ordered",
    why: why ??
      (fields.length > 1
        ? `the names hold ${fields.length} numbers that vary and none of them counts the files; tiles, channels ` +
          "and times need a template, such as <z>/<y>_<x>.png"
        : undefined),
  };
}

/** A path cut at its numbers: `texts` has one entry more than `numbers`. */
interface Name {
  readonly texts: readonly string[];
  readonly numbers: readonly string[];
}

function splitAll(
  paths: readonly string[],
  inFolder = false,
): { names: Name[]; stray: number | undefined } {
  const names: Name[] = [];
  let stray: number | undefined;
  for (const [index, path] of paths.entries()) {
    const stem = stemOf(path);
    const parts = (inFolder ? stem.slice(stem.lastIndexOf("/") + 1) : stem).split(/(\d+)/);
    const name = {
      texts: parts.filter((_, part) => part % 2 === 0),
      numbers: parts.filter((_, part) => part % 2 === 1),
    };
    names.push(name);
    const { texts } = names[0];
    if (
      stray === undefined &&
      (name.texts.length !== texts.length || name.texts.some((text, at) => text !== texts[at]))
    ) stray = index;
  }
  return { names, stray };
}

/** Names what would lie in a gap after the name before it; what else varies goes along if it runs in step. */
function namer(
  paths: readonly string[],
  names: readonly Name[],
  values: readonly number[],
  field: number,
  step: number,
): (place: number) => string {
  const inStep = names[0].numbers.map((number, other) => {
    const shift = Number(number) - values[0];
    return names.every((name, at) => Number(name.numbers[other]) - values[at] === shift)
      ? { shift, padding: paddingOf(names, other) }
      : undefined;
  });
  const varies = names[0].numbers.map((number, other) =>
    other === field || names.some((name) => name.numbers[other] !== number)
  );
  return (place) => {
    const value = values[0] + place * step;
    const before = countUpTo(values, value) - 1;
    const { texts, numbers } = names[before];
    const parts = numbers.map((number, other) => {
      const found = inStep[other];
      if (found !== undefined) return String(value + found.shift).padStart(found.padding, "0");
      return varies[other] ? "*" : number;
    });
    const stem = stemOf(paths[before]);
    const folder = stem.length - texts.join("").length - numbers.join("").length;
    const base = texts.map((text, at) => text + (parts[at] ?? "")).join("");
    return stem.slice(0, folder) + base + paths[before].slice(stem.length);
  };
}

/** How many of the rising numbers are not above `value`. */
function countUpTo(rising: readonly number[], value: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rising[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function paddingOf(names: readonly Name[], field: number): number {
  const { length } = names[0].numbers[field];
  if (names.every(({ numbers }) => numbers[field].length === length)) return length;
  return Math.max(
    0,
    ...new Set(
      names.map(({ numbers }) => numbers[field]).filter((digits) => digits.startsWith("0"))
        .map((digits) => digits.length),
    ),
  );
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
