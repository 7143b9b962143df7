/**
 * `cloudvolume`: chunks of a precomputed volume.
 * @module
 */
import { checkPlace, chunkBox } from "./_plugin_volumes.ts";
import type { ChunkPlugin, PluginParams } from "./plugin.ts";

/** Options of CloudVolume that say how it reads, or how it would write, and never what is read. */
const PASSED_OVER: readonly string[] = [
  "autocrop",
  "cache",
  "cache_thread",
  "cdn_cache",
  "compress",
  "compress_cache",
  "compress_level",
  "delete_black_uploads",
  "green_threads",
  "ingest_job",
  "lru_bytes",
  "lru_encoding",
  "max_redirects",
  "mesh_dir",
  "non_aligned_writes",
  "parallel",
  "progress",
  "provenance",
  "skel_dir",
  "use_https",
];

/**
 * `cloudvolume.CloudVolumeChunkProcessor`: `cloudpath`, and options of CloudVolume, of which `mip`, `bounded` and
 * `fill_missing` say what is read. What lies beyond the volume is 0; what lies before its offset is an error, unless
 * it is not `bounded`.
 */
export const cloudVolumeChunks: ChunkPlugin = ({ params, job }) => {
  const address = params.text("cloudpath");
  const place = checkPlace(params, "cloudpath", address.replace(/^precomputed:\/\//, ""));
  const scale = readMip(params);
  const before = params.flag("bounded", true) ? "error" : "zeros";
  const fillMissing = params.flag("fill_missing", false);
  for (const key of Object.keys(params.values)) {
    if (READ.includes(key) || PASSED_OVER.includes(key)) continue;
    params.doubt(
      key,
      key === "secrets"
        ? "the keys of this machine are used, and not these"
        : key === "info"
        ? "the info that lies at the volume is used, and not this"
        : "nothing reads this key",
    );
  }
  const volume = { kind: "array", address: `precomputed://${place}`, scale, fillMissing } as const;
  return {
    process(_path, index) {
      const chunk = chunkBox(job, index);
      return { chunk, read: chunk, volume, before };
    },
  };
};

const READ: readonly string[] = ["cloudpath", "mip", "bounded", "fill_missing"];

/** A number, or the edges of the voxels in nm. */
function readMip(params: PluginParams): number | readonly [number, number, number] {
  const mip = params.value("mip");
  if (!Array.isArray(mip)) return params.integer("mip", { otherwise: 0, min: 0 });
  if (mip.length === 3 && mip.every((edge) => typeof edge === "number" && edge > 0)) {
    return mip as unknown as readonly [number, number, number];
  }
  params.fault("mip", "it must be a number, or the edges of a voxel along x, y and z in nm");
  return 0;
}
