/** The bytes of an HDF5 file, read by position. */
import { SluiceError } from "../core/errors.ts";
import { checkBlock } from "./_hdf5_checksum.ts";
import { Hdf5Cursor, Hdf5Fault } from "./_hdf5_cursor.ts";
import { readSuperblock, type Superblock } from "./_hdf5_superblock.ts";

/** Longest piece of metadata that is read at once: far beyond what any writer makes. */
const MOST_BYTES = 16 << 20;
/** Metadata that is kept, so that neighbouring chunks are found without reading. */
const KEPT_BYTES = 16 << 20;

/** An HDF5 file. It is open only while it is read, so there is nothing to close. */
export class Hdf5File {
  /** Checked blocks by address, the one used last at the end. */
  readonly #kept = new Map<number, Uint8Array>();
  #keptBytes = 0;

  private constructor(
    readonly path: string,
    /** Bytes of the file. */
    readonly size: number,
    /** When it was last changed, in milliseconds since 1970. */
    readonly mtime: number,
    readonly superblock: Superblock,
  ) {}

  /**
   * Reads the superblock.
   * @throws {Hdf5Fault} If it is no HDF5 file, is cut short, or is being written.
   * @throws {Deno.errors.NotFound} If there is no such file.
   */
  static open(path: string): Hdf5File {
    // A pipe would wait for its writer when opened, so what it is gets asked before.
    const { isFile } = Deno.statSync(path);
    if (!isFile) throw new Hdf5Fault("it is no file", "name one");
    using file = Deno.openSync(path);
    const { size, mtime } = file.statSync();
    const superblock = readSuperblock((from, length) => readAt(file, from, length), size);
    return new Hdf5File(path, size, mtime?.getTime() ?? 0, superblock);
  }

  /** First address behind the file. */
  get end(): number {
    return this.size - this.superblock.base;
  }

  /** A cursor on some metadata. @param what Names it in messages. */
  cursor(bytes: Uint8Array, what: string, at = 0): Hdf5Cursor {
    const { offsetBytes, lengthBytes } = this.superblock;
    return new Hdf5Cursor(bytes, what, offsetBytes, lengthBytes, at);
  }

  /**
   * Reads metadata at an address.
   * @param length Fewer are read where the file ends, if `least` are there.
   * @throws {Hdf5Fault} If it is not in the file. @throws {SluiceError} If the file was changed since it was opened.
   */
  read(address: number, length: number, what: string, least = length): Uint8Array {
    if (!(length <= MOST_BYTES)) {
      throw new Hdf5Fault(`${what} at byte ${address} says that it has ${length} bytes`);
    }
    if (!(address + least <= this.end)) {
      throw new Hdf5Fault(`${what} at byte ${address} lies beyond the end of the file`);
    }
    using file = Deno.openSync(this.path);
    const { size, mtime } = file.statSync();
    if (size !== this.size || (mtime?.getTime() ?? 0) !== this.mtime) {
      throw new SluiceError(
        `Cannot read "${this.path}" as it was when it was opened: it was changed since; ` +
          `wait until its writer is done, and begin again`,
      );
    }
    return readAt(file, this.superblock.base + address, Math.min(length, this.end - address));
  }

  /**
   * Reads a block of metadata that a checksum closes; those read last are kept.
   * @param signature Four letters it begins with; absent where the block has none.
   * @throws {Hdf5Fault} If it is another block, or its checksum does not fit.
   */
  block(address: number, length: number, what: string, signature?: string): Uint8Array {
    return this.keep(address, () => {
      const bytes = this.read(address, length, what);
      if (signature !== undefined) checkSignature(bytes, signature, what, address);
      checkBlock(bytes, what, address);
      return bytes;
    });
  }

  /** Gets a block from those kept, or makes and keeps it. */
  keep(address: number, make: () => Uint8Array): Uint8Array {
    const kept = this.#kept.get(address);
    const bytes = kept ?? make();
    if (kept === undefined) this.#keptBytes += bytes.length;
    else this.#kept.delete(address);
    this.#kept.set(address, bytes);
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES || oldest === address) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= length;
    }
    return bytes;
  }
}

/** @throws {Hdf5Fault} If a block begins with other letters. */
export function checkSignature(
  bytes: Uint8Array,
  signature: string,
  what: string,
  address: number,
): void {
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== signature) {
    throw new Hdf5Fault(`there is no ${what.replace(/^the /, "")} at byte ${address}`);
  }
}

/** Reads so many bytes, or up to the end of the file. */
export function readAt(file: Deno.FsFile, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.seekSync(position, Deno.SeekMode.Start);
  for (let done = 0; done < length;) {
    const count = file.readSync(bytes.subarray(done));
    if (count === null) throw new Hdf5Fault(`it ends at byte ${position + done}`);
    done += count;
  }
  return bytes;
}
