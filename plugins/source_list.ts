/**
 * The list of sources beside a plan: one line an image, so that nobody looks for files twice.
 *
 * JSON lines. The first holds the root and what most images share, each further one an image and of it only what
 * differs, in the order t, z, c, y, x. Images that were mended after the plan stand in a second file of whole
 * lines: each replaces the image at its place, and later ones win.
 * @module
 */
import { createHash } from "node:crypto";
import type { Box } from "../core/box.ts";
import { isNotFound, messageOf, SluiceError } from "../core/errors.ts";
import type { Point } from "../core/point.ts";
import { byPlace } from "./_place.ts";
import { SourceIndex } from "./_source_index.ts";
import { type Common, commonOf, formatLine, type Head, parseImage } from "./_source_lines.ts";
import type { SourceImage } from "./source.ts";

export { rescanImages, type Rescanned, type RescanOptions } from "./rescan_images.ts";

/** What a list is made of. */
export interface Sources {
  /** Folder that all paths start from; absolute. */
  readonly root: string;
  /** Each with its place; in any order. */
  readonly images: readonly SourceImage[];
}

/** What was written. */
export interface WrittenSourceList {
  /** SHA-256, in hex, of all but the root. */
  readonly hash: string;
  /** Lines after the first. */
  readonly images: number;
}

const NEW_LINE = 10;
const WRITE_BYTES = 1 << 20;
const PARSE_BYTES = 1 << 18;

