/**
 * Volumes that other programs wrote, opened for reading: what every format says of one.
 * @module
 */
import type { Axis, Point } from "../core/point.ts";
import type { VoxelSize } from "../core/units.ts";
import type { Blobs } from "../stores/blobs/blobs.ts";
import type { ChunkedScale } from "./chunked_array.ts";

/** How the files of a volume are reached: a folder, a bucket, a server. */
export type ArrayReader = Pick<Blobs, "get" | "head" | "url" | "localPath">;

/** One level of a volume. */
export interface VolumeArrayScale extends ChunkedScale {
  /** What the format calls it: a path below the volume, or a key. */
  readonly name: string;
  /** Edge lengths of a voxel, if the volume says. */
  readonly voxelSize?: VoxelSize;
  /** Where its first voxel lies, in voxels of this scale. */
  readonly offset: Point;
}

/** A volume of any format. */
export interface VolumeArray {
  /** Such as `precomputed`, `zarr`, `n5`, `hdf5`. */
  readonly format: string;
  /** Where it is, without any secret. */
  readonly url: string;
  /** Whether its voxels are intensities or names, if it says. */
  readonly kind?: "image" | "labels";
  /** Axes that it has, slowest first. */
  readonly axes: readonly Axis[];
  /** Its levels, finest first. */
  readonly scales: readonly VolumeArrayScale[];
  /** SHA-256 over what decides how its bytes are read. */
  readonly fingerprint: string;
}
