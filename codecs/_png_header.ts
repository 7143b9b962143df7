/**
 * What a PNG says of itself in front of its first IDAT chunk, and whether it is whole.
 * @module
 */
import type { VoxelSize } from "../core/units.ts";
import {
  brokenPng,
  type ByteWindow,
  chunkType,
  END,
  isCritical,
  readChunk,
  readChunkHead,
  truncatedPng,
  viewOf,
} from "./_png_chunks.ts";
import type { ImageHeader } from "./image.ts";
import { passesOf, type PngPass, rawBytesOf } from "./_png_passes.ts";
import { readPixelSize } from "./_png_pixel_size.ts";

/** The eight bytes that every PNG starts with. */
export const SIGNATURE: Uint8Array = new Uint8Array([
  0x89,
  0x50,
  0x4e,
  0x47,
  0x0d,
  0x0a,
  0x1a,
  0x0a,
]);

/** Colour types of IHDR. */
export const COLOUR = { grey: 0, rgb: 2, palette: 3, greyAlpha: 4, rgba: 6 } as const;

const COLOURS: Readonly<
  Record<number, { samples: number; depths: readonly number[] } | undefined>
> = {
  [COLOUR.grey]: { samples: 1, depths: [1, 2, 4, 8, 16] },
  [COLOUR.rgb]: { samples: 3, depths: [8, 16] },
  [COLOUR.palette]: { samples: 1, depths: [1, 2, 4, 8] },
  [COLOUR.greyAlpha]: { samples: 2, depths: [8, 16] },
  [COLOUR.rgba]: { samples: 4, depths: [8, 16] },
};

/** What libpng refuses too unless told otherwise: one row must never be a threat to memory. */
const MAX_SIDE = 1_000_000;
/** No deflate stream grows more than this: 258 bytes from two bits. */
const MAX_INFLATION = 1032;

/** How the pixels of one PNG lie in its data, and what they become. */
export interface PngHeader {
  readonly header: ImageHeader;
  readonly bitDepth: number;
  /** One of {@linkcode COLOUR}. */
  readonly colour: number;
  /** Bytes from a byte to its like in the next pixel, as the row filters count them: at least 1. */
  readonly filterBytes: number;
  /** The colours of a palette image, `header.samples` bytes each. */
  readonly palette?: Uint8Array;
  readonly pixelSize?: VoxelSize;
  /** One for an ordinary image, up to seven for an interlaced one. */
  readonly passes: readonly PngPass[];
  /** Bytes of all passes, with their filter bytes. */
  readonly rawBytes: number;
  /** Where the first IDAT chunk starts. */
  readonly dataAt: number;
}

/**
 * Reads the chunks in front of the image data, and checks the CRC of those it makes use of.
 * @throws {ImageError} Of kind `broken`, naming what is wrong.
 */
export async function readPngHeader(window: ByteWindow): Promise<PngHeader> {
  await checkSignature(window);
  const first = await readChunkHead(window, SIGNATURE.length);
  if (first.type !== "IHDR" || first.length !== 13) {
    throw brokenPng(`its first chunk is "${first.type}" of ${first.length} bytes, not IHDR of 13`);
  }
  const ihdr = readIhdr(await readChunk(window, first, 13));
  let colours: Uint8Array | undefined,
    alphas: Uint8Array | undefined,
    pixelSize: VoxelSize | undefined;
  let chunk = await readChunkHead(window, first.next);
  for (; chunk.type !== "IDAT"; chunk = await readChunkHead(window, chunk.next)) {
    if (chunk.type === "PLTE" && ihdr.colour === COLOUR.palette) {
      colours = await readChunk(window, chunk, 256 * 3);
    } else if (chunk.type === "tRNS" && ihdr.colour === COLOUR.palette) {
      alphas = await readChunk(window, chunk, 256);
    } else if (chunk.type === "pHYs" && chunk.length === 9) {
      pixelSize = readPixelSize(await readChunk(window, chunk, 9));
    } else if (chunk.type === END) {
      throw brokenPng("it has no image data (no IDAT chunk)");
    } else if (isCritical(chunk.type) && chunk.type !== "PLTE") {
      throw brokenPng(
        `its chunk "${chunk.type}" at byte ${chunk.at} is not of the PNG standard and may not be skipped`,
        "save it again as a standard PNG",
      );
    }
  }
  const palette = ihdr.colour === COLOUR.palette ? joinPalette(colours, alphas) : undefined;
  const { samples: fileSamples } = COLOURS[ihdr.colour]!;
  const samples = palette === undefined ? fileSamples : alphas === undefined ? 3 : 4;
  const pixelBits = fileSamples * ihdr.bitDepth;
  const passes = passesOf(ihdr.width, ihdr.height, pixelBits, ihdr.interlaced);
  const rawBytes = rawBytesOf(passes);
  const left = window.bytes.size - chunk.at;
  if (rawBytes > left * MAX_INFLATION) {
    throw brokenPng(
      `${ihdr.width} x ${ihdr.height} pixels need ${rawBytes} bytes, more than the ${left} bytes of image data can hold`,
    );
  }
  return {
    header: {
      width: ihdr.width,
      height: ihdr.height,
      samples,
      dtype: ihdr.bitDepth === 16 ? "uint16" : "uint8",
      rowGroup: ihdr.height,
    },
    bitDepth: ihdr.bitDepth,
    colour: ihdr.colour,
    filterBytes: Math.max(1, pixelBits >> 3),
    ...(palette === undefined ? {} : { palette }),
    ...(pixelSize === undefined ? {} : { pixelSize }),
    passes,
    rawBytes,
    dataAt: chunk.at,
  };
}