/**
 * A list that was read. It keeps the lines as they are and makes images of them when asked: 10^6 take about 150 MB.
 * @example Which images a box needs
 * ```ts
 * import { box, encodePng, readImageStack, SourceList } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * const list = SourceList.of(await readImageStack([folder]));
 * const found = [...list.locate(box([0, 0, 1], [7, 5, 3]))];
 * deepEqual(found.map(({ path }) => path), ["s_1.png", "s_2.png"]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class SourceList {
  /** Folder that all paths start from; absolute. */
  readonly root: string;
  /** Images in the list. */
  readonly count: number;
  readonly #bytes: Uint8Array;
  /** Where each line begins, and where the last ends. */
  readonly #starts: Float64Array;
  readonly #common: Common;
  readonly #index: SourceIndex;
  readonly #amended = new Map<number, SourceImage>();
  readonly #hashed: string;

  private constructor(bytes: Uint8Array, starts: Float64Array, head: Head, index: SourceIndex) {
    this.root = head.root;
    this.count = head.images;
    this.#bytes = bytes;
    this.#starts = starts;
    this.#common = head.common;
    this.#index = index;
    this.#hashed = withoutRoot(head);
  }

  /** Makes a list of images that were never written to a file. */
  static of(sources: Sources): SourceList {
    const blocks = Array.from(blocksOf(sources), ({ written }) => written);
    const bytes = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
    blocks.reduce((at, block) => (bytes.set(block, at), at + block.length), 0);
    return SourceList.parse(bytes);
  }

  /**
   * Reads the bytes of a list.
   * @throws {SluiceError} If they are no list, are damaged, or a path leads out of the root.
   */
  static parse(bytes: Uint8Array): SourceList {
    const end = bytes.indexOf(NEW_LINE);
    const head = parseHead(bytes.subarray(0, Math.max(0, end)));
    const starts = new Float64Array(head.images + 1);
    starts[0] = end + 1;
    let lines = 0;
    for (let at = bytes.indexOf(NEW_LINE, end + 1); at >= 0; at = bytes.indexOf(NEW_LINE, at + 1)) {
      if (++lines <= head.images) starts[lines] = at + 1;
    }
    if (lines !== head.images || (lines > 0 && bytes[bytes.length - 1] !== NEW_LINE)) {
      throw new SluiceError(
        `it has ${lines} whole lines of ${head.images}; restore it from a copy, or plan again`,
      );
    }
    const index = new SourceIndex(head.images);
    for (let row = 0; row < head.images;) {
      let last = row + 1;
      while (last < head.images && starts[last] - starts[row] < PARSE_BYTES) last++;
      for (const line of parseLines(bytes.subarray(starts[row], starts[last]), row)) {
        const image = parseImage(line, head.common, head.root);
        if (!index.set(row, image)) {
          throw new SluiceError(
            `"${image.path}" stands behind an image that lies behind it; restore it from a copy, or plan again`,
          );
        }
        row++;
      }
    }
    return new SourceList(bytes, starts, head, index);
  }

  /** SHA-256 of all but the root, in hex: amendments do not change it, nor does a folder that was moved. */
  get hash(): string {
    return createHash("sha256").update(this.#hashed).update(this.#bytes.subarray(this.#starts[0]))
      .digest("hex");
  }

  /** All images, in the order t, z, c, y, x; made anew on each walk. */
  get images(): Iterable<SourceImage> {
    const { count } = this;
    const imageAt = (row: number) => this.#imageAt(row);
    return {
      *[Symbol.iterator]() {
        for (let row = 0; row < count; row++) yield imageAt(row);
      },
    };
  }

  /** Images that hold voxels of a box of the source, in the order t, z, c, y, x; those that are lost as well. */
  *locate(box: Box): Generator<SourceImage> {
    for (const row of this.#index.locate(box)) yield this.#imageAt(row);
  }

  /**
   * Replaces images by others at their places.
   * @throws {SluiceError} If the list has no image there.
   */
  amend(images: Iterable<SourceImage>): void {
    for (const image of images) {
      const place: Point = [image.x, image.y, image.z, image.c, image.t];
      const row = this.#index.find(place);
      if (row < 0) {
        throw new SluiceError(
          `Cannot replace "${image.path}" in the list of sources: it has no image at x ${image.x}, y ${image.y}, ` +
            `z ${image.z}, c ${image.c}, t ${image.t}; the amendments are those of another list`,
        );
      }
      this.#index.set(row, image);
      this.#amended.set(row, image);
    }
  }

  #imageAt(row: number): SourceImage {
    const amended = this.#amended.get(row);
    if (amended !== undefined) return amended;
    const line = this.#bytes.subarray(this.#starts[row], this.#starts[row + 1]);
    return parseImage(JSON.parse(new TextDecoder().decode(line)), this.#common, this.root);
  }
}

/** The hash that {@linkcode writeSourceList} would give: of all but the root. */
export function hashSourceList(sources: Sources): string {
  const hash = createHash("sha256");
  for (const { hashed } of blocksOf(sources)) hash.update(hashed);
  return hash.digest("hex");
}

/**
 * Writes a list, to the disk, and under its name only when it is whole.
 * @example A list finds the images of a box
 * ```ts
 * import { box, readSourceList, type SourceImage, writeSourceList } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const section = (z: number): SourceImage => ({
 *   path: `s_${z}.png`, format: "png", at: {}, size: 90, mtime: 0,
 *   width: 7, height: 5, samples: 1, dtype: "uint8", rowGroup: 5, x: 0, y: 0, z, c: 0, t: 0,
 * });
 * const path = await Deno.makeTempFile();
 * await writeSourceList(path, { root: "/data", images: [0, 1, 2].map(section) });
 * const list = await readSourceList(path);
 * const found = [...list.locate(box([0, 0, 1], [7, 5, 2]))];
 * deepEqual(found, [section(1)]);
 * await Deno.remove(path);
 * ```
 */
export async function writeSourceList(path: string, sources: Sources): Promise<WrittenSourceList> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  const hash = createHash("sha256");
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    for (const { written, hashed } of blocksOf(sources)) {
      hash.update(hashed);
      await writeAll(file, written);
    }
    await file.syncData();
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  return { hash: hash.digest("hex"), images: sources.images.length };
}

/**
 * Reads a list, and what was amended if that file is there.
 * @throws {SluiceError} If it is no list, is damaged, or a path leads out of its root.
 * @example The images that a volume was made of
 * ```ts
 * import { encodePng, readImageStack, readSourceList, writeSourceList } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = new Uint8Array(35);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await writeSourceList(`${folder}/sources.jsonl`, await readImageStack([`${folder}/*.png`]));
 * const { images } = await readSourceList(`${folder}/sources.jsonl`);
 * deepEqual(Array.from(images, ({ path, z }) => [path, z]), [["s_0.png", 0], ["s_1.png", 1]]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function readSourceList(path: string, amendmentsPath?: string): Promise<SourceList> {
  const bytes = await Deno.readFile(path);
  return parseSourceList(
    bytes,
    path,
    amendmentsPath === undefined
      ? undefined
      : { bytes: await readIfThere(amendmentsPath), name: amendmentsPath },
  );
}

/** As {@linkcode readSourceList}, from bytes. @param name Names them in errors. */
export function parseSourceList(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  amendments?: { readonly bytes?: Uint8Array; readonly name: string },
): SourceList {
  return naming(name, () => {
    const list = SourceList.parse(bytes);
    if (amendments?.bytes !== undefined) {
      const { bytes } = amendments;
      naming(amendments.name, () => list.amend(parseAmendments(bytes, list.root)));
    }
    return list;
  });
}

