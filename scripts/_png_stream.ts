/**
 * Writes a grey PNG row by row, in memory that does not grow with the image.
 *
 * The layout is PNG's (W3C PNG, third edition): every row is Paeth filtered, which is what libpng's own
 * heuristic picks for images with noise.
 * @module
 */
import { crc32, createDeflate } from "node:zlib";
import { Readable } from "node:stream";

/** What a grey PNG is. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly dtype: "uint8" | "uint16";
}

/** Whole rows, one after the other, in the machine's byte order. */
export type Rows = Uint8Array | Uint16Array;

/**
 * Turns rows into the bytes of a PNG as they come.
 * @param bands Whole rows from the top; together exactly `height` of them.
 * @param level Effort of deflate, 0 to 9.
 * @throws {RangeError} If the rows are not whole, or are not as many as the header says.
 */
export async function* encodePngRows(
  { width, height, dtype }: PngHeader,
  bands: Iterable<Rows>,
  level = 4,
): AsyncGenerator<Uint8Array> {
  const bytes = dtype === "uint8" ? 1 : 2;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8 * bytes, 0, 0, 0, 0], 8);
  yield new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  yield* chunk("IHDR", header);
  const filtered = Readable.from(filterRows(bands, width, height, bytes), { objectMode: true });
  const deflate = createDeflate({ level, chunkSize: 65536 });
  filtered.on("error", (error) => deflate.destroy(error));
  try {
    for await (const part of filtered.pipe(deflate)) yield* chunk("IDAT", part as Uint8Array);
  } finally {
    filtered.destroy();
  }
  yield* chunk("IEND", new Uint8Array(0));
}

function* chunk(type: string, data: Uint8Array): Generator<Uint8Array> {
  const name = new TextEncoder().encode(type);
  const ends = new Uint8Array(12);
  const view = new DataView(ends.buffer);
  view.setUint32(0, data.length);
  ends.set(name, 4);
  view.setUint32(8, crc32(data, crc32(name)));
  yield ends.subarray(0, 8);
  if (data.length > 0) yield data;
  yield ends.subarray(8);
}

function* filterRows(
  bands: Iterable<Rows>,
  width: number,
  height: number,
  bytes: number,
): Generator<Uint8Array> {
  const stride = width * bytes;
  let above = new Uint8Array(stride);
  let row = new Uint8Array(stride);
  let seen = 0;
  for (const band of bands) {
    const rows = band.length / width;
    if (!Number.isInteger(rows)) {
      throw new RangeError(
        `Cannot write ${band.length} pixels as rows of ${width}: send whole rows`,
      );
    }
    const out = new Uint8Array(rows * (stride + 1));
    for (let y = 0; y < rows; y++) {
      const from = y * width;
      if (bytes === 1) row.set(band.subarray(from, from + width));
      else {
        for (let x = 0; x < width; x++) {
          const value = band[from + x];
          row[2 * x] = value >> 8;
          row[2 * x + 1] = value & 255;
        }
      }
      paeth(row, above, out.subarray(y * (stride + 1), (y + 1) * (stride + 1)), bytes);
      [above, row] = [row, above];
    }
    seen += rows;
    yield out;
  }
  if (seen !== height) {
    throw new RangeError(`Cannot write a PNG of ${height} rows: ${seen} rows came`);
  }
}

function paeth(row: Uint8Array, above: Uint8Array, out: Uint8Array, bytes: number) {
  out[0] = 4;
  for (let i = 0; i < bytes; i++) out[i + 1] = row[i] - above[i];
  for (let i = bytes; i < row.length; i++) {
    const a = row[i - bytes], b = above[i], c = above[i - bytes];
    // stb_image's form: as compares, not as branches, which noise makes mispredict.
    const third = 3 * c - a - b;
    const low = a < b ? a : b;
    const high = a < b ? b : a;
    const t = high <= third ? low : c;
    out[i + 1] = row[i] - (third <= low ? high : t);
  }
}
