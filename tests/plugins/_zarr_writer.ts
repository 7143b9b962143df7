/** Arrays of Zarr and N5, written by hand: as plain as the specifications read, one voxel at a time. */
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { crc32c } from "../../codecs/crc32c.ts";
import { type Dtype, viewBytes, viewVoxels, VOXEL_BYTES } from "../../core/dtype.ts";

/** Positions along the dimensions of an array. */
type Index = readonly number[];

/** What is written: `at` gives the voxel of a position; fill value stands for what is not stored. */
export interface Written {
  readonly dtype: Dtype;
  readonly shape: Index;
  readonly at: (index: Index) => number;
  readonly fill: number;
}

/** Codecs of Zarr v3, as far as they are written here. */
export interface Chain {
  /** Dimensions as `transpose` orders them. */
  readonly transpose?: readonly number[];
  readonly bigEndian: boolean;
  readonly shard?: {
    /** In the order after `transpose`. */
    readonly chunk: Index;
    readonly inner: Chain;
    readonly atStart: boolean;
    readonly hasSum: boolean;
  };
  readonly gzip: boolean;
  readonly crc32c: boolean;
}

/** Every position in a box from 0 on, the last dimension fastest. */
export function* positions(shape: Index): Generator<number[]> {
  const total = shape.reduce((product, side) => product * side, 1);
  for (let i = 0; i < total; i++) {
    const index = [];
    for (let rest = i, d = shape.length - 1; d >= 0; d--) {
      index[d] = rest % shape[d];
      rest = Math.floor(rest / shape[d]);
    }
    yield index;
  }
}

function voxelBytes(dtype: Dtype, value: number, bigEndian: boolean): Uint8Array {
  const voxels = viewVoxels(dtype, new Uint8Array(VOXEL_BYTES[dtype]));
  if (voxels instanceof BigUint64Array) voxels[0] = BigInt(value);
  else voxels[0] = value;
  return bigEndian ? viewBytes(voxels).toReversed() : viewBytes(voxels);
}

function closed(bytes: Uint8Array): Uint8Array {
  const sum = new DataView(new ArrayBuffer(4));
  sum.setUint32(0, crc32c(bytes), true);
  return Buffer.concat([bytes, new Uint8Array(sum.buffer)]);
}

/** The bytes of a chunk whose voxels `at` gives from 0 on, or undefined where all are fill value. */
function encode(
  { dtype, fill }: Pick<Written, "dtype" | "fill">,
  shape: Index,
  at: (index: Index) => number,
  chain: Chain,
): Uint8Array | undefined {
  const order = chain.transpose ?? shape.map((_, d) => d);
  const sides = order.map((d) => shape[d]);
  // Dimension i of what is stored is dimension order[i] of what is given.
  const get = (index: Index) => at(shape.map((_, d) => index[order.indexOf(d)]));
  let bytes: Uint8Array;
  if (chain.shard === undefined) {
    const voxels = [...positions(sides)].map(get);
    if (voxels.every((voxel) => voxel === fill)) return undefined;
    bytes = Buffer.concat(voxels.map((voxel) => voxelBytes(dtype, voxel, chain.bigEndian)));
  } else {
    const { chunk, inner, atStart, hasSum } = chain.shard;
    const grid = sides.map((side, d) => side / chunk[d]);
    const chunks = [...positions(grid)].map((cell) =>
      encode(
        { dtype, fill },
        chunk,
        (index) => get(index.map((value, d) => value + cell[d] * chunk[d])),
        inner,
      )
    );
    if (chunks.every((one) => one === undefined)) return undefined;
    const index = new DataView(new ArrayBuffer(chunks.length * 16));
    let offset = atStart ? index.byteLength + (hasSum ? 4 : 0) : 0;
    chunks.forEach((one, i) => {
      const absent = 2n ** 64n - 1n;
      index.setBigUint64(i * 16, one === undefined ? absent : BigInt(offset), !chain.bigEndian);
      index.setBigUint64(
        i * 16 + 8,
        one === undefined ? absent : BigInt(one.length),
        !chain.bigEndian,
      );
      offset += one?.length ?? 0;
    });
    const plain = new Uint8Array(index.buffer);
    const places = hasSum ? closed(plain) : plain;
    const data = chunks.filter((one) => one !== undefined);
    bytes = Buffer.concat(atStart ? [places, ...data] : [...data, places]);
  }
  if (chain.gzip) bytes = gzipSync(bytes);
  return chain.crc32c ? closed(bytes) : bytes;
}

