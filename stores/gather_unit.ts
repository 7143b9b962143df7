/**
 * A writer of units for stores that keep a unit as a whole.
 * @module
 */
import { crc32 } from "node:zlib";
import type { Box } from "../core/box.ts";
import type { Layout, Unit } from "../core/layout.ts";
import { mapPoint, type Point, unravel } from "../core/point.ts";
import { UnitTally } from "./_unit_tally.ts";
import type { EncodedChunk, UnitWriter } from "./store.ts";

/** One chunk of a unit. */
export interface GatheredChunk {
  /** Position in the grid of chunks of its scale. */
  readonly index: Point;
  /** The voxels of its bytes: always a whole chunk, also where it reaches over the far edge of the volume. */
  readonly box: Box;
  /** Stored bytes, as the encoding of the layout says. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Writes a whole unit: all or nothing.
 * @param chunks Those that hold more than fill value, x fastest; there may be none.
 * @param guard To be called when all but the last step is done: it throws where the unit may not become visible.
 * @returns The stored bytes; nothing where nothing is stored.
 */
export type SaveUnit = (
  chunks: readonly GatheredChunk[],
  guard: () => Promise<void>,
) => Promise<Uint8Array | undefined>;

/**
 * Opens a unit for a store that keeps each as a whole: chunks are gathered in memory, and `save` gets all of them
 * when the unit is committed. It sees to the rest of the contract: that the unit is whole, that it is committed once,
 * and the receipt.
 * @example A store that keeps its units in a map
 * ```ts
 * import { type Layout, gatherUnit, planLayout, unitName } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const { layout } = planLayout({
 *   size: [2, 1, 1, 1, 1],
 *   dtype: "uint8",
 *   axes: ["y", "x"],
 *   kind: "image",
 *   encoding: { codec: "none", crc32c: false },
 *   samples: 1,
 * });
 * const kept = new Map<string, Uint8Array>();
 * const unit = { scale: 0, index: [0, 0, 0, 0, 0] } as const;
 * await using writer = gatherUnit(layout, unit, async ([chunk], guard) => {
 *   await guard();
 *   kept.set(unitName(unit), chunk.bytes);
 *   return chunk.bytes;
 * });
 * writer.put([0, 0, 0, 0, 0], { bytes: new Uint8Array([7, 8]), crc: 1, min: 7, max: 8 });
 * const { bytes, max } = await writer.commit();
 * deepEqual([bytes, max, kept.get("0/0.0.0.0.0")], [2, 8, new Uint8Array([7, 8])]);
 * ```
 */
export function gatherUnit(layout: Layout, unit: Unit, save: SaveUnit): UnitWriter {
  const tally = new UnitTally(layout, unit);
  const { chunk } = layout.scales[unit.scale];
  const { first, grid } = tally.shape;
  const put = new Map<number, EncodedChunk>();
  return {
    chunks: tally.chunks,
    put(index, encoded) {
      const position = tally.positionOf(index);
      tally.count(position, encoded);
      put.set(position, encoded);
    },
    async commit(guard = () => {}) {
      tally.close();
      const chunks = tally.shape.present.flatMap((position): GatheredChunk[] => {
        const { bytes } = put.get(position)!;
        if (bytes === undefined) return [];
        const index = mapPoint(unravel(position, grid), (value, axis) => value + first[axis]);
        const min = mapPoint(index, (value, axis) => value * chunk[axis]);
        const max = mapPoint(min, (value, axis) => value + chunk[axis]);
        return [{ index, box: { min, max }, bytes }];
      });
      const stored = await save(chunks, async () => await guard());
      return tally.receipt(stored?.length ?? 0, stored === undefined ? 0 : crc32(stored));
    },
    [Symbol.asyncDispose]() {
      tally.abandon();
      put.clear();
      return Promise.resolve();
    },
  };
}
