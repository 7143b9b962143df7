/**
 * What one directory of a TIFF says of its image, checked against the file.
 * @module
 */
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";
import { joinStretches } from "./byte_stretches.ts";
import type { ByteStretch, ImageHeader } from "./image.ts";
import type { Rational } from "./_resolution.ts";
import { brokenTiff, type TiffDirectory } from "./_tiff_directory.ts";

const COPY_AGAIN = "copy or export the file again";
const CONVERT = "convert the file to one of them";

const TAG = {
  newSubfileType: 254,
  subfileType: 255,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  description: 270,
  stripOffsets: 273,
  samples: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  xResolution: 282,
  yResolution: 283,
  planar: 284,
  resolutionUnit: 296,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  sampleFormat: 339,
  jpegTables: 347,
} as const;

/** Fields of the first directory that pixels do not need: a description may be long. */
const NOTES: readonly number[] = [TAG.description, TAG.xResolution, TAG.yResolution];

/** The fields that are read of every directory. */
export const PAGE_TAGS: readonly number[] = Object.values(TAG).filter((tag) =>
  !NOTES.includes(tag)
);

/** How the bytes of a block are packed. */
export type Packing = "none" | "lzw" | "deflate" | "packbits" | "zstd" | "jpeg";

const PACKINGS: Record<number, Packing> = {
  1: "none",
  5: "lzw",
  7: "jpeg",
  8: "deflate",
  32773: "packbits",
  32946: "deflate",
  34926: "zstd",
  50000: "zstd",
};

/** Packings that are known by name and not decoded. */
const OTHER_PACKINGS: Record<number, string> = {
  2: "CCITT RLE",
  3: "CCITT Group 3",
  4: "CCITT Group 4",
  6: "old-style JPEG",
  32809: "ThunderScan",
  33003: "Aperio JPEG 2000",
  33005: "Aperio JPEG 2000",
  34661: "JBIG",
  34676: "SGI LogLuv",
  34677: "SGI LogLuv 24",
  34712: "JPEG 2000",
  34887: "LERC",
  34892: "lossy JPEG",
  34925: "LZMA",
  34933: "PNG",
  50001: "WebP",
  50002: "JPEG XL",
  52546: "JPEG XL",
};

/** No packing gives more bytes than this out of one: what claims to is a bomb. */
const MOST_OUT_OF_ONE: Record<Packing, number> = {
  none: 1,
  packbits: 64,
  deflate: 1040,
  lzw: 4096,
  zstd: 65536,
  jpeg: 65536,
};

/** The image of one directory; blocks are its strips or tiles. */
export interface TiffPage {
  readonly at: number;
  readonly header: ImageHeader;
  readonly little: boolean;
  /** Stored bits of a sample: those of the dtype, or 1, 2, 4. */
  readonly bits: number;
  readonly packing: Packing;
  readonly predictor: 1 | 2 | 3;
  readonly photometric: number;
  /** Separate images of one sample each: 1 where samples are interleaved. */
  readonly planes: number;
  readonly tiled: boolean;
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly across: number;
  readonly down: number;
  /** Of each block, plane by plane and row by row. */
  readonly offsets: readonly number[];
  readonly counts: readonly number[];
  readonly jpegTables?: Uint8Array;
}

/** What the fields of a directory say of the size of its pixels, and the text it carries. */
export interface PageNotes {
  readonly description: string;
  readonly resolution?: readonly [x: Rational, y: Rational];
  /** 1 none, 2 inch, 3 centimetre. */
  readonly resolutionUnit: number;
}

/** Reads what is not needed for pixels. */
export async function readNotes(directory: TiffDirectory): Promise<PageNotes> {
  for (const tag of NOTES) await directory.read(tag);
  const x = directory.rational(TAG.xResolution);
  const y = directory.rational(TAG.yResolution) ?? x;
  return {
    description: await directory.text(TAG.description) ?? "",
    ...(x === undefined || y === undefined ? {} : { resolution: [x, y] }),
    resolutionUnit: directory.number(TAG.resolutionUnit) ?? 2,
  };
}

/** Whether a directory holds an image in its own right, and not a reduced copy or a mask of another. */
export function isMainImage(directory: TiffDirectory): boolean {
  const kind = directory.number(TAG.newSubfileType) ?? 0;
  return (kind & 0b101) === 0 && directory.number(TAG.subfileType) !== 2;
}

