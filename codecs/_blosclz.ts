/**
 * Reading of BloscLZ, the default compressor of Blosc 1: runs of literals and matches like FastLZ's.
 * @module
 */
import { copyMatch } from "./_lz_match.ts";

/** Distances from here on take two more bytes. */
const FAR = 8191;

/**
 * Decompresses a block.
 * @returns Bytes made, all of them in `to`.
 * @throws {SyntaxError} If it is no BloscLZ block, or makes more than `to` holds.
 */
export function decompressBloscLz(from: Uint8Array, to: Uint8Array): number {
  let i = 0;
  let out = 0;
  // The first control byte always begins literals; its upper bits tell the version.
  let control = from[i++] & 31;
  while (true) {
    if (control < 32) {
      const literals = control + 1;
      if (!(i + literals <= from.length && out + literals <= to.length)) throw broken();
      for (let k = 0; k < literals; k++) to[out++] = from[i++];
    } else {
      let length = (control >> 5) + 2;
      if (length === 9) {
        let more;
        do length += more = from[i++]; while (more === 255);
      }
      const low = from[i++];
      let distance = ((control & 31) << 8) + low + 1;
      if (distance === FAR + 1) {
        distance = (from[i] << 8) + from[i + 1] + FAR + 1;
        i += 2;
      }
      if (!(i <= from.length && distance <= out && out + length <= to.length)) throw broken();
      out = copyMatch(to, out, distance, length);
    }
    if (i >= from.length) return out;
    control = from[i++];
  }
}

function broken(): SyntaxError {
  return new SyntaxError("the BloscLZ block is broken");
}
