// LZW as TIFF packs it (TIFF 6.0, section 13): codes from the highest bit down, of 9 to 12 bits,
// each width left one code early. Written in AssemblyScript; scripts/build_wasm.ts compiles it.
//
// Every string but a literal lies in the output already: the one that a code stands for is the
// string before it and one byte more, which follows it there. So the table holds positions and
// lengths, and a code is decoded by copying from earlier output.
//
// Memory: literals, table, packed bytes, output. The window keeps what was written since the last
// Clear, as codes may still point there: 3838 codes reach 7.4 MB at most.

const LITERALS: u32 = 0;
const TABLE: u32 = 256;
const INPUT: u32 = TABLE + 4096 * 8;
const INPUT_BYTES: u32 = 65536;
const OUTPUT: u32 = INPUT + INPUT_BYTES + 256;

const CLEAR: u32 = 256;
const END: u32 = 257;
const CODES: u32 = 4096;

const NEEDS_INPUT: i32 = 0;
const REACHED_LIMIT: i32 = 1;
const ENDED: i32 = 2;
const BAD_CODE: i32 = 3;

let hold: u64 = 0;
let held: u32 = 0;
let width: u32 = 9;
let next: u32 = 258;
let previous: u32 = 0;
let previousLength: u32 = 0;
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
    store<u8>(LITERALS + byte, byte);
    store<u64>(TABLE + (byte << 3), (<u64> 1 << 32) | (LITERALS + byte));
  }
  hold = 0;
  held = 0;
  width = 9;
  next = 258;
  previous = 0;
  previousLength = 0;
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
    const entry = load<u64>(TABLE + (code << 3));
    store<u64>(TABLE + (code << 3), entry - shift);
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
let used: u32 = INPUT;
export function inputUsed(): u32 {
  return used;
}

export function decode(from: u32, end: u32, limit: u32): i32 {
  let bits = hold;
  let count = held;
  let size = width;
  let free = next;
  let last = previous;
  let lastLength = previousLength;
  let to = out;
  let at = from;
  let status = REACHED_LIMIT;
  while (to < limit) {
    if (count < size) {
      if (at + 4 <= end) {
        bits = (bits << 32) | bswap<u32>(load<u32>(at));
        at += 4;
        count += 32;
      } else {
        while (count < size && at < end) {
          bits = (bits << 8) | load<u8>(at);
          at += 1;
          count += 8;
        }
        if (count < size) {
          status = NEEDS_INPUT;
          break;
        }
      }
    }
    count -= size;
    const code = <u32> (bits >> count) & ((1 << size) - 1);
    let source: u32;
    let length: u32;
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
      const entry = load<u64>(TABLE + (code << 3));
      source = <u32> entry;
      length = <u32> (entry >> 32);
    } else {
      if (code != free || lastLength == 0) {
        status = BAD_CODE;
        break;
      }
      source = last;
      length = lastLength + 1;
    }
    // Eight bytes at a time, past the end of the string too: what lies there comes later.
    store<u64>(to, load<u64>(source));
    for (let done: u32 = 8; done < length; done += 8) {
      store<u64>(to + done, load<u64>(source + done));
    }
    if (lastLength != 0 && free < CODES) {
      // The string before and one byte: where that byte is its own first, it was copied too soon.
      if (code == free) store<u8>(to + length - 1, load<u8>(to));
      store<u64>(TABLE + (free << 3), ((<u64> (lastLength + 1)) << 32) | last);
      free += 1;
      if (free == <u32> ((1 << size) - 1) && size < 12) size += 1;
      if (free == CODES) frozen = to + length;
    }
    last = to;
    lastLength = length;
    to += length;
  }
  hold = bits;
  held = count;
  width = size;
  next = free;
  previous = last;
  previousLength = lastLength;
  out = to;
  used = at;
  return status;
}
