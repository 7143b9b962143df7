/**
 * `intern`: tiles and chunks of another channel of a Boss.
 * @module
 */
import { intersect } from "../core/box.ts";
import { sizeOf } from "./_plugin_tile.ts";
import { chunkBox } from "./_plugin_volumes.ts";
import { SluiceError } from "../core/errors.ts";
import type { ChunkPlugin, ChunkVolume, PluginParams, TilePlugin } from "./plugin.ts";

/**
 * `intern.InternTileProcessor`: `collection`, `experiment`, `channel`, `resolution`, `x_tile`, `y_tile`, and offsets
 * into the channel along x, y and z. Slices before the first are zeros.
 */
export const internTiles: TilePlugin = ({ params, job }) => {
  const source = {
    collection: params.text("collection"),
    experiment: params.text("experiment"),
    channel: params.text("channel"),
    resolution: params.integer("resolution", { min: 0 }),
  };
  const [dx, dy, dz] = ["x", "y", "z"].map((axis) => params.integer(`${axis}_offset`));
  for (const axis of ["x", "y"] as const) {
    const wanted = job.tileSize[axis];
    const size = params.integer(`${axis}_tile`, { min: 1, neutral: wanted });
    if (size !== wanted) {
      params.fault(
        `${axis}_tile`,
        `it must be the ${wanted} of ingest_job.tile_size.${axis}, and is ${size}: tiles of another size would lie ` +
          `in wrong places`,
      );
    }
  }
  return {
    process: (_path, { x, y, z }) => ({
      size: sizeOf(job),
      plane: z + dz < 0 ? { kind: "zeros" } : { kind: "cutout", ...source, z: z + dz },
      placement: {
        x: { kind: "at", from: x * job.tileSize.x + dx },
        y: { kind: "at", from: y * job.tileSize.y + dy },
      },
      values: { kind: "cast", dtype: "uint32" },
      body: { kind: "tiff" },
      absent: "error",
    }),
  };
};

/**
 * `intern.InternChunkProcessor`: `uri`, and `token` with `host` and `protocol`. Only voxels of the job's extent are
 * read; the original put those of a chunk that begins before it at the chunk's own beginning.
 */
export const internChunks: ChunkPlugin = ({ params, job }) => {
  const volume = readVolume(params);
  return {
    process(_path, index) {
      const chunk = chunkBox(job, index);
      const read = intersect(chunk, job.extent);
      if (read !== undefined) return { chunk, read, volume, before: "error" };
      throw new SluiceError(
        `Cannot find the voxels of chunk x ${index.x}, y ${index.y}, z ${index.z}, t ${index.t}: it lies outside the ` +
          `extent; join the job with the configuration that it was made with`,
      );
    },
  };
};

function readVolume(params: PluginParams): ChunkVolume {
  const uri = params.text("uri");
  const [, collection = "", experiment = "", channel = "", resolution = "0"] =
    /^bossdb:\/\/([^/?#@]+)\/([^/?#]+)\/([^/?#]+)(?:\/(\d+))?\/?$/.exec(uri) ?? [];
  if (uri !== "" && channel === "") {
    params.fault(
      "uri",
      "it must be bossdb://COLLECTION/EXPERIMENT/CHANNEL, and may end with /RESOLUTION",
    );
  }
  const host = params.text("host", { otherwise: "api.bossdb.io" });
  const protocol = params.text("protocol", { otherwise: "https" });
  const hasToken = params.text("token", { otherwise: "", mayBeEmpty: true }) !== "";
  if (!hasToken && (params.has("host") || params.has("protocol"))) {
    const key = params.has("host") ? "host" : "protocol";
    params.doubt(
      key,
      "it means nothing without a token: the server is that of the intern SDK's own file",
    );
  }
  return {
    kind: "bossdb",
    collection,
    experiment,
    channel,
    resolution: Number(resolution),
    ...(hasToken ? { service: { protocol, host } } : {}),
  };
}
