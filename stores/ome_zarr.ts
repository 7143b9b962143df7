/**
 * OME-Zarr on local disk: 0.5 on sharded Zarr v3, 0.4 on Zarr v2.
 *
 * Source of the rules: Zarr v3 core and its `sharding_indexed` codec; OME-NGFF 0.5 and 0.4.
 * @module
 */
import { join, resolve } from "node:path";
import type { Box } from "../core/box.ts";
import { boxVolume } from "../core/box.ts";
import { type VoxelArray } from "../core/dtype.ts";
import { isNotFound, messageOf, SluiceError } from "../core/errors.ts";
import { type Layout, type Unit, unitBox, unitName, unitsOf } from "../core/layout.ts";
import { allSettled } from "../core/abort.ts";
import { leastCommonMultiple } from "../core/integers.ts";
import { mapPoint, type Point, product, unravel } from "../core/point.ts";
import { BandBuffers, type Slab } from "../core/slab.ts";
import type { VoxelSize } from "../core/units.ts";
import { type ChunkPlace, indexBytes, parseIndex } from "../codecs/shard_index.ts";
import { fillVoxels } from "../pool/_encode_chunks.ts";
import { readFully } from "../pool/_read_chunks.ts";
import { readBands } from "../pool/bands.ts";
import type { JobInput } from "../pool/jobs.ts";
import { checkRead } from "./check_read.ts";
import { isSharded, unitPath, type ZarrVersion } from "./_zarr_metadata.ts";
import { finishVolume } from "./_finish_volume.ts";
import { parseVolume } from "./_zarr_parse.ts";
import { unitShape } from "./_unit_tally.ts";
import { FileUnitWriter, ONE_CHUNK, zarrShard } from "./_unit_writer.ts";
import { registerLabels, writeMetadata } from "./create_ome_zarr.ts";
import { JobFolder, readJson } from "./job_folder.ts";
import { type ChannelDisplay, readContrast } from "./read_contrast.ts";
import type { FinishOptions, ReadOptions, UnitWriter } from "./store.ts";
import type { Contrast, OpenVolumeOptions, Volume, VolumeFormat, VolumeState } from "./volume.ts";

/** Chunks that one job reads or encodes. */
const BATCH = 8;

