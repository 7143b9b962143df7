/** One array of Zarr, as its metadata describes it. */
import type { Packing } from "../codecs/_unpack.ts";
import type { ZarrDecoding } from "../codecs/_zarr_chunk.ts";
import { type Dtype, dtypeRange, viewVoxels } from "../core/dtype.ts";
import { AXES, type Axis, type Point } from "../core/point.ts";
import { type AxesOptions, readAxes, readDtype, toPoint } from "./_array_axes.ts";
import { type ArrayDocument, isObject, show } from "./_array_documents.ts";
import { checkChunk } from "./_stored_chunk.ts";
import { readCodecs, readPacking, refuseCodec } from "./_zarr_codecs.ts";

/** What is known of an array. */
export interface ZarrArray {
  /** The axis of each dimension. */
  readonly axes: readonly Axis[];
  readonly size: Point;
  readonly dtype: Dtype;
  readonly fill: number | bigint;
  /** Voxels of what lies under one key: a chunk, or a shard. */
  readonly stored: Point;
  readonly decoding: ZarrDecoding;
  /** The key of what is stored at a position of the grid, below the array. */
  key(index: Point): string;
}

/** What others say of the axes of an array. */
export type AxesHints = Pick<AxesOptions, "given" | "names">;

/** Unnamed dimensions, as everybody counts them: the last is x. */
function unnamed(count: number): readonly Axis[] {
  return (["t", "c", "z", "y", "x"] as const).slice(-count);
}

const KNOWN_V3 = [
  "zarr_format",
  "node_type",
  "shape",
  "data_type",
  "chunk_grid",
  "chunk_key_encoding",
  "fill_value",
  "codecs",
  "attributes",
  "storage_transformers",
  "dimension_names",
  "consolidated_metadata",
];

/** Reads the `zarr.json` of an array of Zarr v3. */
export function readArrayV3(document: ArrayDocument, hints: AxesHints): ZarrArray {
  const { value } = document;
  for (const [key, unknown] of Object.entries(value)) {
    const mayBeIgnored = isObject(unknown) && unknown.must_understand === false;
    if (!KNOWN_V3.includes(key) && !mayBeIgnored) {
      document.fail(`it uses the extension "${key}", which is not read`, "write it again without");
    }
  }
  const transformers = value.storage_transformers ?? [];
  if (!Array.isArray(transformers) || transformers.length > 0) {
    document.fail(
      `its storage transformers ${show(transformers)} are not read`,
      "write it again without",
    );
  }
  const shape = document.sides("shape");
  const dtype = readDtype(document, nameOf(value.data_type));
  const own = Array.isArray(value.dimension_names) ? value.dimension_names : undefined;
  const axes = chooseAxes(document, shape.length, own, hints);
  const grid = document.object("chunk_grid");
  if (grid?.value.name !== "regular") {
    return document.fail(
      `its chunk grid is ${show(value.chunk_grid)}: only a regular one is read`,
      "write it again with one",
    );
  }
  const sides = (grid.object("configuration") ?? grid).sides("chunk_shape", shape.length);
  const stored = toPoint(axes, sides, 1);
  const fill = readFill(document, value.fill_value, dtype);
  const key = readKeys(document, axes);
  const decoding = readCodecs(document, value.codecs, {
    axes,
    shape: stored,
    dtype,
    fill,
    depth: 0,
  });
  return { axes, size: toPoint(axes, shape, 1), dtype, fill, stored, decoding, key };
}

/** A name, or an object with one. */
function nameOf(value: unknown): string {
  const name = isObject(value) ? value.name : value;
  return typeof name === "string" ? name : show(value);
}

function readKeys(document: ArrayDocument, axes: readonly Axis[]): ZarrArray["key"] {
  const { chunk_key_encoding: encoding } = document.value;
  const name = nameOf(encoding);
  const configuration = document.object("chunk_key_encoding")?.object("configuration");
  const separator = configuration?.value.separator ?? (name === "v2" ? "." : "/");
  if ((name !== "default" && name !== "v2") || (separator !== "/" && separator !== ".")) {
    return document.fail(
      `its chunk names are ${show(encoding)}: "default" and "v2" with "/" or "." are read`,
      "write it again with one of these",
    );
  }
  return keysOf(axes, separator, name === "v2" ? "" : `c${separator}`);
}

function keysOf(axes: readonly Axis[], separator: string, prefix: string): ZarrArray["key"] {
  const order = axes.map((axis) => AXES.indexOf(axis));
  return (index) => prefix + order.map((axis) => index[axis]).join(separator);
}

