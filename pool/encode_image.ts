/** A whole image of one sample a pixel, encoded. */
import { encodeJpeg } from "../codecs/jpeg_encode.ts";
import { encodePng } from "../codecs/png_encode.ts";
import { encodeTiffHead, planTiff, stripTable } from "../codecs/tiff_encode.ts";
import { type Dtype, viewBytes, type VoxelArray } from "../core/dtype.ts";
import type { JobContext } from "./jobs.ts";

/** How an image becomes bytes: TIFFs are not compressed. */
export type ImageEncoding =
  | { readonly kind: "png" }
  | { readonly kind: "tiff" }
  | { readonly kind: "jpeg"; readonly quality?: number };

/** Which image, and how. */
export interface EncodeImageInput {
  /** Pixels, row by row: PNG takes uint8 and uint16, JPEG uint8. */
  readonly data: VoxelArray;
  /** Their type. */
  readonly dtype: Dtype;
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** How they become bytes. */
  readonly encoding: ImageEncoding;
}

/** As a job: encodes an image. */
export function encodeImage(input: EncodeImageInput, { times, transfer }: JobContext): Uint8Array {
  const start = performance.now();
  const bytes = imageBytes(input);
  transfer.push(bytes.buffer as ArrayBuffer);
  times.encode += performance.now() - start;
  return bytes;
}

/** The bytes of an image. */
export function imageBytes({ data, dtype, width, height, encoding }: EncodeImageInput): Uint8Array {
  const pixels = viewBytes(data);
  switch (encoding.kind) {
    case "jpeg":
      return encodeJpeg({ width, height, samples: 1, data: pixels, quality: encoding.quality });
    case "png":
      return encodePng({
        width,
        height,
        samples: 1,
        dtype: dtype as "uint8" | "uint16",
        data: pixels,
      });
    case "tiff":
      return encodeTiff(pixels, { width, height, dtype });
  }
  return encoding satisfies never;
}

function encodeTiff(
  pixels: Uint8Array,
  image: Pick<EncodeImageInput, "width" | "height" | "dtype">,
): Uint8Array {
  const plan = planTiff({ ...image, compression: "none" });
  const file = new Uint8Array(plan.dataAt + pixels.length);
  let at = 0;
  for (const piece of encodeTiffHead(plan, stripTable(plan))) {
    file.set(piece, at);
    at += piece.length;
  }
  file.set(pixels, plan.dataAt);
  return file;
}
