import { deepEqual, equal, notDeepEqual, ok, rejects, throws } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  type ChunkCodec,
  chunkCodecs,
  ChunkError,
  codecVersions,
  openChunkCodec,
} from "../../codecs/chunk_codec.ts";
import { crc32c } from "../../codecs/crc32c.ts";
import { SluiceError } from "../../core/errors.ts";
import type { ChunkEncoding } from "../../core/layout.ts";
import { fc } from "../_fast_check.ts";

type Plain = ChunkEncoding extends infer E ? E extends ChunkEncoding ? Omit<E, "crc32c"> : never
  : never;

const encodings: readonly { readonly name: string; readonly plain: Plain }[] = [
  { name: "none", plain: { codec: "none" } },
  { name: "zstd 1", plain: { codec: "zstd", level: 1 } },
  { name: "zstd 22", plain: { codec: "zstd", level: 22 } },
  { name: "gzip 0", plain: { codec: "gzip", level: 0 } },
  { name: "gzip 6", plain: { codec: "gzip", level: 6 } },
  { name: "blosc zstd", plain: { codec: "blosc", cname: "zstd", level: 3, shuffle: true } },
  {
    name: "blosc zstd unshuffled",
    plain: { codec: "blosc", cname: "zstd", level: 3, shuffle: false },
  },
  { name: "blosc lz4", plain: { codec: "blosc", cname: "lz4", level: 5, shuffle: true } },
  {
    name: "blosc lz4 unshuffled",
    plain: { codec: "blosc", cname: "lz4", level: 5, shuffle: false },
  },
  { name: "blosc stored", plain: { codec: "blosc", cname: "lz4", level: 0, shuffle: true } },
];

function open(plain: Plain, crc32c: boolean, voxelBytes = 1): Promise<ChunkCodec> {
  return openChunkCodec({ ...plain, crc32c } as ChunkEncoding, voxelBytes);
}

/** Voxels that are noise in the lower bits and smooth above: 7 x 5 x 3 of `voxelBytes` each unless told. */
function sample(voxelBytes: number, count = 7 * 5 * 3): Uint8Array<ArrayBuffer> {
  let state = 5;
  return Uint8Array.from({ length: count * voxelBytes }, (_, i) => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return i % voxelBytes === 0 ? (i >> 4) + (state >>> 30) + 1 : (i % voxelBytes) * 17 + (i >> 9);
  });
}

function hasKind(kind: ChunkError["kind"]): (error: unknown) => boolean {
  return (error) =>
    error instanceof ChunkError && error instanceof SluiceError && error.kind === kind;
}

for (const { name, plain } of encodings) {
  for (const closed of [false, true]) {
    const title = closed ? `${name} with a crc32c` : name;

    Deno.test(`${title} gives back what it was given, from shared memory at any alignment`, async () => {
      for (const voxelBytes of [1, 2, 4, 8]) {
        const codec = await open(plain, closed, voxelBytes);
        for (const count of [1, 105, 70_001]) {
          if (name === "zstd 22" && count > 105) continue;
          const voxels = sample(voxelBytes, count);
          const bytes = codec.encode(voxels);
          for (const skip of [0, 1, 4]) {
            const shared = new Uint8Array(new SharedArrayBuffer(voxels.length + skip), skip);
            shared.set(voxels);
            deepEqual(codec.encode(shared), bytes);
            const stored = new Uint8Array(new SharedArrayBuffer(bytes.length + skip), skip);
            stored.set(bytes);
            deepEqual(codec.decode(stored, count), voxels);
          }
        }
      }
    });

    Deno.test(`${title} answers in buffers that can be transferred`, async () => {
      const codec = await open(plain, closed);
      const voxels = sample(1);
      const bytes = codec.encode(voxels);
      const back = codec.decode(bytes, voxels.length);
      for (const made of [bytes, back]) {
        equal(made.constructor, Uint8Array);
        equal(made.byteOffset, 0);
        equal(made.buffer.byteLength, made.length);
        ok(made.buffer instanceof ArrayBuffer);
      }
      ok(bytes.buffer !== voxels.buffer && back.buffer !== bytes.buffer);
      structuredClone(back, { transfer: [back.buffer] });
      deepEqual(codec.decode(bytes, voxels.length), voxels);
    });

    Deno.test(`${title} refuses chunks of more or fewer voxels`, async () => {
      const codec = await open(plain, closed, 2);
      const bytes = codec.encode(sample(2));
      for (const count of [0, 1, 104, 106, 1 << 20]) {
        throws(() => codec.decode(bytes, count), hasKind("size"));
      }
    });

    Deno.test(`${title} says no to bytes that were cut or changed, or gives voxels`, async () => {
      const codec = await open(plain, closed, 2);
      const bytes = codec.encode(sample(2, 3000));
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 3 }),
          fc.nat(bytes.length),
          fc.boolean(),
          (changes, end, cut) => {
            const broken = cut ? bytes.slice(0, end) : bytes.slice();
            for (const [at, value] of changes) broken[at % Math.max(1, broken.length)] = value;
            const same = broken.length === bytes.length &&
              broken.every((byte, i) => byte === bytes[i]);
            try {
              equal(codec.decode(broken, 3000).length, 6000);
              ok(same || !closed, "a chunk that was changed passed its checksum");
            } catch (error) {
              ok(error instanceof ChunkError, `${error}`);
              ok(!same);
              if (closed) equal(error.kind, "checksum");
            }
          },
        ),
        { seed: 20260105, numRuns: name === "zstd 22" ? 100 : 600 },
      );
    });
  }
}

