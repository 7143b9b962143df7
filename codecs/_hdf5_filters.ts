/** Filters that HDF5 alone has: its checksum, LZF as h5py writes it, LZ4 in blocks. */
import { decompressLz4 } from "./_lz4.ts";
import { copyMatch } from "./_lz_match.ts";
import { ChunkError, wrongSize } from "./chunk_error.ts";

/** The bytes before the four of HDF5's Fletcher checksum, which must be theirs. */
export function checkFletcher32(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) {
    throw new ChunkError(`it is cut short: its ${bytes.length} bytes are no checksum`, "checksum");
  }
  const body = bytes.subarray(0, -4);
  const stored = new DataView(bytes.buffer, bytes.byteOffset + body.length).getUint32(0, true);
  const found = fletcher32(body);
  // Writers before HDF5 1.6.3 turned the bytes of each half round.
  const turned = (found & 0x00ff00ff) << 8 | found >>> 8 & 0x00ff00ff;
  if (stored === found || stored === turned >>> 0) return body;
  throw new ChunkError("its Fletcher checksum does not fit its bytes", "checksum");
}

/** Sums stay below 2^32 for so many numbers of 16 bits. */
const SUMMED = 360;

/** The checksum: over numbers of 16 bits, the high byte first. */
function fletcher32(bytes: Uint8Array): number {
  const even = bytes.length - bytes.length % 2;
  let low = 0, high = 0;
  for (let at = 0; at < even;) {
    for (const end = Math.min(even, at + 2 * SUMMED); at < end; at += 2) {
      low += bytes[at] << 8 | bytes[at + 1];
      high += low;
    }
    low = (low & 0xffff) + (low >>> 16);
    high = (high & 0xffff) + (high >>> 16);
  }
  if (even < bytes.length) {
    low += bytes[even] << 8;
    high += low;
    low = (low & 0xffff) + (low >>> 16);
    high = (high & 0xffff) + (high >>> 16);
  }
  low = (low & 0xffff) + (low >>> 16);
  high = (high & 0xffff) + (high >>> 16);
  return (high << 16 | low) >>> 0;
}

/** LibLZF: runs of up to 32 bytes as they are, and matches of 3 and more up to 8192 before. */
export function decompressLzf(bytes: Uint8Array, most: number): Uint8Array {
  const plain = new Uint8Array(most);
  let made = 0;
  for (let at = 0; at < bytes.length;) {
    const control = bytes[at++];
    if (control < 32) {
      const end = at + control + 1;
      if (end > bytes.length) throw new SyntaxError("it ends within a run");
      if (made + control + 1 > most) throw wrongSize("lzf", most, "more");
      plain.set(bytes.subarray(at, end), made);
      made += control + 1;
      at = end;
      continue;
    }
    const length = 2 + (control < 0xe0 ? control >> 5 : 7 + bytes[at++]);
    const distance = ((control & 31) << 8 | bytes[at++]) + 1;
    // Bytes that are not there make these no number.
    if (!(at <= bytes.length && distance <= made)) throw new SyntaxError("a match has no source");
    if (made + length > most) throw wrongSize("lzf", most, "more");
    made = copyMatch(plain, made, distance, length);
  }
  return plain.subarray(0, made);
}

/** Blocks behind one header (plain size as 8 bytes, that of a block as 4), each behind its packed size; big-endian. */
export function decompressHdf5Lz4(bytes: Uint8Array, most: number): Uint8Array {
  if (bytes.length < 12) throw new SyntaxError("it ends within its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  const blockBytes = Math.min(view.getUint32(8), size);
  if (size > most) throw wrongSize("lz4", most, size);
  if (blockBytes === 0 && size > 0) throw new SyntaxError("its blocks are empty");
  const plain = new Uint8Array(size);
  for (let made = 0, at = 12; made < size; made += blockBytes) {
    const into = plain.subarray(made, made + blockBytes);
    if (at + 4 > bytes.length) throw new SyntaxError("it ends between blocks");
    const packed = view.getUint32(at);
    const block = bytes.subarray(at + 4, at + 4 + packed);
    if (block.length !== packed) throw new SyntaxError("it ends within a block");
    if (packed === into.length) into.set(block);
    else if (decompressLz4(block, into) !== into.length) {
      throw new SyntaxError("a block gives too few bytes");
    }
    at += 4 + packed;
  }
  return plain;
}
