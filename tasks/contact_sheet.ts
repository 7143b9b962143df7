/**
 * A volume at a glance: some of its sections in one picture.
 * @module
 */
import { dirname, resolve } from "node:path";
import { composeRgba, resizeRgba, type Rgba } from "../codecs/_imagescript.ts";
import { encodePng } from "../codecs/png_encode.ts";
import { UsageError } from "../core/errors.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import { WholeFile } from "../stores/_whole_file.ts";
import { openVolume, type Volume } from "../stores/volume.ts";
import type { ChannelDisplay } from "../stores/read_contrast.ts";
import { drawText } from "./_glyphs.ts";
import { paintImage, paintLabels, readSmallSection, type SmallSection } from "./_tile.ts";

/** What the picture is to show. */
export interface ContactSheetOptions {
  /** Decodes. The caller closes it. */
  readonly pool: WorkerPool;
  /** Scale that is read. @default The coarsest that is no smaller than a tile and has enough sections */
  readonly scale?: number;
  /** Sections at most. @default 12 */
  readonly tiles?: number;
  /** Longer side of a tile, in pixels. @default 256 */
  readonly tileSize?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** What the picture shows. */
export interface ContactSheet {
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Scale that was read. */
  readonly scale: number;
  /** Sections that are shown, counted at scale 0, from the upper left, row by row. */
  readonly sections: readonly number[];
}

const GAP = 6;
const GROUND = [24, 24, 28, 255];
/** Part of the pixels that may be darker than black, or brighter than white, where the volume names no window. */
const CUT = 0.005;

/**
 * Draws evenly spaced sections of a volume side by side, each with its z, and writes them as a PNG.
 *
 * Images are shown in the window and the colours that the volume's `omero` metadata names, at time 0; labels in colours
 * made of their numbers, so that a label looks the same in every section.
 * @param volume Path of an OME-Zarr volume.
 * @param pngPath File that is written; one that is there is replaced.
 * @throws {UsageError} If the volume has no such scale, `pngPath` does not end with `.png`, or `tiles` or `tileSize` is
 * no integer from 1 on (32 for `tileSize`).
 * @example Three sections in one picture
 * ```ts
 * import { contactSheet, encodePng, ingest, openLedger, WorkerPool } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = Uint8Array.from({ length: 35 }, (_, i) => i);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const { created } = await ingest([`${folder}/*.png`], `${folder}/out.ome.zarr`, { ledger, pool });
 * const { sections } = await contactSheet(created.volume, `${folder}/sheet.png`, { pool, tileSize: 32 });
 * deepEqual(sections, [0, 1, 2]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function contactSheet(
  volume: string,
  pngPath: string,
  options: ContactSheetOptions,
): Promise<ContactSheet> {
  const { pool, tiles = 12, tileSize = 256, signal } = options;
  if (!/\.png$/i.test(pngPath)) {
    throw new UsageError(
      `Cannot write "${pngPath}" as a contact sheet: it is a PNG; let its name end with .png`,
    );
  }
  for (const [name, value, least] of [["tiles", tiles, 1], ["tileSize", tileSize, 32]] as const) {
    if (!Number.isSafeInteger(value) || value < least || value > 16384) {
      throw new UsageError(
        `Cannot draw a contact sheet with ${name} ${value}: give an integer from ${least} to 16384`,
      );
    }
  }
  await using store = await openVolume(volume, { pool });
  const scale = options.scale ?? chooseScale(store, tileSize, tiles);
  if (store.layout.scales[scale] === undefined) {
    throw new UsageError(
      `Cannot draw scale ${scale} of "${store.path}": it has scales 0 to ${
        store.layout.scales.length - 1
      }`,
    );
  }
  const [sizeX, sizeY, depth] = store.layout.scales[scale].size;
  const shrink = Math.max(sizeX, sizeY) / tileSize;
  const factor = Math.max(1, Math.floor(shrink));
  const count = Math.min(tiles, depth);
  const deep = store.layout.scales[scale].factor[2];
  const sections: number[] = [];
  const small: SmallSection[] = [];
  for (let i = 0; i < count; i++) {
    const z = Math.floor((i + 0.5) * depth / count);
    sections.push(z * deep);
    small.push(await readSmallSection(store, { scale, z, factor, signal }));
  }
  const displays = await store.displays() ?? guessDisplays(small);
  const [width, height] = [sizeX, sizeY].map((size) => Math.max(1, Math.round(size / shrink)));
  const pictures = small.map((section) => {
    const picture = store.kind === "labels"
      ? paintLabels(section)
      : paintImage(section, displays.slice(0, section.channels.length));
    return resizeRgba(picture, width, height, store.kind === "labels" ? "nearest" : "cubic");
  });
  const sheet = arrange(pictures, sections, width, height);
  const file = encodePng({
    width: sheet.width,
    height: sheet.height,
    samples: 4,
    dtype: "uint8",
    data: sheet.data,
  });
  const path = resolve(pngPath);
  await Deno.mkdir(dirname(path), { recursive: true });
  await using out = await WholeFile.create(path);
  out.write(0, file);
  await out.commit();
  return { width: sheet.width, height: sheet.height, scale, sections };
}

function chooseScale(
  { layout: { scales } }: Volume,
  tileSize: number,
  tiles: number,
): number {
  const least = Math.min(tiles, scales[0].size[2]);
  const suits = ({ size }: (typeof scales)[0]) =>
    Math.max(size[0], size[1]) >= tileSize && size[2] >= least;
  return Math.max(0, scales.findLastIndex(suits));
}

/** Windows from the pixels themselves, where a volume is not finished or was made by another program. */
function guessDisplays(sections: readonly SmallSection[]): ChannelDisplay[] {
  const channels = sections[0].channels.length;
  return sections[0].channels.map((_, c) => {
    const values = sections.flatMap((section) => [...section.channels[c]]);
    const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
    const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
    const [low, high] = [at(CUT), at(1 - CUT)];
    const color = channels === 1
      ? [1, 1, 1] as const
      : [Number(c % 3 === 0), Number(c % 3 === 1), Number(c % 3 === 2)] as const;
    return { window: [low, high > low ? high : low + 1], color };
  });
}

/** About as wide as high, with gaps between and around. */
function arrange(
  pictures: readonly Rgba[],
  sections: readonly number[],
  width: number,
  height: number,
): Rgba {
  const columns = Math.min(
    pictures.length,
    Math.max(1, Math.round(Math.sqrt(pictures.length * 4 / 3 * height / width))),
  );
  const rows = Math.ceil(pictures.length / columns);
  const size = {
    width: columns * (width + GAP) + GAP,
    height: rows * (height + GAP) + GAP,
  };
  const data = new Uint8Array(4 * size.width * size.height);
  for (let i = 0; i < data.length; i += 4) data.set(GROUND, i);
  const parts = pictures.flatMap((picture, i) => {
    const x = GAP + i % columns * (width + GAP);
    const y = GAP + Math.floor(i / columns) * (height + GAP);
    const dot = Math.max(1, Math.round(Math.min(width, height) / 128));
    const label = drawText(`z ${sections[i]}`, dot);
    const fits = label.width <= width && label.height <= height;
    return [{ picture, x, y }, ...(fits ? [{ picture: label, x, y }] : [])];
  });
  return composeRgba({ ...size, data }, parts);
}