/**
 * Reads and checks one directory.
 * @throws {ImageError} Of kind `broken`: a field is absent or lies, the file is too short, or it is
 * of a kind that is not decoded.
 */
export function readPage(directory: TiffDirectory): TiffPage {
  const width = side(directory, TAG.width, "width");
  const height = side(directory, TAG.height, "height");
  const samples = directory.number(TAG.samples) ?? 1;
  const { dtype, bits } = sampleType(directory, samples);
  const packing = packingOf(directory);
  const planes = directory.number(TAG.planar) === 2 ? samples : 1;
  const tiled = directory.count(TAG.tileOffsets) > 0 || directory.count(TAG.tileWidth) > 0;
  const blockWidth = tiled ? side(directory, TAG.tileWidth, "tile width") : width;
  const blockHeight = tiled
    ? side(directory, TAG.tileHeight, "tile height")
    : Math.min(height, directory.number(TAG.rowsPerStrip) || height);
  const predictor = predictorOf(directory, packing, dtype, bits);
  if ((directory.number(TAG.fillOrder) ?? 1) !== 1) {
    throw brokenTiff("its bits run from the lowest up (FillOrder 2)", "convert it to FillOrder 1");
  }
  const photometric = directory.number(TAG.photometric) ?? 1;
  if (photometric === 6 && (packing !== "jpeg" || planes > 1)) {
    throw brokenTiff("its colours are YCbCr and not those of whole JPEGs", "convert it to RGB");
  }
  if (packing === "jpeg") {
    const together = samples / planes;
    if (dtype !== "uint8" || bits !== 8 || (together !== 1 && together !== 3)) {
      throw brokenTiff(
        `its JPEG has ${together} samples of ${bits} bits a pixel, and 1 or 3 of 8 bits are decoded`,
        "convert the file to another compression",
      );
    }
  }
  const across = Math.ceil(width / blockWidth);
  const down = Math.ceil(height / blockHeight);
  const needed = across * down * planes;
  const rowBytes = Math.ceil(blockWidth * (samples / planes) * bits / 8);
  const blockBytes = rowBytes * blockHeight;
  const lastRows = tiled ? blockHeight : height - (down - 1) * blockHeight;
  const { offsets, counts } = blocks(directory, tiled, needed, packing, blockBytes);
  const what = tiled ? "tile" : "strip";
  for (let block = 0; block < needed; block++) {
    const isLast = Math.floor(block / across) % down === down - 1;
    const least = Math.ceil(
      (isLast ? rowBytes * lastRows : blockBytes) / MOST_OUT_OF_ONE[packing],
    );
    const name = `its ${what} ${block} of ${needed}`;
    checkBlock(name, offsets[block], counts[block], least, directory.file.bytes.size);
  }
  const jpegTables = packing === "jpeg" ? directory.bytes(TAG.jpegTables) : undefined;
  return {
    at: directory.at,
    header: {
      width,
      height,
      samples,
      dtype,
      rowGroup: packing === "none" && !tiled && bits >= 8 ? 1 : blockHeight,
    },
    little: directory.file.header.little,
    bits,
    packing,
    predictor,
    photometric,
    planes,
    tiled,
    blockWidth,
    blockHeight,
    across,
    down,
    offsets,
    counts,
    ...(jpegTables === undefined ? {} : { jpegTables }),
  };
}

/** Where the blocks lie that hold rows `first` (inside) to `end` (not); those that touch are one stretch. */
export function stretchesOf(
  page: TiffPage,
  shift: number,
  first: number,
  end: number,
): ByteStretch[] {
  const { blockHeight, across, down, planes, offsets, counts } = page;
  const blocks: ByteStretch[] = [];
  const [top, bottom] = [Math.floor(first / blockHeight), Math.ceil(end / blockHeight)];
  for (let plane = 0; plane < planes; plane++) {
    for (let block = top * across; block < bottom * across; block++) {
      const at = plane * down * across + block;
      blocks.push([offsets[at] + shift, offsets[at] + shift + counts[at]]);
    }
  }
  return joinStretches(blocks, 0);
}

