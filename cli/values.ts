/**
 * What the values of flags mean.
 * @module
 */
import { UsageError } from "../core/errors.ts";
import type { ChunkEncoding } from "../core/layout.ts";
import { didYouMean } from "../core/nearest.ts";

/** A half-open stretch of one axis. */
export type Span = readonly [first: number, end: number];

function wrong(flag: string, text: string, way: string): UsageError {
  return new UsageError(`Cannot use --${flag} ${text}: ${way}`);
}

/**
 * Reads `64x64x64`, or `64` for a cube.
 * @throws {UsageError} If it is not one or three positive integers.
 */
export function parseSides(flag: string, text: string): [x: number, y: number, z: number] {
  const sides = text.split(/[x×,]/).map((part) => /^\s*\d+\s*$/.test(part) ? Number(part) : 0);
  if (![1, 3].includes(sides.length) || !sides.every((side) => side > 0)) {
    throw wrong(
      flag,
      text,
      "write x, y and z in voxels, such as 128x128x16, or one number for a cube",
    );
  }
  return [sides[0], sides[1] ?? sides[0], sides[2] ?? sides[0]];
}

/** The end of a stretch that was left open. */
export const OPEN_END = Number.MAX_SAFE_INTEGER;

/**
 * Reads `100:612`, `100:` or `:612`: half-open, in voxels.
 * @throws {UsageError} If it is not a stretch of at least one voxel.
 */
export function parseSpan(flag: string, text: string): Span {
  const match = /^\s*(\d*)\s*:\s*(\d*)\s*$/.exec(text);
  const first = Number(match?.[1] || 0);
  const end = match?.[2] ? Number(match[2]) : OPEN_END;
  if (match === null || text.trim() === ":" || end <= first) {
    throw wrong(
      flag,
      text,
      "write the first voxel and the one after the last, such as 0:512, 100: or :512",
    );
  }
  return [first, end];
}

/**
 * Reads `-100:400.5`: two numbers, the second greater.
 * @throws {UsageError} If it is anything else.
 */
export function parseWindow(flag: string, text: string): [low: number, high: number] {
  const [low, high, ...rest] = text.split(":").map((part) =>
    part.trim() === "" ? NaN : Number(part)
  );
  if (rest.length > 0 || !Number.isFinite(low) || !Number.isFinite(high) || low >= high) {
    throw wrong(
      flag,
      text,
      "write the values that become the least and the greatest, such as 0:4095",
    );
  }
  return [low, high];
}

/**
 * Reads a whole number.
 * @throws {UsageError} If it is none, or less than `least`.
 */
export function parseCount(flag: string, text: string, least = 1): number {
  const count = /^\s*\d+\s*$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(count) || count < least) {
    throw wrong(flag, text, `write a whole number from ${least}`);
  }
  return count;
}

/**
 * Reads `5%` or `0.05`.
 * @throws {UsageError} If it is not above 0 and at most all.
 */
export function parsePart(flag: string, text: string): number {
  const match = /^\s*(\d*\.?\d+)\s*(%?)\s*$/.exec(text);
  const part = match === null ? NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
  if (!(part > 0 && part <= 1)) throw wrong(flag, text, "write a part such as 5% or 0.05");
  return part;
}

/**
 * Reads `3,7-9`: sections.
 * @returns Half-open stretches in ascending order that do not touch.
 * @throws {UsageError} If it is not a list of numbers and stretches.
 */
export function parseSections(flag: string, text: string): Span[] {
  const spans = text.split(",").map((part): Span => {
    const match = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first) {
      throw wrong(flag, text, "write sections by number from 0, such as 37, 3,7 or 3-7");
    }
    return [first, last + 1];
  }).sort((a, b) => a[0] - b[0]);
  return spans.reduce<Span[]>((merged, [first, end]) => {
    const before = merged.at(-1);
    if (before === undefined || before[1] < first) return [...merged, [first, end]];
    return [...merged.slice(0, -1), [before[0], Math.max(before[1], end)]];
  }, []);
}

/** How the codecs are spelled, and what levels they have. */
const CODECS: Record<string, { levels: readonly [number, number]; usual: number }> = {
  zstd: { levels: [1, 22], usual: 3 },
  gzip: { levels: [0, 9], usual: 6 },
  blosc: { levels: [0, 9], usual: 5 },
  none: { levels: [0, 0], usual: 0 },
  raw: { levels: [0, 0], usual: 0 },
  png: { levels: [0, 9], usual: 6 },
  jpeg: { levels: [1, 100], usual: 90 },
  compressed_segmentation: { levels: [0, 0], usual: 0 },
};

/**
 * Reads `zstd:5`, `gzip`, `blosc:lz4:5` or `none`. Blosc shuffles, and compresses with zstd unless told.
 * @returns The encoding; the planner decides on checksums.
 * @throws {UsageError} If there is no such codec, or it has no such level.
 */
export function parseCodec(flag: string, text: string): ChunkEncoding {
  const [codec, ...rest] = text.toLowerCase().split(":");
  const known = Object.hasOwn(CODECS, codec) ? CODECS[codec] : undefined;
  if (known === undefined) {
    throw wrong(flag, text, unknown(codec, Object.keys(CODECS), ["blosc:lz4"]));
  }
  if (codec === "raw" || codec === "compressed_segmentation") {
    if (rest.length > 0) throw wrong(flag, text, "there is nothing to say behind it");
    const form = codec === "raw" ? { codec } as const : { codec, blockSize: [8, 8, 8] } as const;
    return { codec: "precomputed", form, crc32c: false };
  }
  let cname = "zstd";
  if (codec === "blosc" && rest.length > 0 && !/^\d/.test(rest[0])) {
    cname = rest.shift()!;
    if (cname !== "zstd" && cname !== "lz4") {
      throw wrong(flag, text, unknown(cname, ["zstd", "lz4"]));
    }
  }
  const [least, most] = known.levels;
  const level = rest.length === 0 ? known.usual : /^\d+$/.test(rest[0]) ? Number(rest[0]) : NaN;
  if (rest.length > 1 || (codec === "none" && rest.length > 0)) {
    throw wrong(
      flag,
      text,
      "there is too much behind the codec; write zstd:3, blosc:lz4:5 or none",
    );
  }
  if (!(level >= least && level <= most)) {
    throw wrong(flag, text, `levels of ${codec} go from ${least} to ${most}`);
  }
  switch (codec) {
    case "none":
      return { codec, crc32c: false };
    case "jpeg":
      return { codec: "precomputed", form: { codec, quality: level }, crc32c: false };
    case "png":
      return { codec: "precomputed", form: { codec, level }, crc32c: false };
    case "blosc":
      return { codec, cname: cname as "zstd" | "lz4", level, shuffle: true, crc32c: false };
    default:
      return { codec: codec as "zstd" | "gzip", level, crc32c: false };
  }
}

function unknown(word: string, known: readonly string[], others: readonly string[] = []): string {
  return `the codecs are ${known.join(", ")}${didYouMean(word, [...known, ...others])}`;
}
