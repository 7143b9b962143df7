/** How an HDF5 dataset is stored, in words. */
import type { Hdf5Dataset, Hdf5Filter } from "./_hdf5_dataset.ts";
import { storageOf, type StorageStep } from "./_storage_words.ts";
import type { ScaleStorage } from "./volume_array.ts";

/** Names by number in the registry of the HDF Group: of those that are read. */
const NAMES: Readonly<Record<number, string>> = {
  1: "gzip",
  2: "shuffle",
  3: "fletcher32",
  307: "bzip2",
  32000: "lzf",
  32001: "blosc",
  32004: "lz4",
  32015: "zstd",
};
/** Filters whose first value is their level. */
const WITH_LEVEL = ["gzip", "bzip2", "zstd"];

/** Says what the chunks of a dataset went through. */
export function hdf5Storage({ layout, filters }: Hdf5Dataset): ScaleStorage {
  if (layout.kind !== "chunked") return storageOf([], { isWhole: true });
  return storageOf(filters.map(stepOf));
}

function stepOf({ id, values: [told] }: Hdf5Filter): StorageStep {
  const name = NAMES[id] ?? `filter ${id}`;
  const hasLevel = WITH_LEVEL.includes(name) && told !== undefined;
  return { name, words: hasLevel ? `${name} level ${told}` : name };
}
