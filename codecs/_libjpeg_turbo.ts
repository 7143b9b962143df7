/**
 * libjpeg-turbo, the one decoder of JPEG: loaded on first use.
 *
 * Its WebAssembly lies in a file of the package, which takes read permission for that file; where
 * that is not granted, the package's build in plain JavaScript decodes the same pixels, at about
 * two thirds of the rate.
 * @module
 */

/** A decoded JPEG. */
export interface JpegPixels {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for RGB. */
  readonly samples: number;
  /** Rows of interleaved samples: a view on the decoder's memory. */
  readonly bytes: Uint8Array;
}

/**
 * Decodes one JPEG and hands its pixels to `use`, which copies what it keeps.
 * @throws {SyntaxError} If the JPEG is truncated or damaged, be it only in part.
 */
export type JpegDecoder = (jpeg: Uint8Array, use: (pixels: JpegPixels) => void) => void;

interface Turbo {
  readonly HEAPU8: Uint8Array;
  readonly JPEGDecoder: new () => {
    getEncodedBuffer(length: number): Uint8Array;
    getDecodedBuffer(): Uint8Array;
    getFrameInfo(): { width: number; height: number; componentCount: number };
    decode(): void;
    delete(): void;
  };
}

type TurboFactory = (options: { wasmBinary?: Uint8Array }) => Promise<Turbo>;

/** Memory that grew past this for a large image is given back rather than kept for the next one. */
const KEPT_BYTES = 256 * 1024 * 1024;

/** Pixels of one image may take this many bytes: the package refuses more. */
export const MOST_JPEG_BYTES = 512 * 1024 * 1024;

let loading: Promise<Turbo> | undefined;

/** Loads the decoder, of which one serves a whole thread. */
export async function loadJpegDecoder(): Promise<JpegDecoder> {
  const turbo = await (loading ??= load());
  return (jpeg, use) => {
    const decoder = new turbo.JPEGDecoder();
    try {
      decodeWith(decoder, jpeg);
      const { width, height, componentCount } = decoder.getFrameInfo();
      use({ width, height, samples: componentCount, bytes: decoder.getDecodedBuffer() });
    } finally {
      decoder.delete();
      if (turbo.HEAPU8.length > KEPT_BYTES) loading = undefined;
    }
  };
}

function decodeWith(decoder: InstanceType<Turbo["JPEGDecoder"]>, jpeg: Uint8Array): void {
  try {
    decoder.getEncodedBuffer(jpeg.length).set(jpeg);
    decoder.decode();
  } catch (error) {
    // What it throws is an address in its memory, and what it had allocated stays there.
    loading = undefined;
    throw new SyntaxError("libjpeg-turbo finds it truncated or damaged", { cause: error });
  }
}

async function load(): Promise<Turbo> {
  const wasmBinary = await readWasm();
  const { default: factory } = wasmBinary === undefined
    ? await import("npm:@cornerstonejs/codec-libjpeg-turbo-8bit@1.2.8/decode")
    : await import("npm:@cornerstonejs/codec-libjpeg-turbo-8bit@1.2.8/decodewasmjs");
  return await (factory as unknown as TurboFactory)({
    ...(wasmBinary === undefined ? {} : { wasmBinary }),
  });
}

/** The WebAssembly of the package, if it may be read without asking. */
async function readWasm(): Promise<Uint8Array | undefined> {
  try {
    const path = new URL(
      import.meta.resolve("npm:@cornerstonejs/codec-libjpeg-turbo-8bit@1.2.8/decodewasm"),
    );
    if (path.protocol !== "file:") return undefined;
    const { state } = await Deno.permissions.query({ name: "read", path });
    return state === "granted" ? await Deno.readFile(path) : undefined;
  } catch {
    return undefined;
  }
}