/** Reads the `.zarray` of an array of Zarr v2. @param attributes Its `.zattrs`, if it has any. */
export function readArrayV2(
  document: ArrayDocument,
  attributes: ArrayDocument | undefined,
  hints: AxesHints,
): ZarrArray {
  const { value } = document;
  const shape = document.sides("shape");
  const { dtype, bigEndian } = readTypestr(document, value.dtype);
  const named = attributes?.value._ARRAY_DIMENSIONS;
  const axes = chooseAxes(document, shape.length, Array.isArray(named) ? named : undefined, hints);
  const stored = toPoint(axes, document.sides("chunks", shape.length), 1);
  checkChunk(document, stored, dtype);
  const { order, dimension_separator: separator = "." } = value;
  if (order !== "C" && order !== "F") {
    document.fail(`its order is ${show(order)}, neither "C" nor "F"`, "check what wrote it");
  }
  if (separator !== "." && separator !== "/") {
    document.fail(`its chunk names are separated by ${show(separator)}`, "check what wrote it");
  }
  const fast = axes.map((axis) => AXES.indexOf(axis));
  return {
    axes,
    size: toPoint(axes, shape, 1),
    dtype,
    fill: readFill(document, value.fill_value ?? 0, dtype),
    stored,
    decoding: {
      kind: "voxels",
      order: order === "C" ? fast.toReversed() : fast,
      bigEndian,
      packings: readPackingsV2(document),
    },
    key: keysOf(axes, separator, ""),
  };
}

function readPackingsV2(document: ArrayDocument): Packing[] {
  const { filters = null, compressor = null } = document.value;
  const list = [
    ...(Array.isArray(filters) ? filters : []),
    ...(compressor === null ? [] : [compressor]),
  ];
  if (filters !== null && !Array.isArray(filters)) refuseCodec(document, filters);
  return list.map((codec: unknown, i) => {
    const packing = isObject(codec) ? readPacking(document.within(codec), codec.id) : undefined;
    // Only bytes are brought together before they are compressed: every other filter changes voxels.
    const isFilter = i < list.length - 1 || compressor === null;
    return packing === undefined || (isFilter && packing.kind !== "shuffle")
      ? refuseCodec(document, codec)
      : packing;
  });
}

const KINDS: Readonly<Record<string, string>> = {
  b: "bool",
  c: "complex",
  f: "float",
  i: "int",
  u: "uint",
};
const OTHERS: Readonly<Record<string, string>> = {
  M: "dates",
  m: "spans of time",
  O: "Python objects",
  S: "strings",
  U: "strings",
  V: "records",
};

/** Reads the type of voxels as NumPy spells it. */
function readTypestr(
  document: ArrayDocument,
  typestr: unknown,
): { dtype: Dtype; bigEndian: boolean } {
  const match = typeof typestr === "string" ? /^([<>|])([a-zA-Z])(\d*)/.exec(typestr) : null;
  if (match === null) {
    const name = Array.isArray(typestr) ? `records (${show(typestr)})` : show(typestr);
    return { dtype: readDtype(document, name), bigEndian: false };
  }
  const [, order, kind, bytes] = match;
  const name = kind === "b"
    ? "bool"
    : kind in KINDS
    ? `${KINDS[kind]}${Number(bytes) * 8}`
    : `${OTHERS[kind] ?? "of a kind nobody knows"} (${typestr})`;
  return { dtype: readDtype(document, name), bigEndian: order === ">" };
}

/** What the volume says of axes comes before what an array says of itself; they must not disagree. */
function chooseAxes(
  document: ArrayDocument,
  count: number,
  own: readonly unknown[] | undefined,
  { given, names }: AxesHints,
): Axis[] {
  if (given !== undefined || names === undefined) {
    return readAxes(document, { count, names: own, unnamed, given });
  }
  const axes = readAxes(document, { count, names, unnamed });
  const known = (own ?? []).map((name) => typeof name === "string" ? name.toLowerCase() : name);
  const all: readonly unknown[] = AXES;
  if (
    known.length === count && known.every((name) => all.includes(name)) &&
    String(known) !== String(axes)
  ) {
    document.fail(
      `its dimensions are named ${known.join(",")} where the volume says ${axes.join(",")}`,
      "correct one of them",
    );
  }
  return axes;
}

/** The voxel of chunks that are not stored. */
function readFill(document: ArrayDocument, value: unknown, dtype: Dtype): number | bigint {
  const fill = parseFill(value, dtype);
  if (fill !== undefined) return fill;
  return document.fail(`its fill value ${show(value)} is no ${dtype}`, "set it to one, such as 0");
}

const WORDS: Readonly<Record<string, number>> = {
  NaN: NaN,
  Infinity: Infinity,
  "-Infinity": -Infinity,
};

function parseFill(value: unknown, dtype: Dtype): number | bigint | undefined {
  if (dtype === "float32") return parseFloatFill(value);
  const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!isWhole) return undefined;
  const whole = BigInt(value as bigint | number);
  const [low, high] = dtypeRange(dtype);
  // The greatest uint64 is no number: 2^64 is what it rounds to.
  if (whole < BigInt(low) || whole > (dtype === "uint64" ? 2n ** 64n - 1n : BigInt(high))) {
    return undefined;
  }
  return whole <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(whole) : whole;
}

function parseFloatFill(value: unknown): number | undefined {
  if (typeof value === "number" || typeof value === "bigint") {
    const rounded = Math.fround(Number(value));
    return Number.isFinite(rounded) ? rounded : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (Object.hasOwn(WORDS, value)) return WORDS[value];
  if (!/^0x[0-9a-fA-F]{8}$/.test(value)) return undefined;
  const bits = new Uint8Array(Uint32Array.of(Number(value)).buffer);
  const fill = Number(viewVoxels("float32", bits)[0]);
  // Of all the bits that are no number, only the usual ones come through as they are.
  return Number.isNaN(fill) && Number(value) !== 0x7fc00000 ? undefined : fill;
}
