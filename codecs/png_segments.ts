/**
 * Writes grey PNG images in segments of rows that know nothing of each other, so that many threads make one image and
 * nobody holds it whole (PNG specification, third edition; RFC 1950 and 1951).
 *
 * A segment is deflated alone and ends at a byte boundary (a sync flush); its first row is filtered without the row
 * above it. Segments one after the other are one deflate stream, and their checksums add up to its own.
 * @module
 */
import { constants, crc32, deflateRawSync } from "node:zlib";
import { toNanometres, type VoxelSize } from "../core/units.ts";
import { COLOUR, SIGNATURE } from "./_png_header.ts";
import { writePixelSize } from "./_png_pixel_size.ts";

/** What a grey PNG is. */
export interface GreyPng {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Type of a pixel. */
  readonly dtype: "uint8" | "uint16";
  /** Edge lengths of a pixel; z has no place in a PNG. */
  readonly pixelSize?: VoxelSize;
}

/** Some whole rows, deflated. */
export interface PngSegment {
  /** What is stored, on memory of its own. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Adler-32 of the filtered rows, */
  readonly adler: number;
  /** and how many bytes they are. */
  readonly length: number;
}

const LEVEL = 6;
const SAMPLE_BYTES = 16384;
const ADLER_BASE = 65521;
/** So many bytes add up without passing 32 bits. */
const ADLER_RUN = 5552;

interface Way {
  /** PNG's filter types: 0 None, 3 Average. */
  readonly filter: 0 | 3;
  readonly strategy: number;
}

const NOISE: Way = { filter: 3, strategy: constants.Z_RLE };
const LABELS: Way = { filter: 0, strategy: constants.Z_DEFAULT_STRATEGY };

/**
 * Filters and deflates rows: averaged neighbours where that makes a sample of them small, else none.
 * @param rows Rows one after the other, little-endian; may lie on shared memory.
 */
export function encodePngSegment(rows: Uint8Array | Uint16Array, width: number): PngSegment {
  const pixelBytes = rows.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const rowBytes = width * pixelBytes;
  const few = Math.max(2, Math.ceil(SAMPLE_BYTES / rowBytes)) * rowBytes;
  const [noise, labels] = [NOISE, LABELS].map((way) =>
    deflate(filterRows(bytes.subarray(0, few), rowBytes, pixelBytes, way.filter), way).length
  );
  const way = noise <= 1.01 * labels ? NOISE : LABELS;
  const filtered = filterRows(bytes, rowBytes, pixelBytes, way.filter);
  return {
    // slice() of what zlib gives copies nothing, and short ones share their memory: no thread can hand them on.
    bytes: new Uint8Array(deflate(filtered, way)),
    adler: adler32(filtered),
    length: filtered.length,
  };
}

/** Whether a PNG can say that pixels are so large: from 0.47 nm to 1 m. */
export function fitsPng({ x, y, unit }: VoxelSize): boolean {
  return [x, y].every((edge) => {
    const perMetre = Math.round(1e9 / toNanometres(edge, unit));
    return perMetre >= 1 && perMetre <= 0x7fff_ffff;
  });
}

/** Everything before the first segment. */
export function encodePngHead({ width, height, dtype, pixelSize }: GreyPng): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([dtype === "uint16" ? 16 : 8, COLOUR.grey], 8);
  return concat([
    SIGNATURE,
    pngChunk("IHDR", header),
    ...(pixelSize === undefined ? [] : [pngChunk("pHYs", writePixelSize(pixelSize))]),
    // The header of the zlib stream: deflate, a window of 32 kB.
    pngChunk("IDAT", new Uint8Array([0x78, 0x9c])),
  ]);
}

/** Everything after the last segment. */
export function encodePngTail(adler: number): Uint8Array {
  const end = new Uint8Array([3, 0, 0, 0, 0, 0]);
  new DataView(end.buffer).setUint32(2, adler);
  return concat([pngChunk("IDAT", end), pngChunk("IEND", new Uint8Array(0))]);
}

/** One chunk: length, type, data, CRC. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** Adler-32 of bytes; 1 for none. */
export function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + ADLER_RUN);
    for (; at < end; at++) {
      a += bytes[at];
      b += a;
    }
    a %= ADLER_BASE;
    b %= ADLER_BASE;
  }
  return (b << 16 | a) >>> 0;
}

/** Adler-32 of two runs of bytes, of which the second has `length` bytes. */
export function joinAdler(first: number, second: number, length: number): number {
  const [a, b] = [first & 0xffff, first >>> 16];
  const joined = (b + (second >>> 16) + (length % ADLER_BASE) * (a + ADLER_BASE - 1)) % ADLER_BASE;
  return (joined << 16 | (a + (second & 0xffff) + ADLER_BASE - 1) % ADLER_BASE) >>> 0;
}

function deflate(filtered: Uint8Array, { strategy }: Way): Uint8Array {
  const chunkSize = filtered.length + (filtered.length >> 8) + 1024;
  const finishFlush = constants.Z_SYNC_FLUSH;
  return deflateRawSync(filtered, { level: LEVEL, strategy, chunkSize, finishFlush });
}

function filterRows(
  data: Uint8Array,
  rowBytes: number,
  pixelBytes: number,
  filter: Way["filter"],
): Uint8Array {
  // PNG is big-endian.
  const swap = pixelBytes - 1;
  const filtered = new Uint8Array(data.length + Math.ceil(data.length / rowBytes));
  for (let from = 0, to = 1; from < data.length; from += rowBytes, to += rowBytes + 1) {
    const up = from - rowBytes;
    // The first row has none above it in this segment: 1 Sub looks to the left alone.
    const type = filter === 0 ? 0 : up < 0 ? 1 : 3;
    filtered[to - 1] = type;
    for (let i = 0; i < rowBytes; i++) {
      const at = from + (i ^ swap);
      const left = i < pixelBytes ? 0 : data[at - pixelBytes];
      filtered[to + i] = type === 0
        ? data[at]
        : type === 1
        ? data[at] - left
        : data[at] - (left + data[up + (i ^ swap)] >> 1);
    }
  }
  return filtered;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
