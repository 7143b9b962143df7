/**
 * Numbers as people read them.
 * @module
 */

/** `1,234,567`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `3 tasks`, `1 task`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `850 ms`, `12.3 s`, `4 min 5 s`, `3 h 20 min`, `5 d 2 h`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const units = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]] as const;
  const seconds = Math.round(milliseconds / 1000);
  const at = units.findIndex(([length]) => seconds >= length);
  const [length, name] = units[at];
  const [next, nextName] = units[at + 1] ?? [1, ""];
  const rest = Math.floor(seconds % length / next);
  return `${Math.floor(seconds / length)} ${name}${rest === 0 ? "" : ` ${rest} ${nextName}`}`;
}

/** `2048 x 1024 x 500`; c and t only where they say something. */
export function formatSize(size: readonly number[]): string {
  const [x, y, z, c = 1, t = 1] = size;
  return `${x} x ${y} x ${z}${c === 1 ? "" : `, ${c} channels`}${t === 1 ? "" : `, ${t} times`}`;
}

/** Rows in columns, padded; numbers are best given as `right`. */
export function table(
  rows: readonly (readonly string[])[],
  { indent = "  ", right = [] }: { readonly indent?: string; readonly right?: readonly number[] } =
    {},
): string[] {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    (indent +
      row.map((cell, i) => right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))
        .join("  ")).trimEnd()
  );
}

/** A word that a shell reads as one. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
