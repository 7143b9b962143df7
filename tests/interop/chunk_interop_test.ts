import { equal, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { openChunkCodec } from "../../codecs/chunk_codec.ts";
import { type Dtype, isDtype, VOXEL_BYTES } from "../../core/dtype.ts";
import type { ChunkEncoding } from "../../core/layout.ts";
import { withFolder } from "../_stack.ts";
import { python, runPython } from "./_python.ts";

interface Entry {
  readonly name: string;
  /** Where its bytes lie in chunks.bin: half-open. */
  readonly chunk: readonly [first: number, end: number];
  /** Where its voxels lie in voxels.bin. */
  readonly voxels: readonly [first: number, end: number];
  readonly dtype: Dtype;
  readonly codec: Exclude<ChunkEncoding["codec"], "precomputed">;
  readonly crc32c: boolean;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Any encoding of a codec: what is decoded does not depend on level or shuffle. */
function encodingOf({ codec, crc32c }: Entry): ChunkEncoding {
  return codec === "blosc"
    ? { codec, cname: "zstd", level: 1, shuffle: true, crc32c }
    : codec === "none"
    ? { codec, crc32c }
    : { codec, level: 1, crc32c };
}

Deno.test({
  name: "chunk codecs decode every frame that numcodecs writes",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      await runPython("chunk_corpus.py", "write", folder);
      const entries: Entry[] = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
      ok(entries.length > 4000, `only ${entries.length}`);
      const chunks = await Deno.readFile(`${folder}/chunks.bin`);
      const allVoxels = await Deno.readFile(`${folder}/voxels.bin`);
      for (const entry of entries) {
        const codec = await openChunkCodec(encodingOf(entry), VOXEL_BYTES[entry.dtype]);
        const expected = allVoxels.subarray(...entry.voxels);
        const voxels = codec.decode(
          chunks.subarray(...entry.chunk),
          expected.length / VOXEL_BYTES[entry.dtype],
        );
        ok(isEqual(voxels, expected), entry.name);
      }
    }),
});

const plain = [
  { codec: "none" },
  ...[1, 3, 5, 9, 19].map((level) => ({ codec: "zstd", level }) as const),
  ...[0, 1, 6, 9].map((level) => ({ codec: "gzip", level }) as const),
  ...(["zstd", "lz4"] as const).flatMap((cname) =>
    [0, 1, 5, 9].flatMap((level) =>
      [false, true].map((shuffle) => ({ codec: "blosc", cname, level, shuffle }) as const)
    )
  ),
] as const;

/** Voxels that compress well, badly and not at all; the longest fill more than one block of Blosc. */
function contents(dtype: Dtype): Record<string, Uint8Array<ArrayBuffer>> {
  const width = VOXEL_BYTES[dtype];
  let state = 7;
  const next = () => (state = Math.imul(state, 1664525) + 1013904223 | 0) >>> 8;
  const noise = Uint8Array.from({ length: 999 * width }, next);
  const long = new Uint8Array(Math.ceil(530_000 / width) * width);
  for (let i = 0; i < long.length; i += width) {
    long[i] = i >> 9;
    if (width > 1 && i % 5 > 2) long[i + 1] = next();
  }
  const runs = Uint8Array.from(
    { length: 9_000 * width },
    (_, i) => i / width % 1000 > 900 ? i : 3,
  );
  return { noise, long, runs, one: noise.slice(0, width), constant: new Uint8Array(105 * width) };
}

Deno.test({
  name: "numcodecs decodes every frame that the chunk codecs write",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const entries: Entry[] = [];
      const [chunks, voxelsOf]: Uint8Array[][] = [[], []];
      let [chunkEnd, voxelEnd] = [0, 0];
      for (const dtype of Object.keys(VOXEL_BYTES).filter(isDtype)) {
        for (const [content, voxels] of Object.entries(contents(dtype))) {
          voxelsOf.push(voxels);
          voxelEnd += voxels.length;
          for (const [i, encoding] of plain.entries()) {
            const crc32c = i % 2 === 0;
            const codec = await openChunkCodec({ ...encoding, crc32c }, VOXEL_BYTES[dtype]);
            const bytes = codec.encode(voxels);
            ok(isEqual(codec.decode(bytes, voxels.length / VOXEL_BYTES[dtype]), voxels));
            chunks.push(bytes);
            entries.push({
              name: `${JSON.stringify(encoding)} ${dtype} ${content}`,
              chunk: [chunkEnd, chunkEnd += bytes.length],
              voxels: [voxelEnd - voxels.length, voxelEnd],
              dtype,
              codec: encoding.codec,
              crc32c,
            });
          }
        }
      }
      await Deno.writeFile(`${folder}/chunks.bin`, Buffer.concat(chunks));
      await Deno.writeFile(`${folder}/voxels.bin`, Buffer.concat(voxelsOf));
      await Deno.writeTextFile(`${folder}/manifest.json`, JSON.stringify(entries));
      equal(await runPython("chunk_corpus.py", "check", folder), `${entries.length}`);
    }),
});
