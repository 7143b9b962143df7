/** The JSON documents of an OME-Zarr volume: Zarr v3 (OME 0.5) and Zarr v2 (OME 0.4). */
import { SluiceError } from "../core/errors.ts";
import type { ChunkEncoding, Layout, ScaleLayout } from "../core/layout.ts";
import { AXES, type Axis, mapPoint, type Point } from "../core/point.ts";
import type { Dtype } from "../core/dtype.ts";
import type { VoxelSize } from "../core/units.ts";
import type { Contrast } from "./volume.ts";

/** OME-Zarr versions that are written: 0.5 on Zarr v3, 0.4 on Zarr v2. */
export type ZarrVersion = "0.5" | "0.4";

/** What the metadata of a volume says beside its layout. */
export interface VolumeMetadata {
  readonly name: string;
  readonly kind: "image" | "labels";
  readonly voxelSize?: VoxelSize;
  /** Where voxel 0 of the volume lies in the source, in voxels of scale 0: a crop moves it. */
  readonly origin: Point;
  /** One a channel; absent before the job is finished. */
  readonly contrast?: readonly Contrast[];
  /** Goes into the attributes as it is: whether the volume is complete, and by which plan. */
  readonly sluice: Readonly<Record<string, unknown>>;
}

/** How Zarr v2 spells each dtype. */
export const DTYPES_V2: Record<Dtype, string> = {
  uint8: "|u1",
  int8: "|i1",
  uint16: "<u2",
  int16: "<i2",
  uint32: "<u4",
  int32: "<i4",
  uint64: "<u8",
  float32: "<f4",
};

/** Numbers of the axes that a volume has, slowest first. */
export function onAxes(layout: Pick<Layout, "axes">, point: Point): number[] {
  return layout.axes.map((axis) => point[AXES.indexOf(axis)]);
}

/** The opposite of {@linkcode onAxes}; axes the volume does not have get `rest`. */
export function fromAxes(axes: readonly Axis[], numbers: readonly number[], rest: number): Point {
  return mapPoint([0, 0, 0, 0, 0], (_, axis) => {
    const at = axes.indexOf(AXES[axis]);
    return at < 0 ? rest : numbers[at];
  });
}

/** Every document of the volume but those of the groups around it: path below the volume, and its JSON. */
export function volumeDocuments(
  zarr: ZarrVersion,
  layout: Layout,
  metadata: VolumeMetadata,
): Map<string, unknown> {
  const documents = new Map<string, unknown>();
  const ome = multiscales(zarr, layout, metadata);
  if (zarr === "0.5") {
    documents.set(
      "zarr.json",
      groupDocument({ ome: { version: "0.5", ...ome }, sluice: metadata.sluice }),
    );
    layout.scales.forEach((scale, i) => documents.set(`${i}/zarr.json`, arrayV3(layout, scale)));
  } else {
    documents.set(".zgroup", { zarr_format: 2 });
    documents.set(".zattrs", { ...ome, sluice: metadata.sluice });
    layout.scales.forEach((scale, i) => documents.set(`${i}/.zarray`, arrayV2(layout, scale)));
  }
  return documents;
}

/** A group of Zarr v3. */
export function groupDocument(attributes: Readonly<Record<string, unknown>>): unknown {
  return { zarr_format: 3, node_type: "group", attributes };
}

/** Path of a shard below its volume. */
export function unitPath(zarr: ZarrVersion, layout: Layout, scale: number, index: Point): string {
  const cells = onAxes(layout, index).join("/");
  return zarr === "0.5" ? `${scale}/c/${cells}` : `${scale}/${cells}`;
}

/** Whether shards of this scale are files of many chunks behind an index. */
export function isSharded({ chunk, shard }: ScaleLayout): boolean {
  return chunk.some((size, axis) => size !== shard[axis]);
}

