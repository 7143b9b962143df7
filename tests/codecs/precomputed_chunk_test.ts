import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { volumeOf, type Xyz } from "../../codecs/_xyz.ts";
import { ChunkError } from "../../codecs/chunk_error.ts";
import { png } from "../../codecs/png.ts";
import { openPrecomputedCodec, type PrecomputedEncoding } from "../../codecs/precomputed_chunk.ts";
import { type Dtype, isDtype, VOXEL_BYTES } from "../../core/dtype.ts";
import { fc } from "../_fast_check.ts";
import { JPEG_FILES } from "./_jpeg_files.ts";
import { memorySource, sameBytes } from "./_png_reading.ts";
import { seeded } from "./_png_writer.ts";

const DTYPES = Object.keys(VOXEL_BYTES).filter(isDtype);
const LABELS = { codec: "compressed_segmentation", blockSize: [8, 8, 8] } as const;

/** Every dtype and number of channels that an encoding without loss allows. */
const kinds: readonly { encoding: PrecomputedEncoding; dtype: Dtype; channels: number }[] = [
  ...DTYPES.flatMap((dtype) =>
    [1, 2].map((channels) => ({ encoding: { codec: "raw" }, dtype, channels }) as const)
  ),
  ...(["uint8", "uint16"] as const).flatMap((dtype) =>
    [1, 2, 3, 4].map((channels) =>
      ({ encoding: { codec: "png", level: 4 }, dtype, channels }) as const
    )
  ),
  ...(["uint32", "uint64"] as const).flatMap((dtype) =>
    [1, 3].map((channels) => ({ encoding: LABELS, dtype, channels }) as const)
  ),
];
for (const { encoding, dtype, channels } of kinds) {
  Deno.test(`a precomputed chunk of ${channels} channels of ${dtype} is kept by ${encoding.codec}`, async () => {
    const sides = fc.tuple(
      fc.integer({ min: 1, max: 19 }),
      fc.integer({ min: 1, max: 11 }),
      fc.integer({ min: 1, max: 9 }),
    );
    const plain = await openPrecomputedCodec(encoding, { dtype, channels });
    const zipped = await openPrecomputedCodec({ ...encoding, gzip: 4 }, { dtype, channels });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constant([7, 5, 3] as const), sides),
        fc.nat(),
        async (size, seed) => {
          const random = seeded(seed);
          const voxels = Uint8Array.from(
            { length: volumeOf(size) * channels * VOXEL_BYTES[dtype] },
            () => random() ** 4 * 256,
          );
          const bytes = plain.encode(voxels, size);
          equal(bytes.length, bytes.buffer.byteLength);
          ok(bytes.buffer !== voxels.buffer);
          const wrapped = zipped.encode(voxels, size);
          deepEqual(new Uint8Array(gunzipSync(wrapped)), bytes);
          for (const stored of [bytes, wrapped]) {
            for (const codec of [plain, zipped]) {
              const decoded = await codec.decode(stored, size);
              ok(sameBytes(decoded, voxels));
              ok(decoded.buffer !== stored.buffer && decoded.length === decoded.buffer.byteLength);
            }
          }
        },
      ),
      { seed: 20260205, numRuns: 12 },
    );
  });
}

Deno.test("a precomputed chunk is coded the same from shared memory", async () => {
  const size = [7, 5, 3] as const;
  for (
    const encoding of [{ codec: "raw" }, { codec: "png", level: 1 }, {
      codec: "jpeg",
      quality: 90,
    }] as const
  ) {
    for (const gzip of [undefined, 1]) {
      const codec = await openPrecomputedCodec({ ...encoding, gzip }, {
        dtype: "uint8",
        channels: 3,
      });
      const voxels = Uint8Array.from({ length: 315 }, (_, i) => i * 7);
      const shared = new Uint8Array(new SharedArrayBuffer(320), 5);
      shared.set(voxels);
      const bytes = codec.encode(voxels, size);
      deepEqual(codec.encode(shared, size), bytes);
      const stored = new Uint8Array(new SharedArrayBuffer(bytes.length + 3), 3);
      stored.set(bytes);
      deepEqual(await codec.decode(stored, size), await codec.decode(bytes, size));
    }
  }
});