function checkBlock(
  name: string,
  offset: number,
  count: number,
  least: number,
  fileBytes: number,
): void {
  if (count === 0 || offset === 0) throw brokenTiff(`${name} is empty`, COPY_AGAIN);
  if (!(offset + count <= fileBytes)) {
    throw brokenTiff(
      `${name} ends at byte ${offset + count} and the file has ${fileBytes}`,
      COPY_AGAIN,
    );
  }
  if (count < least) {
    throw brokenTiff(`${name} has ${count} bytes and its pixels need ${least} or more`, COPY_AGAIN);
  }
}

function side(directory: TiffDirectory, tag: number, name: string): number {
  const length = directory.number(tag);
  if (length === undefined || !(length >= 1) || length > 0x7fff_ffff) {
    throw brokenTiff(`its ${name} is ${length ?? "absent"}`, COPY_AGAIN);
  }
  return length;
}

function packingOf(directory: TiffDirectory): Packing {
  const code = directory.number(TAG.compression) ?? 1;
  const packing = PACKINGS[code];
  if (packing === undefined) {
    throw brokenTiff(
      `its compression is ${OTHER_PACKINGS[code] ?? "unknown"} (${code}), and none, LZW, ` +
        "deflate, PackBits, zstd and JPEG are decoded",
      CONVERT,
    );
  }
  return packing;
}

function predictorOf(
  directory: TiffDirectory,
  packing: Packing,
  dtype: Dtype,
  bits: number,
): 1 | 2 | 3 {
  const predictor = directory.number(TAG.predictor) ?? 1;
  if (predictor === 1 || packing === "jpeg") return 1;
  if (packing === "none" || packing === "packbits") {
    throw brokenTiff(
      `it names predictor ${predictor}, which readers apply or ignore where compression is ${packing}`,
      "write it anew without a predictor, or with LZW, deflate or zstd",
    );
  }
  if (predictor === 2 && bits >= 8) return 2;
  if (predictor === 3 && dtype === "float32") return 3;
  throw brokenTiff(
    `its predictor is ${predictor} on ${bits}-bit samples of ${dtype}, and 1, 2 on whole bytes and ` +
      "3 on float32 are decoded",
    CONVERT,
  );
}

function sampleType(
  directory: TiffDirectory,
  samples: number,
): { dtype: Dtype; bits: number } {
  const widths = directory.numbers(TAG.bits);
  const formats = directory.numbers(TAG.sampleFormat);
  const bits = widths[0] ?? 1;
  const format = formats[0] ?? 1;
  if (!(samples >= 1 && samples <= 0xffff)) {
    throw brokenTiff(`its samples a pixel are ${samples}`, COPY_AGAIN);
  }
  if (widths.some((other) => other !== bits) || formats.some((other) => other !== format)) {
    throw brokenTiff(`its samples differ: ${widths} bits, formats ${formats}`, CONVERT);
  }
  const kind = { 1: "uint", 2: "int", 3: "float", 4: "uint" }[format];
  const name = `${kind}${bits}`;
  if (kind === "uint" && samples === 1 && (bits === 1 || bits === 2 || bits === 4)) {
    return { dtype: "uint8", bits };
  }
  if (kind === undefined || !Object.hasOwn(VOXEL_BYTES, name)) {
    throw brokenTiff(
      `its samples are ${kind === undefined ? `of format ${format}, ${bits} bits` : name}, and ` +
        `${Object.keys(VOXEL_BYTES).join(", ")} are decoded`,
      CONVERT,
    );
  }
  return { dtype: name as Dtype, bits };
}

function blocks(
  directory: TiffDirectory,
  tiled: boolean,
  needed: number,
  packing: Packing,
  blockBytes: number,
): { offsets: number[]; counts: number[] } {
  // Some writers of tiles use the tags of strips.
  const useTiles = tiled && directory.count(TAG.tileOffsets) > 0;
  const offsets = directory.numbers(useTiles ? TAG.tileOffsets : TAG.stripOffsets);
  let counts = directory.numbers(useTiles ? TAG.tileByteCounts : TAG.stripByteCounts);
  if (counts.length === 0 && packing === "none" && offsets.length === 1) counts = [blockBytes];
  const found = Math.min(offsets.length, counts.length);
  if (found < needed) {
    throw brokenTiff(
      `it needs ${needed} ${tiled ? "tiles" : "strips"} and lists ${found}`,
      COPY_AGAIN,
    );
  }
  return { offsets, counts };
}
