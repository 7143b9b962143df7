/**
 * Neuroglancer precomputed volumes on local disk: every chunk a file, or chunks in shards.
 *
 * Source of the rules: the precomputed volume and sharded formats as Neuroglancer documents them.
 * @module
 */
import { dirname, join, resolve } from "node:path";
import { MortonGrid } from "../codecs/_morton.ts";
import { shardIndexBytes, ShardPacker } from "../codecs/precomputed_shard.ts";
import { locateChunk, type Sharding, shardName } from "../codecs/precomputed_sharding.ts";
import { type Box, boxSize } from "../core/box.ts";
import { SluiceError } from "../core/errors.ts";
import {
  cellBox,
  type ChunkEncoding,
  type Layout,
  type PrecomputedForm,
  type Unit,
} from "../core/layout.ts";
import type { Plan } from "../core/plan.ts";
import { mapPoint, type Point, unravel } from "../core/point.ts";
import { BandBuffers, type Slab } from "../core/slab.ts";
import type { VoxelSize } from "../core/units.ts";
import { readChunked } from "../plugins/chunked_array.ts";
import {
  fileName,
  openPrecomputedArray,
  openPrecomputedScale,
} from "../plugins/precomputed_array.ts";
import {
  parseInfo,
  type PrecomputedInfo,
  type PrecomputedScale,
} from "../plugins/precomputed_info.ts";
import type { VolumeArray } from "../plugins/volume_array.ts";
import type { JobInput } from "../pool/jobs.ts";
import { finishVolume } from "./_finish_volume.ts";
import { gridOf, precomputedDocuments, type Provenance, TASK } from "./_precomputed_metadata.ts";
import { unitShape } from "./_unit_tally.ts";
import { FileUnitWriter, ONE_CHUNK, type UnitContainer } from "./_unit_writer.ts";
import { DiskBlobs } from "./blobs/disk.ts";
import { checkRead } from "./check_read.ts";
import { JobFolder, readJson, readOverrides, writeWhole } from "./job_folder.ts";
import type { ChannelDisplay } from "./read_contrast.ts";
import type { FinishOptions, ReadOptions, UnitWriter } from "./store.ts";
import type { OpenVolumeOptions, Volume, VolumeFormat, VolumeState } from "./volume.ts";

/** A precomputed volume on local disk. */
export class PrecomputedStore implements Volume {
  readonly layout: Layout;
  readonly path: string;
  readonly kind: "image" | "labels";
  readonly voxelSize: VoxelSize | undefined;
  readonly state: VolumeState | undefined;
  readonly folder: JobFolder;
  readonly #info: PrecomputedInfo;
  readonly #scales: readonly PrecomputedScale[];
  readonly #blobs: DiskBlobs;
  readonly #claim: string | undefined;
  readonly #options: OpenVolumeOptions;
  readonly #buffers: BandBuffers;

  private constructor(
    path: string,
    blobs: DiskBlobs,
    info: PrecomputedInfo,
    array: VolumeArray,
    layout: Layout,
    state: VolumeState | undefined,
    claim: string | undefined,
    options: OpenVolumeOptions,
  ) {
    this.path = path;
    this.layout = layout;
    this.kind = array.kind!;
    this.voxelSize = array.scales[0].voxelSize;
    this.state = state;
    this.folder = new JobFolder(path);
    this.#info = info;
    this.#scales = info.scales;
    this.#blobs = blobs;
    this.#claim = claim;
    this.#options = options;
    this.#buffers = options.buffers ?? new BandBuffers();
  }

  /**
   * Opens a volume that exists: for reading any, for writing one that a job was created for.
   * @throws {SluiceError} If it is no precomputed volume, or uses something that is not read (named).
   */
  static async open(path: string, options: OpenVolumeOptions): Promise<PrecomputedStore> {
    const absolute = resolve(path);
    const blobs = new DiskBlobs(absolute);
    const array = await openPrecomputedArray(blobs);
    const info = parseInfo(await readJson(join(absolute, "info")), path);
    const folder = new JobFolder(absolute);
    const planned = (await folder.plan())?.layout;
    const state = await readState(absolute);
    const claim = (await folder.claim())?.claim;
    const layout = planned ?? layoutOf(info, array);
    return new PrecomputedStore(absolute, blobs, info, array, layout, state, claim, options);
  }

