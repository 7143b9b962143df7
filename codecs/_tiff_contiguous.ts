/**
 * Stacks of which only the first image has a directory: the others follow its pixels in the file,
 * which is how ImageJ and tifffile get past 4 GiB.
 * @module
 */
import { brokenTiff } from "./_tiff_directory.ts";
import type { TiffPage } from "./_tiff_page.ts";
import { isRaw, planeBytes } from "./_tiff_raw.ts";

/**
 * Checks that `count` images lie one after the other from the first strip of `page` on.
 * @param writer Who says so.
 * @throws {ImageError} Of kind `broken` if they cannot, or the file is too short for them.
 */
export function checkContiguous(
  page: TiffPage,
  count: number,
  fileBytes: number,
  writer: string,
): void {
  const says = `${writer}'s description names ${count} images and there is one directory`;
  const wayOut = "export the stack again, or mend or remove its ImageDescription";
  const follow = page.offsets.every((offset, strip) =>
    strip === 0 || offset === page.offsets[strip - 1] + page.counts[strip - 1]
  );
  if (!isRaw(page) || !follow) {
    throw brokenTiff(`${says}, whose pixels are compressed, tiled or scattered`, wayOut);
  }
  const whole = Math.floor((fileBytes - page.offsets[0]) / planeBytes(page));
  if (whole < count) {
    throw brokenTiff(`${says}; the file of ${fileBytes} bytes holds ${whole} of them`, wayOut);
  }
}

/**
 * How many images tifffile says lie behind one directory: its description is then JSON with a
 * shape, and the words that the directories of the others were left out.
 * @param pixelSamples Numbers in one image.
 */
export function truncatedShape(description: string, pixelSamples: number): number | undefined {
  if (!description.startsWith("{")) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(description);
  } catch {
    return undefined;
  }
  if (typeof said !== "object" || said === null || !("truncated" in said) || !said.truncated) {
    return undefined;
  }
  if (!("shape" in said) || !Array.isArray(said.shape)) return undefined;
  const count = said.shape.reduce((product, side) => product * Number(side), 1) / pixelSamples;
  return Number.isSafeInteger(count) && count > 0 ? count : undefined;
}