/**
 * An OME-Zarr volume on local disk.
 * @example Voxels of a volume
 * ```ts
 * import { box, encodePng, gatherVoxels, ingest, OmeZarrStore, openLedger, WorkerPool } from "@sluice/sluice";
 * import { deepEqual } from "node:assert/strict";
 * const folder = await Deno.makeTempDir();
 * const data = Uint8Array.from({ length: 35 }, (_, i) => i);
 * const section = encodePng({ width: 7, height: 5, samples: 1, dtype: "uint8", data });
 * for (const z of [0, 1, 2]) await Deno.writeFile(`${folder}/s_${z}.png`, section);
 * await using ledger = await openLedger("memory:");
 * await using pool = new WorkerPool({ size: 0 });
 * const { created } = await ingest([`${folder}/*.png`], `${folder}/out.ome.zarr`, { ledger, pool });
 *
 * await using store = await OmeZarrStore.open(created.volume, { pool });
 * deepEqual(store.layout.scales[0].size, [7, 5, 3, 1, 1]);
 * const slab = await store.read(box([2, 1, 0], [5, 2, 1]));
 * deepEqual(await gatherVoxels(slab), new Uint8Array([9, 10, 11]));
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class OmeZarrStore implements Volume {
  /** How the volume is cut. */
  readonly layout: Layout;
  /** Path of the volume. */
  readonly path: string;
  /** OME-Zarr version. */
  readonly zarr: ZarrVersion;
  /** What its metadata says it is. */
  readonly kind: "image" | "labels";
  /** Edge lengths of a voxel of scale 0. */
  readonly voxelSize: VoxelSize | undefined;
  /** How far it is; undefined where another program made it. */
  readonly state: VolumeState | undefined;
  /** Plan, sources and receipts. */
  readonly folder: JobFolder;
  readonly #claim: string | undefined;
  readonly #options: OpenVolumeOptions;
  readonly #buffers: BandBuffers;

  private constructor(
    path: string,
    parsed: Awaited<ReturnType<typeof parseVolume>>,
    state: VolumeState | undefined,
    claim: string | undefined,
    options: OpenVolumeOptions,
  ) {
    this.path = path;
    this.layout = parsed.layout;
    this.zarr = parsed.zarr;
    this.kind = parsed.kind;
    this.voxelSize = parsed.voxelSize;
    this.state = state;
    this.folder = new JobFolder(path);
    this.#claim = claim;
    this.#options = options;
    this.#buffers = options.buffers ?? new BandBuffers();
  }

  /**
   * Opens a volume that exists: for reading any, for writing one that a job was created for.
   * @throws {SluiceError} If it is no OME-Zarr volume, or uses something that is not read (named).
   */
  static async open(path: string, options: OpenVolumeOptions): Promise<OmeZarrStore> {
    const absolute = resolve(path);
    const parsed = await parseVolume(path, (name) => readJson(join(absolute, name)));
    const state = await readState(absolute, parsed.zarr);
    const claim = await new JobFolder(absolute).claim();
    return new OmeZarrStore(absolute, parsed, state, claim?.claim, options);
  }

  place(unit: Unit): string {
    return join(this.path, unitPath(this.zarr, this.layout, unit.scale, unit.index));
  }

  open(unit: Unit): Promise<UnitWriter> {
    if (this.#claim === undefined) {
      throw new SluiceError(
        `Cannot write into "${this.path}" as no job was created for it; run \`sluice create\``,
      );
    }
    const files = {
      path: this.place(unit),
      temporary: join(this.folder.temporaryPath(this.#claim), crypto.randomUUID()),
    };
    const scale = this.layout.scales[unit.scale];
    const { grid } = unitShape(this.layout, unit);
    const container = isSharded(scale) ? zarrShard(product(grid)) : ONE_CHUNK;
    return Promise.resolve(new FileUnitWriter(this.layout, unit, files, container));
  }

  /** Windows and colours of the channels, as the metadata gives them. */
  displays(): Promise<ChannelDisplay[] | undefined> {
    return readContrast(this.path);
  }

  /** What `checkUnit` needs to read a unit back whole. */
  checkInput(unit: Unit): JobInput<"checkUnit"> {
    const scale = this.layout.scales[unit.scale];
    const shape = unitShape(this.layout, unit);
    return {
      path: this.place(unit),
      grid: isSharded(scale) ? shape.grid : undefined,
      present: shape.present,
      chunk: scale.chunk,
      dtype: this.layout.dtype,
      fill: this.layout.fill,
      encoding: this.layout.encoding,
    };
  }

  read(box: Box, { scale = 0, signal }: ReadOptions = {}): Promise<Slab> {
    checkRead(this.layout, box, scale, this.path);
    const { chunk } = this.layout.scales[scale];
    const indices = new Map<string, StoredChunk[]>();
    const slab: Slab = {
      box,
      scale,
      dtype: this.layout.dtype,
      losses: [],
      bands: ({ rows = 1, hold } = {}) =>
        readBands({
          box,
          scale,
          dtype: this.layout.dtype,
          rows: leastCommonMultiple(rows, chunk[1]),
          bandBytes: this.#options.bandBytes ?? 32 << 20,
          hold,
          buffers: this.#buffers,
          fill: (band, data) => this.#fill(scale, band, data, indices, signal),
        }),
    };
    return Promise.resolve(slab);
  }

  /** Measures the contrast, writes the metadata anew, and marks the volume complete; temporary files go. */
  async finish(options: FinishOptions): Promise<void> {
    await finishVolume(this, writeMetadata, options);
  }

  async #fill(
    scale: number,
    band: Box,
    data: VoxelArray,
    indices: Map<string, StoredChunk[]>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { chunk } = this.layout.scales[scale];
    const { dtype, encoding } = this.layout;
    const reads: Promise<void>[] = [];
    const wanted: { path: string; chunks: { min: Point; offset: number; length: number }[] }[] = [];
    let voxels = 0;
    for (const unit of unitsOf(this.layout, scale, band)) {
      const name = unitName(unit);
      let stored = indices.get(name);
      if (stored === undefined) indices.set(name, stored = this.#storedChunks(unit));
      const inBand = stored.filter(({ box }) => overlaps(box, band));
      for (const { box } of inBand) voxels += overlapVolume(box, band);
      const path = this.place(unit);
      for (let i = 0; i < inBand.length; i += BATCH) {
        wanted.push({
          path,
          chunks: inBand.slice(i, i + BATCH).map(({ box, offset, length }) => ({
            min: box.min,
            offset,
            length,
          })),
        });
      }
      if (unitBox(this.layout, unit).max[1] <= band.max[1]) indices.delete(name);
    }
    if (voxels < boxVolume(band)) fillVoxels(data, this.layout.fill);
    for (const { path, chunks } of wanted) {
      reads.push(
        this.#options.pool.run("readChunks", {
          path,
          chunks,
          dtype,
          encoding,
          chunk,
          data,
          box: band,
        }, { signal }),
      );
    }
    await allSettled(reads);
  }

  /** The chunks of a unit that are stored, with their boxes at its scale. */
  #storedChunks(unit: Unit): StoredChunk[] {
    const path = this.place(unit);
    const scale = this.layout.scales[unit.scale];
    const { grid, first, present } = unitShape(this.layout, unit);
    const boxOf = (position: number): Box => {
      const cell = mapPoint(unravel(position, grid), (value, axis) => value + first[axis]);
      const min = mapPoint(cell, (value, axis) => value * scale.chunk[axis]);
      return {
        min,
        max: mapPoint(min, (value, axis) => Math.min(value + scale.chunk[axis], scale.size[axis])),
      };
    };
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path);
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
    using open = file;
    const { size } = open.statSync();
    if (!isSharded(scale)) return [{ box: boxOf(0), offset: 0, length: size }];
    const bytes = new Uint8Array(indexBytes(product(grid)));
    if (size < bytes.length) {
      throw new SluiceError(
        `Cannot read "${path}" as a shard: its ${size} bytes are too few for its index; run \`sluice verify\``,
      );
    }
    readFully(open, path, size - bytes.length, bytes);
    const places = readIndex(path, bytes, size - bytes.length);
    return present.flatMap((position) => {
      const place = places[position];
      return place === undefined ? [] : [{ box: boxOf(position), ...place }];
    });
  }

  /** Nothing stays open between calls. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

interface Attributes {
  readonly omero?: { readonly channels: readonly { readonly window: Contrast }[] };
  readonly sluice?: { readonly complete?: boolean; readonly losses?: number };
}

/** What the metadata says of the volume; undefined where sluice did not write it. */
async function readState(volume: string, zarr: ZarrVersion): Promise<VolumeState | undefined> {
  const document = await readJson(join(volume, zarr === "0.5" ? "zarr.json" : ".zattrs")) as
    | { readonly attributes?: { readonly ome?: Attributes } & Attributes } & Attributes
    | undefined;
  const { omero, sluice } = zarr === "0.5"
    ? { ...document?.attributes?.ome, sluice: document?.attributes?.sluice }
    : document ?? {};
  if (sluice === undefined) return undefined;
  const { complete = false, losses } = sluice;
  return {
    complete,
    ...(losses === undefined ? {} : { losses }),
    ...(omero === undefined ? {} : { contrast: omero.channels.map(({ window }) => window) }),
  };
}

/** OME-Zarr as one of the formats. */
export const omeZarr: VolumeFormat = {
  open: (path, options) => OmeZarrStore.open(path, options),
  writeMetadata,
  register: (path, { store }) =>
    store.kind === "ome-zarr" ? registerLabels(path, store.zarr) : Promise.resolve(),
};

function readIndex(path: string, bytes: Uint8Array, dataBytes: number): ChunkPlace[] {
  try {
    return parseIndex(bytes, dataBytes);
  } catch (error) {
    throw new SluiceError(
      `Cannot read "${path}" as a shard: ${messageOf(error)}; run \`sluice verify\``,
      { cause: error },
    );
  }
}

interface StoredChunk {
  readonly box: Box;
  readonly offset: number;
  readonly length: number;
}

function overlaps(a: Box, b: Box): boolean {
  return a.min.every((value, axis) => value < b.max[axis] && b.min[axis] < a.max[axis]);
}

function overlapVolume(a: Box, b: Box): number {
  return product(
    mapPoint(
      a.min,
      (value, axis) => Math.min(a.max[axis], b.max[axis]) - Math.max(value, b.min[axis]),
    ),
  );
}
