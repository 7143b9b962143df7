/**
 * Rows of uncompressed strips: read from the file straight into place.
 * @module
 */
import { VOXEL_BYTES } from "../core/dtype.ts";
import type { ByteSource } from "./image.ts";
import type { TiffPage } from "./_tiff_page.ts";
import { swapBytes } from "./_tiff_swap.ts";

/** Whether rows of a page lie in the file as they are, but for their byte order. */
export function isRaw(page: TiffPage): boolean {
  return page.packing === "none" && !page.tiled && page.bits >= 8;
}

/** Bytes between two images of a contiguous stack. */
export function planeBytes({ header }: TiffPage): number {
  return header.width * header.height * header.samples * VOXEL_BYTES[header.dtype];
}

/**
 * Reads rows `first` (inside) to `end` (not).
 * @param shift Bytes to add to every offset, for a later image of a contiguous stack.
 */
export async function readRawRows(
  bytes: ByteSource,
  page: TiffPage,
  shift: number,
  first: number,
  end: number,
  out: Uint8Array,
): Promise<void> {
  const { header, planes, down } = page;
  const sampleBytes = VOXEL_BYTES[header.dtype];
  const rowBytes = header.width * (header.samples / planes) * sampleBytes;
  if (planes === 1) {
    for (const run of runs(page, 0, first, end, rowBytes)) {
      await bytes.read(run.offset + shift, out.subarray(run.to, run.to + run.length));
    }
  } else {
    const plane = new Uint8Array((end - first) * rowBytes);
    for (let sample = 0; sample < planes; sample++) {
      for (const run of runs(page, sample * down, first, end, rowBytes)) {
        await bytes.read(run.offset + shift, plane.subarray(run.to, run.to + run.length));
      }
      interleave(plane, out, sample, planes, sampleBytes);
    }
  }
  if (!page.little) swapBytes(out, sampleBytes);
}

/** Puts the samples of one plane where they belong among those of `planes`. */
export function interleave(
  plane: Uint8Array,
  out: Uint8Array,
  sample: number,
  planes: number,
  sampleBytes: number,
): void {
  const stride = planes * sampleBytes;
  for (let byte = 0; byte < sampleBytes; byte++) {
    let to = sample * sampleBytes + byte;
    for (let from = byte; from < plane.length; from += sampleBytes, to += stride) {
      out[to] = plane[from];
    }
  }
}

interface Run {
  offset: number;
  to: number;
  length: number;
}

/** The stretches of the file that hold the rows; strips that follow each other make one. */
function runs(
  page: TiffPage,
  firstBlock: number,
  first: number,
  end: number,
  rowBytes: number,
): Run[] {
  const found: Run[] = [];
  for (let row = first; row < end;) {
    const strip = Math.floor(row / page.blockHeight);
    const until = Math.min(end, (strip + 1) * page.blockHeight);
    const offset = page.offsets[firstBlock + strip] + (row - strip * page.blockHeight) * rowBytes;
    const length = (until - row) * rowBytes;
    const last = found.at(-1);
    if (last !== undefined && last.offset + last.length === offset) last.length += length;
    else found.push({ offset, to: (row - first) * rowBytes, length });
    row = until;
  }
  return found;
}
