/**
 * `zarr`: chunks of an array in a Zarr group.
 * @module
 */
import { checkPlace, chunkBox } from "./_plugin_volumes.ts";
import type { ChunkPlugin } from "./plugin.ts";

/**
 * `zarr.ZarrChunkProcessor`: `cloud_path`, `volume_name`. Buckets, as the original reads; also any other place. What
 * lies beyond the array is 0.
 */
export const zarrChunks: ChunkPlugin = ({ params, job }) => {
  const place = checkPlace(params, "cloud_path", params.text("cloud_path"));
  const name = params.text("volume_name").replace(/^\/+|\/+$/g, "");
  const volume = { kind: "array", address: `zarr://${place}/${name}`, scale: 0 } as const;
  return {
    process(_path, index) {
      const chunk = chunkBox(job, index);
      return { chunk, read: chunk, volume, before: "zeros" };
    },
  };
};
