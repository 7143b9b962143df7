/**
 * What every image format offers: headers without voxels, and rows on demand.
 * @module
 */
import type { Dtype } from "../core/dtype.ts";
import type { VoxelSize } from "../core/units.ts";

/** Random access to the bytes of one file; whoever opened it closes it. */
export interface ByteSource extends AsyncDisposable {
  /** Bytes in the whole file. */
  readonly size: number;
  /**
   * Fills `into` from `offset` on.
   * @throws {ImageError} Of kind `broken` if the file ends before `into` is full.
   */
  read(offset: number, into: Uint8Array): Promise<void>;
}

/** Bytes of a file: the first, and the one behind the last. */
export type ByteStretch = readonly [start: number, end: number];

/** Where in its file an image lies, as plain data: an empty object for a file of one image. */
export interface ImageAt {
  /** TIFF: byte offset of the image's directory. */
  readonly ifd?: number;
  /** ImageJ's contiguous stacks: how many whole planes lie between the directory's first strip and this image. */
  readonly plane?: number;
}

/** What an image is, from its header alone. */
export interface ImageHeader {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Interleaved samples a pixel: 1 grey, 3 RGB, 4 RGBA. */
  readonly samples: number;
  /** Type of one sample. */
  readonly dtype: Dtype;
  /**
   * Rows from row 0 on that can be decoded without those before them: a strip, a row of tiles;
   * `height` where rows come only in order from the top.
   */
  readonly rowGroup: number;
}

/** One image of a file. */
export interface ImageEntry extends ImageHeader {
  /** Where in the file it lies. */
  readonly at: ImageAt;
}

/** Where each image of a file belongs along z, c and t, from ImageJ's or OME's metadata. */
export interface StackLayout {
  /** Sections. */
  readonly sizeZ: number;
  /** Channels. */
  readonly sizeC: number;
  /** Times. */
  readonly sizeT: number;
  /**
   * For image `i` of `images` its place; images that belong to no plane are left out. `file` names another
   * file of an OME-TIFF set, relative to this one, in which case `image` counts the images of that file.
   */
  readonly planes: readonly {
    readonly image: number;
    readonly z: number;
    readonly c: number;
    readonly t: number;
    readonly file?: string;
  }[];
}

/** What a file says of itself, from its headers. */
export interface ImageFile {
  /** `png`, `tiff`, `jpeg`. */
  readonly format: string;
  /** In the order of the file: one, or the pages of a TIFF (reduced copies and masks left out). */
  readonly images: readonly ImageEntry[];
  /** Present where the file itself says how its images stack; an OME file may hold several series. */
  readonly series?: readonly {
    /** Its name in the table of formats. */
    readonly name: string;
    readonly layout: StackLayout;
    readonly voxelSize?: VoxelSize;
  }[];
  /** Edge lengths of a voxel, of the axes that the file names. */
  readonly voxelSize?: VoxelSize;
}

/** Reads rows of one image. */
export interface ImageReader extends AsyncDisposable {
  /** What the image is. */
  readonly header: ImageHeader;
  /**
   * Decodes rows `first` (inside) to `end` (not) into `out`: rows one after the other with no padding,
   * samples interleaved, little-endian, exactly `(end - first) * width * samples * bytes` bytes.
   * `out` may lie on shared memory. Going forward is cheap; going back may start anew from the top.
   * @throws {ImageError} Of kind `broken`, saying what is wrong (without the path: the caller adds it).
   */
  readRows(first: number, end: number, out: Uint8Array): Promise<void>;
}

/** How an image may be opened. */
export interface OpenImageOptions {
  /**
   * Up to this many bytes of decoded image the reader may hold at once; above it, it must stream.
   * @default 64 MiB
   */
  readonly wholeBytes?: number;
}

/**
 * One image format.
 * @example Files of one byte of magic and 7 x 5 pixels
 * ```ts
 * import { imageFormats, type ImageFormat, readImageStack } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const header = { width: 7, height: 5, samples: 1, dtype: "uint8", rowGroup: 1 } as const;
 * const dump: ImageFormat = {
 *   name: "dump",
 *   matches: ([magic]) => magic === 0xd0,
 *   describe: () => Promise.resolve({ format: "dump", images: [{ ...header, at: {} }] }),
 *   open: (bytes) =>
 *     Promise.resolve({
 *       header,
 *       readRows: (first, _end, out) => bytes.read(1 + first * 7, out),
 *       [Symbol.asyncDispose]: () => Promise.resolve(),
 *     }),
 * };
 * imageFormats.set("dump", () => Promise.resolve(dump));
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeFile(path, new Uint8Array(36).fill(0xd0));
 * const { info } = await readImageStack([path]);
 * deepEqual(info.extent.max, [7, 5, 1, 1, 1]);
 * await Deno.remove(path);
 * ```
 */
export interface ImageFormat {
  /** Its name in the table of formats. */
  readonly name: string;
  /** Whether a file that starts with these bytes (16, or all it has) is of this format. */
  matches(first: Uint8Array): boolean;
  /**
   * Reads headers only, and the last bytes of the file, where truncation shows.
   * @throws {ImageError} Of kind `broken`: not an image, truncated, or of a kind that is not decoded (named).
   */
  describe(bytes: ByteSource): Promise<ImageFile>;
  /**
   * Where in the file the bytes of rows `first` (inside) to `end` (not) of one image lie: half-open stretches from the
   * lowest up. With what this call itself reads they are all that `open` and `readRows` need, so that of a large file
   * a part can be fetched. Absent where files hold one image each.
   */
  locate?(
    bytes: ByteSource,
    at: ImageAt,
    first: number,
    end: number,
  ): Promise<readonly ByteStretch[]>;
  /** Opens one image for its rows. */
  open(bytes: ByteSource, at: ImageAt, options?: OpenImageOptions): Promise<ImageReader>;
}

/**
 * The formats by name; a script may add one before it plans. Nothing loads until a file needs it.
 *
 * Threads load their own table: what a script adds is read by a {@linkcode WorkerPool} of size 0 alone.
 * @example One row of a PNG
 * ```ts
 * import { encodePng, imageFormats, openFileSource } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const path = await Deno.makeTempFile({ suffix: ".png" });
 * const data = Uint8Array.from({ length: 35 }, (_, i) => i);
 * await Deno.writeFile(path, encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data }));
 * const png = await imageFormats.get("png")!();
 * await using file = await openFileSource(path);
 * await using image = await png.open(file, {});
 * const row = new Uint8Array(7);
 * await image.readRows(2, 3, row);
 * deepEqual(row, data.subarray(14, 21));
 * await Deno.remove(path);
 * ```
 */
export const imageFormats: Map<string, () => Promise<ImageFormat>> = new Map([
  ["png", async () => (await import("./png.ts")).png],
  ["tiff", async () => (await import("./tiff.ts")).tiff],
  ["jpeg", async () => (await import("./jpeg.ts")).jpeg],
]);
