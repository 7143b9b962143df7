/** What the messages of an HDF5 dataset say: its shape, the type of its voxels, its filters, its fill value. */
import type { Dtype } from "../core/dtype.ts";
import { Hdf5Fault } from "./_hdf5_cursor.ts";
import type { Hdf5File } from "./_hdf5_file.ts";
import { type Hdf5Header, MESSAGE, readHeader } from "./_hdf5_header.ts";
import { type Hdf5Layout, readLayout } from "./_hdf5_layout.ts";
import { type Hdf5Type, readType, readValue } from "./_hdf5_type.ts";

/** What bytes of a chunk went through, in the order in which it was written. */
export interface Hdf5Filter {
  /** Its number in the registry of the HDF Group. */
  readonly id: number;
  /** What the file calls it; empty where it does not say. */
  readonly name: string;
  /** What it was told. */
  readonly values: readonly number[];
}

/** A dataset. */
export interface Hdf5Dataset extends Hdf5Shape {
  /** Bytes of a voxel, and their order. */
  readonly type: Hdf5Type & { readonly dtype: Dtype };
  /** Voxel where nothing is stored. */
  readonly fill: number | bigint;
  readonly filters: readonly Hdf5Filter[];
  readonly layout: Hdf5Layout;
}

/** Lengths of a dataset along each axis, the slowest first. */
export interface Hdf5Shape {
  readonly shape: readonly number[];
  /** What it may grow to. */
  readonly maxShape: readonly number[];
}

/** Reads what is needed to list a dataset. */
export function readOutline(file: Hdf5File, address: number): Hdf5Shape & { type: Hdf5Type } {
  const header = readHeader(file, address);
  return { ...readShape(file, header), type: readType(file, message(header, "datatype").bytes) };
}

/** Reads all that is needed to read its voxels. @throws {Hdf5Fault} If they cannot be, or the header is broken. */
export function readDataset(file: Hdf5File, address: number): Hdf5Dataset {
  const header = readHeader(file, address);
  const { shape, maxShape } = readShape(file, header);
  if (!(shape.length >= 2 && shape.length <= 5) || shape.includes(0)) {
    const what = shape.length === 0 ? "one value, or none" : shape.join(" x ");
    throw new Hdf5Fault(`it holds ${what}, which is no volume`, "name another");
  }
  const type = readType(file, message(header, "datatype").bytes);
  const { dtype } = type;
  if (dtype === undefined) {
    throw new Hdf5Fault(
      `its voxels are ${type.name}, which volumes do not have`,
      "convert them to one of uint8, int8, uint16, int16, uint32, int32, uint64 and float32",
    );
  }
  if (header.has(MESSAGE.external)) {
    throw new Hdf5Fault("its voxels lie in other files (external storage)", "rewrite it with h5py");
  }
  const layout = readLayout(file, message(header, "layout"), shape, type.size);
  const filters = layout.kind === "chunked" ? readFilters(file, header) : [];
  return {
    shape,
    maxShape,
    type: { ...type, dtype },
    fill: readFill(file, header, type),
    filters,
    layout,
  };
}

function message(header: Hdf5Header, kind: "dataspace" | "datatype" | "layout") {
  const found = header.get(MESSAGE[kind]);
  if (found === undefined) throw new Hdf5Fault(`its header says nothing of its ${kind}`);
  return found;
}

function readShape(file: Hdf5File, header: Hdf5Header): Hdf5Shape {
  const cursor = file.cursor(message(header, "dataspace").bytes, "the dataspace");
  const version = cursor.u8();
  if (version !== 1 && version !== 2) throw cursor.fault(`has version ${version}`);
  const rank = cursor.u8();
  const flags = cursor.u8();
  cursor.skip(version === 1 ? 5 : 1);
  const shape = Array.from({ length: rank }, () => cursor.length());
  const maxShape = flags & 1 ? shape.map(() => cursor.limit()) : shape;
  if (shape.some((length, axis) => length > maxShape[axis])) {
    throw cursor.fault("is larger than it may be");
  }
  return { shape, maxShape };
}

/** Most filters a dataset may have. */
const MOST_FILTERS = 32;

function readFilters(file: Hdf5File, header: Hdf5Header): Hdf5Filter[] {
  const found = header.get(MESSAGE.filters);
  if (found === undefined) return [];
  const cursor = file.cursor(found.bytes, "the list of filters");
  const version = cursor.u8();
  const count = cursor.u8();
  if (version !== 1 && version !== 2) throw cursor.fault(`has version ${version}`);
  if (count > MOST_FILTERS) throw cursor.fault(`says that there are ${count}`);
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, () => {
    const id = cursor.u16();
    const nameBytes = version === 1 || id >= 256 ? cursor.u16() : 0;
    cursor.skip(2);
    const valueCount = cursor.u16();
    const name = cursor.take(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    const values = Array.from({ length: valueCount }, () => cursor.u32());
    if (version === 1 && valueCount % 2 === 1) cursor.skip(4);
    return { id, name: new TextDecoder().decode(name).replace(/\0.*$/s, ""), values };
  });
}

function readFill(file: Hdf5File, header: Hdf5Header, type: Hdf5Type): number | bigint {
  const now = header.get(MESSAGE.fill);
  const old = header.get(MESSAGE.oldFill);
  const cursor = file.cursor((now ?? old)?.bytes ?? new Uint8Array(4), "the fill value");
  if (now !== undefined) {
    const version = cursor.u8();
    if (!(version >= 1 && version <= 3)) throw cursor.fault(`has version ${version}`);
    const flags = cursor.u8();
    if (version < 3) cursor.skip(1);
    const isDefined = version === 1 || (version === 2 ? cursor.u8() !== 0 : (flags & 0x20) !== 0);
    if (version === 1) cursor.skip(1);
    if (!isDefined) return 0;
  }
  const length = cursor.u32();
  // Version 1 says so where no value is set.
  if (length === 0 || length === 0xffffffff) return 0;
  if (length !== type.size) throw cursor.fault(`has ${length} bytes, and a voxel has ${type.size}`);
  const value = readValue(cursor.take(length), type);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
