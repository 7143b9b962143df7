/**
 * `multipage_tiff`: samples in time as the pages of TIFF files.
 * @module
 */
import { joinPath, nameOfNumber } from "./_plugin_paths.ts";
import { partAlong } from "./_plugin_stack.ts";
import {
  checkColumnAndRow,
  checkSlice,
  checkTime,
  localFile,
  noTile,
  readFilesystem,
  sizeOf,
} from "./_plugin_tile.ts";
import type { PathPlugin, TilePlugin } from "./plugin.ts";

/** `multipage_tiff.SingleTimeTiffPathProcessor`: `z_0`, `z_1` …, a file for each slice. */
export const singleTimePaths: PathPlugin = ({ params, job }) => {
  const files = new Map<number, string>();
  for (const key of Object.keys(params.values)) {
    if (/^z_(0|[1-9]\d*)$/.test(key)) {
      files.set(Number(key.slice(2)), params.text(key, { mayBeEmpty: true }));
    }
  }
  if (files.size === 0) params.text("z_0");
  return {
    varies: [],
    process(index) {
      checkTime(index, job);
      checkSlice(index, job, true);
      checkColumnAndRow(index, job);
      const path = files.get(index.z);
      if (path === undefined) {
        throw noTile(index, `the path processor has no parameter z_${index.z}`);
      }
      return path;
    },
  };
};

/** `multipage_tiff.SingleTimeTiffTileProcessor`: `datatype`; `filetype` means nothing. Page t of the file. */
export const singleTimeTiles: TilePlugin = ({ params, job }) => {
  const dtype = params.choice("datatype", ["uint16", "uint8"]);
  params.has("filetype");
  return {
    process: (path, { x, y, t }) => ({
      size: sizeOf(job),
      plane: { kind: "image", file: localFile(path), page: { index: t } },
      placement: {
        x: { kind: "at", from: x * job.tileSize.x },
        y: { kind: "at", from: y * job.tileSize.y },
      },
      values: { kind: "cast", dtype },
      body: { kind: "tiff" },
      absent: "error",
    }),
  };
};

/**
 * `multipage_tiff.TiffMultiFileHyperStackPathProcessor`: `root_dir`, `extension`, `base_filename`, `time_chunk_size`.
 */
export const hyperStackPaths: PathPlugin = ({ params }) => {
  const root = params.text("root_dir", { mayBeEmpty: true });
  const extension = params.text("extension");
  const base = params.text("base_filename");
  const samples = params.integer("time_chunk_size", { min: 1, asText: true });
  return {
    varies: [],
    process: ({ t }) =>
      joinPath(root, `${nameOfNumber(base, Math.floor(t / samples))}.${extension}`),
  };
};

/**
 * `multipage_tiff.TiffMultiFileHyperStackTileProcessor`: `time_chunk_size`, `num_z_slices`, `num_channels`,
 * `channel_index`, `filesystem`, `bucket`. Pages run through channels, then slices, then samples.
 *
 * The original counts pages of a file up to its number of samples alone, which is right where it has one slice and one
 * channel; a file of exactly so many pages is still read so.
 */
export const hyperStackTiles: TilePlugin = ({ params, job, paths }) => {
  const samples = params.integer("time_chunk_size", { min: 1 });
  const slices = params.integer("num_z_slices", { min: 1 });
  const channels = params.integer("num_channels", { min: 1 });
  const channel = params.integer("channel_index", { min: 0 });
  if (channel >= channels) {
    params.fault(
      "channel_index",
      `it must be less than num_channels, ${channels}, and is ${channel}`,
    );
  }
  const fileOf = readFilesystem(params, ["local", "s3"]);
  const pages = samples * slices * channels;
  return {
    process(path, index) {
      const { x, y, z, t } = index;
      if (z >= slices) throw noTile(index, `num_z_slices of the tile processor is ${slices}`);
      const frame = slices * channels * t + z * channels + channel;
      const old = pages === samples ? {} : { exactly: { images: samples, index: frame % samples } };
      return {
        size: sizeOf(job),
        plane: { kind: "image", file: fileOf(path), page: { index: frame % pages, ...old } },
        placement: {
          x: partAlong("x", x * job.tileSize.x, paths),
          y: partAlong("y", y * job.tileSize.y, paths),
        },
        values: { kind: "cast", dtype: "uint16" },
        body: { kind: "tiff" },
        absent: "error",
      };
    },
  };
};
