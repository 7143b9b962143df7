/**
 * Pixels of planes that tiles are cut from: images and datasets of files, wherever these lie.
 * @module
 */
import { type ImageEntry, imageFormats } from "../codecs/image.ts";
import { box, boxVolume } from "../core/box.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES, type VoxelArray } from "../core/dtype.ts";
import { ImageError, SluiceError } from "../core/errors.ts";
import { BandBuffers } from "../core/slab.ts";
import { sniffFormat } from "../plugins/_headers.ts";
import { openHdf5Array } from "../plugins/hdf5_array.ts";
import type { ImagePart } from "../pool/_read_images.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { OpenChannelOptions } from "./cutout_channel.ts";
import { CutoutPlanes } from "./cutout_source.ts";
import { choosePage, type PlaneFrame } from "./place_tile.ts";
import type { PageChoice, PlaneSize, TileFile, TilePlane } from "./plugin.ts";
import type { Spool, SpoolWriter } from "./spool.ts";
import { SpooledVolume } from "./spooled_volume.ts";
import { gone, type OpenFile, replaced, TileFiles, type TileFilesOptions } from "./tile_files.ts";

/** Pixels in two dimensions, one sample each. */
export interface OpenPlane {
  /** Columns and rows. */
  readonly size: PlaneSize;
  /** Type of a pixel. */
  readonly dtype: Dtype;
  /** Bytes that a tile of it needs in the spool; 0 where it is the tile's own. */
  readonly keptBytes: number;
  /** Pixels of some columns and rows, which lie in it, row by row. */
  read(from: { readonly x: number; readonly y: number }, size: PlaneSize): Promise<VoxelArray>;
}

/** How planes are opened. */
export interface PlanesOptions extends TileFilesOptions {
  /** Where decoded images are kept. */
  readonly spool: Spool;
  /** Decodes. */
  readonly pool: WorkerPool;
  /** Decoded bytes that are on their way at once. @default 32 MiB */
  readonly bandBytes?: number;
  /** How channels of a Boss are asked for. */
  readonly channels?: OpenChannelOptions;
}

/** A file with images, as far as it was looked at. */
interface ImageFileEntry {
  readonly format: string;
  readonly images: readonly ImageEntry[];
}

const MOST_HEADERS = 4096;

/** The planes that tiles of one job are cut from. */
export class Planes {
  readonly #options: PlanesOptions;
  readonly #buffers = new BandBuffers();
  readonly #files: TileFiles;
  readonly #headers = new Map<string, Promise<ImageFileEntry>>();
  readonly #cutouts: CutoutPlanes;
  #sessions = 0;

  /** Opens nothing yet. */
  constructor(options: PlanesOptions) {
    this.#options = options;
    this.#cutouts = new CutoutPlanes(options);
    this.#files = new TileFiles(options);
  }

  /**
   * Opens the plane of a tile; undefined where its file is not there.
   * @param tile Its size: an image that is no larger is the tile's own, and is not kept for others.
   * @throws {SluiceError} If it is there and cannot be used.
   */
  async open(
    plane: TilePlane & { readonly kind: "image" | "dataset" | "cutout" },
    tile: PlaneSize,
    signal: AbortSignal,
  ): Promise<OpenPlane | undefined> {
    if (plane.kind === "cutout") return await this.#cutouts.open(plane, tile, signal);
    return plane.kind === "image"
      ? await this.#openImage(plane.file, plane.page, tile, signal)
      : await this.#openDataset(plane.file, plane.dataset, plane.axes, tile, signal);
  }

