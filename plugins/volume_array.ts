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

/** How the chunks of a level are stored: for people, and for whoever asks which programs read them. */
export interface ScaleStorage {
  /** In words, such as `zstd level 3, crc32c`. */
  readonly codec: string;
  /**
   * Every step from voxels to bytes by the name that the format has for it, those of a shard first; and members of its
   * metadata that not every program takes.
   */
  readonly steps: readonly string[];
  /** Voxels of a shard; absent: a chunk is a file of its own, or a part of the only one. */
  readonly shard?: Point;
  /** Whether the index of a shard lies before its chunks. @default false */
  readonly indexAtStart?: boolean;
  /** Whether the voxels lie in one piece, so that chunks are only what is read at once. @default false */
  readonly isWhole?: boolean;
}

/** One level of a volume. */
export interface VolumeArrayScale extends ChunkedScale {
  /** What the format calls it: a path below the volume, or a key. */
  readonly name: string;
  /** Edge lengths of a voxel, if the volume says. */
  readonly voxelSize?: VoxelSize;
  /** Where its first voxel lies, in voxels of this scale. */
  readonly offset: Point;
  /** How its chunks are stored; absent where a script brings the volume. */
  readonly storage?: ScaleStorage;
}

/** A volume of any format. */
export interface VolumeArray {
  /** Such as `precomputed`, `zarr`, `n5`, `hdf5`, `bossdb`. */
  readonly format: string;
  /** Which Zarr it is, and which OME-Zarr where it is one. */
  readonly zarr?: { readonly version: 2 | 3; readonly ome?: string };
  /** Where it is, without any secret. */
  readonly url: string;
  /** Whether its voxels are intensities or names, if it says. */
  readonly kind?: "image" | "labels";
  /** Axes that it has, slowest first. */
  readonly axes: readonly Axis[];
  /** Its levels, finest first. */
  readonly scales: readonly VolumeArrayScale[];
  /** A level with nothing known of where its chunks lie: for volumes that change. @default That of `scales` */
  reopen?(scale: number): VolumeArrayScale;
  /** What people have said of it, where that is kept apart from what its voxels need. */
  about?(
    signal?: AbortSignal,
  ): Promise<readonly { readonly name: string; readonly value: string }[]>;
  /** SHA-256 over what decides how its bytes are read. */
  readonly fingerprint: string;
}