Deno.test("png and jpeg chunks have a row of voxels as a row of pixels, or a plane where that is too high", async () => {
  const sizeOf = async (codec: "png" | "jpeg", size: Xyz) => {
    const encoding = codec === "png"
      ? { codec, level: 1 } as const
      : { codec, quality: 50 } as const;
    const { encode } = await openPrecomputedCodec(encoding, { dtype: "uint8" });
    const bytes = encode(new Uint8Array(volumeOf(size)), size);
    if (codec === "jpeg") {
      const frame = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0);
      const view = new DataView(bytes.buffer, frame);
      return [view.getUint16(7), view.getUint16(5)];
    }
    const { images: [{ width, height }] } = await png.describe(memorySource(bytes));
    return [width, height];
  };
  deepEqual(await sizeOf("png", [7, 5, 3]), [7, 15]);
  deepEqual(await sizeOf("jpeg", [7, 5, 3]), [7, 15]);
  deepEqual(await sizeOf("jpeg", [2, 256, 300]), [512, 300]);
  await rejects(sizeOf("jpeg", [300, 256, 300]), /more than 65500 pixels; choose smaller chunks/);
});

Deno.test("jpeg chunks of one and three channels come back nearly as they were, better by quality", async () => {
  const size = [24, 16, 5] as const;
  for (const channels of [1, 3]) {
    const voxels = Uint8Array.from({ length: volumeOf(size) * channels }, (_, i) => {
      const [x, y, c] = [i % 24, Math.floor(i / 24) % 80, Math.floor(i / 1920)];
      return 128 + 50 * Math.sin(x / 5 + c) + 40 * Math.cos(y / 9 - c);
    });
    const differences: number[] = [];
    for (const quality of [20, 60, 100]) {
      const codec = await openPrecomputedCodec({ codec: "jpeg", quality }, {
        dtype: "uint8",
        channels,
      });
      const bytes = codec.encode(voxels, size);
      deepEqual(codec.encode(voxels, size), bytes);
      const decoded = await codec.decode(bytes, size);
      equal(decoded.length, voxels.length);
      differences.push(
        decoded.reduce((most, value, i) => Math.max(most, Math.abs(value - voxels[i])), 0),
      );
    }
    ok(differences[0] < 40 && differences[2] <= 3, `${differences}`);
    ok(differences[0] > differences[1] && differences[1] > differences[2], `${differences}`);
  }
});

Deno.test("raw voxels that begin like gzip are voxels", async () => {
  const codec = await openPrecomputedCodec({ codec: "raw" }, { dtype: "uint8" });
  const voxels = new Uint8Array(105).fill(4);
  voxels.set([0x1f, 0x8b, 8, 0]);
  deepEqual(await codec.decode(voxels, [7, 5, 3]), voxels);
  // Voxels that gzip makes longer by as much as makes them as long as the chunk: the file is the chunk.
  const other = await openPrecomputedCodec({ codec: "raw", gzip: 0 }, { dtype: "uint8" });
  deepEqual(await codec.decode(other.encode(voxels, [7, 5, 3]), [7, 5, 3]), voxels);
});

const SIZE = [7, 5, 3] as const;
const grey = { dtype: "uint8" } as const;
const pngOf = async (size: Xyz, dtype: Dtype, channels = 1) =>
  await (await openPrecomputedCodec({ codec: "png", level: 1 }, { dtype, channels }))
    .encode(new Uint8Array(volumeOf(size) * channels * VOXEL_BYTES[dtype]), size);
const faults = [
  {
    name: "raw of other length",
    encoding: { codec: "raw" },
    bytes: new Uint8Array(104),
    kind: "size",
    says: /holds 104/,
  },
  {
    name: "gzip of more",
    encoding: { codec: "raw" },
    bytes: gzipSync(new Uint8Array(106)),
    kind: "size",
    says: /a gzipped raw chunk as 105 bytes of voxels: it holds more/,
  },
  {
    name: "gzip of far more",
    encoding: { codec: "png", level: 1 },
    bytes: gzipSync(new Uint8Array(9 << 20)),
    kind: "size",
    says: /holds more/,
  },
  {
    name: "gzip of less",
    encoding: { codec: "raw" },
    bytes: gzipSync(new Uint8Array(99)),
    kind: "size",
    says: /holds 99/,
  },
  {
    name: "gzip cut short",
    encoding: { codec: "raw" },
    bytes: gzipSync(new Uint8Array(105)).subarray(0, -9),
    kind: "corrupt",
    says: /as gzipped raw: /,
  },
  {
    name: "no PNG",
    encoding: { codec: "png", level: 1 },
    bytes: new Uint8Array(99),
    kind: "corrupt",
    says: /as png: /,
  },
  {
    name: "a PNG of another size",
    encoding: { codec: "png", level: 1 },
    bytes: await pngOf([7, 5, 4], "uint8"),
    kind: "size",
    says:
      /as 7 x 5 x 3 voxels of 1 channels in uint8: it is an image of 7 x 20 pixels of 1 in uint8/,
  },
  {
    name: "a PNG of 16 bits",
    encoding: { codec: "png", level: 1 },
    bytes: await pngOf(SIZE, "uint16"),
    kind: "size",
    says: /of 1 in uint16/,
  },
  {
    name: "a PNG of colours",
    encoding: { codec: "png", level: 1 },
    bytes: await pngOf(SIZE, "uint8", 3),
    kind: "size",
    says: /of 3 in uint8/,
  },
  {
    name: "a PNG cut short",
    encoding: { codec: "png", level: 1 },
    bytes: (await pngOf(SIZE, "uint8")).subarray(0, -20),
    kind: "corrupt",
    says: /as png: /,
  },
  {
    name: "no JPEG",
    encoding: { codec: "jpeg", quality: 9 },
    bytes: new Uint8Array(99),
    kind: "corrupt",
    says: /marker FF D8/,
  },
  {
    name: "a JPEG of another size",
    encoding: { codec: "jpeg", quality: 9 },
    bytes: JPEG_FILES.grey,
    kind: "size",
    says: /an image of 33 x 19 pixels of 1 in uint8/,
  },
  {
    name: "half a JPEG",
    encoding: { codec: "jpeg", quality: 9 },
    bytes: JPEG_FILES.grey.subarray(0, 60),
    kind: "corrupt",
    says: /ends before its pixels/,
  },
] as const;
for (const { name, encoding, bytes, kind, says } of faults) {
  Deno.test(`a precomputed chunk is refused that is ${name}`, async () => {
    const { decode } = await openPrecomputedCodec(encoding, grey);
    await rejects(decode(bytes, SIZE), (error) => {
      ok(error instanceof ChunkError && error.kind === kind, String(error));
      ok(says.test(error.message), error.message);
      return true;
    });
  });
}

