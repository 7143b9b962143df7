/** What was done to the chunks of a Zarr array, as its metadata lists it. */
import type { Packing } from "../codecs/_unpack.ts";
import type { ZarrDecoding } from "../codecs/_zarr_chunk.ts";
import type { ShardIndexLayout } from "../codecs/_zarr_shard.ts";
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";
import { AXES, type Axis, mapPoint, type Point, product } from "../core/point.ts";
import { toPoint } from "./_array_axes.ts";
import { type ArrayDocument, isObject, show } from "./_array_documents.ts";
import { checkChunk } from "./_stored_chunk.ts";

/** A shard may hold this many chunks: their places take 64 MiB. */
const MOST_INNER = 2 ** 22;

const PACKINGS: Readonly<Record<string, Packing["kind"]>> = {
  blosc: "blosc",
  bz2: "bzip2",
  gzip: "gzip",
  lz4: "lz4",
  lzma: "xz",
  shuffle: "shuffle",
  zlib: "zlib",
  zstd: "zstd",
};
/** Shards may lie in shards so often. */
const MOST_DEPTH = 8;
const REWRITE = "write it again without it";

/** A codec by its name in Zarr v2, which Zarr v3 writes as `numcodecs.NAME`; undefined where it is not read. */
export function readPacking(document: ArrayDocument, id: unknown): Packing | undefined {
  const kind = typeof id === "string" && Object.hasOwn(PACKINGS, id) ? PACKINGS[id] : undefined;
  if (kind === undefined) return undefined;
  if (kind === "xz" && (document.value.format ?? 1) !== 1) return undefined;
  if (kind !== "shuffle") return { kind };
  const elementBytes = document.value.elementsize ?? 4;
  if (!Number.isSafeInteger(elementBytes) || Number(elementBytes) < 1) {
    return document.fail(
      `its shuffle has elements of ${show(elementBytes)} bytes`,
      "check what wrote it",
    );
  }
  return { kind, elementBytes: Number(elementBytes) };
}

/** Stops at a codec that is not read. */
export function refuseCodec(document: ArrayDocument, codec: unknown): never {
  return document.fail(
    `its chunks were written with ${
      show(codec)
    }, which is not read here: blosc, bz2, crc32c, gzip, lz4, ` +
      `lzma (as xz), shuffle, transpose, zlib, zstd and sharding_indexed are`,
    REWRITE,
  );
}

/** What the codecs of Zarr v3 need to know of what they were given. */
export interface CodecContext {
  /** The axis of each dimension, as the codecs before have left them. */
  readonly axes: readonly Axis[];
  /** Voxels of what they were given. */
  readonly shape: Point;
  readonly dtype: Dtype;
  readonly fill: number | bigint;
  /** Shards around it. */
  readonly depth: number;
}

/** Reads a list of codecs of Zarr v3. */
export function readCodecs(
  document: ArrayDocument,
  codecs: unknown,
  context: CodecContext,
): ZarrDecoding {
  if (!Array.isArray(codecs) || codecs.length === 0) {
    return document.fail(`its codecs are ${show(codecs)}, no list of them`, "check what wrote it");
  }
  const { dtype, shape, fill, depth } = context;
  let { axes } = context;
  if (depth > MOST_DEPTH) {
    document.fail(
      `its shards lie in shards more than ${MOST_DEPTH} times`,
      "write it again without",
    );
  }
  const list = codecs.map((codec) => readCodec(document, codec));
  let at = 0;
  for (; list[at]?.name === "transpose"; at++) axes = transposed(list[at].configuration, axes);
  if (at === list.length) {
    return document.fail("no codec makes bytes of its voxels", "check what wrote it");
  }
  const { name, configuration } = list[at];
  const packings = list.slice(at + 1).map((codec) => readBytesCodec(codec));
  const order = axes.map((axis) => AXES.indexOf(axis)).reverse();
  if (name === "bytes") {
    checkChunk(document, shape, dtype);
    return { kind: "voxels", order, bigEndian: readEndian(configuration, dtype), packings };
  }
  if (name !== "sharding_indexed") return refuseCodec(document, codecs[at]);
  if (packings.length > 0) checkChunk(document, shape, dtype);
  const chunk = toPoint(axes, configuration.sides("chunk_shape", axes.length), 1);
  if (shape.some((side, axis) => side % chunk[axis] !== 0)) {
    document.fail(
      `its shards of ${onAxes(axes, shape)} voxels are no whole chunks of ${onAxes(axes, chunk)}`,
      "check what wrote it",
    );
  }
  const count = product(mapPoint(shape, (side, axis) => side / chunk[axis]));
  if (count > MOST_INNER) {
    document.fail(
      `one of its shards holds ${count} chunks, more than ${MOST_INNER}`,
      "write it again in smaller shards",
    );
  }
  return {
    kind: "shard",
    order,
    chunk,
    index: readIndexLayout(configuration, count),
    inner: readCodecs(document, configuration.value.codecs, {
      axes,
      shape: chunk,
      dtype,
      fill,
      depth: depth + 1,
    }),
    fill,
    packings,
  };
}

