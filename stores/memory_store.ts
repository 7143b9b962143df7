/**
 * A volume in memory, for tests and small scripts.
 * @module
 */
import { type ChunkCodec, openChunkCodec } from "../codecs/chunk_codec.ts";
import { type Box, intersect } from "../core/box.ts";
import { copyBox, fillBox } from "../core/copy_box.ts";
import { viewVoxels, VOXEL_BYTES } from "../core/dtype.ts";
import { type Layout, type Unit, unitBox, unitName, unitsOf } from "../core/layout.ts";
import { product } from "../core/point.ts";
import type { Slab } from "../core/slab.ts";
import { makeSlab } from "../pool/make_slab.ts";
import { checkRead } from "./check_read.ts";
import { type GatheredChunk, gatherUnit } from "./gather_unit.ts";
import type { FinishOptions, ReadOptions, Store, UnitWriter } from "./store.ts";

/**
 * A store that keeps the encoded chunks of a layout in memory; it keeps the whole contract of stores, and needs no
 * permission and no pool.
 * @example What was written is what is read
 * ```ts
 * import { box, gatherVoxels, planLayout } from "@sluice/sluice";
 * import { MemoryStore } from "@sluice/sluice/testing";
 * import { deepEqual } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [2, 1, 1, 1, 1],
 *   dtype: "uint8",
 *   axes: ["y", "x"],
 *   kind: "image",
 *   encoding: { codec: "none", crc32c: false },
 *   samples: 1,
 * });
 * await using store = new MemoryStore(layout);
 * await using writer = await store.open({ scale: 0, index: [0, 0, 0, 0, 0] });
 * writer.put([0, 0, 0, 0, 0], { bytes: new Uint8Array([7, 8]), crc: 1, min: 7, max: 8 });
 * await writer.commit();
 * const slab = await store.read(box([1, 0, 0], [2, 1, 1]));
 * deepEqual(await gatherVoxels(slab), new Uint8Array([8]));
 * ```
 */
export class MemoryStore implements Store {
  /** How the volume is cut. */
  readonly layout: Layout;
  /** Units that were committed, by name: their chunks that hold more than fill value. */
  readonly units: Map<string, readonly GatheredChunk[]> = new Map();
  #isComplete = false;

  /** Makes a volume of nothing but fill value. */
  constructor(layout: Layout) {
    this.layout = layout;
  }

  /** Whether it was finished. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  place(unit: Unit): string {
    return `memory:${unitName(unit)}`;
  }

  open(unit: Unit): Promise<UnitWriter> {
    return Promise.resolve(gatherUnit(this.layout, unit, async (chunks, guard) => {
      await guard();
      this.units.set(unitName(unit), chunks);
      return chunks.length === 0 ? undefined : joinBytes(chunks);
    }));
  }

  read(of: Box, { scale = 0, signal }: ReadOptions = {}): Promise<Slab> {
    checkRead(this.layout, of, scale, "memory:");
    const { dtype, encoding, fill } = this.layout;
    let codec: Promise<ChunkCodec> | undefined;
    const slab = makeSlab({ box: of, dtype, scale }, async (part, voxels) => {
      signal?.throwIfAborted();
      codec ??= openChunkCodec(encoding, VOXEL_BYTES[dtype]);
      const { decode } = await codec;
      fillBox(voxels, part, part, fill);
      for (const unit of unitsOf(this.layout, scale, part)) {
        for (const { box: chunk, bytes } of this.units.get(unitName(unit)) ?? []) {
          const shared = intersect(chunk, intersect(part, unitBox(this.layout, unit))!);
          if (shared === undefined) continue;
          const decoded = decode(bytes, product(this.layout.scales[scale].chunk));
          copyBox(viewVoxels(dtype, decoded), chunk, voxels, part, shared);
        }
      }
    });
    return Promise.resolve(slab);
  }

  /** Marks the volume complete. */
  async finish({ guard }: FinishOptions): Promise<void> {
    await guard();
    this.#isComplete = true;
  }

  /** Nothing is open; what was written stays until nobody knows the store any more. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function joinBytes(chunks: readonly GatheredChunk[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, { bytes }) => sum + bytes.length, 0));
  chunks.reduce((at, { bytes }) => (joined.set(bytes, at), at + bytes.length), 0);
  return joined;
}
