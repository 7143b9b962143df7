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
/** Of each code the position of its string, and above that its length. */
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
/** The next code has another width. */
const OTHER_WIDTH: i32 = 4;

/** Bits of the input that were taken and not used up, from the highest down, and how many. */
let hold: u64 = 0;
let held: u64 = 0;
let width: u64 = 9;
/**
 * The code that the next string gets. The first code after a Clear has none before it that its
 * string could go on from: it fills the entry of END, which nothing reads.
 */
let next: u32 = END;
let previous: u32 = OUTPUT;
let previousLength: u32 = 0;
let out: u32 = OUTPUT;
/** Where the output since the last Clear begins, and where the last string of a full table ends. */
let epoch: u32 = OUTPUT;
let frozen: u32 = OUTPUT;
let used: u32 = INPUT;

export function inputAt(): u32 {
  return INPUT;
}

export function inputBytes(): u32 {
  return INPUT_BYTES;
}

/** Where the input begins that was not taken yet. */
export function inputUsed(): u32 {
  return used;
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
  next = END;
  previous = OUTPUT;
  previousLength = 0;
  out = OUTPUT;
  epoch = OUTPUT;
  frozen = OUTPUT;
}

/** Moves what codes may still point at to the start of the window; all else must have been taken. */
export function compact(): u32 {
  const shift = epoch - OUTPUT;
  const end = next == CODES ? frozen : out;
  memory.copy(OUTPUT, epoch, end - epoch);
  for (let code: u32 = 258; code < next; code++) {
    const entry = TABLE + (code << 3);
    store<u64>(entry, load<u64>(entry) - shift);
  }
  previous = next == END ? OUTPUT : previous - shift;
  frozen = end - shift;
  out = frozen;
  epoch = OUTPUT;
  return out;
}

/**
 * Decodes from `from` to `end` (within the input) until the output reaches `limit`, which it may
 * pass by one string.
 */
export function decode(from: u32, end: u32, limit: u32): i32 {
  used = from;
  let status = OTHER_WIDTH;
  while (status == OTHER_WIDTH) {
    if (width == 12) status = decodeWidth<u64>(end, limit);
    else if (width == 11) status = decodeWidth<u32>(end, limit);
    else if (width == 10) status = decodeWidth<u16>(end, limit);
    else status = decodeWidth<u8>(end, limit);
  }
  return status;
}

/**
 * Decodes codes of one width. T only stands for the width: the compiler makes a function for each,
 * in which it is a constant, and that is faster by a quarter.
 */
function decodeWidth<T>(end: u32, limit: u32): i32 {
  const size: u64 = sizeof<T>() == 1 ? 9 : sizeof<T>() == 2 ? 10 : sizeof<T>() == 4 ? 11 : 12;
  let bits = hold;
  let count = held;
  let at = used;
  let free = next;
  let last = previous;
  let lastLength = previousLength;
  let to = out;
  let status = REACHED_LIMIT;
  while (to < limit) {
    if (count < size) {
      if (at + 8 <= end) {
        bits |= bswap<u64>(load<u64>(at)) >> count;
        at += <u32> ((63 - count) >> 3);
        count |= 56;
      } else {
        while (count <= 56 && at < end) {
          bits |= (<u64> load<u8>(at)) << (56 - count);
          at += 1;
          count += 8;
        }
        if (count < size) {
          status = NEEDS_INPUT;
          break;
        }
      }
    }
    const code = <u32> (bits >> (64 - size));
    bits <<= size;
    count -= size;
    if (code - CLEAR < 2) {
      if (code == END) {
        status = ENDED;
        break;
      }
      free = END;
      lastLength = 0;
      epoch = to;
      if (size == 9) continue;
      width = 9;
      status = OTHER_WIDTH;
      break;
    }
    let length: u32;
    if (code < free) {
      const entry = load<u64>(TABLE + (code << 3));
      length = <u32> (entry >> 32);
      copy(<u32> entry, to, length);
    } else {
      if (code != free) {
        status = BAD_CODE;
        break;
      }
      // The string before and its own first byte, which was copied before it was there.
      length = lastLength + 1;
      copy(last, to, length);
      store<u8>(to + lastLength, load<u8>(to));
    }
    if (free < CODES) {
      store<u64>(TABLE + (free << 3), ((<u64> (lastLength + 1)) << 32) | last);
      free += 1;
      if (size < 12) {
        if (free == <u32> ((<u64> 1 << size) - 1)) {
          last = to;
          lastLength = length;
          to += length;
          width = size + 1;
          status = OTHER_WIDTH;
          break;
        }
      } else if (free == CODES) {
        frozen = to + length;
      }
    }
    last = to;
    lastLength = length;
    to += length;
  }
  hold = bits;
  held = count;
  used = at;
  next = free;
  previous = last;
  previousLength = lastLength;
  out = to;
  return status;
}

/** Copies eight bytes at a time, past the end of the string too: what lies there comes later. */
function copy(source: u32, to: u32, length: u32): void {
  store<u64>(to, load<u64>(source));
  for (let done: u32 = 8; done < length; done += 8) {
    store<u64>(to + done, load<u64>(source + done));
  }
}
