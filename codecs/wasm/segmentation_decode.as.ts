// Decodes compressed_segmentation, as Neuroglancer describes it: labels in blocks, each with a lookup table
// of its distinct values and 0, 1, 2, 4, 8, 16 or 32 bits a voxel. Written in AssemblyScript;
// scripts/build_wasm.ts compiles it.
//
// One layer of blocks at a time: all of x and y, and up to the depth of a block along z, x fastest. T is the
// type of a voxel, u32 or u64. Nothing is taken from beyond the packed words: every offset is checked first.
//
// Memory: 16 bytes to spare, tables of shuffles, the packed words, the voxels of a layer.

/** Which bytes of a lookup table stand for some codes of one bit, or two: four voxels of u32, two of u64. */
const FOUR_OF_ONE_BIT: usize = 16;
const TWO_OF_ONE_BIT: usize = FOUR_OF_ONE_BIT + 16 * 16;
const FOUR_OF_TWO_BITS: usize = TWO_OF_ONE_BIT + 4 * 16;
const PACKED: usize = FOUR_OF_TWO_BITS + 256 * 16;

const OK: u32 = 0;
const BAD_BITS: u32 = 1;
const BAD_TABLE: u32 = 2;
const BAD_CODES: u32 = 3;
const BAD_CODE: u32 = 4;

let wide: bool = false;
/** Voxels of a row, and rows of a plane. */
let sizeX: u32 = 0;
let sizeY: u32 = 0;
/** Voxels along the edges of a block. */
let blockX: u32 = 0;
let blockY: u32 = 0;
let blockZ: u32 = 0;
/** Where the packed words end, and where the voxels begin. */
let end: usize = 0;
let voxels: usize = 0;

/** Which block could not be decoded, and the number that is wrong there. */
let faultyBlock: u32 = 0;
let faultyValue: u32 = 0;

export function packedAt(): usize {
  return PACKED;
}

export function voxelsAt(): usize {
  return voxels;
}

export function faultBlock(): u32 {
  return faultyBlock;
}

export function faultValue(): u32 {
  return faultyValue;
}

/** Writes the tables of shuffles: once, before all else. */
export function prepare(): void {
  writeShuffles(FOUR_OF_ONE_BIT, 1, 4);
  writeShuffles(TWO_OF_ONE_BIT, 1, 8);
  writeShuffles(FOUR_OF_TWO_BITS, 2, 4);
}

function writeShuffles(at: usize, bits: u32, width: u32): void {
  const sets = <u32> 1 << (bits * 16 / width);
  for (let codes: u32 = 0; codes < sets; codes++) {
    for (let byte: u32 = 0; byte < 16; byte++) {
      const code = (codes >> (byte / width * bits)) & ((1 << bits) - 1);
      store<u8>(at + (codes << 4) + byte, code * width + byte % width);
    }
  }
}

/** Makes room for so many packed bytes, which are to be put at packedAt(). */
export function begin(
  isWide: bool,
  x: u32,
  y: u32,
  bx: u32,
  by: u32,
  bz: u32,
  packedBytes: u32,
): bool {
  wide = isWide;
  sizeX = x;
  sizeY = y;
  blockX = bx;
  blockY = by;
  blockZ = bz;
  end = PACKED + packedBytes;
  // Codes and tables are loaded in groups, the last ones with what lies behind them.
  voxels = (end + 31) & ~15;
  const bytes = voxels + ((<usize> x * y * bz) << (isWide ? 3 : 2));
  const missing = <i32> ((bytes + 65535) >>> 16) - memory.size();
  return missing <= 0 || memory.grow(missing) >= 0;
}

/** Decodes layer `layer`, `depth` voxels deep, of the channel whose words start at word `base`. */
export function decodeLayer(base: u32, layer: u32, depth: u32): u32 {
  return wide ? decodeBlocks<u64>(base, layer, depth) : decodeBlocks<u32>(base, layer, depth);
}

function decodeBlocks<T>(base: u32, layer: u32, depth: u32): u32 {
  const words = PACKED + (<usize> base << 2);
  const count = (end - words) >>> 2;
  const blocks = ((sizeX + blockX - 1) / blockX) * ((sizeY + blockY - 1) / blockY);
  let header = words + (<usize> (layer * blocks) << 3);
  for (let y: u32 = 0; y < sizeY; y += blockY) {
    const wy = min(blockY, sizeY - y);
    for (let x: u32 = 0; x < sizeX; x += blockX) {
      const to = voxels + ((<usize> x + <usize> y * sizeX) << alignof<T>());
      const status = decodeBlock<T>(header, words, count, to, min(blockX, sizeX - x), wy, depth);
      if (status != OK) {
        faultyBlock = (header - words) >>> 3;
        return status;
      }
      header += 8;
    }
  }
  return OK;
}

