/**
 * How a tile lies on an image, once the size of the image is known.
 * @module
 */
import { SluiceError } from "../core/errors.ts";
import type { AxisPlacement, PageChoice, PlaneSize, TilePlacement } from "./plugin.ts";

/** Pixels that are copied from a plane to a tile. */
export interface TileCopy {
  /** First column and row on the plane. */
  readonly from: { readonly x: number; readonly y: number };
  /** First column and row on the tile. */
  readonly to: { readonly x: number; readonly y: number };
  /** Columns and rows. */
  readonly size: PlaneSize;
}

/** Where a plane lies, as its file says. */
export interface PlaneFrame {
  /** First column and row. */
  readonly offset: { readonly x: number; readonly y: number };
  /** Columns and rows. */
  readonly extent: PlaneSize;
}

/**
 * The pixels of a plane that land on a tile, or undefined where none does. The rest of the tile is 0.
 * @param frame What the datasets say that `placement.frame` names.
 * @throws {SluiceError} If the plane is to be the tile and is larger.
 * @example The last tile of a row of 512 pixels each, on an image of 1000
 * ```ts
 * import { placeTile } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const placement = { x: { kind: "part", from: 512 }, y: { kind: "part", from: 0 } } as const;
 * const tile = { width: 512, height: 512 };
 * deepEqual(placeTile(placement, tile, { width: 1000, height: 300 }), {
 *   from: { x: 512, y: 0 },
 *   to: { x: 0, y: 0 },
 *   size: { width: 488, height: 300 },
 * });
 * ```
 */
export function placeTile(
  placement: TilePlacement,
  tile: PlaneSize,
  plane: PlaneSize,
  frame: PlaneFrame = { offset: { x: 0, y: 0 }, extent: plane },
): TileCopy | undefined {
  const isLarger = plane.width > tile.width || plane.height > tile.height;
  const begin = (axis: AxisPlacement, offset: number, long: number, short: number) => {
    if (axis.kind === "at" || (axis.kind === "part" && isLarger)) return axis.from - offset;
    if (long <= short) return 0;
    throw new SluiceError(
      `Cannot use an image of ${plane.width} x ${plane.height} pixels as a tile of ` +
        `${tile.width} x ${tile.height}: it is larger; set ingest_job.tile_size to the size of the images`,
    );
  };
  const width = Math.min(plane.width, frame.extent.width);
  const height = Math.min(plane.height, frame.extent.height);
  const x = overlap(begin(placement.x, frame.offset.x, plane.width, tile.width), tile.width, width);
  const y = overlap(
    begin(placement.y, frame.offset.y, plane.height, tile.height),
    tile.height,
    height,
  );
  return x === undefined || y === undefined ? undefined : {
    from: { x: x.from, y: y.from },
    to: { x: x.to, y: y.to },
    size: { width: x.count, height: y.count },
  };
}

/** What `[begin, begin + length)` has of `[0, end)`. */
function overlap(
  begin: number,
  length: number,
  end: number,
): { from: number; to: number; count: number } | undefined {
  const from = Math.max(begin, 0);
  const count = Math.min(begin + length, end) - from;
  return count > 0 ? { from, to: from - begin, count } : undefined;
}

/**
 * Which of the images of a file, once their number is known.
 * @throws {SluiceError} If the file has no such image.
 * @example
 * ```ts
 * import { choosePage } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(choosePage({ index: 7, exactly: { images: 5, index: 2 } }, 12), 7);
 * ```
 */
export function choosePage({ index, exactly }: PageChoice, images: number): number {
  const page = images === exactly?.images ? exactly.index : index;
  if (page < images) return page;
  throw new SluiceError(
    `Cannot read image ${page} of a file of ${images}, counted from 0: there is none; check the extent along t and ` +
      `the parameters of the tile processor`,
  );
}