function codecs({ transpose, bigEndian, shard, gzip, crc32c }: Chain): unknown[] {
  const bytes = { name: "bytes", configuration: { endian: bigEndian ? "big" : "little" } };
  return [
    ...(transpose === undefined
      ? []
      : [{ name: "transpose", configuration: { order: transpose } }]),
    shard === undefined ? bytes : {
      name: "sharding_indexed",
      configuration: {
        chunk_shape: shard.chunk,
        codecs: codecs(shard.inner),
        index_codecs: [bytes, ...(shard.hasSum ? [{ name: "crc32c" }] : [])],
        index_location: shard.atStart ? "start" : "end",
      },
    },
    ...(gzip ? [{ name: "gzip", configuration: { level: 1 } }] : []),
    ...(crc32c ? [{ name: "crc32c" }] : []),
  ];
}

function cells(shape: Index, chunk: Index): Generator<number[]> {
  return positions(shape.map((side, d) => Math.ceil(side / chunk[d])));
}

/** The voxel of a position in a chunk: fill value beyond the array. */
function voxelIn({ shape, at, fill }: Written, cell: Index, chunk: Index) {
  return (index: Index) => {
    const position = index.map((value, d) => value + cell[d] * chunk[d]);
    return position.every((value, d) => value < shape[d]) ? at(position) : fill;
  };
}

/** An array of Zarr v3, as blobs by their keys. */
export function writeZarr3(
  written: Written,
  chunk: Index,
  chain: Chain,
  names?: readonly string[],
): Record<string, unknown> {
  const blobs: Record<string, unknown> = {
    "zarr.json": {
      zarr_format: 3,
      node_type: "array",
      shape: written.shape,
      data_type: written.dtype,
      chunk_grid: { name: "regular", configuration: { chunk_shape: chunk } },
      chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
      fill_value: written.fill,
      codecs: codecs(chain),
      attributes: {},
      ...(names === undefined ? {} : { dimension_names: names }),
    },
  };
  for (const cell of cells(written.shape, chunk)) {
    const bytes = encode(written, chunk, voxelIn(written, cell, chunk), chain);
    if (bytes !== undefined) blobs[["c", ...cell].join("/")] = bytes;
  }
  return blobs;
}

const KINDS = { u: "uint", i: "int", f: "float" };

/** An array of Zarr v2, as blobs by their keys. */
export function writeZarr2(
  written: Written,
  chunk: Index,
  { bigEndian, order, gzip }: { bigEndian: boolean; order: "C" | "F"; gzip: boolean },
  names?: readonly string[],
): Record<string, unknown> {
  const width = VOXEL_BYTES[written.dtype];
  const kind = Object.entries(KINDS).find(([, name]) => written.dtype.startsWith(name))![0];
  const blobs: Record<string, unknown> = {
    ".zarray": {
      zarr_format: 2,
      shape: written.shape,
      chunks: chunk,
      dtype: `${width === 1 ? "|" : bigEndian ? ">" : "<"}${kind}${width}`,
      compressor: gzip ? { id: "gzip", level: 1 } : null,
      fill_value: written.fill,
      order,
      filters: null,
    },
    ...(names === undefined ? {} : { ".zattrs": { _ARRAY_DIMENSIONS: names } }),
  };
  const transpose = order === "F" ? chunk.map((_, d) => d).toReversed() : undefined;
  const chain = { transpose, bigEndian, gzip, crc32c: false };
  for (const cell of cells(written.shape, chunk)) {
    const bytes = encode(written, chunk, voxelIn(written, cell, chunk), chain);
    if (bytes !== undefined) blobs[cell.join(".")] = bytes;
  }
  return blobs;
}

/** A dataset of N5, as blobs by their keys; the first dimension is the fastest. */
export function writeN5(
  written: Written,
  block: Index,
  { gzip, isCut }: { gzip: boolean; isCut: boolean },
  names?: readonly string[],
): Record<string, unknown> {
  const { shape, dtype } = written;
  const blobs: Record<string, unknown> = {
    "attributes.json": {
      dimensions: shape,
      blockSize: block,
      dataType: dtype,
      compression: gzip ? { type: "gzip", level: -1 } : { type: "raw" },
      ...(names === undefined ? {} : { axes: names }),
    },
  };
  for (const cell of cells(shape, block)) {
    const size = block.map((side, d) => isCut ? Math.min(side, shape[d] - cell[d] * side) : side);
    const bytes = encode(written, size, voxelIn(written, cell, block), {
      transpose: size.map((_, d) => d).toReversed(),
      bigEndian: true,
      gzip,
      crc32c: false,
    });
    const header = new DataView(new ArrayBuffer(4 + 4 * size.length));
    header.setUint16(2, size.length);
    size.forEach((side, d) => header.setUint32(4 + 4 * d, side));
    if (bytes !== undefined) {
      blobs[cell.join("/")] = Buffer.concat([new Uint8Array(header.buffer), bytes]);
    }
  }
  return blobs;
}
