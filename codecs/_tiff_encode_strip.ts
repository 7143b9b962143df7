/**
 * Rows become the bytes of a strip: differences between neighbours (predictor 2), or bytes of floats sorted by weight
 * and then their differences (predictor 3, Adobe's Photoshop TIFF Technical Note 3), then deflate or zstd.
 * @module
 */
import { constants, deflateSync } from "node:zlib";
import { viewBytes, viewVoxels, type VoxelArray } from "../core/dtype.ts";
import { compressZstd } from "./_zstd.ts";

/** How strips are packed. */
export interface StripPacking {
  /** How rows become smaller. */
  readonly compression: "none" | "deflate" | "zstd";
  /** 1: none; 2: differences of integers; 3: of the bytes of floats. */
  readonly predictor: 1 | 2 | 3;
}

const DEFLATE_LEVEL = 6;
const ZSTD_LEVEL = 3;
const SAMPLE_BYTES = 16384;

let scratch = new Uint8Array(0);

/**
 * Encodes whole rows, strip after strip: the same rows give the same bytes.
 * @param rows Rows one after the other, little-endian; may lie on shared memory.
 * @returns For each strip its bytes, on memory of their own.
 */
export function encodeStripRows(
  rows: VoxelArray,
  width: number,
  rowsPerStrip: number,
  { compression, predictor }: StripPacking,
): Uint8Array<ArrayBuffer>[] {
  if (scratch.length < rows.byteLength) scratch = new Uint8Array(rows.byteLength);
  const bytes = scratch.subarray(0, rows.byteLength);
  predict(rows, width, predictor, bytes);
  const stripBytes = rowsPerStrip * width * rows.BYTES_PER_ELEMENT;
  const strips = Array.from(
    { length: Math.ceil(bytes.length / stripBytes) },
    (_, i) => bytes.subarray(i * stripBytes, (i + 1) * stripBytes),
  );
  switch (compression) {
    case "none":
      return strips.map((strip) => strip.slice());
    case "zstd":
      return strips.map((strip) => owned(compressZstd(strip, ZSTD_LEVEL)));
    case "deflate": {
      const strategy = chooseStrategy(bytes);
      return strips.map((strip) => deflate(strip, strategy));
    }
  }
  return compression satisfies never;
}

/** Noise has no repetitions worth a search: looking for none but runs is then twice as fast and as small. */
export function chooseStrategy(bytes: Uint8Array): number {
  const middle = Math.max(0, (bytes.length - SAMPLE_BYTES) >> 1);
  const sample = bytes.subarray(middle, middle + SAMPLE_BYTES);
  const runs = deflate(sample, constants.Z_RLE).length;
  return runs <= 1.01 * deflate(sample, constants.Z_DEFAULT_STRATEGY).length
    ? constants.Z_RLE
    : constants.Z_DEFAULT_STRATEGY;
}

function deflate(bytes: Uint8Array, strategy: number): Uint8Array<ArrayBuffer> {
  const chunkSize = bytes.length + (bytes.length >> 8) + 1024;
  return owned(deflateSync(bytes, { level: DEFLATE_LEVEL, strategy, chunkSize }));
}

/** A copy in memory of its own: what zlib gives is a Buffer, whose `slice` shares a pool that cannot move to a thread. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function predict(rows: VoxelArray, width: number, predictor: 1 | 2 | 3, to: Uint8Array): void {
  const from = viewBytes(rows);
  if (predictor === 1) to.set(from);
  else if (predictor === 3) splitFloats(from, width, to);
  else if (rows instanceof BigUint64Array) subtract64(from, width, to);
  else {
    const dtype = ({ 1: "uint8", 2: "uint16", 4: "uint32" } as const)[rows.BYTES_PER_ELEMENT]!;
    subtract(
      viewVoxels(dtype, from) as Uint32Array,
      width,
      viewVoxels(dtype, to) as Uint32Array,
    );
  }
}

function subtract(from: Uint32Array, width: number, to: Uint32Array): void {
  for (let start = 0; start < from.length; start += width) {
    let left = 0;
    for (let i = start; i < start + width; i++) {
      const value = from[i];
      to[i] = value - left;
      left = value;
    }
  }
}

/** Two words at a time: numbers of 64 bits are slow. */
function subtract64(fromBytes: Uint8Array, width: number, toBytes: Uint8Array): void {
  const from = viewVoxels("uint32", fromBytes) as Uint32Array;
  const to = viewVoxels("uint32", toBytes) as Uint32Array;
  for (let start = 0; start < from.length; start += 2 * width) {
    let [low, high] = [0, 0];
    for (let i = start; i < start + 2 * width; i += 2) {
      const [nextLow, nextHigh] = [from[i], from[i + 1]];
      to[i] = nextLow - low;
      to[i + 1] = nextHigh - high - (nextLow < low ? 1 : 0);
      [low, high] = [nextLow, nextHigh];
    }
  }
}

function splitFloats(from: Uint8Array, width: number, to: Uint8Array): void {
  const rowBytes = 4 * width;
  for (let start = 0; start < from.length; start += rowBytes) {
    for (let i = 0, at = start; i < width; i++, at += 4) {
      to[start + i] = from[at + 3];
      to[start + width + i] = from[at + 2];
      to[start + 2 * width + i] = from[at + 1];
      to[start + 3 * width + i] = from[at];
    }
    for (let i = start + rowBytes - 1; i > start; i--) to[i] -= to[i - 1];
  }
}
