/**
 * Channels of a Boss as volumes, read through its cutout service.
 *
 * Every resolution is a level, whose chunks are the Boss's own cuboids of 512 x 512 x 16 voxels, or the multiples of
 * them that the address asks for; time samples are times. What was never written is 0.
 * @module
 */
import { createHash } from "node:crypto";
import { type Box, box } from "../core/box.ts";
import { mapPoint, type Point } from "../core/point.ts";
import { parseBossAddress } from "../boss/cutout_address.ts";
import { type BossChannel, openChannel, type OpenChannelOptions } from "../boss/cutout_channel.ts";
import type { VolumeArray, VolumeArrayScale } from "./volume_array.ts";

/**
 * Opens a channel by its address.
 * @throws {UsageError} If the address names none.
 * @throws {BossError} If there is none, or the Boss does not show it.
 */
export async function openBossdbArray(
  address: string,
  options: OpenChannelOptions = {},
): Promise<VolumeArray> {
  return bossdbArray(await openChannel(parseBossAddress(address), options), address);
}

/** A channel as a volume. @param url How it is called. */
export function bossdbArray(channel: BossChannel, url: string): VolumeArray {
  const { kind, times, levels, identity } = channel;
  return {
    format: "bossdb",
    url,
    kind,
    axes: times > 1 ? ["t", "z", "y", "x"] : ["z", "y", "x"],
    scales: levels.map((_, level) => scaleOf(channel, level)),
    about: (signal) => channel.remarks(signal),
    fingerprint: createHash("sha256").update(identity).digest("hex"),
  };
}

function scaleOf(
  { dtype, times, levels, cutouts, address }: BossChannel,
  level: number,
): VolumeArrayScale {
  const { resolution, start, stop, voxelSize } = levels[level];
  const size: Point = [stop[0] - start[0], stop[1] - start[1], stop[2] - start[2], 1, times];
  const [x, y, z] = address.request;
  const chunk: Point = [x, y, z, 1, 1];
  cutouts.checkSize(box([0, 0, 0], [x, y, z]));
  const offset: Point = [...start, 0, 0];
  return {
    name: String(resolution),
    size,
    chunk,
    isCut: true,
    dtype,
    fill: 0,
    decoding: {
      format: "zarr",
      kind: "voxels",
      order: [0, 1, 2, 3, 4],
      bigEndian: false,
      packings: [{ kind: "blosc" }],
    },
    voxelSize,
    offset,
    storage: { codec: "blosc", steps: ["blosc"] },
    locate(index) {
      const of: Box = {
        min: mapPoint(index, (at, axis) => offset[axis] + at * chunk[axis]),
        max: mapPoint(
          index,
          (at, axis) => offset[axis] + Math.min((at + 1) * chunk[axis], size[axis]),
        ),
      };
      const ranges = [0, 1, 2, 4].map((axis) => `${of.min[axis]}:${of.max[axis]}`);
      return {
        name:
          `${cutouts.url}/v1/cutout/${address.collection}/${address.experiment}/${address.channel}/${resolution}/${
            ranges.join("/")
          }`,
        fetch: (signal) => cutouts.read(resolution, of, { signal }),
      };
    },
  };
}