Deno.test("crc32c closes the bytes little-endian, and says what it expected and found", async () => {
  const voxels = sample(1);
  const bytes = (await open({ codec: "none" }, true)).encode(voxels);
  deepEqual(bytes.subarray(0, -4), voxels);
  equal(new DataView(bytes.buffer).getUint32(voxels.length, true), crc32c(voxels));
  const codec = await open({ codec: "none" }, true);
  bytes[0] ^= 1;
  const hex = (value: number) => value.toString(16).padStart(8, "0");
  throws(() => codec.decode(bytes, voxels.length), {
    name: "ChunkError",
    kind: "checksum",
    message: `Cannot read a chunk of 109 bytes as what was written: its crc32c is 0x${
      hex(crc32c(bytes.subarray(0, -4)))
    }, expected 0x${hex(crc32c(voxels))}; write it again`,
  });
});

Deno.test("zstd tells its content size in the header of its one frame", async () => {
  const bytes = (await open({ codec: "zstd", level: 3 }, false)).encode(sample(1, 70_000));
  deepEqual(bytes.subarray(0, 4), Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd));
  // Frame header descriptor: a content size of 4 bytes, a single segment, no checksum, no dictionary.
  equal(bytes[4], 0b10100000);
  equal(new DataView(bytes.buffer).getUint32(5, true), 70_000);
});

Deno.test("zstd reads a frame without content size", async () => {
  const voxels = sample(1, 70_000);
  const unsized = new Uint8Array(zstdCompressSync(voxels));
  equal(unsized[4] >> 5, 0);
  deepEqual((await open({ codec: "zstd", level: 3 }, false)).decode(unsized, 70_000), voxels);
});

Deno.test("gzip names no file, no time and no system that could differ", async () => {
  const bytes = (await open({ codec: "gzip", level: 6 }, false)).encode(sample(1));
  deepEqual(bytes.subarray(0, 10), Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3));
});

for (const cname of ["zstd", "lz4"] as const) {
  Deno.test(`blosc ${cname} writes a header of the true voxel size`, async () => {
    for (const voxelBytes of [1, 2, 4, 8]) {
      const voxels = sample(voxelBytes, 140_000);
      const codec = await open(
        { codec: "blosc", cname, level: 5, shuffle: true },
        false,
        voxelBytes,
      );
      const bytes = codec.encode(voxels);
      const view = new DataView(bytes.buffer);
      const shuffled = voxelBytes > 1 ? 1 : 0;
      const format = cname === "zstd" ? 4 : 1;
      deepEqual([...bytes.subarray(0, 4)], [2, 1, format << 5 | 0x10 | shuffled, voxelBytes]);
      equal(view.getUint32(4, true), voxels.length);
      equal(view.getUint32(8, true), Math.min(512 * 1024, voxels.length));
      equal(view.getUint32(12, true), bytes.length);
      const most = cname === "lz4" && voxelBytes === 1 ? 1 : 0.67;
      ok(bytes.length < voxels.length * most, `${bytes.length} of ${voxels.length}`);
    }
  });
}

/** A Blosc frame of nine bytes in one block of lz4, with one byte changed where a case says so. */
function bloscFrame(at?: number, value = 0): Uint8Array {
  const block = [0x11, 7, 1, 0, 0x30, 7, 7, 7];
  const frame = Uint8Array.from(
    [
      2,
      1,
      0x30,
      1,
      9,
      0,
      0,
      0,
      9,
      0,
      0,
      0,
      32,
      0,
      0,
      0,
      20,
      0,
      0,
      0,
      block.length,
      0,
      0,
      0,
      ...block,
    ],
  );
  if (at !== undefined) frame[at] = value;
  return frame;
}

Deno.test("blosc reads an lz4 block whose match overlaps itself", async () => {
  const codec = await open({ codec: "blosc", cname: "lz4", level: 5, shuffle: true }, false);
  deepEqual(codec.decode(bloscFrame(), 9), new Uint8Array(9).fill(7));
});

