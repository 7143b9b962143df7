/**
 * Blosc's filters: bytes, or bits, of like weight brought together.
 * @module
 */

/** Puts byte `b` of every element into plane `b`; bytes that make no whole element stay at the end. */
export function shuffleBytes(from: Uint8Array, to: Uint8Array, elementBytes: number): void {
  const count = Math.floor(from.length / elementBytes);
  const [source, target] = [viewData(from), viewData(to)];
  const done = elementBytes === 2
    ? shufflePairs(source, target, count)
    : elementBytes % 4 === 0
    ? shuffleWords(source, target, count, elementBytes)
    : 0;
  for (let byte = 0; byte < elementBytes; byte++) {
    const plane = byte * count;
    for (let i = done, k = done * elementBytes + byte; i < count; i++, k += elementBytes) {
      to[plane + i] = from[k];
    }
  }
  to.set(from.subarray(count * elementBytes), count * elementBytes);
}

/** Undoes {@linkcode shuffleBytes}. */
export function unshuffleBytes(from: Uint8Array, to: Uint8Array, elementBytes: number): void {
  const count = Math.floor(from.length / elementBytes);
  const [source, target] = [viewData(from), viewData(to)];
  const done = elementBytes === 2
    ? unshufflePairs(source, target, count)
    : elementBytes % 4 === 0
    ? unshuffleWords(source, target, count, elementBytes)
    : 0;
  for (let byte = 0; byte < elementBytes; byte++) {
    const plane = byte * count;
    for (let i = done, k = done * elementBytes + byte; i < count; i++, k += elementBytes) {
      to[k] = from[plane + i];
    }
  }
  to.set(from.subarray(count * elementBytes), count * elementBytes);
}

const EVEN = 0x00ff00ff;
const ODD = 0xff00ff00;

/** Four elements of two bytes at a time; like the three below, returns how many elements are done. */
function shufflePairs(from: DataView, to: DataView, count: number): number {
  const end = count - count % 4;
  for (let i = 0; i < end; i += 4) {
    const a = from.getInt32(2 * i, true), b = from.getInt32(2 * i + 4, true);
    to.setInt32(i, pack(a & EVEN) | pack(b & EVEN) << 16, true);
    to.setInt32(count + i, pack(a >>> 8 & EVEN) | pack(b >>> 8 & EVEN) << 16, true);
  }
  return end;
}

function unshufflePairs(from: DataView, to: DataView, count: number): number {
  const end = count - count % 4;
  for (let i = 0; i < end; i += 4) {
    const low = from.getInt32(i, true), high = from.getInt32(count + i, true);
    to.setInt32(2 * i, spread(low & 0xffff) | spread(high & 0xffff) << 8, true);
    to.setInt32(2 * i + 4, spread(low >>> 16) | spread(high >>> 16) << 8, true);
  }
  return end;
}

/** The even bytes of a number whose odd ones are 0, side by side. */
function pack(even: number): number {
  return (even | even >>> 8) & 0xffff;
}

/** The two bytes of a number in the even bytes of another. */
function spread(pair: number): number {
  return (pair | pair << 8) & EVEN;
}

/** Four elements of whole words at a time: a transposition of four by four bytes for each of their words. */
function shuffleWords(
  from: DataView,
  to: DataView,
  count: number,
  elementBytes: number,
): number {
  const end = count - count % 4;
  for (let i = 0; i < end; i += 4) {
    for (let byte = 0; byte < elementBytes; byte += 4) {
      const at = i * elementBytes + byte;
      const plane = byte * count + i;
      const a = from.getInt32(at, true), b = from.getInt32(at + elementBytes, true);
      const c = from.getInt32(at + 2 * elementBytes, true);
      const d = from.getInt32(at + 3 * elementBytes, true);
      const abEven = a & EVEN | (b & EVEN) << 8, abOdd = a >>> 8 & EVEN | b & ODD;
      const cdEven = c & EVEN | (d & EVEN) << 8, cdOdd = c >>> 8 & EVEN | d & ODD;
      to.setInt32(plane, abEven & 0xffff | cdEven << 16, true);
      to.setInt32(plane + count, abOdd & 0xffff | cdOdd << 16, true);
      to.setInt32(plane + 2 * count, abEven >>> 16 | cdEven & 0xffff0000, true);
      to.setInt32(plane + 3 * count, abOdd >>> 16 | cdOdd & 0xffff0000, true);
    }
  }
  return end;
}

function unshuffleWords(
  from: DataView,
  to: DataView,
  count: number,
  elementBytes: number,
): number {
  const end = count - count % 4;
  for (let i = 0; i < end; i += 4) {
    for (let byte = 0; byte < elementBytes; byte += 4) {
      const at = i * elementBytes + byte;
      const plane = byte * count + i;
      const a = from.getInt32(plane, true), b = from.getInt32(plane + count, true);
      const c = from.getInt32(plane + 2 * count, true);
      const d = from.getInt32(plane + 3 * count, true);
      const abEven = a & EVEN | (b & EVEN) << 8, abOdd = a >>> 8 & EVEN | b & ODD;
      const cdEven = c & EVEN | (d & EVEN) << 8, cdOdd = c >>> 8 & EVEN | d & ODD;
      to.setInt32(at, abEven & 0xffff | cdEven << 16, true);
      to.setInt32(at + elementBytes, abOdd & 0xffff | cdOdd << 16, true);
      to.setInt32(at + 2 * elementBytes, abEven >>> 16 | cdEven & 0xffff0000, true);
      to.setInt32(at + 3 * elementBytes, abOdd >>> 16 | cdOdd & 0xffff0000, true);
    }
  }
  return end;
}

/** Undoes Blosc's bit shuffle, which leaves blocks alone whose elements are no multiple of eight. */
export function unshuffleBits(from: Uint8Array, to: Uint8Array, elementBytes: number): void {
  const count = Math.floor(from.length / elementBytes);
  if (count % 8 !== 0) return to.set(from);
  const planeBytes = count / 8;
  for (let byte = 0; byte < elementBytes; byte++) {
    for (let group = 0; group < planeBytes; group++) {
      const at = byte * count + group;
      for (let element = 0; element < 8; element++) {
        let value = 0;
        for (let bit = 0; bit < 8; bit++) {
          value |= (from[at + bit * planeBytes] >> element & 1) << bit;
        }
        to[(group * 8 + element) * elementBytes + byte] = value;
      }
    }
  }
  to.set(from.subarray(count * elementBytes), count * elementBytes);
}

function viewData({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
