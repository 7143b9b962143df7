import { deepEqual, ok, rejects } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { openUnpacker, type Packing } from "../../codecs/_unpack.ts";
import { ChunkError } from "../../codecs/chunk_error.ts";
import { compressLz4 } from "../../codecs/_lz4.ts";
import { crc32c } from "../../codecs/crc32c.ts";
import { shuffleBytes } from "../../codecs/_shuffle.ts";

const PLAIN = Uint8Array.from({ length: 200 }, (_, i) => i < 64 ? i * 37 : Math.floor(i / 9));

/** Made by tests/interop/Lz4Blocks.java: blocks that are stored, packed and empty. */
const LZ4_JAVA =
  `TFo0QmxvY2sQQAAAAEAAAACY3REIACVKb5S53gMoTXKXvOEGK1B1mr/kCS5TeJ3C5wwxVnugxeoPNFl+o8jtEjdcgabL8BU6X4Sp
zvMYPWKHrNH2G0xaNEJsb2NrICQAAABAAAAA2iDGBRMHAQAUCAEAFAkBABQKAQAUCwEAFAwBALANDQ0NDQ0NDQ0ODkxaNEJsb2NrICUAAABAAAAAYA41
CRIOAQAUDwEAFBABABQRAQAUEgEAFBMBAMAUFBQUFBQUFBQVFRVMWjRCbG9jaxAIAAAACAAAAK3OBQoVFRUVFRUWFkxaNEJsb2NrEAAAAAAAAAAAAAAA
AA==`;

function lz4(plain: Uint8Array): Uint8Array {
  const room = new Uint8Array(plain.length * 2 + 64);
  return room.slice(0, compressLz4(plain, room, 0, room.length, 1));
}

function sized(plain: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(plain.length, plain.length >> 8, 0, 0), lz4(plain)]);
}

function closed(plain: Uint8Array): Uint8Array {
  const sum = new DataView(new ArrayBuffer(4));
  sum.setUint32(0, crc32c(plain), true);
  return Buffer.concat([plain, new Uint8Array(sum.buffer)]);
}

function shuffled(plain: Uint8Array): Uint8Array {
  const to = new Uint8Array(plain.length);
  shuffleBytes(plain, to, 4);
  return to;
}

const cases: readonly { name: string; packings: Packing[]; bytes: Uint8Array }[] = [
  { name: "nothing", packings: [], bytes: PLAIN },
  { name: "gzip", packings: [{ kind: "gzip" }], bytes: gzipSync(PLAIN) },
  { name: "zlib", packings: [{ kind: "zlib" }], bytes: deflateSync(PLAIN) },
  { name: "zstd", packings: [{ kind: "zstd" }], bytes: zstdCompressSync(PLAIN) },
  { name: "lz4 of numcodecs", packings: [{ kind: "lz4" }], bytes: sized(PLAIN) },
  {
    name: "lz4 of lz4-java",
    packings: [{ kind: "lz4-blocks" }],
    bytes: Buffer.from(LZ4_JAVA, "base64"),
  },
  { name: "lz4 of z5", packings: [{ kind: "lz4-blocks" }], bytes: lz4(PLAIN) },
  { name: "a crc32c", packings: [{ kind: "crc32c" }], bytes: closed(PLAIN) },
  {
    name: "a shuffle, gzip, a crc32c, zstd and a crc32c again",
    packings: [
      { kind: "shuffle", elementBytes: 4 },
      { kind: "gzip" },
      { kind: "crc32c" },
      { kind: "zstd" },
      { kind: "crc32c" },
    ],
    bytes: closed(zstdCompressSync(closed(gzipSync(shuffled(PLAIN))))),
  },
];
for (const { name, packings, bytes } of cases) {
  Deno.test(`bytes under ${name} come out plain, and no others are given for them`, async () => {
    const unpack = await openUnpacker(packings);
    deepEqual(Buffer.from(await unpack(bytes, 200)), Buffer.from(PLAIN));
    // Of more or fewer bytes than there must be, none are given.
    for (const count of [199, 201]) {
      await rejects(async () => await unpack(bytes, count), ChunkError);
    }
    for (const end of [0, 1, 9, bytes.length >> 1, bytes.length - 5]) {
      await rejects(async () => await unpack(bytes.slice(0, end), 200), ChunkError);
    }
  });
}

for (const { name, packings, bytes } of cases.filter(({ name }) => /java|crc32c|gzip/.test(name))) {
  Deno.test(`a bit that changed under ${name} is noticed, wherever it is`, async () => {
    const unpack = await openUnpacker(packings);
    for (let at = name === "gzip" ? 10 : 0; at < bytes.length; at++) {
      const broken = Uint8Array.from(bytes);
      broken[at] ^= 4;
      try {
        const plain = await unpack(broken, 200);
        // A header may have bits that say nothing: then the bytes are right all the same.
        deepEqual(Buffer.from(plain), Buffer.from(PLAIN), `byte ${at}`);
      } catch (error) {
        ok(error instanceof ChunkError, `byte ${at}: ${error}`);
      }
    }
  });
}

Deno.test("a bomb is stopped when what it may make is made", async () => {
  const bombs = [
    { kind: "gzip", bytes: gzipSync(new Uint8Array(1 << 26)) },
    { kind: "zstd", bytes: zstdCompressSync(new Uint8Array(1 << 26)) },
    { kind: "lz4", bytes: sized(new Uint8Array(60_000)) },
    { kind: "lz4-blocks", bytes: lz4(new Uint8Array(60_000)) },
  ] as const;
  for (const { kind, bytes } of bombs) {
    const unpack = await openUnpacker([{ kind }]);
    await rejects(async () => await unpack(bytes, 4096), ChunkError, kind);
    // What lies under another packing may be a little more than the voxels, and no more.
    const under = await openUnpacker([{ kind: "crc32c" }, { kind }]);
    await rejects(async () => await under(bytes, 4096), ChunkError, kind);
  }
});
