/**
 * Blosc's filters: bytes, or bits, of like weight brought together.
 * @module
 */

/**
 * Puts byte `b` of every element into plane `b`; bytes that make no whole element stay at the end.
 * @param from At a multiple of 4 in its buffer.
 * @param to As long as `from`, at a multiple of 4 in its buffer.
 */
export function shuffleBytes(from: Uint8Array, to: Uint8Array, elementBytes: number): void {
  const count = Math.floor(from.length / elementBytes);
  for (let byte = 0; byte < elementBytes; byte++) {
    const plane = byte * count;
    for (let i = 0, k = byte; i < count; i++, k += elementBytes) to[plane + i] = from[k];
  }
  to.set(from.subarray(count * elementBytes), count * elementBytes);
}

/** Undoes {@linkcode shuffleBytes}. */
export function unshuffleBytes(from: Uint8Array, to: Uint8Array, elementBytes: number): void {
  const count = Math.floor(from.length / elementBytes);
  for (let byte = 0; byte < elementBytes; byte++) {
    const plane = byte * count;
    for (let i = 0, k = byte; i < count; i++, k += elementBytes) to[k] = from[plane + i];
  }
  to.set(from.subarray(count * elementBytes), count * elementBytes);
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
