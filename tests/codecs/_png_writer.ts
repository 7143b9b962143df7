/** Writes PNGs of every kind, right and wrong ones, with nothing in common with the codec but zlib. */
import { crc32, deflateSync } from "node:zlib";

export interface PngKind {
  readonly colour: 0 | 2 | 3 | 4 | 6;
  readonly bitDepth: 1 | 2 | 4 | 8 | 16;
}

export const KINDS: readonly PngKind[] = [
  ...([1, 2, 4, 8, 16] as const).map((bitDepth) => ({ colour: 0, bitDepth }) as const),
  ...([1, 2, 4, 8] as const).map((bitDepth) => ({ colour: 3, bitDepth }) as const),
  ...([2, 4, 6] as const).flatMap((colour) =>
    ([8, 16] as const).map((bitDepth) => ({ colour, bitDepth }) as const)
  ),
];

/** Samples a pixel has in the file. */
export const FILE_SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;

export interface TestPng extends PngKind {
  readonly width: number;
  readonly height: number;
  readonly interlaced?: boolean;
  /** Row filter of row `row` of a pass. */
  readonly filter?: (row: number) => number;
  /** Bytes of one IDAT chunk. */
  readonly idatBytes?: number;
  /** Chunks between IHDR and the first IDAT, and between the last IDAT and IEND. */
  readonly before?: readonly Uint8Array[];
  readonly after?: readonly Uint8Array[];
}

/** Numbers from 0 (inside) to 1 (not) that a seed decides. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Samples as they lie in the file, pixel by pixel: half smooth, half noise, so that all filters matter. */
export function makeSamples(png: TestPng, seed = 1): Uint16Array {
  const { width, height, colour, bitDepth } = png;
  const random = seeded(seed);
  const samples = FILE_SAMPLES[colour];
  const made = new Uint16Array(width * height * samples);
  for (let i = 0; i < made.length; i++) {
    const pixel = Math.floor(i / samples), x = pixel % width, y = Math.floor(pixel / width);
    const smooth = (x * 37 + y * 101 + (i % samples) * 1777) * 2 ** bitDepth / 4096;
    made[i] = (smooth + random() * 2 ** bitDepth / 2) % 2 ** bitDepth;
  }
  return made;
}

/** A chunk; `crc` is flipped where it is to be wrong. */
export function chunk(type: string, data: Uint8Array | number[], crcFlip = 0): Uint8Array {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, (crc32(bytes.subarray(4, 8 + data.length)) ^ crcFlip) >>> 0);
  return bytes;
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

export const SIGNATURE = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);

/** The IHDR chunk. */
export function ihdr(png: TestPng, methods: readonly [number, number] = [0, 0]): Uint8Array {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, png.width);
  view.setUint32(4, png.height);
  data.set([png.bitDepth, png.colour, ...methods, png.interlaced ? 1 : 0], 8);
  return chunk("IHDR", data);
}

/** A whole file of these samples. */
export function makePng(png: TestPng, samples: Uint16Array): Uint8Array {
  return wrapPng(png, deflateSync(rawRows(png, samples)));
}

/** A whole file of this compressed data. */
export function wrapPng(png: TestPng, compressed: Uint8Array): Uint8Array {
  const { idatBytes = 1 << 30, before = [], after = [] } = png;
  const idats = [];
  for (let at = 0; at < compressed.length; at += idatBytes) {
    idats.push(chunk("IDAT", compressed.subarray(at, at + idatBytes)));
  }
  return join(SIGNATURE, ihdr(png), ...before, ...idats, ...after, chunk("IEND", []));
}

const ADAM7 = ["0 0 8 8", "4 0 8 8", "0 4 4 8", "2 0 4 4", "0 2 2 4", "1 0 2 2", "0 1 1 2"]
  .map((numbers) => numbers.split(" ").map(Number));

/** Filtered rows of all passes, uncompressed. */
export function rawRows(png: TestPng, samples: Uint16Array): Uint8Array {
  const { width, height, colour, bitDepth, interlaced = false, filter = () => 0 } = png;
  const perPixel = FILE_SAMPLES[colour];
  const parts: Uint8Array[] = [];
  for (const [x0, y0, stepX, stepY] of interlaced ? ADAM7 : [[0, 0, 1, 1]]) {
    if (x0 >= width || y0 >= height) continue;
    const passWidth = Math.ceil((width - x0) / stepX);
    const bytes = Math.ceil(passWidth * perPixel * bitDepth / 8);
    let above = new Uint8Array(bytes);
    for (let y = y0, row = 0; y < height; y += stepY, row++) {
      const plain = new Uint8Array(bytes);
      let bit = 0;
      for (let x = x0; x < width; x += stepX) {
        for (let s = 0; s < perPixel; s++, bit += bitDepth) {
          const value = samples[(y * width + x) * perPixel + s];
          if (bitDepth === 16) plain.set([value >> 8, value & 255], bit / 8);
          else plain[bit >> 3] |= value << (8 - bitDepth - bit % 8);
        }
      }
      const type = filter(row);
      parts.push(
        Uint8Array.of(type),
        filtered(plain, above, type, Math.max(1, perPixel * bitDepth / 8)),
      );
      above = plain;
    }
  }
  return join(...parts);
}

function filtered(
  plain: Uint8Array,
  above: Uint8Array,
  type: number,
  pixelBytes: number,
): Uint8Array {
  return plain.map((value, i) => {
    const a = plain[i - pixelBytes] ?? 0, b = above[i], c = above[i - pixelBytes] ?? 0;
    if (type === 1) return value - a;
    if (type === 2) return value - b;
    if (type === 3) return value - Math.floor((a + b) / 2);
    if (type !== 4) return value;
    const p = a + b - c;
    const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
    return value - (pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
  });
}

/** Bytes of the decoded image, as the codec promises them. */
export function expectedBytes(
  png: PngKind,
  samples: Uint16Array,
  palette?: readonly number[][],
): Uint8Array {
  if (palette !== undefined) {
    const bytes = new Uint8Array(samples.length * palette[0].length);
    samples.forEach((index, i) => bytes.set(palette[index], i * palette[0].length));
    return bytes;
  }
  if (png.bitDepth === 16) return new Uint8Array(samples.buffer);
  const scale = { 1: 255, 2: 85, 4: 17, 8: 1 }[png.bitDepth];
  return Uint8Array.from(samples, (value) => value * scale);
}
