/**
 * Where the rows of a PNG lie: one pass over the image, or the seven of Adam7 interlacing
 * (PNG specification, third edition, section 8).
 * @module
 */

/** One reduced image: pixel (i, j) of it is pixel (x + i * stepX, y + j * stepY) of the whole. */
export interface PngPass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
  /** Bytes of a row without its filter byte. */
  readonly rowBytes: number;
  /** Where its first row starts among the inflated bytes. */
  readonly start: number;
}

const WHOLE = [[0, 0, 1, 1]] as const;
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** The passes of an image that hold pixels, in the order of the file; an empty pass takes no bytes. */
export function passesOf(
  width: number,
  height: number,
  pixelBits: number,
  interlaced: boolean,
): PngPass[] {
  let start = 0;
  return (interlaced ? ADAM7 : WHOLE).flatMap(([x, y, stepX, stepY]) => {
    const passWidth = Math.ceil((width - x) / stepX), passHeight = Math.ceil((height - y) / stepY);
    if (passWidth <= 0 || passHeight <= 0) return [];
    const rowBytes = Math.ceil(passWidth * pixelBits / 8);
    const pass = { x, y, stepX, stepY, width: passWidth, height: passHeight, rowBytes, start };
    start += passHeight * (rowBytes + 1);
    return [pass];
  });
}

/** Bytes of all passes, each row behind its filter byte. */
export function rawBytesOf(passes: readonly PngPass[]): number {
  return passes.reduce((sum, { height, rowBytes }) => sum + height * (rowBytes + 1), 0);
}