Deno.test("a damaged JPEG chunk is refused, and the next decoded all the same", async () => {
  const codec = await openPrecomputedCodec({ codec: "jpeg", quality: 80 }, grey);
  const voxels = Uint8Array.from({ length: 64 * 64 * 8 }, (_, i) => i * i >> 7);
  const bytes = codec.encode(voxels, [64, 64, 8]);
  const expected = await codec.decode(bytes, [64, 64, 8]);
  const damaged = bytes.slice();
  damaged.fill(0xff, 1000, 1010);
  damaged[1001] = 0xd3;
  await rejects(codec.decode(damaged, [64, 64, 8]), /libjpeg-turbo finds it truncated or damaged/);
  deepEqual(await codec.decode(bytes, [64, 64, 8]), expected);
});

const misuses: readonly {
  encoding: PrecomputedEncoding;
  dtype: Dtype;
  channels?: number;
  says: RegExp;
}[] = [
  {
    encoding: { codec: "zip" } as unknown as PrecomputedEncoding,
    dtype: "uint8",
    says: /"zip" .* raw, jpeg, png, comp/,
  },
  {
    encoding: { codec: "jpeg", quality: 85 },
    dtype: "uint16",
    says: /uint16 as jpeg: it holds uint8;/,
  },
  {
    encoding: { codec: "jpeg", quality: 85 },
    dtype: "uint8",
    channels: 2,
    says: /2 channels as jpeg: it holds 1, 3;/,
  },
  { encoding: { codec: "jpeg", quality: 0 }, dtype: "uint8", says: /"0" as the quality of jpeg/ },
  {
    encoding: { codec: "png", level: 1 },
    dtype: "float32",
    says: /float32 as png: it holds uint8 and uint16;/,
  },
  { encoding: { codec: "png", level: 1 }, dtype: "uint8", channels: 5, says: /5 channels as png/ },
  { encoding: { codec: "png", level: 10 }, dtype: "uint8", says: /"10" as the level of png/ },
  {
    encoding: LABELS,
    dtype: "uint8",
    says: /uint8 as compressed_segmentation: it holds uint32 and uint64/,
  },
  { encoding: { codec: "raw", gzip: 10 }, dtype: "uint8", says: /"10" as the level of gzip/ },
  {
    encoding: { codec: "raw" },
    dtype: "uint8",
    channels: 0,
    says: /0 channels as raw: it holds 1 or more/,
  },
];
for (const { encoding, dtype, channels, says } of misuses) {
  Deno.test(`openPrecomputedCodec() refuses ${JSON.stringify(encoding)} for ${channels ?? 1} x ${dtype}`, async () => {
    await rejects(openPrecomputedCodec(encoding, { dtype, channels }), (error) => {
      ok(error instanceof RangeError && says.test(error.message), String(error));
      return true;
    });
  });
}

Deno.test("a precomputed codec refuses voxels that do not fit their size", async () => {
  const codec = await openPrecomputedCodec({ codec: "raw" }, { dtype: "uint16" });
  throws(
    () => codec.encode(new Uint8Array(105), SIZE),
    /Cannot encode 105 bytes as a raw chunk of 7 x 5 x 3 voxels: they take 210/,
  );
  await rejects(codec.decode(new Uint8Array(0), [0, 5, 3]), /sides must be integers from 1 on/);
});
