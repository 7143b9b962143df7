/**
 * `catmaid`: tiles as CATMAID keeps them, in folders or on a server.
 * @module
 */
import { joinPath } from "./_plugin_paths.ts";
import {
  checkColumnAndRow,
  checkNoTime,
  checkSlice,
  localFile,
  readBody,
  sizeOf,
} from "./_plugin_tile.ts";
import type {
  BossIndex,
  PathPlugin,
  TileFile,
  TilePlugin,
  TileRecipe,
  ValueRule,
} from "./plugin.ts";

/** Path of a tile below the root, or paths where the first need not be there. */
type TileName = (index: BossIndex, resolution: number, filetype: string) => string | string[];

function catmaidPaths(name: TileName): PathPlugin {
  return ({ params, job }) => {
    const root = params.text("root_dir", { mayBeEmpty: true });
    const filetype = params.text("filetype");
    return {
      process(index) {
        checkNoTime(index);
        checkSlice(index, job, true);
        checkColumnAndRow(index, job);
        return [name(index, job.resolution, filetype)].flat().map((path) => joinPath(root, path));
      },
    };
  };
}

/** `catmaid.CatmaidFileImageStackPathProcessor`, CATMAID's tile source 1: `root_dir`, `filetype`. */
export const catmaidFilePaths: PathPlugin = catmaidPaths(
  ({ x, y, z }, resolution, filetype) => `${z}/${y}_${x}_${resolution}.${filetype}`,
);

/** `catmaid.CatmaidFileImageStackZoomLevelPathProcessor`, tile source 4. */
export const catmaidZoomLevelPaths: PathPlugin = catmaidPaths(
  ({ x, y, z }, resolution, filetype) => `${resolution}/${z}/${y}_${x}.${filetype}`,
);

/**
 * `catmaid.CatmaidDirectoryImageStackPathProcessor`, tile source 5. The original looks for `{y}/{y}.{x}`, so that
 * somebody may have named files so: that comes second.
 */
export const catmaidDirectoryPaths: PathPlugin = catmaidPaths(
  ({ x, y, z }, resolution, filetype) => [
    `${resolution}/${z}/${y}/${x}.${filetype}`,
    `${resolution}/${z}/${y}/${y}.${x}`,
  ],
);

/** The three tile processors of files: `filetype`. The image is the tile. */
export const catmaidFileTiles: TilePlugin = ({ params, job }) => {
  const body = readBody(params, "filetype");
  return {
    process: (path) => wholeImage(localFile(path), sizeOf(job), { kind: "keep" }, body, "error"),
  };
};

/**
 * `catmaid.CatmainURLTileProcessor` (its name, slip included): `url`, `filetype`, `z_offset`; `x_tile` and `y_tile`,
 * once the size of a tile of zeros, are those of the job. The offset tells which slices are empty, and is no part of
 * the address.
 */
export const catmaidUrlTiles: TilePlugin = ({ params, job }) => {
  const url = params.text("url");
  if (url !== "" && !/^https?:\/\/[^/?#@\s]+\/([^?#\s]*\/)?$/i.test(url)) {
    params.fault(
      "url",
      "it must begin with http:// or https://, end with /, and hold neither a name nor a password nor a query",
    );
  }
  const filetype = params.text("filetype");
  const zOffset = params.integer("z_offset");
  for (const key of ["x_tile", "y_tile", "x_offset", "y_offset"]) params.has(key);
  return {
    process(_path, { x, y, z }) {
      const file = {
        filesystem: "http",
        path: `${url}${z}/${y}/${x}.${filetype}`,
        absentStatus: 403,
      } as const;
      const recipe = wholeImage(
        file,
        sizeOf(job),
        { kind: "cast", dtype: "uint32" },
        { kind: "tiff" },
        "zeros",
      );
      return z + zOffset < 0 ? { ...recipe, plane: { kind: "zeros" } } : recipe;
    },
  };
};

function wholeImage(
  file: TileFile,
  size: TileRecipe["size"],
  values: ValueRule,
  body: TileRecipe["body"],
  absent: TileRecipe["absent"],
): TileRecipe {
  return {
    size,
    plane: { kind: "image", file, page: { index: 0 } },
    placement: { x: { kind: "whole" }, y: { kind: "whole" } },
    values,
    body,
    absent,
  };
}
