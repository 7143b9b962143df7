/**
 * A volume becomes images again: one TIFF of many pages, or a folder of TIFF or PNG sections.
 * @module
 */
import { resolve } from "node:path";
import { fitsPng } from "../codecs/png_segments.ts";
import type { TiffCompression } from "../codecs/tiff_encode.ts";
import { type Box, boxSize } from "../core/box.ts";
import { VOXEL_BYTES } from "../core/dtype.ts";
import { UsageError } from "../core/errors.ts";
import type { ScaleLayout } from "../core/layout.ts";
import { AXES, mapPoint } from "../core/point.ts";
import { formatVoxelSize, type VoxelSize } from "../core/units.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import { openVolume, type Volume } from "../stores/volume.ts";
import { PngSectionFile } from "../stores/png_files.ts";
import { TiffSectionFile } from "../stores/tiff_files.ts";
import { cutRows } from "./_cut_rows.ts";
import { OneTiff, type PullFiles, SectionFolder } from "./_pull_files.ts";
import { prepareFile, prepareFolder, type PullFormat, pullFormat } from "./_pull_target.ts";
import { writeSections } from "./_write_sections.ts";

export type { PullFormat };

/** Half-open: `first` is inside, `end` is not. */
export type PullRange = readonly [first: number, end: number];

