/** Filters of HDF5, as what was done to the bytes of a chunk. */
import type { ChunkDecodings } from "../codecs/chunk_decoder.ts";
import { Hdf5Fault } from "./_hdf5_cursor.ts";
import type { Hdf5Filter } from "./_hdf5_dataset.ts";

type Packing = ChunkDecodings["hdf5"]["packings"][number];

const SHUFFLE = 2;
/** By number in the registry of the HDF Group. */
const PACKINGS: Readonly<Record<number, Packing>> = {
  1: { kind: "zlib" },
  3: { kind: "fletcher32" },
  307: { kind: "bzip2" },
  32000: { kind: "lzf" },
  32001: { kind: "blosc" },
  32004: { kind: "lz4-hdf5" },
  32015: { kind: "zstd" },
};
/** Those of the library itself, which files do not always name. */
const NAMES: Readonly<Record<number, string>> = { 4: "szip", 5: "nbit", 6: "scaleoffset" };

/** @throws {Hdf5Fault} If there is no decoder for one: it is named. */
export function packingsOf(filters: readonly Hdf5Filter[], voxelBytes: number): Packing[] {
  return filters.map(({ id, name, values: [told] }) => {
    if (id === SHUFFLE) {
      return { kind: "shuffle", elementBytes: told >= 1 && told <= 32 ? told : voxelBytes };
    }
    if (Object.hasOwn(PACKINGS, id)) return PACKINGS[id];
    const called = NAMES[id] ?? name;
    throw new Hdf5Fault(
      `its chunks went through filter ${id}${
        called === "" ? "" : ` (${called})`
      }, which is not read`,
      "rewrite them with `h5repack -f GZIP=4`",
    );
  });
}
