/**
 * What a plugin of a Boss configuration is asked, and what it answers: where voxels lie, and never the voxels. Nothing
 * here reads a file, so that a plugin can be asked for a million tiles before the first image is opened.
 * @module
 */
import type { Box } from "../core/box.ts";
import type { Dtype, VoxelArray } from "../core/dtype.ts";
import type { IntegerOptions, TextOptions } from "./_config_fields.ts";
import type { JsonObject, JsonValue } from "./_config_json.ts";
import type { BossJob, BossTileJob, BossVolumetricJob } from "./ingest_job.ts";

/**
 * Which tile, or which chunk: its column and row counted in tiles from the origin of the volume. In a tile job z is a
 * slice, in a volumetric one it is counted in chunks; t is a sample.
 */
export interface BossIndex {
  /** Column. */
  readonly x: number;
  /** Row. */
  readonly y: number;
  /** Slice; of a chunk its layer. */
  readonly z: number;
  /** Sample in time. */
  readonly t: number;
}

export type { IntegerOptions, TextOptions };

/** An answer, at once or later. */
export type Answer<T> = T | Promise<T>;

/** Says in which file a tile lies. */
export interface PathProcessor {
  /**
   * Indices along which it names another file, as far as tiles of a slice go. @default `["x", "y"]`
   */
  readonly varies?: readonly ("x" | "y")[];
  /**
   * The file of a tile: a path, or the key of an object where the tile processor reads from a bucket. Of several the
   * first that is there is read. Empty where the tile processor needs none.
   * @param signal Ends the wait for a plugin that takes long, with its reason.
   * @throws {SluiceError} If there is no such tile.
   */
  process(index: BossIndex, signal?: AbortSignal): Answer<string | readonly string[]>;
}

/** Says where the pixels of a tile lie. */
export interface TileProcessor {
  /** The pixels of a tile, and what becomes of them. */
  process(path: string, index: BossIndex, signal?: AbortSignal): Answer<TileRecipe>;
}

/** Says where the voxels of a chunk lie. */
export interface ChunkProcessor {
  /** The voxels of a chunk. */
  process(path: string, index: BossIndex, signal?: AbortSignal): Answer<ChunkRecipe>;
}

/** What a plugin is made of. */
export interface PluginSetup<Job extends BossJob = BossJob> {
  /** Its parameters: what is asked for and missing is told together with all other faults. */
  readonly params: PluginParams;
  /** What the job covers. */
  readonly job: Job;
}

/**
 * The parameters of a plugin, each checked as it is read. One that must be there and is not, or is of another type, is
 * a fault; the plugin goes on with an empty text, 0 or false, and is not used.
 */
export interface PluginParams {
  /** As they stand in the configuration. */
  readonly values: JsonObject;
  /** Whether a key is there, whatever it says. */
  has(key: string): boolean;
  /** What a key says; undefined where it is absent or null. */
  value(key: string): JsonValue | undefined;
  /** A text. */
  text(key: string, options?: TextOptions): string;
  /** One of some words. */
  choice<T extends string>(key: string, words: readonly T[], otherwise?: T): T;
  /** A whole number. */
  integer(key: string, options?: IntegerOptions): number;
  /** Any number. */
  number(key: string): number;
  /** Yes or no. */
  flag(key: string, otherwise?: boolean): boolean;
  /** Adds a fault of a key: what it must be, and what it is. */
  fault(key: string, reason: string): void;
  /** Adds a doubt about a key, which is told, and keeps nobody from going on. */
  doubt(key: string, reason: string): void;
}

/** Makes a path processor. */
export type PathPlugin = (setup: PluginSetup) => Answer<PathProcessor>;

/** Makes a tile processor, which may want to know how the images are named. */
export type TilePlugin = (
  setup: PluginSetup<BossTileJob> & { readonly paths: PathProcessor },
) => Answer<TileProcessor>;

/** Makes a chunk processor. */
export type ChunkPlugin = (setup: PluginSetup<BossVolumetricJob>) => Answer<ChunkProcessor>;

