/** The checksum of HDF5's metadata: Bob Jenkins' lookup3, `hashlittle`, begun with 0. */
import { Hdf5Fault } from "./_hdf5_cursor.ts";

/** Checks the four bytes that close a block. @throws {Hdf5Fault} If they do not fit. */
export function checkBlock(bytes: Uint8Array, what: string, address: number): void {
  const end = bytes.length - 4;
  const found = end < 0
    ? undefined
    : new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
  if (found !== lookup3(bytes.subarray(0, Math.max(0, end)))) {
    throw new Hdf5Fault(`the checksum of ${what} at byte ${address} does not fit`);
  }
}

/** The checksum of some bytes. */
export function lookup3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let a = 0xdeadbeef + bytes.length | 0, b = a, c = a;
  let at = 0;
  for (; bytes.length - at > 12; at += 12) {
    a = a + view.getInt32(at, true) | 0;
    b = b + view.getInt32(at + 4, true) | 0;
    c = c + view.getInt32(at + 8, true) | 0;
    a = a - c ^ rotate(c, 4), c = c + b | 0;
    b = b - a ^ rotate(a, 6), a = a + c | 0;
    c = c - b ^ rotate(b, 8), b = b + a | 0;
    a = a - c ^ rotate(c, 16), c = c + b | 0;
    b = b - a ^ rotate(a, 19), a = a + c | 0;
    c = c - b ^ rotate(b, 4), b = b + a | 0;
  }
  if (at === bytes.length) return c >>> 0;
  const tail = [0, 0, 0];
  for (let i = 0; at + i < bytes.length; i++) tail[i >> 2] |= bytes[at + i] << 8 * (i & 3);
  a = a + tail[0] | 0, b = b + tail[1] | 0, c = c + tail[2] | 0;
  c = (c ^ b) - rotate(b, 14) | 0;
  a = (a ^ c) - rotate(c, 11) | 0;
  b = (b ^ a) - rotate(a, 25) | 0;
  c = (c ^ b) - rotate(b, 16) | 0;
  a = (a ^ c) - rotate(c, 4) | 0;
  b = (b ^ a) - rotate(a, 14) | 0;
  c = (c ^ b) - rotate(b, 24) | 0;
  return c >>> 0;
}

function rotate(value: number, bits: number): number {
  return value << bits | value >>> 32 - bits;
}
