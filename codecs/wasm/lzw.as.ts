// LZW as TIFF packs it (TIFF 6.0, section 13): codes from the highest bit down, of 9 to 12 bits,
// each width left one code early. Written in AssemblyScript; scripts/build_wasm.ts compiles it.
//
// Every string but a literal lies in the output already: the one that a code stands for is the
// string before it and one byte more, which follows it there. So a code is decoded by copying from
// earlier output; strings of up to seven bytes, which are most, lie in the table themselves.
//
// Memory: packed bytes, table, places of long strings, output. The window keeps what was written
// since the last Clear, as codes may still point there: 3838 codes reach 7.4 MB at most.

const INPUT: u32 = 0;
const INPUT_BYTES: u32 = 65536;
/** A string's first seven bytes from the lowest up, and its length above them, or LONG. */
const TABLE: u32 = INPUT + INPUT_BYTES + 256;
/** Where a string lies in the output, and its length above that. */
const PLACES: u32 = TABLE + 4096 * 8;
const OUTPUT: u32 = PLACES + 4096 * 8;

const IN_TABLE: u32 = 7;
const LONG: u64 = 255;
const BYTES: u64 = 0x00ff_ffff_ffff_ffff;

const CLEAR: u32 = 256;
const END: u32 = 257;
const CODES: u32 = 4096;

const NEEDS_INPUT: i32 = 0;
const REACHED_LIMIT: i32 = 1;
const ENDED: i32 = 2;
const BAD_CODE: i32 = 3;

/** Bits of the input that were used up, of the first byte that still counts. */
let skipped: u32 = 0;
let width: u32 = 9;
let next: u32 = 258;
let previous: u32 = 0;
let previousLength: u32 = 0;
let previousString: u64 = 0;
let out: u32 = OUTPUT;
/** Where the output since the last Clear begins, and where the last string of a full table ends. */
let epoch: u32 = OUTPUT;
let frozen: u32 = 0;

export function inputAt(): u32 {
  return INPUT;
}

export function inputBytes(): u32 {
  return INPUT_BYTES;
}

export function outputAt(): u32 {
  return OUTPUT;
}

export function outputEnd(): u32 {
  return out;
}

export function reset(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    store<u64>(TABLE + (byte << 3), (<u64> 1 << 56) | byte);
  }
  skipped = 0;
  width = 9;
  next = 258;
  previous = 0;
  previousLength = 0;
  previousString = 0;
  out = OUTPUT;
  epoch = OUTPUT;
  frozen = 0;
}

/** Moves what codes may still point at to the start of the window; all else must have been taken. */
export function compact(): u32 {
  const shift = epoch - OUTPUT;
  const end = next == CODES ? frozen : out;
  memory.copy(OUTPUT, epoch, end - epoch);
  for (let code: u32 = 258; code < next; code++) {
    const place = PLACES + (code << 3);
    store<u64>(place, load<u64>(place) - shift);
  }
  previous -= shift;
  frozen = end - shift;
  out = frozen;
  epoch = OUTPUT;
  return out;
}

/**
 * Decodes from `from` to `end` (within the input) until the output reaches `limit`, which it may
 * pass by one string. Of input that was not used up, `inputUsed` tells where it begins.
 */
export function decode(from: u32, end: u32, limit: u32): i32 {
  let bit = (from << 3) + skipped;
  const lastBit = end << 3;
  let size = width;
  let free = next;
  let last = previous;
  let lastLength = previousLength;
  let lastString = previousString;
  let to = out;
  let status = REACHED_LIMIT;
  while (to < limit) {
    if (bit + size > lastBit) {
      status = NEEDS_INPUT;
      break;
    }
    const code = <u32> ((bswap<u64>(load<u64>(bit >> 3)) << (bit & 7)) >> (64 - size));
    bit += size;
    let string: u64;
    let length: u32;
    let source: u32 = 0;
    if (code < free) {
      if (code == CLEAR) {
        size = 9;
        free = 258;
        lastLength = 0;
        epoch = to;
        continue;
      }
      if (code == END) {
        status = ENDED;
        break;
      }
      string = load<u64>(TABLE + (code << 3));
      length = <u32> (string >> 56);
      if (length > IN_TABLE) {
        const place = load<u64>(PLACES + (code << 3));
        source = <u32> place;
        length = <u32> (place >> 32);
      }
    } else {
      if (code != free || lastLength == 0) {
        status = BAD_CODE;
        break;
      }
      // The string before, and its own first byte.
      string = extended(lastString, lastLength, lastString);
      source = last;
      length = lastLength + 1;
    }
    // Eight bytes at a time, past the end of the string too: what lies there comes later.
    if (length <= IN_TABLE) {
      store<u64>(to, string);
    } else {
      for (let done: u32 = 0; done < length; done += 8) {
        store<u64>(to + done, load<u64>(source + done));
      }
      // Where a string runs into itself, its last byte was copied too soon.
      store<u8>(to + length - 1, code < free ? load<u8>(source + length - 1) : <u8> string);
    }
    if (lastLength != 0 && free < CODES) {
      store<u64>(TABLE + (free << 3), extended(lastString, lastLength, string));
      store<u64>(PLACES + (free << 3), ((<u64> (lastLength + 1)) << 32) | last);
      free += 1;
      if (free == <u32> ((1 << size) - 1) && size < 12) size += 1;
      if (free == CODES) frozen = to + length;
    }
    last = to;
    lastLength = length;
    lastString = string;
    to += length;
  }
  used = bit >> 3;
  skipped = bit & 7;
  width = size;
  next = free;
  previous = last;
  previousLength = lastLength;
  previousString = lastString;
  out = to;
  return status;
}

/** The entry of a string of `length` bytes and the first byte of `following`. */
// @ts-ignore: decorator
@inline
function extended(string: u64, length: u32, following: u64): u64 {
  if (length >= IN_TABLE) return (string & BYTES) | (LONG << 56);
  return (string & BYTES) | ((following & 255) << (length << 3)) | ((<u64> length + 1) << 56);
}

/** Where the input that is not used up begins; fewer bits than a byte of its first may count. */
let used: u32 = INPUT;
export function inputUsed(): u32 {
  return used;
}