const brokenFrames = [
  { name: "another version", at: 0, value: 3, message: /its version is 3, not 2/ },
  { name: "more bytes than there are", at: 12, value: 33, message: /its header says 33 bytes/ },
  { name: "elements of no bytes", at: 3, value: 0, message: /its header makes no sense/ },
  { name: "blocks of no bytes", at: 8, value: 0, message: /its header makes no sense/ },
  { name: "a block outside", at: 16, value: 30, message: /a block lies outside it/ },
  { name: "a block that ends outside", at: 20, value: 200, message: /a block lies outside it/ },
  {
    name: "snappy, which nobody writes",
    at: 2,
    value: 0x50,
    message: /with snappy, which is not read/,
  },
  { name: "a codec that does not exist", at: 2, value: 0xf0, message: /with an unknown codec/ },
  { name: "a match before the beginning", at: 26, value: 2, message: /the LZ4 block is broken/ },
  { name: "a match of distance 0", at: 26, value: 0, message: /the LZ4 block is broken/ },
  { name: "too few bytes", at: 24, value: 0x10, message: /gives too few bytes/ },
  { name: "too many bytes", at: 24, value: 0x1e, message: /the LZ4 block is broken/ },
];
for (const { name, at, value, message } of brokenFrames) {
  Deno.test(`blosc refuses a frame of ${name}`, async () => {
    const codec = await open({ codec: "blosc", cname: "lz4", level: 5, shuffle: true }, false);
    throws(() => codec.decode(bloscFrame(at, value), 9), {
      name: "ChunkError",
      kind: "corrupt",
      message,
    });
  });
}

const bombs = [
  {
    name: "zstd",
    plain: { codec: "zstd", level: 1 },
    bytes: () => zstdCompressSync(new Uint8Array(1 << 28)),
  },
  {
    name: "gzip",
    plain: { codec: "gzip", level: 1 },
    bytes: () => gzipSync(new Uint8Array(1 << 28)),
  },
] as const;
for (const { name, plain, bytes } of bombs) {
  Deno.test(`${name} stops a bomb when the chunk is full`, async () => {
    const codec = await open(plain, false);
    const bomb = bytes();
    ok(bomb.length < 1 << 20);
    const before = Deno.memoryUsage();
    throws(() => codec.decode(bomb, 4096), hasKind("size"));
    const after = Deno.memoryUsage();
    ok(after.external - before.external < 1 << 24);
  });
}

const refused = [
  { name: "a level of zstd that does not exist", encoding: { codec: "zstd", level: 23 } },
  { name: "a level of gzip that does not exist", encoding: { codec: "gzip", level: -1 } },
  { name: "a broken level", encoding: { codec: "zstd", level: 2.5 } },
  {
    name: "a level of blosc that does not exist",
    encoding: { codec: "blosc", cname: "lz4", level: 10, shuffle: true },
  },
  {
    name: "a compressor that blosc only reads",
    encoding: { codec: "blosc", cname: "zlib", level: 1, shuffle: true },
  },
  { name: "a codec that nobody knows", encoding: { codec: "lzma", level: 1 } },
];
for (const { name, encoding } of refused) {
  Deno.test(`openChunkCodec() refuses ${name}`, () =>
    rejects(openChunkCodec({ ...encoding, crc32c: false } as ChunkEncoding, 1), {
      name: "RangeError",
      message: /^Cannot (use|open) ".+" as .+: .+; .+/,
    }));
}

Deno.test("chunkCodecs takes a codec of a script", async () => {
  chunkCodecs.set("inverted", () =>
    Promise.resolve(() => ({
      compress: (voxels) => voxels.map((voxel) => 255 - voxel),
      decompress: (bytes) => bytes.map((byte) => 255 - byte),
    })));
  try {
    const codec = await openChunkCodec({ codec: "inverted", crc32c: true } as never, 1);
    deepEqual(codec.decode(codec.encode(Uint8Array.of(1, 2)), 2), Uint8Array.of(1, 2));
    equal(codec.encode(Uint8Array.of(1, 2))[0], 254);
  } finally {
    chunkCodecs.delete("inverted");
  }
});

Deno.test("codecVersions() names what decides the bytes", () => {
  deepEqual(codecVersions({ codec: "none", crc32c: true }), {});
  const zstd = codecVersions({ codec: "zstd", level: 3, crc32c: true });
  deepEqual(zstd, { zstd: `deno ${Deno.version.deno}` });
  const blosc = { codec: "blosc", level: 5, shuffle: true, crc32c: true } as const;
  ok("zstd" in codecVersions({ ...blosc, cname: "zstd" }));
  notDeepEqual(
    codecVersions({ ...blosc, cname: "lz4" }),
    codecVersions({ ...blosc, cname: "zstd" }),
  );
  equal(
    codecVersions({ codec: "gzip", level: 1, crc32c: false }).zlib,
    `deno ${Deno.version.deno} ${Deno.build.arch === "x86_64" ? "x64" : "arm64"}`,
  );
});
