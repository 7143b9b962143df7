/**
 * Bands become chunks.
 * @module
 */
import { mapPoint, type Point, product } from "../core/point.ts";
import { cellBox, cellsOf, eachCell, type Layout, type Unit, unitsOf } from "../core/layout.ts";
import { intersect } from "../core/box.ts";
import type { Band, Slab } from "../core/slab.ts";
import { type Stage, stage } from "./stage.ts";

/** Some chunks of one unit, all in one band. */
export interface ChunkBatch {
  /** The unit they belong to. */
  readonly unit: Unit;
  /** Positions in the grid of chunks of the unit's scale, in the order y, z, x with x fastest. */
  readonly chunks: readonly Point[];
  /** The band they are cut from. */
  readonly band: Band;
  /** Whether it is the last of its band: once all of them are used, `band.release` is called, if it is there. */
  readonly endsBand: boolean;
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
      for await (
        const band of slab.bands({ rows: layout.scales[slab.scale].chunk[1], hold: true })
      ) {
        yield* batchesOf(layout, band);
      }
    },
  }));
}

function* batchesOf(layout: Layout, band: Band): Generator<ChunkBatch> {
  let last: Pick<ChunkBatch, "unit" | "chunks"> | undefined;
  for (const batch of runsOf(layout, band)) {
    if (last !== undefined) yield { ...last, band, endsBand: false };
    last = batch;
  }
  if (last !== undefined) yield { ...last, band, endsBand: true };
}

function* runsOf(layout: Layout, band: Band): Generator<Pick<ChunkBatch, "unit" | "chunks">> {
  const { chunk, shard, size } = layout.scales[band.scale];
  const { min, max } = band.box;
  const batch = Math.max(1, Math.floor(BATCH_VOXELS / product(chunk)));
  for (let y = min[1]; y < max[1]; y += chunk[1]) {
    const row = {
      min: mapPoint(min, (value, axis) => axis === 1 ? y : value),
      max: mapPoint(max, (value, axis) => axis === 1 ? Math.min(y + chunk[1], max[1]) : value),
    };
    for (const unit of unitsOf(layout, band.scale, row)) {
      const chunks = [
        ...eachCell(cellsOf(intersect(row, cellBox(unit.index, shard, size))!, chunk)),
      ];
      for (let i = 0; i < chunks.length; i += batch) {
        yield { unit, chunks: chunks.slice(i, i + batch) };
      }
    }
  }
}
