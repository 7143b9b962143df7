/**
 * What every source says of itself, and what can be wrong with it.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Dtype } from "../core/dtype.ts";
import type { VoxelSize } from "../core/units.ts";
import type { ImageAt } from "../codecs/image.ts";

/** One image of a stack: where it is, what its header says, and where it lands. */
export interface SourceImage {
  /** Relative to the root of the list, with `/` between folders. */
  readonly path: string;
  /** Name of the image format; empty where there is no image. */
  readonly format: string;
  readonly at: ImageAt;
  /** Which image of its file it is, from 0; absent where the file holds one. */
  readonly page?: number;
  /** Bytes of the file, and when it was last changed, in milliseconds since 1970. */
  readonly size: number;
  readonly mtime: number;
  readonly width: number;
  readonly height: number;
  readonly samples: number;
  readonly dtype: Dtype;
  readonly rowGroup: number;
  /** Where its first pixel and sample lie, in voxels of the source. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly c: number;
  readonly t: number;
  /** Set where the image cannot be used: its voxels are lost if the policy is to fill. */
  readonly lost?: { readonly kind: "missing" | "broken"; readonly reason: string };
}

/** One thing that is wrong with the inputs. */
export interface Fault {
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
  readonly dtype: Dtype;
  readonly voxelSize?: VoxelSize;
  /** Whether c and t are axes of the source, even of length 1. */
  readonly hasChannels: boolean;
  readonly hasTime: boolean;
}