/** What is pulled, and how. */
export interface PullOptions {
  /** Decodes and encodes. The caller closes it. */
  readonly pool: WorkerPool;
  /** Voxels along x, at the scale that is asked for. @default All */
  readonly x?: PullRange;
  /** Voxels along y. @default All */
  readonly y?: PullRange;
  /** Sections. @default All */
  readonly z?: PullRange;
  /** Channels. @default All */
  readonly c?: PullRange;
  /** Times. @default All */
  readonly t?: PullRange;
  /** 0 is the finest. @default 0 */
  readonly scale?: number;
  /** What the volume becomes. @default One TIFF where the target ends with `.tif` or `.tiff`, else a folder of TIFF sections */
  readonly format?: PullFormat;
  /**
   * How TIFF strips are compressed; a PNG is always deflated. Every program reads `none`. Integers are stored as
   * differences (predictor 2), which old versions of ImageJ do not undo for `deflate`; it does not read `zstd`.
   * @default "deflate"
   */
  readonly compression?: TiffCompression;
  /** Replaces the file, or the sections in the folder, that are there. @default false */
  readonly overwrite?: boolean;
  /**
   * Bytes that the voxels in hand may take; a row of chunks of one section is the least. Less memory may mean that
   * chunks are decoded more than once.
   * @default 512 MiB
   */
  readonly memory?: number;
  /** Writes BigTIFF. @default Where a file may pass 4 GiB */
  readonly bigTiff?: boolean;
  /** Ends the pull; sections that are done stay, nothing half-written does. */
  readonly signal?: AbortSignal;
  /** Told of sections that are written, counted over c and t, too. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was pulled. */
export interface PullResult {
  /** Files written. */
  readonly files: number;
  /** Bytes of all of them. */
  readonly bytes: number;
  /** Sections written, counted over c and t, too. */
  readonly sections: number;
  /** What whoever uses the images should know: voxels that are no data, or a voxel size that no file holds. */
  readonly warnings: readonly string[];
}

/** A larger band gains nothing. */
const LARGEST_BAND = 32 << 20;

/**
 * Pulls a box of a volume out into image files.
 *
 * Every channel is a grey image of its own. Pages of one TIFF run over channels fastest, then z, then t, and say so in
 * ImageJ's way; a folder has a file for each section, named after its z in the volume, whatever was cropped. No section
 * is held whole: all sections of a row of chunks are written side by side.
 * @param volume Path of an OME-Zarr volume.
 * @param target File or folder; files appear whole.
 * @throws {UsageError} If the box lies outside the volume, the scale is not there, or the format cannot hold the dtype.
 * @throws {SluiceError} If something is at the target already, the volume cannot be read, or the disk is full.
 * @example Two sections as PNGs, named by their z
 * ```ts
 * import { encodePng, ingest, openLedger, pullVolume, WorkerPool } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = Uint8Array.from({ length: 35 }, (_, i) => i);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const { created } = await ingest([`${folder}/*.png`], `${folder}/out.ome.zarr`, { ledger, pool });
 * await pullVolume(created.volume, `${folder}/pulled`, { pool, z: [1, 3], format: "png" });
 * const files = await Array.fromAsync(Deno.readDir(`${folder}/pulled`), ({ name }) => name);
 * deepEqual(files.sort(), ["section_0001.png", "section_0002.png"]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function pullVolume(
  volume: string,
  target: string,
  options: PullOptions,
): Promise<PullResult> {
  const { pool, scale = 0, memory = 512 << 20, signal, onProgress } = options;
  // One band is written while the next is read.
  const most = Math.floor(memory / 2);
  const bandBytes = Math.min(LARGEST_BAND, most);
  await using store = await openVolume(volume, { pool, bandBytes, whole: true });
  const { dtype } = store.layout;
  const format = pullFormat(target, options.format);
  const box = pullBox(store, scale, options);
  const voxelSize = sizeAtScale(store, scale);
  const warnings = warningsOf(store, format, voxelSize);
  await using files = await openFiles(store, resolve(target), box, format, voxelSize, options);

  const [, , depth, channels, times] = boxSize(box);
  let done = 0;
  for (const part of partsOf(box, store.layout.scales[scale], VOXEL_BYTES[dtype], most)) {
    signal?.throwIfAborted();
    const sections = await files.open(part);
    const slab = await store.read(part, { scale, signal });
    const { rowsPerStrip } = sections[0].file;
    for await (const cut of cutRows(slab.bands(), part, dtype, rowsPerStrip)) {
      await writeSections(cut, sections, pool, dtype, signal);
    }
    await files.close(sections);
    done += sections.length;
    onProgress?.(done, depth * channels * times);
  }
  await files.finish();
  return { files: files.files, bytes: files.bytes, sections: done, warnings };
}

function pullBox(
  store: Volume,
  scale: number,
  options: PullOptions,
): Box {
  const { scales } = store.layout;
  if (scales[scale] === undefined) {
    throw new UsageError(
      `Cannot pull scale ${scale} of "${store.path}": it has scales 0 to ${scales.length - 1}`,
    );
  }
  const { size } = scales[scale];
  const ranges = AXES.map((axis, at) => options[axis] ?? [0, size[at]]);
  for (const [at, [first, end]] of ranges.entries()) {
    if (
      Number.isSafeInteger(first) && Number.isSafeInteger(end) && first >= 0 && first < end &&
      end <= size[at]
    ) continue;
    const extent = AXES.map((axis, i) => `${axis} 0:${size[i]}`).filter((_, i) =>
      i < 3 || size[i] > 1
    );
    throw new UsageError(
      `Cannot pull ${AXES[at]} ${first}:${end} of "${store.path}": at scale ${scale} it has ${
        extent.join(" ")
      }; give first:end inside it, the end not included`,
    );
  }
  return {
    min: mapPoint(size, (_, axis) => ranges[axis][0]),
    max: mapPoint(size, (_, axis) => ranges[axis][1]),
  };
}

function warningsOf(
  { state, path }: Volume,
  format: PullFormat,
  voxelSize: VoxelSize | undefined,
): string[] {
  const warnings: string[] = [];
  if (state?.complete === false) {
    warnings.push(
      `"${path}" is not complete: voxels that were not written yet are fill value; run \`sluice status\``,
    );
  }
  if ((state?.losses ?? 0) > 0) {
    warnings.push(
      `"${path}" was made with ${
        state!.losses
      } images absent or broken: their voxels are fill value; run \`sluice status\` to see which`,
    );
  }
  if (format === "png" && voxelSize !== undefined) {
    const lost = fitsPng(voxelSize) ? voxelSize.z === undefined ? "" : "z" : "x, y, z";
    if (lost !== "") {
      warnings.push(
        `PNG files keep nothing of the voxel size ${
          formatVoxelSize(voxelSize)
        } along ${lost}; give it again where they are read`,
      );
    }
  }
  return warnings;
}

/** Boxes that are read one after the other: some sections of one row of chunks, one channel, one time. */
function* partsOf(
  box: Box,
  { chunk }: ScaleLayout,
  voxelBytes: number,
  bandBytes: number,
): Generator<Box> {
  const rowOfChunks = boxSize(box)[0] * chunk[1] * voxelBytes;
  const most = Math.max(1, Math.floor(bandBytes / rowOfChunks));
  for (let t = box.min[4]; t < box.max[4]; t++) {
    for (let z = box.min[2]; z < box.max[2];) {
      const chunkEnd = (Math.floor(z / chunk[2]) + 1) * chunk[2];
      const end = Math.min(box.max[2], chunkEnd, z + most);
      for (let c = box.min[3]; c < box.max[3]; c++) {
        yield {
          min: [box.min[0], box.min[1], z, c, t],
          max: [box.max[0], box.max[1], end, c + 1, t + 1],
        };
      }
      z = end;
    }
  }
}

/** Looks at everything that may be wrong with the question, then makes room and starts. */
async function openFiles(
  store: Volume,
  path: string,
  box: Box,
  format: PullFormat,
  voxelSize: VoxelSize | undefined,
  { scale = 0, compression, bigTiff, overwrite = false }: PullOptions,
): Promise<PullFiles> {
  const { dtype, scales: { [scale]: { size } } } = store.layout;
  const [width, height, , channels] = boxSize(box);
  if (format === "png") {
    if (dtype !== "uint8" && dtype !== "uint16") {
      throw new UsageError(
        `Cannot pull "${store.path}" as PNG: its voxels are ${dtype}, and a PNG holds uint8 and uint16; give --format tiff-stack`,
      );
    }
    const pixelSize = voxelSize !== undefined && fitsPng(voxelSize) ? voxelSize : undefined;
    const image = { width, height, dtype, pixelSize };
    await prepareFolder(path, overwrite);
    return new SectionFolder(path, {
      size,
      extension: "png",
      create: (path) => PngSectionFile.create(path, image),
    });
  }
  const displays = await store.displays();
  const image = { width, height, dtype, compression, voxelSize, big: bigTiff };
  if (format === "tiff") {
    await prepareFile(path, overwrite);
    const window = channels === 1 ? displays?.[box.min[3]]?.window : undefined;
    return await OneTiff.create(path, box, { ...image, window });
  }
  await prepareFolder(path, overwrite);
  return new SectionFolder(path, {
    size,
    extension: "tif",
    create: (path, c) => TiffSectionFile.create(path, { ...image, window: displays?.[c]?.window }),
  });
}

function sizeAtScale({ voxelSize, layout }: Volume, scale: number): VoxelSize | undefined {
  if (voxelSize === undefined) return undefined;
  const { factor } = layout.scales[scale];
  const edge = (length: number, axis: number) => Number((length * factor[axis]).toPrecision(12));
  return {
    x: edge(voxelSize.x, 0),
    y: edge(voxelSize.y, 1),
    ...(voxelSize.z === undefined ? {} : { z: edge(voxelSize.z, 2) }),
    unit: voxelSize.unit,
  };
}
