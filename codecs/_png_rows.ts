/**
 * Unfiltered rows of a PNG, from memory or as they are inflated.
 * @module
 */
import { brokenPng, type ByteWindow } from "./_png_chunks.ts";
import { InflatedBytes, inflateWhole } from "./_png_data.ts";
import type { PngHeader } from "./_png_header.ts";
import type { PngPass } from "./_png_passes.ts";
import { unfilterRows } from "./_png_unfilter.ts";

/** Rows unfiltered at once: they are used while the processor's cache still holds them. */
const BLOCK_BYTES = 256 << 10;
/** An interlaced image has up to seven streams open. */
const PASS_BLOCK_BYTES = 64 << 10;

/** Some rows of a pass: row `i` of them starts at `at + i * (pass.rowBytes + 1)` in `data`. */
export interface RowRun {
  readonly data: Uint8Array;
  readonly at: number;
  readonly count: number;
}

/** Gives the rows of an image. */
export interface RowFeed extends AsyncDisposable {
  /** At least one row from `first` on, and none from `end` on; good until the next call. */
  rows(pass: PngPass, first: number, end: number): Promise<RowRun>;
}

/** Holds all inflated bytes; going back costs nothing. */
export async function wholeRows(window: ByteWindow, png: PngHeader): Promise<RowFeed> {
  const data = await inflateWhole(window, png);
  const done = new Map<PngPass, number>();
  return {
    rows(pass, first, end) {
      const stride = pass.rowBytes + 1;
      const stop = Math.min(end, first + Math.ceil(BLOCK_BYTES / stride));
      const from = done.get(pass) ?? 0;
      if (stop > from) {
        const at = pass.start + from * stride;
        unfilter(data, at, stop - from, png, pass, from, from === 0 ? -1 : at + 1 - stride);
        done.set(pass, stop);
      }
      return Promise.resolve({ data, at: pass.start + first * stride + 1, count: stop - first });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/**
 * Holds about a megabyte, whatever the size of the image; going back starts anew from the top. Each pass of
 * an interlaced image has its own stream, which skips those before it: the data are inflated about twice.
 */
export function streamedRows(window: ByteWindow, png: PngHeader): RowFeed {
  const streams = new Map<PngPass, PassStream>();
  return {
    async rows(pass, first, end) {
      let stream = streams.get(pass);
      if (stream !== undefined && first < stream.first) {
        await stream[Symbol.asyncDispose]();
        stream = undefined;
      }
      if (stream === undefined) streams.set(pass, stream = new PassStream(window, png, pass));
      return await stream.rows(first, end);
    },
    async [Symbol.asyncDispose]() {
      for (const stream of streams.values()) await stream[Symbol.asyncDispose]();
    },
  };
}

/** The rows of one pass, a block at a time. */
class PassStream implements AsyncDisposable {
  readonly #png: PngHeader;
  readonly #pass: PngPass;
  readonly #bytes: InflatedBytes;
  readonly #stride: number;
  /** The last row of the block before, then the rows of this one, each behind its filter byte. */
  readonly #block: Uint8Array;
  #first = 0;
  #end = 0;

  constructor(window: ByteWindow, png: PngHeader, pass: PngPass) {
    const most = png.passes.length === 1 ? BLOCK_BYTES : PASS_BLOCK_BYTES;
    this.#png = png;
    this.#pass = pass;
    this.#bytes = new InflatedBytes(window, png, most);
    this.#stride = pass.rowBytes + 1;
    const rows = Math.min(pass.height, Math.ceil(most / this.#stride));
    this.#block = new Uint8Array((rows + 1) * this.#stride);
  }

  /** The first row that is still held. */
  get first(): number {
    return this.#first;
  }

  async rows(first: number, end: number): Promise<RowRun> {
    while (first >= this.#end) await this.#advance();
    return {
      data: this.#block,
      at: (first - this.#first + 1) * this.#stride + 1,
      count: Math.min(end, this.#end) - first,
    };
  }

  async #advance(): Promise<void> {
    const stride = this.#stride, { start, height } = this.#pass;
    if (this.#bytes.given < start) await this.#bytes.skip(start - this.#bytes.given);
    const held = this.#end - this.#first;
    this.#block.copyWithin(0, held * stride, (held + 1) * stride);
    this.#first = this.#end;
    const rows = Math.min(height - this.#first, this.#block.length / stride - 1);
    await this.#bytes.fill(this.#block.subarray(stride, (rows + 1) * stride));
    unfilter(
      this.#block,
      stride,
      rows,
      this.#png,
      this.#pass,
      this.#first,
      this.#first === 0 ? -1 : 1,
    );
    this.#end += rows;
    if (this.#end === height && this.#pass === this.#png.passes.at(-1)) await this.#bytes.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bytes[Symbol.asyncDispose]();
  }
}

function unfilter(
  data: Uint8Array,
  at: number,
  rows: number,
  png: PngHeader,
  pass: PngPass,
  first: number,
  above: number,
): void {
  const bad = unfilterRows(data, at, rows, pass.rowBytes, png.filterBytes, above);
  if (bad < 0) return;
  const filter = data[at + bad * (pass.rowBytes + 1)];
  throw brokenPng(
    `row ${pass.y + (first + bad) * pass.stepY} has filter type ${filter}, which PNG does not know`,
  );
}
