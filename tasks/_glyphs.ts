/** A few characters of five by seven dots: what labels of pictures need. */
import type { Rgba } from "../codecs/_imagescript.ts";

const [WIDE, HIGH] = [5, 7];
/** Seven rows from the top; the highest of five bits is the leftmost dot. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  "0": [14, 17, 19, 21, 25, 17, 14],
  "1": [4, 12, 4, 4, 4, 4, 14],
  "2": [14, 17, 1, 2, 4, 8, 31],
  "3": [31, 2, 4, 2, 1, 17, 14],
  "4": [2, 6, 10, 18, 31, 2, 2],
  "5": [31, 16, 30, 1, 1, 17, 14],
  "6": [6, 8, 16, 30, 17, 17, 14],
  "7": [31, 1, 2, 4, 8, 8, 8],
  "8": [14, 17, 17, 14, 17, 17, 14],
  "9": [14, 17, 17, 15, 1, 2, 12],
  z: [0, 0, 31, 2, 4, 8, 31],
};

/** A line of digits, `z` and spaces, yellow on a dark ground that lets the picture through a little. */
export function drawText(text: string, dot = 2): Rgba {
  const width = (text.length * (WIDE + 1) + 1) * dot;
  const height = (HIGH + 2) * dot;
  const data = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = [Math.floor(x / dot) - 1, Math.floor(y / dot) - 1];
      const bits = GLYPHS[text[Math.floor(column / (WIDE + 1))]]?.[row] ?? 0;
      const isDot = column >= 0 && (bits >> (WIDE - 1 - column % (WIDE + 1)) & 1) === 1;
      data.set(isDot ? [255, 224, 96, 255] : [0, 0, 0, 200], 4 * (y * width + x));
    }
  }
  return { width, height, data };
}
