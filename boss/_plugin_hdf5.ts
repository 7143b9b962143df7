/**
 * `hdf5`: planes of datasets, in a file for each slice, for each chunk, or in one for all.
 * @module
 */
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";
import { joinPath, nameOfNumber } from "./_plugin_paths.ts";
import { checkSlice, readBody, readFilesystem, sizeOf } from "./_plugin_tile.ts";
import type {
  BossIndex,
  PathPlugin,
  PluginParams,
  PluginSetup,
  TilePlacement,
  TilePlane,
  TilePlugin,
  TileRecipe,
  ValueRule,
} from "./plugin.ts";
import type { BossTileJob } from "./ingest_job.ts";

/** `hdf5.Hdf5TimeSeriesPathProcessor` and `hdf5.Hdf5SlicePathProcessor`: `root_dir`, `extension`, `base_filename`. */
export const hdf5SlicePaths: PathPlugin = ({ params, job }) => {
  const root = params.text("root_dir", { mayBeEmpty: true });
  const extension = params.text("extension");
  const base = params.text("base_filename");
  return {
    varies: [],
    process(index) {
      checkSlice(index, job, false);
      return joinPath(root, `${nameOfNumber(base, index.z)}.${extension}`);
    },
  };
};

/**
 * `hdf5.Hdf5ChunkPathProcessor`: `root_dir`, `extension`, `prefix`, offsets and chunk sizes along x, y and z,
 * `use_python_convention` (ends that lie one past the last).
 *
 * The original begins the span of z with the number of the chunk where its first slice belongs. Files may have been
 * named so: that comes second.
 */
export const hdf5ChunkPaths: PathPlugin = ({ params }) => {
  const root = params.text("root_dir", { mayBeEmpty: true });
  const extension = params.text("extension");
  const prefix = params.text("prefix", { mayBeEmpty: true });
  const axis = (name: string) => ({
    offset: params.integer(`${name}_offset`),
    size: params.integer(`${name}_chunk_size`, { min: 1 }),
  });
  const [xs, ys, zs] = [axis("x"), axis("y"), axis("z")];
  const last = params.flag("use_python_convention") ? 0 : 1;
  const span = (chunk: number, { offset, size }: typeof xs) => ({
    start: chunk * size + offset,
    end: (chunk + 1) * size + offset - last,
  });
  return {
    process({ x, y, z }) {
      const layer = Math.floor((z + zs.offset) / zs.size);
      const [along, down, deep] = [span(x, xs), span(y, ys), span(layer, zs)];
      const name = (start: number) =>
        joinPath(
          root,
          `${prefix}_${along.start}-${along.end}_${down.start}-${down.end}_${start}-${deep.end}.${extension}`,
        );
      return [...new Set([name(deep.start), name(layer + zs.offset)])];
    },
  };
};

/** `hdf5.Hdf5SingleFilePathProcessor`: `filename`. */
export const hdf5SingleFilePaths: PathPlugin = ({ params }) => {
  const path = params.text("filename");
  return { varies: [], process: () => path };
};

/** What a tile of HDF5 is made of, beside what all of them have. */
interface Hdf5Tile {
  readonly dataset: string;
  readonly axes: readonly ("x" | "y" | number)[];
  readonly placement: TilePlacement;
}

/** Makes the recipes of one kind: `filesystem`, `bucket` and `upload_format` are read here. */
function hdf5Tiles(
  { params, job }: PluginSetup<BossTileJob>,
  values: ValueRule & { readonly dtype: Dtype },
  tile: (index: BossIndex) => Hdf5Tile | undefined,
  absent: TileRecipe["absent"] = "error",
) {
  const fileOf = readFilesystem(params, ["local", "s3"]);
  // A PNG of more than 16 bits is no matter of the format alone: small numbers fit.
  const body = readBody(params, "upload_format", VOXEL_BYTES[values.dtype] * 8);
  return {
    process(path: string, index: BossIndex): TileRecipe {
      const { dataset, axes, placement } = tile(index) ?? {
        dataset: "",
        axes: [],
        placement: at(0, 0),
      };
      const plane: TilePlane = axes.length === 0
        ? { kind: "zeros" }
        : { kind: "dataset", file: fileOf(path), dataset, axes };
      return { size: sizeOf(job), plane, placement, values, body, absent };
    },
  };
}

