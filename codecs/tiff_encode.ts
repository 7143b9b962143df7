/**
 * Writes TIFF images, classic and BigTIFF: little-endian, grey, in strips.
 *
 * Sources of the rules: TIFF 6.0; BigTIFF and zstd (50000) as libtiff defines them.
 * @module
 */
import type { Dtype } from "../core/dtype.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";
import type { VoxelSize } from "../core/units.ts";
import { VERSION } from "../core/version.ts";
import { describeStack, type TiffStack, voxelsPerUnit } from "./_tiff_encode_fields.ts";
import type { StripPacking } from "./_tiff_encode_strip.ts";

export { encodeStripRows, type StripPacking } from "./_tiff_encode_strip.ts";
export type { TiffStack } from "./_tiff_encode_fields.ts";

/** How the strips of a TIFF may be compressed. */
export type TiffCompression = StripPacking["compression"];

/** What is to be written as one TIFF. */
export interface TiffImage {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows of a page. */
  readonly height: number;
  /** Type of a pixel. */
  readonly dtype: Dtype;
  /** What the pages are. @default One page */
  readonly stack?: TiffStack;
  /** How strips are compressed. @default "deflate" */
  readonly compression?: TiffCompression;
  /** Edge lengths of a voxel. @default Nothing is said */
  readonly voxelSize?: VoxelSize;
  /** Values that are shown as black and as white. */
  readonly window?: readonly [low: number, high: number];
  /** Whether it is a BigTIFF. @default Where it may pass 4 GiB */
  readonly big?: boolean;
}

/** Where everything in a TIFF lies, but for the strips of a compressed one. */
export interface TiffPlan extends TiffImage {
  /** What the pages are, */
  readonly stack: TiffStack;
  /** and how many. */
  readonly pages: number;
  /** Whether it is a BigTIFF. */
  readonly big: boolean;
  /** How strips are packed. */
  readonly packing: StripPacking;
  /** Rows of every strip but the last of a page. */
  readonly rowsPerStrip: number;
  /** Strips of one page. */
  readonly strips: number;
  /** Bytes of one page's voxels. */
  readonly pageBytes: number;
  /** Where strips may begin: header and directories lie before. */
  readonly dataAt: number;
}

/** Where each strip lies; those of page 0 first. */
export interface StripTable {
  /** Byte at which it begins. */
  readonly offsets: Float64Array;
  /** How many bytes it has. */
  readonly counts: Float64Array;
}

const STRIP_BYTES = 256 * 1024;
const CLASSIC_END = 2 ** 32;
const CODES = { none: 1, deflate: 8, zstd: 50000 } as const satisfies Record<
  TiffCompression,
  number
>;
const TYPE_BYTES = { ascii: 1, short: 2, long: 4, rational: 8, long8: 8 } as const;
const TYPE_CODES = { ascii: 2, short: 3, long: 4, rational: 5, long8: 16 } as const;
type FieldType = keyof typeof TYPE_BYTES;
type Field = readonly [tag: number, type: FieldType, values: ArrayLike<number>];

/** Rows of a strip: a power of two, so that strips and rows of chunks meet, or all there are. */
export function chooseRowsPerStrip(width: number, height: number, dtype: Dtype): number {
  const rows = STRIP_BYTES / (width * VOXEL_BYTES[dtype]);
  return Math.min(height, 2 ** Math.max(0, Math.floor(Math.log2(rows))));
}

/**
 * Decides how a TIFF is laid out, from its size alone.
 *
 * Integers are stored as differences (predictor 2) where they are compressed. Floats are under zstd only (predictor
 * 3): of those who read deflate, ImageJ and Bio-Formats do not read it.
 * @throws {RangeError} If a side is no integer >= 1, or `big` is false and the file may pass 4 GiB.
 */
export function planTiff(image: TiffImage): TiffPlan {
  const { width, height, dtype, compression = "deflate" } = image;
  const stack = image.stack ?? { channels: 1, slices: 1, frames: 1 };
  const pages = stack.channels * stack.slices * stack.frames;
  for (const side of [width, height, pages]) {
    if (!Number.isSafeInteger(side) || side < 1 || side > 0x7fff_ffff) {
      throw new RangeError(
        `Cannot write ${pages} pages of ${width} x ${height} pixels as a TIFF: each must be 1 to 2147483647`,
      );
    }
  }
  const rowsPerStrip = chooseRowsPerStrip(width, height, dtype);
  const strips = Math.ceil(height / rowsPerStrip);
  const pageBytes = width * height * VOXEL_BYTES[dtype];
  const predictor = compression === "none"
    ? 1
    : dtype !== "float32"
    ? 2
    : compression === "zstd"
    ? 3
    : 1;
  const base = {
    ...image,
    stack,
    pages,
    packing: { compression, predictor },
    rowsPerStrip,
    strips,
    pageBytes,
  } as const;
  const sizeAs = (big: boolean) => {
    const plan = { ...base, big, dataAt: 0 };
    const head = headBytes(plan);
    // What cannot be compressed grows: by less than a 64th, and some bytes a strip.
    const most = compression === "none" ? pageBytes : pageBytes * (1 + 1 / 64) + strips * 256;
    return { plan: { ...plan, dataAt: head }, end: head + pages * most };
  };
  const classic = sizeAs(false);
  const big = image.big ?? classic.end >= CLASSIC_END;
  if (!big && classic.end >= CLASSIC_END) {
    throw new RangeError(
      `Cannot write ${pages} pages of ${width} x ${height} pixels of ${dtype} as a classic TIFF: it ends at 4 GiB; write a BigTIFF`,
    );
  }
  return big ? sizeAs(true).plan : classic.plan;
}