  place(unit: Unit): string {
    const scale = this.#scales[unit.scale];
    const first = this.#firstChunk(unit);
    if (scale.sharding === undefined) {
      const { encoding } = this.layout;
      const isZipped = encoding.codec === "precomputed" && encoding.gzip !== undefined;
      return join(this.path, fileName(scale, first) + (isZipped ? ".gz" : ""));
    }
    const { shard } = locateChunk(scale.sharding, this.#idOf(unit.scale, first));
    return join(this.path, scale.key, shardName(scale.sharding, shard));
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
    const { sharding } = this.#scales[unit.scale];
    const container = sharding === undefined ? ONE_CHUNK : this.#shard(unit, sharding);
    return Promise.resolve(new FileUnitWriter(this.layout, unit, files, container));
  }

  #shard(unit: Unit, sharding: Sharding): UnitContainer {
    const first = this.#firstChunk(unit);
    const { shard } = locateChunk(sharding, this.#idOf(unit.scale, first));
    const packer = new ShardPacker(sharding, shard);
    const idAt = this.#idsIn(unit);
    return {
      headBytes: shardIndexBytes(sharding),
      add: (position, length) => void packer.place(idAt(position), length),
      finish() {
        const { index, tail } = packer.finish();
        return { head: index, tail };
      },
    };
  }

  /** Numbers of the chunks of a unit by their positions in its grid. */
  #idsIn(unit: Unit): (position: number) => bigint {
    const { grid, first } = unitShape(this.layout, unit);
    return (position) =>
      this.#idOf(
        unit.scale,
        mapPoint(unravel(position, grid), (value, axis) => value + first[axis]),
      );
  }

  #idOf(scale: number, [x, y, z]: Point): bigint {
    return new MortonGrid(gridOf(this.layout.scales[scale])).code([x, y, z]);
  }

  #firstChunk(unit: Unit): Point {
    return unitShape(this.layout, unit).first;
  }

  checkInput(unit: Unit): JobInput<"checkUnit"> {
    const { dtype, fill, encoding, scales } = this.layout;
    const { chunk, size } = scales[unit.scale];
    const { present, grid, first } = unitShape(this.layout, unit);
    const { sharding } = this.#scales[unit.scale];
    const shapes = present.map((position) =>
      boxSize(
        cellBox(
          mapPoint(unravel(position, grid), (value, axis) => value + first[axis]),
          chunk,
          size,
        ),
      )
    );
    return {
      path: this.place(unit),
      grid: undefined,
      ...(sharding === undefined
        ? {}
        : { shard: { sharding, ids: present.map(this.#idsIn(unit)) } }),
      present,
      shapes,
      chunk,
      dtype,
      fill,
      encoding,
    };
  }

  read(of: Box, { scale = 0, signal }: ReadOptions = {}): Promise<Slab> {
    checkRead(this.layout, of, scale, this.path);
    const { pool, bandBytes } = this.#options;
    const options = { pool, bandBytes, buffers: this.#buffers, scale, signal };
    // Anew, as a shard may have been replaced since the last reading.
    const opened = openPrecomputedScale(this.#blobs, this.#info, this.#scales[scale]);
    return Promise.resolve(readChunked(opened, of, options));
  }

  /** Windows of the channels, as they were measured. */
  displays(): Promise<ChannelDisplay[] | undefined> {
    const displays = this.state?.contrast?.map(({ start, end }): ChannelDisplay => ({
      window: [start, end],
      color: [1, 1, 1],
    }));
    return Promise.resolve(displays);
  }

  /** Measures the contrast, writes the metadata anew, and marks the volume complete; temporary files go. */
  async finish(options: FinishOptions): Promise<void> {
    await finishVolume(this, writeMetadata, options);
  }

  /** Nothing stays open between calls. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** The layout of a volume that another program wrote: enough to read it. */
function layoutOf({ dtype, type, scales }: PrecomputedInfo, array: VolumeArray): Layout {
  const [base] = scales;
  const encoding: ChunkEncoding = {
    codec: "precomputed",
    form: formOf(base),
    crc32c: false,
  };
  return {
    dtype,
    axes: array.axes,
    fill: 0,
    downsample: type === "segmentation" ? "mode" : "mean",
    encoding,
    scales: array.scales.map(({ size, chunk }, i) => {
      const factor = (axis: 0 | 1 | 2) =>
        Math.max(1, Math.round(scales[i].resolution[axis] / base.resolution[axis]));
      return { size, chunk, shard: chunk, factor: [factor(0), factor(1), factor(2), 1, 1] };
    }),
  };
}

function formOf(
  { encoding, block_size: blockSize = [8, 8, 8] }: PrecomputedScale,
): PrecomputedForm {
  switch (encoding) {
    case "jpeg":
      return { codec: encoding, quality: 100 };
    case "png":
      return { codec: encoding, level: 6 };
    case "compressed_segmentation":
      return { codec: encoding, blockSize };
    default:
      return { codec: encoding };
  }
}

async function readState(path: string): Promise<VolumeState | undefined> {
  const provenance = await readJson(join(path, "provenance")) as Provenance | undefined;
  const method = provenance?.processing?.find(({ method }) => method?.task === TASK)?.method;
  if (method === undefined) return undefined;
  const { complete = false, losses, contrast } = method;
  return {
    complete,
    ...(losses === undefined ? {} : { losses }),
    ...(contrast === undefined ? {} : { contrast }),
  };
}

async function writeMetadata(path: string, plan: Plan, state: VolumeState): Promise<void> {
  const { voxelSize = plan.voxelSize } = await readOverrides(path);
  for (const [name, document] of precomputedDocuments(plan, voxelSize, state)) {
    await Deno.mkdir(dirname(join(path, name)), { recursive: true });
    await writeWhole(join(path, name), `${JSON.stringify(document, null, 2)}\n`);
  }
}

/** Precomputed as one of the formats. */
export const precomputed: VolumeFormat = {
  open: (path, options) => PrecomputedStore.open(path, options),
  writeMetadata,
};
