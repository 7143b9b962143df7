/** Numbers of the metadata of an HDF5 file, one after the other; and what can be wrong with them. */

/** What is wrong with an HDF5 file, and the way out, without its name. */
export class Hdf5Fault extends Error {
  constructor(
    state: string,
    readonly wayOut: string = "copy the file again, or check it with h5dump",
  ) {
    super(state);
  }
}

/** How a file is rewritten so that it can be read. */
export const REPACK = "rewrite it with `h5repack --low=0 --high=0`";

/** Reads metadata, which is little-endian, from front to back. */
export class Hdf5Cursor {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    /** What the bytes are, for messages. */
    readonly what: string,
    /** Bytes of an address in this file. */
    readonly offsetBytes: number,
    /** Bytes of a length in this file. */
    readonly lengthBytes: number,
    /** Where the next number lies. */
    public at = 0,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that are left. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Passes over bytes. */
  skip(count: number): void {
    if (!(count >= 0 && count <= this.left)) throw this.fault("is cut short");
    this.at += count;
  }

  /** The next bytes, not copied. */
  take(count: number): Uint8Array {
    this.skip(count);
    return this.bytes.subarray(this.at - count, this.at);
  }

  u8(): number {
    this.skip(1);
    return this.#view.getUint8(this.at - 1);
  }

  u16(): number {
    this.skip(2);
    return this.#view.getUint16(this.at - 2, true);
  }

  u32(): number {
    this.skip(4);
    return this.#view.getUint32(this.at - 4, true);
  }

  /** An unsigned number of some bytes, which JavaScript can hold. */
  uint(byteCount: number): number {
    const value = this.#sum(byteCount);
    if (value > Number.MAX_SAFE_INTEGER) throw this.fault(`has a number that no file needs`);
    return value;
  }

  length(): number {
    return this.uint(this.lengthBytes);
  }

  /** A length that may be the greatest of all, which stands for no limit. */
  limit(): number {
    const isAll = this.#isAllOnes(this.lengthBytes);
    return isAll ? (this.skip(this.lengthBytes), Infinity) : this.length();
  }

  /** An address; undefined where nothing is stored. */
  address(): number | undefined {
    if (!this.#isAllOnes(this.offsetBytes)) return this.uint(this.offsetBytes);
    this.skip(this.offsetBytes);
    return undefined;
  }

  /** What is wrong here. */
  fault(state: string): Hdf5Fault {
    return new Hdf5Fault(`${this.what} ${state}`);
  }

  #sum(byteCount: number): number {
    this.skip(byteCount);
    let value = 0;
    for (let i = this.at - 1; i >= this.at - byteCount; i--) value = value * 256 + this.bytes[i];
    return value;
  }

  #isAllOnes(byteCount: number): boolean {
    if (byteCount > this.left) throw this.fault("is cut short");
    for (let i = 0; i < byteCount; i++) if (this.bytes[this.at + i] !== 255) return false;
    return true;
  }
}
