/** Types of HDF5: which of them voxels may have, and what the others are called. */
import type { Dtype } from "../core/dtype.ts";
import { isDtype } from "../core/dtype.ts";
import type { Hdf5File } from "./_hdf5_file.ts";

/** The type of a dataset. */
export interface Hdf5Type {
  /** In words, such as `float64`. */
  readonly name: string;
  /** What it is among voxels; absent where it is none. */
  readonly dtype?: Dtype;
  /** Bytes of one element. */
  readonly size: number;
  /** Whether the high byte comes first. */
  readonly bigEndian: boolean;
}

const INTEGER = 0, FLOAT = 1, BITS = 4, ENUM = 8;
const CLASSES = [
  "integers",
  "floats",
  "times",
  "strings",
  "bit fields",
  "opaque bytes",
  "compounds",
  "references",
  "enums",
  "sequences of any length",
  "arrays",
  "complex numbers",
];
/** Sign, exponent and mantissa as IEEE 754 has them, by bytes: places and lengths in bits, and the bias. */
const IEEE: Readonly<Record<number, string>> = {
  2: "15 10 5 0 10 15",
  4: "31 23 8 0 23 127",
  8: "63 52 11 0 52 1023",
};

/** Reads a datatype message. Enums, and the booleans of h5py, are the integers under them. */
export function readType(file: Hdf5File, bytes: Uint8Array): Hdf5Type {
  const cursor = file.cursor(bytes, "the datatype");
  const first = cursor.u8();
  const kind = first & 15;
  if (first >> 4 < 1 || first >> 4 > 5) throw cursor.fault(`has version ${first >> 4}`);
  const flags = cursor.uint(3);
  const size = cursor.u32();
  const bigEndian = (flags & 1) !== 0;
  const other = (name: string) => ({ name, size, bigEndian });
  if (kind === ENUM) return readType(file, bytes.subarray(cursor.at));
  if (kind !== INTEGER && kind !== FLOAT && kind !== BITS) {
    return other(CLASSES[kind] ?? `of class ${kind}`);
  }
  const offset = cursor.u16();
  const precision = cursor.u16();
  if (offset !== 0 || precision !== 8 * size) {
    return other(`${CLASSES[kind]} of ${precision} bits within ${8 * size}`);
  }
  if (kind === FLOAT) {
    const [exponentAt, exponentBits, mantissaAt, mantissaBits] = cursor.take(4);
    const found = [
      flags >> 8 & 255,
      exponentAt,
      exponentBits,
      mantissaAt,
      mantissaBits,
      cursor.u32(),
    ];
    if (found.join(" ") !== IEEE[size] || flags & 0x40) return other("floats of a rare kind");
  }
  const isSigned = kind === INTEGER && (flags & 8) !== 0;
  const name = `${kind === FLOAT ? "float" : isSigned ? "int" : "uint"}${8 * size}`;
  return { name, size, bigEndian, ...(isDtype(name) ? { dtype: name } : {}) };
}

/** One value of a type that voxels may have. */
export function readValue(bytes: Uint8Array, { dtype, bigEndian }: Hdf5Type): number | bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (dtype) {
    case "uint8":
      return view.getUint8(0);
    case "int8":
      return view.getInt8(0);
    case "uint16":
      return view.getUint16(0, !bigEndian);
    case "int16":
      return view.getInt16(0, !bigEndian);
    case "uint32":
      return view.getUint32(0, !bigEndian);
    case "int32":
      return view.getInt32(0, !bigEndian);
    case "uint64":
      return view.getBigUint64(0, !bigEndian);
    case "float32":
      return view.getFloat32(0, !bigEndian);
    case undefined:
      return 0;
    default:
      return dtype satisfies never;
  }
}
