/**
 * What every source says of itself, and what can be wrong with it.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Dtype } from "../core/dtype.ts";
import type { Point } from "../core/point.ts";
import type { VoxelSize } from "../core/units.ts";
import type { ImageAt } from "../codecs/image.ts";

/** One image of a stack: where it is, what its header says, and where it lands. */
export interface SourceImage {
  /** Relative to the root of the list, with `/` between folders. */
  readonly path: string;
  /** Name of the image format; empty where there is no image. */
  readonly format: string;
  /** Where in the file it lies. */
  readonly at: ImageAt;
  /** Which image of its file it is, from 0; absent where the file holds one. */
  readonly page?: number;
  /** Bytes of the file, and when it was last changed, in milliseconds since 1970. */
  readonly size: number;
  /** When the file was last changed, in milliseconds since 1970; 0 where its server does not say. */
  readonly mtime: number;
  /** What its server tells it by from others that were there before, as an ETag; absent on a disk. */
  readonly tag?: string;
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Interleaved samples a pixel: each is a channel. */
  readonly samples: number;
  /** Type of one sample. */
  readonly dtype: Dtype;
  /** Rows that decode on their own. */
  readonly rowGroup: number;
  /** Where its first pixel and sample lie, in voxels of the source. */
  readonly x: number;
  /** Of its first row. */
  readonly y: number;
  /** Of its section. */
  readonly z: number;
  /** Of its first sample. */
  readonly c: number;
  /** Of its time. */
  readonly t: number;
  /** Set where the image cannot be used: its voxels are lost if the policy is to fill. */
  readonly lost?: { readonly kind: "missing" | "broken"; readonly reason: string };
}

/** One thing that is wrong with the inputs. */
export interface Fault {
  /** What is wrong. */
  readonly kind:
    | "missing"
    | "truncated"
    | "empty"
    | "directory"
    | "size"
    | "dtype"
    | "not an image"
    | "broken"
    | "unreadable"
    | "duplicate"
    | "overlap";
  /** The file, or the place where one is missing. */
  readonly path: string;
  /** What was found, in words. */
  readonly reason: string;
  /** Section it belongs to, where that is known. */
  readonly z?: number;
  /** Whether `--missing fill` or `--on-error fill` allows the job to go on without it; undefined: neither can. */
  readonly policy?: "missing" | "on-error";
}

/** What a source holds, from headers alone. */
export interface VolumeInfo {
  /** From the origin; c and t are 1 where the source has none. */
  readonly extent: Box;
  /** Type of one sample. */
  readonly dtype: Dtype;
  /** What the files say, if they agree. */
  readonly voxelSize?: VoxelSize;
  /** Whether c and t are axes of the source, even of length 1. */
  readonly hasChannels: boolean;
  /** Whether t is an axis of the source, even of length 1. */
  readonly hasTime: boolean;
  /** Whether it says that it holds intensities, or names. */
  readonly kind?: "image" | "labels";
  /** Where its first voxel lies, in voxels. @default The origin */
  readonly offset?: Point;
  /** Boxes that its voxels are stored in, along x, y and z; absent: sections. */
  readonly blocks?: readonly [x: number, y: number, z: number];
}
