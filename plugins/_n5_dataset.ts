/** One dataset of N5, as its `attributes.json` describes it. */
import type { N5Decoding } from "../codecs/_n5_chunk.ts";
import type { Packing } from "../codecs/_unpack.ts";
import { type Dtype, VOXEL_BYTES } from "../core/dtype.ts";
import { AXES, type Axis, type Point, product } from "../core/point.ts";
import { readAxes, readDtype, toPoint } from "./_array_axes.ts";
import { type ArrayDocument, isObject, show } from "./_array_documents.ts";
import { spellCompressor, storageOf } from "./_storage_words.ts";
import { checkChunk, findChunk } from "./_stored_chunk.ts";
import type { ChunkedScale } from "./chunked_array.ts";
import type { ArrayReader, ScaleStorage } from "./volume_array.ts";

/** What is known of a dataset. */
export interface N5Dataset {
  /** The axis of each dimension, the fastest first. */
  readonly axes: readonly Axis[];
  readonly size: Point;
  readonly block: Point;
  readonly dtype: Dtype;
  readonly decoding: N5Decoding;
}

/** Bytes of a block before its voxels, at most. */
const HEADER_BYTES = 32;

const PACKINGS: Readonly<Record<string, readonly Packing[]>> = {
  raw: [],
  blosc: [{ kind: "blosc" }],
  bzip2: [{ kind: "bzip2" }],
  gzip: [{ kind: "gzip" }],
  lz4: [{ kind: "lz4-blocks" }],
  xz: [{ kind: "xz" }],
  zstd: [{ kind: "zstd" }],
};

/** Unnamed dimensions, as everybody counts them: the first is x. */
function unnamed(count: number): readonly Axis[] {
  return AXES.slice(0, count);
}

/** Reads a dataset. @param names What the group around it calls the dimensions. */
export function readDataset(
  document: ArrayDocument,
  { given, names }: { given?: readonly Axis[]; names?: readonly unknown[] },
): N5Dataset {
  const { value } = document;
  const sides = document.sides("dimensions");
  const dtype = readDtype(
    document,
    typeof value.dataType === "string" ? value.dataType : show(value.dataType),
  );
  if (value.isLabelMultiset === true) {
    document.fail(
      "each of its voxels is a set of labels, which is not read",
      "convert it to one label a voxel",
    );
  }
  const own = Array.isArray(value.axes) ? value.axes : names;
  const axes = readAxes(document, { count: sides.length, names: own, unnamed, given });
  const block = toPoint(axes, document.sides("blockSize", sides.length), 1);
  checkChunk(document, block, dtype);
  return {
    axes,
    size: toPoint(axes, sides, 1),
    block,
    dtype,
    decoding: {
      order: axes.map((axis) => AXES.indexOf(axis)),
      packings: readCompression(document),
    },
  };
}

/** A compression is an object with a type; before N5 1.0 it was the type alone. */
function readCompression(document: ArrayDocument): readonly Packing[] {
  const { compression, compressionType } = document.value;
  const { type, useZlib } = isObject(compression)
    ? compression
    : { type: compression ?? compressionType };
  if (type === "gzip" && useZlib === true) return [{ kind: "zlib" }];
  if (typeof type === "string" && Object.hasOwn(PACKINGS, type)) return PACKINGS[type];
  return document.fail(
    `its blocks were written with ${show(compression ?? compressionType)}: ${
      Object.keys(PACKINGS).join(", ")
    } are read`,
    "write it again with one of these",
  );
}

/** Says how the blocks of a dataset are stored. */
export function n5Storage({ value }: ArrayDocument): ScaleStorage {
  const { compression, compressionType } = value;
  const told = isObject(compression) ? compression : { type: compression ?? compressionType };
  const name = told.type === "gzip" && told.useZlib === true ? "zlib" : String(told.type);
  return storageOf([
    { name, ...(name === "raw" ? {} : { words: spellCompressor(name, told) }) },
    ...("nthreads" in told ? [{ name: "member nthreads" }] : []),
  ]);
}

/** Opens a dataset as one level. @param prefix Its key, which ends with "/"; empty: the root of the reader. */
export function openDataset(
  reader: ArrayReader,
  { axes, size, block, dtype, decoding }: N5Dataset,
  prefix: string,
): ChunkedScale {
  const byteCount = product(block) * VOXEL_BYTES[dtype] + HEADER_BYTES;
  return {
    size,
    chunk: block,
    dtype,
    fill: 0,
    decoding: { format: "n5", ...decoding },
    inFiles: reader.localPath !== undefined,
    locate: (index) => {
      const key = prefix + axes.map((axis) => index[AXES.indexOf(axis)]).join("/");
      return findChunk(reader, { key, byteCount });
    },
  };
}
