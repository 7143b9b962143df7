/** Chunks and shards of precomputed volumes, made for other programs or by them. */
import { equal } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { cellsOver, volumeOf, type Xyz } from "../../codecs/_xyz.ts";
import type { PrecomputedEncoding } from "../../codecs/precomputed_chunk.ts";
import type { Sharding } from "../../codecs/precomputed_sharding.ts";
import { type Dtype, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";
import { seeded } from "../codecs/_png_writer.ts";
import { withFolder } from "../_stack.ts";
import { runPython } from "./_python.ts";

const SCRIPT = "precomputed_codec_corpus.py";

/** Where bytes lie in bytes.bin: half-open. */
export type Range = readonly [first: number, end: number];

export interface Voxels {
  readonly name: string;
  readonly encoding: PrecomputedEncoding;
  readonly dtype: Dtype;
  readonly size: Xyz;
  readonly channels: number;
  /** x fastest, then y, z and channel. */
  readonly voxels: Range;
}

export interface Chunk extends Voxels {
  readonly stored: Range;
  /** Whether sluice must write the same bytes. */
  readonly canonical?: boolean;
}

export interface Volume extends Voxels {
  readonly chunk: Xyz;
  readonly sharding: Sharding;
  readonly shards: Readonly<Record<string, Range>>;
}

export interface Corpus {
  readonly chunks: readonly Chunk[];
  readonly volumes: readonly Volume[];
}

/** Each chunk of a volume: its position in the grid, its size, and its voxels. */
export function* chunksOf(
  voxels: Uint8Array,
  { size, chunk, channels, dtype }: Pick<Volume, "size" | "chunk" | "channels" | "dtype">,
): Generator<{ position: Xyz; first: Xyz; size: Xyz; voxels: Uint8Array }> {
  const bytes = VOXEL_BYTES[dtype];
  const grid = cellsOver(size, chunk);
  for (let i = 0; i < volumeOf(grid); i++) {
    const position = [
      i % grid[0],
      Math.floor(i / grid[0]) % grid[1],
      Math.floor(i / grid[0] / grid[1]),
    ] as const;
    const first = position.map((value, axis) => value * chunk[axis]) as unknown as Xyz;
    const part = chunk.map((side, axis) =>
      Math.min(side, size[axis] - first[axis])
    ) as unknown as Xyz;
    const rows: Uint8Array[] = [];
    for (let c = 0; c < channels; c++) {
      for (let z = 0; z < part[2]; z++) {
        for (let y = 0; y < part[1]; y++) {
          const at = first[0] + size[0] * (first[1] + y + size[1] * (first[2] + z + size[2] * c));
          rows.push(voxels.subarray(at * bytes, (at + part[0]) * bytes));
        }
      }
    }
    yield { position, first, size: part, voxels: Buffer.concat(rows) };
  }
}

export async function withCorpus(
  check: (corpus: Corpus, bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await runPython(SCRIPT, "write", folder);
    const corpus = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
    await check(corpus, await Deno.readFile(`${folder}/bytes.bin`));
  });
}

/** Collects what another program is to read. */
export class Manifest {
  readonly chunks: unknown[] = [];
  readonly volumes: unknown[] = [];
  readonly shards: unknown[] = [];
  readonly plans: unknown[] = [];
  readonly #parts: Uint8Array[] = [];
  #end = 0;

  constructor(readonly folder: string) {}

  add(bytes: Uint8Array): Range {
    this.#parts.push(bytes);
    return [this.#end, this.#end += bytes.length];
  }

  /** Lets the other program check everything. */
  async check(): Promise<void> {
    await Deno.writeFile(`${this.folder}/bytes.bin`, Buffer.concat(this.#parts));
    const { chunks, volumes, shards, plans } = this;
    await Deno.writeTextFile(
      `${this.folder}/manifest.json`,
      JSON.stringify({ chunks, volumes, shards, plans }),
    );
    const count = chunks.length + volumes.length + shards.length + plans.length;
    equal(await runPython(SCRIPT, "check", this.folder), `${count}`);
  }
}

export const random = seeded(20260211);
export const bits32 = () => BigInt(Math.floor(random() * 2 ** 32));

/** Voxels that an encoding is for: noise where it keeps all, else smooth; labels in runs. */
export function makeVoxels(codec: string, dtype: Dtype, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count * VOXEL_BYTES[dtype]);
  if (codec === "jpeg") {
    return bytes.map((_, i) => 128 + 60 * Math.sin(i / 7) + 50 * Math.cos(i / 500) + random() * 9);
  }
  if (codec !== "compressed_segmentation") {
    const noise = bytes.map(() => random() * 256);
    // NaN is not equal to itself: floats stay below infinity.
    return dtype === "float32" ? noise.map((byte, i) => i % 4 === 3 ? byte & 0xbf : byte) : noise;
  }
  const voxels = viewVoxels(dtype, bytes) as Uint32Array | BigUint64Array;
  let label = 0;
  for (let i = 0; i < count; i++) {
    if (random() < 0.1) label = Math.floor(random() * 2 ** 20) * (random() < 0.5 ? 1 : 4000);
    voxels[i] = voxels instanceof Uint32Array ? label : BigInt(label) << 30n;
  }
  return bytes;
}
