/** Volumes that sluice writes, and what other programs must find in them. */
import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { type Box, box, boxSize } from "../../core/box.ts";
import { copyBox } from "../../core/copy_box.ts";
import {
  type Dtype,
  viewBytes,
  viewVoxels,
  VOXEL_BYTES,
  type VoxelArray,
} from "../../core/dtype.ts";
import type { ChunkEncoding, PrecomputedForm } from "../../core/layout.ts";
import { type Point, product } from "../../core/point.ts";
import { openLedger } from "../../ledgers/open_ledger.ts";
import { type ArraySource, arraySource } from "../../plugins/array_source.ts";
import type { WorkerPool } from "../../pool/worker_pool.ts";
import { ingest, type IngestOptions } from "../../tasks/ingest.ts";
import { seeded } from "../codecs/_png_writer.ts";
import { runPythonWith } from "./_python.ts";

export type Sides = readonly [x: number, y: number, z: number];

/** Formats that volumes are written in. */
export type Format = "precomputed" | "0.5" | "0.4";

/** What a volume holds, and how. */
export interface Kind {
  readonly dtype: Dtype;
  readonly format: Format;
  readonly codec: ChunkEncoding;
  /** @default "image" */
  readonly kind?: "image" | "labels";
  readonly channels?: number;
}

/** How it is cut. */
export interface Cut {
  readonly size: Sides;
  readonly chunk: Sides;
  readonly shard: Sides | "none";
}

/** Edges of a voxel, and which a coarser scale doubles: those that are short. */
export interface Edges {
  readonly edges: Sides;
  readonly doubled: readonly boolean[];
}

/** What a volume is to be: one line of `CASES.json`. */
export interface Case {
  readonly what: string;
  readonly format: "precomputed" | "ome-zarr";
  /** `file://` or `s3://`. */
  readonly volume: string;
  /** Server of the bucket. */
  readonly endpoint?: string;
  readonly voxels: string;
  readonly dtype: Dtype;
  /** c, z, y, x. */
  readonly shape: readonly number[];
  readonly scales: readonly (readonly [edges: Sides, origin: Sides])[];
  readonly rule: "mean" | "mode";
  /** How far a voxel may be off. */
  readonly bound: number;
  readonly sharded: boolean;
  /** Whether cloud-volume reads it as well. */
  readonly cloudVolume: boolean;
}

export const LEVELS = 3;

/** An encoding of precomputed chunks. */
export function precomputed(form: PrecomputedForm): ChunkEncoding {
  return { codec: "precomputed", form, crc32c: false };
}

export const RAW = precomputed({ codec: "raw" });
export const PNG = precomputed({ codec: "png", level: 6 });
export const JPEG = precomputed({ codec: "jpeg", quality: 95 });
/** Compressed segmentation in blocks. */
export function labelBlocks(...blockSize: Sides): ChunkEncoding {
  return precomputed({ codec: "compressed_segmentation", blockSize });
}
export const ZSTD: ChunkEncoding = { codec: "zstd", level: 1, crc32c: true };

/** Voxel edges of each scale: an axis of one voxel is not halved. */
export function edgesOf({ edges, doubled }: Edges, size: readonly number[]): Sides[] {
  const halvings = size.map((side) => Math.ceil(Math.log2(side)));
  return Array.from(
    { length: LEVELS },
    (_, scale) =>
      mapSides((axis) =>
        doubled[axis] ? edges[axis] * 2 ** Math.min(scale, halvings[axis]) : edges[axis]
      ),
  );
}

function mapSides(of: (axis: number) => number): Sides {
  return [of(0), of(1), of(2)];
}

/** Where the first voxel of a scale lies, as each format says it. */
function originOf(format: Format, min: readonly number[], finest: Sides, edges: Sides): Sides {
  return mapSides((axis) => {
    const factor = edges[axis] / finest[axis];
    return format === "precomputed"
      ? Math.floor(min[axis] / factor)
      : finest[axis] * (min[axis] + (factor - 1) / 2);
  });
}

/** Noise where an encoding keeps all, else smooth; labels in runs. */
export function makeVoxels({ dtype, codec, kind }: Kind, size: Point): VoxelArray {
  const random = seeded(11);
  const voxels = viewVoxels(dtype, new Uint8Array(product(size) * VOXEL_BYTES[dtype]));
  const [width, height] = size;
  const isSmooth = codec.codec === "precomputed" && codec.form.codec === "jpeg";
  for (let i = 0; i < voxels.length; i++) {
    const x = i % width;
    const y = Math.floor(i / width) % height;
    const plane = Math.floor(i / width / height);
    const label = Math.floor(x / 5) + 31 * Math.floor(y / 3) + 7 * Math.floor(plane / 2);
    if (voxels instanceof BigUint64Array) {
      voxels[i] = kind === "labels"
        ? BigInt(label) * 0x1_0000_0001n
        : BigInt(Math.floor(random() * 2 ** 32)) << 32n | BigInt(i);
    } else if (kind === "labels") voxels[i] = label * 16777259;
    else if (isSmooth) voxels[i] = 128 + 90 * Math.sin(x / 19 + plane / 40) * Math.cos(y / 23);
    else voxels[i] = dtype === "float32" ? (random() - 0.5) * 1e6 : random() * 2 ** 32;
  }
  return voxels;
}