/**
 * Adds images that were mended to the amendments of a list; on the disk when it returns.
 * A line that another process left half written is dropped.
 */
export async function appendAmendments(
  path: string,
  images: readonly SourceImage[],
): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true, create: true });
  await file.lock(true);
  const { size } = await file.stat();
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size;) done += await file.read(bytes.subarray(done)) ?? size;
  const whole = bytes.lastIndexOf(NEW_LINE) + 1;
  await file.truncate(whole);
  await file.seek(whole, Deno.SeekMode.Start);
  await writeAll(file, encodeAmendments(images));
  await file.syncData();
}

/** Images that were mended, as lines. */
export function encodeAmendments(images: readonly SourceImage[]): Uint8Array {
  return new TextEncoder().encode(images.map((image) => `${JSON.stringify(image)}\n`).join(""));
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function* parseAmendments(bytes: Uint8Array, root: string): Generator<SourceImage> {
  // What stands behind the last line feed was never finished.
  const whole = bytes.subarray(0, bytes.lastIndexOf(NEW_LINE) + 1);
  if (whole.length === 0) return;
  for (const line of parseLines(whole, 0)) yield parseImage(line, {}, root);
}

/** A list in blocks of bytes. */
export function* encodeSourceList(sources: Sources): Generator<Uint8Array> {
  for (const { written } of blocksOf(sources)) yield written;
}

/** Lines of a list in blocks of bytes, as written and as hashed: these differ in the root alone. */
function* blocksOf(
  { root, images }: Sources,
): Generator<{ written: Uint8Array; hashed: Uint8Array }> {
  const sorted = images.some((image, at) => at > 0 && byPlace(images[at - 1], image) > 0)
    ? images.toSorted(byPlace)
    : images;
  const common = commonOf(sorted);
  const head: Head = { format: "sluice-sources", version: 1, root, images: images.length, common };
  const encoder = new TextEncoder();
  yield {
    written: encoder.encode(`${JSON.stringify(head)}\n`),
    hashed: encoder.encode(withoutRoot(head)),
  };
  let lines = "";
  for (const image of sorted) {
    lines += formatLine(image, common) + "\n";
    if (lines.length < WRITE_BYTES) continue;
    const bytes = encoder.encode(lines);
    yield { written: bytes, hashed: bytes };
    lines = "";
  }
  const bytes = encoder.encode(lines);
  yield { written: bytes, hashed: bytes };
}

function withoutRoot({ root: _, ...rest }: Head): string {
  return `${JSON.stringify(rest)}\n`;
}

function parseHead(bytes: Uint8Array): Head {
  let head: Partial<Head> = {};
  try {
    head = Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    // What it is not is said below.
  }
  if (head.format !== "sluice-sources") {
    throw new SluiceError("it is another kind of file; name the list beside the plan");
  }
  if (head.version !== 1) {
    throw new SluiceError(`its version is ${head.version}; use a newer sluice`);
  }
  const { root, images, common } = head;
  if (typeof root !== "string" || !Number.isSafeInteger(images) || Object(common) !== common) {
    throw new SluiceError("its first line is damaged; restore it from a copy, or plan again");
  }
  return head as Head;
}

/** Parses whole lines at once, which is four times as fast as one by one. */
function parseLines(bytes: Uint8Array, firstRow: number): unknown[] {
  const text = new TextDecoder().decode(bytes).trimEnd();
  try {
    return JSON.parse(`[${text.replaceAll("\n", ",")}]`);
  } catch (error) {
    const lines = text.split("\n");
    const bad = lines.findIndex((line) => {
      try {
        return JSON.parse(line) === undefined;
      } catch {
        return true;
      }
    });
    throw new SluiceError(
      `the line of its image ${firstRow + bad} is damaged; restore it from a copy, or plan again`,
      { cause: error },
    );
  }
}

/** Lets an error name the file it is about. */
function naming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SluiceError) || error.message.startsWith("Cannot read")) throw error;
    throw new SluiceError(
      `Cannot read "${path}" as a list of sources: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}
