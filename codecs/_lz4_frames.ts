/**
 * LZ4 blocks as array formats wrap them.
 *
 * numcodecs puts the size of what comes out before one block; lz4-java writes many, each behind a header of its own.
 */
import { xxHash32 } from "npm:js-xxhash@5.0.1";
import { decompressLz4 } from "./_lz4.ts";
import { ChunkError, wrongSize } from "./chunk_error.ts";

/** One block behind its size (uint32, little-endian), as numcodecs writes it. */
export function decompressSizedLz4(bytes: Uint8Array, most: number): Uint8Array {
  if (bytes.length < 4) throw new SyntaxError("it ends within its header");
  const size = viewData(bytes).getUint32(0, true);
  if (size > most) throw wrongSize("lz4", most, size);
  return decompressBlock(bytes.subarray(4), new Uint8Array(size));
}

const MAGIC = new TextEncoder().encode("LZ4Block");
const HEADER_BYTES = 21;
const SEED = 0x9747b28c;
/** lz4-java keeps 28 bits of the checksum. */
const CHECKSUM_BITS = 0x0fffffff;
const STORED = 0x10, PACKED = 0x20;

/**
 * Blocks of lz4-java: "LZ4Block", a token, packed and plain size, a checksum, the block; the last is empty. Bytes that
 * do not begin so are one bare block, as z5 writes it.
 */
export function decompressLz4Blocks(bytes: Uint8Array, most: number): Uint8Array {
  const plain = new Uint8Array(most);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    return plain.subarray(0, decompressLz4(bytes, plain));
  }
  const view = viewData(bytes);
  let at = 0;
  let made = 0;
  while (at < bytes.length) {
    if (at + HEADER_BYTES > bytes.length) throw new SyntaxError("it ends within a header");
    if (MAGIC.some((byte, i) => bytes[at + i] !== byte)) {
      throw new SyntaxError(`no block begins at byte ${at}`);
    }
    const method = bytes[at + 8] & 0xf0;
    const packed = view.getUint32(at + 9, true);
    const size = view.getUint32(at + 13, true);
    const sum = view.getUint32(at + 17, true);
    at += HEADER_BYTES;
    if (size === 0) continue;
    if (size > most - made) throw wrongSize("lz4", most, "more");
    if (packed > bytes.length - at) throw new SyntaxError("it ends within a block");
    const block = bytes.subarray(at, at + packed);
    const into = plain.subarray(made, made + size);
    if (method === PACKED) decompressBlock(block, into);
    else if (method === STORED && packed === size) into.set(block);
    else {throw new SyntaxError(
        `the header of the block at byte ${at - HEADER_BYTES} makes no sense`,
      );}
    if ((xxHash32(into, SEED) & CHECKSUM_BITS) >>> 0 !== sum) {
      throw new ChunkError("the checksum of an LZ4 block does not fit its bytes", "checksum");
    }
    at += packed;
    made += size;
  }
  return plain.subarray(0, made);
}

/** Decompresses a block that must fill `into`. */
function decompressBlock(block: Uint8Array, into: Uint8Array): Uint8Array {
  const made = into.length === 0 ? 0 : decompressLz4(block, into);
  if (made !== into.length) throw new SyntaxError(`a block gives ${made} of ${into.length} bytes`);
  return into;
}

function viewData({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