  /**
   * Reads where a plane lies from two datasets of its file.
   * @throws {SluiceError} If they are not there, or not two numbers each.
   */
  async readFrame(
    file: TileFile,
    names: { readonly offset: string; readonly extent: string },
    signal: AbortSignal,
  ): Promise<PlaneFrame> {
    const found = await this.#files.onDisk(file, signal, async (path) => ({
      offset: await readPair(path, names.offset),
      extent: await readPair(path, names.extent),
    }));
    if (found === undefined) throw gone(file);
    const { offset: [y, x], extent: [height, width] } = found;
    return { offset: { x, y }, extent: { width, height } };
  }

  async #openImage(
    file: TileFile,
    page: PageChoice,
    tile: PlaneSize,
    signal: AbortSignal,
  ): Promise<OpenPlane | undefined> {
    const opened = await this.#files.open(file, signal);
    if (opened === undefined) return undefined;
    let entry: ImageEntry;
    let format: string;
    try {
      const described = await this.#describe(opened);
      format = described.format;
      entry = described.images[choosePage(page, described.images.length)];
    } catch (error) {
      throw broken(opened.shown, error);
    } finally {
      await opened[Symbol.asyncDispose]();
    }
    const { width, height, samples, dtype } = entry;
    if (samples !== 1) {
      throw new SluiceError(
        `Cannot use "${opened.shown}" as a tile: it has ${samples} samples a pixel, and a channel of the Boss holds one; write its channels as grey images`,
      );
    }
    const bytes = width * height * VOXEL_BYTES[dtype];
    const decode = (write: SpoolWriter["write"]) =>
      this.#decode(file, format, entry, write, signal);
    if (width <= tile.width && height <= tile.height) {
      return {
        size: { width, height },
        dtype,
        keptBytes: 0,
        read: (from, size) => readWhole(decode, entry, from, size),
      };
    }
    const spooled = {
      name: JSON.stringify(["image", opened.identity, entry.at]),
      bytes,
      signal,
      make: (file: SpoolWriter) => decode((offset, data) => file.write(offset, data)),
    };
    return {
      size: { width, height },
      dtype,
      keptBytes: bytes,
      read: (from, size) =>
        this.#options.spool.use(
          spooled,
          (file) => gatherRows(entry, from, size, (offset, into) => file.read(offset, into)),
        ),
    };
  }

  /** Decodes an image in bands. */
  async #decode(
    file: TileFile,
    format: string,
    { at, width, height, samples, dtype, rowGroup }: ImageEntry,
    write: (offset: number, bytes: Uint8Array) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { pool, bandBytes = 32 << 20 } = this.#options;
    await using opened = await this.#files.open(file, signal);
    if (opened === undefined) {
      throw new ImageError(`Cannot read "${file.path}": it is gone`, "missing");
    }
    const rowBytes = width * VOXEL_BYTES[dtype];
    const group = Math.min(rowGroup, height);
    const rows = Math.max(group, Math.floor(bandBytes / rowBytes / group) * group);
    const bandRows = group * rowBytes > bandBytes ? Math.ceil(bandBytes / rowBytes) : rows;
    if (opened.local === undefined) {
      const known = await imageFormats.get(format)!();
      try {
        await using reader = await known.open(opened.source, at, { wholeBytes: bandBytes });
        const band = new Uint8Array(Math.min(bandRows, height) * rowBytes);
        for (let row = 0; row < height; row += bandRows) {
          signal.throwIfAborted();
          const end = Math.min(height, row + bandRows);
          const part = band.subarray(0, (end - row) * rowBytes);
          await reader.readRows(row, end, part);
          write(row * rowBytes, part);
        }
      } catch (error) {
        throw broken(opened.shown, error);
      }
      return;
    }
    const session = `boss-${this.#sessions}`;
    const lane = this.#sessions++;
    const image: ImagePart = {
      ...opened.local,
      format,
      at,
      width,
      height,
      samples,
      dtype,
      x: 0,
      y: 0,
      z: 0,
      c: 0,
      t: 0,
    };
    try {
      for (let row = 0; row < height; row += bandRows) {
        const band = box([0, row, 0], [width, Math.min(height, row + bandRows), 1]);
        const data = this.#buffers.take(dtype, band);
        try {
          const input = { session, images: [image], data, box: band, wholeBytes: bandBytes };
          const [failure] = await pool.run("readImages", input, { lane, signal });
          if (failure !== undefined) {
            throw new ImageError(
              `Cannot decode "${opened.shown}": ${failure.message}`,
              failure.kind,
            );
          }
          write(row * rowBytes, viewBytes(data));
        } finally {
          this.#buffers.give(data);
        }
      }
    } finally {
      await pool.run("closeImages", { session }, { lane });
    }
  }

  #describe({ identity, source, shown }: OpenFile): Promise<ImageFileEntry> {
    const known = this.#headers.get(identity);
    if (known !== undefined) return known;
    const describing = (async () => {
      const first = new Uint8Array(Math.min(16, source.size));
      await source.read(0, first);
      const format = await sniffFormat(first);
      if (format === undefined) throw new ImageError(`"${shown}" is no image`, "broken");
      const { images } = await format.describe(source);
      return { format: format.name, images };
    })();
    if (this.#headers.size >= MOST_HEADERS) this.#headers.clear();
    this.#headers.set(identity, describing);
    describing.catch(() => this.#headers.delete(identity));
    return describing;
  }

  async #openDataset(
    file: TileFile,
    dataset: string,
    axes: readonly ("x" | "y" | number)[],
    tile: PlaneSize,
    signal: AbortSignal,
  ): Promise<OpenPlane | undefined> {
    const open = (path: string, identity?: string) =>
      this.#openHdf5(file, { path, identity, dataset, axes, tile }, signal);
    return await this.#files.onDisk(file, signal, open);
  }

  async #openHdf5(
    file: TileFile,
    { path, identity, dataset, axes, tile }: {
      readonly path: string;
      /** Of a copy, whose path and times say nothing. */
      readonly identity?: string;
      readonly dataset: string;
      readonly axes: readonly ("x" | "y" | number)[];
      readonly tile: PlaneSize;
    },
    signal: AbortSignal,
  ): Promise<OpenPlane> {
    // Positions are along axes that have no name here: any letters will do, each once.
    const free = ["z", "c", "t"] as const;
    let next = 0;
    const fixed = new Map<"z" | "c" | "t", number>();
    const letters = axes.map((axis) => {
      if (typeof axis !== "number") return axis;
      const letter = free[next++];
      fixed.set(letter, axis);
      return letter;
    });
    const options = { dataset: rooted(dataset), axes: letters.join("") };
    const array = await openHdf5Array(path, options);
    const [width, height] = array.size;
    const at = (["z", "c", "t"] as const).map((letter, i) => {
      const position = fixed.get(letter) ?? 0;
      if (position < array.size[2 + i]) return position;
      throw new SluiceError(
        `Cannot read position ${position} of "${dataset}" in "${file.path}": that axis ends with ${
          array.size[2 + i] - 1
        }; check the extent of the job, and the offsets of the tile processor`,
      );
    });
    const volume = new SpooledVolume({
      name: identity === undefined
        ? array.fingerprint
        : JSON.stringify([identity, dataset, options.axes]),
      scale: array,
      want: [tile.width, tile.height, 1],
      ...this.#options,
    });
    const { dtype } = array;
    return {
      size: { width, height },
      dtype,
      keptBytes: volume.cellBytes,
      read: async (from, size) => {
        const min = [from.x, from.y, ...at];
        const of = box(min, [from.x + size.width, from.y + size.height, ...at.map((p) => p + 1)]);
        const voxels = viewVoxels(dtype, new Uint8Array(boxVolume(of) * VOXEL_BYTES[dtype]));
        const read = await this.#files.onDisk(file, signal, async (_, now) => {
          if (now !== identity) throw replaced(file);
          await volume.read(of, voxels, of, signal);
          return true;
        });
        if (read === undefined) throw gone(file);
        return voxels;
      },
    };
  }
}

