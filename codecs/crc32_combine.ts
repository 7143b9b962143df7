/**
 * The CRC-32 of two stretches of bytes, from that of each.
 * @module
 */

/** The polynomial of RFC 1952, its bits reversed. */
const POLYNOMIAL = 0xedb88320;

/**
 * Multiplies two polynomials modulo that of the CRC-32; the highest power is the lowest bit.
 */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 31; bit >= 0; bit--) {
    if (a >>> bit & 1) product ^= b;
    b = b & 1 ? b >>> 1 ^ POLYNOMIAL : b >>> 1;
  }
  return product >>> 0;
}

/**
 * The CRC-32 of some bytes with others behind them.
 * @param first That of the bytes in front.
 * @param second That of the bytes behind.
 * @param length How many there are behind.
 * @example A header that is known last
 * ```ts
 * import { crc32Combine } from "./crc32_combine.ts";
 * import { crc32 } from "node:zlib";
 * import { equal } from "node:assert/strict";
 * equal(crc32Combine(crc32("head"), crc32("body"), 4), crc32("headbody"));
 * ```
 */
export function crc32Combine(first: number, second: number, length: number): number {
  // Bytes behind shift those in front by 8 powers each: x^(8 * length), by squaring.
  let shift = 0x80000000;
  let power = 0x00800000;
  for (let rest = length; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shift = multiply(shift, power);
    power = multiply(power, power);
  }
  return (multiply(shift, first) ^ second) >>> 0;
}
