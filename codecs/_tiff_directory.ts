/**
 * The skeleton of a TIFF: its header and its chain of directories, classic and BigTIFF, of either
 * byte order (TIFF 6.0, section 2; BigTIFF as libtiff defines it).
 * @module
 */
import { ImageError } from "../core/errors.ts";
import type { Rational } from "./_resolution.ts";
import type { ByteSource } from "./image.ts";

/** The error for a TIFF that cannot be decoded. */
export function brokenTiff(state: string, wayOut: string, options?: ErrorOptions): ImageError {
  return new ImageError(
    `Cannot decode the TIFF as an image: ${state}; ${wayOut}`,
    "broken",
    options,
  );
}

const COPY_AGAIN = "copy or export the file again";

/** Bytes of one value of each field type of TIFF 6.0 and BigTIFF. */
const TYPE_BYTES: Record<number, number> = {
  1: 1, // BYTE
  2: 1, // ASCII
  3: 2, // SHORT
  4: 4, // LONG
  5: 8, // RATIONAL
  6: 1, // SBYTE
  7: 1, // UNDEFINED
  8: 2, // SSHORT
  9: 4, // SLONG
  10: 8, // SRATIONAL
  11: 4, // FLOAT
  12: 8, // DOUBLE
  13: 4, // IFD
  16: 8, // LONG8
  17: 8, // SLONG8
  18: 8, // IFD8
};

const FIRST_WINDOW = 4096;
const LARGEST_WINDOW = 256 * 1024;

interface Window {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** How the integers of a TIFF are laid out, and where its first directory lies. */
export interface TiffHeader {
  readonly little: boolean;
  readonly big: boolean;
  readonly first: number;
}

/** One field of a directory. */
interface Field {
  readonly type: number;
  readonly count: number;
  /** Where its values lie: in the directory itself where they fit, or elsewhere. */
  readonly at: number;
  /** Its values, once they were read. */
  bytes?: Uint8Array;
}

/** A TIFF file read through a few windows, so that walking a thousand directories takes few reads. */
export class TiffFile {
  #recent: Window = { start: 0, bytes: new Uint8Array(0) };
  #older: Window = this.#recent;
  #windowBytes = FIRST_WINDOW;

  private constructor(readonly bytes: ByteSource, readonly header: TiffHeader) {}

  /** Reads the header. */
  static async open(bytes: ByteSource): Promise<TiffFile> {
    if (bytes.size < 8) {
      throw brokenTiff(`a TIFF has 8 bytes or more and this file has ${bytes.size}`, COPY_AGAIN);
    }
    const reading = new TiffFile(bytes, { little: true, big: false, first: 0 });
    const first = await reading.view(0, Math.min(16, bytes.size));
    const little = first[0] === 0x49;
    if ((!little && first[0] !== 0x4d) || first[1] !== first[0]) {
      throw brokenTiff("it does not start with II or MM", "give its true format");
    }
    const fields = new DataView(first.buffer, first.byteOffset, first.byteLength);
    const version = fields.getUint16(2, little);
    if (version !== 42 && version !== 43) {
      throw brokenTiff(`its version is ${version} and not 42 or 43`, COPY_AGAIN);
    }
    const big = version === 43;
    if (big && (first.length < 16 || fields.getUint16(4, little) !== 8)) {
      throw brokenTiff("its BigTIFF header does not say offsets of 8 bytes", COPY_AGAIN);
    }
    const at = big ? unsigned64(fields, 8, little) : fields.getUint32(4, little);
    const file = new TiffFile(bytes, { little, big, first: at });
    file.#recent = reading.#recent;
    return file;
  }

  /**
   * The directories of the main chain, in order.
   * @param tags Fields whose numbers will be asked for.
   */
  async *directories(tags: Iterable<number>): AsyncGenerator<TiffDirectory> {
    const seen = new Set<number>();
    let at = this.header.first;
    if (at === 0) throw brokenTiff("it has no directory", COPY_AGAIN);
    while (at !== 0) {
      if (seen.has(at)) {
        throw brokenTiff(`its chain of directories leads back to byte ${at}`, COPY_AGAIN);
      }
      seen.add(at);
      const directory = await this.directory(at, tags);
      yield directory;
      at = directory.next;
    }
  }

