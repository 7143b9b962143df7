/**
 * PNG images (PNG specification, third edition, https://www.w3.org/TR/png-3/): every colour type, bit depth
 * and interlacing.
 *
 * The sample values are those of the file: gamma, colour profiles and, but for palettes, transparent colours
 * (tRNS) change nothing. Grey of 1, 2 and 4 bits becomes uint8 spread over 0 to 255 (x 255, x 85, x 17), as
 * libpng expands it and every viewer shows it; a palette becomes RGB, or RGBA where it has transparencies.
 * Of an animation (APNG) the default image is read.
 *
 * An image of up to `wholeBytes` is inflated in one go; a larger one as its rows are asked for, in constant
 * memory. node:zlib's `createInflate` does the latter as fast as `inflateSync` (263 and 235 MB/s of 4096 x 4096
 * real EM); `DecompressionStream` does it at 222 to 264 MB/s, but takes data without their checksum for whole.
 * @module
 */
import { checkPngEnd, type PngHeader, readPngHeader, SIGNATURE } from "./_png_header.ts";
import { ByteWindow } from "./_png_chunks.ts";
import type { PngPass } from "./_png_passes.ts";
import { type RowFeed, streamedRows, wholeRows } from "./_png_rows.ts";
import { rowUnpacker, type UnpackRow } from "./_png_unpack.ts";
import type { ByteSource, ImageFile, ImageFormat, ImageReader } from "./image.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";

const WHOLE_BYTES = 64 << 20;

/**
 * PNG. `describe` makes one read of up to 512 bytes at each end of a file, and more only where other chunks
 * lie between or the end is not IEND. Every chunk that is used must match its CRC, and the data their
 * Adler-32 checksum; a reader that streams has handed on the rows before by the time it sees the latter,
 * with the last row.
 */
export const png: ImageFormat = {
  name: "png",

  matches(first: Uint8Array): boolean {
    return SIGNATURE.every((byte, i) => byte === first[i]);
  },

  async describe(bytes: ByteSource): Promise<ImageFile> {
    const window = new ByteWindow(bytes);
    const found = await readPngHeader(window);
    await checkPngEnd(window, found);
    return {
      format: "png",
      images: [{ ...found.header, at: {} }],
      ...(found.pixelSize === undefined ? {} : { voxelSize: found.pixelSize }),
    };
  },

  async open(bytes: ByteSource, _at, { wholeBytes = WHOLE_BYTES } = {}): Promise<ImageReader> {
    const window = new ByteWindow(bytes);
    return new PngReader(window, await readPngHeader(window), wholeBytes);
  },
};

class PngReader implements ImageReader {
  readonly header: PngHeader["header"];
  readonly #window: ByteWindow;
  readonly #png: PngHeader;
  readonly #unpack: UnpackRow;
  readonly #pixelBytes: number;
  readonly #isWhole: boolean;
  #feed: RowFeed | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(window: ByteWindow, found: PngHeader, wholeBytes: number) {
    this.header = found.header;
    this.#window = window;
    this.#png = found;
    this.#unpack = rowUnpacker(found);
    this.#pixelBytes = found.header.samples * VOXEL_BYTES[found.header.dtype];
    // The compressed bytes are held whole too: a file that has far more than its pixels need is streamed.
    const compressed = window.bytes.size - found.dataAt;
    this.#isWhole = found.rawBytes <= wholeBytes && compressed <= 2 * found.rawBytes + (1 << 20);
  }

  readRows(first: number, end: number, out: Uint8Array): Promise<void> {
    // Rows come from one stream: a second call waits for the first.
    const turn = this.#turn.then(() => this.#readRows(first, end, out));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    await this.#close();
  }

  async #readRows(first: number, end: number, out: Uint8Array): Promise<void> {
    const { width, height } = this.header;
    const bytes = (end - first) * width * this.#pixelBytes;
    if (
      !(Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first <= end &&
        end <= height)
    ) {
      throw new RangeError(
        `Cannot read rows ${first} to ${end} of a PNG: it has rows 0 to ${height}`,
      );
    }
    if (out.byteLength !== bytes) {
      throw new RangeError(
        `Cannot read rows ${first} to ${end} into ${out.byteLength} bytes: they take ${bytes}`,
      );
    }
    try {
      this.#feed ??= await (this.#isWhole ? wholeRows : streamedRows)(this.#window, this.#png);
      for (const pass of this.#png.passes) await this.#readPass(this.#feed, pass, first, end, out);
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async #readPass(
    feed: RowFeed,
    pass: PngPass,
    first: number,
    end: number,
    out: Uint8Array,
  ): Promise<void> {
    const passRow = (row: number) =>
      Math.min(pass.height, Math.max(0, Math.ceil((row - pass.y) / pass.stepY)));
    const stop = passRow(end);
    const rowBytes = this.header.width * this.#pixelBytes;
    for (let row = passRow(first); row < stop;) {
      const { data, at, count } = await feed.rows(pass, row, stop);
      for (let i = 0; i < count; i++, row++) {
        const outAt = (pass.y + row * pass.stepY - first) * rowBytes;
        this.#place(pass, data, at + i * (pass.rowBytes + 1), out, outAt);
      }
    }
  }

  #place(pass: PngPass, data: Uint8Array, at: number, out: Uint8Array, outAt: number): void {
    if (pass.stepX === 1) return this.#unpack(data, at, pass.width, out, outAt);
    const size = this.#pixelBytes;
    const row = new Uint8Array(pass.width * size);
    this.#unpack(data, at, pass.width, row, 0);
    for (let i = 0; i < pass.width; i++) {
      const to = outAt + (pass.x + i * pass.stepX) * size;
      for (let byte = 0; byte < size; byte++) out[to + byte] = row[i * size + byte];
    }
  }

  async #close(): Promise<void> {
    const feed = this.#feed;
    this.#feed = undefined;
    await feed?.[Symbol.asyncDispose]();
  }
}
