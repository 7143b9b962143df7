/**
 * Tiny images for tests, odd in every axis: uncompressed TIFF, and PNG by the project's own encoder.
 * @module
 */
import { dirname, join } from "node:path";
import { encodePng } from "../codecs/png_encode.ts";
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";

/** What a test image is; pixels rise from `first`, so that no two images are alike. */
export interface TestImage {
  readonly width?: number;
  readonly height?: number;
  readonly samples?: 1 | 3 | 4;
  readonly dtype?: Dtype;
  readonly first?: number;
}

/** What a TIFF says beside its pixels. */
export interface TestTiff {
  readonly description?: string;
  /** Pixels in a centimetre. */
  readonly perCentimetre?: number;
}

function pixels({ width = 7, height = 5, samples = 1, dtype = "uint8", first = 0 }: TestImage) {
  const bytes = new Uint8Array(width * height * samples * VOXEL_BYTES[dtype]);
  for (let at = 0; at < bytes.length; at++) bytes[at] = first + at * 3;
  return bytes;
}

/** A PNG. */
export function pngOf(image: TestImage = {}): Uint8Array {
  const { width = 7, height = 5, samples = 1, dtype = "uint8" } = image;
  if (dtype !== "uint8" && dtype !== "uint16") throw new TypeError(`PNG knows no ${dtype}`);
  return encodePng({ width, height, samples, dtype, data: pixels(image) });
}

/** A little-endian TIFF of one strip a page (TIFF 6.0); each directory lies before its pixels. */
export function tiffOf(
  images: readonly TestImage[] = [{}],
  { description, perCentimetre }: TestTiff = {},
): Uint8Array {
  const text = new TextEncoder().encode(`${description ?? ""}\0`);
  const parts: Uint8Array[] = [];
  let at = 8;
  for (const [index, image] of images.entries()) {
    const { width = 7, height = 5, samples = 1, dtype = "uint8" } = image;
    const data = pixels(image);
    const bits = VOXEL_BYTES[dtype] * 8;
    const format = dtype.startsWith("u") ? 1 : dtype.startsWith("i") ? 2 : 3;
    const hasText = index === 0 && description !== undefined;
    const hasSize = index === 0 && perCentimetre !== undefined;
    const tags = 11 + Number(hasText) + 3 * Number(hasSize);
    const extra = 2 + tags * 12 + 4;
    const textAt = at + extra;
    const bitsAt = textAt + (hasText ? text.length + text.length % 2 : 0);
    const ratioAt = bitsAt + 2 * samples * 2;
    const dataAt = ratioAt + 8;
    const end = dataAt + data.length + data.length % 2;
    const page = new Uint8Array(end - at);
    const view = new DataView(page.buffer);
    view.setUint16(0, tags, true);
    let field = 2;
    const put = (tag: number, type: 2 | 3 | 4 | 5, count: number, value: number) => {
      view.setUint16(field, tag, true);
      view.setUint16(field + 2, type, true);
      view.setUint32(field + 4, count, true);
      if (type === 3 && count === 1) view.setUint16(field + 8, value, true);
      else view.setUint32(field + 8, value, true);
      field += 12;
    };
    const shorts = (tag: number, value: number, place: number) => {
      for (let i = 0; i < samples; i++) view.setUint16(place - at + 2 * i, value, true);
      // One short lies in the field itself, two would, three do not.
      put(tag, 3, samples, samples === 1 ? value : place);
    };
    put(256, 4, 1, width);
    put(257, 4, 1, height);
    shorts(258, bits, bitsAt);
    put(259, 3, 1, 1);
    put(262, 3, 1, samples === 1 ? 1 : 2);
    if (hasText) put(270, 2, text.length, textAt);
    put(273, 4, 1, dataAt);
    put(277, 3, 1, samples);
    put(278, 4, 1, height);
    put(279, 4, 1, data.length);
    if (hasSize) {
      view.setUint32(ratioAt - at, perCentimetre, true);
      view.setUint32(ratioAt - at + 4, 1, true);
      put(282, 5, 1, ratioAt);
      put(283, 5, 1, ratioAt);
    }
    put(284, 3, 1, 1);
    if (hasSize) put(296, 3, 1, 3);
    shorts(339, format, bitsAt + 2 * samples);
    view.setUint32(field, index === images.length - 1 ? 0 : end, true);
    if (hasText) page.set(text, textAt - at);
    page.set(data, dataAt - at);
    parts.push(page);
    at = end;
  }
  const head = new Uint8Array([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  const file = new Uint8Array(at);
  let place = 0;
  for (const part of [head, ...parts]) {
    file.set(part, place);
    place += part.length;
  }
  return file;
}

/** A folder of files that is gone when the test is over; a value of `null` makes a folder. */
export class TestFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async of(
    files: Readonly<Record<string, Uint8Array | string | null>>,
  ): Promise<TestFolder> {
    const folder = new TestFolder(await Deno.realPath(await Deno.makeTempDir()));
    for (const [name, content] of Object.entries(files)) await folder.put(name, content);
    return folder;
  }

  /** Writes one file. */
  async put(name: string, content: Uint8Array | string | null): Promise<void> {
    const path = join(this.path, name);
    await Deno.mkdir(content === null ? path : dirname(path), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(path, content);
    else if (content !== null) await Deno.writeFile(path, content);
  }

  /** Removes one file. */
  async remove(name: string): Promise<void> {
    await Deno.remove(join(this.path, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** The same file under many names. */
export function filesOf<T>(names: readonly string[], content: T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, content]));
}

/** The folder of real data, where there is one: `SLUICE_TEST_DATA`, or `../shared/data` beside the project. */
export const testData: string | undefined = (() => {
  const beside = join(import.meta.dirname ?? ".", "../../shared/data");
  const path = Deno.env.get("SLUICE_TEST_DATA") ?? beside;
  try {
    return Deno.statSync(path).isDirectory ? path : undefined;
  } catch {
    return undefined;
  }
})();
