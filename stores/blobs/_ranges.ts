/** Ranges of bytes, as `slice()` and as HTTP write them. */
import type { ByteRange } from "./blobs.ts";

/** @throws {RangeError} If it is no range. */
export function checkRange(range: ByteRange): void {
  const [start, end] = range;
  const fits = Number.isSafeInteger(start) &&
    (end === undefined || Number.isSafeInteger(end) && end >= 0 && start >= 0);
  if (fits) return;
  throw new RangeError(
    `Cannot read bytes [${range}] as a range: it is none; write [start, end], [start] or [-count] in whole numbers`,
  );
}

/** Where a range lies in a blob of some size. */
export function placeRange([start, end = Infinity]: ByteRange, size: number): [number, number] {
  const from = start < 0 ? Math.max(0, size + start) : Math.min(start, size);
  return [from, Math.max(from, Math.min(end, size))];
}

/** The value of the header `Range`, or undefined where the range holds no byte whatever the size. */
export function rangeHeader([start, end]: ByteRange): string | undefined {
  if (start < 0) return `bytes=${start}`;
  if (end === undefined) return `bytes=${start}-`;
  return end <= start ? undefined : `bytes=${start}-${end - 1}`;
}

/** What a header `Content-Range` says, or undefined where it says nothing that can be used. */
export function parseContentRange(
  text: string | null,
): { from: number; to: number; size: number } | undefined {
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text ?? "");
  if (found === null) return undefined;
  const [from, last, size] = found.slice(1).map(Number);
  return { from, to: last + 1, size };
}

/** @throws {RangeError} Unless what is given last fills what was reserved. */
export function checkReserve(name: string, given: number, reserve: number): void {
  if (given === reserve) return;
  throw new RangeError(
    `Cannot commit "${name}" with ${given} bytes at its front: ${reserve} were reserved; give as many`,
  );
}