/** Decodes an image that nobody else needs. */
async function readWhole(
  decode: (write: SpoolWriter["write"]) => Promise<void>,
  image: ImageEntry,
  from: { readonly x: number; readonly y: number },
  size: PlaneSize,
): Promise<VoxelArray> {
  const all = new Uint8Array(image.width * image.height * VOXEL_BYTES[image.dtype]);
  await decode((offset, bytes) => all.set(bytes, offset));
  return gatherRows(image, from, size, (offset, into) => {
    into.set(all.subarray(offset, offset + into.length));
  });
}

function gatherRows(
  { width, dtype }: ImageEntry,
  from: { readonly x: number; readonly y: number },
  size: PlaneSize,
  read: (offset: number, into: Uint8Array) => void,
): VoxelArray {
  const voxelBytes = VOXEL_BYTES[dtype];
  const rowBytes = size.width * voxelBytes;
  const bytes = new Uint8Array(size.height * rowBytes);
  if (size.width === width) read(from.y * rowBytes, bytes);
  else {
    for (let row = 0; row < size.height; row++) {
      const offset = ((from.y + row) * width + from.x) * voxelBytes;
      read(offset, bytes.subarray(row * rowBytes, (row + 1) * rowBytes));
    }
  }
  return viewVoxels(dtype, bytes);
}

async function readPair(path: string, dataset: string): Promise<number[]> {
  const { readHdf5Numbers } = await import("./_hdf5_numbers.ts");
  const numbers = await readHdf5Numbers(path, rooted(dataset));
  if (numbers.length === 2 && numbers.every(Number.isFinite)) return numbers;
  throw new SluiceError(
    `Cannot read "${dataset}" of "${path}" as a place along y and x: it holds ${numbers.length} numbers; name another dataset`,
  );
}

function rooted(dataset: string): string {
  return dataset.startsWith("/") ? dataset : `/${dataset}`;
}

function broken(shown: string, error: unknown): unknown {
  if (!(error instanceof ImageError) || error.message.includes(shown)) return error;
  return new ImageError(`Cannot read "${shown}" as an image: ${error.message}`, error.kind, {
    cause: error,
  });
}
