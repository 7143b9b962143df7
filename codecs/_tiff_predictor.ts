/**
 * Undoes what was done to the rows of a block before it was packed: differences between neighbours
 * (predictor 2), the split of floats into planes of bytes (predictor 3, Adobe's Photoshop TIFF
 * Technical Note 3), and a foreign byte order.
 * @module
 */
import { swapBytes } from "./_tiff_swap.ts";

/** How the samples of a row lie. */
export interface RowLayout {
  readonly predictor: 1 | 2 | 3;
  readonly little: boolean;
  readonly sampleBytes: number;
  /** Samples a pixel that lie side by side. */
  readonly samples: number;
  readonly rowBytes: number;
}

/**
 * Turns whole rows into little-endian samples, in place.
 * @param rows Starts at a multiple of the size of a sample in its buffer.
 */
export function finishRows(rows: Uint8Array, layout: RowLayout): void {
  const { predictor, little, sampleBytes, samples, rowBytes } = layout;
  if (predictor === 3) return joinFloats(rows, samples, rowBytes);
  // Differences were taken between numbers, not between bytes: the order of bytes comes first.
  if (!little) swapBytes(rows, sampleBytes);
  if (predictor === 1) return;
  const { buffer, byteOffset } = rows;
  const [count, width] = [rows.length / sampleBytes, rowBytes / sampleBytes];
  switch (sampleBytes) {
    case 1:
      return addUp8(rows, samples, width);
    case 2:
      return addUp16(new Uint16Array(buffer, byteOffset, count), samples, width);
    case 4:
      return addUp32(new Uint32Array(buffer, byteOffset, count), samples, width);
    default:
      return addUp64(rows, samples, rowBytes);
  }
}

// The same three times: a loop that meets arrays of several types runs at half the rate.

function addUp8(values: Uint8Array, samples: number, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    if (samples === 1) {
      for (let index = start, sum = 0; index < start + width; index++) {
        sum = sum + values[index] | 0;
        values[index] = sum;
      }
    } else {
      for (let index = start + samples; index < start + width; index++) {
        values[index] += values[index - samples];
      }
    }
  }
}

function addUp16(values: Uint16Array, samples: number, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    if (samples === 1) {
      for (let index = start, sum = 0; index < start + width; index++) {
        sum = sum + values[index] | 0;
        values[index] = sum;
      }
    } else {
      for (let index = start + samples; index < start + width; index++) {
        values[index] += values[index - samples];
      }
    }
  }
}

function addUp32(values: Uint32Array, samples: number, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    for (let index = start + samples; index < start + width; index++) {
      values[index] += values[index - samples];
    }
  }
}

function addUp64(rows: Uint8Array, samples: number, rowBytes: number): void {
  const words = new Uint32Array(rows.buffer, rows.byteOffset, rows.byteLength / 4);
  const width = rowBytes / 4;
  for (let start = 0; start < words.length; start += width) {
    for (let low = start + samples * 2; low < start + width; low += 2) {
      const sum = words[low] + words[low - samples * 2];
      words[low] = sum;
      words[low + 1] += words[low + 1 - samples * 2] + (sum > 0xffff_ffff ? 1 : 0);
    }
  }
}

function joinFloats(rows: Uint8Array, samples: number, rowBytes: number): void {
  const row = new Uint8Array(rowBytes);
  const width = rowBytes / 4;
  for (let start = 0; start < rows.length; start += rowBytes) {
    row.set(rows.subarray(start, start + rowBytes));
    for (let index = samples; index < rowBytes; index++) row[index] += row[index - samples];
    for (let index = 0, to = start; index < width; index++, to += 4) {
      rows[to] = row[3 * width + index];
      rows[to + 1] = row[2 * width + index];
      rows[to + 2] = row[width + index];
      rows[to + 3] = row[index];
    }
  }
}

/**
 * Spreads samples of 1, 2 or 4 bits over a byte each; every row starts at a byte.
 * @param width Samples in a row.
 * @param factor What each value is multiplied by.
 */
export function spreadBits(
  rows: Uint8Array,
  bits: number,
  width: number,
  factor: number,
): Uint8Array {
  const rowBytes = Math.ceil(width * bits / 8);
  const spread = new Uint8Array(rows.length / rowBytes * width);
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  for (let start = 0, to = 0; start < rows.length; start += rowBytes) {
    for (let index = 0; index < width; index++, to++) {
      const byte = rows[start + Math.floor(index / perByte)];
      spread[to] = (byte >>> 8 - bits * (index % perByte + 1) & mask) * factor;
    }
  }
  return spread;
}