function decodeBlock<T>(
  header: usize,
  words: usize,
  count: usize,
  to: usize,
  wx: u32,
  wy: u32,
  wz: u32,
): u32 {
  const bits = <u32> load<u8>(header, 3);
  const tableWord = load<u32>(header) & 0xffffff;
  const codesWord = load<u32>(header, 4);
  const entries = tableWord > count ? 0 : <u64> (count - tableWord) / (sizeof<T>() / 4);
  const table = words + (<usize> tableWord << 2);
  faultyValue = bits;
  if (bits > 32 || (bits & (bits - 1)) != 0) return BAD_BITS;
  faultyValue = tableWord;
  if (entries == 0) return BAD_TABLE;
  if (bits == 0) {
    fill<T>(to, load<T>(table), wx, wy, wz);
    return OK;
  }
  const last = <u64> (wx - 1 + blockX * (wy - 1 + blockY * (wz - 1))) * bits;
  faultyValue = codesWord;
  if (<u64> codesWord + (last >> 5) >= count) return BAD_CODES;
  const codes = words + (<usize> codesWord << 2);
  if (entries >> bits == 0) {
    faultyValue = highestCode(codes, bits, wx, wy, wz);
    if (<u64> faultyValue >= entries) return BAD_CODE;
  }
  if (bits == 32 || ((blockX | wx) & 7) != 0) placeAny<T>(to, codes, table, bits, wx, wy, wz);
  else if (bits == 1) placeEights<T>(to, codes, table, 1, wx, wy, wz);
  else if (bits == 2) placeEights<T>(to, codes, table, 2, wx, wy, wz);
  else if (bits == 4) placeEights<T>(to, codes, table, 4, wx, wy, wz);
  else if (bits == 8) placeEights<T>(to, codes, table, 8, wx, wy, wz);
  else placeEights<T>(to, codes, table, 16, wx, wy, wz);
  return OK;
}

function fill<T>(to: usize, value: T, wx: u32, wy: u32, wz: u32): void {
  const row = <usize> sizeX << alignof<T>();
  const length = <usize> wx << alignof<T>();
  const some = sizeof<T>() == 8 ? i64x2.splat(<i64> value) : i32x4.splat(<i32> value);
  let first = to;
  for (let z: u32 = 0; z < wz; z++) {
    for (let y: u32 = 0; y < wy; y++) {
      const stop = first + length;
      let at = first;
      for (; at + 16 <= stop; at += 16) v128.store(at, some);
      for (; at < stop; at += sizeof<T>()) store<T>(at, value);
      first += row;
    }
    first += row * (sizeY - wy);
  }
}

@inline
function codeAt(codes: usize, bits: u32, position: u32): u32 {
  const bit = <u64> position * bits;
  const word = load<u32>(codes + ((<usize> (bit >> 5)) << 2));
  return (word >> (<u32> bit & 31)) & <u32> ((<u64> 1 << bits) - 1);
}

/** The highest code of a voxel: blocks are padded with whatever their writer left there. */
function highestCode(codes: usize, bits: u32, wx: u32, wy: u32, wz: u32): u32 {
  let highest: u32 = 0;
  if (bits == 16 && wx * wy == blockX * blockY && ((wx * wy * wz) & 7) == 0) {
    let eight = i16x8.splat(0);
    const stop = codes + (<usize> (wx * wy * wz) << 1);
    for (let at = codes; at < stop; at += 16) eight = i16x8.max_u(eight, v128.load(at));
    v128.store(0, eight);
    for (let at: usize = 0; at < 16; at += 2) highest = max(highest, <u32> load<u16>(at));
    return highest;
  }
  for (let z: u32 = 0; z < wz; z++) {
    for (let y: u32 = 0; y < wy; y++) {
      const first = blockX * (y + blockY * z);
      for (let x: u32 = 0; x < wx; x++) highest = max(highest, codeAt(codes, bits, first + x));
    }
  }
  return highest;
}

function placeAny<T>(
  to: usize,
  codes: usize,
  table: usize,
  bits: u32,
  wx: u32,
  wy: u32,
  wz: u32,
): void {
  const row = <usize> sizeX << alignof<T>();
  for (let z: u32 = 0; z < wz; z++) {
    for (let y: u32 = 0; y < wy; y++) {
      let at = to + (y + <usize> z * sizeY) * row;
      const first = blockX * (y + blockY * z);
      for (let x: u32 = 0; x < wx; x++) {
        store<T>(at, valueOf<T>(table, codeAt(codes, bits, first + x)));
        at += sizeof<T>();
      }
    }
  }
}

