/**
 * The list of sources beside a plan: one line an image, so that nobody looks for files twice.
 *
 * JSON lines. The first holds the root and what most images share; each further one an image, and of it only what
 * differs. Images that were mended after the plan stand in a second file, later lines before earlier ones.
 * @module
 */
import { createHash } from "node:crypto";
import { isAbsolute, join } from "node:path";
import { type Box, intersect } from "../core/box.ts";
import { isNotFound, SluiceError } from "../core/errors.ts";
import type { Point } from "../core/point.ts";
import { describeFile } from "./_headers.ts";
import { compareHeaders } from "./_norm.ts";
import type { SourceImage } from "./source.ts";

/** What a list is made of. */
export interface Sources {
  /** Folder that all paths start from; absolute. */
  readonly root: string;
  /** In the order t, z, c, y, x. */
  readonly images: readonly SourceImage[];
}

type Common = Pick<SourceImage, "format" | "width" | "height" | "samples" | "dtype" | "rowGroup" | "x" | "y" | "c" | "t">;

interface Head {
  readonly format: "sluice-sources";
  readonly version: 1;
  readonly root: string;
  readonly images: number;
  readonly common: Common;
}

/** A list that was read, with a way to find the images of a box. */
export class SourceList implements Sources {
  /** Folder that all paths start from. */
  readonly root: string;
  /** In the order they were listed, amended. */
  readonly images: readonly SourceImage[];
  readonly #planes = new Map<string, SourceImage[]>();

  /** Indexes images by plane. */
  constructor({ root, images }: Sources) {
    this.root = root;
    this.images = images;
    for (const image of images) {
      const key = `${image.t}/${image.z}`;
      const plane = this.#planes.get(key);
      if (plane === undefined) this.#planes.set(key, [image]);
      else plane.push(image);
    }
  }

  /** Images that hold voxels of a box of the source. */
  *locate(of: Box): Generator<SourceImage> {
    for (let t = of.min[4]; t < of.max[4]; t++) {
      for (let z = of.min[2]; z < of.max[2]; z++) {
        for (const image of this.#planes.get(`${t}/${z}`) ?? []) {
          if (intersect(of, imageBox(image)) !== undefined) yield image;
        }
      }
    }
  }
}

/** Voxels of the source that an image holds. */
export function imageBox({ x, y, z, c, t, width, height, samples }: SourceImage): Box {
  return { min: [x, y, z, c, t], max: [x + width, y + height, z + 1, c + samples, t + 1] };
}

/** SHA-256 of a list but for its root, so that a folder that was moved stays what it was. */
export function hashSourceList(sources: Sources): string {
  const hash = createHash("sha256");
  for (const line of lines({ ...sources, root: "" })) hash.update(line);
  return hash.digest("hex");
}

/** Writes a list; the file appears under its name as it grows, so write it where nobody looks yet. */
export async function writeSourceList(path: string, sources: Sources): Promise<void> {
  await writeLines(path, lines(sources), { write: true, create: true, truncate: true });
}

/** Adds images that were mended to the list of amendments of a plan. */
export async function appendAmendments(path: string, images: readonly SourceImage[]): Promise<void> {
  await writeLines(path, images.map((image) => `${JSON.stringify(image)}\n`), { append: true, create: true });
}

/**
 * Reads a list, and what was amended.
 * @throws {SluiceError} If it is no list, is damaged, or a path leads out of its root.
 */
export async function readSourceList(path: string, amendmentsPath?: string): Promise<SourceList> {
  const [head, ...rows] = parseLines(path, await Deno.readTextFile(path));
  const { format, version, root, images: count, common } = head as Head;
  if (format !== "sluice-sources" || version !== 1) {
    throw new SluiceError(`Cannot read "${path}" as a list of sources: it is another file, or of a newer sluice`);
  }
  if (rows.length !== count) {
    throw new SluiceError(
      `Cannot read "${path}" as a list of sources: it names ${rows.length} images of ${count}; restore it from a copy, or plan again`,
    );
  }
  const images = rows.map((row) => ({ at: {}, ...common, ...row as Partial<SourceImage> }) as SourceImage);
  for (const amended of amendmentsPath === undefined ? [] : await readAmendments(amendmentsPath)) {
    const at = images.findIndex((image) => placeOf(image).every((value, axis) => value === placeOf(amended)[axis]));
    if (at >= 0) images[at] = amended;
  }
  for (const image of images) {
    if (isAbsolute(image.path) || image.path.split(/[/\\]/).includes("..")) {
      throw new SluiceError(`Cannot read "${path}" as a list of sources: "${image.path}" leads out of "${root}"`);
    }
  }
  return new SourceList({ root, images });
}

/** One place that was looked at again. */
export interface Rescanned {
  /** The image as it is now; absent where it still cannot be used. */
  readonly image?: SourceImage;
  /** Where it lies. */
  readonly path: string;
  /** Why it cannot be used. */
  readonly reason?: string;
}

/** Reads the headers of some images again, after they were put back or mended. */
export async function rescanImages(root: string, images: readonly SourceImage[]): Promise<Rescanned[]> {
  const rescanned: Rescanned[] = [];
  for (const image of images) {
    const path = join(root, image.path);
    const described = await describeFile(root, image.path);
    const found = described.file?.images[image.page ?? 0];
    const fault = described.fault ?? (found === undefined ? { reason: "does not hold that page" } : compareHeaders(found, image));
    if (found === undefined || fault !== undefined) {
      rescanned.push({ path, reason: fault?.reason ?? "holds no image" });
      continue;
    }
    const { lost: _, ...rest } = image;
    rescanned.push({
      path,
      image: { ...rest, format: described.format, at: found.at, size: described.size, mtime: described.mtime, rowGroup: found.rowGroup },
    });
  }
  return rescanned;
}

async function readAmendments(path: string): Promise<SourceImage[]> {
  try {
    return parseLines(path, await Deno.readTextFile(path)) as SourceImage[];
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function placeOf({ x, y, z, c, t }: SourceImage): Point {
  return [x, y, z, c, t];
}

function parseLines(path: string, text: string): unknown[] {
  return text.split("\n").filter((line) => line !== "").map((line, at) => {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw new SluiceError(
        `Cannot read line ${at + 1} of "${path}" as JSON: the file is damaged; restore it from a copy, or plan again`,
        { cause: error },
      );
    }
  });
}

function* lines({ root, images }: Sources): Generator<string> {
  const first = images.find((image) => image.lost === undefined) ?? images[0];
  const { format, width, height, samples, dtype, rowGroup, x, y, c, t } = first;
  const common: Common = { format, width, height, samples, dtype, rowGroup, x, y, c, t };
  yield `${JSON.stringify({ format: "sluice-sources", version: 1, root, images: images.length, common } satisfies Head)}\n`;
  for (const image of images) {
    const own = Object.entries(image).filter(([key, value]) =>
      key === "at" ? Object.keys(image.at).length > 0 : value !== common[key as keyof Common]
    );
    yield `${JSON.stringify(Object.fromEntries(own))}\n`;
  }
}

/** Enough for one write to the disk. */
const BLOCK = 1 << 20;

async function writeLines(path: string, lines: Iterable<string>, options: Deno.OpenOptions): Promise<void> {
  using file = await Deno.open(path, options);
  const encoder = new TextEncoder();
  let pending = "";
  const flush = async () => {
    const bytes = encoder.encode(pending);
    pending = "";
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  };
  for (const line of lines) {
    pending += line;
    if (pending.length >= BLOCK) await flush();
  }
  await flush();
  await file.syncData();
}
