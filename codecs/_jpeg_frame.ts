/**
 * What the markers of a JPEG say before its pixels begin (ITU-T T.81, annex B).
 * @module
 */

const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const JFIF = 0xe0;
const ADOBE = 0xee;

/** Kinds of coding by the last four bits of their frame marker, but for those that are decoded. */
const OTHER_CODINGS: Record<number, string> = {
  3: "lossless",
  5: "hierarchical",
  6: "hierarchical",
  7: "hierarchical lossless",
  9: "arithmetic",
  10: "arithmetic",
  11: "arithmetic lossless",
  13: "hierarchical arithmetic",
  14: "hierarchical arithmetic",
  15: "hierarchical arithmetic lossless",
};

/** What a JPEG holds. */
export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for colours. */
  readonly samples: number;
  /** Pixels in a centimetre along x and y, where its JFIF header gives them so. */
  readonly perCentimetre?: readonly [number, number];
}

/**
 * Reads the markers up to the frame's.
 * @param first The file from its start on.
 * @returns Undefined if more of the file is needed.
 * @throws {SyntaxError} If it is no JPEG, or of a kind that is not decoded: the message says which.
 */
export function readFrame(first: Uint8Array): JpegFrame | undefined {
  if (first[0] !== 0xff || first[1] !== START_OF_IMAGE) {
    throw new SyntaxError("it does not start with the marker FF D8");
  }
  let perCentimetre: readonly [number, number] | undefined;
  for (let at = 2; at + 4 <= first.length;) {
    if (first[at] !== 0xff) throw new SyntaxError(`there is no marker at byte ${at}`);
    const marker = first[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = first[at + 2] << 8 | first[at + 3];
    if (marker === START_OF_SCAN || marker === END_OF_IMAGE || length < 2) {
      throw new SyntaxError(`it has no frame before byte ${at}`);
    }
    const body = first.subarray(at + 4, at + 2 + length);
    if (marker === JFIF && body[7] === 2 && body.length >= 12) {
      perCentimetre = [body[8] << 8 | body[9], body[10] << 8 | body[11]];
    }
    if (marker >> 4 === 0xc && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (body.length < 6) return undefined;
      return { ...frameOf(marker & 15, body), ...(perCentimetre ? { perCentimetre } : {}) };
    }
    at += 2 + length;
  }
  return undefined;
}

function frameOf(coding: number, body: Uint8Array): JpegFrame {
  const [bits, h1, h0, w1, w0, samples] = body;
  const name = OTHER_CODINGS[coding];
  if (name !== undefined) {
    throw new SyntaxError(`its coding is ${name}, and baseline and progressive are decoded`);
  }
  if (bits !== 8) throw new SyntaxError(`its samples have ${bits} bits, and 8 are decoded`);
  if (samples === 4) throw new SyntaxError("its colours are CMYK, and grey and RGB are decoded");
  if (samples !== 1 && samples !== 3) {
    throw new SyntaxError(`it has ${samples} samples a pixel, and 1 and 3 are decoded`);
  }
  const width = w1 << 8 | w0;
  const height = h1 << 8 | h0;
  if (width === 0 || height === 0) throw new SyntaxError(`its size is ${width} x ${height}`);
  return { width, height, samples };
}

/**
 * Makes a JPEG that stands for itself of a strip or tile of a TIFF.
 * @param block What the TIFF holds: tables may be left out, and with them what its colours are.
 * @param tables The tables that blocks of the image share, as a JPEG without a frame.
 * @param isYcc Whether three samples are YCbCr rather than RGB, where the block itself is silent.
 */
export function completeJpeg(
  block: Uint8Array,
  tables: Uint8Array | undefined,
  isYcc: boolean,
): Uint8Array {
  // Adobe's marker is the one way to say "RGB"; a JFIF or Adobe marker of the block's own prevails.
  const colours = [0xff, ADOBE, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, +isYcc];
  const shared = tables === undefined ? new Uint8Array(0) : withoutEnds(tables);
  const own = withoutEnds(block);
  const whole = new Uint8Array(2 + colours.length + shared.length + own.length + 2);
  whole.set([0xff, START_OF_IMAGE, ...colours]);
  whole.set(shared, 2 + colours.length);
  whole.set(own, 2 + colours.length + shared.length);
  whole.set([0xff, END_OF_IMAGE], whole.length - 2);
  return whole;
}

/** What lies between the start and the end marker, and without the filling after the latter. */
function withoutEnds(jpeg: Uint8Array): Uint8Array {
  let end = jpeg.length;
  while (end > 2 && jpeg[end - 1] === 0) end--;
  const ends = jpeg[end - 2] === 0xff && jpeg[end - 1] === END_OF_IMAGE;
  return jpeg.subarray(2, ends ? end - 2 : jpeg.length);
}
