// Encodes compressed_segmentation, as Neuroglancer describes it: labels in blocks, each with a lookup table
// of its distinct values and as few of 0, 1, 2, 4, 8, 16 or 32 bits a voxel as they need. Written in
// AssemblyScript; scripts/build_wasm.ts compiles it.
//
// Tables are sorted, equal ones are written once, and what lies beyond the extent gets the smallest value:
// so the same voxels give the same bytes, which are also those of Neuroglancer's own encoder.
//
// One layer of blocks at a time: all of x and y, and up to the depth of a block along z, x fastest. T is the
// type of a voxel, u32 or u64.
//
// Memory: 16 bytes to spare, what a block is sorted with, the voxels of a layer, and last, as they grow, the
// packed words.

const OK: u32 = 0;
const TOO_FAR: u32 = 1;
const NO_MEMORY: u32 = 2;

/** Words that an offset of 24 bits reaches. */
const REACH: usize = 1 << 24;
/** From so many values on, sorting by bytes is faster. */
const MANY: u32 = 40;

let wide: bool = false;
/** Voxels of a row, and rows of a plane. */
let sizeX: u32 = 0;
let sizeY: u32 = 0;
/** Voxels along the edges of a block, and in all of it. */
let blockX: u32 = 0;
let blockY: u32 = 0;
let blockZ: u32 = 0;
let volume: u32 = 0;

/** Of each voxel of a block the number of its value: values are numbered as they are found. */
let codes: usize = 0;
/** The values by their number, and which slot each has. */
let values: usize = 0;
let slotsTaken: usize = 0;
/** By the hash of a value its number, plus one. */
let slots: usize = 0;
let slotMask: u32 = 0;
/** The numbers in the order of their values, and of each number its rank in that order. */
let order: usize = 0;
let ranks: usize = 0;
/** To sort by bytes with. */
let sorted: usize = 0;
let buckets: usize = 0;
let voxels: usize = 0;
/** By the hash of a lookup table its first word, and its length. */
let tables: usize = 0;
let tableMask: u32 = 0;
let packed: usize = 0;
/** Where the packed words end. */
let end: usize = 0;

export function voxelsAt(): usize {
  return voxels;
}

export function packedAt(): usize {
  return packed;
}

export function packedEnd(): usize {
  return end;
}

/** Makes room for one channel, whose headers come first: `layers` of blocks. */
export function begin(
  isWide: bool,
  x: u32,
  y: u32,
  bx: u32,
  by: u32,
  bz: u32,
  layers: u32,
): bool {
  wide = isWide;
  sizeX = x;
  sizeY = y;
  blockX = bx;
  blockY = by;
  blockZ = bz;
  volume = bx * by * bz;
  const blocks = ((x + bx - 1) / bx) * ((y + by - 1) / by) * layers;
  const numbers = <usize> volume << 2;
  slotMask = powerFrom(2 * volume) - 1;
  tableMask = powerFrom(2 * blocks) - 1;
  values = 16;
  codes = values + 2 * numbers;
  slotsTaken = codes + numbers;
  order = slotsTaken + numbers;
  ranks = order + numbers;
  sorted = ranks + numbers;
  buckets = sorted + numbers;
  slots = buckets + 1024;
  tables = slots + (<usize> (slotMask + 1) << 2);
  voxels = (tables + (<usize> (tableMask + 1) << 3) + 15) & ~15;
  packed = voxels + ((<usize> x * y * bz) << (isWide ? 3 : 2));
  end = packed + (<usize> blocks << 3);
  if (!hasMemory(end)) return false;
  memory.fill(slots, 0, <usize> (slotMask + 1) << 2);
  memory.fill(tables, 0, <usize> (tableMask + 1) << 3);
  return true;
}

function powerFrom(least: u32): u32 {
  return <u32> 1 << (32 - clz(max(least, 64) - 1));
}

function hasMemory(to: usize): bool {
  const missing = <i32> ((to + 65535) >>> 16) - memory.size();
  // Half as much again, so that it does not grow by every block.
  return missing <= 0 || memory.grow(missing + (memory.size() >> 1)) >= 0 ||
    memory.grow(missing) >= 0;
}

