/** Writes small TIFFs of every kind the reader knows, each choice spelled out by the test. */
import { deflateSync, zstdCompressSync } from "node:zlib";

export type TestPacking = "none" | "lzw" | "deflate" | "packbits" | "zstd" | "jpeg";

const CODES: Record<TestPacking, number> = {
  none: 1,
  lzw: 5,
  jpeg: 7,
  deflate: 8,
  packbits: 32773,
  zstd: 50000,
};

/** One field: its tag, its type (2 text, 3 short, 4 long, 5 rational, 16 long8) and its values. */
export type TestField = readonly [tag: number, type: number, values: readonly number[] | string];

export interface TestPage {
  readonly width: number;
  readonly height: number;
  /** Bytes of a sample. */
  readonly sampleBytes: number;
  /** 1 unsigned, 2 signed, 3 float. */
  readonly format?: number;
  readonly samples?: number;
  /** Rows of interleaved little-endian samples. */
  readonly pixels: Uint8Array;
  readonly separate?: boolean;
  readonly tile?: readonly [width: number, height: number];
  readonly rowsPerStrip?: number;
  readonly packing?: TestPacking;
  readonly predictor?: 1 | 2 | 3;
  /** Blocks as they shall lie in the file, in place of `pixels`. */
  readonly blocks?: readonly Uint8Array[];
  /** Fields to add, or to put in the place of others. */
  readonly fields?: readonly TestField[];
  /** Tags to leave out. */
  readonly without?: readonly number[];
}

export interface TestTiff {
  readonly little?: boolean;
  readonly big?: boolean;
}

const TYPE_BYTES: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 16: 8 };

/** A whole file: each page's blocks, then its directory, then the values that do not fit in it. */
export function makeTiff(
  pages: readonly TestPage[],
  { little = true, big = false }: TestTiff = {},
): Uint8Array {
  const out: number[] = [];
  const put = (value: number, bytes: number, at = out.length) => {
    for (let byte = 0; byte < bytes; byte++) {
      out[at + (little ? byte : bytes - 1 - byte)] = Math.floor(value / 2 ** (8 * byte)) % 256;
    }
  };
  const word = big ? 8 : 4;
  out.push(...(little ? [0x49, 0x49] : [0x4d, 0x4d]));
  put(big ? 43 : 42, 2);
  if (big) {
    put(8, 2);
    put(0, 2);
  }
  let link = out.length;
  put(0, word);
  for (const page of pages) {
    const offsets: number[] = [];
    const blocks = page.blocks ?? blocksOf(page, little);
    for (const block of blocks) {
      if (out.length % 2 === 1) out.push(0);
      offsets.push(out.length);
      for (const byte of block) out.push(byte);
    }
    if (out.length % 2 === 1) out.push(0);
    const fields = fieldsOf(page, offsets, blocks.map(({ length }) => length), big);
    put(out.length, word, link);
    put(fields.length, big ? 8 : 2);
    const table = out.length;
    for (const [tag, type, values] of fields) {
      put(tag, 2);
      put(type, 2);
      put(type === 5 ? values.length / 2 : values.length, word);
      put(0, word);
    }
    link = out.length;
    put(0, word);
    for (const [index, [, type, values]] of fields.entries()) {
      const numbers = typeof values === "string"
        ? Array.from(values, (letter) => letter.charCodeAt(0))
        : values;
      const each = type === 5 ? 4 : TYPE_BYTES[type];
      let at = table + (index + 1) * (4 + 2 * word) - word;
      if (numbers.length * each > word) {
        put(out.length, word, at);
        at = out.length;
      }
      numbers.forEach((value, i) => put(value, each, at + i * each));
    }
  }
  return Uint8Array.from(out);
}

function fieldsOf(page: TestPage, offsets: number[], counts: number[], big: boolean): TestField[] {
  const { width, height, sampleBytes, format = 1, samples = 1, tile, separate = false } = page;
  const wide = big ? 16 : 4;
  const fields = new Map<number, TestField>();
  for (
    const field of [
      [256, 4, [width]],
      [257, 4, [height]],
      [258, 3, Array(samples).fill(sampleBytes * 8)],
      [259, 3, [CODES[page.packing ?? "none"]]],
      [262, 3, [samples >= 3 ? 2 : 1]],
      [277, 3, [samples]],
      [284, 3, [separate ? 2 : 1]],
      [317, 3, [page.predictor ?? 1]],
      [339, 3, Array(samples).fill(format)],
      ...(tile
        ? [[322, 3, [tile[0]]], [323, 3, [tile[1]]], [324, wide, offsets], [325, wide, counts]]
        : [
          [273, wide, offsets],
          [278, 4, [page.rowsPerStrip ?? height]],
          [279, wide, counts],
        ]),
      ...page.fields ?? [],
    ] as TestField[]
  ) fields.set(field[0], field);
  for (const tag of page.without ?? []) fields.delete(tag);
  return [...fields.values()].sort((a, b) => a[0] - b[0]);
}

