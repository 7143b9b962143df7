/** The metadata of an OME-Zarr volume, read back. */
import { type Dtype, isDtype } from "../core/dtype.ts";
import { SluiceError } from "../core/errors.ts";
import type { ChunkEncoding, Layout, ScaleLayout } from "../core/layout.ts";
import { AXES, type Axis } from "../core/point.ts";
import { convertVoxelSize, lengthUnit, type VoxelSize } from "../core/units.ts";
import { DTYPES_V2, fromAxes, type ZarrVersion } from "./_zarr_metadata.ts";

interface Attributes {
  readonly ome?: OmeAttributes;
  readonly sluice?: Readonly<Record<string, unknown>>;
}

interface OmeAttributes {
  readonly multiscales?: readonly {
    readonly axes: readonly { readonly name: Axis; readonly unit?: string }[];
    readonly datasets: readonly {
      readonly path: string;
      readonly coordinateTransformations: readonly [{ readonly scale: readonly number[] }];
    }[];
    readonly type?: string;
  }[];
  readonly "image-label"?: unknown;
}

interface ArrayV3 {
  readonly shape: readonly number[];
  readonly data_type: string;
  readonly chunk_key_encoding: {
    readonly name: string;
    readonly configuration?: { readonly separator?: string };
  };
  readonly chunk_grid: { readonly configuration: { readonly chunk_shape: number[] } };
  readonly codecs: readonly CodecV3[];
  readonly fill_value: unknown;
}

interface CodecV3 {
  readonly name: string;
  readonly configuration: {
    readonly endian?: string;
    readonly level: number;
    readonly cname: "zstd" | "lz4";
    readonly clevel: number;
    readonly shuffle: string;
    readonly chunk_shape: number[];
    readonly codecs: readonly CodecV3[];
    readonly index_location?: string;
  };
}

interface ArrayV2 {
  readonly shape: readonly number[];
  readonly chunks: number[];
  readonly dtype: string;
  readonly compressor:
    | null
    | {
      readonly id: string;
      readonly level: number;
      readonly cname: "zstd" | "lz4";
      readonly clevel: number;
      readonly shuffle: number;
    };
  readonly fill_value: unknown;
  readonly filters?: readonly unknown[] | null;
  readonly order: string;
  readonly dimension_separator?: string;
}

interface ParsedArray {
  readonly size: readonly number[];
  readonly dtype: Dtype;
  readonly encoding: ChunkEncoding;
  readonly fill: number;
  readonly chunk: number[];
  readonly shard: number[];
}

/** What the metadata of a volume says. */
export interface ParsedVolume {
  readonly zarr: ZarrVersion;
  readonly layout: Layout;
  readonly voxelSize?: VoxelSize;
  readonly kind: "image" | "labels";
  readonly sluice: Readonly<Record<string, unknown>>;
}

/**
 * Reads the documents of a volume.
 * @param place Names the volume in errors.
 * @param load Gives the JSON at a path below the volume, or undefined where there is none.
 * @throws {SluiceError} If it is no OME-Zarr volume, or uses something that is not read (named).
 */
export async function parseVolume(
  place: string,
  load: (path: string) => Promise<unknown>,
): Promise<ParsedVolume> {
  const fail = (state: string, cause?: unknown): never => {
    throw new SluiceError(`Cannot read "${place}" as an OME-Zarr volume: ${state}`, { cause });
  };
  try {
    return await parse(load, fail);
  } catch (error) {
    if (error instanceof TypeError) {
      fail(`its metadata lacks what OME-Zarr demands (${error.message})`, error);
    }
    throw error;
  }
}

async function parse(
  load: (path: string) => Promise<unknown>,
  fail: (state: string) => never,
): Promise<ParsedVolume> {
  const v3 = await load("zarr.json") as { readonly attributes: Attributes } | undefined;
  const zarr: ZarrVersion = v3 === undefined ? "0.4" : "0.5";
  const attributes = v3 === undefined
    ? await load(".zattrs") as Attributes | undefined
    : v3.attributes;
  if (attributes === undefined) return fail("it has neither zarr.json nor .zattrs; check the path");
  const ome = zarr === "0.5" ? attributes.ome : attributes as OmeAttributes;
  const image = ome?.multiscales?.[0];
  if (ome === undefined || image === undefined) {
    return fail(
      `its attributes hold no "multiscales"; name the group that does, such as labels/NAME`,
    );
  }
  const axes = image.axes.map(({ name }) => name);
  if (!axes.every((axis) => AXES.includes(axis))) {
    return fail(`it has the axes ${axes.join(", ")}; x, y, z, c and t are read`);
  }
  const base = image.datasets[0].coordinateTransformations[0].scale;
  const scales: ScaleLayout[] = [];
  let array: ParsedArray | undefined;
  for (const { path, coordinateTransformations: [{ scale }] } of image.datasets) {
    if (path !== String(scales.length)) {
      return fail(`its scales are not named 0, 1, 2 …: "${path}"`);
    }
    const document = await load(`${path}/${zarr === "0.5" ? "zarr.json" : ".zarray"}`);
    if (document === undefined) return fail(`scale ${path} has no metadata of its own`);
    array = zarr === "0.5"
      ? parseArrayV3(document as ArrayV3, fail)
      : parseArrayV2(document as ArrayV2, fail);
    scales.push({
      size: fromAxes(axes, array.size, 1),
      factor: fromAxes(axes, scale.map((step, i) => Math.round(step / base[i])), 1),
      chunk: fromAxes(axes, array.chunk, 1),
      shard: fromAxes(axes, array.shard, 1),
    });
  }
  if (array === undefined) return fail("it has no scales");
  const voxelSize = parseEdges(image.axes, base);
  return {
    zarr,
    kind: ome["image-label"] === undefined ? "image" : "labels",
    sluice: attributes.sluice ?? {},
    layout: {
      dtype: array.dtype,
      axes,
      fill: array.fill,
      encoding: array.encoding,
      scales,
      downsample: image.type === "mode" ? "mode" : "mean",
    },
    ...(voxelSize === undefined ? {} : { voxelSize }),
  };
}

