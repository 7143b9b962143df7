import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { LzwDecoder, LzwError } from "../../codecs/lzw.ts";
import { buildKernel, KERNELS } from "../../scripts/build_wasm.ts";
import { sameBytes } from "./_png_reading.ts";
import { seeded } from "./_png_writer.ts";
import { packLzw } from "./_tiff_writer.ts";

/** Decodes `packed`, fed and read in pieces of so many bytes. */
function unpack(packed: Uint8Array, length: number, feedBytes: number, readBytes: number) {
  const decoder = new LzwDecoder();
  const out = new Uint8Array(length);
  let fed = 0, filled = 0;
  while (filled < length) {
    const wanted = out.subarray(filled, Math.min(length, filled + readBytes));
    const got = decoder.read(wanted);
    filled += got;
    if (got === wanted.length) continue;
    if (fed === packed.length) break;
    decoder.feed(packed.subarray(fed, fed + feedBytes));
    fed += feedBytes;
    if (fed > packed.length) fed = packed.length;
  }
  return out.subarray(0, filled);
}

const random = seeded(5);
const contents = [
  { name: "nothing", bytes: new Uint8Array() },
  { name: "one byte", bytes: new Uint8Array([200]) },
  { name: "zeros, whose strings grow longest", bytes: new Uint8Array(90_000) },
  { name: "two values", bytes: Uint8Array.from({ length: 30_000 }, () => random() * 2) },
  { name: "a pattern", bytes: Uint8Array.from({ length: 50_000 }, (_, i) => i * i >> 9) },
  { name: "noise", bytes: Uint8Array.from({ length: 20_000 }, () => random() * 256) },
  // Codes widen at 511, 1023 and 2047 strings: the last code may fall on each side of it.
  ...[253, 254, 255, 256, 765, 766, 767, 768].map((length) => ({
    name: `${length} bytes of noise`,
    bytes: Uint8Array.from({ length }, () => random() * 256),
  })),
];
for (const { name, bytes } of contents) {
  Deno.test(`LzwDecoder gives back ${name}, in pieces of any size`, () => {
    for (const clearAt of [4094, 4093, 700]) {
      const packed = packLzw(bytes, clearAt);
      for (const [feed, read] of [[1 << 30, 1 << 30], [1000, 777], [1 << 30, 65_536], [7, 5000]]) {
        const out = unpack(packed, bytes.length, feed, read);
        ok(sameBytes(out, bytes), `clear at ${clearAt}, fed by ${feed}, read by ${read}`);
      }
    }
  });
}

Deno.test("LzwDecoder goes on with a full table until it is cleared", () => {
  // Strings of zeros: 3838 of them, each one longer than the one before, then the longest again and again.
  const codes = [
    256,
    0,
    ...Array.from({ length: 3837 }, (_, i) => 258 + i),
    4094,
    4094,
    256,
    7,
    257,
  ];
  const lengths = codes.map((code) => code >= 258 ? code - 256 : code === 0 || code === 7 ? 1 : 0);
  const length = lengths.reduce((sum, each) => sum + each);
  let width = 9, next = 257, held = 0n, bits = 0;
  for (const code of codes) {
    held = held << BigInt(width) | BigInt(code);
    bits += width;
    if (code === 256) [width, next] = [9, 257];
    else if (++next + 1 === 2 ** width && width < 12) width++;
  }
  const hex = (held << BigInt(7 - (bits + 7) % 8)).toString(16);
  const packed = Uint8Array.fromHex(hex);
  const expected = new Uint8Array(length);
  expected[length - 1] = 7;
  for (const read of [1 << 30, 100_000]) {
    ok(sameBytes(unpack(packed, length + 5, 1 << 30, read), expected));
  }
});

Deno.test("LzwDecoder stops at the end code and can start anew", () => {
  const decoder = new LzwDecoder();
  for (const text of ["ababab", "x", "zzzzzzzz"]) {
    const bytes = new TextEncoder().encode(text);
    decoder.reset();
    decoder.feed(Uint8Array.from([...packLzw(bytes), 1, 2, 3]));
    const out = new Uint8Array(20);
    equal(decoder.read(out), text.length);
    equal(decoder.read(out), 0);
    deepEqual(out.subarray(0, text.length), bytes);
  }
});

Deno.test("LzwDecoder refuses the format before TIFF 5.0 and codes that stand for nothing", () => {
  const decoder = new LzwDecoder();
  throws(() => decoder.feed(new Uint8Array([0, 1, 0])), LzwError);
  decoder.feed(new Uint8Array([0x80, 0x7f, 0xff]));
  throws(() => decoder.read(new Uint8Array(9)), LzwError);
});

Deno.test("LzwDecoder gives bytes or a named error for any input, in bounded time", () => {
  const noise = seeded(9);
  const out = new Uint8Array(1 << 20);
  const decoder = new LzwDecoder();
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from({ length: noise() * 300 }, () => noise() * 256);
    const packed = round % 3 === 0
      ? bytes
      : packLzw(bytes.map((byte) => round % 2 ? byte : byte >> 5));
    for (let hits = 0; hits < round % 4; hits++) {
      packed[Math.floor(noise() * packed.length)] = noise() * 256;
    }
    decoder.reset();
    try {
      decoder.feed(packed);
      ok(decoder.read(out) <= out.length);
    } catch (error) {
      ok(error instanceof LzwError, String(error));
    }
  }
});

for (const kernel of KERNELS) {
  Deno.test(`build_wasm makes ${kernel.target} out of ${kernel.source}`, async () => {
    const committed = await Deno.readTextFile(new URL(`../../${kernel.target}`, import.meta.url));
    equal(await buildKernel(kernel), committed);
  });
}
