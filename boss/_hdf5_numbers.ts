/** Small datasets of HDF5 files that are no volumes: some numbers in a row. */
import { messageOf, SluiceError } from "../core/errors.ts";
import { chooseDataset } from "../plugins/_hdf5_choose.ts";
import { readOutline } from "../plugins/_hdf5_dataset.ts";
import { Hdf5File } from "../plugins/_hdf5_file.ts";
import { MESSAGE, readHeader } from "../plugins/_hdf5_header.ts";
import { readLayout } from "../plugins/_hdf5_layout.ts";
import { Hdf5Tree } from "../plugins/_hdf5_tree.ts";
import { type Hdf5Type, readValue } from "../plugins/_hdf5_type.ts";

/** More are no place. */
const MOST_NUMBERS = 16;
/** Seconds that looking something up may take. */
const LOOK_SECONDS = 60;

/** Reads a dataset of one axis that lies in one piece. @throws {SluiceError} If it is none, or has many numbers. */
export async function readHdf5Numbers(path: string, dataset: string): Promise<number[]> {
  try {
    const file = Hdf5File.open(path);
    using tree = await Hdf5Tree.open(path, LOOK_SECONDS);
    const { address } = await chooseDataset(file, tree, dataset);
    const { shape, type } = readOutline(file, address);
    const [count] = shape;
    if (shape.length !== 1 || count > MOST_NUMBERS) {
      throw new SluiceError(`it has the shape ${shape.join(" x ") || "of one value"}`);
    }
    const layout = readLayout(
      file,
      readHeader(file, address).get(MESSAGE.layout)!,
      shape,
      type.size,
    );
    if (layout.kind === "chunked") throw new SluiceError("it is stored in chunks");
    if (layout.address === undefined) throw new SluiceError("nothing is stored of it");
    const bytes = file.read(layout.address, count * type.size, `"${dataset}"`);
    return Array.from(
      { length: count },
      (_, i) => numberOf(bytes.subarray(i * type.size, (i + 1) * type.size), type),
    );
  } catch (error) {
    throw new SluiceError(
      `Cannot read "${dataset}" of "${path}" as a row of numbers: ${
        messageOf(error)
      }; name another dataset`,
      { cause: error },
    );
  }
}

/** A number, also of the types that volumes do not have. */
function numberOf(bytes: Uint8Array, type: Hdf5Type): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (type.dtype !== undefined) return Number(readValue(bytes, type));
  if (type.name === "int64") return Number(view.getBigInt64(0, !type.bigEndian));
  if (type.name === "float64") return view.getFloat64(0, !type.bigEndian);
  throw new SluiceError(`it holds ${type.name}`);
}
