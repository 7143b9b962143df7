/**
 * A channel of a Boss as jobs write it: the finest level, cuboid by cuboid, through the cutout service. Coarser levels
 * are the Boss's own to make.
 * @module
 */
import type { BossChannel } from "../boss/cutout_channel.ts";
import { CUBOID } from "../boss/cutout_address.ts";
import { SluiceError, UsageError } from "../core/errors.ts";
import type { Layout } from "../core/layout.ts";
import type { Plan } from "../core/plan.ts";
import { mapPoint, type Point } from "../core/point.ts";
import { formatBox } from "../core/box.ts";
import { bossdbArray } from "../plugins/bossdb_array.ts";
import {
  cutoutKey,
  originOf,
  readState,
  unitCutout,
  unitSides,
  writeState,
} from "./_boss_cutout_units.ts";
import { ONE_CHUNK } from "./_unit_writer.ts";
import type { Blobs } from "./blobs/blobs.ts";
import { openBlobs } from "./blobs/open_blobs.ts";
import { BossCutoutBlobs } from "./boss_cutout_blobs.ts";
import { PLAN_KEY, readJson } from "./job_folder.ts";
import type { UnitForm, VolumeFormat } from "./volume.ts";

function channelOf(blobs: Blobs): Promise<BossChannel> {
  if (blobs instanceof BossCutoutBlobs) return blobs.channel();
  throw new SluiceError(`Cannot open "${blobs.url}" as a channel of a Boss: it is none`);
}

/** A channel as one of the formats. */
export const bossCutout: VolumeFormat = {
  async read(blobs) {
    const [channel, plan, state] = await Promise.all([
      channelOf(blobs),
      readJson(blobs, PLAN_KEY) as Promise<Plan | undefined>,
      readState(blobs),
    ]);
    const origin = state?.origin;
    return {
      array: bossdbArray(channel, blobs.url),
      ...(plan === undefined || origin === undefined
        ? {}
        : { written: bossdbArray(partOf(channel, plan, origin), blobs.url) }),
      state,
      units: (layout) => unitsOf(layout, channel, origin ?? [0, 0, 0, 0, 0]),
      displays: () =>
        Promise.resolve(
          state?.contrast?.map(({ start, end }) => ({
            window: [start, end] as const,
            color: [1, 1, 1] as const,
          })),
        ),
    };
  },
  async writeMetadata({ blobs }, plan, state) {
    // Whoever finishes the job may name the channel alone.
    const origin = (await readState(blobs))?.origin ??
      originOf(plan, (await channelOf(blobs)).address);
    await writeState(blobs, { ...state, origin });
  },
  async check(place, plan, overwrite) {
    await using blobs = await openBlobs(place);
    const channel = await channelOf(blobs);
    checkPlan(blobs.url, plan, channel);
    const before = overwrite ? undefined : (await readState(blobs))?.origin;
    const begun = before?.slice(0, 3).join("x");
    if (begun === undefined || begun === originOf(plan, channel.address).slice(0, 3).join("x")) {
      return;
    }
    throw new UsageError(
      `Cannot resume "${blobs.url}" elsewhere: it was begun with its first voxel at ${begun}; give ?at=${begun} to resume, or --overwrite to begin anew`,
    );
  },
};

/** The part of the finest level that a job writes. */
function partOf(channel: BossChannel, { layout }: Plan, origin: Point): BossChannel {
  const { size } = layout.scales[0];
  const [x, y, z] = mapPoint(origin, (value, axis) => value + size[axis]);
  const [level] = channel.levels;
  return {
    ...channel,
    times: size[4],
    levels: [{ ...level, start: [origin[0], origin[1], origin[2]], stop: [x, y, z] }],
  };
}

function unitsOf(
  layout: Layout,
  { levels: [{ resolution }] }: BossChannel,
  origin: Point,
): UnitForm {
  return {
    key: (unit) => cutoutKey(resolution, unitCutout(layout, unit, origin)),
    container: () => ONE_CHUNK,
    check: (unit) => ({ grid: undefined, shapes: [unitSides(layout, unit)] }),
  };
}

/** @throws {UsageError} If a channel cannot hold what is planned. */
function checkPlan(url: string, plan: Plan, channel: BossChannel): void {
  const { layout: { dtype, scales: [{ size }] } } = plan;
  const refuse = (state: string, wayOut: string) => {
    throw new UsageError(`Cannot write into "${url}": ${state}; ${wayOut}`);
  };
  if (channel.address.iso) {
    refuse("iso=true says how coarser levels are read", "leave it away");
  }
  if (dtype !== channel.dtype) {
    refuse(
      `the channel holds ${channel.dtype}, and the voxels are ${dtype}`,
      `create another with \`sluice prep\`, or give --cast ${channel.dtype} with --window`,
    );
  }
  const origin = originOf(plan, channel.address);
  const [{ start, stop, resolution }] = channel.levels;
  const all = unitCutout(
    { ...plan.layout, scales: [{ ...plan.layout.scales[0], shard: size }] },
    { scale: 0, index: [0, 0, 0, 0, 0] },
    origin,
  );
  const isIn = [0, 1, 2].every((axis) =>
    all.min[axis] >= start[axis] && all.max[axis] <= stop[axis]
  );
  if (!isIn || size[4] > channel.times) {
    const frame = {
      min: [...start, 0, 0] as unknown as Point,
      max: [...stop, 1, channel.times] as unknown as Point,
    };
    refuse(
      `the channel has ${
        formatBox(frame)
      } at resolution ${resolution}, and the voxels are to lie at ${formatBox(all)}`,
      "say where the first goes, as in ?at=0x0x0 behind the address, or create a larger coordinate frame with `sluice prep`",
    );
  }
  if (CUBOID.some((side, axis) => origin[axis] % side !== 0)) {
    refuse(
      `its first voxel is to lie at ${origin.slice(0, 3).join("x")}, inside a cuboid of ${
        CUBOID.join("x")
      }, so that two tasks would write one`,
      "say where it goes, as in ?at=512x512x16 behind the address, or crop where a cuboid begins",
    );
  }
}
