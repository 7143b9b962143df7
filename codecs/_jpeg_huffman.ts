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

/** What coefficients times eight are divided by, in the order in which they are written. */
export interface Divisors {
  readonly halves: Int32Array;
  readonly inverses: Float64Array;
}

/** Divisors out of those of a table, row by row. */
export function divisorsOf(table: Uint8Array): Divisors {
  const ordered = Array.from(ZIGZAG, (at) => 8 * table[at]);
  return {
    halves: Int32Array.from(ordered, (divisor) => divisor / 2),
    inverses: Float64Array.from(ordered, (divisor) => 1 / divisor),
  };
}

/** To the nearest, halves away from 0. */
function divide(value: number, half: number, inverse: number): number {
  // The half more keeps whole quotients from falling short of themselves.
  return value < 0 ? -((half - value + 0.5) * inverse | 0) : (half + value + 0.5) * inverse | 0;
}

/** Gathers bits into bytes; grows as needed. */
export class JpegBits {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  /** The low bits of this, up to 15, make no bytes yet. */
  #held = 0;
  #count = 0;

  /**
   * Divides the coefficients of one block, and writes them.
   * @param block Coefficients times eight.
   * @param before The first coefficient of the block before of the same component, divided.
   * @returns The first coefficient, divided.
   */
  write(block: Int32Array, before: number, component: Component, divisors: Divisors): number {
    if (this.#length + BLOCK_BYTES > this.#bytes.length) this.#grow();
    const { halves, inverses } = divisors;
    const first = divide(block[0], halves[0], inverses[0]);
    const difference = first - before;
    const size = sizeOf(difference);
    this.#put(DC_CODES[component][size]);
    if (size > 0) this.#put(valueCode(difference, size));
    const codes = AC_CODES[component];
    let zeros = 0;
    for (let k = 1; k < 64; k++) {
      const product = block[ZIGZAG[k]];
      const half = halves[k];
      if (product < half && product > -half) {
        zeros++;
        continue;
      }
      const value = divide(product, half, inverses[k]);
      for (; zeros > 15; zeros -= 16) this.#put(codes[SIXTEEN_ZEROS]);
      const size = sizeOf(value);
      this.#put(codes[zeros << 4 | size]);
      this.#put(valueCode(value, size));
      zeros = 0;
    }
    if (zeros > 0) this.#put(codes[ALL_ZERO]);
    return first;
  }

  /** All bytes; the last one is filled up with ones. */
  finish(): Uint8Array {
    if (this.#length + BLOCK_BYTES > this.#bytes.length) this.#grow();
    const missing = -this.#count & 7;
    this.#put((1 << missing) - 1 << 5 | missing);
    if (this.#count === 8) this.#byte(this.#held & 255);
    return this.#bytes.subarray(0, this.#length);
  }

  /** Adds a code of up to 16 bits, as {@linkcode codesOf} has them. */
  #put(code: number): void {
    const held = this.#held << (code & 31) | code >>> 5;
    let count = this.#count + (code & 31);
    if (count >= 16) {
      count -= 16;
      this.#byte(held >>> count + 8 & 255);
      this.#byte(held >>> count & 255);
    }
    this.#held = held;
    this.#count = count;
  }

  #byte(byte: number): void {
    this.#bytes[this.#length++] = byte;
    if (byte === 255) this.#bytes[this.#length++] = 0;
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

/** The bits of a value of this size, as a code. */
function valueCode(value: number, size: number): number {
  return (value < 0 ? value - 1 & (1 << size) - 1 : value) << 5 | size;
}
