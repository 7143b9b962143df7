/**
 * CRC-32C (Castagnoli), the checksum that closes chunks and shard indices of Zarr.
 * @module
 */

/** The polynomial 0x1EDC6F41 of RFC 3720, section 12.1, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 16;

/** Entry `s * 256 + b`: what byte `b` does to the checksum when `s` bytes follow it. */
const TABLE = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    table[byte] = crc;
  }
  for (let i = 256; i < table.length; i++) {
    const crc = table[i - 256];
    table[i] = (crc >>> 8) ^ table[crc & 255];
  }
  return table;
}

/**
 * The CRC-32C of bytes.
 *
 * The rule is that of RFC 3720 (iSCSI), section 12.1, and of the Zarr v3 codec `crc32c`.
 * @param bytes May lie on shared memory.
 * @param before The checksum of the bytes before these, to go on from; 0 at the start.
 * @returns From 0 to 2 ** 32 - 1.
 */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const table = TABLE;
  let crc = ~before;
  let i = 0;
  // Words are read in the machine's order, which is little-endian, as the reversed polynomial wants it.
  const head = bytes.length < 16 ? bytes.length : -bytes.byteOffset & 3;
  for (; i < head; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 255];
  if (i === bytes.length) return ~crc >>> 0;
  const words = new Int32Array(
    bytes.buffer as ArrayBuffer,
    bytes.byteOffset + head,
    (bytes.length - head) >>> 2,
  );
  const end = words.length - (words.length & 3);
  for (let w = 0; w < end; w += 4) {
    const a = words[w] ^ crc, b = words[w + 1], c = words[w + 2], d = words[w + 3];
    crc = table[3840 + (a & 255)] ^ table[3584 + (a >>> 8 & 255)] ^
      table[3328 + (a >>> 16 & 255)] ^ table[3072 + (a >>> 24)] ^
      table[2816 + (b & 255)] ^ table[2560 + (b >>> 8 & 255)] ^
      table[2304 + (b >>> 16 & 255)] ^ table[2048 + (b >>> 24)] ^
      table[1792 + (c & 255)] ^ table[1536 + (c >>> 8 & 255)] ^
      table[1280 + (c >>> 16 & 255)] ^ table[1024 + (c >>> 24)] ^
      table[768 + (d & 255)] ^ table[512 + (d >>> 8 & 255)] ^
      table[256 + (d >>> 16 & 255)] ^ table[d >>> 24];
  }
  for (i += end * 4; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 255];
  return ~crc >>> 0;
}
