/**
 * The one file that imports imagescript: resizing and composing of 8-bit RGBA, the only pixels it has.
 *
 * Its main module loads a native addon, which takes --allow-ffi; this one is plain JavaScript.
 * @module
 */
import imported from "npm:imagescript@1.3.1/v2/framebuffer.mjs";

/** Its types take the module for CommonJS, where the class would lie one `default` deeper. */
const Framebuffer = imported as unknown as typeof imported.default;

/** Pixels of 8-bit red, green, blue and opacity. */
export interface Rgba {
  readonly width: number;
  readonly height: number;
  /** Rows one after the other, four bytes a pixel. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Resizes a picture: `cubic` for images, `nearest` for labels. */
export function resizeRgba(
  { width, height, data }: Rgba,
  toWidth: number,
  toHeight: number,
  how: "cubic" | "nearest",
): Rgba {
  if (toWidth === width && toHeight === height) return { width, height, data };
  const frame = new Framebuffer(width, height, data).resize(how, toWidth, toHeight);
  return { width: toWidth, height: toHeight, data: frame.u8 as Uint8Array<ArrayBuffer> };
}

/** Lays pictures over a background, each with its upper left corner at a place. */
export function composeRgba(
  background: Rgba,
  parts: readonly { readonly picture: Rgba; readonly x: number; readonly y: number }[],
): Rgba {
  const { width, height, data } = background;
  const frame = new Framebuffer(width, height, data.slice());
  for (const { picture, x, y } of parts) {
    frame.overlay(new Framebuffer(picture.width, picture.height, picture.data), x, y);
  }
  return { width, height, data: frame.u8 as Uint8Array<ArrayBuffer> };
}
