/**
 * `stack`: an image for each slice, or for each tile of it.
 * @module
 */
import { joinPath, nameOfNumber } from "./_plugin_paths.ts";
import { checkNoTime, checkSlice, readBody, readFilesystem, sizeOf } from "./_plugin_tile.ts";
import type { AxisPlacement, PathPlugin, PathProcessor, TilePlugin } from "./plugin.ts";

/** `stack.ZindexStackPathProcessor`: `root_dir`, `extension`, `base_filename`. */
export const stackPaths: PathPlugin = ({ params, job }) => {
  const root = params.text("root_dir", { mayBeEmpty: true });
  const extension = params.text("extension");
  const base = params.text("base_filename");
  return {
    varies: (["x", "y"] as const).filter((axis) => base.includes(`<${axis}>`)),
    process(index) {
      checkNoTime(index);
      checkSlice(index, job, false);
      const name = nameOfNumber(base, index.z)
        .replaceAll("<z>", String(index.z))
        .replaceAll("<y>", String(index.y))
        .replaceAll("<x>", String(index.x));
      return joinPath(root, `${name}.${extension}`);
    },
  };
};

/**
 * `stack.ZindexStackTileProcessor`: `extension`, `filesystem`, `bucket`, `fail_gracefully`.
 *
 * Until 0.9 it cut its tile out of the slice, since 0.10 it uploads the image as it is, and configurations of both
 * kinds are about: an image larger than a tile is cut along the axes that its name does not tell.
 */
export const stackTiles: TilePlugin = ({ params, job, paths }) => {
  const fileOf = readFilesystem(params, ["local", "s3", "s3_copy"]);
  const body = readBody(params, "extension");
  const absent = params.flag("fail_gracefully", false) ? "zeros" : "error";
  return {
    process: (path, index) => ({
      size: sizeOf(job),
      plane: { kind: "image", file: fileOf(path), page: { index: 0 } },
      placement: {
        x: partAlong("x", index.x * job.tileSize.x, paths),
        y: partAlong("y", index.y * job.tileSize.y, paths),
      },
      values: { kind: "narrow", kept: ["uint8", "uint16", "uint64"] },
      body,
      absent,
    }),
  };
};

/** The whole of an image whose name tells the axis, else its part. */
export function partAlong(
  axis: "x" | "y",
  from: number,
  { varies = ["x", "y"] }: PathProcessor,
): AxisPlacement {
  return varies.includes(axis) ? { kind: "whole" } : { kind: "part", from };
}
