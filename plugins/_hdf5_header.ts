/** Object headers of HDF5 files, of both versions: the messages that say what a dataset is. */
import { checkBlock } from "./_hdf5_checksum.ts";
import { type Hdf5Cursor, Hdf5Fault, REPACK } from "./_hdf5_cursor.ts";
import { checkSignature, type Hdf5File } from "./_hdf5_file.ts";

/** Kinds of messages that are read. */
export const MESSAGE = {
  dataspace: 0x01,
  datatype: 0x03,
  oldFill: 0x04,
  fill: 0x05,
  external: 0x07,
  layout: 0x08,
  filters: 0x0b,
  continuation: 0x10,
} as const;

/** One message of a header. */
export interface Hdf5Message {
  readonly bytes: Uint8Array;
  /** Address of its first byte. */
  readonly at: number;
}

/** Messages by kind; of several of one kind the first. */
export type Hdf5Header = ReadonlyMap<number, Hdf5Message>;

const WHAT = "the object header";
const READ: readonly number[] = Object.values(MESSAGE);
/** Bytes and parts of a header, beyond which it is no header. */
const MOST_BYTES = 16 << 20, MOST_PARTS = 4096;
/** Flag of messages that are stored elsewhere; and the kind of those in a heap. */
const SHARED = 2, IN_HEAP = 1;

/** One stretch of messages. */
interface Part {
  readonly address: number;
  readonly length: number;
}

/** How the messages of a header are written. */
interface Form {
  readonly version: 1 | 2;
  /** Whether each has two bytes that say when it was made. */
  readonly ordered: boolean;
}

/**
 * Reads the header at an address.
 * @param follow Whether messages that lie in other headers are read there.
 * @throws {Hdf5Fault} If there is none, or it is broken.
 */
export function readHeader(file: Hdf5File, address: number, follow = true): Hdf5Header {
  const found = new Map<number, Hdf5Message>();
  const start = file.read(address, 64, WHAT, 16);
  const [form, first] = start[0] === 1
    ? beginFirst(file.cursor(start, WHAT), address)
    : beginSecond(file, start, address);
  const parts = [first];
  let bytes = 0;
  for (let i = 0; i < parts.length; i++) {
    const { address, length } = parts[i];
    bytes += length;
    if (bytes > MOST_BYTES || i > MOST_PARTS) {
      throw new Hdf5Fault(`${WHAT} at byte ${first.address} has no end`);
    }
    const cursor = readBody(file, form, parts[i], i === 0);
    parts.push(...readPart({ file, form, address, cursor, found, follow }));
  }
  return found;
}

function beginFirst(cursor: Hdf5Cursor, address: number): [Form, Part] {
  cursor.skip(8);
  return [{ version: 1, ordered: false }, { address: address + 16, length: cursor.u32() }];
}

function beginSecond(file: Hdf5File, start: Uint8Array, address: number): [Form, Part] {
  checkSignature(start, "OHDR", WHAT, address);
  const cursor = file.cursor(start, WHAT, 4);
  const version = cursor.u8();
  if (version !== 2) throw cursor.fault(`at byte ${address} has version ${version}`);
  const flags = cursor.u8();
  cursor.skip((flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0));
  const length = cursor.uint(1 << (flags & 3));
  checkBlock(file.read(address, cursor.at + length + 4, WHAT), WHAT, address);
  return [{ version: 2, ordered: (flags & 4) !== 0 }, { address: address + cursor.at, length }];
}

/** The messages of one part; those of a later part of version 2 lie between a signature and a checksum. */
function readBody(file: Hdf5File, form: Form, { address, length }: Part, isFirst: boolean) {
  const bytes = file.read(address, length, WHAT);
  if (form.version === 1 || isFirst) return file.cursor(bytes, WHAT);
  checkSignature(bytes, "OCHK", WHAT, address);
  checkBlock(bytes, WHAT, address);
  return file.cursor(bytes.subarray(0, -4), WHAT, 4);
}

interface PartReading {
  readonly file: Hdf5File;
  readonly form: Form;
  /** Of the part. */
  readonly address: number;
  readonly cursor: Hdf5Cursor;
  readonly found: Map<number, Hdf5Message>;
  readonly follow: boolean;
}

/** @returns Where more messages lie. */
function readPart({ file, form, address, cursor, found, follow }: PartReading): Part[] {
  const { version, ordered } = form;
  const more: Part[] = [];
  const prefixBytes = version === 1 ? 8 : ordered ? 6 : 4;
  // What is left at the end may be too short for a message.
  while (cursor.left >= prefixBytes) {
    const type = version === 1 ? cursor.u16() : cursor.u8();
    const length = cursor.u16();
    const flags = cursor.u8();
    cursor.skip(version === 1 ? 3 : ordered ? 2 : 0);
    const at = address + cursor.at;
    const bytes = cursor.take(length);
    if (type === MESSAGE.continuation) {
      const where = file.cursor(bytes, WHAT);
      const next = where.address();
      if (next === undefined) throw where.fault("goes on nowhere");
      more.push({ address: next, length: where.length() });
    } else if (READ.includes(type) && !found.has(type)) {
      found.set(type, flags & SHARED ? readShared(file, type, bytes, follow) : { bytes, at });
    }
  }
  return more;
}

/** A message that lies in another header: the type of datasets that has a name of its own. */
function readShared(file: Hdf5File, type: number, bytes: Uint8Array, follow: boolean): Hdf5Message {
  const cursor = file.cursor(bytes, "a shared message");
  const version = cursor.u8();
  const kind = cursor.u8();
  if (!(version >= 1 && version <= 3) || !follow) throw cursor.fault("leads nowhere");
  if (version === 3 && kind === IN_HEAP) {
    throw new Hdf5Fault("its description lies in a heap of shared messages", REPACK);
  }
  if (version === 1) cursor.skip(6 + cursor.lengthBytes);
  const address = cursor.address();
  const message = address === undefined ? undefined : readHeader(file, address, false).get(type);
  if (message === undefined) throw cursor.fault("leads nowhere");
  return message;
}
