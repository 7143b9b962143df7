/**
 * JPEG images: baseline and progressive, grey and RGB, 8 bits a sample (ITU-T T.81).
 * @module
 */
import { ImageError, messageOf } from "../core/errors.ts";
import { type JpegFrame, readFrame } from "./_jpeg_frame.ts";
import { loadJpegDecoder, MOST_JPEG_BYTES } from "./_libjpeg_turbo.ts";
import { voxelSizeOf } from "./_resolution.ts";
import type { ByteSource, ImageAt, ImageFile, ImageFormat, ImageReader } from "./image.ts";

/** Markers before the frame fit in this, but for previews and colour profiles. */
const FIRST_BYTES = 4096;

/** A file may go on after its end marker for as long as this. */
const TAIL_BYTES = 4096;

/**
 * JPEG.
 *
 * Pixels are libjpeg-turbo's, the same as Pillow's. Rows are as they are stored: what EXIF says of
 * orientation is left aside, as a stack of sections is turned as a whole or not at all. The
 * resolution in a JFIF header is a voxel size only where it is in dots a centimetre, and not one
 * that programs put in for printing.
 *
 * `open` decodes the whole image at its first row, whatever `wholeBytes` says: the coding allows no
 * other way. `describe` reads the markers before the pixels and the end of the file.
 *
 * Not decoded, and refused by name: lossless, hierarchical and arithmetic coding, 12 bits, CMYK, pixels
 * that take more than 512 MiB.
 */
export const jpeg: ImageFormat = {
  name: "jpeg",

  matches(first: Uint8Array): boolean {
    return first[0] === 0xff && first[1] === 0xd8 && first[2] === 0xff;
  },

  async describe(bytes: ByteSource): Promise<ImageFile> {
    const frame = await frameOf(bytes);
    const tail = new Uint8Array(Math.min(TAIL_BYTES, bytes.size));
    await bytes.read(bytes.size - tail.length, tail);
    if (!hasEnd(tail)) {
      throw broken("its end marker FF D9 is absent, so it was cut short");
    }
    const [x, y] = frame.perCentimetre ?? [0, 0];
    const voxelSize = voxelSizeOf([x, 1], [y, 1]);
    return {
      format: "jpeg",
      images: [{ ...headerOf(frame), at: {} }],
      ...(voxelSize === undefined ? {} : { voxelSize }),
    };
  },

  async open(bytes: ByteSource, _at: ImageAt): Promise<ImageReader> {
    const header = headerOf(await frameOf(bytes));
    const rowBytes = header.width * header.samples;
    let pixels: Uint8Array | undefined;
    const decode = async () => {
      const packed = new Uint8Array(bytes.size);
      await bytes.read(0, packed);
      const decoder = await loadJpegDecoder();
      try {
        decoder(packed, ({ bytes }) => pixels = bytes.slice());
      } catch (error) {
        throw broken(messageOf(error), { cause: error });
      }
      if (pixels?.length !== rowBytes * header.height) {
        throw broken(`it holds ${pixels?.length} bytes of pixels`);
      }
      return pixels;
    };
    return {
      header,
      readRows: async (first, end, out) => {
        pixels ??= await decode();
        out.set(pixels.subarray(first * rowBytes, end * rowBytes));
      },
      [Symbol.asyncDispose]: () => {
        pixels = undefined;
        return Promise.resolve();
      },
    };
  },
};

async function frameOf(bytes: ByteSource): Promise<JpegFrame> {
  for (let length = FIRST_BYTES;; length *= 8) {
    const first = new Uint8Array(Math.min(length, bytes.size));
    await bytes.read(0, first);
    const frame = attempt(() => readFrame(first));
    if (frame !== undefined) return small(frame);
    if (length >= bytes.size) throw broken("it ends before its pixels begin");
  }
}

function small(frame: JpegFrame): JpegFrame {
  const pixelBytes = frame.width * frame.height * frame.samples;
  if (pixelBytes <= MOST_JPEG_BYTES) return frame;
  throw broken(
    `its ${frame.width} x ${frame.height} pixels take ${pixelBytes} bytes and up to ` +
      `${MOST_JPEG_BYTES} are decoded`,
    { wayOut: "convert it to tiled TIFF" },
  );
}

function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw broken(messageOf(error), { cause: error });
  }
}

function headerOf({ width, height, samples }: JpegFrame) {
  return { width, height, samples, dtype: "uint8", rowGroup: height } as const;
}

function hasEnd(tail: Uint8Array): boolean {
  for (let at = tail.length - 2; at >= 0; at--) {
    if (tail[at] === 0xff && tail[at + 1] === 0xd9) return true;
  }
  return false;
}

function broken(
  state: string,
  { wayOut = "copy or convert the file again", ...options }: ErrorOptions & { wayOut?: string } =
    {},
): ImageError {
  return new ImageError(
    `Cannot decode the JPEG as an image: ${state}; ${wayOut}`,
    "broken",
    options,
  );
}