/** Edge lengths in the unit of x; axes may have units of their own. Unknown where x or y has none. */
function parseEdges(
  axes: readonly { readonly name: Axis; readonly unit?: string }[],
  base: readonly number[],
): VoxelSize | undefined {
  const unit = lengthUnit(axes.find(({ name }) => name === "x")?.unit ?? "");
  const edge = (axis: Axis): number | undefined => {
    const at = axes.findIndex(({ name }) => name === axis);
    const own = lengthUnit(axes[at]?.unit ?? "");
    if (unit === undefined || own === undefined) return undefined;
    return convertVoxelSize({ x: base[at], y: base[at], unit: own }, unit).x;
  };
  const [x, y, z] = [edge("x"), edge("y"), edge("z")];
  if (unit === undefined || x === undefined || y === undefined) return undefined;
  return { x, y, ...(z === undefined ? {} : { z }), unit };
}

function parseArrayV3(array: ArrayV3, fail: (state: string) => never): ParsedArray {
  if (!isDtype(array.data_type)) return fail(`its dtype is ${array.data_type}, which is not read`);
  const { name: naming, configuration: keys } = array.chunk_key_encoding;
  if (naming !== "default" || (keys?.separator ?? "/") !== "/") {
    return fail(`its chunk names are not "c" and numbers separated by "/"`);
  }
  const shard = array.chunk_grid.configuration.chunk_shape;
  const sharding = array.codecs.find(({ name }) => name === "sharding_indexed")?.configuration;
  if ((sharding?.index_location ?? "end") !== "end") {
    return fail("its shard index is not at the end");
  }
  let encoding: ChunkEncoding = { codec: "none", crc32c: false };
  for (const { name, configuration } of sharding?.codecs ?? array.codecs) {
    const crc32c: boolean = encoding.crc32c;
    switch (name) {
      case "bytes":
        if (configuration?.endian === "big") return fail("its voxels are big-endian");
        break;
      case "crc32c":
        encoding = { ...encoding, crc32c: true };
        break;
      case "zstd":
      case "gzip":
        encoding = { codec: name, level: configuration.level, crc32c };
        break;
      case "blosc": {
        const { cname, clevel, shuffle } = configuration;
        encoding = {
          codec: "blosc",
          cname,
          level: clevel,
          shuffle: shuffle !== "noshuffle",
          crc32c,
        };
        break;
      }
      default:
        return fail(
          `its codec "${name}" is not read; zstd, gzip, blosc, crc32c and sharding_indexed are`,
        );
    }
  }
  return {
    size: array.shape,
    dtype: array.data_type,
    encoding,
    fill: Number(array.fill_value),
    shard,
    chunk: sharding?.chunk_shape ?? shard,
  };
}

function parseArrayV2(array: ArrayV2, fail: (state: string) => never): ParsedArray {
  const dtype = Object.entries(DTYPES_V2).find(([, code]) => code === array.dtype)?.[0];
  if (dtype === undefined || !isDtype(dtype)) {
    return fail(`its dtype is ${array.dtype}, which is not read`);
  }
  if ((array.filters?.length ?? 0) > 0) return fail("its chunks are filtered, which is not read");
  if (array.order !== "C") return fail("its chunks are in Fortran order");
  if (array.dimension_separator !== "/") return fail(`its chunk names are not separated by "/"`);
  return {
    size: array.shape,
    dtype,
    encoding: compressorV2(array.compressor, fail),
    fill: Number(array.fill_value ?? 0),
    chunk: array.chunks,
    shard: array.chunks,
  };
}

function compressorV2(
  compressor: ArrayV2["compressor"],
  fail: (state: string) => never,
): ChunkEncoding {
  if (compressor === null) return { codec: "none", crc32c: false };
  const { id, level, cname, clevel, shuffle } = compressor;
  if (id === "zstd" || id === "gzip") return { codec: id, level, crc32c: false };
  if (id === "blosc") {
    return { codec: "blosc", cname, level: clevel, shuffle: shuffle !== 0, crc32c: false };
  }
  return fail(`its compressor "${id}" is not read; zstd, gzip and blosc are`);
}
