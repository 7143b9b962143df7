/**
 * Rows of a page out of its strips or tiles.
 * @module
 */
import { VOXEL_BYTES } from "../core/dtype.ts";
import { messageOf } from "../core/errors.ts";
import { completeJpeg, readFrame } from "./_jpeg_frame.ts";
import { type JpegDecoder, loadJpegDecoder } from "./_libjpeg_turbo.ts";
import { brokenTiff } from "./_tiff_directory.ts";
import type { Packing, TiffPage } from "./_tiff_page.ts";
import { finishRows, type RowLayout, spreadBits } from "./_tiff_predictor.ts";
import { interleave } from "./_tiff_raw.ts";
import { type BlockStream, streamBlock, unpackBlock } from "./_tiff_unpack.ts";
import type { ByteSource } from "./image.ts";

/** Blocks that follow each other in the file are read together up to this many bytes. */
const READ_TOGETHER_BYTES = 1024 * 1024;

/** Rows that a streamed block gives at a time take about this much. */
const STREAM_PIECE_BYTES = 256 * 1024;

const COPY_AGAIN = "copy or export the file again";
const PALETTE = 3;
const YCBCR = 6;

/** Which block: its plane, and its position among the blocks of its row. */
interface Place {
  readonly block: number;
  readonly plane: number;
  readonly column: number;
}

/** Reads rows of a page block by block. */
export class BlockRowReader {
  readonly #bytes: ByteSource;
  readonly #page: TiffPage;
  readonly #layout: RowLayout;
  readonly #sampleBytes: number;
  readonly #rowBytes: number;
  readonly #wholeBytes: number;
  /** Room for one block, where its packing is unpacked into place. */
  #room: Uint8Array = new Uint8Array(0);
  /** Packed bytes of a few blocks, from `#packedAt` in the file on. */
  #packed: Uint8Array = new Uint8Array(0);
  #packedAt = 0;
  /** The row of blocks that was decoded last, where only some of its rows were asked for. */
  #kept: { readonly row: number; readonly bytes: Uint8Array } | undefined;
  /** The row of blocks that is being streamed, and the next of its rows of pixels. */
  #streams:
    | { readonly row: number; next: number; readonly open: readonly BlockStream[] }
    | undefined;
  #jpeg: JpegDecoder | undefined;

