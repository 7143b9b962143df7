/**
 * Turns the unfiltered bytes of a PNG row into samples.
 * @module
 */
import { brokenPng } from "./_png_chunks.ts";
import type { PngHeader } from "./_png_header.ts";
import { swapBytes } from "./_tiff_swap.ts";

/** Writes the samples of `pixels` pixels whose bytes start at `at` in `data`, from `outAt` on in `out`. */
export type UnpackRow = (
  data: Uint8Array,
  at: number,
  pixels: number,
  out: Uint8Array,
  outAt: number,
) => void;

/**
 * How rows of this image are unpacked: samples of 8 bits as they are, of 16 bits in little-endian order, of
 * fewer bits spread over 0 to 255 (x 255, x 85, x 17), indices of a palette as its colours.
 */
export function rowUnpacker({ bitDepth, palette, header: { samples } }: PngHeader): UnpackRow {
  if (palette !== undefined) return colours(bitDepth, palette, samples);
  if (bitDepth < 8) {
    const scale = 255 / ((1 << bitDepth) - 1);
    return (data, at, pixels, out, outAt) => {
      for (let i = 0; i < pixels; i++) out[outAt + i] = packed(data, at, i, bitDepth) * scale;
    };
  }
  const pixelBytes = samples * bitDepth / 8;
  return (data, at, pixels, out, outAt) => {
    out.set(data.subarray(at, at + pixels * pixelBytes), outAt);
    if (bitDepth === 16) swapBytes(out.subarray(outAt, outAt + pixels * pixelBytes), 2);
  };
}

function colours(bitDepth: number, palette: Uint8Array, samples: number): UnpackRow {
  return (data, at, pixels, out, outAt) => {
    for (let i = 0; i < pixels; i++) {
      const from = packed(data, at, i, bitDepth) * samples;
      if (from >= palette.length) {
        throw brokenPng(
          `a pixel has colour ${from / samples} of a palette of ${palette.length / samples}`,
          "write it again from its source",
        );
      }
      for (let s = 0; s < samples; s++) out[outAt + i * samples + s] = palette[from + s];
    }
  };
}

/** Sample `i` of a row that starts at `at`, of 1, 2, 4 or 8 bits, the first in the highest bits. */
function packed(data: Uint8Array, at: number, i: number, bits: number): number {
  const bit = i * bits;
  return data[at + (bit >> 3)] >> (8 - bits - (bit & 7)) & (1 << bits) - 1;
}