/** An empty table for the strips of a plan; where they are not compressed, it is complete. */
export function stripTable(plan: TiffPlan): StripTable {
  const { pages, strips, height, rowsPerStrip, pageBytes, dataAt, packing } = plan;
  const table = {
    offsets: new Float64Array(pages * strips),
    counts: new Float64Array(pages * strips),
  };
  if (packing.compression !== "none") return table;
  const rowBytes = pageBytes / height;
  for (let i = 0; i < pages * strips; i++) {
    const strip = i % strips;
    table.offsets[i] = dataAt + Math.floor(i / strips) * pageBytes +
      strip * rowsPerStrip * rowBytes;
    table.counts[i] = Math.min(rowsPerStrip, height - strip * rowsPerStrip) * rowBytes;
  }
  return table;
}

/** The header and every directory, from byte 0 on: one piece for the header, one for each page. */
export function* encodeTiffHead(plan: TiffPlan, table: StripTable): Generator<Uint8Array> {
  const { big, pages } = plan;
  let at = big ? 16 : 8;
  const header = new DataView(new ArrayBuffer(at));
  header.setUint32(0, big ? 0x002b_4949 : 0x002a_4949, true);
  if (big) header.setUint16(4, 8, true);
  header.setUint32(big ? 8 : 4, at, true);
  yield new Uint8Array(header.buffer);
  for (let page = 0; page < pages; page++) {
    const fields = pageFields(plan, page, table);
    const end = at + directoryBytes(fields, big);
    yield encodeDirectory(fields, big, at, page === pages - 1 ? 0 : end);
    at = end;
  }
}

function pageFields(plan: TiffPlan, page: number, table: StripTable | undefined): Field[] {
  const { width, height, dtype, big, strips, rowsPerStrip, packing, voxelSize } = plan;
  const part = (of: Float64Array | undefined) =>
    of?.subarray(page * strips, (page + 1) * strips) ?? new Float64Array(strips);
  const resolution = voxelSize === undefined
    ? []
    : [voxelsPerUnit(voxelSize.x), voxelsPerUnit(voxelSize.y)];
  return [
    [256, "long", [width]],
    [257, "long", [height]],
    [258, "short", [8 * VOXEL_BYTES[dtype]]],
    [259, "short", [CODES[packing.compression]]],
    [262, "short", [1]],
    ...(page > 0 ? [] : [[270, "ascii", text(describeStack(plan.stack, voxelSize, plan.window))]]),
    [273, big ? "long8" : "long", part(table?.offsets)],
    [277, "short", [1]],
    [278, "long", [rowsPerStrip]],
    [279, "long", part(table?.counts)],
    ...resolution.flatMap((value, i) => value === undefined ? [] : [[282 + i, "rational", value]]),
    [296, "short", [1]],
    [305, "ascii", text(`sluice ${VERSION}`)],
    ...(packing.predictor === 1 ? [] : [[317, "short", [packing.predictor]]]),
    [339, "short", [dtype === "float32" ? 3 : dtype.startsWith("u") ? 1 : 2]],
  ] as Field[];
}

function text(of: string): Uint8Array {
  return new TextEncoder().encode(`${of}\0`);
}

function valueBytes([, type, values]: Field): number {
  return (type === "rational" ? 1 : values.length) * TYPE_BYTES[type];
}

/** Bytes of values that do not fit in the directory itself, up to where the next may begin. */
function outsideBytes(field: Field, big: boolean): number {
  const bytes = valueBytes(field);
  return bytes <= (big ? 8 : 4) ? 0 : Math.ceil(bytes / 8) * 8;
}

function directoryBytes(fields: readonly Field[], big: boolean): number {
  const inside = big ? 8 + 20 * fields.length + 8 : 2 + 12 * fields.length + 4;
  return fields.reduce(
    (sum, field) => sum + outsideBytes(field, big),
    Math.ceil(inside / 8) * 8,
  );
}

/** Where data may begin: a multiple of 16, so that voxels of every dtype can be mapped. */
function headBytes(plan: TiffPlan): number {
  const first = directoryBytes(pageFields(plan, 0, undefined), plan.big);
  const later = plan.pages > 1 ? directoryBytes(pageFields(plan, 1, undefined), plan.big) : 0;
  return Math.ceil(((plan.big ? 16 : 8) + first + (plan.pages - 1) * later) / 16) * 16;
}

function encodeDirectory(
  fields: readonly Field[],
  big: boolean,
  at: number,
  next: number,
): Uint8Array {
  const bytes = new Uint8Array(directoryBytes(fields, big));
  const view = new DataView(bytes.buffer);
  const [head, entry, slot] = big ? [8, 20, 8] : [2, 12, 4];
  view.setUint16(0, fields.length, true);
  setOffset(view, head + entry * fields.length, next, big);
  let free = Math.ceil((head + entry * fields.length + slot) / 8) * 8;
  for (const [i, field] of fields.entries()) {
    const [tag, type, values] = field;
    const start = head + entry * i;
    view.setUint16(start, tag, true);
    view.setUint16(start + 2, TYPE_CODES[type], true);
    view.setUint32(start + 4, type === "rational" ? 1 : values.length, true);
    const outside = outsideBytes(field, big);
    const place = outside === 0 ? start + entry - slot : free;
    if (outside > 0) setOffset(view, start + entry - slot, at + free, big);
    free += outside;
    const step = type === "rational" ? 4 : TYPE_BYTES[type];
    for (let k = 0; k < values.length; k++) {
      if (step === 1) view.setUint8(place + k, values[k]);
      else if (step === 2) view.setUint16(place + 2 * k, values[k], true);
      else setOffset(view, place + step * k, values[k], step === 8);
    }
  }
  return bytes;
}

function setOffset(view: DataView, at: number, value: number, wide: boolean): void {
  view.setUint32(at, value % 2 ** 32, true);
  if (wide) view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