  constructor(bytes: ByteSource, page: TiffPage, wholeBytes: number) {
    const { header, bits, planes, blockWidth } = page;
    this.#bytes = bytes;
    this.#page = page;
    this.#wholeBytes = wholeBytes;
    this.#sampleBytes = VOXEL_BYTES[header.dtype];
    this.#rowBytes = header.width * header.samples * this.#sampleBytes;
    const samples = header.samples / planes;
    this.#layout = {
      predictor: page.predictor,
      little: page.little,
      sampleBytes: this.#sampleBytes,
      samples,
      rowBytes: Math.ceil(blockWidth * samples * bits / 8),
    };
  }

  /** Decodes rows `first` (inside) to `end` (not) into `out`. */
  async readRows(first: number, end: number, out: Uint8Array): Promise<void> {
    const { blockHeight, header } = this.#page;
    const lastRow = Math.floor((end - 1) / blockHeight);
    for (let row = Math.floor(first / blockHeight); row <= lastRow; row++) {
      const top = row * blockHeight;
      const rows = Math.min(blockHeight, header.height - top);
      const from = Math.max(first - top, 0);
      const to = Math.min(end - top, rows);
      const part = out.subarray(
        (top + from - first) * this.#rowBytes,
        (top + to - first) * this.#rowBytes,
      );
      if (this.#isStreamed()) {
        await this.#streamRows(row, from, to, part);
      } else if (this.#kept?.row === row) {
        part.set(this.#kept.bytes.subarray(from * this.#rowBytes, to * this.#rowBytes));
      } else if (to - from === rows || rows * this.#rowBytes > this.#wholeBytes) {
        await this.#decodeRows(row, lastRow, from, to, part);
      } else {
        const kept = this.#kept?.bytes ?? new Uint8Array(blockHeight * this.#rowBytes);
        this.#kept = undefined;
        await this.#decodeRows(row, lastRow, 0, rows, kept);
        this.#kept = { row, bytes: kept };
        part.set(kept.subarray(from * this.#rowBytes, to * this.#rowBytes));
      }
    }
  }

  /** Lets go of what is being streamed. */
  async close(): Promise<void> {
    const open = this.#streams?.open ?? [];
    this.#streams = undefined;
    for (const stream of open) await stream[Symbol.asyncDispose]();
  }

  #isStreamed(): boolean {
    return this.#page.packing !== "jpeg" &&
      this.#layout.rowBytes * this.#page.blockHeight > this.#wholeBytes;
  }

  /** Decodes rows `from` to `to` of the blocks in one row of them. */
  async #decodeRows(
    row: number,
    lastRow: number,
    from: number,
    to: number,
    out: Uint8Array,
  ): Promise<void> {
    const { packing, planes, across } = this.#page;
    const { rowBytes } = this.#layout;
    for (const place of this.#placesOf(row)) {
      const until = planes === 1 ? (lastRow + 1) * across : place.block - place.column + across;
      const packed = await this.#read(place.block, until);
      if (packing === "jpeg") {
        this.#jpeg ??= await loadJpegDecoder();
        this.#decodeJpeg(this.#jpeg, place, packed, from, to, out);
      } else {
        const bytes = this.#unpack(packing, place, packed, to);
        this.#put(place, this.#finish(bytes.subarray(from * rowBytes, to * rowBytes)), out);
      }
    }
  }

  /** Streams rows `from` to `to` of the blocks in one row of them, from where it was left. */
  async #streamRows(row: number, from: number, to: number, out: Uint8Array): Promise<void> {
    if (this.#streams === undefined || this.#streams.row !== row || this.#streams.next > from) {
      await this.close();
      this.#streams = { row, next: 0, open: this.#placesOf(row).map((at) => this.#stream(at)) };
    }
    const streams = this.#streams;
    const { rowBytes } = this.#layout;
    const room = Math.max(1, Math.floor(STREAM_PIECE_BYTES / rowBytes));
    const piece = new Uint8Array(room * rowBytes);
    try {
      while (streams.next < to) {
        const until = Math.min(streams.next + room, streams.next < from ? from : to);
        const part = piece.subarray(0, (until - streams.next) * rowBytes);
        for (const [index, place] of this.#placesOf(row).entries()) {
          const read = await streams.open[index].read(part);
          if (read < part.length) {
            this.#tooShort(place, streams.next * rowBytes + read, to * rowBytes);
          }
          if (until <= from) continue;
          const start = (streams.next - from) * this.#rowBytes;
          const end = (until - from) * this.#rowBytes;
          this.#put(place, this.#finish(part), out.subarray(start, end));
        }
        streams.next = until;
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The blocks in one row of them, plane by plane. */
  #placesOf(row: number): Place[] {
    const { planes, across, down } = this.#page;
    return Array.from({ length: planes * across }, (_, index) => {
      const plane = Math.floor(index / across);
      const column = index % across;
      return { plane, column, block: (plane * down + row) * across + column };
    });
  }

  #stream({ block }: Place): BlockStream {
    const { packing, offsets, counts } = this.#page;
    if (packing === "jpeg") throw new TypeError("Cannot stream a JPEG: it is decoded whole");
    return streamBlock(packing, this.#bytes, offsets[block], counts[block], this.#nameOf(block));
  }

  /**
   * The packed bytes of a block; those of the blocks after it, up to `until` (not inside), are read
   * along with it where they follow in the file.
   */
  async #read(block: number, until: number): Promise<Uint8Array> {
    const { offsets, counts } = this.#page;
    const start = offsets[block];
    const length = counts[block];
    const into = start - this.#packedAt;
    if (into < 0 || into + length > this.#packed.length) {
      let end = start + length;
      for (let next = block + 1; next < until; next++) {
        const nextEnd = offsets[next] + counts[next];
        if (offsets[next] !== end || nextEnd - start > READ_TOGETHER_BYTES) break;
        end = nextEnd;
      }
      const packed = new Uint8Array(end - start);
      await this.#bytes.read(start, packed);
      this.#packed = packed;
      this.#packedAt = start;
      return packed.subarray(0, length);
    }
    return this.#packed.subarray(into, into + length);
  }

  #unpack(
    packing: Exclude<Packing, "jpeg">,
    place: Place,
    packed: Uint8Array,
    rows: number,
  ): Uint8Array {
    const blockBytes = this.#page.blockHeight * this.#layout.rowBytes;
    if (this.#room.length === 0 && (packing === "lzw" || packing === "packbits")) {
      this.#room = new Uint8Array(blockBytes);
    }
    const name = this.#nameOf(place.block);
    const bytes = unpackBlock(packing, packed, blockBytes, this.#room, name);
    const needed = rows * this.#layout.rowBytes;
    if (bytes.length < needed) this.#tooShort(place, bytes.length, needed);
    return bytes;
  }

  #decodeJpeg(
    decode: JpegDecoder,
    place: Place,
    packed: Uint8Array,
    from: number,
    to: number,
    out: Uint8Array,
  ): void {
    const { blockWidth, photometric, jpegTables } = this.#page;
    const { samples, rowBytes } = this.#layout;
    const name = this.#nameOf(place.block);
    try {
      const whole = completeJpeg(packed, jpegTables, photometric === YCBCR);
      const frame = readFrame(whole);
      if (
        frame === undefined || frame.width !== blockWidth || frame.height < to ||
        frame.samples !== samples
      ) {
        const found = frame &&
          `${frame.width} x ${frame.height} pixels of ${frame.samples} samples`;
        throw new SyntaxError(`it has ${found ?? "no frame"}`);
      }
      decode(whole, ({ bytes }) => {
        this.#put(place, bytes.subarray(from * rowBytes, to * rowBytes), out);
      });
    } catch (error) {
      throw brokenTiff(`its ${name} is not valid jpeg: ${messageOf(error)}`, COPY_AGAIN, {
        cause: error,
      });
    }
  }

  /** Turns rows of a block into little-endian samples; they may lie where they were. */
  #finish(rows: Uint8Array): Uint8Array {
    const { bits, blockWidth, photometric } = this.#page;
    const aligned = rows.byteOffset % this.#sampleBytes === 0 ? rows : rows.slice();
    finishRows(aligned, this.#layout);
    if (bits >= 8) return aligned;
    // Grey becomes what PNG and viewers make of it; an index into a palette stays what it is.
    const factor = photometric === PALETTE ? 1 : 255 / ((1 << bits) - 1);
    return spreadBits(aligned, bits, blockWidth, factor);
  }

  /** Puts rows of a block where they belong among the rows of the image. */
  #put({ plane, column }: Place, rows: Uint8Array, out: Uint8Array): void {
    const { header, planes, blockWidth } = this.#page;
    const pixelBytes = header.samples / planes * this.#sampleBytes;
    const rowBytes = blockWidth * pixelBytes;
    if (planes === 1 && rowBytes === this.#rowBytes) return out.set(rows);
    const left = column * blockWidth;
    const kept = Math.min(blockWidth, header.width - left) * pixelBytes;
    let to = left * pixelBytes * planes;
    for (let at = 0; at < rows.length; at += rowBytes, to += this.#rowBytes) {
      const row = rows.subarray(at, at + kept);
      if (planes === 1) out.set(row, to);
      else interleave(row, out.subarray(to), plane, planes, this.#sampleBytes);
    }
  }

  #nameOf(block: number): string {
    return `${this.#page.tiled ? "tile" : "strip"} ${block}`;
  }

  #tooShort({ block }: Place, found: number, needed: number): never {
    throw brokenTiff(
      `its ${this.#nameOf(block)} unpacks to ${found} bytes and needs ${needed}`,
      COPY_AGAIN,
    );
  }
}