/**
 * Sees from the last bytes that a file is whole; only where they are not IEND, from the head of every chunk.
 * What follows IEND is let be.
 * @throws {ImageError} Of kind `broken` if the file ends before IEND.
 */
export async function checkPngEnd(window: ByteWindow, png: PngHeader): Promise<void> {
  const last = await window.view(window.bytes.size - 12, 12);
  if (chunkType(last) === END && viewOf(last).getUint32(0) === 0) return;
  let chunk = await readChunkHead(window, png.dataAt);
  while (chunk.type !== END) chunk = await readChunkHead(window, chunk.next);
}

async function checkSignature(window: ByteWindow): Promise<void> {
  const { size } = window.bytes;
  if (size === 0) throw brokenPng("the file is empty (0 bytes)");
  const start = await window.view(0, Math.min(SIGNATURE.length, size));
  const same = SIGNATURE.subarray(0, start.length).every((byte, i) => byte === start[i]);
  if (same && size > 8) return;
  if (same) throw truncatedPng(size, "within its signature");
  const hex = Array.from(start, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  if (String.fromCharCode(...start.subarray(1, 4)) === "PNG") {
    throw brokenPng(
      `its signature is damaged (${hex}), as by a transfer in text mode`,
      "transfer it again in binary mode",
    );
  }
  throw brokenPng(`it is not a PNG, as it starts with ${hex}`, "name it after its true format");
}

function readIhdr(data: Uint8Array) {
  const view = viewOf(data);
  const width = view.getUint32(0), height = view.getUint32(4);
  const [bitDepth, colour, compression, filter, interlace] = data.subarray(8);
  for (const [name, side] of [["width", width], ["height", height]] as const) {
    if (side === 0 || side > MAX_SIDE) {
      throw brokenPng(
        `its ${name} is ${side}, not 1 to ${MAX_SIDE}`,
        "cut it into tiles, if it is real",
      );
    }
  }
  if (COLOURS[colour]?.depths.includes(bitDepth) !== true) {
    throw brokenPng(`PNG knows no colour type ${colour} with a bit depth of ${bitDepth}`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw brokenPng(
      `PNG knows no compression method ${compression} with filter method ${filter} and interlace method ${interlace}`,
    );
  }
  return { width, height, bitDepth, colour, interlaced: interlace === 1 };
}

function joinPalette(colours: Uint8Array | undefined, alphas: Uint8Array | undefined): Uint8Array {
  if (colours === undefined) {
    throw brokenPng("it is a palette image without a palette (no PLTE chunk)");
  }
  const entries = colours.length / 3;
  if (!Number.isInteger(entries) || entries === 0) {
    throw brokenPng(`its palette (PLTE) has ${colours.length} bytes, not three a colour`);
  }
  if (alphas === undefined) return colours;
  if (alphas.length > entries) {
    throw brokenPng(`it has ${alphas.length} transparencies (tRNS) for ${entries} colours (PLTE)`);
  }
  const joined = new Uint8Array(entries * 4).fill(255);
  for (let entry = 0; entry < entries; entry++) {
    joined.set(colours.subarray(entry * 3, entry * 3 + 3), entry * 4);
    if (entry < alphas.length) joined[entry * 4 + 3] = alphas[entry];
  }
  return joined;
}
