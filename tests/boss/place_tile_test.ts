/** How tiles lie on images. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { choosePage, placeTile } from "../../boss/place_tile.ts";
import type { AxisPlacement, PlaneSize } from "../../boss/plugin.ts";
import { fc } from "../_fast_check.ts";

const tile = { width: 7, height: 5 };
const whole = { kind: "whole" } as const;
const at = (from: number): AxisPlacement => ({ kind: "at", from });
const part = (from: number): AxisPlacement => ({ kind: "part", from });

const cases: readonly {
  name: string;
  x: AxisPlacement;
  y: AxisPlacement;
  plane: PlaneSize;
  copy:
    | [from: number, to: number, width: number, from: number, to: number, height: number]
    | undefined;
}[] = [
  { name: "a whole image", x: whole, y: whole, plane: tile, copy: [0, 0, 7, 0, 0, 5] },
  {
    name: "T8: an image smaller than its tile",
    x: whole,
    y: whole,
    plane: { width: 3, height: 2 },
    copy: [0, 0, 3, 0, 0, 2],
  },
  {
    name: "T9: a part of a larger image",
    x: part(7),
    y: part(5),
    plane: { width: 17, height: 9 },
    copy: [7, 0, 7, 5, 0, 4],
  },
  {
    name: "T9: nothing of an image that is larger, and ends before",
    x: part(14),
    y: part(0),
    plane: { width: 14, height: 9 },
    copy: undefined,
  },
  {
    name: "T9: an image that is no larger, as it is",
    x: part(7),
    y: part(5),
    plane: tile,
    copy: [0, 0, 7, 0, 0, 5],
  },
  {
    name: "T9: a column of tiles, cut along the axis that names do not tell",
    x: whole,
    y: part(5),
    plane: { width: 7, height: 9 },
    copy: [0, 0, 7, 5, 0, 4],
  },
  {
    name: "T18: an image within its tile, on both sides",
    x: at(-2),
    y: at(-1),
    plane: { width: 3, height: 2 },
    copy: [0, 2, 3, 0, 1, 2],
  },
];
for (const { name, x, y, plane, copy } of cases) {
  Deno.test(`placeTile() places ${name}`, () => {
    const placed = placeTile({ x, y }, tile, plane);
    deepEqual(
      placed &&
        [
          placed.from.x,
          placed.to.x,
          placed.size.width,
          placed.from.y,
          placed.to.y,
          placed.size.height,
        ],
      copy,
    );
  });
}

for (
  const [x, plane] of [[whole, { width: 8, height: 5 }], [whole, { width: 7, height: 6 }]] as const
) {
  Deno.test(`T9: placeTile() refuses an image of ${plane.width} x ${plane.height} as a whole tile of 7 x 5`, () => {
    throws(() => placeTile({ x, y: whole }, tile, plane), {
      name: "SluiceError",
      message:
        `Cannot use an image of ${plane.width} x ${plane.height} pixels as a tile of 7 x 5: it is larger; ` +
        `set ingest_job.tile_size to the size of the images`,
    });
  });
}

Deno.test("placeTile() copies each pixel that lies under the tile, and no other", () => {
  const side = fc.integer({ min: 1, max: 9 });
  const from = fc.integer({ min: -12, max: 12 });
  const size = fc.record({ width: side, height: side });
  const frame = fc.option(fc.record({ offset: fc.record({ x: from, y: from }), extent: size }), {
    nil: undefined,
  });
  fc.assert(fc.property(size, size, from, from, frame, (tile, plane, x, y, frame) => {
    const copy = placeTile({ x: at(x), y: at(y) }, tile, plane, frame);
    for (let row = 0; row < tile.height; row++) {
      for (let column = 0; column < tile.width; column++) {
        // Which pixel lies under this one of the tile, if one does.
        const u = x + column - (frame?.offset.x ?? 0);
        const v = y + row - (frame?.offset.y ?? 0);
        const lies = u >= 0 && v >= 0 && u < plane.width && v < plane.height &&
          u < (frame?.extent.width ?? Infinity) && v < (frame?.extent.height ?? Infinity);
        const isCopied = copy !== undefined && column >= copy.to.x && row >= copy.to.y &&
          column < copy.to.x + copy.size.width && row < copy.to.y + copy.size.height;
        equal(isCopied, lies);
        if (copy !== undefined && isCopied) {
          deepEqual([copy.from.x + column - copy.to.x, copy.from.y + row - copy.to.y], [u, v]);
        }
      }
    }
  }));
});

Deno.test("T16: choosePage() takes another page in a file of exactly so many", () => {
  const choice = { index: 7, exactly: { images: 5, index: 2 } };
  deepEqual([choosePage(choice, 5), choosePage(choice, 8), choosePage({ index: 0 }, 1)], [2, 7, 0]);
  throws(() => choosePage(choice, 7), {
    name: "SluiceError",
    message:
      /^Cannot read image 7 of a file of 7, counted from 0: there is none; check the extent along t/,
  });
});
