/**
 * TIFF images, classic and BigTIFF (TIFF 6.0; BigTIFF and its compressions as libtiff has them).
 * @module
 */
import type {
  ByteSource,
  ByteStretch,
  ImageAt,
  ImageEntry,
  ImageFile,
  ImageFormat,
  ImageReader,
  OpenImageOptions,
} from "./image.ts";
import { BlockRowReader } from "./_tiff_blocks.ts";
import { brokenTiff, TiffFile } from "./_tiff_directory.ts";
import { checkContiguous, truncatedShape } from "./_tiff_contiguous.ts";
import { imageJLayout, imageJVoxelSize, readImageJ } from "./_tiff_imagej.ts";
import {
  isMainImage,
  PAGE_TAGS,
  type PageNotes,
  readNotes,
  readPage,
  stretchesOf,
  type TiffPage,
} from "./_tiff_page.ts";
import { voxelSizeOf } from "./_resolution.ts";
import { isRaw, planeBytes, readRawRows } from "./_tiff_raw.ts";

const CENTIMETRE = 3;

/**
 * TIFF: classic and BigTIFF, of either byte order, in strips or tiles, with samples side by side or
 * plane by plane; uncompressed, LZW, deflate, PackBits, zstd, JPEG; predictors 1, 2 and 3; any
 * dtype.
 *
 * Samples are the stored ones, as tifffile gives them: "white is zero" is not turned round, a
 * palette is not applied, extra samples (alpha) stay samples. Two exceptions: grey of 1, 2 and 4 bits becomes uint8 spread over 0 to 255, as
 * in PNG, and YCbCr JPEG becomes RGB.
 *
 * `images` are the directories of the main chain, but for those that call themselves reduced copies
 * or masks; directories below others (SubIFDs, as in pyramids) are left out. `series` comes from
 * ImageJ's or OME's description, as does `voxelSize`; without one, a resolution in pixels a
 * centimetre counts if it is not one that programs put in for printing, and one in inches never. A
 * stack of which ImageJ or tifffile wrote only the first directory is read from the pixels that
 * follow it.
 *
 * A strip or tile that would take more than `wholeBytes` is unpacked from its top on as rows are
 * asked for, but for JPEG.
 *
 * Not decoded, and refused by name: CCITT, JPEG 2000, WebP, LERC, LZMA, old-style JPEG and LZW,
 * FillOrder 2, YCbCr that is not JPEG, JPEG of 12 bits or CMYK, predictors where compression is none
 * or PackBits (readers disagree), blocks left empty; float16, float64, int64, complex numbers and
 * bits that make no whole byte.
 */
export const tiff: ImageFormat = {
  name: "tiff",

  matches(first: Uint8Array): boolean {
    const [a, b, c, d] = first;
    return a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0 ||
      a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43);
  },

  async describe(bytes: ByteSource): Promise<ImageFile> {
    const file = await TiffFile.open(bytes);
    const images: ImageEntry[] = [];
    const order: number[] = [];
    let first: { page: TiffPage; notes: PageNotes } | undefined;
    for await (const directory of file.directories(PAGE_TAGS)) {
      if (!isMainImage(directory)) {
        order.push(-1);
        continue;
      }
      order.push(images.length);
      const page = readPage(directory);
      first ??= { page, notes: await readNotes(directory) };
      images.push({ ...page.header, at: { ifd: page.at } });
    }
    if (first === undefined) {
      throw brokenTiff("all its images are reduced copies or masks of others", "find the original");
    }
    return { format: "tiff", ...await stackOf(bytes, images, order, first) };
  },

  async locate(
    bytes: ByteSource,
    at: ImageAt,
    first: number,
    end: number,
  ): Promise<ByteStretch[]> {
    const page = await openPage(bytes, at);
    return stretchesOf(page, (at.plane ?? 0) * planeBytes(page), first, end);
  },

  async open(
    bytes: ByteSource,
    at: ImageAt,
    { wholeBytes = 64 * 1024 * 1024 }: OpenImageOptions = {},
  ): Promise<ImageReader> {
    const page = await openPage(bytes, at);
    const shift = (at.plane ?? 0) * planeBytes(page);
    if (isRaw(page)) {
      return {
        header: page.header,
        readRows: (first, end, out) => readRawRows(bytes, page, shift, first, end, out),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    }
    const rows = new BlockRowReader(bytes, page, wholeBytes);
    return {
      header: page.header,
      readRows: (first, end, out) => rows.readRows(first, end, out),
      [Symbol.asyncDispose]: () => rows.close(),
    };
  },
};

/** Reads one directory. What is read, and in which order, is the same for the same bytes. */
async function openPage(bytes: ByteSource, at: ImageAt): Promise<TiffPage> {
  const file = await TiffFile.open(bytes);
  return readPage(await file.directory(at.ifd ?? file.header.first, PAGE_TAGS));
}

/** The images of a file, with what its first description says of them. */
async function stackOf(
  bytes: ByteSource,
  images: readonly ImageEntry[],
  order: readonly number[],
  { page, notes }: { page: TiffPage; notes: PageNotes },
): Promise<Omit<ImageFile, "format">> {
  const { description, resolution, resolutionUnit } = notes;
  const { width, height, samples } = page.header;
  const imageJ = readImageJ(description);
  if (imageJ !== undefined) {
    const voxelSize = imageJVoxelSize(imageJ, resolution, resolutionUnit);
    const sized = voxelSize === undefined ? {} : { voxelSize };
    const layout = imageJLayout(imageJ);
    return {
      images: imageJ.images > 1 && order.length === 1
        ? contiguous(bytes, page, imageJ.images, "ImageJ")
        : images,
      ...(imageJ.images > 1 ? { series: [{ name: "ImageJ", layout, ...sized }] } : {}),
      ...sized,
    };
  }
  if (isOme(description)) {
    // XML takes a parser, which most files can do without.
    const { readOme } = await import("./_tiff_ome.ts");
    const series = readOme(description, { images, order });
    const voxelSize = series?.[0].voxelSize;
    return {
      images,
      ...(series === undefined ? {} : { series }),
      ...(voxelSize === undefined ? {} : { voxelSize }),
    };
  }
  const count = order.length === 1 ? truncatedShape(description, width * height * samples) : 1;
  const voxelSize = resolution !== undefined && resolutionUnit === CENTIMETRE
    ? voxelSizeOf(...resolution)
    : undefined;
  return {
    images: count !== undefined && count > 1 ? contiguous(bytes, page, count, "tifffile") : images,
    ...(voxelSize === undefined ? {} : { voxelSize }),
  };
}

function contiguous(
  bytes: ByteSource,
  page: TiffPage,
  count: number,
  writer: string,
): ImageEntry[] {
  checkContiguous(page, count, bytes.size, writer);
  return Array.from(
    { length: count },
    (_, plane) => ({ ...page.header, at: { ifd: page.at, plane } }),
  );
}

/** Whether a description is OME-XML. */
function isOme(description: string): boolean {
  return /^\s*</.test(description) && /OME>\s*$/.test(description) &&
    /<(?:\w+:)?OME[\s>]/.test(description);
}
