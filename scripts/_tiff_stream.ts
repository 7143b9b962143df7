/**
 * Writes an uncompressed grey TIFF strip by strip (TIFF 6.0, little-endian).
 * @module
 */

/** What a grey TIFF is. */
export interface TiffHeader {
  readonly width: number;
  readonly height: number;
  readonly dtype: "uint8" | "uint16" | "uint32";
}

/** Whole rows, one after the other, in the machine's byte order. */
export type TiffRows = Uint8Array | Uint16Array | Uint32Array;

const BYTES = { uint8: 1, uint16: 2, uint32: 4 } as const;
const [SHORT, LONG] = [3, 4];

/**
 * Turns rows into the bytes of a TIFF as they come. Strips hold about 64 KiB, the last one what is left.
 * @param bands Whole rows from the top; together exactly `height` of them.
 * @throws {RangeError} If the file would pass 4 GiB, or the rows are not as many as the header says.
 */
export function* encodeTiffRows(
  { width, height, dtype }: TiffHeader,
  bands: Iterable<TiffRows>,
): Generator<Uint8Array> {
  const stride = width * BYTES[dtype];
  const rowsPerStrip = Math.min(height, Math.max(1, Math.floor(65536 / stride)));
  const strips = Math.ceil(height / rowsPerStrip);
  const entries: [tag: number, type: number, values: number[]][] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, [8 * BYTES[dtype]]],
    [259, SHORT, [1]],
    [262, SHORT, [1]],
    [273, LONG, []],
    [277, SHORT, [1]],
    [278, LONG, [rowsPerStrip]],
    [279, LONG, []],
    [339, SHORT, [1]],
  ];
  const tables = 8 + 2 + entries.length * 12 + 4;
  const start = tables + (strips > 1 ? 8 * strips : 0);
  if (start + height * stride >= 2 ** 32) {
    throw new RangeError(
      `Cannot write ${width} x ${height} pixels of ${dtype} as one TIFF of less than 4 GiB: ` +
        `choose a smaller section`,
    );
  }
  const sizes = Array.from(
    { length: strips },
    (_, i) => Math.min(rowsPerStrip, height - i * rowsPerStrip) * stride,
  );
  entries[5][2] = sizes.map((_, i) => start + i * rowsPerStrip * stride);
  entries[8][2] = sizes;
  const head = new DataView(new ArrayBuffer(start));
  head.setUint32(0, 0x002a4949, true);
  head.setUint32(4, 8, true);
  head.setUint16(8, entries.length, true);
  let free = tables;
  entries.forEach(([tag, type, values], i) => {
    const at = 10 + 12 * i;
    head.setUint16(at, tag, true);
    head.setUint16(at + 2, type, true);
    head.setUint32(at + 4, values.length, true);
    if (values.length === 1) head.setUint32(at + 8, values[0], true);
    else {
      head.setUint32(at + 8, free, true);
      values.forEach((value, k) => head.setUint32(free + 4 * k, value, true));
      free += 4 * values.length;
    }
  });
  yield new Uint8Array(head.buffer);
  let pixels = 0;
  for (const band of bands) {
    pixels += band.length;
    yield new Uint8Array(band.buffer, band.byteOffset, band.byteLength);
  }
  if (pixels !== width * height) {
    throw new RangeError(`Cannot write a TIFF of ${width * height} pixels: ${pixels} came`);
  }
}
