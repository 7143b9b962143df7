/**
 * Bands become chunks.
 * @module
 */
import { mapPoint, type Point, product } from "../core/point.ts";
import { cellBox, cellsOf, eachCell, type Layout, type Unit, unitsOf } from "../core/layout.ts";
import { intersect } from "../core/box.ts";
import type { Band, Slab } from "../core/slab.ts";
import { type StoredChunks, storedChunks } from "../plugins/stored_chunks.ts";
import { type Stage, stage } from "./stage.ts";

/** Some chunks of one unit. */
export interface ChunkBatch {
  /** The unit they belong to. */
  readonly unit: Unit;
  /** Positions in the grid of chunks of the unit's scale, in the order y, z, x with x fastest. */
  readonly chunks: readonly Point[];
  /** Where their voxels are. */
  readonly from: CutChunks | WholeChunks;
}

/** Chunks that are cut from one band. */
export interface CutChunks {
  /** Tells them from the others. */
  readonly kind: "band";
  /** The band. */
  readonly band: Band;
  /** Whether it is the last batch of its band: once all are used, `band.release` is called, if it is there. */
  readonly endsBand: boolean;
}

/** Chunks that the source has just so: they go from stored bytes to stored bytes, and no band holds them. */
export interface WholeChunks {
  /** Tells them from the others. */
  readonly kind: "stored";
  /** Reads and encodes them. */
  readonly stored: StoredChunks;
}

/** A slab as chunks, made as its bands come. */
export interface ChunkedSlab {
  /** Where the voxels come from: its losses are complete after the last batch. */
  readonly slab: Slab;
  /** Every chunk of every scale, band by band. */
  batches(): AsyncIterable<ChunkBatch>;
}

/** Voxels that are encoded in one go, or one chunk: small enough that threads end a band together. */
const BATCH_VOXELS = 1 << 20;

/**
 * Cuts the bands of each scale into the chunks of a layout; nothing is copied yet.
 * @example Chunks of each file
 * ```ts
 * import { box, makeSlab, planLayout, splitChunks, unitName } from "@sluice/sluice";
 * import { runStage } from "@sluice/sluice/testing";
 * import { deepEqual } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [7, 5, 1, 1, 1], dtype: "uint8", axes: ["y", "x"], kind: "image", samples: 1,
 *   chunk: [4, 4, 1], shard: [4, 8, 1], encoding: { codec: "none", crc32c: false },
 * });
 * const section = makeSlab({ box: box([0, 0, 0], [7, 5, 1]), dtype: "uint8" }, (_, voxels) => {
 *   for (const i of voxels.keys()) voxels[i] = i;
 * });
 * const [{ batches }] = await runStage(splitChunks(layout), [section]);
 * const chunks: Record<string, number> = {};
 * for await (const { unit, chunks: some } of batches()) {
 *   chunks[unitName(unit)] = (chunks[unitName(unit)] ?? 0) + some.length;
 * }
 * deepEqual(chunks, { "0/0.0.0.0.0": 2, "0/0.0.0.0.1": 2 });
 * ```
 */
export function splitChunks(layout: Layout): Stage<Slab, ChunkedSlab> {
  return stage("split", (slab): ChunkedSlab => ({
    slab,
    async *batches() {
      const stored = alignedChunks(slab, layout);
      if (stored !== undefined) {
        const from: WholeChunks = { kind: "stored", stored };
        for (const batch of runsOf(layout, slab)) yield { ...batch, from };
        return;
      }
      for await (
        const band of slab.bands({ rows: layout.scales[slab.scale].chunk[1], hold: true })
      ) {
        yield* batchesOf(layout, band);
      }
    },
  }));
}

/** The stored chunks behind a slab, where they are just those of the layout. */
function alignedChunks(slab: Slab, { dtype, scales }: Layout): StoredChunks | undefined {
  const stored = storedChunks(slab);
  const { chunk } = scales[slab.scale];
  const isAligned = stored !== undefined && slab.dtype === dtype &&
    chunk.every((side, axis) => side === stored.chunk[axis] && stored.origin[axis] % side === 0);
  return isAligned ? stored : undefined;
}

function* batchesOf(layout: Layout, band: Band): Generator<ChunkBatch> {
  let last: Pick<ChunkBatch, "unit" | "chunks"> | undefined;
  for (const batch of runsOf(layout, band)) {
    if (last !== undefined) yield { ...last, from: { kind: "band", band, endsBand: false } };
    last = batch;
  }
  if (last !== undefined) yield { ...last, from: { kind: "band", band, endsBand: true } };
}

/** The chunks of a box, in the order that units store them. */
function* runsOf(
  layout: Layout,
  { scale, box: { min, max } }: Pick<Band, "scale" | "box">,
): Generator<Pick<ChunkBatch, "unit" | "chunks">> {
  const { chunk, shard, size } = layout.scales[scale];
  const batch = Math.max(1, Math.floor(BATCH_VOXELS / product(chunk)));
  for (let y = min[1]; y < max[1]; y += chunk[1]) {
    const row = {
      min: mapPoint(min, (value, axis) => axis === 1 ? y : value),
      max: mapPoint(max, (value, axis) => axis === 1 ? Math.min(y + chunk[1], max[1]) : value),
    };
    for (const unit of unitsOf(layout, scale, row)) {
      const chunks = [
        ...eachCell(cellsOf(intersect(row, cellBox(unit.index, shard, size))!, chunk)),
      ];
      for (let i = 0; i < chunks.length; i += batch) {
        yield { unit, chunks: chunks.slice(i, i + batch) };
      }
    }
  }
}