function blocksOf(page: TestPage, little: boolean): Uint8Array[] {
  const { width, height, sampleBytes, samples = 1, separate = false, tile, pixels } = page;
  const [blockWidth, blockHeight] = tile ?? [width, page.rowsPerStrip ?? height];
  const together = separate ? 1 : samples;
  const blocks: Uint8Array[] = [];
  for (let plane = 0; plane < (separate ? samples : 1); plane++) {
    for (let top = 0; top < height; top += blockHeight) {
      for (let left = 0; left < width; left += blockWidth) {
        const rows = tile ? blockHeight : Math.min(blockHeight, height - top);
        const block = new Uint8Array(rows * blockWidth * together * sampleBytes);
        const rowBytes = block.length / rows;
        for (let y = 0; y < Math.min(rows, height - top); y++) {
          for (let x = 0; x < Math.min(blockWidth, width - left); x++) {
            for (let sample = 0; sample < together; sample++) {
              const from = ((top + y) * width + left + x) * samples + sample + plane;
              const to = (y * blockWidth + x) * together + sample;
              block.set(
                pixels.subarray(from * sampleBytes, (from + 1) * sampleBytes),
                to * sampleBytes,
              );
            }
          }
        }
        for (let at = 0; at < block.length; at += rowBytes) {
          predict(block.subarray(at, at + rowBytes), page, together);
        }
        if (!little && page.predictor !== 3) reverse(block, sampleBytes);
        blocks.push(pack(block, page.packing ?? "none", rowBytes));
      }
    }
  }
  return blocks;
}

function predict(row: Uint8Array, { predictor, sampleBytes }: TestPage, samples: number): void {
  const step = samples * sampleBytes;
  if (predictor === 2) {
    for (let at = row.length - sampleBytes; at >= step; at -= sampleBytes) {
      let borrow = 0;
      for (let byte = at; byte < at + sampleBytes; byte++) {
        const difference = row[byte] - row[byte - step] - borrow;
        row[byte] = difference;
        borrow = difference < 0 ? 1 : 0;
      }
    }
  }
  if (predictor === 3) {
    const count = row.length / 4;
    const split = Uint8Array.from(row, (_, i) => row[i % count * 4 + 3 - Math.floor(i / count)]);
    for (let at = row.length - 1; at >= 0; at--) {
      row[at] = split[at] - (at >= samples ? split[at - samples] : 0);
    }
  }
}

function reverse(block: Uint8Array, sampleBytes: number): void {
  for (let at = 0; at < block.length; at += sampleBytes) {
    block.subarray(at, at + sampleBytes).reverse();
  }
}

function pack(block: Uint8Array, packing: TestPacking, rowBytes: number): Uint8Array {
  switch (packing) {
    case "none":
      return block;
    case "deflate":
      return deflateSync(block);
    case "zstd":
      return zstdCompressSync(block);
    case "packbits":
      return packBits(block, rowBytes);
    case "lzw":
      return packLzw(block);
    case "jpeg":
      throw new Error("give the blocks of a JPEG");
  }
}

/** Rows apart, as TIFF 6.0 wants them; runs of two bytes and more. */
export function packBits(bytes: Uint8Array, rowBytes: number): Uint8Array {
  const out: number[] = [];
  for (let start = 0; start < bytes.length; start += rowBytes) {
    const row = bytes.subarray(start, start + rowBytes);
    for (let at = 0; at < row.length;) {
      let run = 1;
      while (run < 128 && row[at + run] === row[at]) run++;
      if (run > 1) {
        out.push(257 - run, row[at]);
        at += run;
        continue;
      }
      let end = at + 1;
      while (end < row.length && end - at < 128 && row[end] !== row[end + 1]) end++;
      out.push(end - at - 1, ...row.subarray(at, end));
      at = end;
    }
    out.push(128);
  }
  return Uint8Array.from(out);
}

/** As TIFF 6.0, section 13, has it; `clearAt` is the code at which the table starts anew. */
export function packLzw(bytes: Uint8Array, clearAt = 4094): Uint8Array {
  const out: number[] = [];
  let held = 0, count = 0, width = 9, next = 258;
  const put = (code: number) => {
    held = held * 2 ** width + code;
    for (count += width; count >= 8; count -= 8) {
      out.push(Math.floor(held / 2 ** (count - 8)));
      held %= 2 ** (count - 8);
    }
  };
  let table = new Map<string, number>();
  put(256);
  let prefix = "";
  const codeOf = (text: string) => text.length === 1 ? text.charCodeAt(0) : table.get(text)!;
  for (const byte of bytes) {
    const letter = String.fromCharCode(byte);
    if (prefix === "" || table.has(prefix + letter)) {
      prefix += letter;
      continue;
    }
    put(codeOf(prefix));
    table.set(prefix + letter, next++);
    if (next === 2 ** width && width < 12) width++;
    if (next === clearAt) {
      put(256);
      table = new Map();
      width = 9;
      next = 258;
    }
    prefix = letter;
  }
  if (prefix !== "") {
    put(codeOf(prefix));
    // The decoder adds a string here, so its codes may widen before the last.
    if (++next === 2 ** width && width < 12) width++;
  }
  put(257);
  if (count > 0) out.push(held * 2 ** (8 - count));
  return Uint8Array.from(out);
}
