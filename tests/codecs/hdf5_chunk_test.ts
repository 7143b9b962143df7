import { deepEqual, equal, rejects } from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { checkFletcher32 } from "../../codecs/_hdf5_filters.ts";
import { type ChunkDecodings, openChunkDecoder } from "../../codecs/chunk_decoder.ts";
import { ChunkError } from "../../codecs/chunk_error.ts";
import type { Dtype } from "../../core/dtype.ts";
import type { Point } from "../../core/point.ts";

type Packing = ChunkDecodings["hdf5"]["packings"][number];
type Kind = Exclude<Packing["kind"], "shuffle">;

const SHAPE: Point = [5, 4, 3, 1, 1];
const VOXELS = Uint16Array.from({ length: 60 }, (_, i) => i % 11 * 257);

/** Chunks of these voxels as HDF5 stored them. */
const STORED: Readonly<Record<string, { packings: Packing[]; hex: string }>> = {
  "LZF and checksum": {
    packings: [{ kind: "lzf" }, { kind: "fletcher32" }],
    hex: "1600000101020203030404050506060707080809090a0a00e056150104049346c59b",
  },
  "shuffle and gzip": {
    packings: [{ kind: "shuffle", elementBytes: 2 }, { kind: "zlib" }],
    hex: "785e6360646266616563e7e0e462209589ce278509008606023b",
  },
  "LZ4 in blocks": {
    packings: [{ kind: "lz4-hdf5" }],
    hex: "00000000000000780000004000000021ff0700000101020203030404050506060707080809090a0a" +
      "16001250070808090900000021ff070a0a000001010202030304040505060607070808090916000a500203030404",
  },
};

async function decode(
  bytes: Uint8Array,
  packings: readonly Packing[],
  { shape = SHAPE, skipped, dtype = "uint16", bigEndian = false }: {
    shape?: Point;
    skipped?: number;
    dtype?: Dtype;
    bigEndian?: boolean;
  } = {},
) {
  const decoding = { format: "hdf5", order: [0, 1, 2], bigEndian, packings } as const;
  return await (await openChunkDecoder(decoding, dtype)).decode(bytes, shape, skipped);
}

for (const [name, { packings, hex }] of Object.entries(STORED)) {
  Deno.test(`chunks of HDF5 are decoded: ${name}`, async () => {
    const { voxels, shape } = await decode(Uint8Array.fromHex(hex), packings);
    deepEqual([voxels, shape], [VOXELS, SHAPE]);
  });

  Deno.test(`chunks of HDF5 cut short or longer are refused: ${name}`, async () => {
    const whole = Uint8Array.fromHex(hex);
    for (let length = 0; length < whole.length; length++) {
      await rejects(decode(whole.slice(0, length), packings), ChunkError, `${length} bytes`);
    }
    await rejects(decode(whole, packings, { shape: [5, 4, 2, 1, 1] }), ChunkError);
    await rejects(decode(whole, packings, { shape: [5, 4, 9, 1, 1] }), ChunkError);
  });
}

Deno.test("a chunk of HDF5 may have skipped any of its filters", async () => {
  const { packings } = STORED["shuffle and gzip"];
  const plain = new Uint8Array(VOXELS.buffer);
  const shuffled = Uint8Array.from(plain, (_, i) => plain[2 * (i % 60) + Math.floor(i / 60)]);
  const stored = { 1: deflateSync(plain), 2: shuffled, 3: plain };
  for (const [skipped, bytes] of Object.entries(stored)) {
    deepEqual(
      (await decode(new Uint8Array(bytes), packings, { skipped: Number(skipped) })).voxels,
      VOXELS,
    );
  }
  await rejects(decode(plain, packings), ChunkError);
});

Deno.test("the bytes of whoever asks are left as they are where the high one comes first", async () => {
  const bytes = new Uint8Array([1, 0, 2, 0]);
  const { voxels } = await decode(bytes, [], { shape: [2, 1, 1, 1, 1], bigEndian: true });
  deepEqual([voxels, bytes], [new Uint16Array([256, 512]), new Uint8Array([1, 0, 2, 0])]);
});

Deno.test("a chunk too short for what deflate can make is refused before room is made for it", async () => {
  const bytes = deflateSync(new Uint8Array(1000));
  const shape: Point = [1 << 15, 1 << 15, 1, 1, 1];
  await rejects(decode(bytes, [{ kind: "zlib" }], { shape, dtype: "uint8" }), ChunkError);
});

Deno.test("checkFletcher32() takes an odd number of bytes, and halves that were turned round", () => {
  const body = new Uint8Array([0, 1, 2, 3, 4, 5, 6]);
  deepEqual(checkFletcher32(Uint8Array.fromHex("00010203040506090c1714")), body);
  deepEqual(checkFletcher32(Uint8Array.fromHex("000102030405060c091417")), body);
  equal(checkFletcher32(new Uint8Array(4)).length, 0);
});

Deno.test("a changed byte of a chunk with a checksum is an error", async () => {
  const { packings, hex } = STORED["LZF and checksum"];
  for (let at = 0; at < hex.length / 2; at++) {
    const bytes = Uint8Array.fromHex(hex);
    bytes[at] ^= 4;
    await rejects(
      decode(bytes, packings),
      (error) => error instanceof ChunkError && error.kind === "checksum",
    );
  }
});

Deno.test("filters that find no sense in their bytes say so as a ChunkError", async () => {
  const cases: [Kind, string][] = [
    ["lzf", "05"],
    ["lzf", "2000"],
    ["lzf", "ff"],
    ["fletcher32", "0102"],
    ["lz4-hdf5", "00000000"],
    ["lz4-hdf5", "000000000000000400000000000000"],
    ["lz4-hdf5", "ffffffffffffffff00000000000000"],
    ["zlib", "0102"],
  ];
  for (const [kind, hex] of cases) {
    await rejects(decode(Uint8Array.fromHex(hex), [{ kind }]), ChunkError, `${kind} ${hex}`);
  }
});