interface Codec {
  readonly name: string;
  readonly configuration: ArrayDocument;
}

/** A codec is an object with a name, or the name alone. */
function readCodec(document: ArrayDocument, codec: unknown): Codec {
  const { name, configuration } = isObject(codec) ? codec : { name: codec, configuration: {} };
  if (typeof name !== "string") {
    return document.fail(`${show(codec)} is no codec`, "check what wrote it");
  }
  return { name, configuration: document.within(isObject(configuration) ? configuration : {}) };
}

function transposed(configuration: ArrayDocument, axes: readonly Axis[]): readonly Axis[] {
  const { order } = configuration.value;
  if (order === "C") return axes;
  if (order === "F") return axes.toReversed();
  const isPermutation = Array.isArray(order) && order.length === axes.length &&
    axes.every((_, i) => order.includes(i));
  if (isPermutation) return order.map((from: number) => axes[from]);
  return configuration.fail(
    `it transposes ${axes.length} dimensions by ${show(order)}`,
    "check what wrote it",
  );
}

function readEndian(configuration: ArrayDocument, dtype: Dtype): boolean {
  const { endian } = configuration.value;
  if (endian === "big" || endian === "little") return endian === "big";
  if (VOXEL_BYTES[dtype] === 1) return false;
  return configuration.fail(
    `it does not say which byte of a voxel comes first: "endian" is ${show(endian)}`,
    'add "little" or "big"',
  );
}

function readBytesCodec({ name, configuration }: Codec): Packing {
  if (name === "crc32c") return { kind: "crc32c" };
  const isCore = name === "blosc" || name === "gzip" || name === "zstd";
  const id = isCore ? name : name.startsWith("numcodecs.") ? name.slice(10) : undefined;
  return readPacking(configuration, id) ?? refuseCodec(configuration, name);
}

function readIndexLayout(configuration: ArrayDocument, count: number): ShardIndexLayout {
  const { index_location: location = "end", index_codecs: codecs } = configuration.value;
  if (location !== "start" && location !== "end") {
    return configuration.fail(
      `the index of its shards lies at ${show(location)}`,
      "check what wrote it",
    );
  }
  const list = Array.isArray(codecs) ? codecs.map((codec) => readCodec(configuration, codec)) : [];
  const [first, ...sums] = list;
  if (first?.name !== "bytes" || sums.some(({ name }) => name !== "crc32c")) {
    return configuration.fail(
      `the index of its shards was written with ${show(codecs)}: bytes and crc32c are read`,
      "write it again with these",
    );
  }
  return {
    count,
    location,
    bigEndian: readEndian(first.configuration, "uint64"),
    sums: sums.length,
  };
}

function onAxes(axes: readonly Axis[], shape: Point): string {
  return axes.map((axis) => shape[AXES.indexOf(axis)]).join(" x ");
}
