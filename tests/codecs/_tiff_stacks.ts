/** Small TIFFs that say of themselves how their images stack, and what the reader makes of it. */
import { ok, rejects } from "node:assert/strict";
import type { ImageFile } from "../../codecs/image.ts";
import { tiff } from "../../codecs/tiff.ts";
import { ImageError } from "../../core/errors.ts";
import { memorySource } from "./_png_reading.ts";
import { makeTiff, type TestField, type TestPage } from "./_tiff_writer.ts";

export const WIDTH = 7, HEIGHT = 5;
const SAMPLE_BYTES = 2;
export const PLANE_BYTES = WIDTH * HEIGHT * SAMPLE_BYTES;

export function pixelsOf(plane: number): Uint8Array {
  return Uint8Array.from({ length: PLANE_BYTES }, (_, i) => plane * 41 + i * 3);
}

export function page(plane: number, ...fields: TestField[]): TestPage {
  return {
    width: WIDTH,
    height: HEIGHT,
    sampleBytes: SAMPLE_BYTES,
    rowsPerStrip: 2,
    pixels: pixelsOf(plane),
    fields,
  };
}

export function stack(count: number, description: string, ...fields: TestField[]): Uint8Array {
  return makeTiff(
    Array.from(
      { length: count },
      (_, i) => i === 0 ? page(0, [270, 2, `${description}\0`], ...fields) : page(i),
    ),
  );
}

export function describe(file: Uint8Array): Promise<ImageFile> {
  return tiff.describe(memorySource(file));
}

export async function refuses(file: Uint8Array, says: RegExp): Promise<void> {
  await rejects(describe(file), (error) => {
    ok(error instanceof ImageError && error.kind === "broken", String(error));
    ok(says.test(error.message), error.message);
    return true;
  });
}

export function places(file: ImageFile, series = 0): string[] {
  return file.series![series].layout.planes.map(({ image, z, c, t, file }) =>
    `${image}: z${z} c${c} t${t}${file === undefined ? "" : ` in ${file}`}`
  );
}

export function sizes(file: ImageFile, series = 0): number[] {
  const { sizeZ, sizeC, sizeT } = file.series![series].layout;
  return [sizeZ, sizeC, sizeT];
}