function at(x: number, y: number): TilePlacement {
  return { x: { kind: "at", from: x }, y: { kind: "at", from: y } };
}

/** `hdf5.Hdf5TimeSeriesTileProcessor`: `dataset` of the axes t, x, y, channel; `channel_index`, `scale_factor`. */
export const hdf5TimeSeriesTiles: TilePlugin = (setup) => {
  const { params, job: { tileSize } } = setup;
  const channel = params.integer("channel_index", { min: 0, asText: true });
  const factor = params.number("scale_factor");
  const dataset = params.text("dataset");
  return hdf5Tiles(setup, { kind: "scale", factor, dtype: "uint16" }, ({ x, y, t }) => ({
    dataset,
    axes: [t, "x", "y", channel],
    placement: at(x * tileSize.x, y * tileSize.y),
  }));
};

/** `hdf5.Hdf5TimeSeriesLabelTileProcessor`: `dataset` of the axes x, y. */
export const hdf5LabelTiles: TilePlugin = (setup) => {
  const { params, job: { tileSize } } = setup;
  const dataset = params.text("dataset");
  return hdf5Tiles(setup, { kind: "cast", dtype: "uint32" }, ({ x, y }) => ({
    dataset,
    axes: ["x", "y"],
    placement: at(x * tileSize.x, y * tileSize.y),
  }));
};

/**
 * `hdf5.Hdf5SliceTileProcessor`: `data_name` of the axes y, x, which lies where `offset_name` and `extent_name` say,
 * moved by `offset_origin_x` and `offset_origin_y`; `datatype`. The original moves along y by the one for x, too: so is
 * a file read that has no other.
 */
export const hdf5SliceTiles: TilePlugin = (setup) => {
  const { params, job: { tileSize } } = setup;
  const dataset = params.text("data_name");
  const frame = { offset: params.text("offset_name"), extent: params.text("extent_name") };
  const originX = params.integer("offset_origin_x");
  const originY = params.integer("offset_origin_y", { otherwise: originX });
  return hdf5Tiles(setup, castTo(params, ["uint8", "uint16"]), ({ x, y }) => ({
    dataset,
    axes: ["y", "x"],
    placement: { ...at(x * tileSize.x - originX, y * tileSize.y - originY), frame },
  }));
};

/** `hdf5.Hdf5ChunkTileProcessor`: `data_name` of the axes z, y, x, `z_chunk_size`, `datatype`. A plane is a tile. */
export const hdf5ChunkTiles: TilePlugin = (setup) => {
  const { params } = setup;
  const dataset = params.text("data_name");
  const size = params.integer("z_chunk_size", { min: 1 });
  const values = castTo(params, ["uint8", "uint16", "uint32"]);
  return hdf5Tiles(setup, values, ({ z }) => ({
    dataset,
    axes: [z % size, "y", "x"],
    placement: { x: { kind: "whole" }, y: { kind: "whole" } },
  }), "zeros");
};

/**
 * `hdf5.Hdf5SingleFileTileProcessor`: `data_name` of the axes z, y, x, `datatype`, `offset_x`, `offset_y`, `offset_z`.
 * Slices before the first are zeros.
 */
export const hdf5SingleFileTiles: TilePlugin = (setup) => {
  const { params, job: { tileSize } } = setup;
  const dataset = params.text("data_name");
  const [dx, dy, dz] = ["x", "y", "z"].map((axis) => params.integer(`offset_${axis}`));
  const values = castTo(params, ["uint8", "uint16", "uint32"]);
  return hdf5Tiles(setup, values, ({ x, y, z }) =>
    z + dz < 0 ? undefined : {
      dataset,
      axes: [z + dz, "y", "x"],
      placement: at(x * tileSize.x + dx, y * tileSize.y + dy),
    });
};

function castTo(params: PluginParams, dtypes: readonly Dtype[]) {
  if (params.value("datatype") === "uint64") {
    params.fault("datatype", "tiles hold 32 bits at most: uint64 needs a volumetric job");
    return { kind: "cast", dtype: dtypes[0] } as const;
  }
  return { kind: "cast", dtype: params.choice("datatype", dtypes) } as const;
}