  /**
   * The directory at a byte offset.
   * @param tags Fields whose numbers will be asked for.
   */
  async directory(at: number, tags: Iterable<number>): Promise<TiffDirectory> {
    const { little, big } = this.header;
    const [head, entry, tail] = big ? [8, 20, 8] : [2, 12, 4];
    this.#inside(at, head, "its directory");
    const counted = viewOf(await this.view(at, head));
    const count = big ? unsigned64(counted, 0, little) : counted.getUint16(0, little);
    const length = count * entry + tail;
    this.#inside(at + head, length, `its directory of ${count} fields`);
    const bytes = await this.view(at + head, length);
    const table = viewOf(bytes);
    const fields = new Map<number, Field>();
    for (let index = 0; index < count; index++) {
      const start = index * entry;
      const type = table.getUint16(start + 2, little);
      const values = big
        ? unsigned64(table, start + 4, little)
        : table.getUint32(start + 4, little);
      const slot = big ? 8 : 4;
      const size = values * (TYPE_BYTES[type] ?? 1);
      const place = start + entry - slot;
      fields.set(
        table.getUint16(start, little),
        size <= slot
          ? {
            type,
            count: values,
            at: at + head + place,
            bytes: bytes.subarray(place, place + size),
          }
          : {
            type,
            count: values,
            at: big ? unsigned64(table, place, little) : table.getUint32(place, little),
          },
      );
    }
    const end = count * entry;
    const next = big ? unsigned64(table, end, little) : table.getUint32(end, little);
    const directory = new TiffDirectory(this, at, next, fields);
    for (const tag of tags) {
      if (!directory.isRead(tag)) await directory.read(tag);
    }
    return directory;
  }

