/**
 * Writes JPEG images: baseline, grey or RGB with colours in full resolution (ITU-T T.81, JFIF 1.01).
 *
 * Every step is done in the integers of libjpeg, so that files are those of libjpeg-turbo, byte for byte. The package
 * that decodes has an encoder too, but one that writes beyond its memory where a file is larger than its pixels.
 * @module
 */
import { transformBlock } from "./_jpeg_dct.ts";
import { divisorsOf, JpegBits } from "./_jpeg_huffman.ts";
import { AC, type Component, DC, divisors, type HuffmanTable, ZIGZAG } from "./_jpeg_tables.ts";

/** One image to be written. */
export interface JpegImage {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Interleaved samples a pixel: 1 grey, 3 RGB. */
  readonly samples: 1 | 3;
  /** Rows one after the other, samples interleaved; may lie on shared memory. */
  readonly data: Uint8Array;
  /**
   * 1 (smallest) to 100, as libjpeg counts.
   * @default 85
   */
  readonly quality?: number;
}

/** libjpeg's limit for a side of an image. */
export const MOST_JPEG_SIDE = 65500;

/**
 * Encodes one image as a JPEG file: the same image gives the same bytes.
 * @throws {RangeError} If a side is not 1 to 65,500, `data` is not as long as the image, or `quality` is not 1
 * to 100.
 * @example A grey image
 * ```ts
 * import { encodeJpeg } from "./jpeg_encode.ts";
 * import { deepEqual } from "node:assert/strict";
 * const data = new Uint8Array(35).fill(200);
 * const file = encodeJpeg({ width: 7, height: 5, samples: 1, data });
 * deepEqual(file.subarray(0, 4), new Uint8Array([0xff, 0xd8, 0xff, 0xe0]));
 * ```
 */
export function encodeJpeg(image: JpegImage): Uint8Array<ArrayBuffer> {
  const { width, height, samples, quality = 85 } = image;
  check(image, quality);
  const names: readonly Component[] = samples === 1
    ? ["luminance"]
    : ["luminance", "chrominance", "chrominance"];
  const kinds: readonly Component[] = samples === 1 ? ["luminance"] : ["luminance", "chrominance"];
  const tables = names.map((name) => divisors(name, quality));

  const parts = [
    Uint8Array.of(0xff, 0xd8),
    segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    ...kinds.map((_, i) => segment(0xdb, [i, ...Array.from(ZIGZAG, (at) => tables[i][at])])),
    segment(0xc0, [
      8,
      ...[height >> 8, height & 255, width >> 8, width & 255],
      samples,
      ...names.flatMap((_, i) => [i + 1, 0x11, Math.min(i, 1)]),
    ]),
    ...kinds.flatMap((kind, i) => [huffman(i, DC[kind]), huffman(0x10 | i, AC[kind])]),
    segment(0xda, [samples, ...names.flatMap((_, i) => [i + 1, 0x11 * Math.min(i, 1)]), 0, 63, 0]),
    encodePixels(image, names, tables),
    Uint8Array.of(0xff, 0xd9),
  ];
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function segment(marker: number, body: readonly number[]): Uint8Array {
  const length = body.length + 2;
  return Uint8Array.of(0xff, marker, length >> 8, length & 255, ...body);
}

function huffman(id: number, { counts, symbols }: HuffmanTable): Uint8Array {
  return segment(0xc4, [id, ...counts, ...symbols]);
}

/** Codes blocks of eight by eight, row by row, the components of each one after the other. */
function encodePixels(
  { width, height, samples, data }: JpegImage,
  names: readonly Component[],
  tables: readonly Uint8Array[],
): Uint8Array {
  const bits = new JpegBits();
  const blocks = names.map(() => new Int32Array(64));
  const before = names.map(() => 0);
  const scaled = tables.map(divisorsOf);
  for (let y = 0; y < height; y += 8) {
    for (let x = 0; x < width; x += 8) {
      if (samples === 1) loadGrey(data, width, height, x, y, blocks[0]);
      else loadColours(data, width, height, x, y, blocks);
      for (let i = 0; i < samples; i++) {
        const block = blocks[i];
        transformBlock(block);
        before[i] = bits.write(block, before[i], names[i], scaled[i]);
      }
    }
  }
  return bits.finish();
}

/** Takes a block of samples; beyond the edges of an image it goes on as its last row and column. */
function loadGrey(
  data: Uint8Array,
  width: number,
  height: number,
  x: number,
  y: number,
  block: Int32Array,
): void {
  const inside = Math.min(8, width - x);
  for (let row = 0; row < 8; row++) {
    const from = Math.min(y + row, height - 1) * width + x;
    const to = 8 * row;
    for (let i = 0; i < inside; i++) block[to + i] = data[from + i] - 128;
    for (let i = inside; i < 8; i++) block[to + i] = block[to + inside - 1];
  }
}

/** As {@linkcode loadGrey}, from RGB to brightness and two hues, with 16 bits behind the point. */
function loadColours(
  data: Uint8Array,
  width: number,
  height: number,
  x: number,
  y: number,
  [luma, blue, red]: readonly Int32Array[],
): void {
  for (let row = 0; row < 8; row++) {
    const from = Math.min(y + row, height - 1) * width;
    for (let i = 0; i < 8; i++) {
      const at = 3 * (from + Math.min(x + i, width - 1));
      const r = data[at], g = data[at + 1], b = data[at + 2];
      const to = 8 * row + i;
      luma[to] = (19595 * r + 38470 * g + 7471 * b + 32768 >> 16) - 128;
      blue[to] = -11059 * r - 21709 * g + 32768 * b + 32767 >> 16;
      red[to] = 32768 * r - 27439 * g - 5329 * b + 32767 >> 16;
    }
  }
}

function check({ width, height, samples, data }: JpegImage, quality: number): void {
  for (const [name, side] of [["width", width], ["height", height]] as const) {
    if (!Number.isInteger(side) || side < 1 || side > MOST_JPEG_SIDE) {
      throw new RangeError(
        `Cannot write an image of ${width} x ${height} as a JPEG: its ${name} must be 1 to ` +
          `${MOST_JPEG_SIDE}; write tiles`,
      );
    }
  }
  if (data.length !== width * height * samples) {
    throw new RangeError(
      `Cannot write ${data.length} bytes as a JPEG of ${width} x ${height} pixels of ${samples} bytes: ` +
        `it needs ${width * height * samples}`,
    );
  }
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) {
    throw new RangeError(`Cannot write a JPEG of quality ${quality}: qualities are 1 to 100`);
  }
}
