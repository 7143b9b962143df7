/**
 * The levels of resolution of an experiment, as volumes of whole cuboids.
 * @module
 */
import type { Dtype } from "../../core/dtype.ts";
import type { Layout, ScaleLayout } from "../../core/layout.ts";
import type { Point } from "../../core/point.ts";
import type { LengthUnit, VoxelSize } from "../../core/units.ts";
import { CUBOID_SIZE } from "../../boss/ingest_job.ts";
import type { ChannelPlace } from "./_resources.ts";

/** Voxels of a cuboid: what lies in one file. */
export const CUBOID: Point = [CUBOID_SIZE.x, CUBOID_SIZE.y, CUBOID_SIZE.z, 1, 1];

const UNITS: Readonly<Record<string, LengthUnit>> = {
  nanometers: "nanometer",
  micrometers: "micrometer",
  millimeters: "millimeter",
  centimeters: "centimeter",
};

/** What the volume of a channel looks like, all levels that it may have. */
export function layoutOf({ experiment, channel, frame }: ChannelPlace): Layout {
  const { x_stop, y_stop, z_stop } = frame.fields as Record<string, number>;
  const samples = experiment.fields.num_time_samples as number;
  const halvesZ = experiment.fields.hierarchy_method === "isotropic";
  const scales = Array.from(
    { length: levelsOf(experiment.fields, channel.fields)[1] },
    (_, i): ScaleLayout => {
      const half = 2 ** i;
      const factor: Point = [half, half, halvesZ ? half : 1, 1, 1];
      const size: Point = [
        Math.ceil(x_stop / factor[0]),
        Math.ceil(y_stop / factor[1]),
        Math.ceil(z_stop / factor[2]),
        1,
        samples,
      ];
      return { size, factor, chunk: CUBOID, shard: CUBOID };
    },
  );
  return {
    dtype: channel.fields.datatype as Dtype,
    axes: samples > 1 ? ["t", "z", "y", "x"] : ["z", "y", "x"],
    fill: 0,
    downsample: channel.fields.type === "annotation" ? "mode" : "mean",
    encoding: { codec: "blosc", cname: "zstd", level: 1, shuffle: true, crc32c: false },
    scales,
  };
}

/** The levels that a channel has: half-open. */
export function levelsOf(
  experiment: Readonly<Record<string, unknown>>,
  channel: Readonly<Record<string, unknown>>,
): readonly [first: number, end: number] {
  const first = channel.base_resolution as number;
  return [first, first + (experiment.num_hierarchy_levels as number)];
}

/** Edges of a voxel of level 0. */
export function voxelSizeOf({ frame }: ChannelPlace): VoxelSize {
  const { x_voxel_size: x, y_voxel_size: y, z_voxel_size: z } = frame.fields as Record<
    string,
    number
  >;
  return { x, y, z, unit: UNITS[frame.fields.voxel_unit as string] };
}
