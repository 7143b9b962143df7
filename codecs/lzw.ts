/**
 * LZW as TIFF packs it (TIFF 6.0, section 13), decoded by a WebAssembly kernel of our own.
 * @module
 */
import { WASM } from "./_lzw_wasm.ts";

/** The kernel's functions; places and limits are byte offsets into its memory. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  inputAt(): number;
  inputBytes(): number;
  inputUsed(): number;
  outputAt(): number;
  outputEnd(): number;
  reset(): void;
  compact(): number;
  decode(from: number, end: number, limit: number): number;
}

const NEEDS_INPUT = 0;
const ENDED = 2;
const BAD_CODE = 3;

/** Output is taken in pieces of this size, so that the window stays in the processor's cache. */
const PIECE_BYTES = 256 * 1024;

let compiled: WebAssembly.Module | undefined;

/** The packed bytes are not LZW as TIFF 6.0 has it. */
export class LzwError extends SyntaxError {
  /** Always `LzwError`. */
  override readonly name = "LzwError";
}

/**
 * Unpacks one LZW stream at a time, in pieces of any size.
 * @example The string "aaaa", whose second code stands for a string that is not yet in the table
 * ```ts
 * import { LzwDecoder } from "./lzw.ts";
 * import { deepEqual } from "node:assert/strict";
 * const decoder = new LzwDecoder();
 * decoder.feed(new Uint8Array([0x80, 0x18, 0x60, 0x46, 0x18, 0x08]));
 * const text = new Uint8Array(4);
 * decoder.read(text);
 * deepEqual(new TextDecoder().decode(text), "aaaa");
 * ```
 */
export class LzwDecoder {
  readonly #kernel: Kernel;
  readonly #memory: Uint8Array;
  #packed: Uint8Array = new Uint8Array(0);
  /** Whether the first two bytes were looked at: they tell the old format from this one. */
  #begun = false;
  #from = 0;
  #end = 0;
  #taken = 0;
  #kept = 0;
  #ended = false;

  constructor() {
    compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(WASM));
    this.#kernel = new WebAssembly.Instance(compiled).exports as unknown as Kernel;
    this.#memory = new Uint8Array(this.#kernel.memory.buffer);
    this.reset();
  }

  /** Forgets the stream, so that another can be fed. */
  reset(): void {
    this.#kernel.reset();
    this.#packed = this.#packed.subarray(0, 0);
    this.#begun = false;
    this.#from = this.#end = this.#kernel.inputAt();
    this.#taken = this.#kept = this.#kernel.outputAt();
    this.#ended = false;
  }

  /**
   * Hands over the next packed bytes, which must not change before they are used up: when `read`
   * returned less than it was asked for.
   * @throws {LzwError} If they are LZW of the kind before TIFF 5.0.
   */
  feed(packed: Uint8Array): void {
    if (!this.#begun && packed[0] === 0 && (packed[1] & 1) === 1) {
      throw new LzwError("its LZW codes run from the lowest bit up, as before TIFF 5.0");
    }
    this.#begun = true;
    this.#packed = packed;
  }

  /**
   * Fills `into` as far as the bytes fed so far go.
   * @returns Bytes filled: fewer than asked for if more must be fed, or if the stream has ended.
   * @throws {LzwError} If a code stands for no string.
   */
  read(into: Uint8Array): number {
    let filled = 0;
    while (true) {
      const ready = Math.min(this.#kernel.outputEnd() - this.#taken, into.length - filled);
      into.set(this.#memory.subarray(this.#taken, this.#taken + ready), filled);
      this.#taken += ready;
      filled += ready;
      if (filled === into.length || this.#ended) return filled;
      if (this.#taken - this.#kept >= 2 * PIECE_BYTES) {
        this.#taken = this.#kept = this.#kernel.compact();
      }
      const limit = this.#taken + Math.min(PIECE_BYTES, into.length - filled);
      const status = this.#kernel.decode(this.#from, this.#end, limit);
      this.#from = this.#kernel.inputUsed();
      if (status === ENDED) this.#ended = true;
      else if (status === BAD_CODE) throw new LzwError("an LZW code stands for no string");
      else if (status === NEEDS_INPUT && this.#kernel.outputEnd() === this.#taken) {
        if (this.#packed.length === 0) return filled;
        this.#load();
      }
    }
  }

  #load(): void {
    const some = this.#packed.subarray(0, this.#kernel.inputBytes());
    this.#from = this.#kernel.inputAt();
    this.#end = this.#from + some.length;
    this.#memory.set(some, this.#from);
    this.#packed = this.#packed.subarray(some.length);
  }
}