/** Columns and rows. */
export interface PlaneSize {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** Where the pixels of one tile lie, and what becomes of them: plain data. */
export interface TileRecipe {
  /** What is uploaded: always a full tile. What no pixel lands on is 0. */
  readonly size: PlaneSize;
  /** Pixels in two dimensions, one sample each. */
  readonly plane: TilePlane;
  /** How the tile lies on the plane. */
  readonly placement: TilePlacement;
  /** What becomes of the values. */
  readonly values: ValueRule;
  /** What the pixels are uploaded as. */
  readonly body: TileBody;
  /**
   * What becomes of a tile whose file is not there: an error, or zeros. Zeros are of the dtype that `values` makes,
   * else of the channel's. A file that is there and broken is an error either way.
   */
  readonly absent: "error" | "zeros";
}

/** Pixels in two dimensions. */
export type TilePlane =
  /** An image, or one of the images of a file. */
  | { readonly kind: "image"; readonly file: TileFile; readonly page: PageChoice }
  /**
   * A plane of a dataset in an HDF5 file: for each of its axes a position, or which axis of the tile it is. A position
   * that it does not have is an error, also where no pixel of it would be used.
   */
  | {
    readonly kind: "dataset";
    readonly file: TileFile;
    readonly dataset: string;
    readonly axes: readonly ("x" | "y" | number)[];
  }
  /** A slice of a channel of a Boss, as large as its coordinate frame. Host and token are those of the intern SDK. */
  | {
    readonly kind: "cutout";
    readonly collection: string;
    readonly experiment: string;
    readonly channel: string;
    readonly resolution: number;
    readonly z: number;
  }
  /** No pixels: a tile of zeros. */
  | { readonly kind: "zeros" }
  /** Pixels that the plugin has made, row by row. */
  | { readonly kind: "pixels"; readonly size: PlaneSize; readonly data: VoxelArray };

/** Where a file lies. */
export type TileFile =
  /** On a disk; a path that does not begin with `/` is relative to the working folder. */
  | { readonly filesystem: "local"; readonly path: string }
  /**
   * In a bucket, read with the machine's own keys and not with those of the job. `s3`: held in memory or copied, as
   * it suits; `s3_copy`: copied once to a temporary file, below `tempDir` if one is given.
   */
  | {
    readonly filesystem: "s3" | "s3_copy";
    readonly bucket: string;
    readonly path: string;
    readonly tempDir?: string;
  }
  /** On a server; with an answer of `absentStatus` it is not there. */
  | { readonly filesystem: "http"; readonly path: string; readonly absentStatus: number };

/** Which of the images of a file, from 0. */
export interface PageChoice {
  /** Of any file but those of `exactly` images. */
  readonly index: number;
  /** Another page for a file of exactly so many images. @default None */
  readonly exactly?: { readonly images: number; readonly index: number };
}

/** How a tile lies on its plane. */
export interface TilePlacement {
  /** Along x. */
  readonly x: AxisPlacement;
  /** Along y. */
  readonly y: AxisPlacement;
  /**
   * Where the plane itself lies, in the file: two datasets of two numbers, y first. Positions of `at` are counted from
   * the offset, and no pixel beyond the extent is used. @default The plane lies at 0
   */
  readonly frame?: { readonly offset: string; readonly extent: string };
}

/** How a tile lies on its plane, along one axis. */
export type AxisPlacement =
  /** It begins at this pixel of the plane, which may lie before its first or beyond its last. */
  | { readonly kind: "at"; readonly from: number }
  /** The plane is the tile: it may be smaller, and must not be larger. */
  | { readonly kind: "whole" }
  /** As `at` where the plane is larger than the tile along x or along y, else as `whole`. */
  | { readonly kind: "part"; readonly from: number };

/** What becomes of the values of a tile. */
export type ValueRule =
  /** They stay. */
  | { readonly kind: "keep" }
  /** As integers of this dtype: fractions are cut off. A value that it cannot hold is an error. */
  | { readonly kind: "cast"; readonly dtype: Dtype }
  /** Multiplied, and then as `cast`. */
  | { readonly kind: "scale"; readonly factor: number; readonly dtype: Dtype }
  /** Those of `kept` stay; all others are divided by 256, and then as `cast` to uint8, which is told. */
  | { readonly kind: "narrow"; readonly kept: readonly Dtype[] };

/** What the pixels of a tile are uploaded as. A PNG holds 16 bits a pixel, a JPEG 8: larger values are an error. */
export type TileBody =
  | { readonly kind: "png" }
  | { readonly kind: "tiff" }
  | { readonly kind: "jpeg"; readonly quality: number }
  /** The bytes of an image that holds these very pixels; a TIFF takes their place where the channel needs others. */
  | { readonly kind: "image"; readonly bytes: Uint8Array; readonly format: string };

/** Where the voxels of one chunk lie: plain data. */
export interface ChunkRecipe {
  /** The chunk, in voxels of the volume that is made. What no voxel lands on is 0. */
  readonly chunk: Box;
  /** Box of the source that is read, at this scale; it lies in `chunk`, at the same voxels. */
  readonly read: Box;
  /** Where from. */
  readonly volume: ChunkVolume;
  /**
   * Whether voxels of `read` that lie before the volume's first are 0, or an error. Those beyond its last are 0.
   */
  readonly before: "error" | "zeros";
}

/** A volume that chunks are read from. */
export type ChunkVolume =
  /** One that `openArray()` opens at this address. */
  | {
    readonly kind: "array";
    readonly address: string;
    /** Scale: its number, or the edges of its voxels in nm. */
    readonly scale: number | readonly [x: number, y: number, z: number];
    /** Whether stored chunks that are missing count as 0, or are an error; undefined: as the format says. */
    readonly fillMissing?: boolean;
  }
  /** A channel of a Boss. */
  | {
    readonly kind: "bossdb";
    readonly collection: string;
    readonly experiment: string;
    readonly channel: string;
    readonly resolution: number;
    /**
     * Where it is asked: at this server, with the token that stands in the parameters of the plugin; undefined: where
     * the intern SDK is told to, else in public.
     */
    readonly service?: { readonly protocol: string; readonly host: string };
  }
  /** Voxels that the plugin has made: those of `read`, in the order z, y, x with x fastest. */
  | { readonly kind: "voxels"; readonly data: VoxelArray };
