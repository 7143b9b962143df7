/** Rows of a band, encoded as strips of a TIFF or segments of a PNG. */
import { encodePngSegment } from "../codecs/png_segments.ts";
import { encodeStripRows, type StripPacking } from "../codecs/tiff_encode.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import type { JobContext } from "./jobs.ts";

/** How strips are encoded: plain data, so that any worker can. */
export type StripEncoding =
  | { readonly kind: "tiff"; readonly packing: StripPacking }
  | { readonly kind: "png" };

/** Which rows, and how. */
export interface EncodeStripsInput {
  /** Voxels of a band. */
  readonly data: VoxelArray;
  /** Their type. */
  readonly dtype: Dtype;
  /** Voxels before the first row. */
  readonly offset: number;
  /** Voxels in a row. */
  readonly width: number;
  /** How many rows, */
  readonly rows: number;
  /** and how many of them to a strip. */
  readonly rowsPerStrip: number;
  /** How strips become bytes. */
  readonly encoding: StripEncoding;
}

/** One strip, ready to be written. */
export interface EncodedStrip {
  /** What is stored. */
  readonly bytes: Uint8Array;
  /** PNG: Adler-32 of what was deflated, */
  readonly adler?: number;
  /** and how many bytes that was. */
  readonly length?: number;
}

/** Encodes some whole strips of one section. */
export function encodeStrips(
  { data, dtype, offset, width, rows, rowsPerStrip, encoding }: EncodeStripsInput,
  { times, transfer }: JobContext,
): EncodedStrip[] {
  const start = performance.now();
  const voxelBytes = VOXEL_BYTES[dtype];
  const bytes = viewBytes(data).subarray(offset * voxelBytes, (offset + rows * width) * voxelBytes);
  const voxels = viewVoxels(dtype, bytes);
  const strips: EncodedStrip[] = encoding.kind === "tiff"
    ? encodeStripRows(voxels, width, rowsPerStrip, encoding.packing).map((strip) => ({
      bytes: strip,
    }))
    : Array.from({ length: Math.ceil(rows / rowsPerStrip) }, (_, i) => {
      const part = voxels.subarray(i * rowsPerStrip * width, (i + 1) * rowsPerStrip * width);
      return encodePngSegment(part as Uint8Array | Uint16Array, width);
    });
  for (const strip of strips) transfer.push(strip.bytes.buffer as ArrayBuffer);
  times.encode += performance.now() - start;
  return strips;
}
