/**
 * Other channels of a Boss as what tiles and chunks of a job are made of.
 * @module
 */
import { box, boxVolume } from "../core/box.ts";
import { viewVoxels, VOXEL_BYTES } from "../core/dtype.ts";
import { SluiceError } from "../core/errors.ts";
import { openBossdbArray } from "../plugins/bossdb_array.ts";
import type { VolumeArray } from "../plugins/volume_array.ts";
import type { WorkerPool } from "../pool/worker_pool.ts";
import type { JsonObject } from "./_config_json.ts";
import { BossToken } from "./credentials.ts";
import type { OpenChannelOptions } from "./cutout_channel.ts";
import type { OpenPlane } from "./planes.ts";
import type { ChunkVolume, PlaneSize, TilePlane } from "./plugin.ts";
import type { Spool } from "./spool.ts";
import { SpooledVolume } from "./spooled_volume.ts";

/** The channel that a chunk processor names. */
export type ChunkChannel = ChunkVolume & { readonly kind: "bossdb" };

/** The token in the parameters of a processor, for the server that stands beside it. */
export function tokenOfPlugin({ token }: JsonObject, path: string): BossToken | undefined {
  return typeof token === "string" && token !== ""
    ? new BossToken(token, `${path}.params.token`)
    : undefined;
}

/** Opens the channel of a chunk; its first level is the one that is meant. */
export async function openChunkChannel(
  { service, ...channel }: ChunkChannel,
  { token, ...options }: OpenChannelOptions,
): Promise<VolumeArray> {
  // A token goes to the server that stands beside it, and to none else.
  const own = service === undefined || token === undefined ? {} : { token };
  return await openBossdbArray(addressOf(channel, service), { ...options, ...own });
}

function addressOf(
  { collection, experiment, channel, resolution }: Omit<ChunkChannel, "kind" | "service">,
  service: ChunkChannel["service"],
): string {
  const place = service === undefined ? "" : `${service.protocol}://${service.host}/`;
  return `bossdb://${place}${collection}/${experiment}/${channel}/${resolution}`;
}

/** How slices of channels are read. */
export interface CutoutPlanesOptions {
  /** Where decoded voxels are kept. */
  readonly spool: Spool;
  /** Decodes. */
  readonly pool: WorkerPool;
  /** How channels are asked for. */
  readonly channels?: OpenChannelOptions;
}

/** Slices of channels that tiles are cut from; each cuboid is asked for once a machine. */
export class CutoutPlanes {
  readonly #options: CutoutPlanesOptions;
  readonly #open = new Map<string, Promise<VolumeArray>>();

  /** Asks nothing yet. */
  constructor(options: CutoutPlanesOptions) {
    this.#options = options;
  }

  /**
   * Opens a slice. Columns and rows are counted from the origin of the coordinate frame.
   * @param tile How much of it is asked for at once.
   * @throws {SluiceError} If the channel has no such slice.
   */
  async open(
    { z, ...channel }: TilePlane & { readonly kind: "cutout" },
    tile: PlaneSize,
    signal: AbortSignal,
  ): Promise<OpenPlane> {
    const { spool, pool, channels } = this.#options;
    const address = addressOf(channel, undefined);
    let opening = this.#open.get(address);
    if (opening === undefined) {
      opening = openBossdbArray(address, { ...channels, signal });
      this.#open.set(address, opening);
      opening.catch(() => this.#open.delete(address));
    }
    const { fingerprint, scales: [scale] } = await opening;
    const [left, top, first] = scale.offset;
    const [width, height, depth] = scale.size;
    if (z < first || z >= first + depth) {
      throw new SluiceError(
        `Cannot read slice z ${z} of "${address}": it has ${first} to ${
          first + depth - 1
        }; mend the extent of the job, or z_offset of the tile processor`,
      );
    }
    const volume = new SpooledVolume({
      name: `${fingerprint} ${scale.name}`,
      scale,
      want: [tile.width, tile.height, 1],
      spool,
      pool,
    });
    return {
      size: { width: left + width, height: top + height },
      dtype: scale.dtype,
      keptBytes: volume.cellBytes,
      read: async (from, size) => {
        const min = [from.x - left, from.y - top, z - first];
        const of = box(min, [min[0] + size.width, min[1] + size.height, min[2] + 1]);
        const voxels = viewVoxels(
          scale.dtype,
          new Uint8Array(boxVolume(of) * VOXEL_BYTES[scale.dtype]),
        );
        await volume.read(of, voxels, of, signal);
        return voxels;
      },
    };
  }
}
