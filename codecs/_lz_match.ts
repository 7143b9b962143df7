/**
 * What every member of the LZ family does: repeat what came a little before.
 * @module
 */

/** Matches up to here are copied byte by byte: a call of `copyWithin` costs more. */
const SHORT = 32;

/**
 * Repeats the `length` bytes that begin `distance` before `at`; where they overlap, what was just written.
 * @returns Where it ends.
 */
export function copyMatch(
  bytes: Uint8Array,
  at: number,
  distance: number,
  length: number,
): number {
  const end = at + length;
  if (length <= SHORT) {
    for (let i = at; i < end; i++) bytes[i] = bytes[i - distance];
    return end;
  }
  // What lies behind the first copy has the same period, so that each copy may be twice as long.
  for (let i = at, period = distance; i < end; period *= 2) {
    const part = Math.min(period, end - i);
    bytes.copyWithin(i, i - period, i - period + part);
    i += part;
  }
  return end;
}
