/**
 * TIFF files of one page or many, written strip by strip, in any order of pages.
 * @module
 */
import {
  encodeTiffHead,
  planTiff,
  type StripTable,
  stripTable,
  type TiffImage,
  type TiffPlan,
} from "../codecs/tiff_encode.ts";
import type { EncodedStrip, StripEncoding } from "../pool/_encode_strips.ts";
import { WholeFile } from "./_whole_file.ts";
import type { SectionFile } from "./section_file.ts";

/**
 * A TIFF on its way.
 *
 * Directories lie at the front, so that many pages are found quickly; strips that are not compressed lie page after
 * page without gaps, as ImageJ expects.
 */
export class TiffSectionFile implements SectionFile {
  readonly #plan: TiffPlan;
  readonly #file: WholeFile;
  readonly #table: StripTable;
  readonly #next: Uint32Array;

  private constructor(plan: TiffPlan, file: WholeFile) {
    this.#plan = plan;
    this.#file = file;
    this.#table = stripTable(plan);
    this.#next = new Uint32Array(plan.pages);
  }

  /**
   * Starts a TIFF; its folder must exist.
   * @throws {RangeError} As `planTiff`.
   */
  static async create(path: string, image: TiffImage): Promise<TiffSectionFile> {
    const plan = planTiff(image);
    return new TiffSectionFile(plan, await WholeFile.create(path));
  }

  get path(): string {
    return this.#file.path;
  }

  get rowsPerStrip(): number {
    return this.#plan.rowsPerStrip;
  }

  get encoding(): StripEncoding | undefined {
    const { packing } = this.#plan;
    return packing.compression === "none" ? undefined : { kind: "tiff", packing };
  }

  put(page: number, { bytes }: EncodedStrip): void {
    const { offsets, counts } = this.#table;
    const { strips, packing, dataAt } = this.#plan;
    const at = page * strips + this.#next[page]++;
    if (packing.compression !== "none") {
      offsets[at] = Math.max(dataAt, this.#file.end);
      counts[at] = bytes.length;
    }
    this.#file.write(offsets[at], bytes);
  }

  async commit(): Promise<number> {
    const short = this.#next.findIndex((count) => count !== this.#plan.strips);
    if (short >= 0) {
      throw new RangeError(
        `Cannot finish "${this.path}": page ${short} has ${
          this.#next[short]
        } of ${this.#plan.strips} strips`,
      );
    }
    let at = 0;
    for (const part of encodeTiffHead(this.#plan, this.#table)) {
      this.#file.write(at, part);
      at += part.length;
    }
    return await this.#file.commit();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file[Symbol.asyncDispose]();
  }
}
