/**
 * Where volumes are written and read.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Layout, Unit } from "../core/layout.ts";
import type { Point } from "../core/point.ts";
import type { UnitReceipt } from "../core/receipt.ts";
import type { Slab } from "../core/slab.ts";
import type { EncodedChunk } from "../pool/_encode_chunks.ts";

export type { EncodedChunk };

/** How a unit is opened. */
export interface OpenUnitOptions {
  /** Ends the work with its reason. */
  readonly signal?: AbortSignal;
}

/** Writes one unit; disposed without `commit`, nothing of it is visible. */
export interface UnitWriter extends AsyncDisposable {
  /** Chunks of the unit that hold voxels of the volume: as many puts make it whole. */
  readonly chunks: number;
  /**
   * Takes one chunk, in any order; in the order y, z, x (x fastest) nothing is held back in memory.
   * @param index Position of the chunk in the grid of its scale.
   * @returns What is to be waited for before more is put, where writing is slower than encoding.
   */
  put(index: Point, chunk: EncodedChunk): void | Promise<void>;
  /**
   * Makes the unit visible, all or nothing; the same bytes whatever the order of `put`.
   * @param guard Called last before the unit becomes visible: what it throws ends the commit.
   * @throws {SluiceError} If a chunk was not put, or the volume was replaced meanwhile.
   */
  commit(guard?: () => void | Promise<void>): Promise<UnitReceipt>;
}

/** How a volume is finished. */
export interface FinishOptions {
  /** Called just before anything becomes visible: what it throws ends the finishing. */
  readonly guard: () => Promise<void>;
  /** Ends the work with its reason. */
  readonly signal?: AbortSignal;
}

/** How voxels are read back. */
export interface ReadOptions {
  /** Scale the box counts in. @default 0 */
  readonly scale?: number;
  /** Ends the work with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * A volume that can be written in units and read in boxes.
 * @example A store that keeps nothing: how large would a volume be?
 * ```ts
 * import {
 *   box, collect, enumerate, gatherUnit, makeSlab, pipeline, planLayout, splitChunks, stage, type Store,
 *   unitName, upload, WorkerPool,
 * } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [7, 5, 3, 1, 1], dtype: "uint8", axes: ["z", "y", "x"], kind: "image", samples: 1,
 *   encoding: { codec: "none", crc32c: true },
 * });
 * const scales: Store = {
 *   layout,
 *   place: unitName,
 *   open: (unit) =>
 *     Promise.resolve(gatherUnit(layout, unit, async ([{ bytes }], guard) => {
 *       await guard();
 *       return bytes;
 *     })),
 *   read: () => Promise.reject(new Error("Nothing is kept")),
 *   [Symbol.asyncDispose]: () => Promise.resolve(),
 * };
 * const paint = stage("paint", (_: unknown, { task: { box } }) =>
 *   makeSlab({ box, dtype: "uint8" }, (_, voxels) => {
 *     for (const i of voxels.keys()) voxels[i] = i;
 *   }));
 * await using pool = new WorkerPool({ size: 0 });
 * const run = pipeline(enumerate([box([0, 0, 0], [7, 5, 3])]))
 *   .through(paint).through(splitChunks(layout)).through(upload(scales, { pool }));
 * const [{ value: { units: [unit] } }] = await collect(run);
 * equal(unit.bytes, 8 * 8 * 4 + 4);
 * ```
 */
export interface Store extends AsyncDisposable {
  /** How the volume is cut. */
  readonly layout: Layout;
  /** Starts a unit; two tasks never own the same. */
  open(unit: Unit, options?: OpenUnitOptions): Promise<UnitWriter>;
  /** Reads voxels, decoded by the pool the store was opened with. */
  read(box: Box, options?: ReadOptions): Promise<Slab>;
  /** Makes what is known only when every unit is there, and marks the volume complete. */
  finish?(options: FinishOptions): Promise<void>;
  /** Where a unit lies, for messages. */
  place(unit: Unit): string;
}
