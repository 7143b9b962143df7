/** How an array of Zarr is stored, in words; its metadata has been checked before. */
import { type ArrayDocument, isObject } from "./_array_documents.ts";
import { spellCompressor, storageOf, type StorageStep } from "./_storage_words.ts";
import type { ScaleStorage } from "./volume_array.ts";
import type { ZarrArray } from "./_zarr_metadata.ts";

/** Says how the chunks of an array became bytes, and what lies in one file. */
export function zarrStorage(document: ArrayDocument, array: ZarrArray): ScaleStorage {
  if (document.value.zarr_format === 2) return storageOf(stepsOfV2(document));
  const { decoding, stored } = array;
  const isPacked = decoding.kind === "shard" && decoding.packings.length > 0;
  return storageOf(
    [
      ...(isPacked ? [{ name: "packed shards", words: "shards compressed as a whole" }] : []),
      ...stepsOfV3(document.value.codecs),
    ],
    decoding.kind === "voxels"
      ? {}
      : { shard: stored, ...(decoding.index.location === "start" ? { indexAtStart: true } : {}) },
  );
}

function stepsOfV2({ value }: ArrayDocument): StorageStep[] {
  const { filters, compressor, dtype, order } = value;
  return [
    ...(order === "F" ? [{ name: "order F", words: "the last axis slowest" }] : []),
    ...(String(dtype).startsWith(">") ? [{ name: "big-endian", words: "big-endian" }] : []),
    ...(Array.isArray(filters) ? filters : []).filter(isObject).map((filter) => ({
      name: `filter ${filter.id}`,
      words: `filter ${filter.id}`,
    })),
    ...(isObject(compressor)
      ? [{
        name: String(compressor.id),
        words: spellCompressor(String(compressor.id), compressor),
      }]
      : []),
    ...(isObject(compressor) && "checksum" in compressor ? [{ name: "member checksum" }] : []),
  ];
}

/** From the shard inwards, as the metadata lists them. */
function stepsOfV3(codecs: unknown): StorageStep[] {
  return (Array.isArray(codecs) ? codecs : []).flatMap((codec: unknown): StorageStep[] => {
    const { name, configuration } = isObject(codec) ? codec : { name: codec, configuration: {} };
    const told = isObject(configuration) ? configuration : {};
    switch (name) {
      case "sharding_indexed":
        return [{ name }, ...stepsOfV3(told.codecs)];
      case "bytes":
        return [
          { name },
          ...(told.endian === "big" ? [{ name: "big-endian", words: "big-endian" }] : []),
        ];
      case "transpose":
        return [{ name, words: "transposed" }];
      default:
        return [{
          name: String(name),
          words: spellCompressor(String(name).replace(/^numcodecs\./, ""), told),
        }];
    }
  });
}
