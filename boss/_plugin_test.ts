/**
 * `path` and `tile`: plugins to try a server with, without data.
 * @module
 */
import { localFile, sizeOf } from "./_plugin_tile.ts";
import type { PathPlugin, PlaneSize, TilePlane, TilePlugin } from "./plugin.ts";

/** The image that the original brings along; here it is drawn, with the same name. */
const TEST_TILE = "test/data/test_tile.png";

/** `path.TestPathProcessor`: one image for all tiles. */
export const testPaths: PathPlugin = () => ({ varies: [], process: () => TEST_TILE });

/** `tile.TestTileProcessor`: the image at the path is the tile. */
export const testTiles: TilePlugin = ({ job }) => {
  const size = sizeOf(job);
  return {
    process: (path) => ({
      size,
      plane: path === TEST_TILE
        ? { kind: "pixels", size, data: drawGradient(size) }
        : { kind: "image", file: localFile(path), page: { index: 0 } },
      placement: { x: { kind: "whole" }, y: { kind: "whole" } },
      values: { kind: "keep" },
      body: { kind: "png" },
      absent: "error",
    }),
  };
};

/**
 * `tile.TestRandomTileProcessor`: values of 1 to 253, so that nothing is taken for empty. The same tile is the same
 * when it is asked for again: a message may come twice.
 */
export const testRandomTiles: TilePlugin = ({ job }) => {
  const size = sizeOf(job);
  return {
    process(_path, { x, y, z, t }) {
      const plane: TilePlane = { kind: "pixels", size, data: drawNoise(size, [x, y, z, t]) };
      return {
        size,
        plane,
        placement: { x: { kind: "whole" }, y: { kind: "whole" } },
        values: { kind: "keep" },
        body: { kind: "tiff" },
        absent: "error",
      };
    },
  };
};

/** Brighter to the right and below, never 0. */
function drawGradient({ width, height }: PlaneSize): Uint8Array {
  return Uint8Array.from(
    { length: width * height },
    (_, at) => 1 + (at % width + 3 * Math.floor(at / width)) % 255,
  );
}

/** Noise by Marsaglia's xorshift, begun with the tile's own number. */
function drawNoise({ width, height }: PlaneSize, seeds: readonly number[]): Uint8Array {
  let state = seeds.reduce((hash, seed) => Math.imul(hash ^ seed, 0x01000193) | 0, 0x811c9dc5 | 0);
  const data = new Uint8Array(width * height);
  for (let at = 0; at < data.length; at++) {
    state = state === 0 ? 1 : state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[at] = 1 + (state >>> 8) % 253;
  }
  return data;
}