/** Encodes the layer at voxelsAt(), `depth` voxels deep. */
export function encodeLayer(layer: u32, depth: u32): u32 {
  return wide ? encodeBlocks<u64>(layer, depth) : encodeBlocks<u32>(layer, depth);
}

function encodeBlocks<T>(layer: u32, depth: u32): u32 {
  const blocks = ((sizeX + blockX - 1) / blockX) * ((sizeY + blockY - 1) / blockY);
  let header = packed + (<usize> (layer * blocks) << 3);
  for (let y: u32 = 0; y < sizeY; y += blockY) {
    const wy = min(blockY, sizeY - y);
    for (let x: u32 = 0; x < sizeX; x += blockX) {
      const wx = min(blockX, sizeX - x);
      // The codes and the table of a block take at most 12 bytes a voxel.
      if (!hasMemory(end + 12 * <usize> volume + 16)) return NO_MEMORY;
      const codesWord = (end - packed) >>> 2;
      const from = voxels + ((<usize> x + <usize> y * sizeX) << alignof<T>());
      let bits: u32 = 0;
      let count: u32 = 1;
      if (isConstant<T>(from, wx, wy, depth)) {
        store<T>(values, load<T>(from));
        store<u32>(order, 0);
      } else {
        count = numberValues<T>(from, wx, wy, depth);
        sortValues<T>(count);
        bits = 1;
        while (bits < 32 && <u32> 1 << bits < count) bits <<= 1;
        if (wx < blockX || wy < blockY || depth < blockZ) pad(wx, wy, depth);
        pack(bits);
      }
      const tableWord = writeTable<T>(count);
      if (tableWord >= REACH || codesWord >= REACH) return TOO_FAR;
      store<u32>(header, <u32> tableWord | (bits << 24));
      store<u32>(header, <u32> codesWord, 4);
      header += 8;
    }
  }
  return OK;
}

function isConstant<T>(from: usize, wx: u32, wy: u32, wz: u32): bool {
  const row = <usize> sizeX << alignof<T>();
  const length = <usize> wx << alignof<T>();
  const value = load<T>(from);
  const all = splat<T>(value);
  let first = from;
  for (let z: u32 = 0; z < wz; z++) {
    for (let y: u32 = 0; y < wy; y++) {
      const stop = first + length;
      let at = first;
      let unlike = i32x4.splat(0);
      for (; at + 16 <= stop; at += 16) unlike = v128.or(unlike, v128.xor(v128.load(at), all));
      if (v128.any_true(unlike)) return false;
      for (; at < stop; at += sizeof<T>()) if (load<T>(at) != value) return false;
      first += row;
    }
    first += row * (sizeY - wy);
  }
  return true;
}

@inline
function splat<T>(value: T): v128 {
  return sizeof<T>() == 8 ? i64x2.splat(<i64> value) : i32x4.splat(<i32> value);
}

/** Numbers the values of a block, and notes the number of each voxel. */
function numberValues<T>(from: usize, wx: u32, wy: u32, wz: u32): u32 {
  const row = <usize> sizeX << alignof<T>();
  const length = <usize> wx << alignof<T>();
  let count: u32 = 0;
  let code: u32 = 0;
  let previous: T = ~load<T>(from);
  let first = from;
  for (let z: u32 = 0; z < wz; z++) {
    for (let y: u32 = 0; y < wy; y++) {
      let to = codes + (<usize> (blockX * (y + blockY * z)) << 2);
      const stop = first + length;
      for (let at = first; at < stop;) {
        if (at + 8 * sizeof<T>() <= stop && areEight<T>(at, previous)) {
          v128.store(to, i32x4.splat(code));
          v128.store(to, i32x4.splat(code), 16);
          at += 8 * sizeof<T>();
          to += 32;
          continue;
        }
        const next = min(stop, at + 8 * sizeof<T>());
        for (; at < next; at += sizeof<T>()) {
          const value = load<T>(at);
          if (value != previous) {
            previous = value;
            code = numberOf<T>(value, count);
            if (code == count) count += 1;
          }
          store<u32>(to, code);
          to += 4;
        }
      }
      first += row;
    }
    first += row * (sizeY - wy);
  }
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(slots + (<usize> load<u32>(slotsTaken + (<usize> i << 2)) << 2), 0);
  }
  return count;
}

