/**
 * LZ4 blocks, after the LZ4 block format description: sequences of a token, literals and a match.
 * @module
 */
import { copyMatch } from "./_lz_match.ts";

const HASH_BITS = 13;
const positions = new Int32Array(1 << HASH_BITS);
/** No match begins in the last 12 bytes of a block, and its last 5 are literals: the format asks for it. */
const MATCH_LIMIT = 12;
const LAST_LITERALS = 5;
const MAX_DISTANCE = 65535;

/**
 * Compresses a block with one pass and one candidate a position.
 * @param from The block.
 * @param to Takes the sequences from `at` on.
 * @param room Bytes it may use there.
 * @param acceleration 1 and up: how eagerly it skips where nothing repeats.
 * @returns Bytes used, or 0 where they would not fit.
 */
export function compressLz4(
  from: Uint8Array,
  to: Uint8Array,
  at: number,
  room: number,
  acceleration: number,
): number {
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
  const table = positions.fill(-1);
  const matchEnd = from.length - MATCH_LIMIT;
  const copyEnd = from.length - LAST_LITERALS;
  const limit = at + room;
  let out = at;
  let anchor = 0;
  let i = 0;
  let misses = 0;
  while (i < matchEnd) {
    const word = view.getInt32(i, true);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    let match = table[slot];
    table[slot] = i;
    if (match < 0 || i - match > MAX_DISTANCE || view.getInt32(match, true) !== word) {
      // The two next positions are always tried, then ever fewer.
      i += misses++ < 2 ? 1 : acceleration + (misses >> 6);
      continue;
    }
    while (i > anchor && match > 0 && from[i - 1] === from[match - 1]) i--, match--;
    let end = i + 4;
    const distance = i - match;
    while (end < copyEnd - 4 && view.getInt32(end, true) === view.getInt32(end - distance, true)) {
      end += 4;
    }
    while (end < copyEnd && from[end] === from[end - distance]) end++;
    const literals = i - anchor;
    const length = end - i - 4;
    // Token, literals, distance, both lengths in the worst case, and room for the last sequence's token.
    if (out + literals + (literals >> 7) + (length >> 7) + 8 > limit) return 0;
    to[out++] = Math.min(literals, 15) << 4 | Math.min(length, 15);
    if (literals >= 15) out = writeLength(to, out, literals - 15);
    if (literals > 64) {
      to.set(from.subarray(anchor, i), out);
      out += literals;
    } else {
      for (let k = anchor; k < i; k++) to[out++] = from[k];
    }
    to[out++] = distance & 255;
    to[out++] = distance >> 8;
    if (length >= 15) out = writeLength(to, out, length - 15);
    if (end - 2 > i && end < matchEnd) {
      table[Math.imul(view.getInt32(end - 2, true), 0x9e3779b1) >>> (32 - HASH_BITS)] = end - 2;
    }
    i = anchor = end;
    misses = 0;
  }
  const literals = from.length - anchor;
  if (out + literals + (literals >> 7) + 2 > limit) return 0;
  to[out++] = Math.min(literals, 15) << 4;
  if (literals >= 15) out = writeLength(to, out, literals - 15);
  to.set(from.subarray(anchor), out);
  return out + literals - at;
}

function writeLength(to: Uint8Array, at: number, length: number): number {
  let rest = length;
  for (; rest >= 255; rest -= 255) to[at++] = 255;
  to[at++] = rest;
  return at;
}

/**
 * Decompresses a block.
 * @returns Bytes made, all of them in `to`.
 * @throws {SyntaxError} If it is no LZ4 block, or makes more than `to` holds.
 */
export function decompressLz4(from: Uint8Array, to: Uint8Array): number {
  let i = 0;
  let out = 0;
  while (i < from.length) {
    const token = from[i++];
    let literals = token >> 4;
    if (literals === 15) {
      let more;
      do literals += more = from[i++]; while (more === 255);
    }
    if (!(i + literals <= from.length && out + literals <= to.length)) throw broken();
    if (literals > 64) {
      to.set(from.subarray(i, i + literals), out);
      i += literals;
      out += literals;
    } else {
      for (let k = 0; k < literals; k++) to[out++] = from[i++];
    }
    if (i === from.length) return out;
    const distance = from[i] | from[i + 1] << 8;
    i += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more;
      do length += more = from[i++]; while (more === 255);
    }
    if (!(i <= from.length && distance > 0 && distance <= out && out + length <= to.length)) {
      throw broken();
    }
    out = copyMatch(to, out, distance, length);
  }
  throw broken();
}

function broken(): SyntaxError {
  return new SyntaxError("the LZ4 block is broken");
}