/** Where volumes are written. */
export interface Place {
  /** A folder, or `s3://BUCKET/PREFIX`. */
  readonly root: string;
  /** Server of the bucket, which the options of blobs name, too. */
  readonly endpoint?: string;
  /** Keys for it, in the environment of other programs. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Volumes that are written, and then read by others. */
export class WrittenVolumes {
  readonly cases: Case[] = [];

  /** @param folder For what the others must find. */
  constructor(
    readonly folder: string,
    readonly pool: WorkerPool,
    readonly place: Place = { root: folder },
  ) {}

  /** Ingests voxels, all or a crop. */
  async add(kind: Kind, cut: Cut, of: Edges, isCut: boolean): Promise<void> {
    const { dtype, format, codec, channels = 1 } = kind;
    const { size: [x, y, z], chunk, shard } = cut;
    const whole = box([0, 0, 0, 0, 0], [x, y, z, channels, 1]);
    const all = makeVoxels(kind, whole.max);
    const part: Box = isCut ? box([1, 1, 1, 0, 0], [x, y - 1, z, channels, 1]) : whole;
    const kept = viewVoxels(dtype, new Uint8Array(product(boxSize(part)) * VOXEL_BYTES[dtype]));
    copyBox(all, whole, kept, part, part);
    const name = String(this.cases.length).padStart(4, "0");
    const source = arraySource(
      {
        name,
        size: channels > 1 ? [x, y, z, channels] : [x, y, z],
        dtype,
        voxelSize: { x: of.edges[0], y: of.edges[1], z: of.edges[2], unit: "nanometer" },
      },
      (band, voxels) => copyBox(all, whole, voxels, band, band),
    );
    const span = (axis: 0 | 1 | 2) => [part.min[axis], part.max[axis]] as const;
    const volume = await this.ingest(source, name, {
      kind: kind.kind ?? "image",
      ...(format === "precomputed" ? { format } : { zarr: format }),
      codec,
      chunk,
      shard,
      levels: LEVELS,
      ...(isCut ? { x: span(0), y: span(1), z: span(2) } : {}),
    });
    const encoded = codec.codec === "precomputed" ? codec.form.codec : codec.codec;
    await this.expect({
      what: `${format} ${dtype} ${encoded} ${channels} of ${boxSize(part)}, shard ${shard}`,
      volume,
      kind,
      voxels: kept,
      part,
      of,
      sharded: shard !== "none",
    });
  }

  /** Enters a volume that was written. */
  async expect(
    { what, volume, kind, voxels, part, of, sharded }: {
      readonly what: string;
      /** Path or address. */
      readonly volume: string;
      readonly kind: Kind;
      readonly voxels: VoxelArray;
      readonly part: Box;
      readonly of: Edges;
      readonly sharded: boolean;
    },
  ): Promise<void> {
    const { dtype, codec, format, channels = 1 } = kind;
    const encoded = codec.codec === "precomputed" ? codec.form.codec : codec.codec;
    const raw = join(this.folder, `${String(this.cases.length).padStart(4, "0")}.raw`);
    await Deno.writeFile(raw, viewBytes(voxels));
    this.cases.push({
      what,
      format: format === "precomputed" ? format : "ome-zarr",
      volume: volume.startsWith("s3://") ? volume : `file://${volume}`,
      endpoint: this.place.endpoint,
      voxels: raw,
      dtype,
      shape: boxSize(part).slice(0, 4).toReversed(),
      scales: edgesOf(of, boxSize(part)).map((edges) => [
        edges,
        originOf(format, part.min, of.edges, edges),
      ]),
      // It takes the bytes of 16-bit PNGs for voxels, and the samples of a pixel for voxels of one channel.
      cloudVolume: encoded === "raw" || encoded === "compressed_segmentation" ||
        (dtype === "uint8" && channels === 1),
      rule: kind.kind === "labels" ? "mode" : "mean",
      bound: encoded === "jpeg" ? 12 : 0,
      sharded,
    });
  }

  /** Where a volume of some name is to be. */
  target(name: string): string {
    return `${this.place.root}/${name}`;
  }

  /** Runs a job to its end. @returns Path or address of the volume. */
  async ingest(
    source: readonly string[] | ArraySource,
    name: string,
    options: Partial<Omit<IngestOptions, "onProgress">>,
  ): Promise<string> {
    await using ledger = await openLedger("memory:");
    const failures: string[] = [];
    const { created, status, verified } = await ingest(source, this.target(name), {
      ledger,
      pool: this.pool,
      onFailure: (error) => void failures.push(String(error)),
      ...options,
    });
    deepEqual([status.state, failures], ["done", []]);
    deepEqual(verified?.faults, []);
    return created.volume;
  }

  /** Lets the others read, and holds that all of them read every scale and found nothing wrong. */
  async check(): Promise<void> {
    const path = join(this.folder, "cases.json");
    await Deno.writeTextFile(path, JSON.stringify(this.cases));
    const { faults, reads } = JSON.parse(
      // Before it lie the words of cloud-volume.
      (await runPythonWith(this.place.env ?? {}, "read_back.py", path)).split("\n").at(-1)!,
    );
    deepEqual(faults, []);
    const scalesOf = (cases: readonly Case[]) =>
      cases.reduce((sum, { scales }) => sum + scales.length, 0);
    const zarr = this.cases.filter(({ format }) => format === "ome-zarr");
    const cloud = this.cases.filter((one) => one.format === "precomputed" && one.cloudVolume);
    deepEqual(
      [reads.tensorstore, reads["zarr-python"] ?? 0, reads["cloud-volume"] ?? 0],
      [this.cases, zarr, cloud].map(scalesOf),
    );
  }
}