  /** Bytes of the file, which are not to be changed: they may be a view on a window. */
  async view(offset: number, length: number): Promise<Uint8Array> {
    for (const { start, bytes } of [this.#recent, this.#older]) {
      if (offset >= start && offset + length <= start + bytes.length) {
        return bytes.subarray(offset - start, offset - start + length);
      }
    }
    const end = this.#recent.start + this.#recent.bytes.length;
    const goesOn = offset >= this.#recent.start && offset <= end;
    this.#windowBytes = goesOn ? Math.min(this.#windowBytes * 2, LARGEST_WINDOW) : FIRST_WINDOW;
    const bytes = new Uint8Array(
      Math.min(Math.max(length, this.#windowBytes), this.bytes.size - offset),
    );
    await this.bytes.read(offset, bytes);
    this.#older = this.#recent;
    this.#recent = { start: offset, bytes };
    return bytes.subarray(0, length);
  }

  #inside(at: number, length: number, what: string): void {
    if (at + length > this.bytes.size) {
      throw brokenTiff(
        `${what} at byte ${at} ends at byte ${at + length} and the file has ${this.bytes.size}`,
        COPY_AGAIN,
      );
    }
  }
}

/** One directory: the fields of one image. */
export class TiffDirectory {
  readonly #fields: ReadonlyMap<number, Field>;

  constructor(
    readonly file: TiffFile,
    readonly at: number,
    /** Where the next directory of the chain lies; 0 at its end. */
    readonly next: number,
    fields: ReadonlyMap<number, Field>,
  ) {
    this.#fields = fields;
  }

  /** How many values a field has; 0 where it is absent. */
  count(tag: number): number {
    return this.#fields.get(tag)?.count ?? 0;
  }

  /** Whether the values of a field are at hand, as they are where there is no such field. */
  isRead(tag: number): boolean {
    const field = this.#fields.get(tag);
    return field === undefined || field.bytes !== undefined;
  }

  /** Reads the values of a field as bytes, which are not to be changed. */
  async read(tag: number): Promise<Uint8Array | undefined> {
    const field = this.#fields.get(tag);
    if (field === undefined) return undefined;
    const { file } = this;
    const length = field.count * (TYPE_BYTES[field.type] ?? 1);
    if (field.at + length > file.bytes.size) {
      throw brokenTiff(
        `its field ${tag} of ${field.count} values ends at byte ${field.at + length} and the ` +
          `file has ${file.bytes.size}`,
        COPY_AGAIN,
      );
    }
    return field.bytes ??= await file.view(field.at, length);
  }

  /** The bytes of a field that was read. */
  bytes(tag: number): Uint8Array | undefined {
    return this.#fields.get(tag)?.bytes;
  }

  /** The numbers of a field that was read, none where it is absent; a rational is one number. */
  numbers(tag: number): number[] {
    const field = this.#fields.get(tag);
    if (field === undefined) return [];
    const { view, size, readNumber } = this.#valuesOf(tag, field);
    const { little } = this.file.header;
    const numbers = new Array<number>(field.count);
    for (let index = 0; index < field.count; index++) {
      numbers[index] = readNumber(view, index * size, little);
    }
    return numbers;
  }

  /** The first number of a field that was read. */
  number(tag: number): number | undefined {
    const field = this.#fields.get(tag);
    if (field === undefined || field.count === 0) return undefined;
    const { view, readNumber } = this.#valuesOf(tag, field);
    return readNumber(view, 0, this.file.header.little);
  }

  /** The first rational of a field that was read, as it is stored. */
  rational(tag: number): Rational | undefined {
    const field = this.#fields.get(tag);
    if (field === undefined || field.count === 0) return undefined;
    const { view, readNumber } = this.#valuesOf(tag, field);
    const { little } = this.file.header;
    if (field.type !== 5 && field.type !== 10) return [readNumber(view, 0, little), 1];
    return [view.getUint32(0, little), view.getUint32(4, little)];
  }

  /** The text of a field up to its first NUL: UTF-8, or Latin-1 where it is not valid UTF-8. */
  async text(tag: number): Promise<string | undefined> {
    const bytes = await this.read(tag);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf(0);
    const used = end < 0 ? bytes : bytes.subarray(0, end);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(used);
    } catch {
      return new TextDecoder("latin1").decode(used);
    }
  }

  #valuesOf(tag: number, { type, bytes }: Field) {
    const readNumber = NUMBER_READERS[type];
    if (bytes === undefined || readNumber === undefined) {
      throw brokenTiff(`its field ${tag} has type ${type}, which is no number`, COPY_AGAIN);
    }
    return { view: viewOf(bytes), size: TYPE_BYTES[type], readNumber };
  }
}

type NumberReader = (view: DataView, at: number, little: boolean) => number;

const NUMBER_READERS: Record<number, NumberReader> = {
  1: (view, at) => view.getUint8(at),
  3: (view, at, little) => view.getUint16(at, little),
  4: (view, at, little) => view.getUint32(at, little),
  5: (view, at, little) => view.getUint32(at, little) / view.getUint32(at + 4, little),
  6: (view, at) => view.getInt8(at),
  7: (view, at) => view.getUint8(at),
  8: (view, at, little) => view.getInt16(at, little),
  9: (view, at, little) => view.getInt32(at, little),
  10: (view, at, little) => view.getInt32(at, little) / view.getInt32(at + 4, little),
  11: (view, at, little) => view.getFloat32(at, little),
  12: (view, at, little) => view.getFloat64(at, little),
  13: (view, at, little) => view.getUint32(at, little),
  16: (view, at, little) => unsigned64(view, at, little),
  17: (view, at, little) => Number(view.getBigInt64(at, little)),
  18: (view, at, little) => unsigned64(view, at, little),
};

/** Past 2^53 it loses its last bits, which no offset into a file has. */
function unsigned64(view: DataView, at: number, little: boolean): number {
  const low = view.getUint32(at + (little ? 0 : 4), little);
  return view.getUint32(at + (little ? 4 : 0), little) * 0x1_0000_0000 + low;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
