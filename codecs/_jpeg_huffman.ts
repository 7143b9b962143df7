/**
 * The bits of a baseline JPEG: coefficients as Huffman codes (ITU-T T.81, annex F).
 * @module
 */
import { AC, type Component, DC, type HuffmanTable, ZIGZAG } from "./_jpeg_tables.ts";

/** Bytes that a block takes at most: 64 codes of 27 bits, every byte stuffed. */
const BLOCK_BYTES = 64 * 27 / 8 * 2 + 16;
const ALL_ZERO = 0x00;
const SIXTEEN_ZEROS = 0xf0;

/** Of each symbol its code, and in the low five bits how many bits that has. */
function codesOf({ counts, symbols }: HuffmanTable): Uint32Array {
  const codes = new Uint32Array(256);
  let [code, next] = [0, 0];
  counts.forEach((count, length) => {
    for (let i = 0; i < count; i++) codes[symbols[next++]] = code++ << 5 | length + 1;
    code <<= 1;
  });
  return codes;
}

const DC_CODES = { luminance: codesOf(DC.luminance), chrominance: codesOf(DC.chrominance) };
const AC_CODES = { luminance: codesOf(AC.luminance), chrominance: codesOf(AC.chrominance) };

/** Gathers bits into bytes; grows as needed. */
export class JpegBits {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  /** Bits that make no byte yet, and how many. */
  #held = 0;
  #count = 0;

  /**
   * Writes one block.
   * @param block Coefficients, divided.
   * @param before The first coefficient of the block before of the same component.
   */
  write(block: Int32Array, before: number, component: Component): void {
    if (this.#length + BLOCK_BYTES > this.#bytes.length) this.#grow();
    const difference = block[0] - before;
    const size = sizeOf(difference);
    this.#code(DC_CODES[component][size]);
    if (size > 0) this.#put(difference < 0 ? difference - 1 & (1 << size) - 1 : difference, size);
    const codes = AC_CODES[component];
    let zeros = 0;
    for (let k = 1; k < 64; k++) {
      const value = block[ZIGZAG[k]];
      if (value === 0) {
        zeros++;
        continue;
      }
      for (; zeros > 15; zeros -= 16) this.#code(codes[SIXTEEN_ZEROS]);
      const size = sizeOf(value);
      this.#code(codes[zeros << 4 | size]);
      this.#put(value < 0 ? value - 1 & (1 << size) - 1 : value, size);
      zeros = 0;
    }
    if (zeros > 0) this.#code(codes[ALL_ZERO]);
  }

  /** All bytes; the last one is filled up with ones. */
  finish(): Uint8Array {
    if (this.#count > 0) this.#put((1 << 8 - this.#count) - 1, 8 - this.#count);
    return this.#bytes.subarray(0, this.#length);
  }

  #code(code: number): void {
    this.#put(code >>> 5, code & 31);
  }

  #put(bits: number, length: number): void {
    // At most 7 bits are held, and 16 come.
    let held = this.#held << length | bits;
    let count = this.#count + length;
    while (count >= 8) {
      count -= 8;
      const byte = held >>> count & 255;
      this.#bytes[this.#length++] = byte;
      if (byte === 255) this.#bytes[this.#length++] = 0;
    }
    held &= (1 << count) - 1;
    this.#held = held;
    this.#count = count;
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Bits that the size of a value needs. */
function sizeOf(value: number): number {
  return 32 - Math.clz32(value < 0 ? -value : value);
}
