/**
 * MurmurHash3_x86_128 of eight bytes, as shards use it.
 *
 * Source of the rule: Austin Appleby's MurmurHash3, public domain; seed 0.
 * @module
 */

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;

/** The low eight bytes of the hash of a number's eight bytes, both little-endian. */
export function murmurHash(key: bigint): bigint {
  // The rest after whole blocks of 16 bytes: the first four bytes go to h1, the next to h2.
  const low = Number(key & 0xffff_ffffn);
  const high = Number(key >> 32n & 0xffff_ffffn);
  let h1 = Math.imul(rotate(Math.imul(low, C1), 15), C2);
  let h2 = Math.imul(rotate(Math.imul(high, C2), 16), C3);
  let h3 = 0;
  let h4 = 0;
  h1 ^= 8;
  h2 ^= 8;
  h3 ^= 8;
  h4 ^= 8;
  h1 = h1 + h2 + h3 + h4 | 0;
  h2 = h2 + h1 | 0;
  h3 = h3 + h1 | 0;
  h4 = h4 + h1 | 0;
  h1 = mix(h1);
  h2 = mix(h2);
  h3 = mix(h3);
  h4 = mix(h4);
  h1 = h1 + h2 + h3 + h4 | 0;
  h2 = h2 + h1 | 0;
  return BigInt(h2 >>> 0) << 32n | BigInt(h1 >>> 0);
}

function rotate(value: number, bits: number): number {
  return value << bits | value >>> 32 - bits;
}

function mix(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}
