/**
 * PackBits (TIFF 6.0, section 9): runs of literal and of repeated bytes.
 * @module
 */

/** Unpacks one PackBits stream at a time, in pieces of any size. */
export class PackBitsDecoder {
  #packed: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Bytes of the current run that are still to come. */
  #left = 0;
  /** The byte that the current run repeats: undefined for a literal run, -1 before it is read. */
  #repeated: number | undefined;

  /** Forgets the stream, so that another can be fed. */
  reset(): void {
    this.#packed = this.#packed.subarray(0, 0);
    this.#at = 0;
    this.#left = 0;
    this.#repeated = undefined;
  }

  /** Hands over the next packed bytes, once `read` returned less than it was asked for. */
  feed(packed: Uint8Array): void {
    this.#packed = packed;
    this.#at = 0;
  }

  /**
   * Fills `into` as far as the bytes fed so far go.
   * @returns Bytes filled.
   */
  read(into: Uint8Array): number {
    const packed = this.#packed;
    let at = this.#at;
    let filled = 0;
    while (filled < into.length) {
      if (this.#left === 0) {
        if (at === packed.length) break;
        const head = packed[at++];
        if (head === 128) continue;
        this.#repeated = head > 128 ? -1 : undefined;
        this.#left = head > 128 ? 257 - head : head + 1;
      }
      if (this.#repeated === undefined) {
        const some = Math.min(this.#left, into.length - filled, packed.length - at);
        if (some === 0) break;
        into.set(packed.subarray(at, at + some), filled);
        at += some;
        filled += some;
        this.#left -= some;
      } else {
        if (this.#repeated < 0) {
          if (at === packed.length) break;
          this.#repeated = packed[at++];
        }
        const some = Math.min(this.#left, into.length - filled);
        into.fill(this.#repeated, filled, filled + some);
        filled += some;
        this.#left -= some;
      }
    }
    this.#at = at;
    return filled;
  }
}
