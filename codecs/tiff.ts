/**
 * TIFF images, classic and BigTIFF.
 * @module
 */
import type {
  ByteSource,
  ImageAt,
  ImageEntry,
  ImageFile,
  ImageFormat,
  ImageReader,
  OpenImageOptions,
} from "./image.ts";
import { BlockRowReader } from "./_tiff_blocks.ts";
import { TiffFile } from "./_tiff_directory.ts";
import { isMainImage, readPage } from "./_tiff_page.ts";
import { isRaw, planeBytes, readRawRows } from "./_tiff_raw.ts";

/** TIFF. */
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
    for await (const directory of file.directories()) {
      if (!await isMainImage(directory)) continue;
      const page = await readPage(directory);
      images.push({ ...page.header, at: { ifd: directory.at } });
    }
    return { format: "tiff", images };
  },

  async open(
    bytes: ByteSource,
    at: ImageAt,
    { wholeBytes = 64 * 1024 * 1024 }: OpenImageOptions = {},
  ): Promise<ImageReader> {
    const file = await TiffFile.open(bytes);
    const page = await readPage(await file.directory(at.ifd ?? file.header.first));
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
