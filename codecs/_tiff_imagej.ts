/**
 * What ImageJ writes into the description of a TIFF's first image.
 *
 * There is no specification: this follows what ImageJ's `TiffEncoder` writes and its `TiffDecoder`
 * and `Opener` make of it.
 * @module
 */
import { lengthUnit, type VoxelSize } from "../core/units.ts";
import type { StackLayout } from "./image.ts";
import { lengthOf, type Rational } from "./_resolution.ts";

/** Resolution units by the number of TIFF's tag. */
const CENTIMETRE = 3;
const INCH_MICROMETRES = 25400;

/** ImageJ's own description of a stack. */
export interface ImageJInfo {
  /** Images that the stack has, in as many directories or one after the other in the file. */
  readonly images: number;
  readonly sizeC: number;
  readonly sizeZ: number;
  readonly sizeT: number;
  /** Distance of sections, in `unit`. */
  readonly spacing?: number;
  /** As it is written there: `micron`, `\u00B5m`, `pixel`. */
  readonly unit?: string;
}

/** Reads a description; undefined where it is not ImageJ's. */
export function readImageJ(description: string): ImageJInfo | undefined {
  if (!description.startsWith("ImageJ=")) return undefined;
  const fields = new Map(
    description.split(/\r\n|\n|\r/).map((line): [string, string] => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals), line.slice(equals + 1).trim()];
    }),
  );
  const whole = (key: string) => {
    const value = Number(fields.get(key) ?? 1);
    return Number.isSafeInteger(value) && value > 0 ? value : 1;
  };
  const images = whole("images");
  const [sizeC, sizeZ, sizeT] = [whole("channels"), whole("slices"), whole("frames")];
  // Where the counts do not agree, ImageJ itself takes the images for a stack of sections.
  const agree = sizeC * sizeZ * sizeT === images;
  const spacing = Math.abs(Number(fields.get("spacing")));
  const unit = fields.get("unit");
  return {
    images,
    ...(agree ? { sizeC, sizeZ, sizeT } : { sizeC: 1, sizeZ: images, sizeT: 1 }),
    ...(Number.isFinite(spacing) && spacing > 0 ? { spacing } : {}),
    ...(unit === undefined ? {} : { unit: unescaped(unit) }),
  };
}

/** Where each image of an ImageJ stack belongs: c runs fastest, then z, then t. */
export function imageJLayout({ images, sizeC, sizeZ, sizeT }: ImageJInfo): StackLayout {
  const planes = Array.from({ length: images }, (_, image) => ({
    image,
    c: image % sizeC,
    z: Math.floor(image / sizeC) % sizeZ,
    t: Math.floor(image / (sizeC * sizeZ)),
  }));
  return { sizeZ, sizeC, sizeT, planes };
}

/**
 * The size of a voxel: the resolution counts pixels in a `unit`, or in a centimetre where no unit
 * is named and the tag of units says so.
 */
export function imageJVoxelSize(
  { unit = "", spacing }: ImageJInfo,
  resolution: readonly [x: Rational, y: Rational] | undefined,
  resolutionUnit: number,
): VoxelSize | undefined {
  const named = unit === "" && resolutionUnit === CENTIMETRE ? "cm" : unit;
  const isInch = /^inch(?:es)?$/i.test(named);
  const known = isInch ? "micrometer" : lengthUnit(named);
  if (known === undefined || resolution === undefined) return undefined;
  const [x, y] = resolution.map((pixels) => lengthOf(pixels, isInch ? INCH_MICROMETRES : 1));
  if (x === undefined || y === undefined) return undefined;
  const z = spacing === undefined || !isInch ? spacing : spacing * INCH_MICROMETRES;
  return { x, y, ...(z === undefined ? {} : { z }), unit: known };
}

/** Java writes what is not ASCII as `\u00B5`. */
function unescaped(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
}
