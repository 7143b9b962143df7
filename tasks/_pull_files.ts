/** The files of a pull: one TIFF of every section, or a file for each. */
import { join } from "node:path";
import type { TiffImage } from "../codecs/tiff_encode.ts";
import { type Box, boxSize } from "../core/box.ts";
import type { Point } from "../core/point.ts";
import type { SectionFile } from "../stores/section_file.ts";
import { TiffSectionFile } from "../stores/tiff_files.ts";

/** One section on its way: which page of which file. */
export interface OpenSection {
  readonly file: SectionFile;
  readonly page: number;
  readonly z: number;
}

/** Where sections go. Disposed before `finish`, what is not whole is removed. */
export interface PullFiles extends AsyncDisposable {
  /** Files that are whole, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Starts every section of a box of one channel and one time. */
  open(part: Box): Promise<OpenSection[]>;
  /** Every row of them was put. */
  close(sections: readonly OpenSection[]): Promise<void>;
  /** Every section was closed. */
  finish(): Promise<void>;
}

/** Pages run over channels fastest, then z, then t, as ImageJ counts them. */
export class OneTiff implements PullFiles {
  files = 0;
  bytes = 0;
  readonly #file: SectionFile;
  readonly #box: Box;

  private constructor(file: SectionFile, box: Box) {
    this.#file = file;
    this.#box = box;
  }

  /** Starts the file. */
  static async create(path: string, box: Box, image: Omit<TiffImage, "stack">): Promise<OneTiff> {
    const [, , slices, channels, frames] = boxSize(box);
    const stack = { channels, slices, frames };
    return new OneTiff(await TiffSectionFile.create(path, { ...image, stack }), box);
  }

  open({ min: [, , first, c, t], max: [, , end] }: Box): Promise<OpenSection[]> {
    const { min } = this.#box;
    const [, , slices, channels] = boxSize(this.#box);
    const sections = Array.from({ length: end - first }, (_, i) => ({
      file: this.#file,
      page: ((t - min[4]) * slices + first + i - min[2]) * channels + c - min[3],
      z: first + i,
    }));
    return Promise.resolve(sections);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async finish(): Promise<void> {
    this.bytes = await this.#file.commit();
    this.files = 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}

/** What the files of a folder are named, and how one is started. */
export interface FolderOptions {
  /** Size of the volume: it decides how many digits a name has. */
  readonly size: Point;
  readonly extension: "tif" | "png";
  readonly create: (path: string, c: number) => Promise<SectionFile>;
}

/** A file for each section: `section_0007.tif`, with `_c0` and `_t0` where a volume has several. */
export class SectionFolder implements PullFiles {
  files = 0;
  bytes = 0;
  readonly #folder: string;
  readonly #options: FolderOptions;
  readonly #open = new Set<SectionFile>();

  constructor(folder: string, options: FolderOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  async open({ min: [, , first, c, t], max: [, , end] }: Box): Promise<OpenSection[]> {
    const sections: OpenSection[] = [];
    for (let z = first; z < end; z++) {
      const name = sectionName(this.#options, z, c, t);
      const file = await this.#options.create(join(this.#folder, name), c);
      this.#open.add(file);
      sections.push({ file, page: 0, z });
    }
    return sections;
  }

  async close(sections: readonly OpenSection[]): Promise<void> {
    for (const { file } of sections) {
      this.bytes += await file.commit();
      this.files++;
      this.#open.delete(file);
    }
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#open) await file[Symbol.asyncDispose]();
  }
}

function sectionName(
  { size, extension }: Pick<FolderOptions, "size" | "extension">,
  z: number,
  c: number,
  t: number,
): string {
  const padded = (value: number, count: number, least: number) =>
    String(value).padStart(Math.max(least, String(count - 1).length), "0");
  return `section_${padded(z, size[2], 4)}` +
    (size[3] > 1 ? `_c${padded(c, size[3], 1)}` : "") +
    (size[4] > 1 ? `_t${padded(t, size[4], 1)}` : "") + `.${extension}`;
}
