/**
 * PNG files of one section, written segment by segment.
 * @module
 */
import {
  encodePngHead,
  encodePngTail,
  type GreyPng,
  joinAdler,
  pngChunk,
} from "../codecs/png_segments.ts";
import { chooseRowsPerStrip } from "../codecs/tiff_encode.ts";
import type { EncodedStrip, StripEncoding } from "../pool/_encode_strips.ts";
import { WholeFile } from "./_whole_file.ts";
import type { SectionFile } from "./section_file.ts";

/** A grey PNG on its way. */
export class PngSectionFile implements SectionFile {
  readonly rowsPerStrip: number;
  readonly encoding: StripEncoding = { kind: "png" };
  readonly #file: WholeFile;
  readonly #strips: number;
  #next = 0;
  #adler = 1;

  private constructor(image: GreyPng, file: WholeFile) {
    this.rowsPerStrip = chooseRowsPerStrip(image.width, image.height, image.dtype);
    this.#strips = Math.ceil(image.height / this.rowsPerStrip);
    this.#file = file;
  }

  /**
   * Starts a PNG; its folder must exist.
   * @throws {RangeError} If the pixel size is not one that a PNG can hold.
   */
  static async create(path: string, image: GreyPng): Promise<PngSectionFile> {
    const head = encodePngHead(image);
    const png = new PngSectionFile(image, await WholeFile.create(path));
    png.#file.write(0, head);
    return png;
  }

  get path(): string {
    return this.#file.path;
  }

  put(_page: number, { bytes, adler = 1, length = 0 }: EncodedStrip): void {
    this.#file.write(this.#file.end, pngChunk("IDAT", bytes));
    this.#adler = joinAdler(this.#adler, adler, length);
    this.#next++;
  }

  async commit(): Promise<number> {
    if (this.#next !== this.#strips) {
      throw new RangeError(
        `Cannot finish "${this.path}": it has ${this.#next} of ${this.#strips} segments`,
      );
    }
    this.#file.write(this.#file.end, encodePngTail(this.#adler));
    return await this.#file.commit();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file[Symbol.asyncDispose]();
  }
}
