// Finds the smallest and the largest of integers of one or two bytes, sixteen bytes at a time. Written in
// AssemblyScript; scripts/build_wasm.ts compiles it.
//
// What is given lies from DATA on, at most ROOM bytes: in whole sixteens, as the caller fills up the last with what
// is there already. Results are as the dtype counts: below 0 for those with a sign.

const RESULT: usize = 1024;
export const DATA: usize = 2048;
export const ROOM: u32 = 65536 - 2048;

let least: i32 = 0;
let most: i32 = 0;

export function leastFound(): i32 {
  return least;
}

export function mostFound(): i32 {
  return most;
}

// @ts-ignore: decorators of AssemblyScript are no decorators of TypeScript.

function range<T extends number>(length: u32): void {
  let low = v128.load(DATA);
  let high = low;
  const end = DATA + length;
  for (let at = DATA + 16; at < end; at += 16) {
    const some = v128.load(at);
    low = v128.min<T>(low, some);
    high = v128.max<T>(high, some);
  }
  v128.store(RESULT, low);
  v128.store(RESULT + 16, high);
  least = <i32> load<T>(RESULT);
  most = <i32> load<T>(RESULT + 16);
  for (let at: usize = sizeof<T>(); at < 16; at += sizeof<T>()) {
    least = min(least, <i32> load<T>(RESULT + at));
    most = max(most, <i32> load<T>(RESULT + 16 + at));
  }
}

export function uint8(length: u32): void {
  range<u8>(length);
}

export function int8(length: u32): void {
  range<i8>(length);
}

export function uint16(length: u32): void {
  range<u16>(length);
}

export function int16(length: u32): void {
  range<i16>(length);
}
