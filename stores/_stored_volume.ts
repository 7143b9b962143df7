/** A volume of any format, on disk, in a bucket or behind HTTP: read in boxes, and written in units by jobs. */
import type { Box } from "../core/box.ts";
import { SluiceError } from "../core/errors.ts";
import type { Layout, Unit } from "../core/layout.ts";
import { mapPoint } from "../core/point.ts";
import { BandBuffers, type Slab } from "../core/slab.ts";
import type { VoxelSize } from "../core/units.ts";
import { readChunked } from "../plugins/chunked_array.ts";
import type { VolumeArray } from "../plugins/volume_array.ts";
import type { JobInput } from "../pool/jobs.ts";
import { finishVolume } from "./_finish_volume.ts";
import { openUnit } from "./_open_unit.ts";
import { unitShape } from "./_unit_tally.ts";
import { checkRead } from "./check_read.ts";
import type { JobFolder } from "./job_folder.ts";
import type { ChannelDisplay } from "./read_contrast.ts";
import type { FinishOptions, OpenUnitOptions, ReadOptions, UnitWriter } from "./store.ts";
import type { OpenVolumeOptions, UnitForm, Volume, VolumeMetadata, VolumeState } from "./volume.ts";

/** What is known of a volume; of one that no job can write, the array alone. */
type KnownMetadata = Pick<VolumeMetadata, "array"> & Partial<VolumeMetadata>;

export class StoredVolume implements Volume {
  readonly layout: Layout;
  readonly path: string;
  readonly kind: "image" | "labels";
  readonly voxelSize: VoxelSize | undefined;
  readonly state: VolumeState | undefined;
  readonly folder: JobFolder;
  readonly #metadata: KnownMetadata;
  readonly #units: UnitForm | undefined;
  readonly #claim: string | undefined;
  readonly #options: OpenVolumeOptions;
  readonly #buffers: BandBuffers;

  private constructor(
    folder: JobFolder,
    metadata: KnownMetadata,
    planned: Layout | undefined,
    claim: string | undefined,
    options: OpenVolumeOptions,
  ) {
    const array = planned && metadata.written || metadata.array;
    this.path = folder.blobs.url;
    this.folder = folder;
    this.layout = planned ?? layoutOf(array);
    this.kind = array.kind ?? "image";
    this.voxelSize = array.scales[0].voxelSize;
    this.state = metadata.state;
    this.#metadata = { ...metadata, array };
    this.#units = planned && metadata.units?.(planned);
    this.#claim = claim;
    this.#options = options;
    this.#buffers = options.buffers ?? new BandBuffers();
  }

  static async open(
    folder: JobFolder,
    metadata: KnownMetadata,
    options: OpenVolumeOptions,
  ): Promise<StoredVolume> {
    const [plan, claim] = await Promise.all([folder.plan(), folder.claim()]);
    const isPart = metadata.written !== undefined && options.whole;
    return new StoredVolume(
      folder,
      metadata,
      isPart ? undefined : plan?.layout,
      claim?.claim,
      options,
    );
  }

  /** How units lie; only a plan says that. */
  get #form(): UnitForm {
    if (this.#units !== undefined) return this.#units;
    throw new SluiceError(
      `Cannot write into "${this.path}" as no job was created for it; run \`sluice create\``,
    );
  }

  place(unit: Unit): string {
    const { blobs } = this.folder;
    const key = this.#form.key(unit);
    return blobs.localPath?.(key) ?? `${blobs.url}/${key}`;
  }

  async open(unit: Unit, options?: OpenUnitOptions): Promise<UnitWriter> {
    const form = this.#form;
    return await openUnit(this.folder, this.#claim, {
      layout: this.layout,
      unit,
      key: form.key(unit),
      container: form.container(unit),
    }, options);
  }

  displays(): Promise<ChannelDisplay[] | undefined> {
    return this.#metadata.displays?.() ?? Promise.resolve(undefined);
  }

  async checkInput(unit: Unit, signal?: AbortSignal): Promise<JobInput<"checkUnit">> {
    const { dtype, fill, encoding, scales } = this.layout;
    const { blobs } = this.folder;
    const key = this.#form.key(unit);
    const path = blobs.localPath?.(key);
    return {
      file: path ?? await blobs.get(key, { signal }),
      ...this.#form.check(unit),
      present: unitShape(this.layout, unit).present,
      chunk: scales[unit.scale].chunk,
      dtype,
      fill,
      encoding,
    };
  }

  read(of: Box, { scale = 0, signal }: ReadOptions = {}): Promise<Slab> {
    checkRead(this.layout, of, scale, this.path);
    const { pool, bandBytes } = this.#options;
    const { array } = this.#metadata;
    // Anew, as a shard may have been replaced since the last reading.
    const level = array.reopen?.(scale) ?? array.scales[scale];
    return Promise.resolve(readChunked(level, of, {
      pool,
      bandBytes,
      buffers: this.#buffers,
      scale,
      signal,
      wayOut: this.state === undefined ? "mend or copy it again" : "run `sluice verify`",
    }));
  }

  /** Measures the contrast, writes the metadata anew, and marks the volume complete; temporary files go. */
  async finish(options: FinishOptions): Promise<void> {
    await finishVolume(this, options);
  }

  /** Nothing stays open between calls. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder[Symbol.asyncDispose]();
  }
}

/** The layout of a volume that no plan describes: enough to read it. */
function layoutOf({ axes, kind, scales }: VolumeArray): Layout {
  const [base] = scales;
  return {
    dtype: base.dtype,
    axes,
    fill: Number(base.fill),
    downsample: kind === "labels" ? "mode" : "mean",
    encoding: { codec: "none", crc32c: false },
    scales: scales.map(({ size, chunk, voxelSize }) => {
      const edges = (of: VoxelSize | undefined) => [of?.x, of?.y, of?.z];
      const [mine, finest] = [edges(voxelSize), edges(base.voxelSize)];
      const factor = mapPoint(size, (side, axis) => {
        const [edge, least] = [mine[axis], finest[axis]];
        const ratio = edge !== undefined && least !== undefined
          ? edge / least
          : base.size[axis] / side;
        return axis > 2 ? 1 : Math.max(1, Math.round(ratio));
      });
      return { size, chunk, shard: chunk, factor };
    }),
  };
}
