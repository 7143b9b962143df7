import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  decodeSegmentation,
  encodeSegmentation,
  type SegmentationShape,
} from "../../codecs/compressed_segmentation.ts";
import { ChunkError } from "../../codecs/chunk_error.ts";
import { SluiceError } from "../../core/errors.ts";
import { fc } from "../_fast_check.ts";
import {
  bytesOf,
  cellLabels,
  fewestBytes,
  makeLabels,
  referenceDecode,
  voxelCount,
} from "./_labels.ts";
import { seeded } from "./_png_writer.ts";

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function wordsOf(...words: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

Deno.test("encodeSegmentation() writes what the description says, word for word", () => {
  // Two blocks of 2 x 2 x 2 along x, the second with one column of voxels; two channels.
  const shape = { dtype: "uint32", size: [3, 2, 2], channels: 2, block: [2, 2, 2] } as const;
  // deno-fmt-ignore
  const labels = Uint32Array.of(
    9, 5, 8,  5, 5, 8,   5, 5, 8,  5, 9, 8,
    9, 5, 5,  5, 5, 9,   5, 5, 9,  5, 9, 5,
  );
  // deno-fmt-ignore
  const words = wordsOf(
    2, 2 + 8,
    // Channel 0: headers; codes of block 0, its table; the table of block 1, which has no codes.
    1 << 24 | 5, 4,  0 << 24 | 7, 7,
    0b10000001, 5, 9,  8,
    // Channel 1: the second block has the same table; voxels beyond the extent are its smallest value.
    1 << 24 | 5, 4,  1 << 24 | 5, 7,
    0b10000001, 5, 9,  0b00010100,
  );
  deepEqual(encodeSegmentation(bytesOf(labels), shape), words);
  deepEqual(decodeSegmentation(words, shape), bytesOf(labels));
});

const shapes = fc.record({
  dtype: fc.constantFrom("uint32" as const, "uint64" as const),
  size: fc.tuple(
    fc.integer({ min: 1, max: 21 }),
    fc.integer({ min: 1, max: 18 }),
    fc.integer({ min: 1, max: 17 }),
  ),
  channels: fc.integer({ min: 1, max: 3 }),
  block: fc.oneof(
    fc.constant([8, 8, 8] as const),
    fc.constant([16, 8, 4] as const),
    fc.tuple(
      fc.integer({ min: 1, max: 11 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
    ),
  ),
});

Deno.test("encodeSegmentation() is the smallest there is, and decodes to the same labels, for any shape", () => {
  fc.assert(
    fc.property(
      shapes,
      fc.integer({ min: 1, max: 700 }),
      fc.nat(),
      fc.nat(40),
      (shape, values, seed, run) => {
        const random = seeded(seed);
        let label = 0;
        const labels = makeLabels(shape, () => {
          if (random() * (run + 1) < 1) label = Math.floor(random() * values) * 0x9e3779b1 >>> 0;
          return label;
        });
        const voxels = bytesOf(labels);
        const bytes = encodeSegmentation(voxels, shape);
        equal(bytes.length, fewestBytes(labels, shape));
        ok(isEqual(bytesOf(referenceDecode(bytes, shape)), voxels));
        ok(isEqual(decodeSegmentation(bytes, shape), voxels));
      },
    ),
    { seed: 20260201, numRuns: 300 },
  );
});

const contents: readonly {
  name: string;
  shape: SegmentationShape;
  values: number;
  bits: number;
}[] = [
  { name: "one value", shape: { dtype: "uint64", size: [8, 8, 8] }, values: 1, bits: 0 },
  { name: "two values", shape: { dtype: "uint64", size: [8, 8, 8] }, values: 2, bits: 1 },
  { name: "three", shape: { dtype: "uint64", size: [8, 8, 8] }, values: 3, bits: 2 },
  { name: "five", shape: { dtype: "uint32", size: [8, 8, 8] }, values: 5, bits: 4 },
  { name: "sixteen", shape: { dtype: "uint64", size: [8, 8, 8] }, values: 16, bits: 4 },
  { name: "seventeen", shape: { dtype: "uint64", size: [8, 8, 8] }, values: 17, bits: 8 },
  { name: "256", shape: { dtype: "uint32", size: [8, 8, 8] }, values: 256, bits: 8 },
  { name: "257", shape: { dtype: "uint64", size: [8, 8, 8] }, values: 257, bits: 16 },
  {
    name: "65536",
    shape: { dtype: "uint64", size: [64, 64, 32], block: [64, 64, 32] },
    values: 65536,
    bits: 16,
  },
  {
    name: "65537",
    shape: { dtype: "uint32", size: [64, 64, 32], block: [64, 64, 32] },
    values: 65537,
    bits: 32,
  },
];
for (const { name, shape, values, bits } of contents) {
  Deno.test(`encodeSegmentation() takes ${bits} bits for blocks of ${name}`, () => {
    const labels = makeLabels(shape, (i) => (values - 1 - i % values) * 65521);
    const bytes = encodeSegmentation(bytesOf(labels), shape);
    equal(bytes[7], bits);
    ok(isEqual(bytesOf(referenceDecode(bytes, shape)), bytesOf(labels)));
    ok(isEqual(decodeSegmentation(bytes, shape), bytesOf(labels)));
  });
}

Deno.test("compressed_segmentation reads and writes shared memory at any offset, and fills what it is given", () => {
  const shape = { dtype: "uint64", size: [17, 9, 10] } as const;
  const voxels = bytesOf(cellLabels(shape));
  const shared = new Uint8Array(new SharedArrayBuffer(voxels.length + 3), 3);
  shared.set(voxels);
  const bytes = encodeSegmentation(voxels, shape);
  equal(bytes.byteLength, bytes.buffer.byteLength);
  ok(isEqual(encodeSegmentation(shared, shape), bytes));
  const stored = new Uint8Array(new SharedArrayBuffer(bytes.length + 5), 5);
  stored.set(bytes);
  const into = new Uint8Array(new SharedArrayBuffer(voxels.length + 1), 1);
  equal(decodeSegmentation(stored, shape, into), into);
  ok(isEqual(into, voxels));
  throws(() => decodeSegmentation(stored, shape, new Uint8Array(voxels.length - 8)), ChunkError);
});

Deno.test("compressed_segmentation goes on after a chunk that is much larger than the others", () => {
  const large = { dtype: "uint64", size: [1024, 1024, 17], block: [64, 64, 17] } as const;
  const voxels = new Uint8Array(voxelCount(large) * 8).fill(3, 1e6, 1.1e8);
  const bytes = encodeSegmentation(voxels, large);
  ok(isEqual(decodeSegmentation(bytes, large), voxels));
  const small = { dtype: "uint32", size: [7, 5, 3] } as const;
  const labels = bytesOf(cellLabels(small));
  ok(isEqual(decodeSegmentation(encodeSegmentation(labels, small), small), labels));
});

const shape = { dtype: "uint32", size: [17, 8, 8] } as const;
const labels = makeLabels(shape, (i) => i % 17 < 8 ? i % 3 : 77);
const good = encodeSegmentation(bytesOf(labels), shape);
/** With word `at` of the chunk changed; words 1 to 6 are headers. */
function withWord(at: number, word: number): Uint8Array {
  const words = new Uint32Array(good.slice().buffer);
  words[at] = word;
  return new Uint8Array(words.buffer);
}
const lastWord = good.length / 4 - 2;
const faults = [
  { name: "nothing", bytes: new Uint8Array(0), says: /offsets of its 1 channels are cut short/ },
  { name: "a part of a word", bytes: good.subarray(0, -1), says: /not that of whole words/ },
  {
    name: "headers cut short",
    bytes: good.subarray(0, 24),
    says: /headers of its 3 x 1 x 1 blocks/,
  },
  {
    name: "a channel beyond the end",
    bytes: withWord(0, 1 << 20),
    says: /starts at word 1048576 of/,
  },
  { name: "a channel within the offsets", bytes: withWord(0, 0), says: /starts at word 0 of/ },
  {
    name: "three bits",
    bytes: withWord(1, 3 << 24 | 6),
    says: /block \[0,0,0\] .* has 3 bits a voxel/,
  },
  { name: "64 bits", bytes: withWord(1, 64 << 24 | 6), says: /has 64 bits a voxel/ },
  {
    name: "a table at the end",
    bytes: withWord(3, 0 << 24 | lastWord + 1),
    says:
      /block \[1,0,0\] of channel 0 has its lookup table at word \d+, and the channel ends after \d+;/,
  },
  {
    name: "a table far beyond",
    bytes: withWord(5, 0xffffff),
    says: /block \[2,0,0\] of channel 0 has its lookup table at word 16777215/,
  },
  {
    name: "codes far beyond",
    bytes: withWord(2, 0xffffffff),
    says: /block \[0,0,0\] of channel 0 has its encoded values from word 4294967295 on/,
  },
  {
    name: "codes that end too late",
    bytes: withWord(2, lastWord - 20),
    says: /has its encoded values from word/,
  },
  {
    name: "a code beyond its table",
    bytes: withWord(1, 2 << 24 | lastWord),
    says: /block \[0,0,0\] of channel 0 has a voxel that is value 2 of a lookup table cut short/,
  },
];
for (const { name, bytes, says } of faults) {
  Deno.test(`decodeSegmentation() refuses ${name}, saying where`, () => {
    throws(() => decodeSegmentation(bytes, shape), (error) => {
      ok(error instanceof ChunkError && error.kind === "corrupt", String(error));
      ok(/^Cannot decode a chunk of \d+ bytes as compressed_segmentation: /.test(error.message));
      ok(says.test(error.message), error.message);
      return true;
    });
  });
}

Deno.test("decodeSegmentation() accepts offsets wherever they lead, as writers may order blocks and share tables", () => {
  const tiny = { dtype: "uint64", size: [2, 1, 1], block: [1, 1, 1] } as const;
  // The tables come first, and overlap; the last is read to the very end.
  const bytes = wordsOf(2, 99, /* headers */ 4, 0, 5, 9999, /* tables */ 1, 2, 3);
  deepEqual(
    new BigUint64Array(decodeSegmentation(bytes, tiny).buffer),
    BigUint64Array.of(2n << 32n | 1n, 3n << 32n | 2n),
  );
});

Deno.test("decodeSegmentation() gives labels or a named error for any bytes", () => {
  const noise = seeded(3);
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const kind: SegmentationShape = {
      dtype: round % 2 ? "uint32" : "uint64",
      size: [1 + noise() * 20 | 0, 1 + noise() * 20 | 0, 1 + noise() * 12 | 0],
      channels: 1 + round % 3,
      block: round % 5 ? [8, 8, 8] : [5, 3, 9],
    };
    const values = 1 + noise() ** 3 * 600;
    const bytes = encodeSegmentation(
      bytesOf(makeLabels(kind, () => Math.floor(noise() * values))),
      kind,
    ).slice(0, round % 7 ? undefined : Math.floor(noise() * 300) * 4);
    for (let hits = 0; hits < 1 + round % 6; hits++) {
      bytes[Math.floor(noise() * Math.min(bytes.length, hits % 2 ? 64 : 1e9))] = noise() * 256;
    }
    try {
      equal(
        decodeSegmentation(bytes, kind).length,
        voxelCount(kind) * (kind.dtype === "uint32" ? 4 : 8),
      );
    } catch (error) {
      ok(error instanceof ChunkError, String(error));
      refused++;
    }
  }
  ok(refused > 500 && refused < 3900, `${refused}`);
});

Deno.test("encodeSegmentation() refuses labels that 24 bits of offset do not reach", () => {
  const varied = { dtype: "uint64", size: [192, 192, 192], block: [16, 16, 16] } as const;
  const voxels = new Uint8Array(192 ** 3 * 8);
  new Float64Array(voxels.buffer).forEach((_, i, all) => all[i] = i);
  throws(() => encodeSegmentation(voxels, varied), (error) => {
    ok(
      error instanceof SluiceError && /tables would lie beyond 64 MiB/.test(error.message),
      String(error),
    );
    return true;
  });
  const blocks = { dtype: "uint32", size: [256, 256, 128], block: [1, 1, 1] } as const;
  throws(() => encodeSegmentation(voxels.subarray(0, 4 * 2 ** 23), blocks), (error) => {
    ok(
      error instanceof SluiceError && /headers of its 8388608 blocks/.test(error.message),
      String(error),
    );
    return true;
  });
});

const misuses = [
  {
    name: "too few voxels",
    shape: { dtype: "uint32", size: [4, 4, 4] },
    says: /Cannot encode 8 bytes/,
  },
  {
    name: "no voxels",
    shape: { dtype: "uint32", size: [0, 4, 4] },
    says: /sides must be integers/,
  },
  {
    name: "half a block",
    shape: { dtype: "uint32", size: [2, 1, 1], block: [0.5, 1, 1] },
    says: /as a block/,
  },
  {
    name: "a huge block",
    shape: { dtype: "uint32", size: [2, 1, 1], block: [512, 512, 512] },
    says: /as a block/,
  },
  {
    name: "no channel",
    shape: { dtype: "uint32", size: [2, 1, 1], channels: 0 },
    says: /0 channels/,
  },
] as const;
for (const { name, shape, says } of misuses) {
  Deno.test(`encodeSegmentation() refuses ${name}`, () => {
    throws(() => encodeSegmentation(new Uint8Array(8), shape), (error) => {
      ok(error instanceof RangeError && says.test(error.message), String(error));
      return true;
    });
  });
}
