/**
 * Turns big-endian samples into little-endian ones, in place.
 * @module
 */

/**
 * Reverses the bytes of every sample of `bytes`, wherever in its buffer it starts; the buffer may be
 * shared memory.
 */
export function swapBytes(bytes: Uint8Array, sampleBytes: number): void {
  if (sampleBytes === 1) return;
  if (bytes.byteOffset % sampleBytes !== 0) return swapUnaligned(bytes, sampleBytes);
  const { buffer, byteOffset, byteLength } = bytes;
  if (sampleBytes === 2) {
    // Two samples at a time, as far as 32-bit words reach.
    const before = byteOffset % 4 === 0 ? 0 : Math.min(2, byteLength);
    const words = new Uint32Array(buffer, byteOffset + before, (byteLength - before) >>> 2);
    for (let index = 0; index < words.length; index++) {
      const word = words[index];
      words[index] = (word & 0x00ff00ff) << 8 | (word >>> 8 & 0x00ff00ff);
    }
    const done = before + words.byteLength;
    swapUnaligned(bytes.subarray(0, before), 2);
    swapUnaligned(bytes.subarray(done), 2);
    return;
  }
  const words = new Uint32Array(buffer, byteOffset, byteLength >>> 2);
  if (sampleBytes === 4) {
    for (let index = 0; index < words.length; index++) words[index] = reversed(words[index]);
    return;
  }
  for (let index = 0; index < words.length; index += 2) {
    const low = words[index];
    words[index] = reversed(words[index + 1]);
    words[index + 1] = reversed(low);
  }
}

function reversed(word: number): number {
  return word << 24 | (word & 0xff00) << 8 | (word >>> 8 & 0xff00) | word >>> 24;
}

function swapUnaligned(bytes: Uint8Array, sampleBytes: number): void {
  for (let start = 0; start < bytes.length; start += sampleBytes) {
    for (let low = start, high = start + sampleBytes - 1; low < high; low++, high--) {
      const byte = bytes[low];
      bytes[low] = bytes[high];
      bytes[high] = byte;
    }
  }
}
