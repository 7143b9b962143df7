/**
 * Lengths of voxel edges, as people write them and as formats spell them.
 * @module
 */
import { UsageError } from "./errors.ts";
import { didYouMean } from "./nearest.ts";

const NANOMETRES = {
  angstrom: 0.1,
  nanometer: 1,
  micrometer: 1e3,
  millimeter: 1e6,
  centimeter: 1e7,
  meter: 1e9,
} as const satisfies Record<LengthUnit, number>;

/** A unit of length, spelled out as OME-Zarr wants it. */
export type LengthUnit =
  | "angstrom"
  | "nanometer"
  | "micrometer"
  | "millimeter"
  | "centimeter"
  | "meter";

const SPELLINGS: Record<string, LengthUnit> = {
  "å": "angstrom",
  a: "angstrom",
  nm: "nanometer",
  um: "micrometer",
  "µm": "micrometer",
  "μm": "micrometer",
  micron: "micrometer",
  microns: "micrometer",
  mm: "millimeter",
  cm: "centimeter",
  m: "meter",
};

/** What is suggested for a word that is no unit. */
const UNITS = [...Object.keys(NANOMETRES), "micron", "nm", "um", "mm", "cm"];

/** Edge lengths of a voxel along x, y and z in one unit. */
export interface VoxelSize {
  /** Edge along x. */
  readonly x: number;
  /** Edge along y. */
  readonly y: number;
  /** Absent where a single image cannot know the distance of sections. */
  readonly z?: number;
  /** Unit of all three. */
  readonly unit: LengthUnit;
}

/**
 * The unit of length that a word names, in any of its usual spellings.
 * @example Spellings of one unit
 * ```ts
 * import { lengthUnit } from "@sluice/sluice";
 * import { deepEqual, equal } from "node:assert/strict";
 * deepEqual(["um", "µm", "Micron", "micrometre"].map(lengthUnit), Array(4).fill("micrometer"));
 * equal(lengthUnit("furlong"), undefined);
 * ```
 */
export function lengthUnit(word: string): LengthUnit | undefined {
  const lower = word.trim().toLowerCase();
  if (Object.hasOwn(NANOMETRES, lower)) return lower as LengthUnit;
  if (lower.endsWith("metre")) return lengthUnit(lower.slice(0, -5) + "meter");
  return Object.hasOwn(SPELLINGS, lower) ? SPELLINGS[lower] : undefined;
}

/** A length in nanometres. */
export function toNanometres(length: number, unit: LengthUnit): number {
  return Number((length * NANOMETRES[unit]).toPrecision(15));
}

/**
 * The voxel size in another unit.
 * @example Micrometres as nanometres
 * ```ts
 * import { convertVoxelSize } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const size = { x: 0.1, y: 0.1, z: 0.5, unit: "micrometer" } as const;
 * deepEqual(convertVoxelSize(size, "nanometer"), { x: 100, y: 100, z: 500, unit: "nanometer" });
 * ```
 */
export function convertVoxelSize(size: VoxelSize, unit: LengthUnit): VoxelSize {
  const convert = (length: number) =>
    Number((length * (NANOMETRES[size.unit] / NANOMETRES[unit])).toPrecision(15));
  return {
    x: convert(size.x),
    y: convert(size.y),
    ...(size.z === undefined ? {} : { z: convert(size.z) }),
    unit,
  };
}

/**
 * Reads `4x4x40nm`: x, y and z with one unit at the end.
 * @throws {UsageError} If it is not three positive numbers and a known unit of length.
 * @example Serial sections
 * ```ts
 * import { parseVoxelSize } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * deepEqual(parseVoxelSize("4.6x4.6x45nm"), { x: 4.6, y: 4.6, z: 45, unit: "nanometer" });
 * ```
 */
export function parseVoxelSize(text: string): VoxelSize {
  const match = /^\s*([\d.eE+-]+)\s*[x×,]\s*([\d.eE+-]+)\s*[x×,]\s*([\d.eE+-]+)\s*([^\d\s]+)\s*$/
    .exec(text);
  const unit = match === null ? undefined : lengthUnit(match[4]);
  const edges = match === null ? [] : match.slice(1, 4).map(Number);
  if (unit === undefined || !edges.every((edge) => Number.isFinite(edge) && edge > 0)) {
    const near = match === null || unit !== undefined ? "" : didYouMean(match[4], UNITS);
    throw new UsageError(
      `Cannot read "${text}" as a voxel size: ${
        near === ""
          ? "write x, y and z with one unit at the end, such as 4x4x40nm or 0.1x0.1x0.5um"
          : `"${match![4]}" is no unit of length${near}`
      }`,
    );
  }
  return { x: edges[0], y: edges[1], z: edges[2], unit };
}

/**
 * The voxel size as {@linkcode parseVoxelSize} reads it.
 * @example In a message
 * ```ts
 * import { formatVoxelSize } from "@sluice/sluice";
 * import { equal } from "node:assert/strict";
 * equal(formatVoxelSize({ x: 4, y: 4, z: 40, unit: "nanometer" }), "4x4x40nm");
 * ```
 */
export function formatVoxelSize({ x, y, z, unit }: VoxelSize): string {
  const short = {
    angstrom: "Å",
    nanometer: "nm",
    micrometer: "um",
    millimeter: "mm",
    centimeter: "cm",
    meter: "m",
  };
  return `${x}x${y}x${z ?? "?"}${short[unit]}`;
}