function multiscales(
  zarr: ZarrVersion,
  layout: Layout,
  metadata: VolumeMetadata,
): Record<string, unknown> {
  const { voxelSize, origin, kind, name } = metadata;
  const edge = (axis: Axis) =>
    voxelSize !== undefined && (axis === "x" || axis === "y" || axis === "z")
      ? voxelSize[axis] ?? 1
      : 1;
  const axes = layout.axes.map((axis) => ({
    name: axis,
    type: axis === "t" ? "time" : axis === "c" ? "channel" : "space",
    ...(voxelSize !== undefined && (axis === "x" || axis === "y" || axis === "z") &&
        voxelSize[axis] !== undefined
      ? { unit: voxelSize.unit }
      : {}),
  }));
  const datasets = layout.scales.map(({ factor }, i) => {
    const scale = layout.axes.map((axis) => tidy(edge(axis) * factor[AXES.indexOf(axis)]));
    const translation = layout.axes.map((axis) => {
      const at = AXES.indexOf(axis);
      return tidy(edge(axis) * (origin[at] + (factor[at] - 1) / 2));
    });
    return {
      path: String(i),
      coordinateTransformations: [
        { type: "scale", scale },
        ...(translation.some((value) => value !== 0) ? [{ type: "translation", translation }] : []),
      ],
    };
  });
  const method = layout.downsample;
  return {
    multiscales: [{
      ...(zarr === "0.4" ? { version: "0.4" } : {}),
      name,
      axes,
      datasets,
      type: method,
      metadata: {
        method,
        description: method === "mean"
          ? "Mean of the voxels in each window, rounded half to even; partial windows at the far edge use the voxels they have"
          : "Most frequent voxel in each window; a tie goes to the smallest value that is not the fill value",
      },
    }],
    ...(kind === "labels"
      ? {
        "image-label": {
          ...(zarr === "0.4" ? { version: "0.4" } : {}),
          source: { image: "../../" },
        },
      }
      : {}),
    ...(metadata.contrast === undefined ? {} : { omero: omero(name, metadata.contrast) }),
  };
}

function omero(name: string, contrast: readonly Contrast[]): unknown {
  const colors = contrast.length === 1 ? ["FFFFFF"] : ["FF0000", "00FF00", "0000FF"];
  return {
    name,
    channels: contrast.map((window, i) => ({
      active: true,
      color: colors[i] ?? "FFFFFF",
      label: contrast.length === 3 ? ["red", "green", "blue"][i] : `channel ${i}`,
      window,
    })),
  };
}

function arrayV3(layout: Layout, scale: ScaleLayout): unknown {
  const { encoding, dtype } = layout;
  const inner = [
    { name: "bytes", configuration: { endian: "little" } },
    ...compressorV3(layout),
    ...(encoding.crc32c ? [{ name: "crc32c" }] : []),
  ];
  const sharded = isSharded(scale);
  return {
    zarr_format: 3,
    node_type: "array",
    shape: onAxes(layout, scale.size),
    data_type: dtype,
    chunk_grid: { name: "regular", configuration: { chunk_shape: onAxes(layout, scale.shard) } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: layout.fill,
    codecs: sharded
      ? [{
        name: "sharding_indexed",
        configuration: {
          chunk_shape: onAxes(layout, scale.chunk),
          codecs: inner,
          index_codecs: [{ name: "bytes", configuration: { endian: "little" } }, {
            name: "crc32c",
          }],
          index_location: "end",
        },
      }]
      : inner,
    attributes: {},
    dimension_names: layout.axes,
  };
}

/** What chunks of Zarr may be encoded as. */
function zarrEncoding({ encoding }: Layout): Exclude<ChunkEncoding, { codec: "precomputed" }> {
  if (encoding.codec !== "precomputed") return encoding;
  throw new SluiceError(`Cannot write Zarr metadata for chunks encoded as ${encoding.form.codec}`);
}

function compressorV3(layout: Layout): unknown[] {
  const encoding = zarrEncoding(layout);
  switch (encoding.codec) {
    case "none":
      return [];
    case "zstd":
      return [{ name: "zstd", configuration: { level: encoding.level, checksum: false } }];
    case "gzip":
      return [{ name: "gzip", configuration: { level: encoding.level } }];
    case "blosc":
      return [{
        name: "blosc",
        configuration: {
          cname: encoding.cname,
          clevel: encoding.level,
          shuffle: encoding.shuffle ? "shuffle" : "noshuffle",
          typesize: Number(/\d+$/.exec(layout.dtype)![0]) / 8,
          blocksize: 0,
        },
      }];
  }
}

function arrayV2(layout: Layout, scale: ScaleLayout): unknown {
  const encoding = zarrEncoding(layout);
  const compressor = encoding.codec === "none" ? null : encoding.codec === "blosc"
    ? {
      id: "blosc",
      cname: encoding.cname,
      clevel: encoding.level,
      shuffle: encoding.shuffle ? 1 : 0,
      blocksize: 0,
    }
    : { id: encoding.codec, level: encoding.level };
  return {
    zarr_format: 2,
    shape: onAxes(layout, scale.size),
    chunks: onAxes(layout, scale.chunk),
    dtype: DTYPES_V2[layout.dtype],
    compressor,
    fill_value: layout.fill,
    filters: null,
    order: "C",
    dimension_separator: "/",
  };
}

/** Takes the noise of binary fractions off: 4.6 * 3 is 13.8, not 13.799999999999999. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