/** Whether eight voxels have this value. */
@inline
function areEight<T>(at: usize, value: T): bool {
  const all = splat<T>(value);
  let unlike = v128.or(v128.xor(v128.load(at), all), v128.xor(v128.load(at, 16), all));
  if (sizeof<T>() == 8) {
    unlike = v128.or(unlike, v128.xor(v128.load(at, 32), all));
    unlike = v128.or(unlike, v128.xor(v128.load(at, 48), all));
  }
  return !v128.any_true(unlike);
}

/** The number of a value, which is `next` if it has none yet. */
@inline
function numberOf<T>(value: T, next: u32): u32 {
  let slot = <u32> ((<u64> value * 0x9e3779b97f4a7c15) >> 32) & slotMask;
  while (true) {
    const taken = load<u32>(slots + (<usize> slot << 2));
    if (taken == 0) break;
    if (valueOf<T>(taken - 1) == value) return taken - 1;
    slot = (slot + 1) & slotMask;
  }
  store<T>(values + (<usize> next << alignof<T>()), value);
  store<u32>(slotsTaken + (<usize> next << 2), slot);
  store<u32>(slots + (<usize> slot << 2), next + 1);
  return next;
}

@inline
function valueOf<T>(code: u32): T {
  return load<T>(values + (<usize> code << alignof<T>()));
}

function sortValues<T>(count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u32>(order + (<usize> i << 2), i);
  if (count < MANY) sortByInsertion<T>(count);
  else sortByBytes<T>(count);
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(ranks + (<usize> load<u32>(order + (<usize> i << 2)) << 2), i);
  }
}

function sortByInsertion<T>(count: u32): void {
  const stop = order + (<usize> count << 2);
  for (let next = order + 4; next < stop; next += 4) {
    const code = load<u32>(next);
    const value = valueOf<T>(code);
    let at = next;
    while (at > order) {
      const before = load<u32>(at - 4);
      if (valueOf<T>(before) <= value) break;
      store<u32>(at, before);
      at -= 4;
    }
    store<u32>(at, code);
  }
}

/** By one byte after the other from the lowest on, passing over bytes in which all values are alike. */
function sortByBytes<T>(count: u32): void {
  const first = valueOf<T>(0);
  let unlike: T = 0;
  for (let i: u32 = 1; i < count; i++) unlike |= valueOf<T>(i) ^ first;
  for (let shift: u32 = 0; shift < 8 * sizeof<T>(); shift += 8) {
    if ((<u32> (unlike >> <T> shift) & 255) == 0) continue;
    memory.fill(buckets, 0, 1024);
    for (let i: u32 = 0; i < count; i++) {
      const bucket = bucketOf<T>(i, shift);
      store<u32>(bucket, load<u32>(bucket) + 1);
    }
    let place: u32 = 0;
    for (let bucket = buckets; bucket < buckets + 1024; bucket += 4) {
      const size = load<u32>(bucket);
      store<u32>(bucket, place);
      place += size;
    }
    for (let i: u32 = 0; i < count; i++) {
      const code = load<u32>(order + (<usize> i << 2));
      const bucket = bucketOf<T>(code, shift);
      const to = load<u32>(bucket);
      store<u32>(bucket, to + 1);
      store<u32>(sorted + (<usize> to << 2), code);
    }
    const unsorted = order;
    order = sorted;
    sorted = unsorted;
  }
}

@inline
function bucketOf<T>(code: u32, shift: u32): usize {
  return buckets + ((<usize> (valueOf<T>(code) >> <T> shift) & 255) << 2);
}

/** Gives what lies beyond the extent the smallest value of the block. */
function pad(wx: u32, wy: u32, wz: u32): void {
  const smallest = load<u32>(order);
  for (let z: u32 = 0; z < blockZ; z++) {
    for (let y: u32 = 0; y < blockY; y++) {
      const first = blockX * (y + blockY * z);
      for (let x = z < wz && y < wy ? wx : 0; x < blockX; x++) {
        store<u32>(codes + (<usize> (first + x) << 2), smallest);
      }
    }
  }
}

