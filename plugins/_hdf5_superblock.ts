/** The superblock of an HDF5 file: where its addresses begin, how long they are, and whether the file is whole. */
import { checkBlock } from "./_hdf5_checksum.ts";
import { Hdf5Cursor, Hdf5Fault } from "./_hdf5_cursor.ts";

/** What every address and length of the file depends on. */
export interface Superblock {
  /** Where address 0 lies: behind the user block. */
  readonly base: number;
  /** Bytes of an address. */
  readonly offsetBytes: number;
  /** Bytes of a length. */
  readonly lengthBytes: number;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** No superblock of a known version is longer. */
const MOST_BYTES = 128;
/** Flags of files that a program has open for writing, or had when it died. */
const OPEN_FOR_WRITING = 1, OPEN_FOR_SWMR = 4;
const WAIT = "wait until its writer has closed it; where none is left, run `h5clear -s` on a copy";

/**
 * Finds and reads the superblock: at byte 0, or behind a user block of 512, 1024, 2048 … bytes.
 * @param readAt Reads so many bytes from there on.
 * @param size Bytes of the file.
 * @throws {Hdf5Fault} If there is none, or if it says that the file is cut short or being written.
 */
export function readSuperblock(
  readAt: (position: number, length: number) => Uint8Array,
  size: number,
): Superblock {
  for (let base = 0; base + SIGNATURE.length <= size; base = base === 0 ? 512 : base * 2) {
    const bytes = readAt(base, Math.min(MOST_BYTES, size - base));
    if (SIGNATURE.every((byte, i) => bytes[i] === byte)) return parse(bytes, base, size);
  }
  throw new Hdf5Fault("it is no HDF5 file", "name another, or its format");
}

function parse(bytes: Uint8Array, base: number, size: number): Superblock {
  const version = bytes[8];
  if (!(version <= 3)) {
    throw new Hdf5Fault(
      `its superblock has version ${version}, and 0 to 3 are read`,
      "rewrite it with `h5repack --low=0 --high=0`",
    );
  }
  const sizesAt = version < 2 ? 13 : 9;
  const [offsetBytes, lengthBytes] = [bytes[sizesAt], bytes[sizesAt + 1]];
  if (![2, 4, 8].includes(offsetBytes) || ![2, 4, 8].includes(lengthBytes)) {
    throw new Hdf5Fault(`its addresses have ${offsetBytes} bytes, and its lengths ${lengthBytes}`);
  }
  const cursor = new Hdf5Cursor(bytes, "the superblock", offsetBytes, lengthBytes);
  cursor.skip(version === 0 ? 24 : version === 1 ? 28 : 12);
  if (version >= 2) {
    checkBlock(bytes.subarray(0, 12 + 4 * offsetBytes + 4), "the superblock", base);
  }
  const written = cursor.address() ?? 0;
  cursor.address();
  const end = cursor.address();
  // The library, too, believes where the superblock is rather than what it says of it.
  if (end !== undefined && end - written > size - base) {
    throw new Hdf5Fault(
      `it is cut short: it should have ${end - written + base} bytes, and has ${size}`,
      "copy it again, or wait until its writer has closed it",
    );
  }
  const flags = version < 2 ? 0 : bytes[11];
  if (flags & (OPEN_FOR_WRITING | OPEN_FOR_SWMR)) {
    throw new Hdf5Fault(
      `a program has it open for writing${flags & OPEN_FOR_SWMR ? " (SWMR)" : ""}, or died so`,
      WAIT,
    );
  }
  return { base, offsetBytes, lengthBytes };
}