/** As placeAny, for rows of whole eights; `bits` is a constant, and only its branch is compiled. */
@inline
function placeEights<T>(
  to: usize,
  codes: usize,
  table: usize,
  bits: u32,
  wx: u32,
  wy: u32,
  wz: u32,
): void {
  const row = <usize> sizeX << alignof<T>();
  const length = <usize> wx << alignof<T>();
  const codesRow = (<usize> blockX * bits) >> 3;
  const small = v128.load(table);
  let first = to;
  let firstCode = codes;
  for (let z: u32 = 0; z < wz; z++) {
    for (let y: u32 = 0; y < wy; y++) {
      const stop = first + length;
      let from = firstCode;
      for (let at = first; at < stop; at += 8 * sizeof<T>()) {
        if (bits == 1) placeBits<T>(at, small, load<u8>(from));
        else if (bits == 2) placePairs<T>(at, table, small, load<u16>(from));
        else if (bits == 4) placeNibbles<T>(at, table, load<u32>(from));
        else if (bits == 8) placeBytes<T>(at, table, from);
        else placeShorts<T>(at, table, from);
        from += bits;
      }
      first += row;
      firstCode += codesRow;
    }
    first += row * (sizeY - wy);
    firstCode += codesRow * (blockY - wy);
  }
}

@inline
function placeBits<T>(at: usize, small: v128, eight: usize): void {
  if (sizeof<T>() == 4) {
    shuffle(at, small, FOUR_OF_ONE_BIT, eight & 15);
    shuffle(at + 16, small, FOUR_OF_ONE_BIT, eight >> 4);
  } else {
    shuffle(at, small, TWO_OF_ONE_BIT, eight & 3);
    shuffle(at + 16, small, TWO_OF_ONE_BIT, (eight >> 2) & 3);
    shuffle(at + 32, small, TWO_OF_ONE_BIT, (eight >> 4) & 3);
    shuffle(at + 48, small, TWO_OF_ONE_BIT, eight >> 6);
  }
}

@inline
function shuffle(at: usize, small: v128, shuffles: usize, codes: usize): void {
  v128.store(at, v128.swizzle(small, v128.load(shuffles + (codes << 4))));
}

@inline
function placePairs<T>(at: usize, table: usize, small: v128, eight: usize): void {
  if (sizeof<T>() == 4) {
    shuffle(at, small, FOUR_OF_TWO_BITS, eight & 255);
    shuffle(at + 16, small, FOUR_OF_TWO_BITS, eight >> 8);
  } else {
    placeFour<T>(at, table, eight & 3, (eight >> 2) & 3, (eight >> 4) & 3, (eight >> 6) & 3);
    placeFour<T>(at + 32, table, (eight >> 8) & 3, (eight >> 10) & 3, (eight >> 12) & 3, eight >> 14);
  }
}

@inline
function placeNibbles<T>(at: usize, table: usize, eight: usize): void {
  const low = eight & 0xffff;
  const high = eight >> 16;
  placeFour<T>(at, table, low & 15, (low >> 4) & 15, (low >> 8) & 15, low >> 12);
  placeFour<T>(
    at + 4 * sizeof<T>(), table, high & 15, (high >> 4) & 15, (high >> 8) & 15, high >> 12,
  );
}

@inline
function placeBytes<T>(at: usize, table: usize, from: usize): void {
  placeFour<T>(at, table, load<u8>(from), load<u8>(from, 1), load<u8>(from, 2), load<u8>(from, 3));
  placeFour<T>(
    at + 4 * sizeof<T>(),
    table,
    load<u8>(from, 4),
    load<u8>(from, 5),
    load<u8>(from, 6),
    load<u8>(from, 7),
  );
}

@inline
function placeShorts<T>(at: usize, table: usize, from: usize): void {
  placeFour<T>(at, table, load<u16>(from), load<u16>(from, 2), load<u16>(from, 4), load<u16>(from, 6));
  placeFour<T>(
    at + 4 * sizeof<T>(),
    table,
    load<u16>(from, 8),
    load<u16>(from, 10),
    load<u16>(from, 12),
    load<u16>(from, 14),
  );
}

@inline
function placeFour<T>(at: usize, table: usize, a: usize, b: usize, c: usize, d: usize): void {
  store<T>(at, valueOf<T>(table, a));
  store<T>(at, valueOf<T>(table, b), sizeof<T>());
  store<T>(at, valueOf<T>(table, c), 2 * sizeof<T>());
  store<T>(at, valueOf<T>(table, d), 3 * sizeof<T>());
}

@inline
function valueOf<T>(table: usize, code: usize): T {
  return load<T>(table + (code << alignof<T>()));
}