function pack(bits: u32): void {
  if (bits > 4 || (volume & 31) != 0) {
    if (bits == 1) packCodes(1);
    else if (bits == 2) packCodes(2);
    else if (bits == 4) packCodes(4);
    else if (bits == 8) packCodes(8);
    else if (bits == 16) packCodes(16);
    else packCodes(32);
  } else if (bits == 1) packSixteens(1);
  else if (bits == 2) packSixteens(2);
  else packSixteens(4);
}

/** As packCodes, for up to 16 values and a whole number of words. */
@inline
function packSixteens(bits: u32): void {
  for (let i: u32 = 0; i < 16; i++) store<u8>(i, load<u8>(ranks + (<usize> i << 2)));
  const rankOfCode = v128.load(0);
  const stop = codes + (<usize> volume << 2);
  for (let at = codes; at < stop; at += 64) {
    const low = i16x8.narrow_i32x4_u(v128.load(at), v128.load(at, 16));
    const high = i16x8.narrow_i32x4_u(v128.load(at, 32), v128.load(at, 48));
    // One rank a byte; those side by side are brought together.
    const rank = v128.swizzle(rankOfCode, i8x16.narrow_i16x8_u(low, high));
    if (bits == 1) {
      store<u16>(end, i8x16.bitmask(i8x16.shl(rank, 7)));
    } else if (bits == 2) {
      const pair = v128.and(v128.or(rank, i16x8.shr_u(rank, 6)), i16x8.splat(0x0f));
      const four = v128.and(v128.or(pair, i32x4.shr_u(pair, 12)), i32x4.splat(0xff));
      const bytes = i16x8.narrow_i32x4_u(four, four);
      v128.store32_lane(end, i8x16.narrow_i16x8_u(bytes, bytes), 0);
    } else {
      const pair = v128.and(v128.or(rank, i16x8.shr_u(rank, 4)), i16x8.splat(0xff));
      v128.store64_lane(end, i8x16.narrow_i16x8_u(pair, pair), 0);
    }
    end += 2 * bits;
  }
}

/** Packs the ranks of the codes of a block behind `end`; `bits` is a constant. */
@inline
function packCodes(bits: u32): void {
  const stop = codes + (<usize> volume << 2);
  const whole = stop - ((<usize> volume << 2) & (128 / bits - 1));
  let at = codes;
  for (; at < whole; end += 4) {
    let word: u32 = 0;
    for (let bit: u32 = 0; bit < 32; bit += bits) {
      word |= rankOf(at) << bit;
      at += 4;
    }
    store<u32>(end, word);
  }
  if (at == stop) return;
  let word: u32 = 0;
  for (let bit: u32 = 0; at < stop; bit += bits) {
    word |= rankOf(at) << bit;
    at += 4;
  }
  store<u32>(end, word);
  end += 4;
}

@inline
function rankOf(code: usize): u32 {
  return load<u32>(ranks + (<usize> load<u32>(code) << 2));
}

/** Writes the lookup table of a block, unless there is one like it. @returns Its first word. */
function writeTable<T>(count: u32): usize {
  let hash: u64 = count;
  let to = end;
  for (let i: u32 = 0; i < count; i++) {
    const value = valueOf<T>(load<u32>(order + (<usize> i << 2)));
    store<T>(to, value);
    to += sizeof<T>();
    hash = (hash ^ <u64> value) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  let slot = <u32> hash & tableMask;
  while (true) {
    const entry = tables + (<usize> slot << 3);
    const word = load<u32>(entry);
    const length = load<u32>(entry, 4);
    if (length == 0) {
      const written = (end - packed) >>> 2;
      store<u32>(entry, <u32> written);
      store<u32>(entry, count, 4);
      end = to;
      return written;
    }
    if (length == count && isEqual(packed + (<usize> word << 2), end, to - end)) return word;
    slot = (slot + 1) & tableMask;
  }
}

/** Whether two tables are equal, whose bytes are a multiple of four. */
function isEqual(a: usize, b: usize, bytes: usize): bool {
  for (let at: usize = 0; at < bytes; at += 4) {
    if (load<u32>(a + at) != load<u32>(b + at)) return false;
  }
  return true;
}
