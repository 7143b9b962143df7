/**
 * Stretches of the bytes of a file.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { ByteSource, ByteStretch } from "./image.ts";

/** Puts stretches in order, and joins those that lie on each other or no further apart than `gap` bytes. */
export function joinStretches(stretches: readonly ByteStretch[], gap: number): ByteStretch[] {
  const joined: [number, number][] = [];
  for (const [start, end] of stretches.toSorted((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last[1] + gap) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

/** Whether some stretches, in order and joined, hold all bytes of another. */
export function holdStretch(held: readonly ByteStretch[], [start, end]: ByteStretch): boolean {
  return start >= end || held.some((one) => one[0] <= start && end <= one[1]);
}

/** A file of which only some stretches are there: what lies between them is never read as if it were. */
export function onlyWithin(bytes: ByteSource, held: readonly ByteStretch[]): ByteSource {
  return {
    size: bytes.size,
    async read(offset, into) {
      const end = offset + into.length;
      if (end <= bytes.size && !holdStretch(held, [offset, end])) {
        throw new SluiceError(
          `Cannot read bytes ${offset} to ${end} of the file: of them not all were fetched; this is a fault of sluice, please report it`,
        );
      }
      await bytes.read(offset, into);
    },
    [Symbol.asyncDispose]: () => bytes[Symbol.asyncDispose](),
  };
}
